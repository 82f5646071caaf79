/*
 * spill_partition.c -- rows dealt into partitions on disk; see spill.h.
 *
 * Rows wait in one row buffer with their partition's number beside them. When enough are there they
 * are written partition by partition, each as an extent: so one file and one small buffer serve all
 * partitions, and the blocks are of a useful size.
 */
#include "olap/exec/spill.h"

#include <string.h>

#define WAITING_ROWS 65536u
#define WAITING_BYTES (UINT64_C(8) << 20)
#define WAITING_SHARE 64u /* of a budget, at most */

struct extent_list {
    struct spill_extent *extents;
    size_t count, room;
    uint64_t rows;
};

struct spill_partitions {
    struct spill *spill;
    struct row_buffer waiting;
    struct buffer *numbers; /* uint8_t, [waiting.rows] */
    uint64_t waiting_bytes_max;
    struct extent_list lists[SPILL_PARTITIONS];
};

static uint64_t row_bytes(const struct row_buffer *rows)
{
    return (uint64_t)rows->rows * rows->column_count * sizeof(uint64_t) + rows->byte_count;
}

static uint64_t waiting_bytes_of(const struct mem_budget *budget)
{
    uint64_t bytes = WAITING_BYTES;
    for (; budget; budget = budget->parent)
        if (budget->limit_bytes && budget->limit_bytes / WAITING_SHARE < bytes)
            bytes = budget->limit_bytes / WAITING_SHARE;
    return bytes;
}

yoda_status spill_partitions_create(const struct run *run, const struct plan *plan,
                                    const enum vtype *types, uint32_t column_count,
                                    const uint64_t *kept, struct spill_partitions **out,
                                    yoda_error *err)
{
    struct spill_partitions *p = mem_calloc(1, sizeof *p);
    *out = NULL;
    if (!p)
        return fail_nomem(err, sizeof *p);
    struct mem_budget *budget = run->context->budget;
    p->waiting_bytes_max = waiting_bytes_of(budget);
    yoda_status status = row_buffer_init(&p->waiting, types, column_count, kept, budget, err);
    if (status == YODA_OK)
        status = buffer_create(0, budget, &p->numbers, err);
    if (status == YODA_OK)
        status = spill_create(run, plan, types, column_count, kept, &p->spill, err);
    if (status != YODA_OK) {
        spill_partitions_destroy(p);
        return status;
    }
    *out = p;
    return YODA_OK;
}

void spill_partitions_destroy(struct spill_partitions *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; i < SPILL_PARTITIONS; i++)
        mem_free(p->lists[i].extents);
    row_buffer_deinit(&p->waiting);
    buffer_release(p->numbers);
    spill_destroy(p->spill);
    mem_free(p);
}

static yoda_status add_extent(struct spill_partitions *p, uint32_t partition, yoda_error *err)
{
    struct extent_list *list = &p->lists[partition];
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 4;
        struct spill_extent *grown = mem_realloc(list->extents, room * sizeof *grown);
        if (!grown)
            return fail_nomem(err, room * sizeof *grown);
        list->extents = grown;
        list->room = room;
    }
    struct spill_extent *extent = &list->extents[list->count++];
    spill_end(p->spill, extent);
    list->rows += extent->rows;
    return YODA_OK;
}

static yoda_status write_waiting(struct spill_partitions *p, uint32_t *order, struct arena *scratch,
                                 yoda_error *err)
{
    uint32_t begin[SPILL_PARTITIONS + 1] = {0}, next[SPILL_PARTITIONS];
    const uint8_t *numbers = p->numbers->data;
    for (uint32_t i = 0; i < p->waiting.rows; i++)
        begin[numbers[i] + 1]++;
    for (uint32_t i = 0; i < SPILL_PARTITIONS; i++) {
        begin[i + 1] += begin[i];
        next[i] = begin[i];
    }
    for (uint32_t i = 0; i < p->waiting.rows; i++)
        order[next[numbers[i]]++] = i;
    for (uint32_t i = 0; i < SPILL_PARTITIONS; i++) {
        uint32_t count = begin[i + 1] - begin[i];
        if (count == 0)
            continue;
        TRY(spill_write_buffer(p->spill, &p->waiting, order + begin[i], count, VECTOR_ROWS, scratch,
                               err));
        TRY(add_extent(p, i, err));
    }
    return YODA_OK;
}

static yoda_status flush(struct spill_partitions *p, yoda_error *err)
{
    if (p->waiting.rows == 0)
        return YODA_OK;
    struct arena scratch;
    uint32_t *order = mem_alloc(p->waiting.rows * sizeof *order);
    if (!order)
        return fail_nomem(err, p->waiting.rows * sizeof *order);
    arena_init(&scratch, p->waiting.budget);
    yoda_status status = write_waiting(p, order, &scratch, err);
    arena_deinit(&scratch);
    mem_free(order);
    row_buffer_clear(&p->waiting);
    return status;
}

yoda_status spill_partitions_add(struct spill_partitions *p, const struct row_set *in,
                                 const uint8_t *partition, struct arena *scratch, yoda_error *err)
{
    ASSERT(!in->alive);
    size_t rows = p->waiting.rows;
    TRY(buffer_reserve(p->numbers, rows + in->rows, err));
    TRY(row_buffer_append(&p->waiting, in, scratch, err));
    memcpy(p->numbers->data + rows, partition, in->rows);
    p->numbers->size = rows + in->rows;
    if (p->waiting.rows >= WAITING_ROWS || row_bytes(&p->waiting) >= p->waiting_bytes_max)
        return flush(p, err);
    return YODA_OK;
}

yoda_status spill_partitions_end(struct spill_partitions *p, yoda_error *err)
{
    TRY(flush(p, err));
    row_buffer_deinit(&p->waiting);
    return spill_finish(p->spill, err);
}

uint64_t spill_partitions_rows(const struct spill_partitions *p, uint32_t partition)
{
    ASSERT(partition < SPILL_PARTITIONS);
    return p->lists[partition].rows;
}

yoda_status spill_partitions_reader(const struct spill_partitions *p, uint32_t partition,
                                    struct spill_reader *out, yoda_error *err)
{
    ASSERT(partition < SPILL_PARTITIONS);
    const struct extent_list *list = &p->lists[partition];
    return spill_reader_init(out, p->spill, list->extents, list->count, err);
}
