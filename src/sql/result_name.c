/*
 * result_name.c -- what SQLite calls a result column.
 *
 * The alias where there is one; a column's declared name for a plain column (parentheses and
 * COLLATE do not count); otherwise the expression's own text.
 */
#include "sql/bind.h"

#include "base/str.h"

static const struct ast_expr *skip_wrappers(const struct ast_expr *e)
{
    while (e->kind == AST_COLLATE)
        e = e->left;
    return e;
}

yoda_status result_name(struct binder *b, const struct ast_result *item, const char **out)
{
    *out = item->alias.text;
    if (*out)
        return YODA_OK;
    const struct ast_expr *e = skip_wrappers(item->expr);
    int32_t column = e->kind == AST_COLUMN ? bind_find_column(b, e) : -1;
    if (column >= 0) {
        const struct catalog_column *c = &b->table->columns[column];
        *out = c->hidden ? "rowid" : c->name;
        return YODA_OK;
    }
    const struct ast_span *span = &item->expr->span;
    *out = arena_copy(b->arena, b->sql + span->start, span->end - span->start);
    return *out ? YODA_OK : fail_nomem(b->err, span->end - span->start);
}
