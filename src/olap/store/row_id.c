/*
 * row_id.c -- the segment numbers of one table: a bitmap, set by the writer and cleared by whoever
 * lets go of a place last.
 */
#include "olap/store/row_id.h"

yoda_status row_numbers_create(struct row_numbers **out, yoda_error *err)
{
    struct row_numbers *numbers = mem_calloc(1, sizeof *numbers);
    *out = numbers;
    if (!numbers)
        return fail_nomem(err, sizeof *numbers);
    atomic_init(&numbers->refs, 1);
    return YODA_OK;
}

struct row_numbers *row_numbers_acquire(struct row_numbers *numbers)
{
    atomic_fetch_add_explicit(&numbers->refs, 1, memory_order_relaxed);
    return numbers;
}

void row_numbers_release(struct row_numbers *numbers)
{
    if (numbers && atomic_fetch_sub_explicit(&numbers->refs, 1, memory_order_acq_rel) == 1)
        mem_free(numbers);
}

yoda_status row_numbers_take(struct row_numbers *numbers, uint32_t *out, yoda_error *err)
{
    for (uint32_t word = 0; word < COUNT_OF(numbers->used); word++) {
        uint64_t free_bits = ~atomic_load_explicit(&numbers->used[word], memory_order_acquire);
        if (!free_bits)
            continue;
        uint32_t number = word * 64 + bits_lowest(free_bits);
        if (number >= ROW_ID_NUMBERS)
            break;
        atomic_fetch_or_explicit(&numbers->used[word], UINT64_C(1) << (number % 64),
                                 memory_order_acq_rel);
        *out = number;
        return YODA_OK;
    }
    return fail(err, YODA_TOO_BIG, "a table has at most %u column segments at a time",
                ROW_ID_NUMBERS);
}

void row_numbers_give(struct row_numbers *numbers, uint32_t number)
{
    ASSERT(number < ROW_ID_NUMBERS);
    uint64_t bit = UINT64_C(1) << (number % 64);
    uint64_t old =
        atomic_fetch_and_explicit(&numbers->used[number / 64], ~bit, memory_order_acq_rel);
    ASSERT(old & bit);
    YODA_UNUSED(old);
}
