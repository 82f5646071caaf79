/*
 * bind_name.c -- which column a name means, by SQLite's rules.
 *
 * Order of search for a plain name: the table's columns, then rowid / oid / _rowid_, then the
 * aliases of the select list (SQLite allows those in WHERE, GROUP BY and HAVING too), then TRUE and
 * FALSE.
 */
#include "sql/bind.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

yoda_status bind_refuse(struct binder *b, const char *format, ...)
{
    char reason[YODA_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return fail(b->err, YODA_NOT_COLUMNAR, "%s", reason);
}

static bool same_name(const struct ast_name *a, const char *name)
{
    return ascii_equal_nocase(a->text, a->size, name, strlen(name));
}

static bool qualifier_matches(const struct binder *b, const struct ast_expr *column)
{
    if (column->schema.text && !same_name(&column->schema, "main"))
        return false;
    return !column->table.text || ascii_equal_nocase(column->table.text, column->table.size,
                                                     b->table_alias.text, b->table_alias.size);
}

static bool is_rowid_name(const struct ast_name *name)
{
    return same_name(name, "rowid") || same_name(name, "oid") || same_name(name, "_rowid_");
}

int32_t bind_find_column(const struct binder *b, const struct ast_expr *column)
{
    if (!qualifier_matches(b, column))
        return -1;
    for (uint32_t i = 0; i < b->table->column_count; i++) {
        const struct catalog_column *c = &b->table->columns[i];
        if (!c->hidden && same_name(&column->name, c->name))
            return (int32_t)i;
    }
    return is_rowid_name(&column->name) ? b->table->rowid_column : -1;
}

const struct ast_result *bind_find_alias(const struct binder *b, const struct ast_expr *name)
{
    if (name->kind != AST_COLUMN || name->table.text || name->schema.text)
        return NULL;
    for (const struct ast_result *r = b->core->results; r; r = r->next)
        if (r->alias.text && ascii_equal_nocase(r->alias.text, r->alias.size, name->name.text,
                                                name->name.size))
            return r;
    return NULL;
}

int bind_truth_word(const struct binder *b, const struct ast_expr *e)
{
    if (e->kind != AST_COLUMN || e->table.text || e->name.quote || bind_find_column(b, e) >= 0)
        return -1;
    if (same_name(&e->name, "true"))
        return 1;
    return same_name(&e->name, "false") ? 0 : -1;
}
