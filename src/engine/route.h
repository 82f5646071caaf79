/*
 * route.h -- deciding the side of a statement from its text, before anything is planned.
 */
#ifndef YODA_ENGINE_ROUTE_H
#define YODA_ENGINE_ROUTE_H

#include "engine/catalog_view.h"

#define ROUTE_COST_TEXT 80

/* Is the first word of the text one of these (ASCII case ignored)? */
bool route_begins_with(const char *sql, const char *const *words, size_t count);

/* Is there nothing but white space, comments and semicolons? */
bool route_is_blank(const char *sql);

/*
 * May yoda_query run a statement with this text? SELECT, VALUES, WITH, EXPLAIN, and PRAGMAs that
 * only read; what SQLite itself calls read-only includes BEGIN, ATTACH and PRAGMAs with effects.
 */
bool route_may_query(const char *sql);

/* Does the statement read one table by equality on a whole key? SQLite answers that in
 * microseconds. */
bool route_is_point_read(const struct ast_statement *statement, const struct catalog_view *view);

/* Does the statement read one table or view, and one that the view does not know? */
bool route_is_elsewhere(const struct ast_statement *statement, const struct catalog_view *view);

/* What both sides would take, where both can. */
struct route_cost {
    double columns_ns, rows_ns; /* of the plan; 0: not estimated */
    int64_t wait_ns;            /* until the columns are new enough */
};
/* Is SQLite clearly cheaper? Estimates are rough: it must promise half the time. */
bool route_rows_are_cheaper(const struct route_cost *cost);
/* "12 us against 95 us": SQLite first when it is cheaper; "" when nothing was estimated. */
void route_cost_text(const struct route_cost *cost, char out[ROUTE_COST_TEXT]);

#endif
