/*
 * join_order.c -- inner joins in the cheapest order; SEMI and ANTI joins where they pay.
 *
 * Up to DP_NODES nodes every connected set has its best tree, found by joining every pair of
 * connected sets that make it, each pair once; beyond, and where the pairs are too many, the pair
 * with the smallest result is joined again and again.
 *
 * cost   rows out + rows probed + 3 x rows built, summed over the joins; pairs tried instead where
 *        nothing hashes. The right side is built: for inner joins both ways are tried.
 *
 * A SEMI or ANTI join is a node that joins only with a set that has all its condition reads, so its
 * place is chosen by cost like any other.
 *
 * Source  Moerkotte, Neumann: Analysis of Two Existing and One New Dynamic Programming Algorithm
 *         (VLDB 2006), DPccp; Fegaras: A New Heuristic for Optimizing Large Queries (DEXA 1998)
 */
#include "sql/join_graph.h"

#include "sql/rewrite.h"

#include <math.h>

#define DP_NODES 12u
#define DP_PAIRS_MAX 20000u /* a dozen tables all joined by one column have more */
#define BUILD_COST 3.0
#define PAIR_COST 0.3 /* of a pair tried, where nothing hashes */

struct entry {            /* the best tree for a set */
    double rows, cost;    /* cost < 0: none yet */
    uint64_t left, right; /* 0: a single node */
};

struct ordering {
    struct graph *g;
    struct entry *table; /* [1 << node_count] for DP */
    uint32_t pairs;
};

/* ---- Cost ---- */

static bool is_filter(const struct graph *g, uint64_t set)
{
    return bits_count(set) == 1 && g->nodes[bits_lowest(set)].filters;
}

/* May the two be joined? A filtering node only as the right side of what it needs. */
static bool may_join(const struct graph *g, uint64_t left, uint64_t right)
{
    if (is_filter(g, left))
        return false;
    return !is_filter(g, right) || !(g->nodes[bits_lowest(right)].needs & ~left);
}

static double join_cost(const struct graph *g, uint64_t left, double left_rows, uint64_t right,
                        double right_rows, double out)
{
    if (is_filter(g, right)) { /* either side may be built */
        bool keyed = g->nodes[bits_lowest(right)].rel->u.join.on.count > 0;
        double build =
            fmin(left_rows + BUILD_COST * right_rows, right_rows + BUILD_COST * left_rows);
        return (keyed ? build : left_rows) + out;
    }
    if (!graph_hashes(g, left, right))
        return PAIR_COST * left_rows * right_rows + left_rows + BUILD_COST * right_rows + out;
    return left_rows + BUILD_COST * right_rows + out;
}

static double set_rows(const struct graph *g, uint64_t set)
{
    return is_filter(g, set) ? g->nodes[bits_lowest(set)].rows : graph_rows(g, set);
}

/* ---- Dynamic programming over connected sets ---- */

static void try_join(struct ordering *o, uint64_t left, uint64_t right)
{
    struct entry *a = &o->table[left], *b = &o->table[right], *out = &o->table[left | right];
    if (a->cost < 0 || b->cost < 0 || !may_join(o->g, left, right))
        return;
    if (out->rows < 0)
        out->rows = graph_rows(o->g, left | right);
    double cost = a->cost + b->cost + join_cost(o->g, left, a->rows, right, b->rows, out->rows);
    if (out->cost < 0 || cost < out->cost)
        *out = (struct entry){out->rows, cost, left, right};
}

static uint64_t neighbours(const struct graph *g, uint64_t set)
{
    uint64_t out = 0;
    for (uint64_t left = set; left; left &= left - 1)
        out |= g->edges[bits_lowest(left)];
    return out & ~set;
}

/* Bits 0 .. n. */
static uint64_t up_to(uint32_t n)
{
    return n >= 63 ? UINT64_MAX : (UINT64_C(1) << (n + 1)) - 1;
}

/* All connected sets that grow from right without excluded: partners of left. */
static void grow_partner(struct ordering *o, uint64_t left, uint64_t right, uint64_t excluded)
{
    uint64_t around = neighbours(o->g, right) & ~excluded;
    for (uint64_t sub = around & (~around + 1); sub; sub = (sub - around) & around) {
        if (++o->pairs > DP_PAIRS_MAX)
            return;
        try_join(o, left, right | sub);
        try_join(o, right | sub, left);
    }
    for (uint64_t sub = around & (~around + 1); sub; sub = (sub - around) & around) {
        if (o->pairs > DP_PAIRS_MAX)
            return;
        grow_partner(o, left, right | sub, excluded | around);
    }
}

static void find_partners(struct ordering *o, uint64_t left)
{
    uint64_t excluded = up_to(bits_lowest(left)) | left;
    uint64_t around = neighbours(o->g, left) & ~excluded;
    for (uint64_t rest = around; rest && o->pairs <= DP_PAIRS_MAX;) {
        uint32_t n = 63 - (uint32_t)__builtin_clzll(rest); /* from the highest */
        uint64_t right = UINT64_C(1) << n;
        rest &= ~right;
        o->pairs++;
        try_join(o, left, right);
        try_join(o, right, left);
        grow_partner(o, left, right, excluded | (up_to(n) & around));
    }
}

static void grow_set(struct ordering *o, uint64_t set, uint64_t excluded)
{
    uint64_t around = neighbours(o->g, set) & ~excluded;
    for (uint64_t sub = around & (~around + 1); sub; sub = (sub - around) & around)
        if (o->pairs <= DP_PAIRS_MAX)
            find_partners(o, set | sub);
    for (uint64_t sub = around & (~around + 1); sub; sub = (sub - around) & around)
        if (o->pairs <= DP_PAIRS_MAX)
            grow_set(o, set | sub, excluded | around);
}

/* False where the pairs were too many. */
static bool order_all(struct ordering *o)
{
    const struct graph *g = o->g;
    uint64_t all = up_to(g->node_count - 1);
    for (uint64_t set = 0; set <= all; set++)
        o->table[set] = (struct entry){.rows = -1, .cost = -1};
    for (uint32_t n = 0; n < g->node_count; n++)
        o->table[UINT64_C(1) << n] =
            (struct entry){.rows = set_rows(g, UINT64_C(1) << n), .cost = 0};
    for (uint32_t n = g->node_count; n-- > 0 && o->pairs <= DP_PAIRS_MAX;) {
        find_partners(o, UINT64_C(1) << n);
        grow_set(o, UINT64_C(1) << n, up_to(n));
    }
    return o->pairs <= DP_PAIRS_MAX && o->table[all].cost >= 0;
}

/* ---- Making the tree ---- */

/* left JOIN right; takes both. */
static yoda_status join_trees(struct graph *g, uint64_t a, struct rel *left, uint64_t b,
                              struct rel *right, struct rel **out)
{
    if (is_filter(g, b)) {
        *out = g->nodes[bits_lowest(b)].rel;
        (*out)->child = left;
    } else {
        TRY(rel_join(g->q, REL_INNER, left, right, out));
        TRY(graph_conditions(g, a, b, &(*out)->u.join.on));
    }
    (*out)->rows = graph_rows(g, a | b);
    return YODA_OK;
}

static yoda_status make_tree(struct ordering *o, uint64_t set, struct rel **out)
{
    const struct entry *e = &o->table[set];
    struct rel *left, *right;
    if (!e->left) {
        *out = o->g->nodes[bits_lowest(set)].rel;
        return YODA_OK;
    }
    TRY(make_tree(o, e->left, &left));
    TRY(make_tree(o, e->right, &right));
    return join_trees(o->g, e->left, left, e->right, right, out);
}

static yoda_status by_programming(struct graph *g, struct rel **out, bool *done)
{
    struct ordering o = {.g = g};
    *done = false;
    if (g->node_count > DP_NODES)
        return YODA_OK;
    o.table = arena_alloc(g->q->arena, sizeof *o.table << g->node_count);
    if (!o.table)
        return fail_nomem(g->q->err, sizeof *o.table << g->node_count);
    *done = order_all(&o);
    return *done ? make_tree(&o, up_to(g->node_count - 1), out) : YODA_OK;
}

/* ---- Greedy ---- */

struct tree {
    uint64_t set;
    double rows;
    struct rel *rel;
};

struct greedy {
    struct graph *g;
    struct tree trees[GRAPH_NODES_MAX];
    uint32_t count;
    double out[GRAPH_NODES_MAX][GRAPH_NODES_MAX]; /* [i][j], i < j: rows joined; < 0: not to be */
};

static bool connected(const struct graph *g, uint64_t a, uint64_t b)
{
    return neighbours(g, a) & b;
}

static double pair_rows(const struct greedy *y, uint32_t i, uint32_t j)
{
    uint64_t a = y->trees[i].set, b = y->trees[j].set;
    if (!connected(y->g, a, b) || (!may_join(y->g, a, b) && !may_join(y->g, b, a)))
        return -1;
    return graph_rows(y->g, a | b);
}

/* Join trees i and j into i; the last takes j's place. */
static yoda_status merge(struct greedy *y, uint32_t i, uint32_t j)
{
    struct tree a = y->trees[i], b = y->trees[j];
    struct tree *out = &y->trees[i];
    bool swap = !may_join(y->g, a.set, b.set) || (may_join(y->g, b.set, a.set) && a.rows < b.rows);
    if (swap) {
        struct tree t = a;
        a = b;
        b = t;
    }
    TRY(join_trees(y->g, a.set, a.rel, b.set, b.rel, &out->rel));
    out->set = a.set | b.set;
    out->rows = out->rel->rows;
    y->trees[j] = y->trees[--y->count];
    for (uint32_t k = 0; k < y->count; k++) {
        y->out[k < i ? k : i][k < i ? i : k] =
            k == i ? -1 : pair_rows(y, k < i ? k : i, k < i ? i : k);
        if (j < y->count)
            y->out[k < j ? k : j][k < j ? j : k] =
                k == j ? -1 : pair_rows(y, k < j ? k : j, k < j ? j : k);
    }
    return YODA_OK;
}

static yoda_status by_greed(struct graph *g, struct rel **out)
{
    struct greedy *y = arena_new(g->q->arena, struct greedy);
    if (!y)
        return fail_nomem(g->q->err, sizeof *y);
    y->g = g;
    y->count = g->node_count;
    for (uint32_t n = 0; n < g->node_count; n++) {
        uint64_t set = UINT64_C(1) << n;
        y->trees[n] = (struct tree){set, set_rows(g, set), g->nodes[n].rel};
    }
    for (uint32_t i = 0; i < y->count; i++)
        for (uint32_t j = i + 1; j < y->count; j++)
            y->out[i][j] = pair_rows(y, i, j);
    while (y->count > 1) {
        uint32_t a = UINT32_MAX, b = 0;
        for (uint32_t i = 0; i < y->count; i++)
            for (uint32_t j = i + 1; j < y->count; j++)
                if (y->out[i][j] >= 0 && (a == UINT32_MAX || y->out[i][j] < y->out[a][b])) {
                    a = i;
                    b = j;
                }
        if (a == UINT32_MAX)
            return fail(g->q->err, YODA_INTERNAL, "a join order that does not end");
        TRY(merge(y, a, b));
    }
    *out = y->trees[0].rel;
    return YODA_OK;
}

/* ---- The rule ---- */

static yoda_status order_region(struct query *q, struct rel **rel, bool *done)
{
    struct graph *g = arena_new(q->arena, struct graph);
    struct expr_list rest = {0};
    *done = false;
    if (!g)
        return fail_nomem(q->err, sizeof *g);
    TRY(graph_build(q, *rel, g));
    if (g->too_many)
        return YODA_OK;
    TRY(by_programming(g, rel, done));
    if (!*done)
        TRY(by_greed(g, rel));
    *done = true;
    for (uint32_t c = 0; c < g->conjunct_count; c++)
        if (!g->conjuncts[c].nodes)
            TRY(expr_list_add(q, &rest, g->conjuncts[c].e));
    TRY(rewrite_filter(q, rel, &rest));
    for (uint32_t m = 0; m < g->map_count; m++) {
        g->maps[m]->child = *rel;
        g->maps[m]->rows = -1;
        *rel = g->maps[m];
    }
    return YODA_OK;
}

yoda_status rule_join_order(struct query *q, struct rel **rel)
{
    struct rel **input;
    bool done = false;
    if (graph_is_region(*rel))
        TRY(order_region(q, rel, &done));
    if (done)
        return YODA_OK;
    for (uint32_t i = 0; (input = rel_input_at(*rel, i)); i++)
        TRY(rule_join_order(q, input));
    return YODA_OK;
}
