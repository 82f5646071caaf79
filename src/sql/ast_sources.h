/* ast_sources.h -- every table name that a SELECT reads, at any depth. */
#ifndef YODA_SQL_AST_SOURCES_H
#define YODA_SQL_AST_SOURCES_H

#include "base/status.h"
#include "sql/ast.h"

/* Call fn for the name (and schema) of each table in FROM and IN, also inside subqueries and CTEs.
 * Stops at the first failure. */
YODA_MUST_CHECK yoda_status ast_sources_each(const struct ast_select *select,
                                             yoda_status (*fn)(void *ctx,
                                                               const struct ast_name *schema,
                                                               const struct ast_name *name),
                                             void *ctx);

#endif
