/*
 * plan_build.h -- plan nodes in an arena: each function checks, fills and returns one node.
 */
#ifndef YODA_SQL_PLAN_BUILD_H
#define YODA_SQL_PLAN_BUILD_H

#include "sql/bind.h"

/*
 * A scan of the table's columns that `used` names (bit = table column), with filters already
 * remapped by map. map [column_count] gives each used column's slot in the scan's output.
 */
YODA_MUST_CHECK yoda_status plan_new_scan(struct binder *b, const uint64_t *used,
                                          const expr_ref *filters, uint32_t filter_count,
                                          uint32_t *map, const struct plan **out);
YODA_MUST_CHECK yoda_status plan_new_filter(struct binder *b, const struct plan *child,
                                            expr_ref condition, const struct plan **out);
YODA_MUST_CHECK yoda_status plan_new_project(struct binder *b, const struct plan *child,
                                             const expr_ref *exprs, uint32_t count,
                                             const struct plan **out);
YODA_MUST_CHECK yoda_status plan_new_aggregate(struct binder *b, const struct plan *child,
                                               const expr_ref *keys, uint32_t key_count,
                                               const struct aggregate *aggregates,
                                               uint32_t aggregate_count, const struct plan **out);
YODA_MUST_CHECK yoda_status plan_new_distinct(struct binder *b, const struct plan *child,
                                              const enum collation *collations,
                                              const struct plan **out);
YODA_MUST_CHECK yoda_status plan_new_sort(struct binder *b, const struct plan *child,
                                          const struct sort_key *keys, uint32_t count,
                                          uint64_t limit, const struct plan **out);
YODA_MUST_CHECK yoda_status plan_new_limit(struct binder *b, const struct plan *child,
                                           uint64_t limit, uint64_t offset,
                                           const struct plan **out);

#endif
