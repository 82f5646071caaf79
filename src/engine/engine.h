/*
 * engine.h -- the handle: the only place where the parts of Yoda meet.
 *
 *   API call -> call registered -> router -> SQLite (read pool, writer)
 *                                        -> columns (view + pinned version)
 *   submit -> dispatch -> lanes of threads: the same, and a completion in a queue
 *   background thread: sync, schema repair, copies, maintenance, checkpoints, pruning
 *
 * Locks, in the order they are taken (never one further left while holding one further right):
 *   upkeep      a lease: one checkpoint or maintenance at a time
 *   writer      a lease: the write connection, for a call or a whole yoda_txn
 *   sync        a lease: the capture, its connection, everything under `columns` not atomic
 *   small ones  mutexes held for a few instructions: dispatch, calls, view, damage, background,
 *               message
 * A holder of the sync lease never waits for the writer: schema repair begins at the writer.
 *
 * Invariants
 *   1  columns.owner goes from false to true once; capture and store exist from then until
 *   shutdown.
 *   2  columns.epoch changes only while the writer is held: a checkpoint that sees the same epoch
 *      before it pinned its snapshot and inside its transaction writes no table that was redefined.
 *   3  Everything committed before columns.as_of_ns is in the newest version.
 */
#ifndef YODA_ENGINE_ENGINE_H
#define YODA_ENGINE_ENGINE_H

#include "base/os.h"
#include "base/task_pool.h"
#include "cdc/capture.h"
#include "engine/call.h"
#include "engine/catalog_view.h"
#include "engine/core.h"
#include "engine/dispatch.h"
#include "engine/lease.h"
#include "engine/option.h"
#include "engine/result.h"
#include "engine/route_memo.h"
#include "engine/sync_estimate.h"
#include "engine/write_literals.h"
#include "oltp/read_pool.h"

#include <sys/types.h>

#define DAMAGED_MAX 64

struct writer {
    struct conn *conn;
    struct lease lease;
    int64_t last_rowid; /* of the application's own statements; with the lease */
    struct write_literals literals;
    bool schema_touched; /* see writer_show_schema; with the lease */
    _Atomic uint64_t commits; /* counts leases given back: something may have been committed */
};

struct columns {
    struct lease sync;
    yoda_sync_stats untold; /* carried over since the last yoda_sync; under the sync lease */
    struct os_file *file_lock, *directory_lock;
    char *directory; /* NULL: in memory */
    struct conn *conn;
    struct store *store;
    struct capture *capture;
    _Atomic bool owner;
    _Atomic int64_t as_of_ns;
    _Atomic uint64_t
        as_of_commits; /* writer.commits read before the last sync; memory files only */
    _Atomic uint64_t epoch;
    struct sync_estimate estimate;
    _Atomic bool pending;    /* tables wait for capture_reconcile  */
    _Atomic bool unfinished; /* tables wait for their copy       */
    pthread_mutex_t view_mutex;
    struct catalog_view *view; /* never NULL once open */
    struct route_memo memo;    /* with view_mutex */
    pthread_mutex_t damage_mutex;
    uint32_t damaged_count, damaged[DAMAGED_MAX]; /* tids to rebuild */
};

struct background {
    pthread_t thread;
    bool running; /* the thread was started */
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool stop, wanted; /* wanted: a whole round */
    bool tend;         /* maintenance or a checkpoint is due */
    struct call call; /* its own; not among the calls in flight */
};

struct checkpoints {
    struct lease upkeep;
    _Atomic int64_t durable_watermark;
    _Atomic int64_t last_ns;    /* when the last one ended */
    _Atomic int64_t version_ns; /* published_ns of the version it wrote */
    _Atomic int64_t pruned_through;
};

struct engine_counters {
    _Atomic uint64_t syncs, failed_syncs, checkpoints, compactions, rebuilds;
};

struct yoda_engine {
    _Atomic uint32_t refs; /* the handle, each open transaction, each queue */
    pid_t pid;
    int64_t opened_ns;
    struct core *core;
    struct options options;
    char *path, *real_path; /* real_path NULL: in memory */
    char *spill_directory;  /* NULL: no query spills */
    uint8_t database_id[16];
    bool utf8;
    struct calls calls;
    struct writer writer;
    struct read_pool *readers;
    struct task_pool *tasks;
    struct columns columns;
    struct background background;
    struct checkpoints checkpoints;
    struct engine_counters counters;
    struct dispatch dispatch;
    pthread_mutex_t message_mutex; /* last_error, why_not_owner, progress */
    char last_error[YODA_MESSAGE_MAX], why_not_owner[YODA_MESSAGE_MAX];
    yoda_progress_fn progress;
    void *progress_context;
};

/* ---- engine_open.c, engine_close.c ----------------------------------------------------------- */

YODA_MUST_CHECK yoda_status engine_open(const char *path, const yoda_option *options, size_t count,
                                        yoda_engine **out, yoda_error *err);
YODA_MUST_CHECK yoda_status engine_shutdown(yoda_engine *engine, yoda_error *err);
/* Free what an engine holds whose threads have ended; also half-opened ones. */
void engine_release_parts(yoda_engine *engine);
void engine_release(yoda_engine *engine); /* drop a reference */
/* Set the cancel flags, wake whoever waits, end the operations that have not begun. */
void engine_cancel(yoda_engine *engine, bool writers_too);
/* Keep a background failure for the status. */
void engine_note_error(yoda_engine *engine, const yoda_error *err);
/* Options of a connection in this role. */
struct conn_options engine_conn_options(yoda_engine *engine, enum conn_role role,
                                        const _Atomic bool *cancel);

/* ---- writer.c -------------------------------------------------------------------------------- */

/* Lease the write connection for a call. Errors: YODA_BUSY naming the holder, INTERRUPTED. */
YODA_MUST_CHECK yoda_status writer_acquire(yoda_engine *engine, struct call *call, yoda_error *err);
YODA_MUST_CHECK bool writer_try(yoda_engine *engine, struct call *call);
void writer_release(yoda_engine *engine);
/* Run fn between BEGIN IMMEDIATE and COMMIT; any failure rolls back. Requires the lease. */
YODA_MUST_CHECK yoda_status writer_transact(yoda_engine *engine,
                                            yoda_status (*fn)(void *ctx, struct conn *conn,
                                                              yoda_error *err),
                                            void *ctx, yoda_error *err);
YODA_MUST_CHECK yoda_status writer_execute(yoda_engine *engine, struct call *call, const char *sql,
                                           const yoda_params *params, int64_t *changes,
                                           yoda_error *err);
YODA_MUST_CHECK yoda_status writer_execute_batch(yoda_engine *engine, struct call *call,
                                                 const char *const *sql, size_t count,
                                                 int64_t *changes, yoda_error *err);
YODA_MUST_CHECK yoda_status writer_execute_many(yoda_engine *engine, struct call *call,
                                                const char *sql, const yoda_params *rows,
                                                size_t count, int64_t *changes, yoda_error *err);
/* The same with the lease held and bound to a call. */
struct writer_batch {
    const char *const *sql;  /* [count], or with rows one */
    const yoda_params *rows; /* [count] or NULL */
    size_t count;
};
YODA_MUST_CHECK yoda_status writer_execute_held(yoda_engine *engine, const char *sql,
                                                const yoda_params *params, int64_t *changes,
                                                yoda_error *err);
YODA_MUST_CHECK yoda_status writer_batch_held(yoda_engine *engine, const struct writer_batch *batch,
                                              int64_t *changes, yoda_error *err);
/* In the open transaction, all or nothing. *kept false: the savepoint did not do what it should, and
 * the caller rolls the transaction back. */
YODA_MUST_CHECK yoda_status writer_batch_savepoint(yoda_engine *engine,
                                                   const struct writer_batch *batch,
                                                   int64_t *changes, bool *kept, yoda_error *err);
/* After statements that may have changed the schema are committed: let the columns see it before
 * the next one. Requires the lease, bound to a call. Failure costs a table copy at worst. */
void writer_show_schema(yoda_engine *engine);
/* Run the statements of sql on a leased write connection. */
YODA_MUST_CHECK yoda_status writer_run(yoda_engine *engine, const char *sql,
                                       const yoda_params *params, int64_t *changes,
                                       yoda_error *err);

/* ---- owner.c --------------------------------------------------------------------------------- */

/* Try to own the columnar side. Requires the sync lease. OK with columns.owner still false when
 * another engine owns it (why_not_owner says so). */
YODA_MUST_CHECK yoda_status owner_try(yoda_engine *engine, yoda_error *err);
bool owner_is(yoda_engine *engine);
/* Give everything up: the last step of a shutdown. */
void owner_release(yoda_engine *engine);

/* ---- freshness.c ----------------------------------------------------------------------------- */

/* Take and drop the sync lease for a call; its cancel flag then reaches the capture. */
YODA_MUST_CHECK yoda_status freshness_lock(yoda_engine *engine, struct call *call, yoda_error *err);
YODA_MUST_CHECK bool freshness_try_lock(yoda_engine *engine, struct call *call);
void freshness_unlock(yoda_engine *engine);
/* One sync, counted in columns.untold. Requires the lease and ownership. */
YODA_MUST_CHECK yoda_status freshness_sync(yoda_engine *engine, yoda_error *err);
/* The same for who waits for nobody: BUSY where it is not likely to end by until_ns (0: as long as
 * it takes). */
YODA_MUST_CHECK yoda_status freshness_sync_by(yoda_engine *engine, int64_t until_ns,
                                              yoda_error *err);
/* Let the columns see the schema, not the rows, if there are any. Failure is the next sync's. */
void freshness_look(yoda_engine *engine, struct call *call);
/* Was nothing committed since the last sync began? Requires the lease and ownership. */
YODA_MUST_CHECK yoda_status freshness_is_current(yoda_engine *engine, bool *current,
                                                 yoda_error *err);
/* Bring the newest version to within max_staleness_ms of the call's beginning. until_ns as in
 * freshness_sync_by; BUSY also where the sync lease is not free. */
YODA_MUST_CHECK yoda_status freshness_ensure(yoda_engine *engine, struct call *call,
                                             int64_t max_staleness_ms, int64_t until_ns,
                                             yoda_error *err);
/* How long freshness_ensure is likely to take, 0 where it need not sync. Takes no lease. */
int64_t freshness_wait_ns(yoda_engine *engine, const struct call *call, int64_t max_staleness_ms);
/* Age of the newest version at time_ns; 0: fresh. Before the first sync: since the engine was
 * opened, as nothing older is known. */
int64_t freshness_age_ms(yoda_engine *engine, int64_t time_ns);
/* Publish a new view if the mirrors changed. Requires the sync lease. */
YODA_MUST_CHECK yoda_status freshness_publish_view(yoda_engine *engine, yoda_error *err);
struct catalog_view *freshness_view(yoda_engine *engine); /* a reference */
/* What a rule said about a statement's text (route_memo.h): why SQLite answers it, or NULL. */
const char *freshness_known_route(yoda_engine *engine, const char *sql, size_t size);
/* Remember it: view is what the rule looked at, reason a constant. */
void freshness_note_route(yoda_engine *engine, const struct catalog_view *view, const char *sql,
                          const char *reason);

/* ---- sync_loop.c ----------------------------------------------------------------------------- */

YODA_MUST_CHECK yoda_status sync_loop_start(yoda_engine *engine, yoda_error *err);
void sync_loop_stop(yoda_engine *engine); /* idempotent; joins */
void sync_loop_wake(yoda_engine *engine);
/* After a sync: wake the thread if there is something to maintain or a checkpoint is due. */
void sync_loop_tend(yoda_engine *engine);
/* yoda_sync: sync, repair schemas, finish copies. stats: takes what is untold; NULL: leaves it. */
YODA_MUST_CHECK yoda_status sync_loop_run(yoda_engine *engine, struct call *call,
                                          yoda_sync_stats *stats, yoda_error *err);
/* The same, if it is nothing but a sync of a few changes: one that is likely to end by until_ns and
 * waits for nobody. false: it is not; what was done shows in the next one's stats. */
YODA_MUST_CHECK bool sync_loop_run_inline(yoda_engine *engine, struct call *call, int64_t until_ns,
                                          yoda_sync_stats *stats);

/* ---- table_repair.c -------------------------------------------------------------------------- */

/* Set schema changes right. wait: for the writer; else only if it is free. */
YODA_MUST_CHECK yoda_status table_repair_schemas(yoda_engine *engine, struct call *call, bool wait,
                                                 yoda_error *err);
/* Note a damaged table (any thread, no lock); rebuild all noted ones. */
void table_repair_note(yoda_engine *engine, uint32_t tid, const yoda_error *why);
YODA_MUST_CHECK yoda_status table_repair_damaged(yoda_engine *engine, struct call *call,
                                                 yoda_error *err);
YODA_MUST_CHECK yoda_status table_repair_rebuild(yoda_engine *engine, struct call *call,
                                                 uint32_t tid, const char *reason, yoda_error *err);
/* Copy one slice of some table that waits for it; *more: there is more to copy. */
YODA_MUST_CHECK yoda_status table_repair_copy_slice(yoda_engine *engine, struct call *call,
                                                    bool *more, yoda_error *err);
/* Copy table name to its end, calling the progress function. */
YODA_MUST_CHECK yoda_status table_repair_copy(yoda_engine *engine, struct call *call,
                                              const char *name, yoda_error *err);

/* ---- table_register.c ------------------------------------------------------------------------ */

YODA_MUST_CHECK yoda_status table_register(yoda_engine *engine, struct call *call, const char *name,
                                           const yoda_table_schema *schema, yoda_error *err);
YODA_MUST_CHECK yoda_status table_unregister(yoda_engine *engine, struct call *call,
                                             const char *name, yoda_error *err);

/* ---- checkpointer.c -------------------------------------------------------------------------- */

YODA_MUST_CHECK yoda_status checkpointer_run(yoda_engine *engine, struct call *call,
                                             yoda_error *err);
bool checkpointer_due(yoda_engine *engine);
/* Memory-only columns: prune the log through the watermark while the writer is free. */
YODA_MUST_CHECK yoda_status checkpointer_prune_memory(yoda_engine *engine, struct call *call,
                                                      bool wait, uint64_t *pruned, yoda_error *err);

/* ---- query.c, query_inline.c ----------------------------------------------------------------- */

YODA_MUST_CHECK yoda_status query_run(yoda_engine *engine, struct call *call, const char *sql,
                                      const yoda_params *params, const yoda_query_options *options,
                                      yoda_result **out, yoda_error *err);
/* The same if it is a matter of microseconds: it waits for nobody and stops at until_ns. *out is
 * set with INLINE_DONE only. */
YODA_MUST_CHECK enum inline_outcome query_run_inline(yoda_engine *engine, struct call *call,
                                                     const char *sql, const yoda_params *params,
                                                     const yoda_query_options *options,
                                                     int64_t until_ns, yoda_result **out);
YODA_MUST_CHECK yoda_status query_explain(yoda_engine *engine, struct call *call, const char *sql,
                                          yoda_result **out, yoda_error *err);
/* Run one reading statement on a connection the caller holds; may_write: or one with RETURNING. */
YODA_MUST_CHECK yoda_status query_on_connection(struct conn *conn, const char *sql,
                                                const yoda_params *params, bool may_write,
                                                yoda_result *result, yoda_error *err);

/* ---- query_stream.c -------------------------------------------------------------------------- */

struct query_receiver { /* of the parts of a stream */
    /* The part is taken, also on failure, which ends the query. May wait. */
    yoda_status (*take)(void *ctx, yoda_result *part, yoda_error *err);
    void *ctx;
};
/* query_run whose rows are handed over in parts of at most BATCH_ROWS rows and about 1 MiB, as soon
 * as there are enough; at least one. Every part is of one snapshot. */
YODA_MUST_CHECK yoda_status query_stream_run(yoda_engine *engine, struct call *call,
                                             const char *sql, const yoda_params *params,
                                             const yoda_query_options *options,
                                             const struct query_receiver *receiver,
                                             yoda_error *err);

/* ---- verify_run.c, inspect.c, status_report.c ------------------------------------------------ */

YODA_MUST_CHECK yoda_status verify_run(yoda_engine *engine, struct call *call, const char *table,
                                       unsigned flags, yoda_verify_report *report, yoda_error *err);
YODA_MUST_CHECK yoda_status inspect_run(yoda_engine *engine, struct call *call,
                                        yoda_inspect_kind kind, const char *table,
                                        yoda_result **out, yoda_error *err);
YODA_MUST_CHECK yoda_status status_report(yoda_engine *engine, struct call *call,
                                          yoda_engine_status *out, yoda_error *err);

/* ---- progress.c ------------------------------------------------------------------------------ */

struct progress { /* of one call; throttles its reports */
    struct call *call;
    yoda_engine *engine;
    const char *what;
    int64_t last_ns;
    uint64_t total;
};
/* Note it in the call and tell the user's function; false: cancel. A submitted operation runs on
 * a thread of ours, where no user code runs: it is only noted. */
bool progress_report(struct progress *progress, uint64_t done);

#endif
