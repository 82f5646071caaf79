/*
 * sqlite_handle.h -- the inside of struct conn, shared by the files of src/oltp only.
 */
#ifndef YODA_OLTP_SQLITE_HANDLE_H
#define YODA_OLTP_SQLITE_HANDLE_H

#include "oltp/sqlite_conn.h"

#include <sqlite3.h>

struct cached_stmt {
    uint64_t hash; /* of the text */
    char *sql;     /* [size], owned; NULL: free entry */
    size_t size;
    sqlite3_stmt *handle;
    bool leased;
    uint64_t used; /* clock of the last lease: the smallest is evicted */
};

struct key_table; /* key_scan.c: what the keys' virtual table reads from */

struct conn {
    sqlite3 *db;
    enum conn_role role;
    const _Atomic bool *cancel; /* borrowed, may be NULL */
    int64_t busy_timeout_ms;
    int64_t busy_since_ns;
    int64_t deadline_ns; /* 0: none */
    bool timed_out;      /* the deadline, not the cancel flag, stopped the statement */
    bool ending;         /* COMMIT or ROLLBACK is running: it is not stopped */
    bool brief;          /* no waiting, no checkpoint */
    bool syncs_commits;  /* each COMMIT syncs a file */
    bool in_memory;      /* there is no WAL */
    int wal_pages;       /* in the WAL at the last commit; 0: not known, or checkpointed since */
    bool value_lost;     /* a column's text could not be allocated; the next step fails */
    int64_t changes, total_changes_seen;
    struct cached_stmt *cache; /* [cache_size] */
    uint32_t cache_size, cache_last; /* the entry found last */
    uint64_t cache_clock;
    struct key_table *keys;
};

/* Add what the statement just ended changed by itself; after every step and reset. */
void conn_count_changes(struct conn *conn);
/* Finalise all cached statements. Requires none leased. */
void stmt_cache_clear(struct conn *conn);
/* Convert what SQLite holds; bytes stay SQLite's. */
struct value value_of_sqlite(struct conn *conn, sqlite3_value *value);
/* Bind without copying: bytes must live until the statement is reset. */
int bind_borrowed(sqlite3_stmt *handle, int index, const struct value *value);

#endif
