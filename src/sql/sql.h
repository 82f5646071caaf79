/*
 * sql.h -- what the engine needs of this layer: text -> statement -> columnar plan.
 *
 * Pure: no threads, no files, no SQLite. Everything is made in the caller's arena.
 */
#ifndef YODA_SQL_SQL_H
#define YODA_SQL_SQL_H

#include "olap/exec/plan.h"
#include "sql/ast.h"

#define SQL_BYTES_MAX (16u << 20)
#define SQL_DEPTH_MAX 1000       /* nesting of expressions and selects, as SQLite's default */
#define SQL_PARAMETERS_MAX 32766
#define SQL_COLUMNS_MAX 2000

/*
 * Parse the first statement of sql. Literals become values as SQLite would make them (hex integers,
 * integers past int64 become REAL, via expr_number_text).
 *
 * Errors  YODA_ERROR `near "x": syntax error`, `incomplete input`, `unrecognized token: "..."`, all
 *         with sql_offset; YODA_TOO_BIG (length, depth, parameters); YODA_NOMEM
 */
YODA_MUST_CHECK yoda_status sql_parse(const char *sql, size_t size, struct arena *arena,
                                      struct ast_statement **out, yoda_error *err);

/* Parse the CREATE VIEW text of a view. Errors: as sql_parse. */
YODA_MUST_CHECK yoda_status sql_parse_view(const char *sql, size_t size, struct arena *arena,
                                           struct ast_view **out, yoda_error *err);

/* What the binder may see of a mirrored table. */
struct catalog_column {
    const char *name;
    enum affinity affinity;
    enum collation collation;
    bool hidden;       /* the added rowid column: not in *, found by rowid / oid / _rowid_ */
    bool not_null;     /* declared NOT NULL or INTEGER PRIMARY KEY */
};
struct catalog_index { /* of SQLite: without a condition, over plain columns as they are collated */
    const uint32_t *columns; /* [column_count] */
    uint32_t column_count;
    bool unique; /* no two rows have equal values, NULLs aside; values as stored: a comparison that
                    converts them, or collates otherwise, may find more */
};
struct catalog_table {
    uint32_t tid;
    const char *name;
    uint32_t column_count;
    const struct catalog_column *columns;
    int32_t rowid_column; /* INTEGER PRIMARY KEY or hidden; -1: WITHOUT ROWID */
    const uint32_t *classes; /* [column_count] from the pinned version */
    uint64_t live_rows;
    const struct catalog_index *indexes; /* [index_count], the rowid and the primary key too */
    uint32_t index_count;
    const struct table_version *version; /* pinned; NULL in tests without a store: no statistics */
};
struct catalog_view_def {
    const char *sql; /* CREATE VIEW ..., as sqlite_schema has it */
};
struct catalog {
    /* Find a mirrored table of schema main by name (ASCII case ignored). NULL with *why set when
     * it cannot be read from columns ("table t is not registered", "... is being copied"). */
    const struct catalog_table *(*find_table)(void *ctx, const char *name, const char **why);
    /* Find a view of schema main; NULL where there is none. find_view itself may be NULL. */
    const struct catalog_view_def *(*find_view)(void *ctx, const char *name);
    void *ctx;
};

struct sql_plan {
    const struct plan *root;
    uint32_t node_count;            /* of the plan, see plan_number */
    double cost_columns_ns, cost_rows_ns; /* estimates: on columns here, on SQLite's rows */
    uint32_t column_count;          /* visible result columns */
    const char *const *column_names; /* as SQLite names them */
};

/*
 * Bind and plan a parsed SELECT; params [parameter_count] values by index.
 *
 * Errors  YODA_NOT_COLUMNAR with the reason ("joins run on SQLite"), also for anything SQLite
 *         should report itself (no such column, ambiguous name); YODA_NOMEM
 */
YODA_MUST_CHECK yoda_status sql_plan_select(const struct ast_statement *statement, const char *sql,
                                            const struct value *params,
                                            const struct catalog *catalog, struct arena *arena,
                                            struct sql_plan *out, yoda_error *err);

#endif
