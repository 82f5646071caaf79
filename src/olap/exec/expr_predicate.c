/*
 * expr_predicate.c -- conditions that a chunk can answer in its codes: a column against constants.
 *
 * As a filter only: rows where the condition is NULL and rows where it is false are the same here.
 */
#include "olap/column/code_predicate.h"
#include "olap/exec/expr_node.h"

static bool predicate_op(enum expr_op op, bool swapped, enum predicate_op *out)
{
    switch (op) {
    case OP_EQ:
    case OP_IS: /* with a constant that is not NULL */
        *out = PRED_EQ;
        return true;
    case OP_NE:
        *out = PRED_NE;
        return true;
    case OP_LT:
        *out = swapped ? PRED_GT : PRED_LT;
        return true;
    case OP_LE:
        *out = swapped ? PRED_GE : PRED_LE;
        return true;
    case OP_GT:
        *out = swapped ? PRED_LT : PRED_GT;
        return true;
    case OP_GE:
        *out = swapped ? PRED_LE : PRED_GE;
        return true;
    default:
        return false;
    }
}

static bool compare_predicate(expr_ref e, uint32_t *slot, struct predicate *out)
{
    bool swapped = e->args[1]->kind == EXPR_INPUT;
    expr_ref column = e->args[swapped ? 1 : 0], constant = e->args[swapped ? 0 : 1];
    if (column->kind != EXPR_INPUT || constant->kind != EXPR_CONST ||
        constant->constant.type == YODA_NULL || e->text_as_number ||
        !predicate_op(e->op, swapped, &out->op))
        return false;
    *slot = column->slot;
    out->collation = e->compare_collation;
    out->count = 1;
    out->constants = &constant->constant;
    return true;
}

static bool in_predicate(expr_ref e, uint32_t *slot, struct predicate *out)
{
    if (e->args[0]->kind != EXPR_INPUT || e->negated || e->list_count == 0)
        return false;
    *slot = e->args[0]->slot;
    *out = (struct predicate){.op = PRED_IN,
                              .collation = e->compare_collation,
                              .count = e->list_count,
                              .constants = e->list};
    return true;
}

static bool null_predicate(expr_ref e, uint32_t *slot, struct predicate *out)
{
    if (e->args[0]->kind != EXPR_INPUT)
        return false;
    *slot = e->args[0]->slot;
    *out = (struct predicate){.op = e->negated ? PRED_NOT_NULL : PRED_IS_NULL};
    return true;
}

bool expr_as_predicate(expr_ref e, struct arena *arena, uint32_t *slot, struct predicate *out)
{
    YODA_UNUSED(arena); /* constants and lists live as long as the expression */
    *out = (struct predicate){.op = PRED_EQ};
    if (e->type == VT_NULL)
        return false;
    switch (e->kind) {
    case EXPR_COMPARE:
        return compare_predicate(e, slot, out);
    case EXPR_IN:
        return in_predicate(e, slot, out);
    case EXPR_IS_NULL:
        return null_predicate(e, slot, out);
    default:
        return false;
    }
}
