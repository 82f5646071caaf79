/*
 * rewrite.h -- what several rules do to a tree: place conjuncts, read columns, renumber, copy.
 */
#ifndef YODA_SQL_REWRITE_H
#define YODA_SQL_REWRITE_H

#include "sql/rel.h"

/* Put a FILTER of these conjuncts on *rel; no conjuncts: nothing changes. */
YODA_MUST_CHECK yoda_status rewrite_filter(struct query *q, struct rel **rel,
                                           const struct expr_list *conjuncts);
/* Append all of from. */
YODA_MUST_CHECK yoda_status rewrite_add_all(struct query *q, struct expr_list *list,
                                            const struct expr_list *from);
/* Put a MAP of one expression on *rel, whose column is `column`. */
YODA_MUST_CHECK yoda_status rewrite_map(struct query *q, struct rel **rel, uint32_t column,
                                        expr_ref e);
/* A node with the columns of rel and no rows. */
YODA_MUST_CHECK yoda_status rewrite_empty(struct query *q, const struct rel *rel, struct rel **out);
/* e with other arguments, everything else (the rules of a comparison) kept. */
YODA_MUST_CHECK yoda_status rewrite_args(struct query *q, expr_ref e, const expr_ref *args,
                                         expr_ref *out);

/* Add the columns this node (not those below) reads, in expressions or otherwise. */
YODA_MUST_CHECK yoda_status rewrite_reads(struct rel *rel, uint64_t *set);
/* Column c is map[c] from now on, wherever rel's tree reads or makes it. map [q->column_count];
 * a table's columns stay in one piece. */
YODA_MUST_CHECK yoda_status rewrite_renumber(struct query *q, struct rel *rel, const uint32_t *map);
/* The same for this node alone. */
YODA_MUST_CHECK yoda_status rewrite_renumber_node(struct query *q, struct rel *rel,
                                                  const uint32_t *map);
/* A map that changes nothing. */
YODA_MUST_CHECK yoda_status rewrite_identity(struct query *q, uint32_t **map);
/* A map that gives every column rel's tree makes a fresh number. */
YODA_MUST_CHECK yoda_status rewrite_fresh(struct query *q, struct rel *rel, uint32_t **map);

/* Are values of the column that are equal also the same (no 1 beside 1.0, no -0.0, BINARY)? */
bool rewrite_is_exact(const struct query *q, uint32_t column);

/* Read-only walk: fn for every node, the ones above first. */
YODA_MUST_CHECK yoda_status rewrite_each(struct rel *rel,
                                         yoda_status (*fn)(void *ctx, struct rel *rel), void *ctx);

#endif
