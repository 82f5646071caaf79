/*
 * join_graph.c -- taking a region of inner joins apart.
 *
 * FILTERs inside become conditions; MAPs inside are put in where conditions read them and go above
 * the region. A column that is joined to a key has at most as many values as the key has.
 */
#include "sql/join_graph.h"

#include "sql/estimate.h"
#include "sql/rewrite.h"

#include <math.h>
#include <string.h>

#define RESIDUAL_SHARE 0.6 /* of the rows with a match by the keys, that have one in the end */
#define ANTI_SHARE_MIN 0.1

static bool is_inner(const struct rel *rel)
{
    return rel->kind == REL_JOIN && rel->u.join.kind == REL_INNER;
}

static bool is_filtering(const struct rel *rel)
{
    return rel->kind == REL_JOIN && (rel->u.join.kind == REL_SEMI || rel->u.join.kind == REL_ANTI);
}

bool graph_is_region(const struct rel *rel)
{
    while (rel->kind == REL_FILTER || rel->kind == REL_MAP || is_filtering(rel))
        rel = rel->child;
    return is_inner(rel);
}

/* ---- Collecting ---- */

static yoda_status add_node(struct graph *g, struct rel *rel, bool filters)
{
    if (g->node_count == GRAPH_NODES_MAX) {
        g->too_many = true;
        return YODA_OK;
    }
    struct graph_node *node = &g->nodes[g->node_count++];
    *node = (struct graph_node){.rel = rel, .filters = filters, .share = 1};
    return YODA_OK;
}

static yoda_status add_map(struct graph *g, struct rel *map)
{
    if (g->map_count == g->map_capacity) {
        uint32_t capacity = g->map_capacity ? 2 * g->map_capacity : 4;
        struct rel **grown = arena_array(g->q->arena, struct rel *, capacity);
        if (!grown)
            return fail_nomem(g->q->err, capacity * sizeof *grown);
        for (uint32_t i = 0; i < g->map_count; i++)
            grown[i] = g->maps[i];
        g->maps = grown;
        g->map_capacity = capacity;
    }
    g->maps[g->map_count++] = map;
    return YODA_OK;
}

static yoda_status collect(struct graph *g, struct rel *rel)
{
    struct query *q = g->q;
    if (is_inner(rel)) {
        TRY(collect(g, rel->child));
        TRY(collect(g, rel->right));
        return rewrite_add_all(q, &g->conditions, &rel->u.join.on);
    }
    if (!graph_is_region(rel))
        return add_node(g, rel, false);
    TRY(collect(g, rel->child));
    if (rel->kind == REL_FILTER)
        return rewrite_add_all(q, &g->conditions, &rel->u.filter.conjuncts);
    if (rel->kind == REL_MAP)
        return add_map(g, rel);
    return add_node(g, rel, true);
}

/* ---- Lifted maps ---- */

static yoda_status expand(struct graph *g, const expr_ref *with, struct expr_list *list)
{
    struct expr_list out = {0};
    for (uint32_t i = 0; i < list->count; i++) {
        expr_ref e;
        TRY(rel_substitute(g->q, list->items[i], with, &e));
        TRY(expr_list_add(g->q, &out, e));
    }
    *list = out;
    return YODA_OK;
}

/* Conditions speak of what the lifted maps compute from, not of their columns. */
static yoda_status expand_maps(struct graph *g)
{
    struct query *q = g->q;
    expr_ref *with = arena_array(q->arena, expr_ref, q->column_count + 1);
    if (!with)
        return fail_nomem(q->err, q->column_count * sizeof *with);
    if (g->map_count == 0)
        return YODA_OK;
    for (uint32_t m = 0; m < g->map_count; m++)
        for (uint32_t i = 0; i < g->maps[m]->u.map.count; i++) {
            expr_ref e; /* over maps below, which are in `with` already */
            TRY(rel_substitute(q, g->maps[m]->u.map.exprs[i], with, &e));
            with[g->maps[m]->u.map.columns[i]] = e;
        }
    TRY(expand(g, with, &g->conditions));
    for (uint32_t n = 0; n < g->node_count; n++)
        if (g->nodes[n].filters)
            TRY(expand(g, with, &g->nodes[n].rel->u.join.on));
    return YODA_OK;
}

/* ---- Nodes ---- */

static uint64_t nodes_read(const struct graph *g, expr_ref e)
{
    uint64_t nodes = 0;
    for (uint32_t n = 0; n < g->node_count; n++)
        if (!g->nodes[n].filters && expr_touches(g->q, e, g->nodes[n].columns))
            nodes |= UINT64_C(1) << n;
    return nodes;
}

/* Conditions over one leaf belong into it. */
static yoda_status filter_leaves(struct graph *g)
{
    struct expr_list rest = {0};
    for (uint32_t i = 0; i < g->conditions.count; i++) {
        uint64_t nodes = nodes_read(g, g->conditions.items[i]);
        if (bits_count(nodes) == 1) {
            struct graph_node *node = &g->nodes[bits_lowest(nodes)];
            TRY(rel_filter(g->q, node->rel, g->conditions.items[i], &node->rel));
            TRY(rule_push_down(g->q, &node->rel));
        } else {
            TRY(expr_list_add(g->q, &rest, g->conditions.items[i]));
        }
    }
    g->conditions = rest;
    return YODA_OK;
}

/* Share of a leaf's rows that pass a SEMI or ANTI join. */
static double filter_share(struct graph *g, struct graph_node *node)
{
    struct rel *join = node->rel, *child = join->child;
    bool residual = false;
    expr_ref a, c;
    bool null_safe;
    for (uint32_t i = 0; i < join->u.join.on.count; i++)
        residual = residual || !join_key_of(join->u.join.on.items[i], &a, &c, &null_safe);
    struct rel probe = *join;
    probe.rows = -1;
    probe.u.join.kind = REL_SEMI;
    probe.child = bits_count(node->needs) == 1 ? g->nodes[bits_lowest(node->needs)].rel : child;
    double rows = fmax(1, estimate_rows(g->q, probe.child));
    double share = fmin(1, estimate_rows(g->q, &probe) / rows) * (residual ? RESIDUAL_SHARE : 1);
    return join->u.join.kind == REL_SEMI ? share : fmax(ANTI_SHARE_MIN, 1 - share);
}

static yoda_status measure_nodes(struct graph *g)
{
    for (uint32_t n = 0; n < g->node_count; n++)
        if (!g->nodes[n].filters)
            g->nodes[n].rows = fmax(0.1, estimate_rows(g->q, g->nodes[n].rel));
    for (uint32_t n = 0; n < g->node_count; n++) {
        struct graph_node *node = &g->nodes[n];
        if (!node->filters)
            continue;
        for (uint32_t i = 0; i < node->rel->u.join.on.count; i++)
            node->needs |= nodes_read(g, node->rel->u.join.on.items[i]);
        if (node->needs == 0) /* true or false for all rows: any leaf will do */
            node->needs = 1;
        node->rows = estimate_rows(g->q, node->rel->right);
        node->share = filter_share(g, node);
    }
    return YODA_OK;
}

static yoda_status build_nodes(struct graph *g)
{
    for (uint32_t n = 0; n < g->node_count; n++) {
        struct graph_node *node = &g->nodes[n];
        TRY(rule_join_order(g->q, node->filters ? &node->rel->right : &node->rel));
        TRY(rel_new_set(g->q, &node->columns));
        if (!node->filters)
            rel_available(node->rel, node->columns);
    }
    TRY(filter_leaves(g));
    return measure_nodes(g);
}

/* ---- Classes ---- */

static bool plain_text(const struct rel_column *c)
{
    return c->collation == COLLATE_BINARY && c->affinity <= AFFINITY_TEXT;
}

bool graph_class_equality(const struct query *q, expr_ref e, uint32_t *a, uint32_t *b)
{
    if (!estimate_equality(e, a, b) || e->op != OP_EQ || e->text_as_number ||
        e->compare_collation != COLLATE_BINARY)
        return false;
    const struct rel_column *x = &q->columns[*a], *y = &q->columns[*b];
    if (x->type != y->type)
        return false;
    return x->type == VT_INT || x->type == VT_REAL ||
           (x->type == VT_TEXT && plain_text(x) && plain_text(y));
}

static struct graph_class *class_of(struct graph *g, uint32_t column)
{
    for (uint32_t c = 0; c < g->class_count; c++)
        for (uint32_t m = 0; m < g->classes[c].count; m++)
            if (g->classes[c].members[m].column == column)
                return &g->classes[c];
    return NULL;
}

static uint32_t node_of(const struct graph *g, uint32_t column)
{
    for (uint32_t n = 0; n < g->node_count; n++)
        if (bit_get(g->nodes[n].columns, column))
            return n;
    return UINT32_MAX;
}

static yoda_status new_class(struct graph *g, uint32_t column, struct graph_class **out)
{
    *out = class_of(g, column);
    if (*out)
        return YODA_OK;
    *out = &g->classes[g->class_count++];
    (*out)->members = arena_array(g->q->arena, struct graph_member, 1);
    if (!(*out)->members)
        return fail_nomem(g->q->err, sizeof *(*out)->members);
    (*out)->members[0] = (struct graph_member){.column = column, .node = node_of(g, column)};
    (*out)->count = 1;
    return YODA_OK;
}

/* The members of b go to a; the last class takes b's place. */
static yoda_status merge_classes(struct graph *g, struct graph_class *a, struct graph_class *b)
{
    uint32_t count = a->count + b->count;
    struct graph_member *all = arena_array(g->q->arena, struct graph_member, count);
    if (!all)
        return fail_nomem(g->q->err, count * sizeof *all);
    memcpy(all, a->members, a->count * sizeof *all);
    memcpy(all + a->count, b->members, b->count * sizeof *all);
    a->members = all;
    a->count = count;
    *b = g->classes[--g->class_count];
    return YODA_OK;
}

static yoda_status add_equality(struct graph *g, uint32_t a, uint32_t b)
{
    struct graph_class *x, *y;
    TRY(new_class(g, a, &x));
    TRY(new_class(g, b, &y));
    if (x == y)
        return YODA_OK;
    return x < y ? merge_classes(g, x, y) : merge_classes(g, y, x);
}

/* A column equal to a key has no more values than the key's table has rows. */
static void measure_class(struct graph *g, struct graph_class *c)
{
    double most = INFINITY;
    for (uint32_t m = 0; m < c->count; m++) {
        const struct rel_column *column = &g->q->columns[c->members[m].column];
        if (column->table && column_is_unique(column->table, column->table_column))
            most = fmin(most, fmax(1, (double)column->table->live_rows));
    }
    for (uint32_t m = 0; m < c->count; m++) {
        struct graph_member *member = &c->members[m];
        double rows = g->nodes[member->node].rows;
        member->distinct = fmin(estimate_distinct(g->q, member->column, rows), most);
        c->nodes |= UINT64_C(1) << member->node;
    }
}

/* Two columns of one leaf in a class are equal there. */
static yoda_status equate_inside(struct graph *g, const struct graph_class *c)
{
    for (uint32_t m = 1; m < c->count; m++)
        for (uint32_t k = 0; k < m; k++) {
            expr_ref a, b, same;
            if (c->members[m].node != c->members[k].node)
                continue;
            struct graph_node *node = &g->nodes[c->members[m].node];
            TRY(rel_input(g->q, c->members[k].column, &a));
            TRY(rel_input(g->q, c->members[m].column, &b));
            TRY(expr_compare(&g->q->build, OP_EQ, a, b, &same));
            TRY(rel_filter(g->q, node->rel, same, &node->rel));
            TRY(rule_push_down(g->q, &node->rel));
            node->rows = fmax(0.1, estimate_rows(g->q, node->rel));
            break;
        }
    return YODA_OK;
}

/* ---- Conjuncts ---- */

static void add_conjunct(struct graph *g, expr_ref e)
{
    struct graph_conjunct *c = &g->conjuncts[g->conjunct_count++];
    expr_ref a, b;
    bool null_safe;
    double rows = 1;
    *c = (struct graph_conjunct){.e = e, .nodes = nodes_read(g, e)};
    for (uint32_t n = 0; n < g->node_count; n++)
        if (c->nodes >> n & 1)
            rows = fmax(rows, g->nodes[n].rows);
    c->share = estimate_conjunct(g->q, e, rows);
    if (!join_key_of(e, &a, &b, &null_safe))
        return;
    c->a = nodes_read(g, a);
    c->b = nodes_read(g, b);
    if (c->a & c->b || !c->a || !c->b)
        c->a = c->b = 0;
}

static yoda_status sort_out(struct graph *g)
{
    struct query *q = g->q;
    uint32_t count = g->conditions.count;
    g->classes = arena_array(q->arena, struct graph_class, 2 * (size_t)count + 1);
    g->conjuncts = arena_array(q->arena, struct graph_conjunct, count + 1u);
    if (!g->classes || !g->conjuncts)
        return fail_nomem(q->err, count * sizeof *g->conjuncts);
    for (uint32_t i = 0; i < count; i++) {
        expr_ref e = g->conditions.items[i];
        uint32_t a, b;
        if (graph_class_equality(q, e, &a, &b) && node_of(g, a) != UINT32_MAX &&
            node_of(g, b) != UINT32_MAX)
            TRY(add_equality(g, a, b));
        else
            add_conjunct(g, e);
    }
    for (uint32_t c = 0; c < g->class_count; c++) {
        TRY(equate_inside(g, &g->classes[c]));
        measure_class(g, &g->classes[c]);
    }
    return YODA_OK;
}

/* ---- Keys of several columns ---- */

static const struct rel *leaf_scan(const struct rel *rel)
{
    while (rel->kind == REL_FILTER || rel->kind == REL_MAP)
        rel = rel->child;
    return rel->kind == REL_SCAN ? rel : NULL;
}

static bool key_classes(struct graph *g, const struct rel *scan, const struct catalog_index *index,
                        struct graph_key *key)
{
    double product = 1;
    for (uint32_t i = 0; i < index->column_count; i++) {
        struct graph_class *c = class_of(g, scan->u.scan.first + index->columns[i]);
        if (!c || c->count < 2)
            return false;
        key->classes[key->count++] = (uint32_t)(c - g->classes);
        product *= column_distinct(g->q, scan->u.scan.table, index->columns[i]);
    }
    key->excess = product / fmax(1, (double)scan->u.scan.table->live_rows);
    return key->excess > 1;
}

static yoda_status add_keys(struct graph *g, uint32_t node)
{
    const struct rel *scan = leaf_scan(g->nodes[node].rel);
    if (!scan)
        return YODA_OK;
    const struct catalog_table *table = scan->u.scan.table;
    for (uint32_t i = 0; i < table->index_count; i++) {
        const struct catalog_index *index = &table->indexes[i];
        if (!index->unique || index->column_count < 2)
            continue;
        struct graph_key *key = &g->keys[g->key_count];
        *key = (struct graph_key){.node = node};
        key->classes = arena_array(g->q->arena, uint32_t, index->column_count);
        if (!key->classes)
            return fail_nomem(g->q->err, index->column_count * sizeof *key->classes);
        if (key_classes(g, scan, index, key)) {
            g->key_count++;
            return YODA_OK; /* one is enough: more would count twice */
        }
    }
    return YODA_OK;
}

/* ---- Edges ---- */

static void connect_all(struct graph *g, uint64_t nodes)
{
    for (uint32_t n = 0; n < g->node_count; n++)
        if (nodes >> n & 1)
            g->edges[n] |= nodes & ~(UINT64_C(1) << n);
}

static uint64_t reach(const struct graph *g, uint64_t from)
{
    for (uint64_t before = 0; before != from;) {
        before = from;
        for (uint64_t left = from; left; left &= left - 1)
            from |= g->edges[bits_lowest(left)];
    }
    return from;
}

static uint32_t smallest(const struct graph *g, uint64_t nodes)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t n = 0; n < g->node_count; n++)
        if ((nodes >> n & 1) && !g->nodes[n].filters &&
            (best == UINT32_MAX || g->nodes[n].rows < g->nodes[best].rows))
            best = n;
    return best;
}

static void connect(struct graph *g)
{
    uint64_t all = 0;
    for (uint32_t n = 0; n < g->node_count; n++)
        all |= g->nodes[n].filters ? 0 : UINT64_C(1) << n;
    for (uint32_t c = 0; c < g->class_count; c++)
        connect_all(g, g->classes[c].nodes);
    for (uint32_t c = 0; c < g->conjunct_count; c++)
        connect_all(g, g->conjuncts[c].nodes);
    for (uint32_t n = 0; n < g->node_count; n++)
        if (!g->nodes[n].filters &&
            g->nodes[n].rows <= 1) /* a product with one row costs nothing */
            for (uint32_t m = 0; m < g->node_count; m++)
                if (m != n && !g->nodes[m].filters)
                    connect_all(g, UINT64_C(1) << n | UINT64_C(1) << m);
    /* Parts that nothing connects: a product, through the smallest leaf of each. */
    for (uint64_t part = reach(g, 1); part != all; part = reach(g, 1)) {
        uint64_t other = reach(g, UINT64_C(1) << bits_lowest(all & ~part));
        connect_all(g, UINT64_C(1) << smallest(g, part) | UINT64_C(1) << smallest(g, other));
    }
    for (uint32_t n = 0; n < g->node_count; n++) /* last: filtering nodes connect nothing */
        for (uint64_t left = g->nodes[n].needs; left; left &= left - 1) {
            g->edges[n] |= UINT64_C(1) << bits_lowest(left);
            g->edges[bits_lowest(left)] |= UINT64_C(1) << n;
        }
}

yoda_status graph_build(struct query *q, struct rel *rel, struct graph *out)
{
    memset(out, 0, sizeof *out);
    out->q = q;
    TRY(collect(out, rel));
    if (out->too_many)
        return YODA_OK;
    TRY(expand_maps(out));
    TRY(build_nodes(out));
    TRY(sort_out(out));
    out->keys = arena_array(q->arena, struct graph_key, out->node_count);
    if (!out->keys)
        return fail_nomem(q->err, out->node_count * sizeof *out->keys);
    for (uint32_t n = 0; n < out->node_count; n++)
        if (!out->nodes[n].filters)
            TRY(add_keys(out, n));
    connect(out);
    return YODA_OK;
}

/* ---- Asking ---- */

/* Of the members in set: product of distinct values without the smallest; 1 for fewer than two. */
static double class_divisor(const struct graph_class *c, uint64_t set)
{
    double least[GRAPH_NODES_MAX], product = 1, smallest_distinct = INFINITY;
    uint64_t seen = 0;
    for (uint32_t m = 0; m < c->count; m++) {
        uint32_t node = c->members[m].node;
        if (!(set >> node & 1))
            continue;
        if (!(seen >> node & 1) || c->members[m].distinct < least[node])
            least[node] = c->members[m].distinct;
        seen |= UINT64_C(1) << node;
    }
    if (bits_count(seen) < 2)
        return 1;
    for (; seen; seen &= seen - 1) {
        product *= least[bits_lowest(seen)];
        smallest_distinct = fmin(smallest_distinct, least[bits_lowest(seen)]);
    }
    return product / smallest_distinct;
}

/* Does set join the whole key with columns of one other leaf? (Of two leaves: every pair of their
 * rows asks for a row, and most ask in vain.) */
static bool key_applies(const struct graph *g, const struct graph_key *key, uint64_t set)
{
    uint64_t others = set & ~(UINT64_C(1) << key->node);
    if (!(set >> key->node & 1))
        return false;
    for (uint32_t i = 0; i < key->count; i++)
        others &= g->classes[key->classes[i]].nodes;
    return others != 0;
}

double graph_rows(const struct graph *g, uint64_t set)
{
    double rows = 1;
    for (uint64_t left = set; left; left &= left - 1) {
        const struct graph_node *node = &g->nodes[bits_lowest(left)];
        rows *= node->filters ? node->share : node->rows;
    }
    for (uint32_t c = 0; c < g->class_count; c++)
        if (g->classes[c].nodes & set)
            rows /= class_divisor(&g->classes[c], set);
    for (uint32_t k = 0; k < g->key_count; k++)
        if (key_applies(g, &g->keys[k], set))
            rows *= g->keys[k].excess;
    for (uint32_t c = 0; c < g->conjunct_count; c++)
        if (g->conjuncts[c].nodes && !(g->conjuncts[c].nodes & ~set))
            rows *= g->conjuncts[c].share;
    return fmax(rows, 0.01);
}

bool graph_hashes(const struct graph *g, uint64_t a, uint64_t b)
{
    for (uint32_t c = 0; c < g->class_count; c++)
        if ((g->classes[c].nodes & a) && (g->classes[c].nodes & b))
            return true;
    for (uint32_t c = 0; c < g->conjunct_count; c++) {
        const struct graph_conjunct *k = &g->conjuncts[c];
        if (k->a && ((!(k->a & ~a) && !(k->b & ~b)) || (!(k->a & ~b) && !(k->b & ~a))))
            return true;
    }
    return false;
}

/* A member in set; a key of its table before others. */
static const struct graph_member *member_in(const struct graph *g, const struct graph_class *c,
                                            uint64_t set)
{
    const struct graph_member *found = NULL;
    for (uint32_t m = 0; m < c->count; m++) {
        const struct rel_column *column = &g->q->columns[c->members[m].column];
        if (!(set >> c->members[m].node & 1))
            continue;
        if (column->table && column_is_unique(column->table, column->table_column))
            return &c->members[m];
        if (!found)
            found = &c->members[m];
    }
    return found;
}

yoda_status graph_conditions(const struct graph *g, uint64_t a, uint64_t b, struct expr_list *on)
{
    for (uint32_t c = 0; c < g->class_count; c++) {
        const struct graph_member *x = member_in(g, &g->classes[c], a);
        const struct graph_member *y = member_in(g, &g->classes[c], b);
        expr_ref left, right, same;
        if (!x || !y)
            continue;
        TRY(rel_input(g->q, x->column, &left));
        TRY(rel_input(g->q, y->column, &right));
        TRY(expr_compare(&g->q->build, OP_EQ, left, right, &same));
        TRY(expr_list_add(g->q, on, same));
    }
    for (uint32_t c = 0; c < g->conjunct_count; c++) {
        uint64_t nodes = g->conjuncts[c].nodes;
        if (nodes && !(nodes & ~(a | b)) && (nodes & ~a) && (nodes & ~b))
            TRY(expr_list_add(g->q, on, g->conjuncts[c].e));
    }
    return YODA_OK;
}
