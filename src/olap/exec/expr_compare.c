/*
 * expr_compare.c -- comparisons, BETWEEN and IN: whose affinity and whose collation.
 *
 * Affinity (SQLite's rule): where both sides have one (a column without a type has BLOB), NUMERIC
 * when either is numeric, else none; where one side has one, that one. NUMERIC turns TEXT that is a
 * number into a number, TEXT turns numbers into text when the other value is TEXT. Constants are
 * converted here; numbers against text become a CAST; only texts that may or may not be numbers are
 * left to the rows (text_as_number).
 */
#include "olap/exec/expr_node.h"

#include "olap/exec/eval.h"
#include "olap/exec/numeric_text.h"

#include <stdlib.h>

static bool is_number(enum vtype type)
{
    return type >= VT_INT && type <= VT_NUM;
}

/* Collation of an operation on a and c: an explicit one, else a column's; left before right. */
static enum collation pair_collation(expr_ref a, expr_ref c)
{
    if (a->explicit_collation)
        return a->collation;
    if (c->explicit_collation || !a->has_collation)
        return c->has_collation ? c->collation : COLLATE_BINARY;
    return a->collation;
}

/* The affinity of one side; BLOB where it has none. */
static enum affinity side_affinity(expr_ref e)
{
    return e->has_affinity ? e->affinity : AFFINITY_BLOB;
}

static enum affinity pair_affinity(expr_ref a, expr_ref c)
{
    enum affinity x = side_affinity(a), y = side_affinity(c);
    if (a->has_affinity && c->has_affinity)
        return x >= AFFINITY_NUMERIC || y >= AFFINITY_NUMERIC ? AFFINITY_NUMERIC : AFFINITY_BLOB;
    return x != AFFINITY_BLOB ? x : y;
}

/* A constant under numeric affinity. */
static yoda_status number_of_constant(struct expr_builder *b, expr_ref e, expr_ref *out)
{
    struct value v = numeric_text_affinity(e->constant);
    return expr_constant(b, &v, out);
}

/* Values of a numeric column were converted when they were stored: its texts are not numbers. */
static bool text_stays_text(expr_ref e)
{
    return e->type != VT_TEXT || e->kind == EXPR_CONST ||
           (e->kind == EXPR_INPUT && e->has_affinity && e->affinity >= AFFINITY_NUMERIC);
}

/* Convert both sides as the affinity asks. */
static yoda_status apply_affinity(struct expr_builder *b, enum affinity affinity, expr_ref side[2],
                                  bool *text_as_number)
{
    *text_as_number = false;
    if (affinity == AFFINITY_BLOB)
        return YODA_OK;
    if (affinity == AFFINITY_TEXT) {
        for (int i = 0; i < 2; i++)
            if (is_number(side[i]->type) && side[1 - i]->type == VT_TEXT)
                TRY(expr_cast(b, side[i], AFFINITY_TEXT, &side[i]));
        return YODA_OK;
    }
    for (int i = 0; i < 2; i++)
        if (side[i]->kind == EXPR_CONST)
            TRY(number_of_constant(b, side[i], &side[i]));
    *text_as_number = !text_stays_text(side[0]) || !text_stays_text(side[1]);
    return YODA_OK;
}

#define EXACT_INT_MAX (INT64_C(1) << 53)

/* A numeric constant in the type of the other side where that is the same value: kernels compare
 * like with like. */
static yoda_status match_constant(struct expr_builder *b, expr_ref *constant, enum vtype type)
{
    struct value v = (*constant)->constant;
    if ((*constant)->kind != EXPR_CONST)
        return YODA_OK;
    if (type == VT_INT && v.type == YODA_REAL && v.r >= -0x1p62 && v.r <= 0x1p62 &&
        (double)(int64_t)v.r == v.r)
        v = value_int((int64_t)v.r);
    else if (type == VT_REAL && v.type == YODA_INTEGER && v.i >= -EXACT_INT_MAX &&
             v.i <= EXACT_INT_MAX)
        v = value_real((double)v.i);
    else
        return YODA_OK;
    return expr_constant(b, &v, constant);
}

yoda_status expr_compare_with(struct expr_builder *b, enum expr_op op, expr_ref a, expr_ref c,
                              enum affinity affinity, enum collation collation, expr_ref *out)
{
    expr_ref side[2] = {a, c};
    bool text_as_number, null_safe = op == OP_IS || op == OP_IS_NOT;
    ASSERT(op >= OP_EQ && op <= OP_IS_NOT);
    TRY(apply_affinity(b, affinity, side, &text_as_number));
    TRY(match_constant(b, &side[0], side[1]->type));
    TRY(match_constant(b, &side[1], side[0]->type));
    bool null = side[0]->type == VT_NULL || side[1]->type == VT_NULL;
    struct expr e = {.kind = EXPR_COMPARE,
                     .op = op,
                     .type = null && !null_safe ? VT_NULL : VT_INT,
                     .boolean = true,
                     .nullable = !null_safe && (a->nullable || c->nullable),
                     .compare_collation = collation,
                     .text_as_number = text_as_number};
    /* The conversions above must not lose a COLLATE that travels upward. */
    const struct expr *explicit_side = a->explicit_collation ? a : c->explicit_collation ? c : NULL;
    if (explicit_side) {
        e.has_collation = e.explicit_collation = true;
        e.collation = explicit_side->collation;
    }
    return expr_node(b, &e, side, 2, out);
}

yoda_status expr_compare(struct expr_builder *b, enum expr_op op, expr_ref a, expr_ref c,
                         expr_ref *out)
{
    if (c->truth_word && (op == OP_IS || op == OP_IS_NOT)) {
        const char *name = c->constant.i ? (op == OP_IS ? "is true" : "is not true")
                                         : (op == OP_IS ? "is false" : "is not false");
        return expr_call(b, name, strlen(name), &a, 1, out);
    }
    return expr_compare_with(b, op, a, c, pair_affinity(a, c), pair_collation(a, c), out);
}

yoda_status expr_between(struct expr_builder *b, expr_ref a, expr_ref low, expr_ref high,
                         bool negated, expr_ref *out)
{
    expr_ref from, to;
    TRY(expr_compare(b, negated ? OP_LT : OP_GE, a, low, &from));
    TRY(expr_compare(b, negated ? OP_GT : OP_LE, a, high, &to));
    return negated ? expr_or(b, from, to, out) : expr_and(b, from, to, out);
}

/* ---- IN ------------------------------------------------------------------------------------- */

/* Items are converted under the left side's affinity alone. */
static yoda_status list_value(struct expr_builder *b, enum affinity affinity, enum vtype left,
                              struct value *v)
{
    if (affinity >= AFFINITY_NUMERIC)
        *v = numeric_text_affinity(*v);
    else if (affinity == AFFINITY_TEXT && left == VT_TEXT && v->type != YODA_BLOB)
        return eval_value_text(b->arena, v, v, b->err);
    return YODA_OK;
}

/* Can the value equal one of the type at all? Numbers change to the type's class where they can. */
static bool fits_type(struct value *v, enum vtype type)
{
    if (type == VT_INT && v->type == YODA_REAL) {
        if (!(v->r >= -0x1p63 && v->r < 0x1p63) || (double)(int64_t)v->r != v->r)
            return false;
        *v = value_int((int64_t)v->r);
    }
    switch (type) {
    case VT_INT:
        return v->type == YODA_INTEGER;
    case VT_REAL:
    case VT_NUM:
        return v->type == YODA_INTEGER || v->type == YODA_REAL;
    case VT_TEXT:
        return v->type == YODA_TEXT;
    default:
        return v->type == YODA_BLOB;
    }
}

static int compare_items(const void *a, const void *c, void *collation)
{
    return value_compare(a, c, *(const enum collation *)collation);
}

/* Sort and drop equal items. */
static uint32_t sort_items(struct value *list, uint32_t count, enum collation collation)
{
    uint32_t kept = 0;
    if (count == 0)
        return 0;
    qsort_r(list, count, sizeof *list, compare_items, &collation);
    for (uint32_t i = 1; i < count; i++)
        if (value_compare(&list[i], &list[kept], collation) != 0)
            list[++kept] = list[i];
    return kept + 1;
}

/* The node for the constant items; items[count] that are not constant are skipped. */
static yoda_status in_constants(struct expr_builder *b, expr_ref a, const expr_ref *items,
                                uint32_t count, bool negated, expr_ref *out)
{
    struct value *list = arena_array(b->arena, struct value, count + 1);
    struct expr e = {.kind = EXPR_IN,
                     .type = a->type == VT_NULL ? VT_NULL : VT_INT,
                     .boolean = true,
                     .negated = negated,
                     .nullable = true,
                     .compare_collation = a->has_collation ? a->collation : COLLATE_BINARY,
                     .list = list};
    if (!list)
        return fail_nomem(b->err, count * sizeof *list);
    for (uint32_t i = 0; i < count; i++) {
        struct value v = items[i]->constant;
        if (items[i]->kind != EXPR_CONST)
            continue;
        TRY(list_value(b, side_affinity(a), a->type, &v));
        if (v.type == YODA_NULL)
            e.list_has_null = true;
        else if (fits_type(&v, a->type))
            list[e.list_count++] = v;
    }
    e.list_count = sort_items(list, e.list_count, e.compare_collation);
    e.nullable = a->nullable || e.list_has_null;
    return expr_node(b, &e, &a, 1, out);
}

/* Items with columns: one comparison each, by the left side's affinity and collation. */
static yoda_status in_other(struct expr_builder *b, expr_ref a, expr_ref item, bool negated,
                            expr_ref *node)
{
    expr_ref one, left = *node;
    TRY(expr_compare_with(b, negated ? OP_NE : OP_EQ, a, item, side_affinity(a),
                          a->has_collation ? a->collation : COLLATE_BINARY, &one));
    if (!left) {
        *node = one;
        return YODA_OK;
    }
    return negated ? expr_and(b, left, one, node) : expr_or(b, left, one, node);
}

static bool is_unsettled(expr_ref a, expr_ref item)
{
    /* A text column without numeric affinity of its own needs no converting: only the left side's
     * affinity counts, and its texts are not numbers (text_stays_text) unless it is a CAST. */
    return item->kind != EXPR_CONST ||
           (side_affinity(a) >= AFFINITY_NUMERIC && !text_stays_text(a));
}

yoda_status expr_in(struct expr_builder *b, expr_ref a, const expr_ref *items, uint32_t count,
                    bool negated, expr_ref *out)
{
    uint32_t constants = 0;
    expr_ref node = NULL;
    if (count == 0) {
        const struct value v = value_int(negated);
        TRY(expr_constant(b, &v, &node));
        struct expr word = *node;
        word.truth_word = true;
        return expr_copy(b, &word, out);
    }
    if (count == 1 && items[0]->kind == EXPR_CONST) { /* SQLite's parser makes it a = +item */
        expr_ref item;
        TRY(expr_plus(b, items[0], &item));
        return expr_compare(b, negated ? OP_NE : OP_EQ, a, item, out);
    }
    for (uint32_t i = 0; i < count; i++)
        constants += !is_unsettled(a, items[i]);
    if (constants > 0)
        TRY(in_constants(b, a, items, count, negated, &node));
    for (uint32_t i = 0; i < count; i++)
        if (is_unsettled(a, items[i]))
            TRY(in_other(b, a, items[i], negated, &node));
    *out = node;
    return YODA_OK;
}
