/* window_key.c -- see window_key.h. */
#include "olap/exec/window_key.h"

#include "olap/exec/flat_vector.h"
#include "olap/exec/window_sort.h"

#include <string.h>

/* ---- Which codes ---- */

static void add_parts(struct window_key_plan *plan, const struct window_part *key)
{
    struct window_part part = *key;
    if (part.type == VT_NULL)
        return; /* one value: decides nothing */
    part.code = part.type == VT_INT    ? CODE_INT
                : part.type == VT_REAL ? CODE_REAL
                : part.type == VT_NUM  ? CODE_NUM
                                       : CODE_TEXT;
    plan->parts[plan->part_count++] = part;
    if (part.code == CODE_NUM) {
        part.code = CODE_NUM_REST;
        plan->parts[plan->part_count++] = part;
    }
}

yoda_status window_key_plan_init(struct window_key_plan *plan, struct run *run,
                                 const struct plan *window, yoda_error *err)
{
    uint32_t partitions = window->u.window.partition_count, terms = window->u.window.order_count;
    *plan = (struct window_key_plan){0};
    plan->parts = arena_array(&run->arena, struct window_part, 2 * ((size_t)partitions + terms));
    if (!plan->parts)
        return run_nomem(err, "planning");
    for (uint32_t i = 0; i < partitions; i++) {
        uint32_t column = window->u.window.partition[i];
        struct window_part part = {.column = column, .type = window->child->types[column]};
        if (window->u.window.partition_collations)
            part.collation = window->u.window.partition_collations[i];
        add_parts(plan, &part);
    }
    plan->partition_parts = plan->part_count;
    for (uint32_t i = 0; i < terms; i++) {
        const struct sort_key *key = &window->u.window.order[i];
        struct window_part part = {.column = key->column, .type = window->child->types[key->column],
                                   .collation = key->collation, .descending = key->descending,
                                   .nulls_last = key->nulls_last};
        add_parts(plan, &part);
    }
    return YODA_OK;
}

yoda_status window_keys_init(struct window_keys *keys, const struct window_key_plan *plan,
                             struct mem_budget *budget, yoda_error *err)
{
    *keys = (struct window_keys){0};
    keys->parts = mem_calloc(plan->part_count + 1, sizeof *keys->parts);
    if (!keys->parts)
        return fail_nomem(err, plan->part_count * sizeof *keys->parts);
    for (uint32_t k = 0; k < plan->part_count; k++) {
        struct window_part_codes *codes = &keys->parts[k];
        struct group_key key = {plan->parts[k].type, plan->parts[k].collation};
        TRY(buffer_create(0, budget, &codes->codes, err));
        TRY(buffer_create(0, budget, &codes->nulls, err));
        if (plan->parts[k].code == CODE_TEXT)
            TRY(group_table_init(&codes->dictionary, &key, 1, GROUP_FOLD, budget, err));
    }
    return YODA_OK;
}

void window_keys_deinit(struct window_keys *keys, const struct window_key_plan *plan)
{
    for (uint32_t k = 0; keys->parts && k < plan->part_count; k++) {
        buffer_release(keys->parts[k].codes);
        buffer_release(keys->parts[k].nulls);
        if (plan->parts[k].code == CODE_TEXT)
            group_table_deinit(&keys->parts[k].dictionary);
    }
    mem_free(keys->parts);
    *keys = (struct window_keys){0};
}

/* ---- Collecting ---- */

#define SIGN_BIT (UINT64_C(1) << 63)

static inline uint64_t real_code(double r)
{
    uint64_t bits;
    r += 0.0; /* -0.0 equals 0.0 */
    memcpy(&bits, &r, sizeof bits);
    return bits & SIGN_BIT ? ~bits : bits | SIGN_BIT;
}

/* What rounding to a REAL took from an INTEGER, above 0. */
static inline uint64_t rest_code(int64_t i)
{
    return (uint64_t)((int128)i - (int128)(double)i + (1 << 16));
}

static void num_codes(const struct vector *v, enum window_code code, uint64_t *out)
{
    const int64_t *integers = v->data;
    const double *reals = v->data;
    for (uint32_t i = 0; i < v->count; i++) {
        bool real = v->reals && bit_get(v->reals, i);
        if (code == CODE_NUM)
            out[i] = real_code(real ? reals[i] : (double)integers[i]);
        else
            out[i] = real ? 1 << 16 : rest_code(integers[i]);
    }
}

/* Codes of all rows; those of NULLs mean nothing. */
static yoda_status make_codes(const struct window_part *part, struct window_part_codes *codes,
                              const struct vector *v, struct arena *scratch, uint64_t *out,
                              yoda_error *err)
{
    const int64_t *integers = v->data;
    const double *reals = v->data;
    switch (part->code) {
    case CODE_INT:
        for (uint32_t i = 0; i < v->count; i++)
            out[i] = (uint64_t)integers[i] ^ SIGN_BIT;
        return YODA_OK;
    case CODE_REAL:
        for (uint32_t i = 0; i < v->count; i++)
            out[i] = real_code(reals[i]);
        return YODA_OK;
    case CODE_NUM:
    case CODE_NUM_REST:
        num_codes(v, part->code, out);
        return YODA_OK;
    case CODE_TEXT:
        break;
    }
    uint32_t *ids = arena_alloc(scratch, (v->count + 1) * sizeof *ids);
    if (!ids)
        return run_nomem(err, "keeping rows");
    TRY(group_table_find(&codes->dictionary, v, v->count, NULL, scratch, ids, err));
    for (uint32_t i = 0; i < v->count; i++)
        out[i] = ids[i];
    return YODA_OK;
}

static void note_range(struct window_part_codes *codes, uint64_t *code, const uint8_t *nulls,
                       uint32_t n)
{
    uint64_t low = codes->any ? codes->low : UINT64_MAX, high = codes->any ? codes->high : 0;
    for (uint32_t i = 0; i < n; i++) {
        if (nulls[i]) {
            code[i] = 0;
            codes->any_null = true;
            continue;
        }
        low = code[i] < low ? code[i] : low;
        high = code[i] > high ? code[i] : high;
    }
    codes->any = low <= high;
    codes->low = low;
    codes->high = high;
}

static yoda_status append_part(struct window_keys *keys, const struct window_part *part,
                               struct window_part_codes *codes, const struct vector *in,
                               struct arena *scratch, yoda_error *err)
{
    struct vector flat = *in;
    size_t rows = (size_t)keys->rows + in->count;
    if (part->code != CODE_TEXT || in->type == VT_NULL)
        TRY(flat_vector_as(in, part->type, scratch, &flat, err));
    TRY(buffer_reserve(codes->codes, rows * sizeof(uint64_t), err));
    TRY(buffer_reserve(codes->nulls, rows, err));
    codes->codes->size = rows * sizeof(uint64_t);
    codes->nulls->size = rows;
    uint64_t *out = (uint64_t *)(void *)codes->codes->data + keys->rows;
    uint8_t *nulls = codes->nulls->data + keys->rows;
    TRY(make_codes(part, codes, &flat, scratch, out, err));
    memset(nulls, 0, in->count);
    for (uint32_t i = 0; flat.nulls && i < in->count; i++)
        nulls[i] = vector_is_null(&flat, i);
    note_range(codes, out, nulls, in->count);
    return YODA_OK;
}

yoda_status window_keys_append(struct window_keys *keys, const struct window_key_plan *plan,
                               const struct row_set *in, struct arena *scratch, yoda_error *err)
{
    if (in->rows > UINT32_MAX - keys->rows)
        return fail(err, YODA_TOO_BIG, "more than 2^32 rows to keep on one thread");
    for (uint32_t k = 0; k < plan->part_count; k++)
        TRY(append_part(keys, &plan->parts[k], &keys->parts[k], &in->columns[plan->parts[k].column],
                        scratch, err));
    keys->rows += in->rows;
    return YODA_OK;
}

/* ---- Ranks of texts ---- */

struct texts { /* the dictionaries of one part; window_entry.row is a group id */
    const struct strref **values; /* by worker */
};

static int compare_texts(const void *ctx, const struct window_entry *a,
                         const struct window_entry *b)
{
    const struct texts *texts = ctx;
    struct strref ra = texts->values[a->worker][a->row], rb = texts->values[b->worker][b->row];
    return text_compare(ra.ptr, ra.size, rb.ptr, rb.size, COLLATE_BINARY); /* they are folded */
}

static uint64_t text_word(struct strref ref)
{
    uint64_t word = 0;
    for (uint32_t i = 0; i < 8 && i < ref.size; i++)
        word |= (uint64_t)(uint8_t)ref.ptr[i] << (56 - 8 * i);
    return word;
}

static yoda_status list_texts(struct run *run, struct window_part_codes *codes, uint32_t worker,
                              struct arena *scratch, struct texts *texts,
                              struct window_entry *entries, uint64_t *count, yoda_error *err)
{
    struct vector values;
    uint32_t n = codes->dictionary.count;
    codes->ranks = arena_array(&run->arena, uint64_t, n + 1);
    if (!codes->ranks)
        return run_nomem(err, "sorting");
    if (n == 0)
        return YODA_OK;
    TRY(group_table_keys(&codes->dictionary, 0, 0, n, scratch, &values, err));
    texts->values[worker] = values.data;
    for (uint32_t i = 0; i < n; i++) {
        struct strref ref = texts->values[worker][i];
        if (!vector_is_null(&values, i))
            entries[(*count)++] = (struct window_entry){text_word(ref), i, worker};
    }
    return YODA_OK;
}

static yoda_status rank_texts(struct run *run, uint32_t part, struct window_keys *const *all,
                              struct arena *scratch, uint64_t *high, yoda_error *err)
{
    uint64_t total = 0, count = 0, rank = 0;
    for (uint32_t w = 0; w < run->workers; w++)
        total += all[w] ? all[w]->parts[part].dictionary.count : 0;
    struct texts texts = {arena_array(scratch, const struct strref *, run->workers)};
    struct window_entry *entries = arena_alloc(scratch, (total + 1) * 2 * sizeof *entries);
    if (!texts.values || !entries)
        return run_nomem(err, "sorting");
    for (uint32_t w = 0; w < run->workers; w++)
        if (all[w])
            TRY(list_texts(run, &all[w]->parts[part], w, scratch, &texts, entries, &count, err));
    const struct window_tie tie = {compare_texts, &texts};
    TRY(window_sort_compare(run, entries, entries + total, count, &tie, err));
    for (uint64_t i = 0; i < count; i++) {
        if (i && (entries[i].word != entries[i - 1].word ||
                  compare_texts(&texts, &entries[i - 1], &entries[i]) != 0))
            rank++;
        all[entries[i].worker]->parts[part].ranks[entries[i].row] = rank;
    }
    *high = rank;
    return YODA_OK;
}

/* ---- Packing ---- */

static uint32_t bits_of(uint64_t range)
{
    return range ? 64 - (uint32_t)__builtin_clzll(range) : 0;
}

static yoda_status settle_part(struct window_part *part, uint32_t k, struct run *run,
                               struct window_keys *const *all, yoda_error *err)
{
    bool any = false;
    part->low = UINT64_MAX;
    part->high = 0;
    for (uint32_t w = 0; w < run->workers; w++) {
        if (!all[w])
            continue;
        const struct window_part_codes *codes = &all[w]->parts[k];
        part->has_nulls |= codes->any_null;
        any |= codes->any;
        if (codes->any && codes->low < part->low)
            part->low = codes->low;
        if (codes->any && codes->high > part->high)
            part->high = codes->high;
    }
    if (!any)
        part->low = part->high = 0;
    if (part->code == CODE_TEXT) {
        struct arena scratch;
        arena_init(&scratch, run->context->budget);
        part->low = 0;
        yoda_status status = rank_texts(run, k, all, &scratch, &part->high, err);
        arena_deinit(&scratch);
        TRY(status);
    }
    part->bits = bits_of(part->high - part->low);
    return YODA_OK;
}

yoda_status window_keys_settle(struct window_key_plan *plan, struct run *run,
                               struct window_keys *const *all, yoda_error *err)
{
    uint32_t total = 0, partition = 0;
    for (uint32_t k = 0; k < plan->part_count; k++) {
        TRY(settle_part(&plan->parts[k], k, run, all, err));
        total += plan->parts[k].bits + plan->parts[k].has_nulls;
        if (k < plan->partition_parts)
            partition = total;
    }
    plan->bits = total;
    plan->words = total ? (total + 63) / 64 : 1;
    plan->partition_mask = arena_array(&run->arena, uint64_t, plan->words);
    if (!plan->partition_mask)
        return run_nomem(err, "sorting");
    for (uint32_t b = 0; b < partition; b++)
        plan->partition_mask[b / 64] |= SIGN_BIT >> (b % 64);
    return YODA_OK;
}

#define BLOCK_ROWS 1024u

/* Write `bits` bits of each of n values, from bit `at` of the keys on; out: their first word. */
static void put_bits(uint64_t *out, size_t rows, uint32_t at, uint32_t bits,
                     const uint64_t *values, uint32_t n)
{
    uint64_t *word = out + at / 64 * rows;
    uint32_t end = at % 64 + bits;
    if (bits == 0)
        return;
    if (end <= 64) {
        for (uint32_t i = 0; i < n; i++)
            word[i] |= values[i] << (64 - end);
        return;
    }
    uint64_t *next = word + rows; /* end - 64 of the bits fall into the next word */
    for (uint32_t i = 0; i < n; i++) {
        word[i] |= values[i] >> (end - 64);
        next[i] |= values[i] << (128 - end);
    }
}

/* Pack rows [first, first + n) of one part, from bit `at` on. */
static void pack_block(const struct window_part *part, const struct window_part_codes *codes,
                       uint32_t at, uint32_t first, uint32_t n, size_t rows, uint64_t *out)
{
    uint64_t values[BLOCK_ROWS], flags[BLOCK_ROWS];
    const uint64_t *in = (const uint64_t *)(const void *)codes->codes->data + first;
    const uint8_t *nulls = codes->nulls->data + first;
    ASSERT(n <= BLOCK_ROWS);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t code = codes->ranks ? codes->ranks[in[i]] : in[i];
        values[i] = nulls[i] ? 0 : part->descending ? part->high - code : code - part->low;
        flags[i] = nulls[i] ? part->nulls_last : !part->nulls_last;
    }
    put_bits(out + first, rows, at, part->has_nulls, flags, n);
    put_bits(out + first, rows, at + part->has_nulls, part->bits, values, n);
}

yoda_status window_keys_pack(const struct window_keys *keys, const struct window_key_plan *plan,
                             const struct run *run, uint64_t *out, yoda_error *err)
{
    uint32_t at = 0;
    for (uint32_t k = 0; k < plan->part_count; k++) {
        const struct window_part *part = &plan->parts[k];
        for (uint32_t first = 0; first < keys->rows; first += BLOCK_ROWS) {
            uint32_t left = keys->rows - first;
            TRY(run_check(run, err));
            pack_block(part, &keys->parts[k], at, first, left < BLOCK_ROWS ? left : BLOCK_ROWS,
                       keys->rows, out);
        }
        at += part->bits + part->has_nulls;
    }
    return YODA_OK;
}
