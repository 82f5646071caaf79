/*
 * gen_window.c -- window functions whose values are determined.
 *
 * Where the order among peers would show (row_number, lag, ROWS frames), ORDER BY is made total:
 * by the unique columns of every source, or by all their columns. Otherwise only functions that
 * treat peers alike.
 */
#include "gen_query.h"

#include <string.h>

#define BELOW(n) gen_below(g->seed, (n))
#define CHANCE(percent) gen_chance(g->seed, (percent))
#define PICK(list) (list)[BELOW((uint32_t)(sizeof(list) / sizeof *(list)))]

/* Terms that order every row of the scope apart from equal ones; NULL: there are none. */
static const char *total_order(struct gen *g, const struct scope *scope)
{
    const char *text = NULL;
    for (size_t s = 0; s < scope->count; s++) {
        const struct relation *r = &scope->sources[s].relation;
        bool unique = r->count > 0 && r->columns[0].unique && r->columns[0].exact;
        for (size_t c = 0; c < (unique ? 1 : r->count); c++) {
            if (!r->columns[c].exact || r->columns[c].plain_only)
                return NULL;
            text =
                pool_print(g->pool, "%s%s%s.%s%s", text ? text : "", text ? ", " : "",
                           scope->sources[s].alias, r->columns[c].name, CHANCE(30) ? " DESC" : "");
        }
    }
    return text;
}

static struct frag *partition(struct gen *g, const struct scope *scope)
{
    struct frag *f = frag_row(g->pool, "");
    f->optional = true;
    if (CHANCE(40))
        return f;
    frag_add(g->pool, f, frag_text(g->pool, "PARTITION BY "));
    frag_add(g->pool, f, expr_of(g, scope, (enum kind)BELOW(KIND_BLOB), 1).frag);
    frag_add(g->pool, f, frag_text(g->pool, " "));
    return f;
}

static const char *bound(struct gen *g, bool start)
{
    static const char *const starts[] = {"UNBOUNDED PRECEDING", "2 PRECEDING", "1 PRECEDING",
                                         "CURRENT ROW", "0 PRECEDING"};
    static const char *const ends[] = {"UNBOUNDED FOLLOWING", "1 FOLLOWING", "3 FOLLOWING",
                                       "CURRENT ROW", "CURRENT ROW"};
    return start ? PICK(starts) : PICK(ends);
}

static const char *frame(struct gen *g, const char *mode)
{
    static const char *const excludes[] = {"",
                                           "",
                                           "",
                                           "",
                                           " EXCLUDE NO OTHERS",
                                           " EXCLUDE CURRENT ROW",
                                           " EXCLUDE GROUP",
                                           " EXCLUDE TIES"};
    if (CHANCE(10))
        return pool_print(g->pool, " %s %s%s", mode,
                          CHANCE(50) ? "UNBOUNDED PRECEDING" : "CURRENT ROW", PICK(excludes));
    if (CHANCE(12))
        return pool_print(g->pool, " %s BETWEEN %s%s", mode,
                          CHANCE(50) ? "2 FOLLOWING AND 4 FOLLOWING"
                                     : "3 PRECEDING AND 1 PRECEDING",
                          PICK(excludes));
    return pool_print(g->pool, " %s BETWEEN %s AND %s%s", mode, bound(g, true), bound(g, false),
                      PICK(excludes));
}

/* SQLite 3.40's min and max over frames whose start moves are at times not the extreme where a frame
 * has more values than about this. */
#define SLIDING_ROWS_MAX 1000

/* An aggregate over a frame. */
static struct typed aggregate(struct gen *g, const struct scope *scope, struct frag *where)
{
    static const char *const sums[] = {"sum(@)", "avg(@)", "total(@)", "count(@)"};
    struct typed t = {.type = {.kind = KIND_NUMBER, .affinity = 'B', .collation = 'B'}};
    uint32_t r = BELOW(100);
    if (r < 20) {
        t.frag = frag_make(g->pool, "count(*)@", where);
    } else if (r < 70 || scope->rows > SLIDING_ROWS_MAX) {
        struct frag *call = frag_make(g->pool, PICK(sums), expr_tame(g, scope).frag);
        t.frag = frag_make(g->pool, "@@", call, where);
    } else {
        struct typed a = expr_of(g, scope, (enum kind)BELOW(KIND_BLOB), 1);
        expr_chosen(g, &a.type);
        t.type = a.type;
        t.type.affinity = 'B';
        t.type.collation = 'B';
        t.type.tame = false;
        t.frag = frag_make(g->pool, CHANCE(50) ? "min(@)@" : "max(@)@", a.frag, where);
    }
    return t;
}

static struct frag *filter(struct gen *g, const struct scope *scope)
{
    struct frag *f = frag_row(g->pool, "");
    f->optional = true;
    if (CHANCE(85))
        return f;
    frag_add(g->pool, f, frag_make(g->pool, " FILTER (WHERE @)", expr_condition(g, scope, 1)));
    return f;
}

/* Peers do not matter: ranks, aggregates over RANGE and GROUPS frames. */
static struct typed by_peers(struct gen *g, const struct scope *scope)
{
    static const char *const ranks[] = {"rank()", "dense_rank()", "percent_rank()", "cume_dist()"};
    struct column_wish number = {.kind = KIND_NUMBER, .tame = true};
    struct typed t, key = expr_column(g, scope, number, false);
    const char *order = "", *frame_text = "";
    struct frag *where = filter(g, scope), *part = partition(g, scope);
    if (key.frag && CHANCE(80)) {
        order = pool_print(g->pool, "ORDER BY %s%s%s", key.frag->text, CHANCE(40) ? " DESC" : "",
                           CHANCE(20) ? " NULLS LAST" : "");
        if (CHANCE(50))
            frame_text = frame(g, CHANCE(60) ? "RANGE" : "GROUPS");
    } else if (CHANCE(20)) {
        frame_text = " RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING";
    }
    if (*order && !*frame_text && CHANCE(40)) {
        t = (struct typed){.type = {.kind = KIND_NUMBER, .affinity = 'B', .collation = 'B'}};
        t.frag = frag_text(g->pool, "%s", PICK(ranks));
    } else {
        t = aggregate(g, scope, where);
    }
    t.frag = frag_make(g->pool, "@ OVER (@@@)", t.frag, part, frag_text(g->pool, "%s", order),
                       frag_text(g->pool, "%s", frame_text));
    return t;
}

static struct typed by_rows(struct gen *g, const struct scope *scope, const char *order)
{
    static const char *const numbering[] = {"row_number()", "ntile(3)", "rank()", "ntile(100)"};
    static const char *const picking[] = {"lag(@)",          "lead(@)",        "lag(@, 2)",
                                          "lead(@, 1, 0)",   "first_value(@)", "last_value(@)",
                                          "nth_value(@, 2)", "lag(@, 0)"};
    struct typed t = {.type = {.kind = KIND_NUMBER, .affinity = 'B', .collation = 'B'}};
    struct frag *part = partition(g, scope);
    const char *frame_text = CHANCE(50) ? frame(g, CHANCE(70) ? "ROWS" : "GROUPS") : "";
    uint32_t r = BELOW(100);
    if (r < 25) {
        t.frag = frag_text(g->pool, "%s", PICK(numbering));
    } else if (r < 60) {
        struct typed a = expr_of(g, scope, (enum kind)BELOW(KIND_BLOB), 1);
        t.frag = frag_make(g->pool, PICK(picking), a.frag);
        t.type.kind = KIND_ANY;
    } else if (r < 66) {
        struct typed a = expr_of(g, scope, KIND_TEXT, 1);
        t.frag = frag_make(g->pool, "group_concat(@, '-')", a.frag);
        t.type.kind = KIND_TEXT;
    } else {
        t = aggregate(g, scope, filter(g, scope));
    }
    t.frag =
        frag_make(g->pool, "@ OVER (@@@)", t.frag, part, frag_text(g->pool, "ORDER BY %s", order),
                  frag_text(g->pool, "%s", frame_text));
    return t;
}

struct typed window_make(struct gen *g, const struct scope *scope)
{
    const char *order = CHANCE(60) ? total_order(g, scope) : NULL;
    struct typed t = order ? by_rows(g, scope, order) : by_peers(g, scope);
    t.type.exact = t.type.exact && !t.type.plain_only;
    t.type.unique = false;
    return t;
}
