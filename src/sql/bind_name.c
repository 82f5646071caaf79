/*
 * bind_name.c -- what SQLite calls a result column.
 *
 * The alias where there is one; a column's declared name for a plain column (parentheses and
 * COLLATE do not count); otherwise the expression's own text. A column of a table in FROM that is
 * made by a SELECT is named before names are looked up: as it was written, not as declared.
 */
#include "sql/bind.h"

#include "base/str.h"

static yoda_status declared_name(struct scope *s, const struct ast_expr *e, const char **out)
{
    struct name_match m;
    for (struct scope *at = s; at && !*out; at = at->place.outer) {
        bool aliases = at->aliases;
        at->aliases = false;
        yoda_status status = bind_find_name(at, e, &m);
        at->aliases = aliases;
        TRY(status);
        if (m.kind == NAME_COLUMN && m.count > 1)
            return YODA_OK;
        if (m.kind == NAME_COLUMN)
            *out = m.columns[0]->hidden ? "rowid" : m.columns[0]->name;
    }
    return YODA_OK;
}

yoda_status bind_result_name(struct scope *s, const struct ast_result *item, bool made,
                             const char **out)
{
    *out = item->alias.text;
    if (*out)
        return YODA_OK;
    const struct ast_expr *e = item->expr;
    while (e->kind == AST_COLLATE)
        e = e->left;
    if (e->kind == AST_COLUMN && made)
        *out = e->name.text;
    else if (e->kind == AST_COLUMN)
        TRY(declared_name(s, e, out));
    if (*out)
        return YODA_OK;
    const struct ast_span *span = &item->expr->span;
    *out = arena_copy(s->q->arena, s->place.sql + span->start, span->end - span->start);
    return *out ? YODA_OK : fail_nomem(s->q->err, span->end - span->start);
}
