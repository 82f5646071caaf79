/*
 * route.h -- deciding the side of a statement from its text, before anything is planned.
 */
#ifndef YODA_ENGINE_ROUTE_H
#define YODA_ENGINE_ROUTE_H

#include "engine/catalog_view.h"

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

#endif
