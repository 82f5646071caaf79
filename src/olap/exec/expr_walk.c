/*
 * expr_walk.c -- questions about trees: equality, inputs read, renumbered inputs.
 */
#include "olap/exec/expr_node.h"

static bool lists_equal(expr_ref a, expr_ref b)
{
    if (a->list_count != b->list_count || a->list_has_null != b->list_has_null)
        return false;
    for (uint32_t i = 0; i < a->list_count; i++)
        if (!value_identical(&a->list[i], &b->list[i]))
            return false;
    return true;
}

static bool heads_equal(expr_ref a, expr_ref b)
{
    if (a->kind != b->kind || a->type != b->type || a->op != b->op || a->negated != b->negated ||
        a->slot != b->slot || a->function != b->function || a->arg_count != b->arg_count ||
        a->compare_collation != b->compare_collation || a->text_as_number != b->text_as_number)
        return false;
    if (a->kind == EXPR_CAST && a->affinity != b->affinity)
        return false;
    return a->kind != EXPR_CONST || value_identical(&a->constant, &b->constant);
}

bool expr_equal(expr_ref a, expr_ref b)
{
    if (a == b)
        return true;
    if (!heads_equal(a, b) || !lists_equal(a, b))
        return false;
    for (uint32_t i = 0; i < a->arg_count; i++)
        if (!expr_equal(a->args[i], b->args[i]))
            return false;
    return true;
}

void expr_inputs(expr_ref e, uint64_t *used)
{
    if (e->kind == EXPR_INPUT)
        bit_set(used, e->slot);
    for (uint32_t i = 0; i < e->arg_count; i++)
        expr_inputs(e->args[i], used);
}

yoda_status expr_remap(struct expr_builder *b, expr_ref e, const uint32_t *map, expr_ref *out)
{
    struct expr head = *e;
    if (e->kind == EXPR_CONST) {
        *out = e;
        return YODA_OK;
    }
    if (e->kind == EXPR_INPUT)
        head.slot = map[e->slot];
    if (e->arg_count > 0) {
        expr_ref *args = arena_array(b->arena, expr_ref, e->arg_count);
        if (!args)
            return fail_nomem(b->err, e->arg_count * sizeof *args);
        for (uint32_t i = 0; i < e->arg_count; i++)
            TRY(expr_remap(b, e->args[i], map, &args[i]));
        head.args = args;
    }
    return expr_copy(b, &head, out);
}

/* A copy of e over other arguments; folded where they all became constants, that succeeds and keeps
 * e's type: CAST('1' AS NUMERIC) is a VT_NUM to all who read it, its value alone is a VT_INT. */
static yoda_status with_args(struct expr_builder *b, expr_ref e, const expr_ref *args, bool constant,
                             expr_ref *out)
{
    struct expr head = *e;
    head.args = args;
    expr_inherit_errors(&head);
    if (constant && expr_fold(&(struct expr_builder){b->arena, &(yoda_error){0}}, &head, out) ==
                        YODA_OK && (*out)->type == e->type)
        return YODA_OK;
    return expr_copy(b, &head, out);
}

yoda_status expr_substitute(struct expr_builder *b, expr_ref e, const expr_ref *with, expr_ref *out)
{
    *out = e;
    if (e->kind == EXPR_INPUT && with[e->slot])
        *out = with[e->slot];
    if (e->arg_count == 0)
        return YODA_OK;
    expr_ref *args = arena_array(b->arena, expr_ref, e->arg_count);
    bool changed = false, constant = true;
    if (!args)
        return fail_nomem(b->err, e->arg_count * sizeof *args);
    for (uint32_t i = 0; i < e->arg_count; i++) {
        TRY(expr_substitute(b, e->args[i], with, &args[i]));
        changed |= args[i] != e->args[i];
        constant &= args[i]->kind == EXPR_CONST;
    }
    return changed ? with_args(b, e, args, constant, out) : YODA_OK;
}
