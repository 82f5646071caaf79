/*
 * gen_expr.c -- random expressions over a scope.
 *
 * No expression here may fail: which of two failing rows is met first, or at all, is not defined.
 * So abs() and sums are over tame numbers, patterns are short, and there is no JSON.
 */
#include "gen_query.h"

#include <string.h>

#define BELOW(n) gen_below(g->seed, (n))
#define CHANCE(percent) gen_chance(g->seed, (percent))
#define PICK(list) (list)[BELOW((uint32_t)(sizeof(list) / sizeof *(list)))]

static const struct column any_type = {.kind = KIND_ANY, .affinity = 'B', .collation = 'B'};

static struct typed typed(struct frag *frag, enum kind kind, bool exact)
{
    struct typed t = {.frag = frag, .type = any_type};
    t.type.kind = kind;
    t.type.exact = exact;
    return t;
}

void expr_chosen(struct gen *g, struct column *type)
{
    if (type->exact)
        return;
    g->loose = true;
    type->plain_only = true;
}

/* ---- Columns ---- */

static bool passes(const struct column *c, const struct column_wish *wish)
{
    return (wish->any_kind || c->kind == wish->kind ||
            (wish->kind == KIND_NUMBER && c->kind == KIND_INT)) &&
           (!wish->exact || c->exact) && (!wish->tame || c->tame) && (!wish->unique || c->unique) &&
           (wish->shown || !c->plain_only);
}

struct typed expr_column(struct gen *g, const struct scope *scope, struct column_wish wish,
                         bool outer_too)
{
    struct typed found = {0};
    uint32_t seen = 0;
    while (outer_too && scope && scope->outer && (scope->count == 0 || CHANCE(20)))
        scope = scope->outer;
    for (size_t s = 0; scope && s < scope->count; s++)
        for (size_t c = 0; c < scope->sources[s].relation.count; c++) {
            const struct column *column = &scope->sources[s].relation.columns[c];
            if (!passes(column, &wish) || BELOW(++seen) != 0)
                continue;
            found.frag = frag_text(g->pool, "%s.%s", scope->sources[s].alias, column->name);
            found.type = *column;
        }
    if (found.frag) {
        found.frag->expression = true;
        found.type.unique = false;
    }
    return found;
}

static struct typed literal(struct gen *g, enum kind kind, bool tame)
{
    if (CHANCE(4))
        return typed(frag_text(g->pool, "NULL"), kind, true);
    const char *text = schema_literal(g->pool, g->seed, kind, tame);
    struct typed t = typed(frag_text(g->pool, "%s", text), kind, kind != KIND_ANY);
    t.frag->expression = true;
    t.type.exact = kind == KIND_TEXT || kind == KIND_INT || kind == KIND_DATE || kind == KIND_BLOB;
    return t;
}

static struct typed leaf(struct gen *g, const struct scope *scope, enum kind kind)
{
    struct column_wish wish = {.kind = kind, .any_kind = kind == KIND_ANY};
    struct typed t = {0};
    if (CHANCE(80))
        t = expr_column(g, scope, wish, true);
    if (!t.frag && CHANCE(60)) { /* of another kind rather than a constant */
        wish.any_kind = true;
        t = expr_column(g, scope, wish, true);
    }
    return t.frag ? t : literal(g, kind, CHANCE(85));
}

/* ---- Sums ---- */

struct typed expr_tame(struct gen *g, const struct scope *scope)
{
    struct column_wish wish = {.kind = KIND_NUMBER, .tame = true};
    struct typed a = expr_column(g, scope, wish, false);
    if (!a.frag)
        return literal(g, KIND_INT, true);
    const char *text = a.frag->text;
    enum kind kind = a.type.kind;
    if (CHANCE(30)) {
        struct typed b = expr_column(g, scope, wish, false);
        static const char *const ops[] = {"+", "-", "*"};
        kind = b.type.kind == KIND_INT ? kind : KIND_NUMBER;
        text = pool_print(g->pool, "%s %s %s", text, PICK(ops), b.frag->text);
    } else if (CHANCE(15)) {
        text = pool_print(g->pool, "CASE WHEN %s > %u THEN %s ELSE 0 END", text, BELOW(6), text);
        kind = KIND_NUMBER;
    } else if (CHANCE(15)) {
        text = pool_print(g->pool, "coalesce(%s, %u)", text, BELOW(3));
        kind = KIND_NUMBER;
    }
    struct typed t = typed(frag_text(g->pool, "%s", text), kind, kind == KIND_INT);
    t.type.tame = true;
    if (text == a.frag->text) {
        t.type = a.type;
        t.type.unique = false;
    }
    return t;
}

/* ---- Numbers ---- */

static struct typed arithmetic(struct gen *g, const struct scope *scope, enum kind kind,
                               unsigned depth)
{
    static const char *const whole[] = {"@ + @", "@ - @", "@ * @",        "@ / @",       "@ % @",
                                        "@ & @", "@ | @", "@ << (@ & 7)", "@ >> (@ & 7)"};
    static const char *const numbers[] = {"@ + @", "@ - @", "@ * @", "@ / @", "@ % @"};
    const char *form = kind == KIND_INT ? PICK(whole) : PICK(numbers);
    struct frag *a = expr_of(g, scope, kind, depth - 1).frag;
    struct frag *b = expr_of(g, scope, kind, depth - 1).frag;
    const char *closed = pool_print(g->pool, "(%s)", form);
    return typed(frag_expr(g->pool, closed, a, b), KIND_NUMBER, false);
}

static struct typed case_of(struct gen *g, const struct scope *scope, enum kind kind,
                            unsigned depth)
{
    struct typed a = expr_of(g, scope, kind, depth - 1), b = expr_of(g, scope, kind, depth - 1);
    bool exact = a.type.exact && b.type.exact && a.type.kind == b.type.kind &&
                 (kind == KIND_TEXT || kind == KIND_DATE);
    struct frag *f;
    switch (BELOW(5)) {
    case 0: {
        struct frag *x = expr_of(g, scope, kind, depth - 1).frag;
        struct frag *y = expr_of(g, scope, kind, 0).frag;
        f = frag_expr(g->pool, "CASE @ WHEN @ THEN @ ELSE @ END", x, y, a.frag, b.frag);
        break;
    }
    case 1:
        f = frag_expr(g->pool, "coalesce(@, @)", a.frag, b.frag);
        break;
    case 2:
        f = frag_expr(g->pool, "nullif(@, @)", a.frag, b.frag);
        break;
    case 3:
        f = frag_expr(g->pool, "iif(@, @, @)", expr_condition(g, scope, depth - 1), a.frag, b.frag);
        break;
    default:
        f = frag_expr(g->pool, "CASE WHEN @ THEN @ ELSE @ END", expr_condition(g, scope, depth - 1),
                      a.frag, b.frag);
        break;
    }
    return typed(f, kind == KIND_INT ? KIND_NUMBER : kind, exact);
}

static struct typed number_of(struct gen *g, const struct scope *scope, enum kind kind,
                              unsigned depth)
{
    struct typed t = {0};
    switch (BELOW(12)) {
    case 0:
        t = typed(frag_expr(g->pool, "length(@)", expr_of(g, scope, KIND_TEXT, depth - 1).frag),
                  KIND_INT, true);
        break;
    case 1:
        t = typed(frag_expr(g->pool, "instr(@, @)", expr_of(g, scope, KIND_TEXT, depth - 1).frag,
                            expr_of(g, scope, KIND_TEXT, 0).frag),
                  KIND_INT, true);
        break;
    case 2:
        t = typed(frag_expr(g->pool, "CAST(@ AS x)", expr_of(g, scope, KIND_ANY, depth - 1).frag),
                  KIND_NUMBER, false);
        t.frag->kids[t.frag->count - 1] = frag_text(g->pool, " AS %s)",
                                                    CHANCE(60)   ? "INTEGER"
                                                    : CHANCE(60) ? "REAL"
                                                                 : "NUMERIC");
        break;
    case 3:
        t = typed(frag_expr(g->pool, "(@)", expr_condition(g, scope, depth - 1)), KIND_INT, true);
        break;
    case 4:
        t = typed(frag_expr(g->pool, CHANCE(50) ? "(- @)" : "(+@)",
                            expr_of(g, scope, kind, depth - 1).frag),
                  KIND_NUMBER, false);
        break;
    case 5:
        t = typed(
            frag_expr(g->pool, CHANCE(50) ? "abs(@)" : "round(@, 1)", expr_tame(g, scope).frag),
            KIND_NUMBER, false);
        break;
    case 6:
        t = select_scalar(g, scope, kind);
        break;
    case 7:
    case 8:
        t = case_of(g, scope, kind, depth);
        break;
    case 9:
        t = typed(frag_expr(g->pool, CHANCE(50) ? "max(@, @)" : "min(@, @)",
                            expr_of(g, scope, kind, depth - 1).frag,
                            expr_of(g, scope, kind, depth - 1).frag),
                  KIND_NUMBER, false);
        break;
    default:
        break;
    }
    return t.frag ? t : arithmetic(g, scope, kind, depth);
}

/* ---- Texts ---- */

static struct typed date_of(struct gen *g, const struct scope *scope)
{
    static const char *const forms[] = {"date(@, '+1 month')",
                                        "date(@, 'start of year')",
                                        "strftime('%Y', @)",
                                        "strftime('%m-%d', @)",
                                        "date(@, '-10 days')",
                                        "substr(@, 1, 4)",
                                        "date(@)",
                                        "date(@, 'weekday 0')"};
    return typed(frag_expr(g->pool, PICK(forms), leaf(g, scope, KIND_DATE).frag), KIND_TEXT, true);
}

static struct typed text_of(struct gen *g, const struct scope *scope, unsigned depth)
{
    static const char *const one[] = {
        "upper(@)", "lower(@)",       "substr(@, 2)",          "substr(@, 1, 1)",
        "trim(@)",  "ltrim(@, 'ab')", "replace(@, 'a', 'xy')", "substr(@, -2)",
        "rtrim(@)"};
    static const char *const any[] = {"typeof(@)",       "quote(@)",  "hex(@)",
                                      "CAST(@ AS TEXT)", "(@ || '')", "printf('%s|', @)"};
    struct typed t = {0};
    switch (BELOW(8)) {
    case 0:
    case 1: {
        struct typed a = expr_of(g, scope, KIND_TEXT, depth - 1);
        return typed(frag_expr(g->pool, PICK(one), a.frag), KIND_TEXT, true);
    }
    case 2: {
        struct frag *a = expr_of(g, scope, KIND_TEXT, depth - 1).frag;
        struct frag *b = expr_of(g, scope, KIND_ANY, depth - 1).frag;
        return typed(frag_expr(g->pool, "(@ || @)", a, b), KIND_TEXT, true);
    }
    case 3: /* the text of a number or a blob */
        return typed(frag_expr(g->pool, PICK(any), expr_of(g, scope, KIND_ANY, depth - 1).frag),
                     KIND_TEXT, true);
    case 4:
        return date_of(g, scope);
    case 5:
        t = select_scalar(g, scope, KIND_TEXT);
        break;
    default:
        break;
    }
    return t.frag ? t : case_of(g, scope, KIND_TEXT, depth);
}

struct typed expr_of(struct gen *g, const struct scope *scope, enum kind kind, unsigned depth)
{
    if (kind == KIND_ANY && CHANCE(75))
        kind = (enum kind)BELOW(KIND_BLOB);
    if (depth == 0 || CHANCE(55) || kind == KIND_BLOB || kind == KIND_ANY)
        return leaf(g, scope, kind);
    if (kind == KIND_INT || kind == KIND_NUMBER)
        return number_of(g, scope, kind, depth);
    return kind == KIND_DATE && CHANCE(60) ? leaf(g, scope, kind) : text_of(g, scope, depth);
}

struct typed expr_show(struct gen *g, const struct scope *scope, unsigned depth)
{
    if (CHANCE(60)) {
        struct typed t =
            expr_column(g, scope, (struct column_wish){.any_kind = true, .shown = true}, CHANCE(5));
        if (t.frag) {
            t.frag->expression = !t.type.plain_only;
            return t;
        }
    }
    return expr_of(g, scope, KIND_ANY, depth);
}

/* ---- Conditions ---- */

static const char *const comparisons[] = {"@ = @", "@ = @",  "@ <> @", "@ < @",      "@ <= @",
                                          "@ > @", "@ >= @", "@ IS @", "@ IS NOT @", "@ == @"};

static struct frag *comparison(struct gen *g, const struct scope *scope, unsigned depth)
{
    enum kind kind = (enum kind)BELOW(KIND_ANY + 1);
    struct frag *a = expr_of(g, scope, kind, depth).frag;
    if (CHANCE(12))
        kind = KIND_ANY;
    struct frag *b = CHANCE(50) ? literal(g, kind, true).frag : expr_of(g, scope, kind, depth).frag;
    if (CHANCE(5))
        b = frag_make(g->pool, "@ COLLATE NOCASE", b);
    if (CHANCE(4)) {
        struct frag *c = expr_of(g, scope, kind, 0).frag, *d = expr_of(g, scope, kind, 0).frag;
        return frag_expr(g->pool, CHANCE(50) ? "((@, @) = (@, @))" : "((@, @) < (@, @))", a, c, b,
                         d);
    }
    return frag_expr(g->pool, pool_print(g->pool, "(%s)", PICK(comparisons)), a, b);
}

static struct frag *in_list(struct gen *g, const struct scope *scope, unsigned depth)
{
    enum kind kind = (enum kind)BELOW(KIND_BLOB);
    struct frag *list = frag_row(g->pool, ", "), *a = expr_of(g, scope, kind, depth).frag;
    for (uint32_t n = 1 + BELOW(4); n > 0; n--)
        frag_add(g->pool, list,
                 CHANCE(85) ? literal(g, kind, true).frag : leaf(g, scope, kind).frag);
    list->items = true;
    return frag_expr(g->pool, CHANCE(70) ? "(@ IN (@))" : "(@ NOT IN (@))", a, list);
}

static struct frag *pattern(struct gen *g, const struct scope *scope, unsigned depth)
{
    static const char *const likes[] = {"'a%'", "'%b%'", "'%'",    "'_'",   "'A_c'",
                                        "'%c'", "''",    "'re%d'", "'%1%'", "'2019-%'"};
    static const char *const globs[] = {"'a*'", "'*b*'", "'?'", "'[a-c]*'", "'*'", "'re*'"};
    struct frag *a = expr_of(g, scope, CHANCE(80) ? KIND_TEXT : KIND_ANY, depth).frag;
    if (CHANCE(25))
        return frag_expr(g->pool, "(@ GLOB @)", a, frag_text(g->pool, "%s", PICK(globs)));
    return frag_expr(g->pool, CHANCE(70) ? "(@ LIKE @)" : "(@ NOT LIKE @)", a,
                     frag_text(g->pool, "%s", PICK(likes)));
}

static struct frag *null_test(struct gen *g, const struct scope *scope)
{
    struct typed a =
        expr_column(g, scope, (struct column_wish){.any_kind = true, .shown = true}, true);
    if (!a.frag)
        a = literal(g, KIND_ANY, true);
    a.frag->expression = false;
    return frag_expr(g->pool, CHANCE(50) ? "(@ IS NULL)" : "(@ IS NOT NULL)", a.frag);
}

static struct frag *with_subquery(struct gen *g, const struct scope *scope, unsigned depth)
{
    enum kind kind = (enum kind)BELOW(KIND_BLOB);
    struct frag *f = NULL, *list;
    switch (BELOW(3)) {
    case 0:
        f = select_exists(g, scope);
        return f ? frag_expr(g->pool, CHANCE(60) ? "@" : "(NOT @)", f) : NULL;
    case 1:
        list = select_list(g, scope, kind);
        if (list)
            f = frag_expr(g->pool, CHANCE(60) ? "(@ IN @)" : "(@ NOT IN @)",
                          expr_of(g, scope, kind, depth).frag, list);
        return f;
    default: {
        struct typed scalar = select_scalar(g, scope, kind);
        if (scalar.frag)
            f = frag_expr(g->pool, pool_print(g->pool, "(%s)", PICK(comparisons)),
                          expr_of(g, scope, kind, depth).frag, scalar.frag);
        return f;
    }
    }
}

struct frag *expr_condition(struct gen *g, const struct scope *scope, unsigned depth)
{
    static const char *const both[] = {"(@ AND @)", "(@ AND @)", "(@ OR @)", "(@ OR @)"};
    static const char *const one[] = {"(NOT @)", "(@ IS TRUE)", "(@ IS NOT TRUE)", "(@ IS FALSE)"};
    unsigned lower = depth > 0 ? depth - 1 : 0;
    struct frag *f = NULL;
    uint32_t r = BELOW(100);
    if (depth > 0 && r < 22)
        return frag_expr(g->pool, PICK(both), expr_condition(g, scope, lower),
                         expr_condition(g, scope, lower));
    if (depth > 0 && r < 30)
        return frag_expr(g->pool, PICK(one), expr_condition(g, scope, lower));
    if (r < 42)
        f = with_subquery(g, scope, lower);
    if (f)
        return f;
    if (r < 52)
        return in_list(g, scope, lower);
    if (r < 60)
        return pattern(g, scope, lower);
    if (r < 66)
        return null_test(g, scope);
    if (r < 72) {
        enum kind kind = (enum kind)BELOW(KIND_BLOB);
        return frag_expr(g->pool, CHANCE(75) ? "(@ BETWEEN @ AND @)" : "(@ NOT BETWEEN @ AND @)",
                         expr_of(g, scope, kind, lower).frag, literal(g, kind, true).frag,
                         CHANCE(70) ? literal(g, kind, true).frag : leaf(g, scope, kind).frag);
    }
    if (r < 75) /* a number as a truth */
        return expr_of(g, scope, KIND_NUMBER, lower).frag;
    return comparison(g, scope, lower);
}
