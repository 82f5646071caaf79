/*
 * parse_expr.c -- operators, by precedence climbing.
 *
 * SQLite's levels, loosest first; all associate to the left but the prefix operators:
 *
 *    1  OR
 *    2  AND
 *    3  NOT x                    also the NOT of x NOT NULL / IN / LIKE / BETWEEN, when it is
 * looked at
 *    4  = == <> != IS IN LIKE GLOB REGEXP MATCH BETWEEN ISNULL NOTNULL
 *    5  < <= > >=
 *    6  ESCAPE                   only behind LIKE and its kin
 *    7  & | << >>
 *    8  + -
 *    9  * / %
 *   10  || -> ->>
 *   11  COLLATE
 *   12  -x +x ~x
 *
 * climb(min) parses a prefix or primary and then takes every operator of level >= min; the right
 * side of an operator of level n is climb(n + 1). A prefix operator's operand is climb(its own
 * level), whatever surrounds it: `a = NOT b = c` is a = (NOT (b = c)).
 */
#include "sql/parser.h"

enum level {
    LEVEL_ANY = 1,
    LEVEL_NOT = 3,
    LEVEL_EQUALITY = 4,
    LEVEL_COLLATE = 11,
    LEVEL_PREFIX = 12
};

struct infix {
    uint8_t level; /* 0: no infix operator */
    uint8_t op;    /* enum ast_op if plainly binary; AST_OP_NONE: has its own parser */
};

static const struct infix infixes[TOKEN_COUNT] = {
    [TOKEN_OR] = {1, AST_OP_OR},
    [TOKEN_AND] = {2, AST_OP_AND},
    [TOKEN_NOT] = {LEVEL_NOT, AST_OP_NONE},
    [TOKEN_EQ] = {4, AST_OP_EQ},
    [TOKEN_NE] = {4, AST_OP_NE},
    [TOKEN_IS] = {4, AST_OP_NONE},
    [TOKEN_IN] = {4, AST_OP_NONE},
    [TOKEN_LIKE] = {4, AST_OP_NONE},
    [TOKEN_GLOB] = {4, AST_OP_NONE},
    [TOKEN_REGEXP] = {4, AST_OP_NONE},
    [TOKEN_MATCH] = {4, AST_OP_NONE},
    [TOKEN_BETWEEN] = {4, AST_OP_NONE},
    [TOKEN_ISNULL] = {4, AST_OP_NONE},
    [TOKEN_NOTNULL] = {4, AST_OP_NONE},
    [TOKEN_LT] = {5, AST_OP_LT},
    [TOKEN_LE] = {5, AST_OP_LE},
    [TOKEN_GT] = {5, AST_OP_GT},
    [TOKEN_GE] = {5, AST_OP_GE},
    [TOKEN_AMPERSAND] = {7, AST_OP_BIT_AND},
    [TOKEN_PIPE] = {7, AST_OP_BIT_OR},
    [TOKEN_SHIFT_LEFT] = {7, AST_OP_SHIFT_LEFT},
    [TOKEN_SHIFT_RIGHT] = {7, AST_OP_SHIFT_RIGHT},
    [TOKEN_PLUS] = {8, AST_OP_ADD},
    [TOKEN_MINUS] = {8, AST_OP_SUB},
    [TOKEN_STAR] = {9, AST_OP_MUL},
    [TOKEN_SLASH] = {9, AST_OP_DIV},
    [TOKEN_PERCENT] = {9, AST_OP_MOD},
    [TOKEN_CONCAT] = {10, AST_OP_CONCAT},
    [TOKEN_ARROW] = {10, AST_OP_ARROW},
    [TOKEN_ARROW2] = {10, AST_OP_ARROW2},
    [TOKEN_COLLATE] = {LEVEL_COLLATE, AST_OP_NONE},
};

static yoda_status climb(struct parser *p, unsigned min, bool stop_at_and, struct ast_expr **out);

/* An operand below a node that is not there yet. */
static yoda_status parse_operand(struct parser *p, unsigned min, struct ast_expr **out)
{
    TRY(parser_enter(p));
    TRY(climb(p, min, false, out));
    parser_leave(p);
    return YODA_OK;
}

static yoda_status parse_prefix(struct parser *p, struct ast_expr **out)
{
    enum ast_op op;
    switch (p->token.kind) {
    case TOKEN_NOT:
        op = AST_OP_NOT;
        break;
    case TOKEN_MINUS:
        op = AST_OP_MINUS;
        break;
    case TOKEN_PLUS:
        op = AST_OP_PLUS;
        break;
    case TOKEN_TILDE:
        op = AST_OP_BIT_NOT;
        break;
    default:
        return parse_primary(p, out);
    }
    uint32_t start = p->token.start;
    parser_advance(p);
    struct ast_expr *operand;
    TRY(parse_operand(p, op == AST_OP_NOT ? LEVEL_NOT : LEVEL_PREFIX, &operand));
    if (op == AST_OP_MINUS && parse_literal_negate(p, operand)) {
        operand->span.start = start;
        *out = operand;
        return YODA_OK;
    }
    TRY(parser_new_expr(p, AST_UNARY, start, out));
    (*out)->op = op;
    (*out)->left = operand;
    return parser_finish(p, *out);
}

static yoda_status infix_node(struct parser *p, enum ast_expr_kind kind, struct ast_expr *left,
                              struct ast_expr **out)
{
    TRY(parser_new_expr(p, kind, left->span.start, out));
    (*out)->left = left;
    return YODA_OK;
}

static yoda_status parse_binary(struct parser *p, struct infix infix, struct ast_expr **inout)
{
    struct ast_expr *e;
    TRY(infix_node(p, AST_BINARY, *inout, &e));
    e->op = (enum ast_op)infix.op;
    parser_advance(p);
    TRY(parse_operand(p, infix.level + 1u, &e->right));
    *inout = e;
    return parser_finish(p, e);
}

/* x IS [NOT] [DISTINCT FROM] y: two negations make IS again. */
static yoda_status parse_is(struct parser *p, struct ast_expr **inout)
{
    struct ast_expr *e;
    TRY(infix_node(p, AST_BINARY, *inout, &e));
    parser_advance(p);
    bool differs = parser_accept(p, TOKEN_NOT);
    if (parser_accept(p, TOKEN_DISTINCT)) {
        TRY(parser_expect(p, TOKEN_FROM));
        differs = !differs;
    }
    e->op = differs ? AST_OP_IS_NOT : AST_OP_IS;
    TRY(parse_operand(p, LEVEL_EQUALITY + 1, &e->right));
    *inout = e;
    return parser_finish(p, e);
}

static yoda_status parse_is_null(struct parser *p, bool negated, struct ast_expr **inout)
{
    struct ast_expr *e;
    TRY(infix_node(p, AST_IS_NULL, *inout, &e));
    e->negated = negated;
    parser_advance(p);
    *inout = e;
    return parser_finish(p, e);
}

static yoda_status parse_collate(struct parser *p, struct ast_expr **inout)
{
    struct ast_expr *e;
    TRY(infix_node(p, AST_COLLATE, *inout, &e));
    parser_advance(p);
    if (!parser_is_alias(p->token.kind))
        return parser_syntax_error(p);
    TRY(parser_take_name(p, &e->name));
    *inout = e;
    return parser_finish(p, e);
}

static enum ast_op like_op(enum token_kind kind)
{
    switch (kind) {
    case TOKEN_LIKE:
        return AST_OP_LIKE;
    case TOKEN_GLOB:
        return AST_OP_GLOB;
    case TOKEN_REGEXP:
        return AST_OP_REGEXP;
    default:
        ASSERT(kind == TOKEN_MATCH);
        return AST_OP_MATCH;
    }
}

static yoda_status parse_like(struct parser *p, bool negated, struct ast_expr **inout)
{
    struct ast_expr *e;
    TRY(infix_node(p, AST_LIKE, *inout, &e));
    e->op = like_op(p->token.kind);
    e->negated = negated;
    parser_advance(p);
    TRY(parse_operand(p, LEVEL_EQUALITY + 1, &e->right));
    if (parser_accept(p, TOKEN_ESCAPE))
        TRY(parse_operand(p, LEVEL_EQUALITY + 1, &e->third));
    *inout = e;
    return parser_finish(p, e);
}

/* The first AND at the top of the lower bound is BETWEEN's: x BETWEEN 1 OR 2 AND 3 lacks one. */
static yoda_status parse_between(struct parser *p, bool negated, struct ast_expr **inout)
{
    struct ast_expr *e;
    TRY(infix_node(p, AST_BETWEEN, *inout, &e));
    e->negated = negated;
    parser_advance(p);
    TRY(parser_enter(p));
    TRY(climb(p, LEVEL_ANY, true, &e->right));
    parser_leave(p);
    TRY(parser_expect(p, TOKEN_AND));
    TRY(parse_operand(p, LEVEL_EQUALITY + 1, &e->third));
    *inout = e;
    return parser_finish(p, e);
}

/* x IN (list) | (select) | table | function(args) */
static yoda_status parse_in(struct parser *p, bool negated, struct ast_expr **inout)
{
    struct ast_expr *e;
    TRY(infix_node(p, AST_IN_LIST, *inout, &e));
    e->negated = negated;
    parser_advance(p);
    if (p->token.kind != TOKEN_LEFT_PAREN) {
        e->kind = AST_IN_TABLE;
        TRY(parser_dotted_name(p, &e->schema, &e->table));
        if (p->token.kind == TOKEN_LEFT_PAREN)
            TRY(parse_expr_args(p, &e->args, &e->arg_count));
    } else {
        enum token_kind next = parser_peek(p, 1);
        if (next == TOKEN_SELECT || next == TOKEN_VALUES || next == TOKEN_WITH) {
            e->kind = AST_IN_SELECT;
            TRY(parse_select_parens(p, &e->select));
        } else {
            TRY(parse_expr_args(p, &e->args, &e->arg_count));
        }
    }
    *inout = e;
    return parser_finish(p, e);
}

static yoda_status parse_special(struct parser *p, bool negated, struct ast_expr **inout)
{
    switch (p->token.kind) {
    case TOKEN_IN:
        return parse_in(p, negated, inout);
    case TOKEN_LIKE:
    case TOKEN_GLOB:
    case TOKEN_REGEXP:
    case TOKEN_MATCH:
        return parse_like(p, negated, inout);
    case TOKEN_BETWEEN:
        return parse_between(p, negated, inout);
    default:
        return parser_syntax_error(p);
    }
}

static yoda_status parse_infix(struct parser *p, struct infix infix, struct ast_expr **inout)
{
    if (infix.op != AST_OP_NONE)
        return parse_binary(p, infix, inout);
    switch (p->token.kind) {
    case TOKEN_IS:
        return parse_is(p, inout);
    case TOKEN_ISNULL:
        return parse_is_null(p, false, inout);
    case TOKEN_NOTNULL:
        return parse_is_null(p, true, inout);
    case TOKEN_COLLATE:
        return parse_collate(p, inout);
    case TOKEN_NOT:
        parser_advance(p);
        if (p->token.kind == TOKEN_NULL)
            return parse_is_null(p, true, inout);
        return parse_special(p, true, inout);
    default:
        return parse_special(p, false, inout);
    }
}

static yoda_status climb(struct parser *p, unsigned min, bool stop_at_and, struct ast_expr **out)
{
    ASSERT(min >= LEVEL_ANY);
    TRY(parse_prefix(p, out));
    for (;;) {
        struct infix infix = infixes[p->token.kind];
        if (infix.level < min || (stop_at_and && p->token.kind == TOKEN_AND))
            return YODA_OK;
        TRY(parse_infix(p, infix, out));
    }
}

yoda_status parse_expr(struct parser *p, struct ast_expr **out)
{
    return climb(p, LEVEL_ANY, false, out);
}

yoda_status parse_expr_list(struct parser *p, struct parser_exprs *list)
{
    do {
        struct ast_expr *e;
        TRY(parse_operand(p, LEVEL_ANY, &e));
        parser_exprs_add(list, e);
    } while (parser_accept(p, TOKEN_COMMA));
    return YODA_OK;
}

yoda_status parse_expr_args(struct parser *p, struct ast_expr **out, uint32_t *count)
{
    struct parser_exprs list;
    parser_exprs_init(&list);
    TRY(parser_expect(p, TOKEN_LEFT_PAREN));
    if (p->token.kind != TOKEN_RIGHT_PAREN)
        TRY(parse_expr_list(p, &list));
    TRY(parser_expect(p, TOKEN_RIGHT_PAREN));
    *out = list.first;
    if (count)
        *count = list.count;
    return YODA_OK;
}
