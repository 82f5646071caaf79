/*
 * yoda.h -- the C API of Yoda, an embedded HTAP engine over a SQLite file.
 *
 * Write rows with ordinary SQL; run analytical SQL on the same data at columnar speed. SQLite keeps
 * the rows and is the truth; registered tables are mirrored into a columnar store that follows
 * every commit, also those of other connections and processes. A query that the columnar side can
 * answer exactly as SQLite would is run there; everything else runs on SQLite. Results say which
 * side ran.
 *
 *   yoda_engine *db = NULL;
 *   yoda_error err;
 *   if (yoda_open("app.db", NULL, 0, &db, &err) != YODA_OK) { puts(err.message); return 1; }
 *   yoda_execute(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, v REAL)", NULL, NULL, &err);
 *   yoda_register_table(db, "t", NULL, &err);
 *   ...
 *   yoda_result *rows = NULL;
 *   yoda_query(db, "SELECT count(*), avg(v) FROM t", NULL, NULL, &rows, &err);
 *   while (yoda_result_next(rows)) { ... yoda_result_int64(rows, 0) ... }
 *   yoda_result_close(rows);
 *   yoda_close(db);
 *
 * Threads   A yoda_engine may be used by any number of threads at once. A yoda_result and a
 *           yoda_txn belong to one thread at a time.
 * Errors    Every call that can fail returns a yoda_status and fills *err when err is not NULL; on
 *           YODA_OK *err is left alone. Output pointers are set to NULL/0 on failure.
 * Strings   UTF-8, NUL-terminated unless a length is given; borrowed for the call.
 * Fork      In a child process every call on an inherited handle returns YODA_FORKED and touches
 *           nothing; the child may open the file afresh.
 */
#ifndef YODA_H
#define YODA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define YODA_API __attribute__((visibility("default")))
#define YODA_MUST_CHECK __attribute__((warn_unused_result))
#else
#define YODA_API
#define YODA_MUST_CHECK
#endif

#define YODA_VERSION_MAJOR 0
#define YODA_VERSION_MINOR 1
#define YODA_VERSION_PATCH 0
#define YODA_VERSION "0.1.0"

/* ---- Status and errors ---------------------------------------------------------------------- */

typedef enum yoda_status {
    YODA_OK = 0,
    YODA_ERROR = 1,         /* SQL error: syntax, unknown name, "integer overflow", ...           */
    YODA_MISUSE = 2,        /* the call is wrong: NULL handle, closed handle, bad option          */
    YODA_NOMEM = 3,         /* an allocation failed, or the memory budget is used up              */
    YODA_IOERR = 4,         /* a file operation failed; the message names file and errno          */
    YODA_CORRUPT = 5,       /* a file is damaged; the message names file and place                */
    YODA_BUSY = 6,          /* another connection held a lock longer than busy_timeout_ms         */
    YODA_INTERRUPTED = 7,   /* yoda_interrupt, or the engine is closing                           */
    YODA_CONSTRAINT = 8,    /* UNIQUE, NOT NULL, CHECK or FOREIGN KEY failed                      */
    YODA_NOT_FOUND = 9,     /* no such table, column, option                                      */
    YODA_FULL = 10,         /* disk full                                                          */
    YODA_READONLY = 11,     /* the file or its directory cannot be written                        */
    YODA_TOO_BIG = 12,      /* text, row, statement or nesting past a limit                       */
    YODA_NOT_COLUMNAR = 13, /* the columnar side was demanded and cannot answer; message says why */
    YODA_TIMEOUT = 14,      /* the query's timeout_ms ran out                                     */
    YODA_SCHEMA = 15,       /* the schema changed under the call; try again                       */
    YODA_CLOSED = 16,       /* the engine has been shut down                                      */
    YODA_FORKED = 17,       /* the handle was opened by the parent process                        */
    YODA_CONFLICT = 18,     /* already registered differently, transaction already ended, ...     */
    YODA_INTERNAL = 19      /* a bug in Yoda; please report it with the message                   */
} yoda_status;

#define YODA_MESSAGE_MAX 512

typedef struct yoda_error {
    yoda_status code;
    int sqlite_code;    /* SQLite's extended result code, 0 where SQLite was not involved */
    int64_t sql_offset; /* byte offset into the SQL text, -1 where unknown                */
    char message[YODA_MESSAGE_MAX];
} yoda_error;

/* Return the constant's name without the prefix, as in "NOT_COLUMNAR". Never NULL. */
YODA_API const char *yoda_status_name(yoda_status status);
/* Return "0.1.0 (SQLite 3.40.1, avx512)": the library, the linked SQLite, the kernels in use. */
YODA_API const char *yoda_version(void);

/* ---- Values and parameters ------------------------------------------------------------------ */

typedef enum yoda_type { /* SQLite's storage classes, with SQLite's numbers */
                         YODA_INTEGER = 1,
                         YODA_REAL = 2,
                         YODA_TEXT = 3,
                         YODA_BLOB = 4,
                         YODA_NULL = 5
} yoda_type;

typedef struct yoda_value {
    yoda_type type;
    int64_t integer;  /* YODA_INTEGER                                        */
    double real;      /* YODA_REAL                                           */
    const void *data; /* YODA_TEXT (UTF-8), YODA_BLOB: [size] bytes, borrowed */
    size_t size;
} yoda_value;

typedef struct yoda_params {
    size_t count;
    const yoda_value *values; /* [count] */
    const char *const *names; /* [count] "name" or ":name", "@name", "$name"; NULL: by position */
} yoda_params;

/* ---- Engine --------------------------------------------------------------------------------- */

typedef struct yoda_engine yoda_engine;

typedef struct yoda_option {
    const char *name;
    const char *value; /* text form: "4", "true", "500ms" is not accepted, units are in the name */
} yoda_option;

/*
 * Open (create if absent) the database at path and its columnar side.
 *
 *   path     a file, or ":memory:"
 *   options  [count] names and values; yoda_inspect(YODA_INSPECT_OPTIONS) lists them all with type,
 *            range, default and help; docs/options.md is made from the same table
 *
 * Errors   YODA_MISUSE (unknown option or bad value, named), YODA_IOERR, YODA_CORRUPT, YODA_NOMEM
 * Owner    the caller closes *out with yoda_close
 */
YODA_API YODA_MUST_CHECK yoda_status yoda_open(const char *path, const yoda_option *options,
                                               size_t count, yoda_engine **out, yoda_error *err);

/*
 * Stop the engine: refuse new work, interrupt running queries, let running writes end, write a
 * checkpoint, stop the threads, close the files. Idempotent; safe while other threads are in calls
 * (they get YODA_INTERRUPTED or YODA_CLOSED). The handle stays valid and answers YODA_CLOSED.
 */
YODA_API yoda_status yoda_shutdown(yoda_engine *engine, yoda_error *err);

/* Shut down if need be and free the handle. NULL is allowed. Results outlive their engine. */
YODA_API void yoda_close(yoda_engine *engine);

/* Interrupt every running query and statement of the engine. Any thread; not a signal handler. */
YODA_API void yoda_interrupt(yoda_engine *engine);

/* ---- Writing -------------------------------------------------------------------------------- */

/*
 * Run one or more statements on the write connection. Without an open transaction each statement
 * commits by itself. SELECTs are allowed and their rows dropped. Parameters need a single
 * statement.
 *
 *   changes  rows inserted, updated or deleted by the statements themselves; may be NULL
 */
YODA_API yoda_status yoda_execute(yoda_engine *engine, const char *sql, const yoda_params *params,
                                  int64_t *changes, yoda_error *err);

/*
 * Run [count] statements in one transaction: all or nothing. err names the failing one.
 *
 * Here and in the two execute_many, INSERTs of one row that follow each other may reach SQLite as
 * one of several rows, unless foreign keys are enforced. It shows where a trigger asks changes() or
 * total_changes(), and a default of 'now' is the same instant for them. Inside a transaction that a
 * constraint rolls back (ON CONFLICT ROLLBACK) err may name several rows, the failing one among
 * them.
 */
YODA_API yoda_status yoda_execute_batch(yoda_engine *engine, const char *const *sql, size_t count,
                                        int64_t *changes, yoda_error *err);

/* Run one statement with [count] rows of parameters in one transaction: all or nothing. */
YODA_API yoda_status yoda_execute_many(yoda_engine *engine, const char *sql,
                                       const yoda_params *rows, size_t count, int64_t *changes,
                                       yoda_error *err);

/*
 * A transaction is a lease of the write connection (BEGIN IMMEDIATE): other writers wait, up to
 * busy_timeout_ms. Queries through it see its uncommitted writes and so run on SQLite.
 * commit and rollback free the handle, whatever they return.
 */
typedef struct yoda_txn yoda_txn;
YODA_API YODA_MUST_CHECK yoda_status yoda_begin(yoda_engine *engine, yoda_txn **out,
                                                yoda_error *err);
YODA_API yoda_status yoda_commit(yoda_txn *txn, yoda_error *err);
YODA_API yoda_status yoda_rollback(yoda_txn *txn, yoda_error *err);

/* ---- Querying ------------------------------------------------------------------------------- */

typedef struct yoda_result yoda_result;

typedef enum yoda_side {
    YODA_SIDE_AUTO = 0,   /* the router chooses                                      */
    YODA_SIDE_COLUMN = 1, /* columnar, or YODA_NOT_COLUMNAR with the reason          */
    YODA_SIDE_ROW = 2     /* SQLite                                                  */
} yoda_side;

#define YODA_STALENESS_DEFAULT (-1) /* the engine's max_staleness_ms                  */
#define YODA_STALENESS_ANY (-2)     /* never wait for a sync: read what is there      */

typedef struct yoda_query_options {
    size_t size; /* sizeof(yoda_query_options): lets later versions add fields */
    yoda_side side;
    int64_t max_staleness_ms; /* >= 0, YODA_STALENESS_DEFAULT or YODA_STALENESS_ANY */
    int64_t timeout_ms;       /* 0: none */
} yoda_query_options;
#define YODA_QUERY_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof(yoda_query_options), YODA_SIDE_AUTO, YODA_STALENESS_DEFAULT, 0                      \
    }

/*
 * Run one SELECT (VALUES, WITH, EXPLAIN, read-only PRAGMA). A statement that writes is refused.
 * last_insert_rowid(), changes(), TEMP tables and attached databases belong to the write
 * connection: ask for them with yoda_txn_query.
 */
YODA_API YODA_MUST_CHECK yoda_status yoda_query(yoda_engine *engine, const char *sql,
                                                const yoda_params *params,
                                                const yoda_query_options *options,
                                                yoda_result **out, yoda_error *err);

/* yoda_execute, yoda_execute_many and yoda_query inside a transaction; yoda_txn_query also answers
 * the rows of INSERT, UPDATE and DELETE with RETURNING. An error leaves the
 * transaction open and undoes the failing statement alone; of execute_many, all its rows. Where
 * SQLite rolls the transaction back (a write that is interrupted, OR ROLLBACK, a full disk) the
 * message says so, and what follows is YODA_CONFLICT until the handle is given back. */
YODA_API yoda_status yoda_txn_execute(yoda_txn *txn, const char *sql, const yoda_params *params,
                                      int64_t *changes, yoda_error *err);
YODA_API yoda_status yoda_txn_execute_many(yoda_txn *txn, const char *sql, const yoda_params *rows,
                                           size_t count, int64_t *changes, yoda_error *err);
YODA_API YODA_MUST_CHECK yoda_status yoda_txn_query(yoda_txn *txn, const char *sql,
                                                    const yoda_params *params, yoda_result **out,
                                                    yoda_error *err);

/*
 * Say how a query would run: the side, the reason, and for the columnar side its plan as a tree.
 * One text column, one row a line. The SQL "EXPLAIN YODA <select>" through yoda_query: the same.
 *
 * "EXPLAIN YODA ANALYZE <select>" through yoda_query runs the query too, drops its rows, and
 * answers with the columns plan (TEXT, a line of the tree), rows, estimated, ms (REAL, the
 * operator's own time, of all threads), bytes (kept), spilled, read (TEXT) and depth (of operators;
 * NULL in other lines).
 */
YODA_API YODA_MUST_CHECK yoda_status yoda_explain(yoda_engine *engine, const char *sql,
                                                  yoda_result **out, yoda_error *err);

/* ---- Results, row by row -------------------------------------------------------------------- */

typedef struct yoda_result_info {
    yoda_side side;       /* YODA_SIDE_COLUMN or YODA_SIDE_ROW                              */
    const char *reason;   /* why that side; owned by the result                             */
    int64_t staleness_ms; /* age of the snapshot when the query began; 0: fresh             */
    int64_t watermark;    /* last captured change the snapshot includes; -1 on the row side */
    uint64_t rows;
    uint64_t segments_read, segments_total; /* 0 on the row side                               */
    uint64_t vectors_read, vectors_total;   /* after pruning by zone maps                      */
    int64_t elapsed_ns; /* planning, waiting for freshness and running                    */
} yoda_result_info;

YODA_API void yoda_result_info_get(const yoda_result *result, yoda_result_info *info);
YODA_API size_t yoda_result_column_count(const yoda_result *result);
YODA_API const char *yoda_result_column_name(const yoda_result *result, size_t column);
/* Step to the next row; false at the end. The first call steps to the first row. */
YODA_API bool yoda_result_next(yoda_result *result);
/* Values of the current row. SQLite's conversions do not happen: ask by the type that is there. */
YODA_API yoda_type yoda_result_type(const yoda_result *result, size_t column);
YODA_API int64_t yoda_result_int64(const yoda_result *result, size_t column); /* 0 if not INTEGER */
YODA_API double yoda_result_double(const yoda_result *result, size_t column); /* INTEGER converts */
/* TEXT and BLOB bytes (not NUL-terminated), valid until the result is closed; NULL otherwise. */
YODA_API const void *yoda_result_bytes(const yoda_result *result, size_t column, size_t *size);
YODA_API void yoda_result_value(const yoda_result *result, size_t column, yoda_value *out);
YODA_API void yoda_result_rewind(yoda_result *result);
YODA_API void yoda_result_close(yoda_result *result);

/* ---- Results as Arrow (C Data Interface) ---------------------------------------------------- */
/* Declared from the public specification; guarded as the specification asks. */

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4
struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};
struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};
#endif

/*
 * Column types: INTEGER int64 ("l"), REAL float64 ("g"), TEXT utf8 ("u"; large_utf8 "U" past 2 GB a
 * batch is refused), BLOB binary ("z"), only NULLs ("n"); a column that mixes classes is a dense
 * union ("+ud:...") so that every value keeps its type. A result without rows has the types of the
 * columnar plan, "g" where that says any number; from SQLite, or where no value was ever stored,
 * "n". Buffers are shared with the result, not copied, and stay alive until the last array is
 * released, also after yoda_result_close.
 */
YODA_API YODA_MUST_CHECK yoda_status yoda_result_arrow_schema(yoda_result *result,
                                                              struct ArrowSchema *out,
                                                              yoda_error *err);
/* Export the next batch; at the end out->release is NULL. Independent of yoda_result_next. */
YODA_API YODA_MUST_CHECK yoda_status yoda_result_arrow_next(yoda_result *result,
                                                            struct ArrowArray *out,
                                                            yoda_error *err);
/* Move the result into a stream: the stream closes it. */
YODA_API YODA_MUST_CHECK yoda_status yoda_result_arrow_stream(yoda_result *result,
                                                              struct ArrowArrayStream *out,
                                                              yoda_error *err);

/* ---- Rows from Arrow ------------------------------------------------------------------------ */

typedef enum yoda_ingest_mode {
    YODA_INGEST_APPEND = 0,        /* into a table that is there                                  */
    YODA_INGEST_CREATE = 1,        /* make the table; YODA_CONFLICT when there is one             */
    YODA_INGEST_CREATE_APPEND = 2, /* make it when there is none                                  */
    YODA_INGEST_REPLACE = 3        /* delete what is in it; make it when there is none            */
} yoda_ingest_mode;

/*
 * Insert the rows of an Arrow stream in one transaction: all or nothing. The table is one of the
 * file's own (schema main), registered or not.
 *
 * Columns are matched with the table's by name, as SQLite compares names; columns of the table that
 * the stream lacks get their defaults, one of the stream that the table lacks is an error. A table
 * that is made has INTEGER, REAL, TEXT and BLOB columns and no declared key; one that mixes classes
 * is BLOB, which converts nothing.
 *
 *   integers, bool -> INTEGER (uint64 past INT64_MAX: YODA_TOO_BIG)     floats -> REAL, NaN -> NULL
 *   utf8, large, view -> TEXT      binary, large, view, fixed -> BLOB    null -> NULL
 *   date32, date64 -> 'YYYY-MM-DD'     time32, time64 -> 'HH:MM:SS[.fraction]'
 *   timestamp -> 'YYYY-MM-DD HH:MM:SS[.fraction]', in UTC where it has a zone; years 0000 to 9999,
 *     else YODA_TOO_BIG; a fraction that is not 0 has 3, 6 or 9 digits, as few as hold it
 *   decimal128 -> INTEGER where its scale is 0 and it fits, else TEXT with all digits
 *   dictionary -> as its values; a union of these (Yoda exports dense ones) -> each value's own
 *   lists, structs, maps, ... -> YODA_MISUSE, naming the column
 *
 *   stream   moved from: released before the return, whatever that is. Its callbacks run on this
 *            thread with the write connection taken: they must not write to this engine
 *   rows     inserted; may be NULL
 *
 * Errors   those of a row name it, from 1 over the whole stream: "row 7: ..."; YODA_NOT_FOUND (a
 *          table or column), YODA_CONFLICT, YODA_MISUSE (a column that comes twice, is generated,
 *          or has no value in SQLite; a broken array), YODA_ERROR (the stream's own, with its text)
 */
YODA_API yoda_status yoda_ingest(yoda_engine *engine, const char *table,
                                 struct ArrowArrayStream *stream, yoda_ingest_mode mode,
                                 int64_t *rows, yoda_error *err);

/* ---- Registered tables ---------------------------------------------------------------------- */

typedef struct yoda_table_schema {
    size_t column_count;             /* 0: infer all columns from SQLite */
    const char *const *column_names; /* [column_count] */
    const char *const *column_types; /* [column_count] int64, int32, float64, utf8, bool, binary,
                                        date32, timestamp or any */
    size_t key_count;                /* 0: SQLite's own key */
    const char *const *key_names;    /* checked against the declared key or a UNIQUE index */
} yoda_table_schema;

/*
 * Mirror a table into the columnar side: install the capture triggers and copy its rows while
 * writers go on. Returns when the copy is complete and visible. Registering the same table the same
 * way again is fine; a different way is YODA_CONFLICT. The registration is kept in the file.
 *
 * Errors   YODA_NOT_FOUND (table or column, named), YODA_ERROR (a view, a virtual table, names
 *          beginning with _yoda_, all rowid names hidden: the message says what to do)
 */
YODA_API yoda_status yoda_register_table(yoda_engine *engine, const char *table,
                                         const yoda_table_schema *schema, yoda_error *err);
YODA_API yoda_status yoda_unregister_table(yoda_engine *engine, const char *table, yoda_error *err);

/* ---- Sync, checkpoint, verify --------------------------------------------------------------- */

typedef struct yoda_sync_stats {
    uint64_t events_processed; /* log entries read                    */
    uint64_t rows_inserted, rows_updated, rows_deleted;
    uint64_t pruned;  /* log entries removed                 */
    int64_t last_seq; /* the watermark after the sync        */
} yoda_sync_stats;

/* Bring the columnar side up to the last commit. stats may be NULL; its counts are of everything
 * carried over since the last yoda_sync, also by the background sync and by queries. */
YODA_API yoda_status yoda_sync(yoda_engine *engine, yoda_sync_stats *stats, yoda_error *err);

/* Make the columnar side durable up to its watermark and prune the log. */
YODA_API yoda_status yoda_checkpoint(yoda_engine *engine, yoda_error *err);

typedef struct yoda_verify_report {
    uint64_t tables, tables_equal, tables_repaired;
    uint64_t rows;                     /* compared on the SQLite side */
    char difference[YODA_MESSAGE_MAX]; /* the first one: table, column, key; "" when equal */
} yoda_verify_report;

#define YODA_VERIFY_REPAIR 1u /* copy a differing table anew */

/*
 * Compare both sides at one snapshot: per table row counts, per column NULL counts and an
 * order-free 128-bit hash of the typed values. table NULL: all. Returns YODA_OK also when sides
 * differ: read the report.
 */
YODA_API yoda_status yoda_verify(yoda_engine *engine, const char *table, unsigned flags,
                                 yoda_verify_report *report, yoda_error *err);

/* ---- Status, introspection, progress -------------------------------------------------------- */

typedef struct yoda_engine_status {
    size_t size; /* set by the caller: sizeof(yoda_engine_status) */
    bool owner;  /* this engine keeps the columnar side of the file */
    bool closed;
    int64_t watermark; /* last change the newest version includes   */
    int64_t durable_watermark;
    int64_t log_head; /* newest change in the file                 */
    uint64_t lag_events;
    int64_t lag_ms; /* since the oldest unsynced change was seen */
    uint64_t tables, segments, rows, deleted_rows;
    uint64_t bytes_memory, bytes_disk;
    uint64_t syncs, failed_syncs, checkpoints, compactions, rebuilds;
    char last_error[YODA_MESSAGE_MAX]; /* of background work; "" if none */
} yoda_engine_status;

YODA_API yoda_status yoda_status_get(yoda_engine *engine, yoda_engine_status *out, yoda_error *err);

typedef enum yoda_inspect_kind {
    YODA_INSPECT_TABLES = 0,   /* name, state, rows, segments, bytes, reason, ... */
    YODA_INSPECT_SEGMENTS = 1, /* per segment and column: rows, encoding, bytes, min, ... */
    YODA_INSPECT_OPTIONS = 2   /* name, type, value, default, range, help */
} yoda_inspect_kind;

/* Answer a question about the engine as a result. table NULL: all. */
YODA_API YODA_MUST_CHECK yoda_status yoda_inspect(yoda_engine *engine, yoda_inspect_kind kind,
                                                  const char *table, yoda_result **out,
                                                  yoda_error *err);

/*
 * Be told how long work goes on (register, verify, rebuild, ingest): called at most every 50 ms on
 * the thread that runs the call. Return false to cancel (the call ends with YODA_INTERRUPTED).
 */
typedef bool (*yoda_progress_fn)(void *context, const char *what, uint64_t done, uint64_t total);
YODA_API void yoda_set_progress(yoda_engine *engine, yoda_progress_fn fn, void *context);

/* ---- Asynchronous operations ---------------------------------------------------------------- */

/*
 * A queue takes operations and gives back their completions: one queue per event loop or thread.
 *
 *   yoda_queue *queue = NULL;
 *   yoda_queue_create(db, &queue, &err);
 *   yoda_submit_query(queue, "SELECT count(*) FROM t", NULL, NULL, 42, NULL, &err);
 *   ... poll() on yoda_queue_fd(queue) with everything else, and when it is readable:
 *   yoda_completion done[64];
 *   int n = yoda_queue_drain(queue, done, 64);
 *   for (int i = 0; i < n; i++) { ... done[i].user_data == 42 ... yoda_result_close(...) }
 *
 * Rules
 *   1  Every accepted submit gives exactly one completion, also after cancel, error, timeout and
 *      shutdown. A submit that returned an error gives none. (yoda_queue_close ends this: it frees
 *      what was not drained.)
 *   2  A submit copies everything it is given and never waits, for a lock or for a thread. With
 *      nothing else in flight on its queue it runs a small write, sync or query itself: for about
 *      inline_us in all between two drains (an option; 300 microseconds, 0: never).
 *   3  At most max_in_flight operations of an engine (an option) are accepted and not yet drained.
 *      Over it a submit is YODA_BUSY, and its queue gets one YODA_OP_WRITABLE completion when a
 *      quarter of the room is free again. A shutdown, a commit and a rollback are never refused so.
 *   4  Everything but queries takes effect in the order of its submits on a queue, and a sync or a
 *      registration sees the writes submitted before it. Queries run at once, beside each other and
 *      beside the writes: await a write to see it. What is submitted for a transaction is in order
 *      with the rest of that transaction only, and never waits for another one's writes.
 *   5  Writes that wait together are committed together. Each has its own result and error: one
 *      that fails takes none of the others with it. Its completion comes after the commit. What
 *      cannot share a transaction (several statements, CREATE, PRAGMA, VACUUM, ...) runs alone.
 *   6  A cancelled operation ends with YODA_INTERRUPTED, usually within milliseconds; one whose
 *      timeout_ms ran out, waiting included, with YODA_TIMEOUT. yoda_interrupt cancels all of an
 *      engine's. A write that was already done when the cancel came reports YODA_OK.
 *   7  No user code runs on Yoda's threads, nor inside a submit; yoda_set_progress is not called for
 *      operations. The one exception is the stream given to yoda_submit_ingest, whose callbacks run
 *      on one of them.
 *   8  A query whose options have a window streams: its rows come in parts, each a completion with
 *      YODA_COMPLETION_MORE and a result of its own. At most `window` parts are on their way or not
 *      yet credited by yoda_op_credit: a reader that stops reading stops the query, not the memory.
 *      There is at least one part, which has the columns even when there are no rows. The one
 *      completion of rule 1 comes behind the parts, without the flag and without a result: YODA_OK
 *      when the parts were all. Columns keep their Arrow types from part to part where the values
 *      allow it. A stream reads one snapshot from its first part to its last.
 *
 * Threads   A queue may be used by any number of threads; each completion goes to one of them.
 * Owner     A queue outlives its engine: completions can be drained after yoda_shutdown and
 *           yoda_close. The caller closes it with yoda_queue_close.
 */
typedef struct yoda_queue yoda_queue;

typedef enum yoda_op_kind {
    YODA_OP_EXECUTE = 0,
    YODA_OP_EXECUTE_BATCH = 1,
    YODA_OP_EXECUTE_MANY = 2,
    YODA_OP_QUERY = 3,
    YODA_OP_SYNC = 4,
    YODA_OP_REGISTER_TABLE = 5,
    YODA_OP_UNREGISTER_TABLE = 6,
    YODA_OP_CHECKPOINT = 7,
    YODA_OP_VERIFY = 8,
    YODA_OP_SHUTDOWN = 9,
    YODA_OP_WRITABLE = 10, /* not an operation: there is room for submits again, see rule 3 */
    YODA_OP_INGEST = 11,
    YODA_OP_BEGIN = 12,
    YODA_OP_TXN_EXECUTE = 13,
    YODA_OP_TXN_EXECUTE_MANY = 14,
    YODA_OP_TXN_QUERY = 15,
    YODA_OP_COMMIT = 16,
    YODA_OP_ROLLBACK = 17
} yoda_op_kind;

#define YODA_COMPLETION_MORE 1u /* a part of a stream: more completions of this operation follow   \
                                 */

typedef struct yoda_completion {
    uint64_t user_data; /* as submitted; 0 for YODA_OP_WRITABLE */
    yoda_op_kind kind;
    yoda_status status;
    unsigned flags;            /* YODA_COMPLETION_MORE, or 0                 */
    int64_t changes;           /* writes: as yoda_execute; ingest: rows      */
    yoda_result *result;       /* query: yours to close; else NULL           */
    yoda_txn *txn;             /* begin: yours to commit or roll back; else NULL */
    int64_t queued_ns;         /* from the submit until it began to run */
    int64_t run_ns;            /* from there to its completion          */
    yoda_sync_stats sync;      /* YODA_OP_SYNC, where status is YODA_OK   */
    yoda_verify_report verify; /* YODA_OP_VERIFY, where status is YODA_OK */
    yoda_error error;          /* where status is not YODA_OK             */
} yoda_completion;

YODA_API YODA_MUST_CHECK yoda_status yoda_queue_create(yoda_engine *engine, yoda_queue **out,
                                                       yoda_error *err);

/*
 * A descriptor that is readable while completions wait: for poll, epoll, libuv, asyncio. It is
 * written when the first one comes and cleared by the drain that takes the last one. Only wait for
 * it: do not read, write or close it. -1 for a NULL queue and in a forked child.
 */
YODA_API int yoda_queue_fd(const yoda_queue *queue);

/*
 * Take up to max completions, the oldest first. drain never blocks; wait blocks until there is one,
 * yoda_queue_wake was called, or timeout_ms passed (< 0: for ever), and then drains.
 *
 * Returns   how many were taken; -YODA_MISUSE (NULL), -YODA_FORKED
 */
YODA_API int yoda_queue_drain(yoda_queue *queue, yoda_completion *out, int max);
YODA_API int yoda_queue_wait(yoda_queue *queue, yoda_completion *out, int max, int64_t timeout_ms);

/* Make the descriptor readable, and a yoda_queue_wait return, once. Any thread; signal handlers. */
YODA_API void yoda_queue_wake(yoda_queue *queue);

/*
 * Cancel what is in flight, wait until it has ended (at most busy_timeout_ms: what takes longer is
 * dropped when it ends), free completions that were not drained, close the descriptor. No other
 * thread may be using the queue. NULL is allowed.
 */
YODA_API void yoda_queue_close(yoda_queue *queue);

typedef struct yoda_op_options {
    size_t size;              /* sizeof(yoda_op_options): lets later versions add fields */
    int64_t timeout_ms;       /* from the submit; 0: none                                */
    yoda_side side;           /* queries                                                 */
    int64_t max_staleness_ms; /* queries: >= 0, YODA_STALENESS_DEFAULT or _ANY           */
    uint32_t window;          /* queries: > 0: stream, so many parts ahead; see rule 8   */
} yoda_op_options;
#define YODA_OP_OPTIONS_INIT                                                                       \
    {                                                                                              \
        sizeof(yoda_op_options), 0, YODA_SIDE_AUTO, YODA_STALENESS_DEFAULT, 0                      \
    }

/* The handle of one operation, for cancel and progress. Pass NULL where it is not wanted. */
typedef struct yoda_op yoda_op;

/*
 * Submit one operation: what it does is said at the call of the same name without submit_.
 *
 *   options    NULL: the defaults
 *   user_data  comes back in the completion
 *   op         NULL, or gets a handle to be released with yoda_op_release
 *
 * Errors   YODA_BUSY (see rule 3), YODA_CLOSED, YODA_MISUSE, YODA_NOMEM, YODA_FORKED. What is wrong
 *          with the operation itself comes in its completion.
 */
YODA_API yoda_status yoda_submit_execute(yoda_queue *queue, const char *sql,
                                         const yoda_params *params, const yoda_op_options *options,
                                         uint64_t user_data, yoda_op **op, yoda_error *err);
YODA_API yoda_status yoda_submit_execute_batch(yoda_queue *queue, const char *const *sql,
                                               size_t count, const yoda_op_options *options,
                                               uint64_t user_data, yoda_op **op, yoda_error *err);
YODA_API yoda_status yoda_submit_execute_many(yoda_queue *queue, const char *sql,
                                              const yoda_params *rows, size_t count,
                                              const yoda_op_options *options, uint64_t user_data,
                                              yoda_op **op, yoda_error *err);
YODA_API yoda_status yoda_submit_query(yoda_queue *queue, const char *sql,
                                       const yoda_params *params, const yoda_op_options *options,
                                       uint64_t user_data, yoda_op **op, yoda_error *err);
YODA_API yoda_status yoda_submit_sync(yoda_queue *queue, const yoda_op_options *options,
                                      uint64_t user_data, yoda_op **op, yoda_error *err);
YODA_API yoda_status yoda_submit_register_table(yoda_queue *queue, const char *table,
                                                const yoda_table_schema *schema,
                                                const yoda_op_options *options, uint64_t user_data,
                                                yoda_op **op, yoda_error *err);
YODA_API yoda_status yoda_submit_unregister_table(yoda_queue *queue, const char *table,
                                                  const yoda_op_options *options,
                                                  uint64_t user_data, yoda_op **op,
                                                  yoda_error *err);
YODA_API yoda_status yoda_submit_checkpoint(yoda_queue *queue, const yoda_op_options *options,
                                            uint64_t user_data, yoda_op **op, yoda_error *err);
YODA_API yoda_status yoda_submit_verify(yoda_queue *queue, const char *table, unsigned flags,
                                        const yoda_op_options *options, uint64_t user_data,
                                        yoda_op **op, yoda_error *err);
/* The stream is moved from when the submit is accepted; see rule 7. */
YODA_API yoda_status yoda_submit_ingest(yoda_queue *queue, const char *table,
                                        struct ArrowArrayStream *stream, yoda_ingest_mode mode,
                                        const yoda_op_options *options, uint64_t user_data,
                                        yoda_op **op, yoda_error *err);

/*
 * Transactions. The completion of begin brings the handle; a begin that is closed undrained is
 * rolled back. A commit or rollback takes the handle when it is accepted: it must not be used any
 * more. One that was cancelled in time rolls back, in its turn. A submit that is refused leaves the
 * handle with the caller: after YODA_CLOSED it is freed with yoda_rollback. Other writes submitted
 * meanwhile wait for the end of the transaction, at most busy_timeout_ms. Queries of a transaction
 * do not stream.
 */
YODA_API yoda_status yoda_submit_begin(yoda_queue *queue, const yoda_op_options *options,
                                       uint64_t user_data, yoda_op **op, yoda_error *err);
YODA_API yoda_status yoda_submit_txn_execute(yoda_queue *queue, yoda_txn *txn, const char *sql,
                                             const yoda_params *params,
                                             const yoda_op_options *options, uint64_t user_data,
                                             yoda_op **op, yoda_error *err);
YODA_API yoda_status yoda_submit_txn_execute_many(yoda_queue *queue, yoda_txn *txn, const char *sql,
                                                  const yoda_params *rows, size_t count,
                                                  const yoda_op_options *options,
                                                  uint64_t user_data, yoda_op **op,
                                                  yoda_error *err);
YODA_API yoda_status yoda_submit_txn_query(yoda_queue *queue, yoda_txn *txn, const char *sql,
                                           const yoda_params *params,
                                           const yoda_op_options *options, uint64_t user_data,
                                           yoda_op **op, yoda_error *err);
YODA_API yoda_status yoda_submit_commit(yoda_queue *queue, yoda_txn *txn,
                                        const yoda_op_options *options, uint64_t user_data,
                                        yoda_op **op, yoda_error *err);
YODA_API yoda_status yoda_submit_rollback(yoda_queue *queue, yoda_txn *txn,
                                          const yoda_op_options *options, uint64_t user_data,
                                          yoda_op **op, yoda_error *err);
/*
 * yoda_shutdown: refuse new work, cancel the queries, let the writes that were accepted end (those
 * that do not within busy_timeout_ms are cancelled). Its own completion comes after all others. It
 * cannot be cancelled. The handle of the engine is still to be freed with yoda_close.
 */
YODA_API yoda_status yoda_submit_shutdown(yoda_queue *queue, uint64_t user_data, yoda_op **op,
                                          yoda_error *err);

/* Ask the operation to end early. Does not wait; again, or when it has ended: nothing happens. Any
 * thread. The completion comes all the same. Errors: YODA_MISUSE (NULL), YODA_FORKED. */
YODA_API yoda_status yoda_op_cancel(yoda_op *op);

/* A streaming query may send so many parts more: what was read can be forgotten. Credit for more
 * than is out is ignored. Any thread.
 * Errors: YODA_MISUSE (NULL, or not a stream), YODA_FORKED. */
YODA_API yoda_status yoda_op_credit(yoda_op *op, uint32_t parts);

typedef enum yoda_op_phase {
    YODA_OP_WAITING = 0, /* for a thread          */
    YODA_OP_RUNNING = 1,
    YODA_OP_DONE = 2 /* its completion is out */
} yoda_op_phase;

typedef struct yoda_op_state {
    size_t size; /* set by the caller: sizeof(yoda_op_state) */
    yoda_op_phase phase;
    uint64_t done, total; /* rows of a registration, verification, ingest; total 0: not known */
} yoda_op_state;

/* How far is it? Any thread. Errors: YODA_MISUSE (NULL or no size), YODA_FORKED. */
YODA_API yoda_status yoda_op_progress(const yoda_op *op, yoda_op_state *out);
/* Give the handle back; the operation goes on. NULL is allowed. */
YODA_API void yoda_op_release(yoda_op *op);

#ifdef __cplusplus
}
#endif
#endif
