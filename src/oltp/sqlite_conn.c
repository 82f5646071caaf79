/*
 * sqlite_conn.c -- opening a connection with Yoda's settings, waiting, stopping, and SQLite's
 * errors.
 *
 * Waiting for a lock and running a statement are the two places where a connection spends time.
 * Both look at the cancel flag and the deadline: the busy handler between its naps, the progress
 * handler every thousand steps of SQLite's machine.
 */
#include "oltp/sqlite_handle.h"

#include "base/mem.h"
#include "base/os.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#define PROGRESS_STEPS 1000
#define BUSY_NAP_MAX_MS 20
#define WAL_PAGES_MAX 1000 /* SQLite's own default: here a commit checkpoints */

const char *sqlite_version_text(void)
{
    return sqlite3_libversion();
}

int sqlite_version_number(void)
{
    return sqlite3_libversion_number();
}

void conn_memory_uri(char out[64])
{
    uint64_t id[2];
    os_random(id, sizeof id);
    snprintf(out, 64, "file:/yoda-%016" PRIx64 "%016" PRIx64 "?vfs=memdb", id[0], id[1]);
}

static bool is_memory_uri(const char *path)
{
    return strncmp(path, "file:/", 6) == 0 && strstr(path, "vfs=memdb") != NULL;
}

/* ---- Stopping and waiting -------------------------------------------------------------------- */

static bool must_stop(struct conn *conn)
{
    if (conn->ending)
        return false;
    if (conn->cancel && atomic_load_explicit(conn->cancel, memory_order_relaxed))
        return true;
    if (conn->deadline_ns == 0 || os_monotonic_ns() < conn->deadline_ns)
        return false;
    conn->timed_out = true;
    return true;
}

static int on_progress(void *ctx)
{
    return must_stop(ctx);
}

static int on_busy(void *ctx, int attempt)
{
    struct conn *conn = ctx;
    int64_t now = os_monotonic_ns();
    if (attempt == 0)
        conn->busy_since_ns = now;
    if (conn->brief || must_stop(conn) ||
        now - conn->busy_since_ns >= conn->busy_timeout_ms * 1000000)
        return 0;
    os_sleep_ms(attempt < 4 ? 1 : attempt < 10 ? 5 : BUSY_NAP_MAX_MS);
    return 1;
}

void conn_set_cancel(struct conn *conn, const _Atomic bool *cancel)
{
    conn->cancel = cancel;
}

void conn_set_deadline(struct conn *conn, int64_t deadline_ns)
{
    conn->deadline_ns = deadline_ns;
    conn->timed_out = false;
}

void conn_set_brief(struct conn *conn, int64_t deadline_ns)
{
    conn->brief = deadline_ns != 0;
    conn_set_deadline(conn, deadline_ns);
}

/* ---- The WAL ----------------------------------------------------------------------------------
 *
 * As SQLite's own hook has it, but for a commit that must be brief. Of several files that were
 * written (ATTACH) the longest WAL counts. A PRAGMA wal_autocheckpoint takes the hook's place, and
 * brief commits are checkpointed like others.
 */

static int on_wal_commit(void *ctx, sqlite3 *db, const char *schema, int pages)
{
    struct conn *conn = ctx;
    if (conn->brief) {
        conn->wal_pages = pages > conn->wal_pages ? pages : conn->wal_pages;
        return SQLITE_OK;
    }
    conn->wal_pages = pages;
    if (pages >= WAL_PAGES_MAX) {
        conn->wal_pages = 0;
        int ignored = sqlite3_wal_checkpoint(db, schema); /* what is left is the next one's */
        YODA_UNUSED(ignored);
    }
    return SQLITE_OK;
}

bool conn_commits_unsynced(const struct conn *conn)
{
    if (conn->in_memory)
        return true;
    return !conn->syncs_commits && conn->wal_pages > 0 && conn->wal_pages < WAL_PAGES_MAX;
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static yoda_status status_of(const struct conn *conn, int code)
{
    if (code == SQLITE_IOERR_NOMEM)
        return YODA_NOMEM;
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
        return YODA_CONSTRAINT;
    case SQLITE_BUSY: /* also BUSY_SNAPSHOT: the read transaction is too old to write */
    case SQLITE_LOCKED:
        return conn->timed_out ? YODA_TIMEOUT : YODA_BUSY;
    case SQLITE_INTERRUPT:
        return conn->timed_out ? YODA_TIMEOUT : YODA_INTERRUPTED;
    case SQLITE_FULL:
        return YODA_FULL;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return YODA_READONLY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return YODA_CORRUPT;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return YODA_IOERR;
    case SQLITE_NOMEM:
        return YODA_NOMEM;
    case SQLITE_TOOBIG:
        return YODA_TOO_BIG;
    case SQLITE_SCHEMA:
        return YODA_SCHEMA;
    case SQLITE_MISUSE:
        return YODA_INTERNAL;
    default:
        return YODA_ERROR;
    }
}

yoda_status conn_fail(struct conn *conn, yoda_error *err)
{
    if (conn->value_lost) {
        conn->value_lost = false;
        return fail_nomem(err, 0);
    }
    int code = sqlite3_extended_errcode(conn->db);
    yoda_status status = status_of(conn, code);
    if ((code & 0xff) == SQLITE_BUSY && conn->cancel &&
        atomic_load_explicit(conn->cancel, memory_order_relaxed))
        status = YODA_INTERRUPTED;
    status = fail_at(err, status, sqlite3_error_offset(conn->db), "%s", sqlite3_errmsg(conn->db));
    if (err)
        err->sqlite_code = code;
    return status;
}

/* ---- Open and close -------------------------------------------------------------------------- */

static yoda_status use_wal(struct conn *conn, bool memory, yoda_error *err)
{
    if (memory)
        return conn_exec(conn, "PRAGMA journal_mode=MEMORY", err);
    struct stmt stmt;
    const char sql[] = "PRAGMA journal_mode=WAL";
    TRY(stmt_prepare(conn, sql, sizeof sql - 1, &stmt, NULL, err));
    yoda_status status = stmt_step(&stmt, err);
    if (status == YODA_OK) {
        struct value mode = stmt_value(&stmt, 0);
        if (mode.type != YODA_TEXT || !ascii_equal_nocase(mode.p, mode.size, "wal", 3))
            status = fail(
                err, YODA_IOERR, "the file cannot be used in WAL mode (journal_mode=%.*s)",
                mode.type == YODA_TEXT ? (int)mode.size : 0, mode.type == YODA_TEXT ? mode.p : "");
    }
    stmt_finish(&stmt);
    return status;
}

static yoda_status configure(struct conn *conn, const struct conn_options *options, yoda_error *err)
{
    bool memory = is_memory_uri(options->path);
    conn->in_memory = memory;
    conn->syncs_commits = options->synchronous_full;
    sqlite3_extended_result_codes(conn->db, 1);
    sqlite3_busy_handler(conn->db, on_busy, conn);
    sqlite3_progress_handler(conn->db, PROGRESS_STEPS, on_progress, conn);
    TRY(conn_exec(conn, "PRAGMA cell_size_check=ON", err));
    if (options->role == CONN_WRITER) {
        TRY(use_wal(conn, memory, err));
        sqlite3_wal_hook(conn->db, on_wal_commit, conn);
    } else {
        sqlite3_wal_autocheckpoint(conn->db, 0);
        sqlite3_db_config(conn->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        TRY(conn_exec(conn, "PRAGMA query_only=ON", err));
    }
    return conn_exec(
        conn, options->synchronous_full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL",
        err);
}

static yoda_status open_handle(struct conn *conn, const struct conn_options *options,
                               yoda_error *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    if (options->role == CONN_WRITER || is_memory_uri(options->path))
        flags |= SQLITE_OPEN_CREATE;
    if (is_memory_uri(options->path))
        flags |= SQLITE_OPEN_URI;
    int code = sqlite3_open_v2(options->path, &conn->db, flags, NULL);
    if (code == SQLITE_OK)
        return YODA_OK;
    if (!conn->db)
        return fail_nomem(err, 0);
    sqlite3_extended_result_codes(conn->db, 1);
    int os_error = sqlite3_system_errno(conn->db);
    yoda_status status =
        fail(err, status_of(conn, code), "%s: %s%s%s", options->path, sqlite3_errmsg(conn->db),
             os_error ? ": " : "", os_error ? strerror(os_error) : "");
    if (err)
        err->sqlite_code = sqlite3_extended_errcode(conn->db);
    return status;
}

yoda_status conn_open(const struct conn_options *options, struct conn **out, yoda_error *err)
{
    *out = NULL;
    struct conn *conn = mem_calloc(1, sizeof *conn);
    if (!conn)
        return fail_nomem(err, sizeof *conn);
    conn->role = options->role;
    conn->cancel = options->cancel;
    conn->busy_timeout_ms = options->busy_timeout_ms;
    yoda_status status = open_handle(conn, options, err);
    if (status == YODA_OK)
        status = configure(conn, options, err);
    if (status == YODA_OK && options->statement_cache) {
        conn->cache = mem_calloc(options->statement_cache, sizeof *conn->cache);
        if (conn->cache)
            conn->cache_size = options->statement_cache;
        else
            status = fail_nomem(err, options->statement_cache * sizeof *conn->cache);
    }
    if (status != YODA_OK) {
        conn_close(conn);
        return status;
    }
    *out = conn;
    return YODA_OK;
}

void conn_close(struct conn *conn)
{
    if (!conn)
        return;
    stmt_cache_clear(conn);
    mem_free(conn->cache);
    sqlite3_close_v2(conn->db); /* a lease not yet given back keeps it alive until it is */
    mem_free(conn->keys);
    mem_free(conn);
}

/* ---- Questions and short statements ---------------------------------------------------------- */

bool conn_in_transaction(const struct conn *conn)
{
    return !sqlite3_get_autocommit(conn->db);
}

yoda_status conn_begin(struct conn *conn, bool immediate, yoda_error *err)
{
    ASSERT(!conn_in_transaction(conn));
    yoda_status status = conn_exec(conn, immediate ? "BEGIN IMMEDIATE" : "BEGIN", err);
    if (status != YODA_OK)
        conn_roll_back(conn);
    return status;
}

yoda_status conn_commit(struct conn *conn, yoda_error *err)
{
    ASSERT(conn_in_transaction(conn));
    conn->ending = true;
    yoda_status status = conn_exec(conn, "COMMIT", err);
    conn->ending = false;
    conn_roll_back(conn);
    return status;
}

void conn_roll_back(struct conn *conn)
{
    if (!conn_in_transaction(conn))
        return;
    conn->ending = true;
    yoda_status status = conn_exec(conn, "ROLLBACK", NULL);
    conn->ending = false;
    ASSERT(status == YODA_OK || !conn_in_transaction(conn));
    YODA_UNUSED(status);
}

bool conn_is_utf8(struct conn *conn)
{
    struct stmt stmt;
    const char sql[] = "PRAGMA encoding";
    if (stmt_prepare(conn, sql, sizeof sql - 1, &stmt, NULL, NULL) != YODA_OK)
        return false;
    bool utf8 = false;
    if (stmt_step(&stmt, NULL) == YODA_OK && stmt.row) {
        struct value name = stmt_value(&stmt, 0);
        utf8 = name.type == YODA_TEXT && name.size == 5 && memcmp(name.p, "UTF-8", 5) == 0;
    }
    stmt_finish(&stmt);
    return utf8;
}

bool conn_enforces_foreign_keys(struct conn *conn)
{
    int on = 1;
    return sqlite3_db_config(conn->db, SQLITE_DBCONFIG_ENABLE_FKEY, -1, &on) != SQLITE_OK || on;
}

bool conn_breaks_foreign_keys(struct conn *conn)
{
    int now = 0, highest = 0;
    return sqlite3_db_status(conn->db, SQLITE_DBSTATUS_DEFERRED_FKS, &now, &highest, 0) ==
               SQLITE_OK &&
           now != 0;
}

void conn_count_changes(struct conn *conn)
{
    /* changes() keeps the count of the last INSERT, UPDATE or DELETE through other statements;
     * total_changes() moves exactly when one of these ended. */
    int64_t total = sqlite3_total_changes64(conn->db);
    if (total == conn->total_changes_seen)
        return;
    conn->total_changes_seen = total;
    conn->changes += sqlite3_changes64(conn->db);
}

int64_t conn_last_rowid(const struct conn *conn)
{
    return sqlite3_last_insert_rowid(conn->db);
}

void conn_set_last_rowid(struct conn *conn, int64_t rowid)
{
    sqlite3_set_last_insert_rowid(conn->db, rowid);
}

int64_t conn_changes(const struct conn *conn)
{
    return conn->changes;
}

yoda_status conn_exec(struct conn *conn, const char *sql, yoda_error *err)
{
    const char *start = sql, *end = sql + strlen(sql);
    while (sql < end) {
        struct stmt stmt;
        const char *tail = end;
        yoda_status status = stmt_prepare(conn, sql, (size_t)(end - sql), &stmt, &tail, err);
        while (status == YODA_OK && stmt.handle) {
            status = stmt_step(&stmt, err);
            if (status != YODA_OK || !stmt.row)
                break;
        }
        if (status != YODA_OK && err && err->sql_offset >= 0)
            err->sql_offset += sql - start;
        stmt_finish(&stmt);
        TRY(status);
        sql = tail;
    }
    return YODA_OK;
}

yoda_status conn_execf(struct conn *conn, yoda_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *sql = sqlite3_vmprintf(format, args);
    va_end(args);
    if (!sql)
        return fail_nomem(err, 0);
    yoda_status status = conn_exec(conn, sql, err);
    sqlite3_free(sql);
    return status;
}

yoda_status conn_query_int(struct conn *conn, const char *sql, int64_t fallback, int64_t *out,
                           yoda_error *err)
{
    struct stmt stmt;
    *out = fallback;
    TRY(stmt_prepare(conn, sql, strlen(sql), &stmt, NULL, err));
    yoda_status status = stmt_step(&stmt, err);
    if (status == YODA_OK && stmt.row) {
        struct value v = stmt_value(&stmt, 0);
        if (v.type != YODA_NULL)
            *out = v.type == YODA_INTEGER ? v.i : fallback;
    }
    stmt_finish(&stmt);
    return status;
}
