/*
 * gen_select.c -- SELECTs: plain, aggregated, grouped, distinct, with windows, compound, with CTEs.
 *
 * Output columns get names from the tables' own short list, so that NATURAL, USING and duplicates
 * meet them. ORDER BY counts output columns; with all of them it is total, and a LIMIT may follow
 * if every column is exact.
 */
#include "gen_query.h"

#include <string.h>

#define BELOW(n) gen_below(g->seed, (n))
#define CHANCE(percent) gen_chance(g->seed, (percent))
#define PICK(list) (list)[BELOW((uint32_t)(sizeof(list) / sizeof *(list)))]

static const char *const names[] = {"a", "b", "c", "d", "e", "f", "k", "n"};

struct form { /* one SELECT core being built */
    struct frag *items;
    struct relation *out;
    uint32_t shift; /* of its column names */
    bool named;
};

static void add_item(struct gen *g, struct form *form, struct typed t)
{
    struct relation *out = form->out;
    const char *name = names[(form->shift + out->count) % 8];
    out->columns[out->count] = t.type;
    out->columns[out->count].name = name;
    out->columns[out->count].unique = false;
    out->count++;
    if (form->named)
        t.frag = frag_make(g->pool, pool_print(g->pool, "@ AS %s", name), t.frag);
    frag_add(g->pool, form->items, t.frag);
}

/* " WHERE condition", optional. */
static struct frag *where(struct gen *g, const struct scope *scope, uint32_t percent)
{
    struct frag *f = frag_row(g->pool, "");
    f->optional = true;
    if (!CHANCE(percent))
        return f;
    frag_add(g->pool, f, frag_text(g->pool, " WHERE "));
    struct frag *condition = expr_condition(g, scope, 2);
    if (CHANCE(30)) /* or few rows would be left to look at */
        condition = frag_expr(g->pool, CHANCE(50) ? "(@ OR @)" : "(@ IS NOT TRUE OR @)", condition,
                              expr_condition(g, scope, 1));
    frag_add(g->pool, f, condition);
    return f;
}

#define NESTING_MOST 2 /* of subqueries */

/* ---- Aggregates ---- */

static struct typed aggregate(struct gen *g, const struct scope *scope)
{
    static const char *const sums[] = {"sum(@)", "avg(@)", "total(@)", "sum(DISTINCT @)",
                                       "avg(DISTINCT @)"};
    struct typed t = {
        .type = {.kind = KIND_INT, .affinity = 'B', .collation = 'B', .tame = true, .exact = true}};
    uint32_t r = BELOW(100);
    if (r < 25) {
        t.frag = frag_text(g->pool, "count(*)");
    } else if (r < 40) {
        t.frag = frag_make(g->pool, CHANCE(65) ? "count(@)" : "count(DISTINCT @)",
                           expr_of(g, scope, (enum kind)BELOW(KIND_ANY), 1).frag);
    } else if (r < 70) {
        struct typed a = expr_tame(g, scope);
        t.frag = frag_make(g->pool, PICK(sums), a.frag);
        t.type.kind = KIND_NUMBER;
        t.type.tame = t.type.exact = false;
    } else {
        struct typed a = expr_of(g, scope, (enum kind)BELOW(KIND_ANY), 1);
        expr_chosen(g, &a.type);
        t.type = a.type;
        t.type.affinity = 'B';
        t.type.collation = 'B';
        t.frag = frag_make(g->pool, CHANCE(50) ? "min(@)" : "max(@)", a.frag);
    }
    if (CHANCE(12))
        t.frag = frag_make(g->pool, "@ FILTER (WHERE @)", t.frag, expr_condition(g, scope, 1));
    if (t.type.kind == KIND_INT && CHANCE(12)) {
        struct frag *b = expr_tame(g, scope).frag;
        t.frag =
            frag_make(g->pool, CHANCE(50) ? "(@ + sum(@))" : "coalesce(@ * 2, max(@))", t.frag, b);
        t.type = (struct column){.kind = KIND_NUMBER, .affinity = 'B', .collation = 'B'};
    }
    return t;
}

/* No condition on groups beside a bare column: another min() or max() would unsettle its row. */
static struct frag *having(struct gen *g, const struct scope *scope, bool bare)
{
    static const char *const forms[] = {" HAVING count(*) > 1", " HAVING @ > 2",
                                        " HAVING @ IS NOT NULL", " HAVING count(*) BETWEEN 1 AND 3",
                                        " HAVING NOT (@ < 3)"};
    struct frag *f = frag_row(g->pool, "");
    f->optional = true;
    if (bare || !CHANCE(30))
        return f;
    frag_add(g->pool, f, frag_make(g->pool, PICK(forms), aggregate(g, scope).frag));
    return f;
}

/* A bare column beside the only min() or max(): the row that holds it, when the value is unique. */
static bool bare_column(struct gen *g, const struct scope *scope, struct form *form)
{
    struct typed key = expr_column(
        g, scope, (struct column_wish){.any_kind = true, .exact = true, .unique = true}, false);
    if (!key.frag || scope->count != 1)
        return false;
    key.frag = frag_make(g->pool, CHANCE(50) ? "max(@)" : "min(@)", key.frag);
    key.type.affinity = 'B';
    add_item(g, form, key);
    struct typed bare = expr_column(g, scope, (struct column_wish){.any_kind = true}, false);
    if (bare.frag)
        add_item(g, form, bare);
    return true;
}

static struct frag *grouped(struct gen *g, const struct scope *scope, struct form *form,
                            struct frag *from)
{
    struct frag *keys = frag_row(g->pool, ", ");
    bool positions = CHANCE(15);
    for (uint32_t n = 1 + (uint32_t)CHANCE(35); n > 0; n--) {
        struct typed key = expr_of(g, scope, (enum kind)BELOW(KIND_ANY), CHANCE(60) ? 0 : 2);
        expr_chosen(g, &key.type);
        key.frag->expression = false; /* a constant here would be a position */
        struct frag *text = positions ? frag_text(g->pool, "%zu", form->out->count + 1) : key.frag;
        if (!positions && !key.frag->count && strspn(key.frag->text, "-0123456789") > 0)
            text = frag_text(g->pool, "(0 + %s)", key.frag->text);
        frag_add(g->pool, keys, text);
        if (positions || CHANCE(85))
            add_item(g, form, key);
    }
    bool bare = CHANCE(15) && bare_column(g, scope, form);
    if (!bare)
        for (uint32_t n = 1 + BELOW(3); n > 0; n--)
            add_item(g, form, aggregate(g, scope));
    form->out->rows = scope->rows;
    return frag_make(g->pool, "SELECT @ FROM @@ GROUP BY @@", form->items, from,
                     where(g, scope, 50), keys, having(g, scope, bare));
}

static struct frag *aggregated(struct gen *g, const struct scope *scope, struct form *form,
                               struct frag *from)
{
    bool bare = CHANCE(15) && bare_column(g, scope, form);
    if (!bare)
        for (uint32_t n = 1 + BELOW(3); n > 0; n--)
            add_item(g, form, aggregate(g, scope));
    form->out->rows = 1;
    return frag_make(g->pool, "SELECT @ FROM @@@", form->items, from, where(g, scope, 50),
                     having(g, scope, bare));
}

/* ---- Rows ---- */

static struct frag *distinct(struct gen *g, struct relation *out)
{
    struct frag *f = frag_row(g->pool, "");
    f->optional = true;
    if (CHANCE(12)) {
        frag_add(g->pool, f, frag_text(g->pool, "DISTINCT "));
        for (size_t c = 0; c < out->count; c++)
            expr_chosen(g, &out->columns[c]);
    }
    return f;
}

static struct frag *rows(struct gen *g, const struct scope *scope, struct form *form,
                         struct frag *from, size_t columns)
{
    bool windows = CHANCE(18);
    size_t n = columns ? columns : 1 + BELOW(4);
    unsigned nesting = g->nesting;
    if (nesting > 0)
        g->nesting = NESTING_MOST; /* no subqueries: see gen_from.c */
    for (size_t i = 0; i < n; i++)
        add_item(g, form, windows && CHANCE(50) ? window_make(g, scope) : expr_show(g, scope, 2));
    g->nesting = nesting;
    form->out->rows = scope->rows;
    struct frag *once = distinct(g, form->out);
    return frag_make(g->pool, "SELECT @@ FROM @@", once, form->items, from, where(g, scope, 50));
}

/* One core. columns > 0: plain rows of so many columns. */
static struct frag *core(struct gen *g, const struct scope *outer, double budget, size_t columns,
                         bool named, struct relation *out)
{
    struct scope scope = {.outer = outer};
    struct form form = {.items = frag_row(g->pool, ", "), .out = out, .named = named};
    form.shift = BELOW(8);
    form.items->items = columns == 0;
    out->count = 0;
    struct frag *from = from_make(g, &scope, budget, false);
    if (!from) {
        for (size_t i = 0; i < (columns ? columns : 1); i++)
            add_item(g, &form, expr_of(g, &scope, KIND_ANY, 1));
        out->rows = 1;
        return frag_make(g->pool, "SELECT @", form.items);
    }
    uint32_t r = columns ? 0 : BELOW(100);
    if (r < 55)
        return rows(g, &scope, &form, from, columns);
    return r < 85 ? grouped(g, &scope, &form, from) : aggregated(g, &scope, &form, from);
}

static struct frag *compound(struct gen *g, const struct scope *outer, double budget, bool named,
                             struct relation *out)
{
    static const char *const words[] = {" UNION ALL ", " UNION ALL ", " UNION ", " INTERSECT ",
                                        " EXCEPT "};
    size_t columns = 1 + BELOW(3);
    g->arms++;
    struct frag *f = core(g, outer, budget, columns, named, out);
    f->optional = false;
    for (uint32_t arms = 1 + (uint32_t)CHANCE(30); arms > 0; arms--) {
        struct relation arm = {0};
        struct frag *next = core(g, outer, budget, columns, named, &arm);
        const char *word = PICK(words);
        f = frag_make(g->pool, pool_print(g->pool, "@%s@", word), f, next);
        for (size_t c = 0; c < columns; c++) {
            struct column *a = &out->columns[c], *b = &arm.columns[c];
            a->exact = a->exact && b->exact && a->kind == b->kind && a->kind != KIND_ANY &&
                       a->kind != KIND_NUMBER && a->collation == 'B' && b->collation == 'B';
            bool plain = a->affinity != b->affinity || a->collation != b->collation;
            if (strcmp(word, " UNION ALL ") != 0)
                expr_chosen(g, a);
            a->plain_only = a->plain_only || plain || b->plain_only;
            a->tame = a->tame && b->tame;
        }
        out->rows += arm.rows;
    }
    g->arms--;
    return f;
}

/* ---- ORDER BY, LIMIT ---- */

static bool all_exact(const struct relation *out)
{
    for (size_t c = 0; c < out->count; c++)
        if (!out->columns[c].exact || out->columns[c].plain_only)
            return false;
    return out->count > 0;
}

/* Order by output columns; all of them where `total`. Remembers them. */
static struct frag *order_by(struct gen *g, const struct relation *out, bool total, bool named,
                             struct order *order)
{
    static const char *const ways[] = {
        "", "", " ASC", " DESC", " DESC", " NULLS LAST", " DESC NULLS FIRST"};
    struct frag *f = frag_row(g->pool, ", ");
    size_t start = BELOW((uint32_t)out->count);
    size_t n = total ? out->count : 1 + BELOW((uint32_t)out->count);
    for (size_t i = 0; i < n; i++) {
        size_t c = (start + i) % out->count;
        order->columns[order->count++] = c;
        frag_add(g->pool, f,
                 named && CHANCE(40) ? frag_text(g->pool, "%s%s", out->columns[c].name, PICK(ways))
                                     : frag_text(g->pool, "%zu%s", c + 1, PICK(ways)));
    }
    return frag_make(g->pool, " ORDER BY @", f);
}

static struct frag *limit(struct gen *g)
{
    struct frag *f = CHANCE(70) ? frag_text(g->pool, " LIMIT %u", BELOW(15))
                                : frag_text(g->pool, " LIMIT %u OFFSET %u", BELOW(15), BELOW(6));
    f->optional = true;
    return f;
}

static struct frag *ordered(struct gen *g, struct frag *select, struct relation *out,
                            uint32_t percent, bool named, struct order *order)
{
    *order = (struct order){0};
    if (!CHANCE(percent) || out->count == 0)
        return select;
    bool cut = all_exact(out) && !g->loose && !g->outer_joined && CHANCE(50);
    struct frag *tail = frag_row(g->pool, "");
    frag_add(g->pool, tail, order_by(g, out, cut || CHANCE(50), named, order));
    if (cut)
        frag_add(g->pool, tail, limit(g));
    tail->optional = true;
    order->text = tail;
    return frag_make(g->pool, "@@", select, tail);
}

/* ---- Subqueries ---- */

struct frag *select_derived(struct gen *g, const struct scope *outer, double budget,
                            struct relation *out)
{
    struct order order;
    *out = (struct relation){.rows = 1};
    g->nesting++;
    struct frag *f = CHANCE(18) ? compound(g, outer, budget / 2, true, out)
                                : core(g, outer, budget, 0, true, out);
    f = ordered(g, f, out, 12, true, &order);
    g->nesting--;
    return f;
}

static bool enter(struct gen *g, const struct scope *scope, double *budget)
{
    *budget = g->budget / (scope->rows > 1 ? scope->rows : 1);
    for (const struct scope *s = scope->outer; s; s = s->outer)
        *budget /= s->rows > 1 ? s->rows : 1;
    if (g->nesting >= NESTING_MOST || *budget < 4)
        return false;
    g->nesting++;
    return true;
}

/* FROM ... WHERE of a subquery that mostly refers to the row around it. */
static struct frag *inner(struct gen *g, const struct scope *scope, struct scope *own,
                          double budget)
{
    *own = (struct scope){.outer = scope};
    struct frag *from = from_make(g, own, budget, CHANCE(80));
    if (!from)
        return NULL;
    struct frag *condition = frag_row(g->pool, "");
    condition->optional = true;
    if (CHANCE(65)) {
        struct column_wish wish = {.any_kind = true};
        struct typed a = expr_column(g, own, wish, false), b = {0};
        wish = (struct column_wish){.kind = a.type.kind};
        if (a.frag)
            b = expr_column(g, scope, wish, true);
        if (b.frag)
            frag_add(
                g->pool, condition,
                frag_make(g->pool, CHANCE(80) ? " WHERE @ = @" : " WHERE @ < @", a.frag, b.frag));
    }
    if (CHANCE(40)) {
        const char *word = condition->count > 0 ? " AND @" : " WHERE @";
        struct frag *more = frag_make(g->pool, word, expr_condition(g, own, 1));
        more->optional = true;
        frag_add(g->pool, condition, more);
    }
    return frag_make(g->pool, "@@", from, condition);
}

struct typed select_scalar(struct gen *g, const struct scope *scope, enum kind kind)
{
    struct scope own;
    struct typed t = {.type = {.kind = KIND_NUMBER, .affinity = 'B', .collation = 'B'}};
    double budget;
    if (!enter(g, scope, &budget))
        return t;
    struct frag *from = inner(g, scope, &own, budget);
    struct typed a = {0};
    if (from)
        a = expr_column(g, &own, (struct column_wish){.kind = kind, .exact = true}, false);
    if (a.frag && CHANCE(30)) {
        a.frag->expression = false;
        t.frag = frag_make(g->pool,
                           CHANCE(70) ? "(SELECT @ FROM @ ORDER BY @ LIMIT 1)"
                                      : "(SELECT @ FROM @ ORDER BY @ DESC LIMIT 1 OFFSET 1)",
                           a.frag, from, a.frag);
        t.type.kind = a.type.kind;
    } else if (a.frag && CHANCE(50)) {
        t.frag =
            frag_make(g->pool, CHANCE(50) ? "(SELECT max(@) FROM @)" : "(SELECT min(@) FROM @)",
                      a.frag, from);
        t.type.kind = a.type.kind;
    } else if (from && kind != KIND_TEXT) {
        struct frag *sum = CHANCE(50) ? frag_text(g->pool, "count(*)")
                                      : frag_make(g->pool, "sum(@)", expr_tame(g, &own).frag);
        t.frag = frag_make(g->pool, "(SELECT @ FROM @)", sum, from);
    }
    if (t.frag) {
        t.frag->expression = true;
        t.type.exact = t.type.kind == KIND_TEXT || t.type.kind == KIND_DATE;
    }
    g->nesting--;
    return t;
}

struct frag *select_list(struct gen *g, const struct scope *scope, enum kind kind)
{
    struct scope own;
    struct frag *f = NULL;
    double budget;
    if (!enter(g, scope, &budget))
        return NULL;
    struct frag *from = inner(g, scope, &own, budget);
    if (from) {
        struct frag *a = expr_of(g, &own, kind, CHANCE(70) ? 0 : 1).frag;
        a->expression = false;
        f = frag_make(g->pool, CHANCE(85) ? "(SELECT @ FROM @)" : "(SELECT DISTINCT @ FROM @)", a,
                      from);
    }
    g->nesting--;
    return f;
}

struct frag *select_exists(struct gen *g, const struct scope *scope)
{
    struct scope own;
    struct frag *f = NULL;
    double budget;
    if (!enter(g, scope, &budget))
        return NULL;
    struct frag *from = inner(g, scope, &own, budget);
    if (from)
        f = frag_make(g->pool, CHANCE(60) ? "EXISTS (SELECT 1 FROM @)" : "EXISTS (SELECT * FROM @)",
                      from);
    g->nesting--;
    return f;
}

/* ---- Statements ---- */

static struct frag *with(struct gen *g, double budget)
{
    struct frag *list = frag_row(g->pool, ", "), *f = frag_row(g->pool, "");
    f->optional = true;
    if (!CHANCE(14))
        return f;
    for (uint32_t n = 1 + (uint32_t)CHANCE(30); n > 0; n--) {
        struct relation *cte = &g->ctes[g->cte_count];
        struct frag *body = select_derived(g, NULL, budget / 4, cte);
        cte->name = pool_print(g->pool, "w%zu", g->cte_count);
        const char *hint = CHANCE(85) ? "" : CHANCE(50) ? "MATERIALIZED " : "NOT MATERIALIZED ";
        frag_add(g->pool, list,
                 frag_make(g->pool, pool_print(g->pool, "%s AS %s(@)", cte->name, hint), body));
        g->cte_count++;
    }
    frag_add(g->pool, f, frag_make(g->pool, "WITH @ ", list));
    return f;
}

/* SELECT * of one FROM. */
static struct frag *star(struct gen *g, struct query *q, double budget)
{
    struct scope scope = {0};
    struct frag *from = from_make(g, &scope, budget, false);
    if (!from)
        return NULL;
    q->star = true;
    return frag_make(g->pool, "SELECT * FROM @@", from, where(g, &scope, 70));
}

static struct gen gen_begin(struct pool *pool, uint64_t *seed, const struct schema *schema)
{
    struct gen gen = {.pool = pool, .seed = seed, .schema = schema, .budget = 4000};
    if (gen_chance(seed, 5))
        gen.budget = 60000;
    for (size_t i = 0; i < schema->tables; i++)
        if (schema->relations[i].rows > 1000 && gen.budget < 7000)
            gen.budget = 7000;
    return gen;
}

void query_make(struct query *q, struct pool *pool, uint64_t *seed, const struct schema *schema)
{
    struct gen gen = gen_begin(pool, seed, schema), *g = &gen;
    *q = (struct query){0};
    struct frag *prefix = with(g, g->budget), *body = NULL;
    if (CHANCE(6))
        body = star(g, q, g->budget);
    if (!body) {
        bool named = CHANCE(60);
        body = CHANCE(12) ? compound(g, NULL, g->budget / 2, named, &q->columns)
                          : core(g, NULL, g->budget, 0, named, &q->columns);
        body = ordered(g, body, &q->columns, 50, named, &q->order);
    }
    q->frag = frag_make(g->pool, "@@", prefix, body);
    q->loose = g->loose;
}

void query_pieces(struct pieces *p, struct pool *pool, uint64_t *seed, const struct schema *schema)
{
    struct gen gen = gen_begin(pool, seed, schema), *g = &gen;
    struct scope scope = {0};
    p->from = from_make(g, &scope, g->budget, CHANCE(70));
    if (!p->from)
        return;
    p->condition = expr_condition(g, &scope, 3);
    p->columns = frag_row(g->pool, ", ");
    for (uint32_t n = 1 + BELOW(3); n > 0; n--)
        frag_add(g->pool, p->columns, expr_show(g, &scope, 1).frag);
    p->columns->items = true;
}
