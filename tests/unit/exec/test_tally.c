/*
 * test_tally.c -- sums and counts of row sets by group against 128-bit sums, at the limits of the
 * words they are made in: widest codes, one group with all rows, bases at the ends of the integers.
 */
#include "test.h"

#include "olap/exec/aggregation.h"

#define GROUPS_MOST 600

static void check_tally(const struct tally *tally, uint32_t groups, const int128 *sums,
                        const uint32_t *counts)
{
    for (uint32_t g = 0; g < groups; g++) {
        assert_true(tally->sums[g] == sums[g]);
        assert_int_equal(tally->counts[g], counts[g]);
    }
}

static void one_batch(uint32_t groups, uint32_t rows, unsigned width, bool filtered, uint64_t *seed)
{
    yoda_error err;
    struct arena scratch;
    uint32_t ids[VECTOR_ROWS], counts[GROUPS_MOST] = {0}, all[GROUPS_MOST] = {0};
    uint64_t keep[VECTOR_WORDS] = {0}, codes[VECTOR_ROWS], most = UINT64_MAX >> (64 - 8 * width);
    int64_t numbers[VECTOR_ROWS];
    int128 sums[GROUPS_MOST] = {0}, wide[GROUPS_MOST] = {0};
    char packed[VECTOR_ROWS * 4 + 64] = {0};
    int kind = (int)(test_random(seed) % 3);
    for (uint32_t i = 0; i < rows; i++) {
        bool kept = !filtered || test_random(seed) % 3;
        ids[i] = kind == 0 ? groups - 1 : (uint32_t)(test_random(seed) % groups);
        codes[i] = kind == 1 ? test_random(seed) & most : most;
        numbers[i] = (int64_t)test_random(seed) / VECTOR_ROWS;
        memcpy(packed + i * width, &codes[i], width);
        all[ids[i]]++;
        if (!kept)
            continue;
        bit_set(keep, i);
        counts[ids[i]]++;
        sums[ids[i]] += (int128)codes[i];
        wide[ids[i]] += numbers[i];
    }
    struct known_tally known = {NULL};
    struct grouping grouping = {.rows = rows, .groups = groups, .ids = ids, .known = &known};
    struct vector v = {.type = VT_INT, .form = VF_CODES, .code_width = (uint8_t)width,
                       .count = rows, .data = packed, .base = INT64_MIN};
    struct tally tally;
    const uint32_t *found;
    arena_init(&scratch, NULL);
    assert_true(tally_pays(&grouping));
    OK(tally_codes(&grouping, &v, filtered ? keep : NULL, &scratch, &tally, &err));
    check_tally(&tally, groups, sums, counts);
    if (test_random(seed) % 2)
        known.counts = NULL;
    OK(tally_numbers(&grouping, numbers, filtered ? keep : NULL, &scratch, &tally, &err));
    check_tally(&tally, groups, wide, counts);
    OK(tally_rows(&grouping, filtered ? keep : NULL, &scratch, &found, &err));
    assert_memory_equal(found, counts, groups * sizeof *found);
    OK(tally_rows(&grouping, NULL, &scratch, &found, &err));
    assert_memory_equal(found, all, groups * sizeof *found);
    arena_deinit(&scratch);
}

static void test_batches(void **state)
{
    (void)state;
    static const unsigned widths[] = {1, 2, 4};
    uint64_t seed = test_seed();
    for (int n = 0; n < 600; n++) {
        uint32_t rows = n % 4 ? VECTOR_ROWS - (uint32_t)(test_random(&seed) % 9)
                              : 4 + (uint32_t)(test_random(&seed) % 100);
        uint32_t most = rows / 4 < GROUPS_MOST ? rows / 4 : GROUPS_MOST;
        one_batch(1 + (uint32_t)(test_random(&seed) % most), rows, widths[n % 3],
                  test_random(&seed) % 2, &seed);
    }
}

/* ---- Whole aggregations --------------------------------------------------------------------- */

struct sums {
    struct aggregation *aggregation;
    struct arena scratch;
    int128 totals[100];
    int64_t counts[100];
};

static const uint32_t places[2] = {0, 1};

static void consume(struct sums *s, enum vtype type, int64_t base, uint8_t scale, unsigned groups,
                    uint64_t *seed)
{
    yoda_error err;
    uint8_t keys[VECTOR_ROWS + 64];
    uint32_t codes[VECTOR_ROWS + 16];
    static const uint64_t *no_filters[2];
    static const uint8_t no_decimals[1] = {DECIMAL_NONE};
    for (uint32_t i = 0; i < VECTOR_ROWS; i++) {
        keys[i] = (uint8_t)(test_random(seed) % groups);
        codes[i] = test_random(seed) % 2 ? UINT32_MAX : (uint32_t)test_random(seed);
        s->totals[keys[i]] += (int128)base + codes[i];
        s->counts[keys[i]]++;
    }
    struct vector key = {.type = VT_INT, .form = VF_CODES, .code_width = 1, .count = VECTOR_ROWS,
                         .data = keys};
    struct vector arg = {.type = type, .form = VF_CODES, .code_width = 4, .count = VECTOR_ROWS,
                         .data = codes, .base = base, .scale = scale};
    struct aggregation_batch batch = {.rows = VECTOR_ROWS, .keys = &key, .args = &arg,
                                      .decimal_args = no_decimals, .filters = no_filters};
    arena_reset(&s->scratch);
    OK(aggregation_consume(s->aggregation, &batch, &s->scratch, &err));
}

/* SUM over bases: what an INTEGER cannot hold is refused, all else is exact. */
static void check_sums(enum vtype type, const int64_t *bases, uint8_t scale, bool overflows)
{
    yoda_error err;
    uint64_t seed = test_seed();
    struct mem_budget budget;
    struct sums s = {.aggregation = NULL};
    struct expr input = {.kind = EXPR_INPUT, .type = type};
    expr_ref arg = &input;
    struct aggregate sum = {.kind = AGG_SUM, .arg = arg}, rows = {.kind = AGG_COUNT_ROWS};
    const struct aggregate *outputs[2] = {&rows, &sum};
    const struct group_key key = {VT_INT, COLLATE_BINARY};
    OK(aggregate_init(&sum, &err));
    OK(aggregate_init(&rows, &err));
    struct unit_spec specs[2] = {{.type = unit_type_of(&rows, false), .aggregate = &rows,
                                  .grouped = true},
                                 {.type = unit_type_of(&sum, false), .aggregate = &sum,
                                  .arg_count = 1, .args = &arg, .arg_slots = places,
                                  .grouped = true}};
    struct aggregation_plan plan = {1, 2, 2, &key, specs, outputs, places};
    mem_budget_init(&budget, NULL, 0);
    arena_init(&s.scratch, NULL);
    OK(aggregation_create(&plan, &budget, &s.aggregation, &err));
    for (int b = 0; bases[b]; b++)
        for (int n = 0; n < 10; n++)
            consume(&s, type, bases[b], scale, 100, &seed);
    OK(aggregation_settle(s.aggregation, &err));
    struct vector kept, counts, out;
    OK(group_table_keys(&s.aggregation->table, 0, 0, 100, &s.scratch, &kept, &err));
    const struct unit *units = s.aggregation->units;
    OK(unit_count.result(&units[0], &rows, 0, 100, &s.scratch, &counts, &err));
    yoda_status status =
        specs[1].type->result(&units[1], &sum, 0, 100, &s.scratch, &out, &err);
    assert_int_equal(status, overflows ? YODA_NOT_COLUMNAR : YODA_OK);
    for (uint32_t g = 0; g < 100; g++) {
        int64_t group = ((const int64_t *)kept.data)[g];
        assert_true(((const int64_t *)counts.data)[g] == s.counts[group]);
        if (overflows)
            continue;
        if (type == VT_INT)
            assert_true(((const int64_t *)out.data)[g] == s.totals[group]);
        else
            assert_true(((const double *)out.data)[g] ==
                        (double)((long double)s.totals[group] / vector_power10[scale]));
    }
    aggregation_destroy(s.aggregation);
    arena_deinit(&s.scratch);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
}

static void test_sums(void **state)
{
    (void)state;
    check_sums(VT_INT, (const int64_t[]){1, -5000000000, 7, 0}, 0, false);
    check_sums(VT_INT, (const int64_t[]){1, INT64_C(1) << 50, 0}, 0, false);
    check_sums(VT_INT, (const int64_t[]){INT64_C(1) << 60, 1, 0}, 0, true);
    check_sums(VT_INT, (const int64_t[]){INT64_MAX - UINT32_MAX, 0}, 0, true);
    check_sums(VT_INT, (const int64_t[]){INT64_MIN, INT64_MAX - UINT32_MAX, 0}, 0, true);
    check_sums(VT_REAL, (const int64_t[]){1, -5000000000, INT64_C(1) << 52, 0}, 2, false);
    check_sums(VT_REAL, (const int64_t[]){INT64_MAX - UINT32_MAX, INT64_MIN, 3, 0}, 4, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_batches), cmocka_unit_test(test_sums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
