/*
 * test_tally.c -- sums and counts by group against 128-bit sums, at the limits of the words they are
 * made in: widest codes, one group with all rows, bases at the ends of the integers, many row sets.
 */
#include "test.h"

#include "olap/exec/aggregation.h"

#define GROUPS_MOST (TALLY_GROUPS + 100)

/* ---- Words ---------------------------------------------------------------------------------- */

static struct {
    int128 sums[GROUPS_MOST];
    uint64_t counts[GROUPS_MOST];
} got, want;
static uint64_t rows_counted[GROUPS_MOST]; /* what COUNT(*) should have been given */

static void fold(struct unit *unit, const struct tally_totals *totals)
{
    (void)unit;
    for (uint32_t i = 0; i < totals->count; i++) {
        uint32_t g = totals->first + i;
        got.sums[g] += (int128)totals->codes->base * (int128)totals->counts[i] +
                       (int128)totals->sums[i];
        got.counts[g] += totals->counts[i];
    }
}

struct tallied {
    uint32_t rows, groups, ids[VECTOR_ROWS];
    uint64_t keep[VECTOR_WORDS], codes[VECTOR_ROWS];
    char packed[VECTOR_ROWS * 4 + 64];
    struct vector v;
    bool filtered, alive;
};

/* All rows in one group or anywhere; widest codes or any. */
static void make_batch(struct tallied *b, uint32_t groups, unsigned width, int kind, uint64_t *seed)
{
    static const int64_t bases[] = {0, 1, INT64_MIN, INT64_MAX - UINT32_MAX};
    uint64_t most = width ? UINT64_MAX >> (64 - 8 * width) : 0;
    *b = (struct tallied){.groups = groups};
    b->rows = kind % 3 ? VECTOR_ROWS : 1 + (uint32_t)(test_random(seed) % VECTOR_ROWS);
    b->filtered = kind % 5 == 1;
    b->alive = b->filtered && test_random(seed) % 2;
    for (uint32_t i = 0; i < b->rows; i++) {
        b->ids[i] = kind % 2 ? groups - 1 : (uint32_t)(test_random(seed) % groups);
        b->codes[i] = kind % 4 < 2 ? most : test_random(seed) & most;
        memcpy(b->packed + i * width, &b->codes[i], width);
        if (test_random(seed) % 3)
            bit_set(b->keep, i);
    }
    b->v = (struct vector){.type = VT_INT, .form = VF_CODES, .code_width = (uint8_t)width,
                           .count = b->rows, .data = b->packed,
                           .base = width ? bases[kind / 7 % 4] : 0};
}

static void add_batch(struct unit *unit, struct unit *counter, const struct tallied *b)
{
    yoda_error err;
    bool taken;
    struct known_tally known = {.counter = counter};
    struct grouping grouping = {.rows = b->rows, .groups = b->groups, .ids = b->ids,
                                .alive = b->alive ? b->keep : NULL, .known = &known};
    const uint64_t *keep = b->filtered ? b->keep : NULL;
    OK(unit_grow(counter, b->groups, &err));
    if (b->v.code_width)
        OK(tally_codes(unit, &grouping, &b->v, keep, &taken, &err));
    else
        OK(tally_rows(unit, &grouping, keep, &taken, &err));
    assert_int_equal(known.counted, taken && keep == grouping.alive);
    assert_true(taken || !tally_pays(&grouping) || (!b->v.code_width && b->groups > 512));
    for (uint32_t i = 0; taken && i < b->rows; i++) {
        rows_counted[b->ids[i]] += known.counted && (!keep || bit_get(keep, i));
        if (keep && !bit_get(keep, i))
            continue;
        want.sums[b->ids[i]] += (int128)b->v.base + (int128)b->codes[i];
        want.counts[b->ids[i]]++;
    }
}

/* Many batches whose shapes change now and then, so that words come to their limits. */
static void one_unit(uint32_t groups, int round, uint64_t *seed)
{
    static const struct unit_type type = {.state_size = 8, .fold = fold};
    static const struct aggregate rows = {.kind = AGG_COUNT_ROWS};
    const struct unit_spec spec = {.type = &type}, count = {.type = &unit_count, .aggregate = &rows};
    static const unsigned widths[] = {0, 1, 2, 4};
    static struct tallied b;
    yoda_error err;
    struct arena arena;
    struct unit unit, counter;
    memset(&got, 0, sizeof got);
    memset(&want, 0, sizeof want);
    memset(rows_counted, 0, sizeof rows_counted);
    arena_init(&arena, NULL);
    OK(unit_init(&unit, &spec, &arena, NULL, &err));
    OK(unit_init(&counter, &count, &arena, NULL, &err));
    int kind = round;
    for (int n = 0; n < 100; n++) {
        kind = test_random(seed) % 50 ? kind : (int)(test_random(seed) % 1000);
        make_batch(&b, groups, widths[kind % 4], kind, seed);
        add_batch(&unit, &counter, &b);
        uint32_t more = groups + (uint32_t)(test_random(seed) % 3 ? 0 : test_random(seed) % groups);
        groups = more < GROUPS_MOST ? more : groups;
    }
    tally_fold(&unit);
    tally_fold(&unit);
    assert_memory_equal(&got, &want, sizeof got);
    assert_memory_equal(unit_states(&counter), rows_counted, counter.groups * sizeof(uint64_t));
    unit_deinit(&unit);
    unit_deinit(&counter);
    arena_deinit(&arena);
}

static void test_words(void **state)
{
    (void)state;
    static const uint32_t firsts[] = {1, 17, 100, 512, 513, 5000, TALLY_GROUPS};
    uint64_t seed = test_seed();
    for (int round = 0; round < 70; round++)
        one_unit(firsts[round % 7], round, &seed);
}

/* ---- One batch's numbers -------------------------------------------------------------------- */

static void one_batch(uint32_t groups, uint32_t rows, bool filtered, uint64_t *seed)
{
    enum { MOST = VECTOR_ROWS / 4 };
    yoda_error err;
    struct arena scratch;
    uint32_t ids[VECTOR_ROWS], counts[MOST] = {0};
    uint64_t keep[VECTOR_WORDS] = {0};
    int64_t numbers[VECTOR_ROWS], sums[MOST] = {0};
    int kind = (int)(test_random(seed) % 3);
    for (uint32_t i = 0; i < rows; i++) {
        ids[i] = kind == 0 ? groups - 1 : (uint32_t)(test_random(seed) % groups);
        numbers[i] = (kind == 1 ? INT64_MIN : (int64_t)test_random(seed)) / VECTOR_ROWS;
        if (filtered && test_random(seed) % 3 == 0)
            continue;
        bit_set(keep, i);
        counts[ids[i]]++;
        sums[ids[i]] += numbers[i];
    }
    struct known_tally known = {NULL, false, NULL};
    struct grouping grouping = {.rows = rows, .groups = groups, .ids = ids, .known = &known};
    struct tally_numbers tally;
    arena_init(&scratch, NULL);
    assert_true(tally_pays(&grouping));
    for (int again = 0; again < 2; again++) {
        OK(tally_numbers(&grouping, numbers, filtered ? keep : NULL, &scratch, &tally, &err));
        assert_memory_equal(tally.sums, sums, groups * sizeof *sums);
        assert_memory_equal(tally.counts, counts, groups * sizeof *counts);
    }
    arena_deinit(&scratch);
}

static void test_numbers(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (int n = 0; n < 600; n++) {
        uint32_t rows = n % 4 ? VECTOR_ROWS - (uint32_t)(test_random(&seed) % 9)
                              : 4 + (uint32_t)(test_random(&seed) % 100);
        one_batch(1 + (uint32_t)(test_random(&seed) % (rows / 4)), rows, test_random(&seed) % 2,
                  &seed);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words), cmocka_unit_test(test_numbers),
                                       cmocka_unit_test(test_sums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
