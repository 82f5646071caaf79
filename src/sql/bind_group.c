/*
 * bind_group.c -- GROUP BY: the keys, and what in the clauses above equals one.
 *
 * A key is a column of the rows below the AGGREGATE: a plain column keeps its number, anything else
 * is computed by a MAP. Above, an expression equals a key when it binds to the same ROW expression.
 */
#include "sql/bind.h"

#include "base/str.h"

yoda_status bind_ordinal(struct scope *s, const struct ast_expr *e, int64_t columns, uint32_t *out)
{
    *out = 0;
    while (e->kind == AST_COLLATE)
        e = e->left;
    bool sign = false; /* SQLite takes -(-3) for a position, too: its answer */
    while (e->kind == AST_UNARY && (e->op == AST_OP_MINUS || e->op == AST_OP_PLUS)) {
        sign = true;
        e = e->left;
    }
    if (e->kind != AST_LITERAL || e->literal.type != YODA_INTEGER)
        return YODA_OK;
    if (sign || e->literal.i < 1 || e->literal.i > columns)
        return bind_refuse(s, "ORDER BY or GROUP BY term out of range");
    *out = (uint32_t)e->literal.i;
    return YODA_OK;
}

/* Where item number i of the select list (stars expanded) is an expression, its AST. */
static yoda_status result_item(struct scope *s, uint32_t position, const struct ast_expr **out)
{
    uint32_t i = 1;
    for (const struct ast_result *item = s->core->results; item; item = item->next, i++) {
        if (item->kind != AST_RESULT_EXPR)
            return bind_refuse(s, "GROUP BY position beside a star");
        if (i == position) {
            *out = item->expr;
            return YODA_OK;
        }
    }
    return bind_refuse(s, "GROUP BY term out of range");
}

static yoda_status bind_term(struct scope *s, const struct ast_expr *e, struct bound_key *key)
{
    uint32_t position;
    key->ast = e;
    TRY(bind_ordinal(s, e, SQL_COLUMNS_MAX, &position));
    if (position)
        TRY(result_item(s, position, &key->ast));
    if (bind_contents(key->ast) & (HAS_AGGREGATE | HAS_WINDOW))
        return bind_refuse(s, "aggregates are not allowed in GROUP BY");
    s->aliases = position == 0;
    s->in_keys = true;
    yoda_status status = bind_expr(s, LEVEL_ROW, key->ast, &key->expr);
    s->in_keys = false;
    s->aliases = true;
    return status;
}

static const struct ast_expr *alias_of(struct scope *s, const struct ast_expr *e)
{
    struct name_match m;
    if (e->kind != AST_COLUMN || bind_find_name(s, e, &m) != YODA_OK || m.kind != NAME_ALIAS)
        return e;
    return m.alias->expr;
}

yoda_status bind_group_by(struct scope *s)
{
    uint32_t count = 0, i = 0, *columns;
    for (const struct ast_expr *e = s->core->group_by; e; e = e->next)
        count++;
    s->keys = arena_array(s->q->arena, struct bound_key, count + 1);
    expr_ref *exprs = arena_array(s->q->arena, expr_ref, count + 1);
    if (!s->keys || !exprs)
        return fail_nomem(s->q->err, count * sizeof *s->keys);
    for (const struct ast_expr *e = s->core->group_by; e; e = e->next, i++) {
        TRY(bind_term(s, e, &s->keys[i]));
        s->keys[i].ast = alias_of(s, s->keys[i].ast);
        exprs[i] = s->keys[i].expr;
        s->computed_keys |= exprs[i]->kind != EXPR_INPUT ||
                            (bind_contents(s->keys[i].ast) & HAS_SUBQUERY);
    }
    TRY(bind_compute(s->q, &s->rel[LEVEL_ROW], exprs, NULL, count, &columns));
    for (i = 0; i < count; i++)
        s->keys[i].column = columns[i];
    s->key_count = count;
    return rel_new(s->q, REL_AGGREGATE, NULL, &s->rel[LEVEL_GROUP]);
}

yoda_status bind_key(struct scope *s, const struct bound_key *key, expr_ref row, expr_ref *out)
{
    return bind_input_like(s->q, key->column, row, out);
}

yoda_status bind_find_key(struct scope *s, const struct ast_expr *e, expr_ref *out)
{
    *out = NULL;
    if (!s->computed_keys || e->kind == AST_COLUMN || e->kind == AST_LITERAL)
        return YODA_OK;
    for (uint32_t i = 0; i < s->key_count; i++)
        if (s->keys[i].ast == e)
            return bind_key(s, &s->keys[i], s->keys[i].expr, out);
    if (bind_contents(e))
        return YODA_OK;
    yoda_error ignored, *err = s->q->err;
    expr_ref row;
    s->q->err = s->q->build.err = &ignored;
    yoda_status status = bind_expr(s, LEVEL_ROW, e, &row);
    s->q->err = s->q->build.err = err;
    if (status != YODA_OK)
        return status == YODA_NOMEM ? fail_nomem(err, 0) : YODA_OK;
    for (uint32_t i = 0; i < s->key_count; i++)
        if (expr_equal(row, s->keys[i].expr))
            return bind_key(s, &s->keys[i], row, out);
    return YODA_OK;
}

yoda_status bind_finish_group(struct scope *s)
{
    struct rel *rel = s->rel[LEVEL_GROUP];
    while (rel->child)
        rel = rel->child;
    ASSERT(rel->kind == REL_AGGREGATE);
    uint32_t *keys = arena_array(s->q->arena, uint32_t, s->key_count + 1), n = 0;
    if (!keys)
        return fail_nomem(s->q->err, s->key_count * sizeof *keys);
    for (uint32_t i = 0; i < s->key_count; i++) {
        bool known = false;
        for (uint32_t k = 0; k < n && !known; k++)
            known = keys[k] == s->keys[i].column;
        if (!known)
            keys[n++] = s->keys[i].column;
    }
    rel->child = s->rel[LEVEL_ROW];
    rel->u.aggregate.keys = keys;
    rel->u.aggregate.key_count = n;
    rel->u.aggregate.keyed = s->core->group_by != NULL;
    rel->u.aggregate.columns = s->aggregate_columns;
    rel->u.aggregate.aggregates = s->aggregates;
    rel->u.aggregate.count = s->aggregate_count;
    return bind_check_bare(s);
}
