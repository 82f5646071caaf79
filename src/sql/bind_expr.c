/*
 * bind_expr.c -- AST expressions to bound expressions.
 *
 * The constructors of olap/exec/expr.h know types, affinity and collation; here names, parameters
 * and the two levels (bind.h) are resolved. One function per AST kind, one switch.
 */
#include "sql/bind.h"

#include "base/str.h"

static yoda_status bind_column_at(struct binder *b, enum bind_level level, int32_t column,
                                  expr_ref *out)
{
    const struct catalog_column *c = &b->table->columns[column];
    uint32_t classes = b->table->classes[column];
    enum vtype type;
    if (!vtype_of_classes(classes, &type))
        return bind_refuse(b, "column %s of %s mixes storage classes", c->name, b->table->name);
    expr_ref input;
    TRY(expr_input(&b->build, (uint32_t)column, classes, c->affinity, true, c->collation, &input));
    if (level == LEVEL_ROW) {
        *out = input;
        return YODA_OK;
    }
    return bind_bare_column(b, input, out);
}

static yoda_status bind_column(struct binder *b, enum bind_level level, const struct ast_expr *e,
                               expr_ref *out)
{
    int32_t column = bind_find_column(b, e);
    if (column >= 0)
        return bind_column_at(b, level, column, out);
    const struct ast_result *aliased = bind_find_alias(b, e);
    if (aliased && aliased->expr) {
        if (b->alias_depth >= 16)
            return bind_refuse(b, "aliases refer to each other");
        if (level == LEVEL_ROW && bind_has_aggregate(aliased->expr))
            return bind_refuse(b, "misuse of aliased aggregate %s", e->name.text);
        b->alias_depth++;
        yoda_status status = bind_expr(b, level, aliased->expr, out);
        b->alias_depth--;
        return status;
    }
    int truth = bind_truth_word(b, e);
    if (truth >= 0) {
        struct value v = value_int(truth);
        return expr_constant(&b->build, &v, out);
    }
    return bind_refuse(b, "no column %s in table %s", e->name.text, b->table->name);
}

static yoda_status bind_parameter(struct binder *b, const struct ast_expr *e, expr_ref *out)
{
    if (e->parameter == 0 || e->parameter > b->parameter_count)
        return bind_refuse(b, "parameter %u has no value", (unsigned)e->parameter);
    return expr_constant(&b->build, &b->params[e->parameter - 1], out);
}

static yoda_status bind_unary(struct binder *b, enum bind_level level, const struct ast_expr *e,
                              expr_ref *out)
{
    expr_ref a;
    TRY(bind_expr(b, level, e->left, &a));
    switch (e->op) {
    case AST_OP_NOT:
        return expr_not(&b->build, a, out);
    case AST_OP_MINUS:
        return expr_negate(&b->build, a, out);
    case AST_OP_BIT_NOT:
        return expr_bit_not(&b->build, a, out);
    default:
        ASSERT(e->op == AST_OP_PLUS);
        return expr_plus(&b->build, a, out);
    }
}

/* x IS [NOT] TRUE / FALSE, when the right side is that word. */
static yoda_status bind_is_truth(struct binder *b, bool negated, int truth, expr_ref a,
                                 expr_ref *out)
{
    static const char *const names[2][2] = {{"is false", "is not false"},
                                            {"is true", "is not true"}};
    const char *name = names[truth][negated];
    return expr_call(&b->build, name, strlen(name), &a, 1, out);
}

static yoda_status bind_is(struct binder *b, enum bind_level level, const struct ast_expr *e,
                           expr_ref *out)
{
    bool negated = e->op == AST_OP_IS_NOT;
    expr_ref a, c;
    TRY(bind_expr(b, level, e->left, &a));
    int truth = bind_truth_word(b, e->right);
    if (truth >= 0)
        return bind_is_truth(b, negated, truth, a, out);
    if (e->right->kind == AST_LITERAL && e->right->literal.type == YODA_NULL)
        return expr_is_null(&b->build, a, negated, out);
    TRY(bind_expr(b, level, e->right, &c));
    return expr_compare(&b->build, negated ? OP_IS_NOT : OP_IS, a, c, out);
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

static yoda_status bind_binary(struct binder *b, enum bind_level level, const struct ast_expr *e,
                               expr_ref *out)
{
    if (e->op == AST_OP_IS || e->op == AST_OP_IS_NOT)
        return bind_is(b, level, e, out);
    if (e->op == AST_OP_ARROW || e->op == AST_OP_ARROW2)
        return bind_refuse(b, "JSON operators run on SQLite");
    expr_ref a, c;
    TRY(bind_expr(b, level, e->left, &a));
    TRY(bind_expr(b, level, e->right, &c));
    switch (e->op) {
    case AST_OP_AND:
        return expr_and(&b->build, a, c, out);
    case AST_OP_OR:
        return expr_or(&b->build, a, c, out);
    case AST_OP_CONCAT:
        return expr_concat(&b->build, a, c, out);
    default:
        break;
    }
    ASSERT((size_t)e->op < COUNT_OF(binary_ops) && binary_ops[e->op].kind);
    enum expr_op op = (enum expr_op)binary_ops[e->op].op;
    return binary_ops[e->op].kind == EXPR_COMPARE ? expr_compare(&b->build, op, a, c, out)
                                                  : expr_arithmetic(&b->build, op, a, c, out);
}

static yoda_status bind_like(struct binder *b, enum bind_level level, const struct ast_expr *e,
                             expr_ref *out)
{
    if (e->op != AST_OP_LIKE && e->op != AST_OP_GLOB)
        return bind_refuse(b, "REGEXP and MATCH run on SQLite");
    expr_ref a, pattern, escape = NULL;
    TRY(bind_expr(b, level, e->left, &a));
    TRY(bind_expr(b, level, e->right, &pattern));
    if (e->third)
        TRY(bind_expr(b, level, e->third, &escape));
    return expr_like(&b->build, e->op == AST_OP_LIKE ? OP_LIKE : OP_GLOB, a, pattern, escape,
                     e->negated, out);
}

static yoda_status bind_between(struct binder *b, enum bind_level level, const struct ast_expr *e,
                                expr_ref *out)
{
    expr_ref a, low, high;
    TRY(bind_expr(b, level, e->left, &a));
    TRY(bind_expr(b, level, e->right, &low));
    TRY(bind_expr(b, level, e->third, &high));
    return expr_between(&b->build, a, low, high, e->negated, out);
}

/* Bind a list of arguments into an array in the arena. */
static yoda_status bind_list(struct binder *b, enum bind_level level, const struct ast_expr *list,
                             uint32_t count, const expr_ref **out)
{
    expr_ref *items = arena_array(b->arena, expr_ref, count ? count : 1);
    if (!items)
        return fail_nomem(b->err, count * sizeof *items);
    uint32_t i = 0;
    for (const struct ast_expr *e = list; e; e = e->next)
        TRY(bind_expr(b, level, e, &items[i++]));
    ASSERT(i == count);
    *out = items;
    return YODA_OK;
}

static yoda_status bind_in(struct binder *b, enum bind_level level, const struct ast_expr *e,
                           expr_ref *out)
{
    expr_ref a;
    const expr_ref *items = NULL;
    TRY(bind_expr(b, level, e->left, &a));
    TRY(bind_list(b, level, e->args, e->arg_count, &items));
    return expr_in(&b->build, a, items, e->arg_count, e->negated, out);
}

static yoda_status bind_case(struct binder *b, enum bind_level level, const struct ast_expr *e,
                             expr_ref *out)
{
    uint32_t count = e->arg_count / 2;
    expr_ref operand = NULL, otherwise = NULL;
    const expr_ref *args = NULL;
    if (e->left)
        TRY(bind_expr(b, level, e->left, &operand));
    TRY(bind_list(b, level, e->args, e->arg_count, &args));
    if (e->right)
        TRY(bind_expr(b, level, e->right, &otherwise));
    expr_ref *when = arena_array(b->arena, expr_ref, 2 * (size_t)count);
    if (!when)
        return fail_nomem(b->err, 2 * count * sizeof *when);
    for (uint32_t i = 0; i < count; i++) {
        when[i] = args[2 * i];
        when[count + i] = args[2 * i + 1];
    }
    return expr_case(&b->build, operand, when, when + count, count, otherwise, out);
}

static yoda_status bind_cast(struct binder *b, enum bind_level level, const struct ast_expr *e,
                             expr_ref *out)
{
    expr_ref a;
    TRY(bind_expr(b, level, e->left, &a));
    return expr_cast(&b->build, a, affinity_of_declaration(e->name.text, e->name.size), out);
}

static yoda_status bind_collate(struct binder *b, enum bind_level level, const struct ast_expr *e,
                                expr_ref *out)
{
    static const char *const names[] = {"binary", "nocase", "rtrim"};
    expr_ref a;
    TRY(bind_expr(b, level, e->left, &a));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (ascii_equal_nocase(e->name.text, e->name.size, names[i], strlen(names[i])))
            return expr_collate(&b->build, a, (enum collation)i, out);
    return bind_refuse(b, "collation %s is SQLite's", e->name.text);
}

static yoda_status bind_function(struct binder *b, enum bind_level level, const struct ast_expr *e,
                                 expr_ref *out)
{
    enum aggregate_kind kind;
    if (e->over)
        return bind_refuse(b, "window functions run on SQLite");
    if (bind_is_aggregate(e, &kind))
        return level == LEVEL_GROUP ? bind_aggregate(b, e, kind, out)
                                    : bind_refuse(b, "misuse of aggregate %s()", e->name.text);
    if (e->distinct || e->filter || e->star)
        return bind_refuse(b, "function %s() is called like an aggregate", e->name.text);
    const expr_ref *args = NULL;
    TRY(bind_list(b, level, e->args, e->arg_count, &args));
    return expr_call(&b->build, e->name.text, e->name.size, args, e->arg_count, out);
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

/* What equals a group key is that key: its slot in the aggregation's output. */
static yoda_status find_key(struct binder *b, const struct ast_expr *e, expr_ref *out)
{
    *out = NULL;
    if (!b->key_count || bind_has_aggregate(e))
        return YODA_OK;
    yoda_error ignored, *err = b->err;
    expr_ref row;
    b->err = b->build.err = &ignored;
    yoda_status status = bind_expr(b, LEVEL_ROW, e, &row);
    b->err = b->build.err = err;
    if (status != YODA_OK)
        return status == YODA_NOMEM ? fail_nomem(b->err, 0) : YODA_OK;
    for (uint32_t i = 0; i < b->key_count; i++) {
        expr_ref key = b->keys[i];
        if (!expr_equal(row, key))
            continue;
        TRY(expr_input(&b->build, i, bind_classes(key->type, key->classes, key->nullable),
                       key->affinity, key->has_affinity,
                       key->collation, out));
        return YODA_OK;
    }
    return YODA_OK;
}

yoda_status bind_expr(struct binder *b, enum bind_level level, const struct ast_expr *e,
                      expr_ref *out)
{
    if (level == LEVEL_GROUP) {
        TRY(find_key(b, e, out));
        if (*out)
            return YODA_OK;
    }
    switch (e->kind) {
    case AST_LITERAL:
        return expr_constant(&b->build, &e->literal, out);
    case AST_PARAMETER:
        return bind_parameter(b, e, out);
    case AST_COLUMN:
        return bind_column(b, level, e, out);
    case AST_UNARY:
        return bind_unary(b, level, e, out);
    case AST_BINARY:
        return bind_binary(b, level, e, out);
    case AST_LIKE:
        return bind_like(b, level, e, out);
    case AST_BETWEEN:
        return bind_between(b, level, e, out);
    case AST_IN_LIST:
        return bind_in(b, level, e, out);
    case AST_IS_NULL: {
        expr_ref a;
        TRY(bind_expr(b, level, e->left, &a));
        return expr_is_null(&b->build, a, e->negated, out);
    }
    case AST_CASE:
        return bind_case(b, level, e, out);
    case AST_CAST:
        return bind_cast(b, level, e, out);
    case AST_COLLATE:
        return bind_collate(b, level, e, out);
    case AST_FUNCTION:
        return bind_function(b, level, e, out);
    case AST_CURRENT:
        return bind_refuse(b, "%s runs on SQLite", e->name.text);
    case AST_IN_SELECT:
    case AST_IN_TABLE:
    case AST_EXISTS:
    case AST_SUBQUERY:
        return bind_refuse(b, "subqueries run on SQLite");
    case AST_ROW:
        return bind_refuse(b, "row values run on SQLite");
    case AST_RAISE:
        break;
    }
    return bind_refuse(b, "RAISE belongs into triggers");
}
