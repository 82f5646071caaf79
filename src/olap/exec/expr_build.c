/*
 * expr_build.c -- the constructors: types, affinity and collation of everything but comparisons and
 * functions.
 */
#include "olap/exec/expr_node.h"
#include "olap/exec/function.h"

yoda_status expr_input(struct expr_builder *b, uint32_t slot, uint32_t classes,
                       enum affinity affinity, bool has_affinity, enum collation collation,
                       expr_ref *out)
{
    struct expr e = {.kind = EXPR_INPUT,
                     .slot = slot,
                     .classes = classes,
                     .nullable = (classes & CLASS_NULL) || (classes & CLASS_VALUES) == 0,
                     .affinity = affinity,
                     .has_affinity = has_affinity,
                     .collation = collation,
                     .has_collation = true};
    if (!vtype_of_classes(classes, &e.type))
        return fail(b->err, YODA_NOT_COLUMNAR, "a column mixes storage classes");
    return expr_copy(b, &e, out);
}

static bool is_number(expr_ref e)
{
    return e->type >= VT_INT && e->type <= VT_NUM;
}

yoda_status expr_number(struct expr_builder *b, expr_ref a, expr_ref *out)
{
    if (is_number(a) || a->type == VT_NULL) {
        *out = a;
        return YODA_OK;
    }
    const struct expr e = {.kind = EXPR_CALL,
                           .type = VT_NUM,
                           .nullable = a->nullable,
                           .function = &function_to_number};
    return expr_node(b, &e, &a, 1, out);
}

/* A literal -0.0 is negative, 0 - 0.0 is not; which one it is does not show here. */
static bool is_zero_real(expr_ref e)
{
    return e->kind == EXPR_CONST && e->constant.type == YODA_REAL && e->constant.r == 0.0;
}

yoda_status expr_negate(struct expr_builder *b, expr_ref a, expr_ref *out)
{
    if (is_zero_real(a))
        return fail(b->err, YODA_NOT_COLUMNAR, "a negated zero runs on SQLite");
    TRY(expr_number(b, a, &a));
    const struct expr e = {.kind = EXPR_NEGATE, .type = a->type, .nullable = true};
    return expr_node(b, &e, &a, 1, out);
}

yoda_status expr_plus(struct expr_builder *b, expr_ref a, expr_ref *out)
{
    struct expr head = *a;
    head.has_affinity = head.truth_word = false;
    if (head.kind != EXPR_CAST)
        head.affinity = AFFINITY_BLOB;
    return expr_copy(b, &head, out);
}

/* An operand of a bit operation. */
static yoda_status integer_operand(struct expr_builder *b, expr_ref a, expr_ref *out)
{
    if (a->type == VT_INT || a->type == VT_NULL) {
        *out = a;
        return YODA_OK;
    }
    return expr_cast(b, a, AFFINITY_INTEGER, out);
}

yoda_status expr_bit_not(struct expr_builder *b, expr_ref a, expr_ref *out)
{
    TRY(integer_operand(b, a, &a));
    const struct expr e = {.kind = EXPR_BIT_NOT, .type = a->type, .nullable = a->nullable};
    return expr_node(b, &e, &a, 1, out);
}

static enum vtype arithmetic_type(enum vtype a, enum vtype c)
{
    if (a == VT_NULL || c == VT_NULL)
        return VT_NULL;
    if (a == VT_REAL || c == VT_REAL)
        return VT_REAL;
    return a == VT_INT && c == VT_INT ? VT_INT : VT_NUM;
}

yoda_status expr_arithmetic(struct expr_builder *b, enum expr_op op, expr_ref a, expr_ref c,
                            expr_ref *out)
{
    expr_ref args[2];
    bool text = (!is_number(a) && a->type != VT_NULL) || (!is_number(c) && c->type != VT_NULL);
    ASSERT(op <= OP_SHIFT_RIGHT);
    if (op == OP_MOD && text)
        return fail(b->err, YODA_NOT_COLUMNAR, "%% of text runs on SQLite");
    if (op >= OP_BIT_AND) {
        TRY(integer_operand(b, a, &args[0]));
        TRY(integer_operand(b, c, &args[1]));
    } else {
        TRY(expr_number(b, a, &args[0]));
        TRY(expr_number(b, c, &args[1]));
    }
    bool integral = args[0]->type == VT_INT && args[1]->type == VT_INT;
    struct expr e = {.kind = EXPR_ARITHMETIC,
                     .op = op,
                     .type = arithmetic_type(args[0]->type, args[1]->type),
                     .nullable = args[0]->nullable || args[1]->nullable || op == OP_DIV ||
                                 op == OP_MOD || !integral};
    return expr_node(b, &e, args, 2, out);
}

/* Numbers become text, BLOBs the same bytes as TEXT. */
static yoda_status text_operand(struct expr_builder *b, expr_ref a, expr_ref *out)
{
    if (a->type == VT_TEXT || a->type == VT_NULL) {
        *out = a;
        return YODA_OK;
    }
    return expr_cast(b, a, AFFINITY_TEXT, out);
}

yoda_status expr_concat(struct expr_builder *b, expr_ref a, expr_ref c, expr_ref *out)
{
    expr_ref args[2];
    TRY(text_operand(b, a, &args[0]));
    TRY(text_operand(b, c, &args[1]));
    bool null = args[0]->type == VT_NULL || args[1]->type == VT_NULL;
    const struct expr e = {.kind = EXPR_CONCAT,
                           .type = null ? VT_NULL : VT_TEXT,
                           .nullable = a->nullable || c->nullable};
    return expr_node(b, &e, args, 2, out);
}

static yoda_status logic(struct expr_builder *b, enum expr_kind kind, expr_ref a, expr_ref c,
                         expr_ref *out)
{
    const expr_ref args[2] = {a, c};
    const struct expr e = {
        .kind = kind, .type = VT_INT, .boolean = true, .nullable = a->nullable || c->nullable};
    return expr_node(b, &e, args, 2, out);
}

yoda_status expr_and(struct expr_builder *b, expr_ref a, expr_ref c, expr_ref *out)
{
    return logic(b, EXPR_AND, a, c, out);
}

yoda_status expr_or(struct expr_builder *b, expr_ref a, expr_ref c, expr_ref *out)
{
    return logic(b, EXPR_OR, a, c, out);
}

/* The comparison that is true where this one is false: they are total on what is not NULL. */
static enum expr_op op_negated(enum expr_op op)
{
    static const enum expr_op opposite[] = {
        [OP_EQ - OP_EQ] = OP_NE, [OP_NE - OP_EQ] = OP_EQ,     [OP_LT - OP_EQ] = OP_GE,
        [OP_LE - OP_EQ] = OP_GT, [OP_GT - OP_EQ] = OP_LE,     [OP_GE - OP_EQ] = OP_LT,
        [OP_IS - OP_EQ] = OP_IS_NOT, [OP_IS_NOT - OP_EQ] = OP_IS};
    ASSERT(op >= OP_EQ && op <= OP_IS_NOT);
    return opposite[op - OP_EQ];
}

yoda_status expr_not(struct expr_builder *b, expr_ref a, expr_ref *out)
{
    struct expr head = *a;
    switch (a->type == VT_NULL ? EXPR_CONST : a->kind) {
    case EXPR_COMPARE:
        head.op = op_negated(a->op);
        return expr_copy(b, &head, out);
    case EXPR_IN:
    case EXPR_LIKE:
    case EXPR_IS_NULL:
        head.negated = !a->negated;
        return expr_copy(b, &head, out);
    default:
        break;
    }
    const struct expr e = {.kind = EXPR_NOT,
                           .type = a->type == VT_NULL ? VT_NULL : VT_INT,
                           .boolean = true,
                           .nullable = a->nullable};
    return expr_node(b, &e, &a, 1, out);
}

yoda_status expr_is_null(struct expr_builder *b, expr_ref a, bool negated, expr_ref *out)
{
    const struct expr e = {
        .kind = EXPR_IS_NULL, .type = VT_INT, .boolean = true, .negated = negated};
    return expr_node(b, &e, &a, 1, out);
}

/* ---- CASE ----------------------------------------------------------------------------------- */

static bool constant_truth(expr_ref e)
{
    double (*real)(const char *, size_t) = expr_number_text()->text_to_real;
    switch (e->constant.type) {
    case YODA_NULL:
        return false;
    case YODA_INTEGER:
        return e->constant.i != 0;
    case YODA_REAL:
        return e->constant.r != 0.0;
    default:
        return real(e->constant.p, e->constant.size) != 0.0;
    }
}

/* Results are at odd places, and at the end where there is an ELSE. */
static yoda_status case_node(struct expr_builder *b, const expr_ref *args, uint32_t count,
                             bool has_else, expr_ref *out)
{
    expr_ref *results = arena_array(b->arena, expr_ref, count / 2 + 1);
    uint32_t n = 0;
    bool nullable = !has_else, boolean = true;
    if (!results)
        return fail_nomem(b->err, count * sizeof *results);
    for (uint32_t i = 1; i < count; i += 2)
        results[n++] = args[i];
    if (has_else)
        results[n++] = args[count - 1];
    struct expr e = {.kind = EXPR_CASE};
    if (!expr_unify_types(results, n, &e.type))
        return fail(b->err, YODA_NOT_COLUMNAR, "CASE of numbers and text");
    for (uint32_t i = 0; i < n; i++) {
        nullable |= results[i]->nullable;
        boolean &= results[i]->boolean || results[i]->type == VT_NULL;
    }
    e.nullable = nullable;
    e.boolean = boolean && e.type == VT_INT;
    return expr_node(b, &e, args, count, out);
}

/* Does a COLLATE travel upward from any part? Then no part may be dropped. */
static bool has_collate(expr_ref operand, const expr_ref *when, const expr_ref *then,
                        uint32_t count, expr_ref otherwise)
{
    bool has = (operand && operand->explicit_collation) ||
               (otherwise && otherwise->explicit_collation);
    for (uint32_t i = 0; i < count; i++)
        has |= when[i]->explicit_collation || then[i]->explicit_collation;
    return has;
}

yoda_status expr_case(struct expr_builder *b, expr_ref operand, const expr_ref *when,
                      const expr_ref *then, uint32_t count, expr_ref otherwise, expr_ref *out)
{
    uint32_t n = 0;
    bool has_else = otherwise != NULL;
    bool keep = has_collate(operand, when, then, count, otherwise);
    expr_ref *args = arena_array(b->arena, expr_ref, 2 * (size_t)count + 1);
    if (!args)
        return fail_nomem(b->err, count * sizeof *args);
    for (uint32_t i = 0; i < count; i++) {
        expr_ref condition = when[i];
        if (operand)
            TRY(expr_compare(b, OP_EQ, operand, when[i], &condition));
        if (!keep && condition->kind == EXPR_CONST && !constant_truth(condition))
            continue;
        if (!keep && condition->kind == EXPR_CONST) { /* decides all that come this far */
            otherwise = then[i];
            has_else = true;
            break;
        }
        args[n++] = condition;
        args[n++] = then[i];
    }
    if (n == 0)
        return has_else ? expr_bare(b, otherwise, out) : expr_null(b, out);
    if (has_else)
        args[n++] = otherwise;
    return case_node(b, args, n, has_else, out);
}

/* ---- CAST, COLLATE, LIKE -------------------------------------------------------------------- */

static enum vtype cast_type(expr_ref a, enum affinity target)
{
    switch (a->type == VT_NULL ? AFFINITY_NUMERIC : target) {
    case AFFINITY_INTEGER:
        return VT_INT;
    case AFFINITY_REAL:
        return VT_REAL;
    case AFFINITY_TEXT:
        return VT_TEXT;
    case AFFINITY_NUMERIC:
        return is_number(a) || a->type == VT_NULL ? a->type : VT_NUM;
    default:
        return VT_BLOB;
    }
}

yoda_status expr_cast(struct expr_builder *b, expr_ref a, enum affinity target, expr_ref *out)
{
    struct expr e = {.kind = EXPR_CAST,
                     .type = cast_type(a, target),
                     .affinity = target,
                     .has_affinity = true,
                     .nullable = a->nullable,
                     .collation = a->collation,
                     .has_collation = a->has_collation,
                     .explicit_collation = a->explicit_collation};
    return expr_node(b, &e, &a, 1, out);
}

yoda_status expr_collate(struct expr_builder *b, expr_ref a, enum collation collation,
                         expr_ref *out)
{
    struct expr head = *a;
    head.collation = collation;
    head.has_collation = head.explicit_collation = true;
    return expr_copy(b, &head, out);
}

yoda_status expr_like(struct expr_builder *b, enum expr_op op, expr_ref a, expr_ref pattern,
                      expr_ref escape, bool negated, expr_ref *out)
{
    expr_ref args[3] = {a, pattern, escape};
    uint32_t count = escape ? 3 : 2;
    bool null = false, nullable = false;
    ASSERT(op == OP_LIKE || op == OP_GLOB);
    if (escape && op == OP_GLOB)
        return fail(b->err, YODA_NOT_COLUMNAR, "GLOB with ESCAPE is SQLite's to refuse");
    for (uint32_t i = 0; i < count; i++) {
        if (args[i]->type == VT_BLOB)
            return fail(b->err, YODA_NOT_COLUMNAR, "LIKE of a BLOB runs on SQLite");
        TRY(text_operand(b, args[i], &args[i]));
        null |= args[i]->type == VT_NULL;
        nullable |= args[i]->nullable;
    }
    const struct expr e = {.kind = EXPR_LIKE,
                           .op = op,
                           .type = null ? VT_NULL : VT_INT,
                           .boolean = true,
                           .negated = negated,
                           .raises = escape || pattern->kind != EXPR_CONST,
                           .nullable = nullable};
    return expr_node(b, &e, args, count, out);
}

/* ---- Functions ------------------------------------------------------------------------------ */

/* Convert an argument as its letter says (function.h). */
static yoda_status convert(struct expr_builder *b, char letter, expr_ref a, expr_ref *out)
{
    bool bytes = a->type == VT_TEXT || a->type == VT_BLOB;
    *out = a;
    if (a->type == VT_NULL)
        return YODA_OK;
    switch (letter) {
    case 't':
        return text_operand(b, a, out);
    case 'b':
        return bytes ? YODA_OK : expr_cast(b, a, AFFINITY_TEXT, out);
    case 'i':
        return integer_operand(b, a, out);
    case 'r':
        return a->type == VT_REAL ? YODA_OK : expr_cast(b, a, AFFINITY_REAL, out);
    case 'a':
        return bytes ? expr_cast(b, a, AFFINITY_REAL, out) : YODA_OK;
    default:
        ASSERT(letter == 'v');
        return YODA_OK;
    }
}

static yoda_status convert_all(struct expr_builder *b, const struct function *f,
                               const expr_ref *args, uint32_t count, expr_ref **out)
{
    expr_ref *made = arena_array(b->arena, expr_ref, count + 1);
    size_t letters = strlen(f->args);
    if (!made)
        return fail_nomem(b->err, count * sizeof *made);
    for (uint32_t i = 0; i < count; i++)
        TRY(convert(b, f->args[i < letters ? i : letters - 1], args[i], &made[i]));
    *out = made;
    return YODA_OK;
}

/* Type and NULLs of a call. */
static yoda_status type_call(struct expr_builder *b, const expr_ref *args, uint32_t count,
                             struct expr *e)
{
    const struct function *f = e->function;
    uint32_t typed = f->typed_args < count ? f->typed_args : count;
    bool any = false, all = true, null = false;
    e->type = f->type;
    if (f->typed_args > 0 && !expr_unify_types(args, typed, &e->type))
        return fail(b->err, YODA_NOT_COLUMNAR, "%s() of numbers and text", f->name);
    for (uint32_t i = 0; i < count; i++) {
        any |= args[i]->nullable;
        all &= args[i]->nullable;
        null |= args[i]->type == VT_NULL;
    }
    if (null && !f->takes_null)
        e->type = VT_NULL;
    bool lazy = f->form == FUNCTION_COALESCE;
    e->nullable = f->makes_null || (lazy && all) || (!f->takes_null && any);
    e->boolean = f->vector == function_is_true;
    return YODA_OK;
}

static void call_collation(const expr_ref *args, uint32_t count, struct expr *e)
{
    for (uint32_t i = 0; e->function->compares && i < count; i++) {
        if (args[i]->has_collation) {
            e->compare_collation = args[i]->collation;
            return;
        }
    }
}

yoda_status expr_call(struct expr_builder *b, const char *name, size_t name_size,
                      const expr_ref *args, uint32_t count, expr_ref *out)
{
    bool wrong_count;
    const struct function *f = function_find(name, name_size, count, &wrong_count);
    if (!f || wrong_count)
        return fail(b->err, YODA_NOT_COLUMNAR, "function %.*s()%s runs on SQLite",
                    name_size < 100 ? (int)name_size : 100, name,
                    f ? " with this number of arguments" : "");
    if (f->build)
        TRY(f->build(b, f, args, count, out));
    if (f->form == FUNCTION_REWRITE)
        return YODA_OK;
    expr_ref *converted = NULL;
    struct expr e = {.kind = EXPR_CALL, .function = f, .raises = f->raises};
    TRY(convert_all(b, f, args, count, &converted));
    TRY(type_call(b, converted, count, &e));
    call_collation(args, count, &e);
    return expr_node(b, &e, converted, count, out);
}
