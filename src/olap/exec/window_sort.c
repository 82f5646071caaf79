/* window_sort.c -- see window_sort.h. */
#include "olap/exec/window_sort.h"

#include "base/buffer.h"

#include <string.h>

#define BUCKET_BITS 10u
#define BUCKETS (1u << BUCKET_BITS)
#define DIGIT_BITS 8u
#define RADIX_ROWS_MIN 256u /* below it comparing is faster */
#define TASK_ROWS 32768u
#define MARK_ROWS 65536u /* a multiple of 64: tasks do not share words */
#define RUN_ROWS 16u
#define CHECK_ROWS 65536u /* between two looks at the cancel flag; a power of two */

static struct window_entry *entries_of(const struct buffer *buffer)
{
    return (struct window_entry *)(void *)buffer->data;
}

/* ---- By comparison ---- */

static inline bool is_after(const struct window_tie *tie, const struct window_entry *a,
                            const struct window_entry *b)
{
    if (a->word != b->word)
        return a->word > b->word;
    return tie->compare && tie->compare(tie->ctx, a, b) > 0;
}

static void insertion_sort(const struct window_tie *tie, struct window_entry *entries, uint64_t count)
{
    for (uint64_t i = 1; i < count; i++) {
        struct window_entry entry = entries[i];
        uint64_t at = i;
        for (; at > 0 && is_after(tie, &entries[at - 1], &entry); at--)
            entries[at] = entries[at - 1];
        entries[at] = entry;
    }
}

static yoda_status merge_runs(const struct run *run, const struct window_tie *tie,
                              const struct window_entry *in, uint64_t middle, uint64_t count,
                              struct window_entry *out, yoda_error *err)
{
    uint64_t a = 0, b = middle, n = 0;
    while (a < middle && b < count) {
        out[n++] = is_after(tie, &in[a], &in[b]) ? in[b++] : in[a++];
        if (n % CHECK_ROWS == 0)
            TRY(run_check(run, err));
    }
    memcpy(out + n, in + a, (middle - a) * sizeof *in);
    n += middle - a;
    memcpy(out + n, in + b, (count - b) * sizeof *in);
    return YODA_OK;
}

yoda_status window_sort_compare(const struct run *run, struct window_entry *entries,
                                struct window_entry *scratch, uint64_t count,
                                const struct window_tie *tie, yoda_error *err)
{
    struct window_entry *from = entries, *to = scratch;
    for (uint64_t at = 0; at < count; at += RUN_ROWS)
        insertion_sort(tie, entries + at, count - at < RUN_ROWS ? count - at : RUN_ROWS);
    for (uint64_t size = RUN_ROWS; size < count; size *= 2) {
        TRY(run_check(run, err));
        for (uint64_t at = 0; at < count; at += 2 * size) {
            uint64_t left = count - at, both = left < 2 * size ? left : 2 * size;
            TRY(merge_runs(run, tie, from + at, size < both ? size : both, both, to + at, err));
        }
        struct window_entry *swap = from;
        from = to;
        to = swap;
    }
    if (from != entries)
        memcpy(entries, from, count * sizeof *entries);
    return YODA_OK;
}

/* ---- Buckets ---- */

struct sorting {
    struct window_sort *sort;
    struct buffer *scratch;
    uint64_t *places;  /* [workers][BUCKETS]: counts, then where the next entry goes */
    uint64_t begins[BUCKETS + 1];
    uint32_t tasks[BUCKETS + 1]; /* first bucket of each task */
    uint32_t task_count;
};

static yoda_status count_task(void *ctx, uint32_t worker, uint32_t index, yoda_error *err)
{
    struct sorting *s = ctx;
    uint64_t *counts = s->places + (size_t)index * BUCKETS;
    YODA_UNUSED(worker);
    for (uint32_t i = 0; i < s->sort->rows[index]; i++) {
        if (i % CHECK_ROWS == 0)
            TRY(run_check(s->sort->run, err));
        counts[s->sort->keys[index][i] >> (64 - BUCKET_BITS)]++;
    }
    return YODA_OK;
}

static yoda_status deal_task(void *ctx, uint32_t worker, uint32_t index, yoda_error *err)
{
    struct sorting *s = ctx;
    uint64_t *places = s->places + (size_t)index * BUCKETS;
    struct window_entry *out = entries_of(s->sort->entries);
    YODA_UNUSED(worker);
    for (uint32_t i = 0; i < s->sort->rows[index]; i++) {
        uint64_t word = s->sort->keys[index][i];
        if (i % CHECK_ROWS == 0)
            TRY(run_check(s->sort->run, err));
        out[places[word >> (64 - BUCKET_BITS)]++] = (struct window_entry){word, i, index};
    }
    return YODA_OK;
}

/* Counts become places; buckets are put together into tasks. */
static void plan_buckets(struct sorting *s)
{
    uint64_t at = 0;
    for (uint32_t b = 0; b < BUCKETS; b++) {
        s->begins[b] = at;
        for (uint32_t w = 0; w < s->sort->run->workers; w++) {
            uint64_t *place = &s->places[(size_t)w * BUCKETS + b], count = *place;
            *place = at;
            at += count;
        }
        if (s->task_count == 0 || s->begins[b] - s->begins[s->tasks[s->task_count - 1]] >= TASK_ROWS)
            s->tasks[s->task_count++] = b;
    }
    ASSERT(at == s->sort->count);
    s->begins[BUCKETS] = at;
    s->tasks[s->task_count] = BUCKETS;
}

/* ---- One bucket ---- */

static int compare_rest(const void *ctx, const struct window_entry *a, const struct window_entry *b)
{
    const struct window_sort *sort = ctx;
    for (uint32_t w = 1; w < sort->words; w++) {
        uint64_t ka = sort->keys[a->worker][(size_t)w * sort->rows[a->worker] + a->row];
        uint64_t kb = sort->keys[b->worker][(size_t)w * sort->rows[b->worker] + b->row];
        if (ka != kb)
            return ka < kb ? -1 : 1;
    }
    return 0;
}

/* By the word's bits from `lowest` to the bucket's, least digit first. */
static yoda_status radix_sort(const struct run *run, struct window_entry *entries,
                              struct window_entry *scratch, uint64_t count, uint32_t lowest,
                              yoda_error *err)
{
    struct window_entry *from = entries, *to = scratch;
    for (uint32_t shift = lowest; shift < 64 - BUCKET_BITS; shift += DIGIT_BITS) {
        uint64_t places[1u << DIGIT_BITS] = {0}, at = 0;
        TRY(run_check(run, err));
        for (uint64_t i = 0; i < count; i++)
            places[from[i].word >> shift & 255]++;
        if (places[from[0].word >> shift & 255] == count)
            continue;
        for (uint32_t d = 0; d < 1u << DIGIT_BITS; d++) {
            uint64_t n = places[d];
            places[d] = at;
            at += n;
        }
        for (uint64_t i = 0; i < count; i++) {
            if (i % CHECK_ROWS == 0)
                TRY(run_check(run, err));
            to[places[from[i].word >> shift & 255]++] = from[i];
        }
        struct window_entry *swap = from;
        from = to;
        to = swap;
    }
    if (from != entries)
        memcpy(entries, from, count * sizeof *entries);
    return YODA_OK;
}

static yoda_status sort_bucket(const struct window_sort *sort, struct window_entry *entries,
                               struct window_entry *scratch, uint64_t count, yoda_error *err)
{
    const struct window_tie tie = {sort->words > 1 ? compare_rest : NULL, sort};
    uint32_t lowest = sort->bits < 64 ? 64 - sort->bits : 0;
    if (count < RADIX_ROWS_MIN)
        return window_sort_compare(sort->run, entries, scratch, count, &tie, err);
    TRY(radix_sort(sort->run, entries, scratch, count, lowest, err));
    for (uint64_t at = 0, end; sort->words > 1 && at < count; at = end) {
        for (end = at + 1; end < count && entries[end].word == entries[at].word;)
            end++;
        TRY(window_sort_compare(sort->run, entries + at, scratch + at, end - at, &tie, err));
    }
    return YODA_OK;
}

static yoda_status sort_task(void *ctx, uint32_t worker, uint32_t index, yoda_error *err)
{
    struct sorting *s = ctx;
    YODA_UNUSED(worker);
    for (uint32_t b = s->tasks[index]; b < s->tasks[index + 1]; b++) {
        TRY(run_check(s->sort->run, err));
        TRY(sort_bucket(s->sort, entries_of(s->sort->entries) + s->begins[b],
                        entries_of(s->scratch) + s->begins[b], s->begins[b + 1] - s->begins[b],
                        err));
    }
    return YODA_OK;
}

/* ---- Borders ---- */

/* Does the key differ from that of the row before, in the partition's bits or at all? */
static inline void compare_keys(const struct window_sort *sort, const struct window_entry *a,
                                const struct window_entry *b, bool *partition, bool *peer)
{
    uint64_t difference = a->word ^ b->word;
    *peer = difference != 0;
    *partition = (difference & sort->partition_mask[0]) != 0;
    for (uint32_t w = 1; w < sort->words && !*partition; w++) {
        difference = sort->keys[a->worker][(size_t)w * sort->rows[a->worker] + a->row] ^
                     sort->keys[b->worker][(size_t)w * sort->rows[b->worker] + b->row];
        *peer |= difference != 0;
        *partition = (difference & sort->partition_mask[w]) != 0;
    }
}

static yoda_status mark_task(void *ctx, uint32_t worker, uint32_t index, yoda_error *err)
{
    struct window_sort *sort = ((struct sorting *)ctx)->sort;
    const struct window_entry *entries = entries_of(sort->entries);
    uint64_t *partitions = (uint64_t *)(void *)sort->partitions->data;
    uint64_t *peers = (uint64_t *)(void *)sort->peers->data;
    uint64_t at = (uint64_t)index * MARK_ROWS;
    uint64_t end = sort->count - at > MARK_ROWS ? at + MARK_ROWS : sort->count;
    YODA_UNUSED(worker);
    for (; at < end; at++) {
        bool partition = true, peer = true;
        if (at)
            compare_keys(sort, &entries[at - 1], &entries[at], &partition, &peer);
        if (partition)
            bit_set(partitions, at);
        if (peer)
            bit_set(peers, at);
    }
    return run_check(sort->run, err);
}

static yoda_status mark(struct sorting *s, yoda_error *err)
{
    struct window_sort *sort = s->sort;
    size_t bytes = (BITMAP_WORDS(sort->count + 1) + 1) * sizeof(uint64_t);
    TRY(buffer_create(bytes, sort->run->context->budget, &sort->partitions, err));
    TRY(buffer_create(bytes, sort->run->context->budget, &sort->peers, err));
    memset(sort->partitions->data, 0, bytes);
    memset(sort->peers->data, 0, bytes);
    TRY(run_tasks(sort->run, (uint32_t)((sort->count + MARK_ROWS - 1) / MARK_ROWS), mark_task, s,
                  err));
    bit_set((uint64_t *)(void *)sort->partitions->data, sort->count);
    bit_set((uint64_t *)(void *)sort->peers->data, sort->count);
    return YODA_OK;
}

static yoda_status sort_all(struct sorting *s, yoda_error *err)
{
    struct window_sort *sort = s->sort;
    size_t bytes = sort->count * sizeof(struct window_entry);
    TRY(run_tasks(sort->run, sort->run->workers, count_task, s, err));
    plan_buckets(s);
    TRY(buffer_create(bytes, sort->run->context->budget, &sort->entries, err));
    TRY(run_tasks(sort->run, sort->run->workers, deal_task, s, err));
    if (sort->bits <= BUCKET_BITS)
        return YODA_OK;
    TRY(buffer_create(bytes, sort->run->context->budget, &s->scratch, err));
    return run_tasks(sort->run, s->task_count, sort_task, s, err);
}

yoda_status window_sort(struct window_sort *sort, yoda_error *err)
{
    struct sorting s = {.sort = sort};
    size_t places = (size_t)sort->run->workers * BUCKETS;
    s.places = mem_calloc(places, sizeof *s.places);
    if (!s.places)
        return fail_nomem(err, places * sizeof *s.places);
    yoda_status status = sort_all(&s, err);
    buffer_release(s.scratch);
    mem_free(s.places);
    return status == YODA_OK ? mark(&s, err) : status;
}

void window_sort_deinit(struct window_sort *sort)
{
    buffer_release(sort->entries);
    buffer_release(sort->partitions);
    buffer_release(sort->peers);
    sort->entries = sort->partitions = sort->peers = NULL;
}
