/*
 * bind_expr.c -- AST expressions to bound expressions.
 *
 * The constructors of olap/exec/expr.h know types, affinity and collation; here names, parameters
 * and the two levels (bind.h) are resolved. One function per AST kind, one switch.
 */
#include "sql/bind.h"

#include "base/str.h"

static yoda_status bind_parameter(struct scope *s, const struct ast_expr *e, expr_ref *out)
{
    if (e->parameter == 0 || e->parameter > s->q->parameter_count)
        return bind_refuse(s, "parameter %u has no value", (unsigned)e->parameter);
    return expr_constant(&s->q->build, &s->q->params[e->parameter - 1], out);
}

static yoda_status bind_unary(struct scope *s, enum bind_level level, const struct ast_expr *e,
                              expr_ref *out)
{
    expr_ref a;
    TRY(bind_expr(s, level, e->left, &a));
    switch (e->op) {
    case AST_OP_NOT:
        return expr_not(&s->q->build, a, out);
    case AST_OP_MINUS:
        return expr_negate(&s->q->build, a, out);
    case AST_OP_BIT_NOT:
        return expr_bit_not(&s->q->build, a, out);
    default:
        ASSERT(e->op == AST_OP_PLUS);
        return expr_plus(&s->q->build, a, out);
    }
}

/* x IS [NOT] TRUE / FALSE, when the right side is that word. */
static yoda_status bind_is_truth(struct scope *s, bool negated, int truth, expr_ref a,
                                 expr_ref *out)
{
    static const char *const names[2][2] = {{"is false", "is not false"},
                                            {"is true", "is not true"}};
    const char *name = names[truth][negated];
    return expr_call(&s->q->build, name, strlen(name), &a, 1, out);
}

static yoda_status bind_is(struct scope *s, enum bind_level level, const struct ast_expr *e,
                           expr_ref *out)
{
    bool negated = e->op == AST_OP_IS_NOT;
    expr_ref a, c;
    if (bind_row_width(e->left) > 1 || bind_row_width(e->right) > 1)
        return bind_row_compare(s, level, e, out);
    TRY(bind_expr(s, level, e->left, &a));
    int truth = bind_truth_word(s, e->right);
    if (truth >= 0)
        return bind_is_truth(s, negated, truth, a, out);
    if (e->right->kind == AST_LITERAL && e->right->literal.type == YODA_NULL)
        return expr_is_null(&s->q->build, a, negated, out);
    TRY(bind_expr(s, level, e->right, &c));
    return bind_compare(s, negated ? OP_IS_NOT : OP_IS, a, c, out);
}

static const struct {
    uint8_t op, kind; /* kind: EXPR_ARITHMETIC or EXPR_COMPARE */
} binary_ops[] = {
    [AST_OP_EQ] = {OP_EQ, EXPR_COMPARE},
    [AST_OP_NE] = {OP_NE, EXPR_COMPARE},
    [AST_OP_LT] = {OP_LT, EXPR_COMPARE},
    [AST_OP_LE] = {OP_LE, EXPR_COMPARE},
    [AST_OP_GT] = {OP_GT, EXPR_COMPARE},
    [AST_OP_GE] = {OP_GE, EXPR_COMPARE},
    [AST_OP_ADD] = {OP_ADD, EXPR_ARITHMETIC},
    [AST_OP_SUB] = {OP_SUB, EXPR_ARITHMETIC},
    [AST_OP_MUL] = {OP_MUL, EXPR_ARITHMETIC},
    [AST_OP_DIV] = {OP_DIV, EXPR_ARITHMETIC},
    [AST_OP_MOD] = {OP_MOD, EXPR_ARITHMETIC},
    [AST_OP_BIT_AND] = {OP_BIT_AND, EXPR_ARITHMETIC},
    [AST_OP_BIT_OR] = {OP_BIT_OR, EXPR_ARITHMETIC},
    [AST_OP_SHIFT_LEFT] = {OP_SHIFT_LEFT, EXPR_ARITHMETIC},
    [AST_OP_SHIFT_RIGHT] = {OP_SHIFT_RIGHT, EXPR_ARITHMETIC},
};

static yoda_status bind_binary(struct scope *s, enum bind_level level, const struct ast_expr *e,
                               expr_ref *out)
{
    if (e->op == AST_OP_IS || e->op == AST_OP_IS_NOT)
        return bind_is(s, level, e, out);
    if (e->op == AST_OP_ARROW || e->op == AST_OP_ARROW2)
        return bind_refuse(s, "JSON operators run on SQLite");
    if (bind_row_width(e->left) > 1 || bind_row_width(e->right) > 1)
        return bind_row_compare(s, level, e, out);
    expr_ref a, c;
    TRY(bind_expr(s, level, e->left, &a));
    TRY(bind_expr(s, level, e->right, &c));
    switch (e->op) {
    case AST_OP_AND:
        return expr_and(&s->q->build, a, c, out);
    case AST_OP_OR:
        return expr_or(&s->q->build, a, c, out);
    case AST_OP_CONCAT:
        return expr_concat(&s->q->build, a, c, out);
    default:
        break;
    }
    ASSERT((size_t)e->op < COUNT_OF(binary_ops) && binary_ops[e->op].kind);
    enum expr_op op = (enum expr_op)binary_ops[e->op].op;
    return binary_ops[e->op].kind == EXPR_COMPARE ? bind_compare(s, op, a, c, out)
                                                  : expr_arithmetic(&s->q->build, op, a, c, out);
}

static yoda_status bind_like(struct scope *s, enum bind_level level, const struct ast_expr *e,
                             expr_ref *out)
{
    if (e->op != AST_OP_LIKE && e->op != AST_OP_GLOB)
        return bind_refuse(s, "REGEXP and MATCH run on SQLite");
    expr_ref a, pattern, escape = NULL;
    TRY(bind_expr(s, level, e->left, &a));
    TRY(bind_expr(s, level, e->right, &pattern));
    if (e->third)
        TRY(bind_expr(s, level, e->third, &escape));
    return expr_like(&s->q->build, e->op == AST_OP_LIKE ? OP_LIKE : OP_GLOB, a, pattern, escape,
                     e->negated, out);
}

static yoda_status bind_between(struct scope *s, enum bind_level level, const struct ast_expr *e,
                                expr_ref *out)
{
    expr_ref a, low, high;
    TRY(bind_expr(s, level, e->left, &a));
    TRY(bind_expr(s, level, e->right, &low));
    TRY(bind_expr(s, level, e->third, &high));
    TRY(bind_check_pair(s, a, low));
    TRY(bind_check_pair(s, a, high));
    return expr_between(&s->q->build, a, low, high, e->negated, out);
}

/* Bind a list of arguments into an array in the arena. */
static yoda_status bind_list(struct scope *s, enum bind_level level, const struct ast_expr *list,
                             uint32_t count, const expr_ref **out)
{
    expr_ref *items = arena_array(s->q->arena, expr_ref, count ? count : 1);
    if (!items)
        return fail_nomem(s->q->err, count * sizeof *items);
    uint32_t i = 0;
    for (const struct ast_expr *e = list; e; e = e->next)
        TRY(bind_expr(s, level, e, &items[i++]));
    ASSERT(i == count);
    *out = items;
    return YODA_OK;
}

static yoda_status bind_in(struct scope *s, enum bind_level level, const struct ast_expr *e,
                           expr_ref *out)
{
    expr_ref a;
    const expr_ref *items = NULL;
    TRY(bind_expr(s, level, e->left, &a));
    TRY(bind_list(s, level, e->args, e->arg_count, &items));
    for (uint32_t i = 0; i < e->arg_count; i++)
        TRY(bind_check_pair(s, a, items[i]));
    return expr_in(&s->q->build, a, items, e->arg_count, e->negated, out);
}

static yoda_status bind_case(struct scope *s, enum bind_level level, const struct ast_expr *e,
                             expr_ref *out)
{
    uint32_t count = e->arg_count / 2;
    expr_ref operand = NULL, otherwise = NULL;
    const expr_ref *args = NULL;
    if (e->left)
        TRY(bind_expr(s, level, e->left, &operand));
    TRY(bind_list(s, level, e->args, e->arg_count, &args));
    if (e->right)
        TRY(bind_expr(s, level, e->right, &otherwise));
    expr_ref *when = arena_array(s->q->arena, expr_ref, 2 * (size_t)count);
    if (!when)
        return fail_nomem(s->q->err, 2 * count * sizeof *when);
    for (uint32_t i = 0; i < count; i++) {
        if (operand)
            TRY(bind_check_pair(s, operand, args[2 * i]));
        when[i] = args[2 * i];
        when[count + i] = args[2 * i + 1];
    }
    return expr_case(&s->q->build, operand, when, when + count, count, otherwise, out);
}

static yoda_status bind_cast(struct scope *s, enum bind_level level, const struct ast_expr *e,
                             expr_ref *out)
{
    enum affinity target = AFFINITY_NUMERIC; /* of CAST(x AS ), too; only a column has BLOB then */
    expr_ref a;
    if (e->name.size)
        target = affinity_of_declaration(e->name.text, e->name.size);
    TRY(bind_expr(s, level, e->left, &a));
    return expr_cast(&s->q->build, a, target, out);
}

static yoda_status bind_collate(struct scope *s, enum bind_level level, const struct ast_expr *e,
                                expr_ref *out)
{
    static const char *const names[] = {"binary", "nocase", "rtrim"};
    expr_ref a;
    TRY(bind_expr(s, level, e->left, &a));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (ascii_equal_nocase(e->name.text, e->name.size, names[i], strlen(names[i])))
            return expr_collate(&s->q->build, a, (enum collation)i, out);
    return bind_refuse(s, "collation %s is SQLite's", e->name.text);
}

static yoda_status bind_function(struct scope *s, enum bind_level level, const struct ast_expr *e,
                                 expr_ref *out)
{
    enum aggregate_kind kind;
    if (e->over)
        return bind_window_call(s, level, e, out);
    if (bind_is_aggregate(e, &kind))
        return level == LEVEL_GROUP ? bind_aggregate(s, e, kind, out)
                                    : bind_refuse(s, "misuse of aggregate %s()", e->name.text);
    if (e->distinct || e->filter || e->star)
        return bind_refuse(s, "function %s() is called like an aggregate", e->name.text);
    const expr_ref *args = NULL;
    TRY(bind_list(s, level, e->args, e->arg_count, &args));
    return expr_call(&s->q->build, e->name.text, e->name.size, args, e->arg_count, out);
}

uint32_t bind_classes(enum vtype type, uint32_t classes, bool nullable)
{
    static const uint32_t of_type[] = {
        [VT_NULL] = 0,
        [VT_INT] = CLASS_INTEGER,
        [VT_REAL] = CLASS_REAL | CLASS_NEGATIVE_ZERO | CLASS_INTEGRAL_REAL | CLASS_INFINITE,
        [VT_NUM] = CLASS_INTEGER | CLASS_REAL | CLASS_NEGATIVE_ZERO | CLASS_INTEGRAL_REAL |
                   CLASS_INFINITE,
        [VT_TEXT] = CLASS_TEXT,
        [VT_BLOB] = CLASS_BLOB,
    };
    enum vtype told;
    bool known = vtype_of_classes(classes, &told) && told == type;
    return (known ? classes : of_type[type]) | (nullable ? (uint32_t)CLASS_NULL : 0);
}

yoda_status bind_input_like(struct query *q, uint32_t column, expr_ref like, expr_ref *out)
{
    expr_ref input;
    TRY(rel_input(q, column, &input));
    struct expr *head = arena_new(q->arena, struct expr);
    if (!head)
        return fail_nomem(q->err, sizeof *head);
    *head = *input;
    head->affinity = like->has_affinity ? like->affinity : AFFINITY_BLOB;
    head->has_affinity = like->has_affinity;
    head->collation = like->collation;
    head->has_collation = like->has_collation;
    head->explicit_collation = like->explicit_collation;
    *out = head;
    return YODA_OK;
}

bool bind_affinity_changes(enum affinity affinity, enum vtype type, uint32_t classes)
{
    classes = bind_classes(type, classes, true);
    switch (affinity) {
    case AFFINITY_TEXT:
        return classes & (CLASS_INTEGER | CLASS_REAL);
    case AFFINITY_REAL:
        return classes & (CLASS_INTEGER | CLASS_TEXT);
    case AFFINITY_NUMERIC:
    case AFFINITY_INTEGER:
        return classes & (CLASS_INTEGRAL_REAL | CLASS_TEXT);
    default:
        return false;
    }
}

static bool is_unsure(const struct scope *s, expr_ref e)
{
    return e->kind == EXPR_INPUT && e->has_affinity && s->q->columns[e->slot].affinity_unsure;
}

yoda_status bind_check_pair(struct scope *s, expr_ref a, expr_ref c)
{
    bool a_number = a->type >= VT_INT && a->type <= VT_NUM;
    bool c_number = c->type >= VT_INT && c->type <= VT_NUM;
    bool converts = a_number != c_number ||
                    (!a_number && (a->affinity >= AFFINITY_NUMERIC ||
                                   c->affinity >= AFFINITY_NUMERIC));
    if ((is_unsure(s, a) || is_unsure(s, c)) && converts && a->type != VT_NULL &&
        c->type != VT_NULL)
        return bind_refuse(s, "a comparison with a column whose affinity is not the same in all "
                              "parts of a compound");
    return YODA_OK;
}

yoda_status bind_compare(struct scope *s, enum expr_op op, expr_ref a, expr_ref c, expr_ref *out)
{
    TRY(bind_check_pair(s, a, c));
    return expr_compare(&s->q->build, op, a, c, out);
}

yoda_status bind_expr(struct scope *s, enum bind_level level, const struct ast_expr *e,
                      expr_ref *out)
{
    if (level == LEVEL_GROUP) {
        TRY(bind_find_key(s, e, out));
        if (*out)
            return YODA_OK;
    }
    switch (e->kind) {
    case AST_LITERAL:
        return expr_constant(&s->q->build, &e->literal, out);
    case AST_PARAMETER:
        return bind_parameter(s, e, out);
    case AST_COLUMN:
        return bind_column(s, level, e, out);
    case AST_UNARY:
        return bind_unary(s, level, e, out);
    case AST_BINARY:
        return bind_binary(s, level, e, out);
    case AST_LIKE:
        return bind_like(s, level, e, out);
    case AST_BETWEEN:
        return bind_between(s, level, e, out);
    case AST_IN_LIST:
        return bind_in(s, level, e, out);
    case AST_IS_NULL: {
        expr_ref a;
        TRY(bind_expr(s, level, e->left, &a));
        return expr_is_null(&s->q->build, a, e->negated, out);
    }
    case AST_CASE:
        return bind_case(s, level, e, out);
    case AST_CAST:
        return bind_cast(s, level, e, out);
    case AST_COLLATE:
        return bind_collate(s, level, e, out);
    case AST_FUNCTION:
        return bind_function(s, level, e, out);
    case AST_CURRENT:
        return bind_refuse(s, "%s runs on SQLite", e->name.text);
    case AST_IN_SELECT:
    case AST_IN_TABLE:
        return bind_in_select(s, level, e, out);
    case AST_EXISTS:
        return bind_exists(s, level, e, out);
    case AST_SUBQUERY:
        return bind_scalar(s, level, e->select, 0, 1, out);
    case AST_ROW:
        return bind_refuse(s, "row value misused");
    case AST_RAISE:
        break;
    }
    return bind_refuse(s, "RAISE belongs into triggers");
}
