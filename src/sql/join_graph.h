/*
 * join_graph.h -- a region of inner joins, taken apart: what is joined, and what says how.
 *
 *   node       a leaf: anything but an inner join; or a SEMI or ANTI join without its left side,
 *              which filters whatever has the nodes its condition reads
 *   class      columns that equalities make the same: one equality between two sides of a join
 *              implies all others of the class
 *   conjunct   any other condition, with the nodes it reads
 *
 * Sets of nodes are uint64_t masks.
 */
#ifndef YODA_SQL_JOIN_GRAPH_H
#define YODA_SQL_JOIN_GRAPH_H

#include "sql/planner.h"

#define GRAPH_NODES_MAX 64u

struct graph_node {
    struct rel *rel;   /* a leaf; the SEMI or ANTI join */
    bool filters;      /* a SEMI or ANTI join */
    uint64_t needs;    /* filters: nodes its condition reads */
    double share;      /* filters: of the rows, that pass */
    double rows;       /* of a leaf; filters: of its right side */
    uint64_t *columns; /* that it provides */
};

struct graph_member {
    uint32_t column, node;
    double distinct;
};

struct graph_class {
    struct graph_member *members; /* [count] */
    uint32_t count;
    uint64_t nodes;
};

struct graph_conjunct {
    expr_ref e;
    uint64_t nodes;
    uint64_t a, b; /* an equality that hashes: the nodes of its sides, else 0 */
    double share;
};

struct graph_key { /* a key of several columns, all in classes: at most one row has the values */
    uint32_t node;
    uint32_t *classes; /* [count] */
    uint32_t count;
    double excess; /* product of the columns' distinct values / rows without filters, > 1 */
};

struct graph {
    struct query *q;
    struct graph_node nodes[GRAPH_NODES_MAX];
    uint32_t node_count;
    struct graph_class *classes;
    uint32_t class_count;
    struct graph_conjunct *conjuncts;
    uint32_t conjunct_count;
    struct graph_key *keys;
    uint32_t key_count;
    uint64_t edges[GRAPH_NODES_MAX]; /* neighbours */
    struct expr_list conditions;     /* of the region, before they are sorted out */
    struct rel **maps;               /* [map_count] MAPs lifted above the region, lowest first */
    uint32_t map_count, map_capacity;
    bool too_many;
};

/* Is e the equality of two columns whose values are then the same, whatever else they equal? Equal
 * types, and texts under BINARY. */
bool graph_class_equality(const struct query *q, expr_ref e, uint32_t *a, uint32_t *b);
/* Is rel the top of a region worth ordering? */
bool graph_is_region(const struct rel *rel);
/* Take the region at *rel apart; leaves are ordered inside first. */
YODA_MUST_CHECK yoda_status graph_build(struct query *q, struct rel *rel, struct graph *out);
/* Rows when the nodes of a set are joined; the same in whatever order. */
double graph_rows(const struct graph *g, uint64_t set);
/* Is there an equality that hashes between the two? */
bool graph_hashes(const struct graph *g, uint64_t a, uint64_t b);
/* The conditions to put on a join of the two. */
YODA_MUST_CHECK yoda_status graph_conditions(const struct graph *g, uint64_t a, uint64_t b,
                                             struct expr_list *on);

#endif
