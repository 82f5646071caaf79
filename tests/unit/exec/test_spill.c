/* Spill files: random row sets come back as they were, failures name the file, nothing is left. */
#include "test.h"

#include "base/os.h"
#include "olap/exec/flat_vector.h"
#include "olap/exec/spill.h"

enum { COLUMNS = 6, SETS = 40 };

static const enum vtype types[COLUMNS] = {VT_INT, VT_REAL, VT_NUM, VT_TEXT, VT_BLOB, VT_NULL};
static const uint64_t kept_but_reals = 0x3d;

struct setup {
    char *directory;
    struct mem_budget budget;
    struct run_context context;
    struct run run;
    struct arena data, scratch;
    struct row_set sets[SETS];
    uint64_t rows;
};
static struct setup setup;

static struct value random_value(enum vtype type, struct arena *arena, uint64_t *seed)
{
    uint64_t r = test_random(seed);
    bool real = type == VT_REAL || (type == VT_NUM && r % 3 == 0);
    if (type == VT_NULL || r % 11 == 0)
        return value_null();
    if (type == VT_TEXT || type == VT_BLOB) {
        uint32_t size = r % 50 == 1 ? 5000 : (uint32_t)(r >> 8) % 30;
        char *bytes = arena_alloc(arena, size + 1u);
        memset(bytes, (int)(r >> 40) & 0x7f, size);
        return type == VT_TEXT ? value_text(bytes, size) : value_blob(bytes, size);
    }
    return real ? value_real((double)(int64_t)r / 3) : value_int((int64_t)test_random(seed));
}

static void make_set(struct row_set *set, uint32_t rows, uint64_t *seed)
{
    yoda_error err;
    struct vector *columns = arena_array(&setup.data, struct vector, COLUMNS);
    for (uint32_t c = 0; c < COLUMNS; c++) {
        struct flat_builder b;
        OK(flat_builder_init(&b, &setup.data, types[c], rows, &err));
        for (uint32_t i = 0; i < rows; i++) {
            struct value value = random_value(types[c], &setup.data, seed);
            OK(flat_builder_set(&b, i, &value, &err));
        }
        flat_builder_finish(&b, &columns[c]);
    }
    *set = (struct row_set){rows, COLUMNS, columns, NULL};
    setup.rows += rows;
}

static int make(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    setup.directory = test_directory_make();
    mem_budget_init(&setup.budget, NULL, 0);
    setup.context = (struct run_context){.spill_directory = setup.directory,
                                         .budget = &setup.budget};
    setup.run = (struct run){.context = &setup.context, .workers = 1};
    arena_init(&setup.data, NULL);
    arena_init(&setup.scratch, NULL);
    for (int s = 0; s < SETS; s++)
        make_set(&setup.sets[s], s == 0 ? VECTOR_ROWS : 1 + test_random(&seed) % VECTOR_ROWS,
                 &seed);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    arena_deinit(&setup.data);
    arena_deinit(&setup.scratch);
    test_directory_remove(setup.directory);
    return 0;
}

static yoda_status count_entry(void *ctx, const char *name)
{
    (void)name;
    ++*(int *)ctx;
    return YODA_OK;
}

static void check_nothing_left(void)
{
    yoda_error err;
    int entries = 0;
    OK(os_list(setup.directory, count_entry, &entries, &err));
    assert_int_equal(entries, 0);
    assert_int_equal(atomic_load(&setup.budget.used_bytes), 0);
}

static void check_rows(const struct row_set *in, uint32_t in_row, const struct row_set *out,
                       uint32_t out_row, const uint64_t *kept)
{
    for (uint32_t c = 0; c < COLUMNS; c++) {
        struct value a = flat_vector_value(&in->columns[c], in_row), b = value_null();
        if (kept && !bit_get(kept, c)) {
            assert_int_equal(out->columns[c].type, VT_NULL);
            continue;
        }
        if (out->columns[c].type != VT_NULL)
            b = flat_vector_value(&out->columns[c], out_row);
        assert_true(value_identical(&a, &b));
    }
}

/* Sets first, first + step, ... come back in order. */
static void check_extents(struct spill *spill, const struct spill_extent *extents, size_t count,
                          int first, int step, const uint64_t *kept)
{
    yoda_error err;
    struct spill_reader reader;
    struct row_set out;
    OK(spill_reader_init(&reader, spill, extents, count, &err));
    for (int s = first; s < SETS; s += step) {
        OK(spill_read(&reader, &setup.scratch, &out, &err));
        assert_int_equal(out.rows, setup.sets[s].rows);
        for (uint32_t i = 0; i < out.rows; i++)
            check_rows(&setup.sets[s], i, &out, i, kept);
        arena_reset(&setup.scratch);
    }
    OK(spill_read(&reader, &setup.scratch, &out, &err));
    assert_int_equal(out.rows, 0);
    spill_reader_deinit(&reader);
}

static void check_round_trip(const uint64_t *kept)
{
    yoda_error err;
    struct spill *spill;
    struct spill_extent even[SETS], odd[SETS];
    size_t n = 0;
    OK(spill_create(&setup.run, NULL, types, COLUMNS, kept, &spill, &err));
    for (int s = 0; s < SETS; s += 2, n++) {
        OK(spill_write(spill, &setup.sets[s], &setup.scratch, &err));
        spill_end(spill, &even[n]);
        assert_int_equal(even[n].rows, setup.sets[s].rows);
        OK(spill_write(spill, &setup.sets[s + 1], &setup.scratch, &err));
        spill_end(spill, &odd[n]);
        arena_reset(&setup.scratch);
    }
    OK(spill_finish(spill, &err));
    check_extents(spill, even, n, 0, 2, kept);
    check_extents(spill, odd, n, 1, 2, kept);
    spill_destroy(spill);
    check_nothing_left();
}

static void test_round_trip(void **state)
{
    (void)state;
    check_round_trip(NULL);
    check_round_trip(&kept_but_reals);
}

static void test_buffer(void **state)
{
    (void)state;
    yoda_error err;
    struct row_buffer rows;
    struct spill *spill;
    struct spill_extent all;
    struct spill_reader reader;
    struct row_set out;
    OK(row_buffer_init(&rows, types, COLUMNS, NULL, &setup.budget, &err));
    for (int s = 0; s < SETS; s++)
        OK(row_buffer_append(&rows, &setup.sets[s], &setup.scratch, &err));
    OK(spill_create(&setup.run, NULL, types, COLUMNS, NULL, &spill, &err));
    OK(spill_write_buffer(spill, &rows, NULL, rows.rows, 777, &setup.scratch, &err));
    spill_end(spill, &all);
    OK(spill_finish(spill, &err));
    assert_int_equal(all.rows, setup.rows);
    OK(spill_reader_init(&reader, spill, &all, 1, &err));
    int s = 0;
    uint32_t at = 0;
    do {
        OK(spill_read(&reader, &setup.scratch, &out, &err));
        for (uint32_t i = 0; i < out.rows; i++) {
            check_rows(&setup.sets[s], at, &out, i, NULL);
            if (++at == setup.sets[s].rows)
                s++, at = 0;
        }
        arena_reset(&setup.scratch);
    } while (out.rows);
    assert_int_equal(s, SETS);
    spill_reader_deinit(&reader);
    spill_destroy(spill);
    row_buffer_deinit(&rows);
    check_nothing_left();
}

/* The partition of a row, from its INTEGER. */
static uint8_t partition_of(const struct row_set *set, uint32_t row)
{
    struct value value = flat_vector_value(&set->columns[0], row);
    return value.type == YODA_NULL ? 7 : (uint8_t)(value.i & 0xf0);
}

static void deal(struct spill_partitions *p)
{
    yoda_error err;
    uint8_t numbers[VECTOR_ROWS];
    for (int s = 0; s < SETS; s++) {
        for (uint32_t i = 0; i < setup.sets[s].rows; i++)
            numbers[i] = partition_of(&setup.sets[s], i);
        OK(spill_partitions_add(p, &setup.sets[s], numbers, &setup.scratch, &err));
        arena_reset(&setup.scratch);
    }
}

/* A partition has its rows, in the order they were added. */
static uint64_t check_partition(struct spill_partitions *p, uint32_t partition)
{
    yoda_error err;
    struct spill_reader reader;
    struct row_set out;
    uint64_t seen = 0;
    int s = 0;
    uint32_t at = 0;
    OK(spill_partitions_reader(p, partition, &reader, &err));
    do {
        OK(spill_read(&reader, &setup.scratch, &out, &err));
        for (uint32_t i = 0; i < out.rows; i++, at++, seen++) {
            for (; at == setup.sets[s].rows || partition_of(&setup.sets[s], at) != partition; at++)
                if (at == setup.sets[s].rows)
                    s++, at = UINT32_MAX;
            check_rows(&setup.sets[s], at, &out, i, NULL);
        }
        arena_reset(&setup.scratch);
    } while (out.rows);
    spill_reader_deinit(&reader);
    assert_int_equal(seen, spill_partitions_rows(p, partition));
    return seen;
}

static void test_partitions(void **state)
{
    (void)state;
    yoda_error err;
    uint64_t rows = 0;
    struct spill_partitions *p;
    OK(spill_partitions_create(&setup.run, NULL, types, COLUMNS, NULL, &p, &err));
    deal(p);
    OK(spill_partitions_end(p, &err));
    for (uint32_t i = 0; i < SPILL_PARTITIONS; i++)
        rows += check_partition(p, i);
    assert_int_equal(rows, setup.rows);
    spill_partitions_destroy(p);
    check_nothing_left();
}

static yoda_status write_all(yoda_error *err)
{
    struct spill *spill = NULL;
    struct spill_extent all;
    yoda_status status = spill_create(&setup.run, NULL, types, COLUMNS, NULL, &spill, err);
    for (int s = 0; status == YODA_OK && s < SETS; s++) {
        status = spill_write(spill, &setup.sets[s], &setup.scratch, err);
        arena_reset(&setup.scratch);
    }
    if (status == YODA_OK) {
        spill_end(spill, &all);
        status = spill_finish(spill, err);
    }
    spill_destroy(spill);
    return status;
}

/* Every file event fails once: creating, unlinking, each write. */
static void test_disk_full(void **state)
{
    (void)state;
    yoda_error err;
    yoda_status status;
    int failures = 0;
    for (uint64_t n = 1;; n++) {
        os_fail_after(n, true);
        status = write_all(&err);
        os_fail_after(0, true);
        if (status == YODA_OK)
            break;
        failures++;
        assert_int_equal(status, YODA_FULL);
        assert_non_null(strstr(err.message, setup.directory));
        assert_non_null(strstr(err.message, ".spill"));
        assert_int_equal(atomic_load(&setup.budget.used_bytes), 0);
        if (n == 2) { /* could not be unlinked: the leftover is an empty file */
            test_directory_remove(setup.directory);
            setup.directory = test_directory_make();
            setup.context.spill_directory = setup.directory;
        }
    }
    assert_true(failures > 3);
    check_nothing_left();
}

static void test_no_memory(void **state)
{
    (void)state;
    yoda_error err;
    yoda_status status = YODA_NOMEM;
    for (uint64_t n = 1; status != YODA_OK; n++) {
        mem_fail_after(n, false);
        status = write_all(&err);
        mem_fail_after(0, false);
        assert_true(status == YODA_OK || status == YODA_NOMEM);
    }
    check_nothing_left();
}

static void test_due(void **state)
{
    (void)state;
    struct mem_budget budget;
    struct run_context context = setup.context;
    struct run run = {.context = &context, .workers = 2};
    mem_budget_init(&budget, NULL, 1000000);
    context.budget = &budget;
    assert_false(spill_due(&run, 500000));
    atomic_store(&budget.used_bytes, 500000);
    assert_true(spill_due(&run, 500000));
    assert_false(spill_due(&run, 1000)); /* somebody else's memory */
    context.knobs.spill_after_bytes = 1500;
    assert_true(spill_due(&run, 1000));
    context.spill_directory = NULL;
    assert_false(spill_due(&run, 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_buffer),
        cmocka_unit_test(test_partitions), cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_no_memory),  cmocka_unit_test(test_due),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
