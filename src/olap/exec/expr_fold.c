/*
 * expr_fold.c -- making nodes, and turning a node of constants into its value.
 *
 * Folding runs the evaluator on one row, so that a constant is what the same expression over
 * columns would be. The folded constant keeps the node's affinity and collation: CAST('1' AS
 * INTEGER) still lends its affinity to a comparison.
 */
#include "olap/exec/expr_node.h"

#include "olap/exec/function.h"

static uint32_t classes_of_type(enum vtype type, bool nullable)
{
    const uint32_t real = CLASS_REAL | CLASS_NEGATIVE_ZERO | CLASS_INTEGRAL_REAL | CLASS_INFINITE;
    uint32_t null = nullable ? CLASS_NULL : 0;
    switch (type) {
    case VT_INT:
        return CLASS_INTEGER | null;
    case VT_REAL:
        return real | null;
    case VT_NUM:
        return CLASS_INTEGER | real | null;
    case VT_TEXT:
        return CLASS_TEXT | null;
    case VT_BLOB:
        return CLASS_BLOB | null;
    default:
        return CLASS_NULL;
    }
}

yoda_status expr_copy(struct expr_builder *b, const struct expr *head, expr_ref *out)
{
    struct expr *e = arena_new(b->arena, struct expr);
    if (!e)
        return fail_nomem(b->err, sizeof *e);
    *e = *head;
    *out = e;
    return YODA_OK;
}

yoda_status expr_bare(struct expr_builder *b, expr_ref a, expr_ref *out)
{
    struct expr head = *a;
    head.has_affinity = head.truth_word = false;
    if (head.kind != EXPR_CAST) /* whose affinity is its target */
        head.affinity = AFFINITY_BLOB;
    if (!head.explicit_collation) {
        head.has_collation = false;
        head.collation = COLLATE_BINARY;
    }
    return expr_copy(b, &head, out);
}

void expr_inherit_errors(struct expr *e)
{
    for (uint32_t i = 0; i < e->arg_count; i++)
        e->raises |= e->args[i]->raises;
}

/* The collation that travels upward: of the first argument that carries an explicit one. */
static void inherit_collation(struct expr *e)
{
    for (uint32_t i = 0; i < e->arg_count && !e->explicit_collation; i++) {
        if (e->args[i]->explicit_collation) {
            e->explicit_collation = e->has_collation = true;
            e->collation = e->args[i]->collation;
        }
    }
}

static bool all_constant(const struct expr *e)
{
    for (uint32_t i = 0; i < e->arg_count; i++)
        if (e->args[i]->kind != EXPR_CONST)
            return false;
    return true;
}

yoda_status expr_node(struct expr_builder *b, const struct expr *proto, const expr_ref *args,
                      uint32_t count, expr_ref *out)
{
    struct expr *e = arena_new(b->arena, struct expr);
    expr_ref *copy = arena_array(b->arena, expr_ref, count + 1);
    if (!e || !copy)
        return fail_nomem(b->err, sizeof *e + count * sizeof *copy);
    *e = *proto;
    for (uint32_t i = 0; i < count; i++)
        copy[i] = args[i];
    e->args = copy;
    e->arg_count = count;
    if (e->type == VT_NULL)
        e->nullable = true;
    e->classes = classes_of_type(e->type, e->nullable);
    inherit_collation(e);
    expr_inherit_errors(e);
    if (all_constant(e))
        return expr_fold(b, e, out);
    *out = e;
    return YODA_OK;
}

static enum vtype type_of_value(const struct value *v)
{
    switch (v->type) {
    case YODA_INTEGER:
        return VT_INT;
    case YODA_REAL:
        return VT_REAL;
    case YODA_TEXT:
        return VT_TEXT;
    case YODA_BLOB:
        return VT_BLOB;
    default:
        return VT_NULL;
    }
}

/* A constant under the affinity and collation of head. */
static yoda_status constant_like(struct expr_builder *b, const struct expr *head,
                                 const struct value *value, expr_ref *out)
{
    struct expr e = {.kind = EXPR_CONST,
                     .type = type_of_value(value),
                     .nullable = value->type == YODA_NULL,
                     .affinity = head->affinity,
                     .has_affinity = head->has_affinity,
                     .collation = head->collation,
                     .has_collation = head->has_collation,
                     .explicit_collation = head->explicit_collation,
                     .classes = class_of_value(value),
                     .constant = *value};
    if (value->type == YODA_TEXT || value->type == YODA_BLOB) {
        e.constant.p = arena_copy(b->arena, value->size ? value->p : "", value->size);
        if (!e.constant.p)
            return fail_nomem(b->err, value->size);
    }
    e.boolean = value->type == YODA_INTEGER && (value->i == 0 || value->i == 1);
    return expr_copy(b, &e, out);
}

yoda_status expr_fold(struct expr_builder *b, const struct expr *e, expr_ref *out)
{
    struct eval eval = {.arena = b->arena};
    struct row_set row = {.rows = 1};
    struct vector v;
    struct value value;
    TRY(expr_eval(e, &eval, &row, &v, b->err));
    TRY(vector_value(&v, 0, b->arena, &value, b->err));
    return constant_like(b, e, &value, out);
}

yoda_status expr_constant(struct expr_builder *b, const struct value *value, expr_ref *out)
{
    const struct expr head = {.kind = EXPR_CONST};
    return constant_like(b, &head, value, out);
}

yoda_status expr_null(struct expr_builder *b, expr_ref *out)
{
    const struct value null = value_null();
    return expr_constant(b, &null, out);
}

bool expr_is_constant(expr_ref e)
{
    if (e->kind == EXPR_INPUT)
        return false;
    for (uint32_t i = 0; i < e->arg_count; i++)
        if (!expr_is_constant(e->args[i]))
            return false;
    return true;
}

bool expr_unify_types(const expr_ref *args, uint32_t count, enum vtype *out)
{
    *out = VT_NULL;
    for (uint32_t i = 0; i < count; i++) {
        enum vtype type = args[i]->type;
        bool numbers = *out >= VT_INT && *out <= VT_NUM && type >= VT_INT && type <= VT_NUM;
        if (type == VT_NULL || type == *out)
            continue;
        if (*out == VT_NULL)
            *out = type;
        else if (numbers)
            *out = VT_NUM;
        else
            return false;
    }
    return true;
}
