/*
 * checkpointer.c -- making the columns durable, and pruning the log.
 *
 * 1  Pin a snapshot and write its files: seconds perhaps, and no lock is held.
 * 2  One short write transaction: the manifest, the durable watermark, the first part of the log
 *    gone. It is the single commit point of both stores. If a table was redefined since the
 *    snapshot was pinned (columns.epoch moved) the files are thrown away and a newer one is pinned.
 * 3  The rest of the log goes in further small transactions, so that writers wait for none of them
 *    long.
 * Columns that live in memory only are copied anew at the next open: their log may be pruned up to
 * the watermark's own entry at any time. That entry stays: a sync knows by it that the log is the
 * one it read. Files of an earlier durable run no longer fit such a log, so the manifest goes with
 * it.
 */
#include "engine/engine.h"

#define PRUNE_ROWS 20000u
#define ATTEMPTS 5

struct commit {
    yoda_engine *engine;
    const struct checkpoint *checkpoint;
    int64_t watermark;
    uint64_t epoch, pruned;
    bool overtaken, prune;
};

static yoda_status commit(void *ctx, struct conn *conn, yoda_error *err)
{
    struct commit *c = ctx;
    if (atomic_load(&c->engine->columns.epoch) != c->epoch) {
        c->overtaken = true;
        return fail(err, YODA_SCHEMA, "a table was redefined during the checkpoint");
    }
    TRY(catalog_commit_checkpoint(conn, c->checkpoint, c->watermark, err));
    return c->prune ? catalog_prune(conn, c->watermark, PRUNE_ROWS, &c->pruned, err) : YODA_OK;
}

static bool may_prune(yoda_engine *engine)
{
    return engine->options.prune_after_sync && !atomic_load(&engine->columns.unfinished);
}

static yoda_status write_and_commit(struct commit *c, struct call *call,
                                    const struct snapshot *snapshot, yoda_error *err)
{
    yoda_engine *engine = c->engine;
    struct checkpoint *checkpoint = NULL;
    TRY(store_checkpoint_write(engine->columns.store, snapshot, &checkpoint, err));
    c->checkpoint = checkpoint;
    yoda_status status = writer_acquire(engine, call, err);
    if (status == YODA_OK) {
        status = writer_transact(engine, commit, c, err);
        writer_release(engine);
    }
    store_checkpoint_done(engine->columns.store, checkpoint, status == YODA_OK);
    return status;
}

static yoda_status attempt(struct commit *c, struct call *call, yoda_error *err)
{
    yoda_engine *engine = c->engine;
    struct snapshot snapshot;
    c->overtaken = false;
    c->pruned = 0;
    c->prune = may_prune(engine);
    c->epoch = atomic_load(&engine->columns.epoch);
    store_acquire(engine->columns.store, &snapshot);
    c->watermark = snapshot.version->watermark;
    int64_t published_ns = snapshot.version->published_ns;
    yoda_status status = write_and_commit(c, call, &snapshot, err);
    store_release(engine->columns.store, &snapshot);
    if (status != YODA_OK)
        return status;
    atomic_store(&engine->checkpoints.durable_watermark, c->watermark);
    atomic_store(&engine->checkpoints.version_ns, published_ns);
    atomic_store(&engine->checkpoints.last_ns, os_monotonic_ns());
    atomic_fetch_add(&engine->counters.checkpoints, 1);
    return YODA_OK;
}

/* ---- Pruning --------------------------------------------------------------------------------- */

struct prune {
    int64_t through;
    uint64_t removed;
    bool forget; /* the manifest, in the same transaction */
};

static yoda_status prune_part(void *ctx, struct conn *conn, yoda_error *err)
{
    struct prune *p = ctx;
    p->removed = 0;
    if (p->forget)
        TRY(catalog_forget_manifest(conn, err));
    return catalog_prune(conn, p->through, PRUNE_ROWS, &p->removed, err);
}

/* Part by part through a watermark. wait: for the writer; else as far as it is free. */
static yoda_status prune(yoda_engine *engine, struct call *call, int64_t through, bool wait,
                         uint64_t *pruned, yoda_error *err)
{
    struct prune p = {
        .through = through, .removed = PRUNE_ROWS, .forget = !engine->columns.directory};
    while (p.removed >= PRUNE_ROWS) {
        if (wait)
            TRY(writer_acquire(engine, call, err));
        else if (!writer_try(engine, call))
            return YODA_OK;
        yoda_status status = writer_transact(engine, prune_part, &p, err);
        writer_release(engine);
        TRY(status);
        *pruned += p.removed;
    }
    atomic_store(&engine->checkpoints.pruned_through, through);
    return YODA_OK;
}

static int64_t newest_watermark(yoda_engine *engine)
{
    struct snapshot snapshot;
    store_acquire(engine->columns.store, &snapshot);
    int64_t watermark = snapshot.version->watermark;
    store_release(engine->columns.store, &snapshot);
    return watermark;
}

yoda_status checkpointer_prune_memory(yoda_engine *engine, struct call *call, bool wait,
                                      uint64_t *pruned, yoda_error *err)
{
    uint64_t ignored = 0;
    ASSERT(!engine->columns.directory);
    int64_t through = newest_watermark(engine) - 1;
    if (!may_prune(engine) || through <= atomic_load(&engine->checkpoints.pruned_through))
        return YODA_OK;
    return prune(engine, call, through, wait, pruned ? pruned : &ignored, err);
}

/* ---- Entry ----------------------------------------------------------------------------------- */

static yoda_status run_durable(yoda_engine *engine, struct call *call, yoda_error *err)
{
    struct commit c = {.engine = engine};
    yoda_error local = {0};
    yoda_status status = YODA_SCHEMA;
    for (int i = 0; i < ATTEMPTS && status == YODA_SCHEMA; i++) {
        status = attempt(&c, call, &local);
        if (status == YODA_SCHEMA && !c.overtaken)
            break;
    }
    if (status == YODA_OK && c.pruned >= PRUNE_ROWS)
        status = prune(engine, call, c.watermark, true, &c.pruned, &local);
    if (status != YODA_OK && err)
        *err = local;
    return status;
}

yoda_status checkpointer_run(yoda_engine *engine, struct call *call, yoda_error *err)
{
    if (!owner_is(engine))
        return YODA_OK; /* the owner writes the checkpoints of this file */
    if (!engine->columns.directory)
        return checkpointer_prune_memory(engine, call, true, NULL, err);
    TRY(lease_acquire(&engine->checkpoints.upkeep, &call->cancel, -1, err));
    yoda_status status = run_durable(engine, call, err);
    lease_release(&engine->checkpoints.upkeep);
    return status;
}

bool checkpointer_due(yoda_engine *engine)
{
    struct snapshot snapshot;
    struct checkpoints *c = &engine->checkpoints;
    store_acquire(engine->columns.store, &snapshot);
    int64_t events = snapshot.version->watermark - atomic_load(&c->durable_watermark);
    bool changed = snapshot.version->published_ns != atomic_load(&c->version_ns);
    store_release(engine->columns.store, &snapshot);
    int64_t age_ns = os_monotonic_ns() - atomic_load(&c->last_ns);
    return changed && (events >= engine->options.checkpoint_events ||
                       age_ns >= engine->options.checkpoint_interval_ms * 1000000);
}
