/*
 * seal_compact.c -- store_maintain: one step after the other until nothing is left to do.
 *
 * Full segments first: a RAW segment takes several times the memory of an encoded one. Those that
 * would be rewritten at once for their dead rows are left to compaction, which reads RAW as well.
 */
#include "olap/store/maintain.h"

static bool cancelled(const _Atomic bool *cancel)
{
    return cancel && atomic_load_explicit(cancel, memory_order_relaxed);
}

static yoda_status repeat(struct store *store, const _Atomic bool *cancel,
                          yoda_status (*step)(struct store *, uint64_t *, yoda_error *),
                          uint64_t *total, yoda_error *err)
{
    uint64_t done = 1;
    while (done > 0 && !cancelled(cancel)) {
        TRY(step(store, &done, err));
        *total += done;
    }
    return YODA_OK;
}

bool store_maintenance_is_due(struct store *store)
{
    store_write_begin(store);
    bool due = store->sealed_by_merges > 0;
    for (uint32_t t = 0; !due && t < store->table_count; t++)
        due = seal_is_due(store->tables[t]) || compact_run_is_due(store->tables[t]);
    store_write_end(store);
    return due;
}

yoda_status store_maintain(struct store *store, const _Atomic bool *cancel,
                           struct maintenance_stats *stats, yoda_error *err)
{
    *stats = (struct maintenance_stats){0};
    yoda_status status = repeat(store, cancel, seal_step, &stats->sealed, err);
    if (status == YODA_OK)
        status = repeat(store, cancel, compact_step, &stats->compacted, err);
    store_write_begin(store);
    stats->sealed += store->sealed_by_merges;
    store->sealed_by_merges = 0;
    store_reap(store);
    store_write_end(store);
    return status;
}
