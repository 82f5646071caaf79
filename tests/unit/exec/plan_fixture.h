/*
 * plan_fixture.h -- a table of random rows in an in-memory store, its oracle, and plan makers.
 *
 * Three sizes: a few rows, some thousands in an open segment, and more than a segment, sealed.
 * Plans run with 1, 2 and 4 threads, with the knobs that may not change an answer, and with their
 * rows handed over in parts. On the largest table a test with many cases takes one in `n`, others
 * with each seed; all of them where YODA_TEST_SCALE, a percentage, is above 100, fewer where it is
 * below.
 */
#ifndef YODA_TEST_PLAN_FIXTURE_H
#define YODA_TEST_PLAN_FIXTURE_H

#include "test.h"

#include "base/os.h"
#include "base/task_pool.h"
#include "olap/exec/plan.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>

enum { COL_ID, COL_K, COL_PRICE, COL_NUM, COL_REAL, COL_TAG, COL_DAY, COL_WORD, COL_BIG, COLUMNS };

struct fixture {
    struct store *store;
    struct snapshot snapshot;
    struct task_pool *pools[3];
    struct mem_budget budget;
    struct arena arena;
    struct expr_builder b;
    yoda_error builder_error;
    enum vtype types[COLUMNS];
    expr_ref in[COLUMNS];
    struct value *rows; /* [row_count][COLUMNS] */
    bool *dead;
    size_t row_count;
    uint64_t live;
    char **expected; /* lines */
    size_t expected_count, expected_room;
    struct batch_list out;
    struct task_pool *pool; /* of the next run */
    struct run_stats stats;
    const _Atomic bool *cancel;
    int64_t deadline_ns;
    struct run_knobs knobs;
    const char *spill_directory;
    bool streams; /* the next run hands over its rows in parts */
    pthread_t caller;
};

#define SETUPS 3
static struct fixture fixtures[SETUPS];
static uint64_t fixtures_seed;
static char *spill_directory;

#define FOR_EACH_SETUP(f)                                                                          \
    yoda_error err = {0};                                                                          \
    YODA_UNUSED(err);                                                                              \
    for (struct fixture *f = fixtures; f < fixtures + SETUPS; f++)

/* ---- Data ---- */

static char *random_text(struct fixture *f, const char *format, uint64_t number)
{
    char text[64];
    int n = snprintf(text, sizeof text, format, (unsigned)number);
    return arena_copy(&f->arena, text, (size_t)n);
}

static struct value as_text(const char *text)
{
    return value_text(text, strlen(text));
}

static void fill_row(struct fixture *f, size_t i, uint64_t *seed)
{
    static const char *const tags[] = {"red", "Green", "blue", "BLUE", ""};
    struct value *row = f->rows + i * COLUMNS;
    uint64_t r[8];
    for (int k = 0; k < 8; k++)
        r[k] = test_random(seed);
    double price = (double)(int64_t)(r[1] % 100000) / 100;
    row[COL_ID] = value_int((int64_t)i);
    row[COL_K] = value_int((int64_t)(r[0] % 12) - 2);
    row[COL_PRICE] = value_real(price);
    /* NUMERIC affinity: INTEGER exactly where integral */
    row[COL_NUM] = r[2] % 3 ? value_int((int64_t)(r[2] >> 8) % 50)
                            : value_real((double)((int64_t)(r[2] >> 8) % 50) + 0.25);
    row[COL_REAL] = value_real(((double)(r[3] >> 11) / 9007199254740992.0 - 0.5) * 1e6);
    row[COL_TAG] = as_text(tags[r[4] % 5]);
    row[COL_DAY] = as_text(random_text(f, "2000-%02u-11", r[5] % 12 + 1));
    row[COL_WORD] = as_text(random_text(f, "word %u of many", r[6] % 4000));
    row[COL_BIG] = value_int((int64_t)(r[7] % (f->row_count / 2 + 1)) * 1000000007);
    for (int c = 1; c < COLUMNS; c++)
        if (test_random(seed) % 17 == 0)
            row[c] = value_null();
}

static void merge_rows(struct fixture *f, uint64_t *seed)
{
    yoda_error err;
    enum merge_outcome outcome;
    struct table *table = store_find_table(f->store, 1);
    for (size_t i = 0; i < f->row_count; i++)
        OK(table_upsert(table, f->rows + i * COLUMNS, &outcome, &err));
    for (size_t n = 0; n < f->row_count / 10; n++) { /* newer versions and deletes */
        size_t i = test_random(seed) % f->row_count;
        if (f->dead[i])
            continue;
        if (test_random(seed) % 2) {
            fill_row(f, i, seed);
            OK(table_upsert(table, f->rows + i * COLUMNS, &outcome, &err));
        } else {
            OK(table_delete(table, f->rows + i * COLUMNS, &outcome, &err));
            f->dead[i] = true;
            f->live--;
        }
    }
}

static void fill_store(struct fixture *f, uint64_t *seed)
{
    yoda_error err;
    struct store_options options = {.pool = f->pools[0], .budget = &f->budget,
                                    .compact_deleted_percent = 25};
    struct table_def def = {.column_count = COLUMNS, .key_count = 1, .key_is_rowid = true};
    OK(store_create(&options, &f->store, &err));
    store_write_begin(f->store);
    OK(store_add_table(f->store, 1, &def, &err));
    merge_rows(f, seed);
    table_set_complete(store_find_table(f->store, 1), true);
    OK(store_publish(f->store, 1, &err));
    store_write_end(f->store);
}

static void make_inputs(struct fixture *f)
{
    yoda_error err;
    store_acquire(f->store, &f->snapshot);
    const struct table_version *table = version_find_table(f->snapshot.version, 1);
    assert_non_null(table);
    f->b = (struct expr_builder){&f->arena, &f->builder_error};
    for (uint32_t c = 0; c < COLUMNS; c++) {
        assert_true(vtype_of_classes(table->classes[c], &f->types[c]));
        OK(expr_input(&f->b, c, table->classes[c], AFFINITY_BLOB, true, COLLATE_BINARY,
                      &f->in[c]));
    }
}

static inline int fixtures_make(void **state)
{
    (void)state;
    static const size_t sizes[SETUPS] = {40, 6000, 140000};
    yoda_error err;
    uint64_t seed = fixtures_seed = test_seed();
    spill_directory = test_directory_make();
    for (int s = 0; s < SETUPS; s++) {
        struct fixture *f = &fixtures[s];
        mem_budget_init(&f->budget, NULL, 0);
        arena_init(&f->arena, NULL);
        for (uint32_t t = 0; t < 3; t++)
            OK(task_pool_create(1u << t, &f->pools[t], &err));
        f->pool = f->pools[0];
        f->row_count = sizes[s];
        f->live = f->row_count;
        f->rows = calloc(f->row_count * COLUMNS, sizeof *f->rows);
        f->dead = calloc(f->row_count, 1);
        for (size_t i = 0; i < f->row_count; i++)
            fill_row(f, i, &seed);
        fill_store(f, &seed);
        struct maintenance_stats stats = {0};
        OK(store_maintain(f->store, NULL, &stats, &err));
        make_inputs(f);
    }
    return 0;
}

static inline int fixtures_free(void **state)
{
    (void)state;
    for (int s = 0; s < SETUPS; s++) {
        struct fixture *f = &fixtures[s];
        store_release(f->store, &f->snapshot);
        store_destroy(f->store);
        arena_deinit(&f->arena);
        for (int t = 0; t < 3; t++)
            task_pool_destroy(f->pools[t]);
        assert_int_equal(atomic_load(&f->budget.used_bytes), 0);
        free(f->rows);
        free(f->dead);
        free(f->expected);
    }
    test_directory_remove(spill_directory);
    return 0;
}

static inline unsigned scale_percent(void)
{
    const char *scale = getenv("YODA_TEST_SCALE");
    unsigned percent = scale ? (unsigned)strtoul(scale, NULL, 10) : 100;
    return percent ? percent : 1;
}

/* Is the case, one in n of which runs on the largest table, left out? */
static inline bool left_out(const struct fixture *f, size_t c, size_t n)
{
    unsigned percent = scale_percent();
    bool all = f->row_count <= 100000 || percent > 100;
    return !all && (c + fixtures_seed) % (n * 100 / percent) != 0;
}

static inline const struct value *oracle_row(const struct fixture *f, size_t i)
{
    return f->dead[i] ? NULL : f->rows + i * COLUMNS;
}

/* >0 where the value is less than text */
static inline int text_less(const struct value *v, const char *text)
{
    return text_compare(text, strlen(text), v->p, v->size, COLLATE_BINARY);
}

/* ---- Comparing results ---- */

static char *line_of(const struct value *row, uint32_t count)
{
    struct str s;
    str_init(&s);
    for (uint32_t i = 0; i < count; i++) {
        if (row[i].type == YODA_NULL)
            str_puts(&s, "|null");
        else if (row[i].type == YODA_INTEGER)
            str_printf(&s, "|%" PRId64, row[i].i);
        else if (row[i].type == YODA_REAL)
            str_printf(&s, "|r%.11g", row[i].r);
        else
            str_printf(&s, "|'%.*s'", (int)row[i].size, row[i].p);
    }
    char *text = mem_strdup(str_text(&s));
    assert_non_null(text);
    str_deinit(&s);
    return text;
}

/* Equal but for the rounding of sums: one may lie between two texts of 11 digits. */
static inline bool same_line(const char *a, const char *b, double slack)
{
    while (*a && *b) {
        if (strncmp(a, "|r", 2) == 0 && strncmp(b, "|r", 2) == 0) {
            char *end_a, *end_b;
            double x = strtod(a + 2, &end_a), y = strtod(b + 2, &end_b);
            if (x != y && !(fabs(x - y) <= slack + 1.1e-10 * fabs(x)))
                return false;
            a = end_a;
            b = end_b;
        } else if (*a++ != *b++) {
            return false;
        }
    }
    return *a == *b;
}

static inline void expect_row(struct fixture *f, const struct value *row, uint32_t count)
{
    if (f->expected_count == f->expected_room) {
        f->expected_room = f->expected_room * 2 + 64;
        f->expected = realloc(f->expected, f->expected_room * sizeof *f->expected);
    }
    f->expected[f->expected_count++] = line_of(row, count);
}

static int by_line(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Parts come on the caller's thread, whatever ran before. */
static inline yoda_status take_part(void *ctx, struct batch *batch, yoda_error *err)
{
    struct fixture *f = ctx;
    assert_true(pthread_equal(pthread_self(), f->caller));
    assert_true(batch->rows > 0 && batch->rows <= BATCH_ROWS);
    yoda_status status = batch_list_push(&f->out, batch, err);
    if (status != YODA_OK)
        batch_destroy(batch);
    return status;
}

/* Run into f->out on f->pool; on failure the list is empty. */
static inline yoda_status run_plan(struct fixture *f, const struct plan *plan, uint32_t visible,
                                   yoda_error *err)
{
    struct run_context context = {.pool = f->pool, .budget = &f->budget, .stats = &f->stats,
                                  .cancel = f->cancel, .deadline_ns = f->deadline_ns,
                                  .knobs = f->knobs, .spill_directory = f->spill_directory};
    memset(&f->stats, 0, sizeof f->stats);
    batch_list_init(&f->out, visible, &f->budget);
    const struct plan_receiver receiver = {take_part, f};
    f->caller = pthread_self();
    yoda_status status =
        f->streams
            ? plan_run_stream(plan, f->snapshot.version, visible, &context, &receiver, err)
            : plan_run(plan, f->snapshot.version, visible, &context, &f->out, err);
    if (status != YODA_OK)
        batch_list_deinit(&f->out);
    return status;
}

static char **result_lines(struct fixture *f, uint32_t visible)
{
    struct value row[32];
    size_t n = 0;
    char **lines = malloc((f->out.rows + 1) * sizeof *lines);
    for (size_t b = 0; b < f->out.batch_count; b++) {
        for (uint32_t r = 0; r < f->out.batches[b]->rows; r++) {
            for (uint32_t c = 0; c < visible; c++)
                row[c] = batch_value(f->out.batches[b], c, r);
            lines[n++] = line_of(row, visible);
        }
    }
    assert_int_equal(n, f->out.rows);
    return lines;
}

static void free_lines(char **lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mem_free(lines[i]);
}

static void check_run(struct fixture *f, const struct plan *plan, uint32_t visible, bool ordered)
{
    static unsigned turn;
    yoda_error err;
    f->streams = ++turn % 3 == 0; /* 3 and 4 runs of each plan: each kind of run has its turn */
    OK(run_plan(f, plan, visible, &err));
    f->streams = false;
    char **lines = result_lines(f, visible);
    if (!ordered)
        qsort(lines, f->out.rows, sizeof *lines, by_line);
    size_t both = f->out.rows < f->expected_count ? f->out.rows : f->expected_count;
    for (size_t i = 0; i < both; i++)
        if (!same_line(lines[i], f->expected[i], 0))
            assert_string_equal(lines[i], f->expected[i]);
    assert_int_equal(f->out.rows, f->expected_count);
    free_lines(lines, f->out.rows);
    free(lines);
    batch_list_deinit(&f->out);
}

static void check_knobs(struct fixture *f, const struct plan *plan, uint32_t visible, bool ordered)
{
    static const struct run_knobs variants[] = {
        {.no_pruning = true, .no_codes = true},
        {.vector_rows = 100, .spill_after_bytes = 1},
        {.no_codes = true, .spill_after_bytes = 100000},
        {.no_pruning = true, .vector_rows = 1024},
    };
    static unsigned turn;
    bool large = f->row_count > 100000;
    for (unsigned v = 0; v < (large ? 1 : COUNT_OF(variants)); v++) {
        f->knobs = variants[large ? ++turn % COUNT_OF(variants) : v];
        f->spill_directory = f->knobs.spill_after_bytes ? spill_directory : NULL;
        f->pool = f->pools[v % 3];
        check_run(f, plan, visible, ordered);
    }
    f->knobs = (struct run_knobs){0};
    f->spill_directory = NULL;
}

/* Run with 1, 2 and 4 threads, then with each knob, and compare with the expected rows, which are
 * then forgotten. */
static inline void check_plan(struct fixture *f, const struct plan *plan, uint32_t visible,
                              bool ordered)
{
    if (!ordered && f->expected_count)
        qsort(f->expected, f->expected_count, sizeof *f->expected, by_line);
    static unsigned turn;
    bool large = f->row_count > 100000; /* one number of threads at a time, in turns */
    for (unsigned t = 0; t < (large ? 1 : 3); t++) {
        f->pool = f->pools[large ? ++turn % 3 : t];
        check_run(f, plan, visible, ordered);
    }
    check_knobs(f, plan, visible, ordered);
    free_lines(f->expected, f->expected_count);
    f->expected_count = 0;
}

/* ---- Plans ---- */

static inline void compare(struct fixture *f, enum expr_op op, expr_ref a, struct value constant,
                           expr_ref *out)
{
    yoda_error err;
    expr_ref c;
    OK(expr_constant(&f->b, &constant, &c));
    OK(expr_compare(&f->b, op, a, c, out));
}

static struct plan *plan_new(struct fixture *f, enum plan_kind kind, const struct plan *child,
                             const enum vtype *types, uint32_t columns)
{
    struct plan *plan = arena_new(&f->arena, struct plan);
    plan->kind = kind;
    plan->child = child;
    plan->types = types;
    plan->column_count = columns;
    return plan;
}

static inline const struct plan *plan_scan(struct fixture *f, const expr_ref *filters,
                                           uint32_t count)
{
    static const char *const names[COLUMNS] = {"id",  "k",   "price", "num", "real",
                                               "tag", "day", "word",  "big"};
    static const uint32_t columns[COLUMNS] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
    struct plan *plan = plan_new(f, PLAN_SCAN, NULL, f->types, COLUMNS);
    expr_ref *copy = arena_array(&f->arena, expr_ref, count);
    for (uint32_t i = 0; i < count; i++)
        copy[i] = filters[i];
    plan->u.scan.tid = 1;
    plan->u.scan.table_name = "t";
    plan->u.scan.columns = columns;
    plan->u.scan.names = names;
    plan->u.scan.filters = copy;
    plan->u.scan.filter_count = count;
    return plan;
}

static inline const struct plan *plan_project(struct fixture *f, const struct plan *child,
                                              const expr_ref *exprs, uint32_t count)
{
    enum vtype *types = arena_array(&f->arena, enum vtype, count);
    expr_ref *copy = arena_array(&f->arena, expr_ref, count);
    for (uint32_t i = 0; i < count; i++) {
        types[i] = exprs[i]->type;
        copy[i] = exprs[i];
    }
    struct plan *plan = plan_new(f, PLAN_PROJECT, child, types, count);
    plan->u.project.exprs = copy;
    return plan;
}

static inline const struct plan *plan_filter(struct fixture *f, const struct plan *child,
                                             expr_ref condition)
{
    struct plan *plan = plan_new(f, PLAN_FILTER, child, child->types, child->column_count);
    plan->u.filter.condition = condition;
    return plan;
}

/* aggregates must live as long as the plan; they are typed here. */
static inline const struct plan *plan_aggregate(struct fixture *f, const struct plan *child,
                                                const expr_ref *keys, uint32_t key_count,
                                                struct aggregate *aggregates, uint32_t count)
{
    yoda_error err;
    enum vtype *types = arena_array(&f->arena, enum vtype, key_count + count);
    expr_ref *copy = arena_array(&f->arena, expr_ref, key_count);
    for (uint32_t k = 0; k < key_count; k++) {
        types[k] = keys[k]->type;
        copy[k] = keys[k];
    }
    for (uint32_t a = 0; a < count; a++) {
        OK(aggregate_init(&aggregates[a], &err));
        types[key_count + a] = aggregates[a].type;
    }
    struct plan *plan = plan_new(f, PLAN_AGGREGATE, child, types, key_count + count);
    plan->u.aggregate.keys = copy;
    plan->u.aggregate.key_count = key_count;
    plan->u.aggregate.aggregates = aggregates;
    plan->u.aggregate.aggregate_count = count;
    return plan;
}

static inline const struct plan *plan_distinct(struct fixture *f, const struct plan *child)
{
    return plan_new(f, PLAN_DISTINCT, child, child->types, child->column_count);
}

static inline const struct plan *plan_sort(struct fixture *f, const struct plan *child,
                                           const struct sort_key *keys, uint32_t count,
                                           uint64_t limit)
{
    struct plan *plan = plan_new(f, PLAN_SORT, child, child->types, child->column_count);
    plan->u.sort.keys = keys;
    plan->u.sort.key_count = count;
    plan->u.sort.limit = limit;
    return plan;
}

static inline const struct plan *plan_limit(struct fixture *f, const struct plan *child,
                                            uint64_t limit, uint64_t offset)
{
    struct plan *plan = plan_new(f, PLAN_LIMIT, child, child->types, child->column_count);
    plan->u.limit.limit = limit;
    plan->u.limit.offset = offset;
    return plan;
}

#endif
