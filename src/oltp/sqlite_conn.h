/*
 * sqlite_conn.h -- one SQLite connection with Yoda's settings, and its statement cache.
 *
 * sqlite3.h is included by src/oltp only. A connection belongs to one thread at a time (opened with
 * SQLITE_OPEN_NOMUTEX). Only the writer checkpoints the WAL: every other connection has
 * wal_autocheckpoint=0. The cancel flag is read by a progress handler; it follows whoever uses the
 * connection.
 */
#ifndef YODA_OLTP_SQLITE_CONN_H
#define YODA_OLTP_SQLITE_CONN_H

#include "base/batch.h"
#include "base/value.h"

struct sqlite3;
struct sqlite3_stmt;

enum conn_role { CONN_WRITER, CONN_READER /* query_only */, CONN_CAPTURE };

struct conn_options {
    const char *path; /* a file name; or a "file:/name?vfs=memdb" URI made by conn_memory_uri */
    enum conn_role role;
    bool synchronous_full; /* else NORMAL */
    int64_t busy_timeout_ms;
    uint32_t statement_cache; /* statements kept; 0: none */
    const _Atomic bool *cancel; /* borrowed; set: running statements end with YODA_INTERRUPTED */
};

struct conn;

YODA_MUST_CHECK yoda_status conn_open(const struct conn_options *options, struct conn **out,
                                      yoda_error *err);
void conn_close(struct conn *conn); /* NULL is fine */
/* A URI naming a fresh in-memory database that several connections of this process can share. */
void conn_memory_uri(char out[64]);
/* The SQLite version text and number of the linked library. */
const char *sqlite_version_text(void);
int sqlite_version_number(void); /* 3040001: 3.40.1 */

/* Translate the connection's last error: CONSTRAINT, BUSY, INTERRUPTED, FULL, READONLY, CORRUPT,
 * NOMEM, TOO_BIG, SCHEMA, else ERROR; keeps SQLite's message, extended code and offset. */
yoda_status conn_fail(struct conn *conn, yoda_error *err);

/* The flag that statements look at from now on, until the next call; NULL: none. */
void conn_set_cancel(struct conn *conn, const _Atomic bool *cancel);
/* An additional per-statement cancel: deadline in os_monotonic_ns, 0: none. */
void conn_set_deadline(struct conn *conn, int64_t deadline_ns);
/* Statements from now on wait for no lock (YODA_BUSY), leave the WAL's checkpoint to a later commit,
 * and stop at the deadline (YODA_TIMEOUT); 0: as usual again. */
void conn_set_brief(struct conn *conn, int64_t deadline_ns);
/* Will a COMMIT sync no file? It does with synchronous=FULL, when a checkpoint is due, and after
 * one, when the WAL gets a new header. For the writer. */
bool conn_commits_unsynced(const struct conn *conn);
bool conn_in_transaction(const struct conn *conn);
/* Begin a transaction: IMMEDIATE, or deferred. On failure none is open, although a BEGIN that is
 * interrupted at its very end has begun one. */
YODA_MUST_CHECK yoda_status conn_begin(struct conn *conn, bool immediate, yoda_error *err);
/* End the transaction. Neither stops for the cancel flag or the deadline: who is cancelled must still
 * be able to roll back, and to know whether a COMMIT took place. On failure COMMIT rolls back. */
YODA_MUST_CHECK yoda_status conn_commit(struct conn *conn, yoda_error *err);
void conn_roll_back(struct conn *conn); /* none open: fine */
bool conn_is_utf8(struct conn *conn);
bool conn_enforces_foreign_keys(struct conn *conn);
/* Does the open transaction hold foreign keys that a COMMIT now would refuse? */
bool conn_breaks_foreign_keys(struct conn *conn);
/* Rows changed by the statements themselves, without those of triggers, since open. */
int64_t conn_changes(const struct conn *conn);
/* What last_insert_rowid() answers; Yoda's own writes must not show there. */
int64_t conn_last_rowid(const struct conn *conn);
void conn_set_last_rowid(struct conn *conn, int64_t rowid);

/* Run SQL text of one or more statements without parameters, dropping rows. */
YODA_MUST_CHECK yoda_status conn_exec(struct conn *conn, const char *sql, yoda_error *err);
YODA_MUST_CHECK yoda_status conn_execf(struct conn *conn, yoda_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* One integer from a statement's first row and column (NULL or no row: fallback). */
YODA_MUST_CHECK yoda_status conn_query_int(struct conn *conn, const char *sql, int64_t fallback,
                                           int64_t *out, yoda_error *err);

/* ---- Statements ----------------------------------------------------------------------------- */

struct stmt { /* a prepared statement, leased from the cache */
    struct conn *conn;
    struct sqlite3_stmt *handle;
    struct cached_stmt *cached; /* NULL: not kept */
    bool row; /* the last step gave a row */
};

/* Prepare (or take from the cache) the first statement of sql; *tail is where the next begins
 * (may be NULL). An empty statement gives handle NULL. */
YODA_MUST_CHECK yoda_status stmt_prepare(struct conn *conn, const char *sql, size_t size,
                                         struct stmt *out, const char **tail, yoda_error *err);
void stmt_finish(struct stmt *stmt); /* reset and give back; a zeroed stmt is fine */
bool stmt_is_readonly(const struct stmt *stmt);
YODA_MUST_CHECK yoda_status stmt_bind(struct stmt *stmt, int index /* from 1 */,
                                      const struct value *value, yoda_error *err);
/* The same without copying: the bytes live until the statement is bound anew, reset or finished. */
YODA_MUST_CHECK yoda_status stmt_bind_borrowed(struct stmt *stmt, int index,
                                               const struct value *value, yoda_error *err);
/* Make a statement that was stepped ready to be bound and stepped again. */
void stmt_reset(struct stmt *stmt);
/* Bind caller's parameters by position or name; counts must match, names must exist. Borrows. */
YODA_MUST_CHECK yoda_status stmt_bind_params(struct stmt *stmt, const yoda_params *params,
                                             yoda_error *err);
/* Step; stmt->row tells whether there is a row. */
YODA_MUST_CHECK yoda_status stmt_step(struct stmt *stmt, yoda_error *err);
int stmt_column_count(const struct stmt *stmt);
const char *stmt_column_name(const struct stmt *stmt, int column);
/* Read a column of the current row; bytes live until the next step. */
struct value stmt_value(struct stmt *stmt, int column);
static inline int64_t stmt_int(struct stmt *stmt, int column)
{
    struct value v = stmt_value(stmt, column);
    return v.type == YODA_INTEGER ? v.i : 0;
}
struct stmt_room { /* of a part of the rows */
    uint64_t rows, bytes;
};
/* Append the current row and those behind it until out has so many rows, or about so many bytes
 * came. The last one appended is then the current row; stmt->row false: there are no more.
 * Requires  the first step is done, out has the statement's columns */
YODA_MUST_CHECK yoda_status stmt_fetch(struct stmt *stmt, const struct stmt_room *room,
                                       struct batch_list *out, yoda_error *err);
/* Run to the end, gathering rows. */
YODA_MUST_CHECK yoda_status stmt_collect(struct stmt *stmt, struct batch_list *out,
                                         yoda_error *err);

/* SQLite's conversions between REAL and text, for expr_set_number_text. Threads: any. */
size_t sqlite_real_to_text(double value, char out[40]);
double sqlite_text_to_real(const char *text, size_t size);
double sqlite_round_real(double value, int digits);

#endif
