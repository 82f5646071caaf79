/* chunk_check.c -- values one by one, whole vectors, gathered ones, flattened ones, zones. */
#include "chunk_check.h"

#include <stdio.h>
#include <stdlib.h>

static void same(const struct value *a, const struct value *b)
{
    if (!value_identical(a, b)) {
        fprintf(stderr, "two reading functions differ\n");
        abort();
    }
}

/* Compare a vector's rows with chunk_value's: row i of the vector is row first + sel[i]. */
static void check_vector(const struct chunk *chunk, const struct vector *vector, uint32_t first,
                         const uint16_t *sel, uint32_t count, struct arena *arena)
{
    for (uint32_t i = 0; i < count; i++) {
        struct value a, b;
        yoda_error err;
        if (vector_value(vector, i, arena, &a, &err) != YODA_OK ||
            chunk_value(chunk, first + sel[i], arena, &b, &err) != YODA_OK)
            continue;
        same(&a, &b);
    }
}

static void read_vector(const struct chunk *chunk, uint32_t first, uint32_t count, enum vtype type)
{
    struct arena arena;
    struct vector whole, some, flat;
    uint16_t all[VECTOR_ROWS], odd[VECTOR_ROWS];
    uint32_t odd_count = 0;
    yoda_error err;
    arena_init(&arena, NULL);
    for (uint32_t i = 0; i < count; i++) {
        all[i] = (uint16_t)i;
        if (i % 2)
            odd[odd_count++] = (uint16_t)i;
    }
    if (chunk_read(chunk, first, count, type, &arena, &whole, &err) == YODA_OK) {
        check_vector(chunk, &whole, first, all, count, &arena);
        if (vector_flatten(&whole, &arena, &flat, &err) == YODA_OK)
            check_vector(chunk, &flat, first, all, count, &arena);
    }
    if (odd_count &&
        chunk_gather(chunk, first, odd, odd_count, type, &arena, &some, &err) == YODA_OK)
        check_vector(chunk, &some, first, odd, odd_count, &arena);
    arena_deinit(&arena);
}

static void read_rows(const struct chunk *chunk)
{
    struct arena arena;
    arena_init(&arena, NULL);
    for (uint32_t row = 0; row < chunk_rows(chunk); row++) {
        struct value v;
        yoda_error err;
        if (chunk_value(chunk, row, &arena, &v, &err) != YODA_OK)
            break;
        if (row % VECTOR_ROWS == 0)
            arena_reset(&arena);
    }
    arena_deinit(&arena);
}

void chunk_check(const struct chunk *chunk)
{
    enum vtype type;
    bool typed = vtype_of_classes(chunk_classes(chunk), &type);
    read_rows(chunk);
    chunk_zone(chunk, UINT32_MAX);
    for (uint32_t row = 0; row < chunk_rows(chunk); row += VECTOR_ROWS) {
        uint32_t left = chunk_rows(chunk) - row;
        chunk_zone(chunk, row / VECTOR_ROWS);
        if (typed)
            read_vector(chunk, row, left < VECTOR_ROWS ? left : VECTOR_ROWS, type);
    }
}
