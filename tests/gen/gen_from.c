/*
 * gen_from.c -- sources and joins.
 *
 * The estimate of a scope's rows is the product of its sources': it bounds what SQLite's nested
 * loops can take, whatever the conditions select.
 *
 * Faults of SQLite 3.40 are kept out of the way. Behind an outer join USING takes the key of a row
 * without a partner for equal to NULL when the column is declared NOT NULL. An inner join whose ON
 * is false for every row ends the query, rows that a later RIGHT or FULL JOIN keeps and all. A
 * WHERE that moves into the arms of a UNION ALL lets such rows pass. A LEFT JOIN on a unique key
 * whose right side nobody reads loses rows under ORDER BY with LIMIT. A subquery among the columns
 * of a derived table stays NULL after the first row that a LEFT JOIN finds no partner for.
 */
#include "gen_query.h"

#include <string.h>

#define BELOW(n) gen_below(g->seed, (n))
#define CHANCE(percent) gen_chance(g->seed, (percent))

/* One of the relations with few enough rows; NULL: none. */
static const struct relation *pick_relation(struct gen *g, double rows_most)
{
    const struct relation *found = NULL;
    uint32_t seen = 0;
    for (size_t i = 0; i < g->cte_count; i++)
        if (g->ctes[i].rows <= rows_most)
            for (int weight = 0; weight < 3; weight++)
                found = BELOW(++seen) == 0 ? &g->ctes[i] : found;
    for (size_t i = 0; i < g->schema->count; i++)
        if (g->schema->relations[i].rows <= rows_most)
            found = BELOW(++seen) == 0 ? &g->schema->relations[i] : found;
    return found;
}

static struct frag *add_source(struct gen *g, struct scope *scope, double budget, bool plain)
{
    struct source *s = &scope->sources[scope->count];
    struct frag *f;
    double rows_most = budget / (scope->rows > 1 ? scope->rows : 1);
    s->alias = pool_print(g->pool, "s%u", g->aliases++);
    const struct relation *r = pick_relation(g, rows_most);
    if (!plain && g->nesting < 3 && rows_most >= 1 && CHANCE(18)) {
        struct frag *inner = select_derived(g, NULL, rows_most, &s->relation);
        f = frag_make(g->pool, pool_print(g->pool, "(@) AS %s", s->alias), inner);
    } else if (r) {
        s->relation = *r;
        f = frag_text(g->pool, "%s %s%s", r->name, CHANCE(50) ? "AS " : "", s->alias);
    } else {
        return NULL;
    }
    if (s->relation.rows > 1)
        scope->rows *= s->relation.rows;
    scope->count++;
    return f;
}

/* ---- Conditions between sources ---- */

static struct column_wish of_kind(enum kind kind)
{
    return (struct column_wish){.kind = kind};
}

/* The newest source's column equal to one of an older source's, of the same kind if there is. */
static struct frag *equality(struct gen *g, const struct scope *scope)
{
    struct scope older = *scope, newest = *scope;
    older.outer = newest.outer = NULL;
    older.count--;
    newest.sources[0] = scope->sources[scope->count - 1];
    newest.count = 1;
    struct column_wish any = {.any_kind = true};
    struct typed a = expr_column(g, &newest, any, false);
    if (!a.frag)
        return frag_text(g->pool, "1 = 1");
    struct typed b = expr_column(g, &older, of_kind(a.type.kind), false);
    if (!b.frag || CHANCE(5))
        b = expr_column(g, &older, any, false);
    if (!b.frag)
        return frag_text(g->pool, "1 = 1");
    static const char *const forms[] = {"@ = @", "@ = @",  "@ = @", "@ = @",
                                        "@ = @", "@ IS @", "@ < @", "@ + 1 = @"};
    const char *form = forms[BELOW(8)];
    return CHANCE(50) ? frag_expr(g->pool, form, a.frag, b.frag)
                      : frag_expr(g->pool, form, b.frag, a.frag);
}

static struct frag *on_condition(struct gen *g, const struct scope *scope)
{
    struct frag *f = equality(g, scope);
    while (CHANCE(25)) {
        struct frag *more = CHANCE(50) ? equality(g, scope) : expr_condition(g, scope, 1);
        f = frag_expr(g->pool, CHANCE(80) ? "@ AND @" : "(@ OR @)", f, more);
    }
    if (CHANCE(6))
        f = expr_condition(g, scope, 2);
    return f;
}

/* A name that the newest source shares with exactly one of the others. */
static const char *shared_name(const struct scope *scope)
{
    const struct relation *newest = &scope->sources[scope->count - 1].relation;
    for (size_t c = 0; c < newest->count; c++) {
        size_t found = 0;
        for (size_t s = 0; s + 1 < scope->count; s++)
            for (size_t i = 0; i < scope->sources[s].relation.count; i++) {
                const struct column *other = &scope->sources[s].relation.columns[i];
                found += !strcmp(other->name, newest->columns[c].name) && !other->plain_only;
            }
        if (found == 1 && !newest->columns[c].plain_only)
            return newest->columns[c].name;
    }
    return NULL;
}

static bool any_plain_only(const struct scope *scope)
{
    for (size_t s = 0; s < scope->count; s++)
        for (size_t c = 0; c < scope->sources[s].relation.count; c++)
            if (scope->sources[s].relation.columns[c].plain_only)
                return true;
    return false;
}

static void add_join(struct gen *g, struct scope *scope, struct frag *list, double budget,
                     bool plain)
{
    static const char *const kinds[] = {"JOIN",       "INNER JOIN", "LEFT JOIN", "LEFT OUTER JOIN",
                                        "RIGHT JOIN", "FULL JOIN"};
    struct frag *source = add_source(g, scope, budget, plain), *join;
    if (!source)
        return;
    uint32_t style = BELOW(100);
    uint32_t kind = BELOW(100);
    if (kind >= 80 && (scope->count > 2 || g->arms > 0))
        kind -= 30; /* RIGHT and FULL come first, and in no compound: see above */
    const char *word = kinds[kind < 50 ? kind % 2 : kind < 80 ? 2 + kind % 2 : kind < 90 ? 4 : 5];
    const char *name = shared_name(scope);
    g->outer_joined = g->outer_joined || kind >= 50;
    if (style < 25)
        join = frag_make(g->pool, ", @", source);
    else if (style < 30)
        join = frag_make(g->pool, " CROSS JOIN @", source);
    else if (style < 36 && scope->count == 2 && !any_plain_only(scope))
        join = frag_make(g->pool, pool_print(g->pool, " NATURAL %s @", word), source);
    else if (style < 48 && name && scope->count == 2)
        join = frag_make(g->pool, pool_print(g->pool, " %s @ USING (%s)", word, name), source);
    else
        join = frag_make(g->pool, pool_print(g->pool, " %s @ ON @", word), source,
                         on_condition(g, scope));
    join->optional = true;
    frag_add(g->pool, list, join);
}

struct frag *from_make(struct gen *g, struct scope *scope, double budget, bool plain)
{
    struct frag *list = frag_row(g->pool, "");
    uint32_t r = BELOW(100);
    size_t joins = r < 45 ? 0 : r < 75 ? 1 : r < 92 ? 2 : 3;
    if (g->nesting > 1 && joins > 1)
        joins = 1;
    scope->count = 0;
    scope->rows = 1;
    struct frag *first = add_source(g, scope, budget, plain);
    if (!first)
        return NULL;
    frag_add(g->pool, list, first);
    for (size_t i = 0; i < joins; i++)
        add_join(g, scope, list, budget, plain);
    return list;
}
