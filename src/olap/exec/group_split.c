/* group_split.c -- dealing keys into parts; see group_table.h. */
#include "olap/exec/group_table.h"
#include "olap/exec/pipeline.h"
#include "olap/kernel/kernel.h"

static const uint64_t *words_of(const struct group_table *table)
{
    return (const uint64_t *)(const void *)table->rows->data;
}

static unsigned bits_of(uint32_t parts)
{
    unsigned bits = 0;
    while (UINT32_C(1) << bits < parts)
        bits++;
    return bits;
}

static bool all_dense(const struct group_table *const *tables, uint32_t count)
{
    for (uint32_t t = 0; t < count; t++)
        if (!tables[t]->word || (!tables[t]->dense && tables[t]->count))
            return false;
    return true;
}

void group_split_choose(const struct group_table *const *tables, uint32_t count, uint32_t parts,
                        struct group_split *out)
{
    int64_t least = INT64_MAX, most = INT64_MIN;
    *out = (struct group_split){.shift = 64 - bits_of(parts)};
    ASSERT(parts > 1 && parts <= GROUP_PARTS_MAX);
    if (!all_dense(tables, count))
        return;
    for (uint32_t t = 0; t < count; t++) {
        const int64_t *words = (const int64_t *)(const void *)words_of(tables[t]);
        for (uint32_t at = 0; at < tables[t]->count; at += VECTOR_ROWS) {
            int64_t low, high;
            uint32_t left = tables[t]->count - at;
            kernels()->minmax_i64(words + at, left < VECTOR_ROWS ? left : VECTOR_ROWS, NULL, &low,
                                  &high);
            least = low < least ? low : least;
            most = high > most ? high : most;
        }
    }
    if (least > most)
        return;
    out->range = true;
    out->low = (uint64_t)least;
    out->shift = 0;
    while (((uint64_t)most - (uint64_t)least) >> out->shift >= parts)
        out->shift++;
}

void group_table_split(const struct group_table *table, const struct group_split *split,
                       uint8_t *out)
{
    if (!split->range) {
        for (uint32_t id = 0; id < table->count; id++)
            out[id] = (uint8_t)(group_table_hash(table, id) >> split->shift);
        return;
    }
    ASSERT(table->word);
    const uint64_t *words = words_of(table);
    for (uint32_t id = 0; id < table->count; id++)
        out[id] = (uint8_t)((words[id] - split->low) >> split->shift);
    if (table->null_id < table->count)
        out[table->null_id] = 0;
}

yoda_status group_table_split_rows(struct group_table *table, const struct vector *keys,
                                   uint32_t rows, const struct group_split *split,
                                   struct arena *scratch, uint8_t *out, yoda_error *err)
{
    uint64_t *hashes = arena_alloc(scratch, (rows + (size_t)1) * sizeof *hashes);
    ASSERT(!split->range);
    if (!hashes)
        return run_nomem(err, "grouping");
    TRY(group_table_hash_rows(table, keys, rows, scratch, hashes, err));
    for (uint32_t i = 0; i < rows; i++)
        out[i] = (uint8_t)(hashes[i] >> split->shift);
    return YODA_OK;
}
