/*
 * mirror_def.c -- the store's definition of a SQLite table, and which tables cannot have one.
 */
#include "cdc/mirror_def.h"

#include "base/hash.h"
#include "base/str.h"
#include "oltp/ddl_text.h"

static bool collation_of(const char *name, enum collation *out)
{
    if (name_equal(name, "BINARY"))
        *out = COLLATE_BINARY;
    else if (name_equal(name, "NOCASE"))
        *out = COLLATE_NOCASE;
    else if (name_equal(name, "RTRIM"))
        *out = COLLATE_RTRIM;
    else
        return false;
    return true;
}

static bool depends_on(const struct schema_table *table, const char *text, uint32_t column,
                       uint32_t depth)
{
    if (!text || depth > 32 || ddl_mentions(text, table->columns[column].name))
        return true;
    for (uint32_t i = 0; i < table->column_count; i++)
        if (table->columns[i].generated && ddl_mentions(text, table->columns[i].name) &&
            depends_on(table, table->columns[i].generated_sql, column, depth + 1))
            return true;
    return false;
}

bool mirror_def_depends(const struct schema_table *table, const char *text, uint32_t column)
{
    return depends_on(table, text, column, 0);
}

/* An automatic rowid is not known before the insert, so neither is what is computed from it. */
static bool term_needs_rowid(const struct schema_table *table, const struct schema_index_term *term)
{
    if (table->rowid_alias < 0)
        return false;
    if (term->column < 0)
        return depends_on(table, term->expr, (uint32_t)table->rowid_alias, 0);
    const struct schema_column *column = &table->columns[term->column];
    return column->generated &&
           depends_on(table, column->generated_sql, (uint32_t)table->rowid_alias, 0);
}

static yoda_status check_indexes(const struct schema_table *table, yoda_error *err)
{
    for (uint32_t i = 0; i < table->index_count; i++) {
        const struct schema_index *index = &table->indexes[i];
        for (uint32_t t = 0; t < index->term_count; t++) {
            enum collation known;
            if (!collation_of(index->terms[t].collation, &known))
                return fail(err, YODA_ERROR,
                            "UNIQUE index \"%s\" uses collation %s, which Yoda does "
                            "not have: use BINARY, NOCASE or RTRIM",
                            index->name, index->terms[t].collation);
            if (term_needs_rowid(table, &index->terms[t]))
                return fail(err, YODA_ERROR,
                            "UNIQUE index \"%s\" computes a term from the INTEGER "
                            "PRIMARY KEY: make it an ordinary index or drop the term",
                            index->name);
        }
    }
    return YODA_OK;
}

yoda_status mirror_def_check(struct conn *conn, const struct schema_table *table, yoda_error *err)
{
    if (!conn_is_utf8(conn))
        return fail(err, YODA_ERROR,
                    "the file's encoding is UTF-16: only UTF-8 files can be "
                    "mirrored; copy it with .dump into a file made under PRAGMA encoding='UTF-8'");
    if (!table->without_rowid && !table->rowid_name)
        return fail(err, YODA_ERROR,
                    "the columns of \"%s\" hide all names of its rowid: rename one "
                    "of rowid, _rowid_ and oid, or add an INTEGER PRIMARY KEY",
                    table->name);
    if (table->key_count > KEY_COLUMNS_MAX)
        return fail(err, YODA_ERROR, "the key of \"%s\" has more than %d columns", table->name,
                    KEY_COLUMNS_MAX);
    for (uint32_t i = 0; i < table->column_count; i++)
        if (!table->columns[i].collation_known)
            return fail(err, YODA_ERROR,
                        "column \"%s\" of \"%s\" has a collation that Yoda does not "
                        "have: use BINARY, NOCASE or RTRIM",
                        table->columns[i].name, table->name);
    for (uint32_t i = 0; i < table->key_count; i++) {
        enum collation known;
        if (!collation_of(table->key_collations[i], &known))
            return fail(err, YODA_ERROR,
                        "the key of \"%s\" has collation %s, which Yoda does not "
                        "have",
                        table->name, table->key_collations[i]);
    }
    return check_indexes(table, err);
}

void mirror_def_build(const struct schema_table *table, uint64_t epoch, struct table_def *out)
{
    *out = (struct table_def){0};
    out->column_count = table->column_count + mirror_def_hidden_rowid(table);
    out->schema_hash = hash_combine(table->hash, epoch);
    if (!table->without_rowid) {
        out->key_count = 1;
        out->key_is_rowid = true;
        out->key_columns[0] =
            table->rowid_alias >= 0 ? (uint32_t)table->rowid_alias : table->column_count;
        return;
    }
    ASSERT(table->key_count > 0 && table->key_count <= KEY_COLUMNS_MAX);
    out->key_count = table->key_count;
    for (uint32_t i = 0; i < table->key_count; i++) {
        out->key_columns[i] = table->key_columns[i];
        bool known = collation_of(table->key_collations[i], &out->key_collations[i]);
        ASSERT(known);
        YODA_UNUSED(known);
    }
}
