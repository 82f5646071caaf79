/*
 * bind_row.c -- comparisons of row values: (a, b) op (c, d), either side a list or a subquery.
 *
 *   =, IS        all parts are equal        <>, IS NOT   some part is not
 *   <, <=, ...   a < c OR (a = c AND b <= d)
 *
 * A subquery of n columns is bound n times, once for each: a scalar subquery has one row (or the
 * run is refused), so all see the same one.
 */
#include "sql/bind.h"

uint32_t bind_row_width(const struct ast_expr *e)
{
    uint32_t count = 0;
    if (e->kind == AST_ROW)
        return e->arg_count;
    if (e->kind != AST_SUBQUERY || e->select->cores->kind != AST_CORE_SELECT)
        return 1;
    for (const struct ast_result *r = e->select->cores->results; r; r = r->next, count++)
        if (r->kind != AST_RESULT_EXPR)
            return 1;
    return count;
}

static yoda_status bind_part(struct scope *s, enum bind_level level, const struct ast_expr *e,
                             uint32_t i, uint32_t width, expr_ref *out)
{
    if (e->kind == AST_SUBQUERY)
        return bind_scalar(s, level, e->select, i, width, out);
    const struct ast_expr *part = e->args;
    while (i--)
        part = part->next;
    return bind_expr(s, level, part, out);
}

static enum expr_op op_of(enum ast_op op)
{
    static const enum expr_op ops[] = {[AST_OP_EQ] = OP_EQ, [AST_OP_NE] = OP_NE,
                                       [AST_OP_LT] = OP_LT, [AST_OP_LE] = OP_LE,
                                       [AST_OP_GT] = OP_GT, [AST_OP_GE] = OP_GE,
                                       [AST_OP_IS] = OP_IS, [AST_OP_IS_NOT] = OP_IS_NOT};
    return ops[op];
}

/* All parts equal, or some part not. */
static yoda_status compare_all(struct scope *s, enum expr_op op, const expr_ref *a,
                               const expr_ref *c, uint32_t width, expr_ref *out)
{
    bool any = op == OP_NE || op == OP_IS_NOT;
    TRY(bind_compare(s, op, a[0], c[0], out));
    for (uint32_t i = 1; i < width; i++) {
        expr_ref one;
        TRY(bind_compare(s, op, a[i], c[i], &one));
        TRY(any ? expr_or(&s->q->build, *out, one, out) : expr_and(&s->q->build, *out, one, out));
    }
    return YODA_OK;
}

static yoda_status compare_order(struct scope *s, enum expr_op op, const expr_ref *a,
                                 const expr_ref *c, uint32_t width, expr_ref *out)
{
    enum expr_op strict = op == OP_LT || op == OP_LE ? OP_LT : OP_GT;
    TRY(bind_compare(s, op, a[width - 1], c[width - 1], out));
    for (uint32_t i = width - 1; i-- > 0;) {
        expr_ref less, equal;
        TRY(bind_compare(s, strict, a[i], c[i], &less));
        TRY(bind_compare(s, OP_EQ, a[i], c[i], &equal));
        TRY(expr_and(&s->q->build, equal, *out, out));
        TRY(expr_or(&s->q->build, less, *out, out));
    }
    return YODA_OK;
}

yoda_status bind_row_compare(struct scope *s, enum bind_level level, const struct ast_expr *e,
                             expr_ref *out)
{
    uint32_t width = bind_row_width(e->left);
    bool compares = (e->op >= AST_OP_EQ && e->op <= AST_OP_IS_NOT);
    if (!compares || width != bind_row_width(e->right) || width < 2)
        return bind_refuse(s, "row value misused");
    expr_ref *a = arena_array(s->q->arena, expr_ref, width);
    expr_ref *c = arena_array(s->q->arena, expr_ref, width);
    if (!a || !c)
        return fail_nomem(s->q->err, width * sizeof *a);
    for (uint32_t i = 0; i < width; i++) {
        TRY(bind_part(s, level, e->left, i, width, &a[i]));
        TRY(bind_part(s, level, e->right, i, width, &c[i]));
    }
    enum expr_op op = op_of(e->op);
    bool order = op >= OP_LT && op <= OP_GE;
    return order ? compare_order(s, op, a, c, width, out) : compare_all(s, op, a, c, width, out);
}
