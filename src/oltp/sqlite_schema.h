/*
 * sqlite_schema.h -- what SQLite says of a table: columns, key, unique indexes.
 */
#ifndef YODA_OLTP_SQLITE_SCHEMA_H
#define YODA_OLTP_SQLITE_SCHEMA_H

#include "base/arena.h"
#include "oltp/sqlite_conn.h"

struct schema_column {
    const char *name;
    const char *type; /* declared text, "" if none */
    enum affinity affinity;
    enum collation collation;
    bool collation_known; /* false: a collation Yoda does not have (then the table is refused) */
    bool not_null, generated;
    const char *default_sql;   /* text of the DEFAULT; NULL if none */
    const char *generated_sql; /* expression of a generated column; NULL where it was not found */
    uint32_t primary_key; /* position in the declared key from 1; 0: not part */
};

struct schema_index_term {
    int32_t column;   /* -1: an expression */
    const char *expr; /* SQL text of an expression term */
    const char *collation;
};
struct schema_index { /* UNIQUE indexes only, the declared key's included unless it is the rowid */
    const char *name;
    const char *where; /* SQL text of a partial index's condition; NULL */
    uint32_t term_count;
    const struct schema_index_term *terms;
};

struct schema_lookup { /* any index, the declared key's included, without a condition, whose terms are
                          columns collated as they are themselves */
    const uint32_t *columns; /* [column_count] */
    uint32_t column_count;
    bool unique;
};

struct schema_table {
    const char *name; /* as SQLite spells it */
    bool without_rowid, strict;
    uint32_t column_count;
    const struct schema_column *columns; /* visible ones, generated ones included, SQLite's order */
    int32_t rowid_alias;                 /* INTEGER PRIMARY KEY column, -1 if none */
    const char *rowid_name; /* a rowid name no column hides, else the INTEGER PRIMARY KEY's; NULL
                               when there is none (or WITHOUT ROWID) */
    uint32_t key_count;           /* WITHOUT ROWID: columns of the declared key, else 0 */
    const uint32_t *key_columns;  /* [key_count] in the key's order */
    const char *const *key_collations; /* [key_count] names, the key's own */
    uint32_t index_count;
    const struct schema_index *indexes;
    uint32_t lookup_count; /* for the planner; the rowid is not among them */
    const struct schema_lookup *lookups;
    uint64_t hash; /* of what the rows' meaning depends on: columns and key; not the table's name,
                      not the indexes (those only shape the triggers) */
};

/*
 * Read a table of schema main. Errors: YODA_NOT_FOUND; YODA_ERROR for views, virtual and reserved
 * (_yoda_, sqlite_) tables, with what to do.
 */
YODA_MUST_CHECK yoda_status schema_table_read(struct conn *conn, const char *name,
                                              struct arena *arena, struct schema_table **out,
                                              yoda_error *err);
/* PRAGMA schema_version / data_version of the connection. */
YODA_MUST_CHECK yoda_status schema_version_read(struct conn *conn, int64_t *out, yoda_error *err);
YODA_MUST_CHECK yoda_status data_version_read(struct conn *conn, int64_t *out, yoda_error *err);

#endif
