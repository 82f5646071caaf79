/*
 * cost.c -- nanoseconds on columns and on rows, from estimated row counts.
 *
 * The router needs the order of magnitude: a point query must not wait for a scan, a scan must not
 * run on rows. So the models are sums over the nodes of the plan with one constant per kind of
 * work.
 *
 * SQLite runs joins as nested loops in some order it finds good, over indexes, else over one it
 * makes for the query. Here the tables of a region of joins are charged as: the one with the fewest
 * rows after filters drives, read through an index where a filter on an index's first column cuts
 * it; every other is looked up once per row of what is joined so far.
 */
#include "sql/cost.h"

#include "sql/estimate.h"

#include <math.h>

/* On columns. */
#define COLUMNS_START_NS 20000.0 /* plan, pipelines, threads */
#define COLUMNS_VALUE_NS 0.7     /* per row scanned and filter, or column read */
#define COLUMNS_BUILD_NS 20.0    /* per row put into a hash table */
#define COLUMNS_PROBE_NS 6.0     /* per row looked up */
#define COLUMNS_GROUP_NS 8.0     /* per row aggregated */
#define COLUMNS_SORT_NS 40.0     /* per row sorted, windows too */
#define COLUMNS_PAIR_NS 1.0      /* per pair of a join without keys */
#define COLUMNS_TOLD_NS 50.0     /* per segment, and per aggregate, where no row is read */

/* On rows. */
#define ROWS_START_NS 5000.0   /* prepare and first page */
#define ROWS_SCAN_NS 100.0     /* per row of a table's scan */
#define ROWS_LOOKUP_NS 1000.0  /* per row found through an index */
#define ROWS_INDEX_NS 600.0    /* per row put into an index made for the query */
#define ROWS_GROUP_NS 500.0    /* per row grouped or sorted */
#define ROWS_AGGREGATE_NS 60.0 /* per row and aggregate */

#define SHARED_MAX 64u /* bodies remembered; more are charged per reader */

struct cost {
    double columns_ns, rows_ns;
};

struct costs {
    struct query *q;
    const struct shared_rel *shared[SHARED_MAX];
    struct cost shared_cost[SHARED_MAX];
    uint32_t shared_count;
};

static struct cost node_cost(struct costs *c, struct rel *rel);

/* ---- Scans ---- */

/* Does a filter compare the column with something that is there before the scan? */
static bool is_bounded(expr_ref e, uint32_t column)
{
    bool compares = (e->kind == EXPR_COMPARE && e->op != OP_NE && e->op != OP_IS_NOT) ||
                    (e->kind == EXPR_IN && !e->negated);
    if (!compares)
        return false;
    for (uint32_t i = 0; i < e->arg_count; i++)
        if (e->args[i]->kind == EXPR_INPUT && e->args[i]->slot == column)
            return e->arg_count == 1 || e->args[1 - i]->kind == EXPR_CONST;
    return false;
}

/* Rows that SQLite visits to find those of a scan. */
static double visited_rows(struct query *q, const struct rel *scan, bool *by_index)
{
    const struct catalog_table *table = scan->u.scan.table;
    double rows = (double)table->live_rows, best = rows;
    *by_index = false;
    for (uint32_t i = 0; i < table->index_count; i++) {
        uint32_t first = scan->u.scan.first + table->indexes[i].columns[0];
        double share = 1;
        for (uint32_t f = 0; f < scan->u.scan.filters.count; f++)
            if (is_bounded(scan->u.scan.filters.items[f], first))
                share *= estimate_conjunct(q, scan->u.scan.filters.items[f], rows);
        if (rows * share < best) {
            best = rows * share;
            *by_index = true;
        }
    }
    return best;
}

static struct cost scan_cost(struct costs *c, struct rel *scan)
{
    double rows = (double)scan->u.scan.table->live_rows, out = estimate_rows(c->q, scan);
    uint32_t filters = scan->u.scan.filters.count ? scan->u.scan.filters.count : 1;
    bool by_index;
    double visited = visited_rows(c->q, scan, &by_index);
    return (struct cost){
        .columns_ns = rows * COLUMNS_VALUE_NS * filters + out * COLUMNS_VALUE_NS * 2,
        .rows_ns = fmin(visited * (by_index ? ROWS_LOOKUP_NS : ROWS_SCAN_NS), rows * ROWS_SCAN_NS)};
}

/* ---- Joins ---- */

static bool is_indexed(const struct rel *scan, expr_ref e)
{
    const struct catalog_table *table = scan->u.scan.table;
    uint32_t a, b;
    if (!estimate_equality(e, &a, &b))
        return false;
    for (uint32_t i = 0; i < table->index_count; i++) {
        uint32_t first = scan->u.scan.first + table->indexes[i].columns[0];
        if (a == first || b == first)
            return true;
    }
    return false;
}

/* What SQLite pays to look rows of one side up `times` times; cost: to make that side. */
static double lookup_ns(struct costs *c, const struct rel *join, struct rel *side, double cost,
                        double times)
{
    struct rel *base = side;
    while (base->kind == REL_FILTER || base->kind == REL_MAP)
        base = base->child;
    if (base->kind == REL_SCAN)
        for (uint32_t i = 0; i < join->u.join.on.count; i++)
            if (is_indexed(base, join->u.join.on.items[i]))
                return times * ROWS_LOOKUP_NS;
    return cost + estimate_rows(c->q, side) * ROWS_INDEX_NS + times * ROWS_LOOKUP_NS;
}

static struct cost join_cost(struct costs *c, struct rel *join)
{
    double left = estimate_rows(c->q, join->child), right = estimate_rows(c->q, join->right);
    double out = estimate_rows(c->q, join);
    struct cost a = node_cost(c, join->child), b = node_cost(c, join->right);
    double from_left = a.rows_ns + lookup_ns(c, join, join->right, b.rows_ns, left);
    double from_right = b.rows_ns + lookup_ns(c, join, join->child, a.rows_ns, right);
    bool fixed = join->u.join.kind != REL_INNER; /* SQLite drives these from the left */
    double meet = join->u.join.on.count
                      ? fmin(left, right) * COLUMNS_BUILD_NS + fmax(left, right) * COLUMNS_PROBE_NS
                      : left * right * COLUMNS_PAIR_NS;
    return (struct cost){
        .columns_ns = a.columns_ns + b.columns_ns + meet + out * COLUMNS_VALUE_NS * 4,
        .rows_ns = (fixed ? from_left : fmin(from_left, from_right)) + out * ROWS_SCAN_NS};
}

/* ---- All nodes ---- */

/* A body runs once here; SQLite is charged for every reader. */
static struct cost shared_cost(struct costs *c, const struct shared_rel *shared)
{
    for (uint32_t i = 0; i < c->shared_count; i++)
        if (c->shared[i] == shared)
            return (struct cost){.rows_ns = c->shared_cost[i].rows_ns};
    struct cost cost = node_cost(c, shared->rel);
    if (c->shared_count < SHARED_MAX) {
        c->shared[c->shared_count] = shared;
        c->shared_cost[c->shared_count++] = cost;
    }
    return cost;
}

/* Of the node alone, over rows of its input. */
static struct cost own_cost(const struct rel *rel, double rows)
{
    switch (rel->kind) {
    case REL_AGGREGATE:
        return (struct cost){rows * COLUMNS_GROUP_NS * (1 + rel->u.aggregate.count),
                             rows * ((rel->u.aggregate.key_count ? ROWS_GROUP_NS : 0) +
                                     ROWS_AGGREGATE_NS * rel->u.aggregate.count)};
    case REL_SORT:
    case REL_WINDOW:
        return (struct cost){rows * COLUMNS_SORT_NS, rows * ROWS_GROUP_NS};
    case REL_SET:
        return (struct cost){rows * COLUMNS_GROUP_NS, rows * ROWS_SCAN_NS};
    default:
        return (struct cost){rows * COLUMNS_VALUE_NS, 0};
    }
}

/* Is it an aggregation over a whole table, of what segments know of themselves? (Sums of plain
 * doubles are not, but a look at every chunk costs more than it is worth.) */
static bool is_told(const struct rel *rel)
{
    bool told = rel->kind == REL_AGGREGATE && rel->u.aggregate.key_count == 0 &&
                rel->child->kind == REL_SCAN && rel->child->u.scan.filters.count == 0 &&
                rel->child->u.scan.table->version;
    for (uint32_t i = 0; told && i < rel->u.aggregate.count; i++) {
        const struct aggregate *a = &rel->u.aggregate.aggregates[i];
        told = a->kind <= AGG_MAX && !a->distinct && !a->filter &&
               (!a->arg || a->arg->kind == EXPR_INPUT);
    }
    return told;
}

/* Only what is open or has lost rows is read, and nothing for COUNT(*) alone. */
static double told_ns(const struct rel *rel)
{
    const struct table_version *version = rel->child->u.scan.table->version;
    uint32_t reading = 0;
    double ns = 0;
    for (uint32_t i = 0; i < rel->u.aggregate.count; i++)
        reading += rel->u.aggregate.aggregates[i].kind != AGG_COUNT_ROWS;
    for (uint32_t i = 0; i < version->segment_count; i++) {
        const struct segment_ref *ref = &version->segments[i];
        bool read = ref->deleted_count || segment_is_open(ref->segment);
        ns += COLUMNS_TOLD_NS;
        ns += reading * (read ? 2 * ref->rows * COLUMNS_VALUE_NS : COLUMNS_TOLD_NS);
    }
    return ns;
}

static struct cost node_cost(struct costs *c, struct rel *rel)
{
    struct rel **input;
    if (rel->kind == REL_SCAN)
        return scan_cost(c, rel);
    if (rel->kind == REL_JOIN)
        return join_cost(c, rel);
    if (rel->kind == REL_SHARED)
        return shared_cost(c, rel->u.shared.shared);
    struct cost sum = own_cost(rel, estimate_rows(c->q, rel->child ? rel->child : rel));
    for (uint32_t i = 0; (input = rel_input_at(rel, i)); i++) {
        struct cost below = node_cost(c, *input);
        sum.columns_ns += below.columns_ns;
        sum.rows_ns += below.rows_ns;
    }
    if (is_told(rel))
        sum.columns_ns = fmin(sum.columns_ns, told_ns(rel));
    return sum;
}

void cost_estimate(struct query *q, struct rel *rel, double *columns_ns, double *rows_ns)
{
    struct costs c = {.q = q};
    struct cost cost = node_cost(&c, rel);
    *columns_ns = COLUMNS_START_NS + cost.columns_ns;
    *rows_ns = ROWS_START_NS + cost.rows_ns;
}
