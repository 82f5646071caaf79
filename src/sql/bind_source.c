/*
 * bind_source.c -- one item of FROM: a table, a SELECT, or what a CTE or view of the name makes.
 *
 * A name is a CTE before it is a table or view. Columns of a made table keep the affinity and
 * collation of plain columns and CASTs; any other expression has none.
 */
#include "sql/bind.h"

#include "base/str.h"

#include <stdio.h>

static yoda_status open_table(struct scope *s, const struct ast_source *ast, struct source *out)
{
    const struct catalog *catalog = s->q->catalog;
    const char *why = "the table is not registered";
    const struct catalog_table *table = catalog->find_table(catalog->ctx, ast->name.text, &why);
    if (!table)
        return bind_refuse(s, "%s", why);
    TRY(rel_scan(s->q, table, &out->rel));
    out->rel->u.scan.alias = ast->alias.text;
    out->columns = arena_array(s->q->arena, struct source_column, table->column_count + 1);
    if (!out->columns)
        return fail_nomem(s->q->err, table->column_count * sizeof *out->columns);
    out->name = ast->alias.text ? ast->alias : ast->name;
    out->column_count = table->column_count;
    out->rowid = table->rowid_column;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct catalog_column *c = &table->columns[i];
        out->columns[i] = (struct source_column){.name = c->name,
                                                 .table = out->name,
                                                 .column = out->rel->u.scan.first + i,
                                                 .hidden = c->hidden,
                                                 .has_affinity = true,
                                                 .affinity = c->affinity,
                                                 .collation = c->collation};
    }
    return YODA_OK;
}

static bool name_taken(const struct source *source, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (ascii_equal_nocase(name, strlen(name), source->columns[i].name,
                               strlen(source->columns[i].name)))
            return true;
    return false;
}

/* a, a:1, a:2 */
static yoda_status unique_name(struct scope *s, const struct source *source, uint32_t i,
                               const char *name, const char **out)
{
    size_t size = strlen(name), end = size;
    char text[300];
    *out = name;
    if (!name_taken(source, i, name))
        return YODA_OK;
    while (end > 1 && name[end - 1] >= '0' && name[end - 1] <= '9')
        end--;
    if (end > 1 && name[end - 1] == ':')
        size = end - 1;
    for (unsigned n = 1; n < SQL_COLUMNS_MAX; n++) {
        snprintf(text, sizeof text, "%.*s:%u", (int)(size < 256 ? size : 256), name, n);
        if (name_taken(source, i, text))
            continue;
        *out = arena_copy(s->q->arena, text, strlen(text));
        return *out ? YODA_OK : fail_nomem(s->q->err, strlen(text));
    }
    return bind_refuse(s, "too many columns of one name");
}

yoda_status bind_made_source(struct scope *s, const struct bound *bound,
                             const struct ast_name *name, struct source *out)
{
    out->rel = bound->rel;
    out->name = *name;
    out->rowid = -1;
    out->columns = arena_array(s->q->arena, struct source_column, bound->count + 1);
    if (!out->columns)
        return fail_nomem(s->q->err, bound->count * sizeof *out->columns);
    for (uint32_t i = 0; i < bound->count; i++) {
        expr_ref e = bound->exprs[i];
        struct source_column *c = &out->columns[i];
        *c = (struct source_column){.table = *name,
                                    .column = bound->columns[i],
                                    .has_affinity = e->has_affinity,
                                    .affinity = e->affinity,
                                    .collation = e->collation};
        TRY(unique_name(s, out, i, bound->table_names[i], &c->name));
    }
    out->column_count = bound->count;
    return YODA_OK;
}

/* Does the SELECT show the rows of its only table as they come? */
static bool shows_order(const struct scope *s)
{
    const struct ast_core *core = s->core;
    return core && core->from && !core->from->next && !core->group_by && !core->distinct &&
           s->place.use == USE_RESULT;
}

static yoda_status open_select(struct scope *s, const struct ast_source *ast, struct source *out)
{
    struct bind_place place = s->place;
    struct bound bound;
    place.depth++;
    place.use = shows_order(s) ? USE_ORDERED_TABLE : USE_TABLE;
    TRY(bind_query(s->q, ast->select, &place, &bound));
    return bind_made_source(s, &bound, &ast->alias, out);
}

static bool is_main(const struct ast_name *schema)
{
    return !schema->text || ascii_equal_nocase(schema->text, schema->size, "main", 4);
}

yoda_status bind_source(struct scope *s, const struct ast_source *ast, struct source *out)
{
    bool found = false;
    if (ast->kind == AST_SOURCE_FUNCTION)
        return bind_refuse(s, "table functions run on SQLite");
    if (ast->kind == AST_SOURCE_SELECT)
        return open_select(s, ast, out);
    ASSERT(ast->kind == AST_SOURCE_TABLE);
    if (!is_main(&ast->schema))
        return bind_refuse(s, "schema %s is SQLite's", ast->schema.text);
    if (ast->indexed_by.text)
        return bind_refuse(s, "INDEXED BY names an index of SQLite");
    if (!ast->schema.text)
        TRY(bind_cte(s, ast, out, &found));
    if (!found)
        TRY(bind_view(s, ast, out, &found));
    return found ? YODA_OK : open_table(s, ast, out);
}
