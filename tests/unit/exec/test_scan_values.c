/*
 * test_scan_values.c -- which values occur, where dictionaries may answer and where they may not.
 *
 * One table of all kinds of segments: sealed and whole; sealed with deleted rows, among them all
 * rows of some words; whole again, with the same words as the first and NULLs beside them; whole,
 * with as many words but another one; still open. COUNT(DISTINCT), MIN, MAX, DISTINCT and GROUP BY against the rows
 * themselves, with and without a filter, threads and knobs.
 */
#include "test.h"

#include "base/task_pool.h"
#include "olap/exec/plan.h"

enum { COL_ID, COL_KIND, COL_WORD, COL_SPARSE, COLUMNS };
#define OPEN_FROM (4 * SEGMENT_ROWS)
#define ROWS (OPEN_FROM + 5000)
#define WORDS 700u

static struct {
    struct store *store;
    struct snapshot snapshot;
    struct task_pool *pools[2];
    struct mem_budget budget;
    struct arena arena;
    struct expr_builder b;
    yoda_error builder_error;
    enum vtype types[COLUMNS];
    expr_ref in[COLUMNS];
    uint16_t word[ROWS];
    bool dead[ROWS];
    char texts[WORDS][16];
} f;

/* Words 0..99 occur only in deleted rows of the second segment, 100..198 only in the open one. */
static uint32_t word_of(size_t i, uint64_t *seed)
{
    uint64_t r = test_random(seed);
    if (i >= OPEN_FROM)
        return 100 + (uint32_t)(r % 300);
    if (i / SEGMENT_ROWS == 1 && r % 500 == 0)
        return (uint32_t)(r >> 32) % 100;
    return (i / SEGMENT_ROWS == 3 ? 199 : 200) + (uint32_t)(r % 500);
}

static bool null_at(size_t i)
{
    size_t segment = i / SEGMENT_ROWS;
    return (segment == 1 || segment == 2) && i % 3 == 0;
}

static void fill_row(size_t i, struct value *row)
{
    const char *text = f.texts[f.word[i]];
    row[COL_ID] = value_int((int64_t)i);
    row[COL_KIND] = value_int(f.word[i] % 7);
    row[COL_WORD] = value_text(text, strlen(text));
    row[COL_SPARSE] = null_at(i) ? value_null() : row[COL_WORD];
}

static void merge(void)
{
    yoda_error err;
    enum merge_outcome outcome;
    struct value row[COLUMNS];
    struct maintenance_stats stats = {0};
    struct table *table = store_find_table(f.store, 1);
    for (size_t i = 0; i < ROWS; i++) {
        fill_row(i, row);
        OK(table_upsert(table, row, &outcome, &err));
    }
    table_set_complete(table, true);
    OK(store_publish(f.store, 1, &err));
    store_write_end(f.store);
    OK(store_maintain(f.store, NULL, &stats, &err));
    store_write_begin(f.store);
    for (size_t i = SEGMENT_ROWS; i < 2 * SEGMENT_ROWS; i++) {
        if (f.word[i] >= 100 && i % 50)
            continue;
        fill_row(i, row);
        OK(table_delete(table, row, &outcome, &err));
        f.dead[i] = true;
    }
    OK(store_publish(f.store, 2, &err));
    store_write_end(f.store);
}

static int make(void **state)
{
    (void)state;
    yoda_error err;
    uint64_t seed = test_seed();
    mem_budget_init(&f.budget, NULL, 0);
    arena_init(&f.arena, NULL);
    for (uint32_t t = 0; t < 2; t++)
        OK(task_pool_create(1 + t, &f.pools[t], &err));
    for (uint32_t w = 0; w < WORDS; w++) /* every second one is another's under NOCASE */
        snprintf(f.texts[w], sizeof f.texts[w], w % 2 ? "word%u" : "Word%u", w / 2);
    for (size_t i = 0; i < ROWS; i++)
        f.word[i] = (uint16_t)word_of(i, &seed);
    struct store_options options = {.pool = f.pools[0], .budget = &f.budget,
                                    .compact_deleted_percent = 25};
    struct table_def def = {.column_count = COLUMNS, .key_count = 1, .key_is_rowid = true};
    OK(store_create(&options, &f.store, &err));
    store_write_begin(f.store);
    OK(store_add_table(f.store, 1, &def, &err));
    merge();
    store_acquire(f.store, &f.snapshot);
    const struct table_version *table = version_find_table(f.snapshot.version, 1);
    f.b = (struct expr_builder){&f.arena, &f.builder_error};
    for (uint32_t c = 0; c < COLUMNS; c++) {
        assert_true(vtype_of_classes(table->classes[c], &f.types[c]));
        OK(expr_input(&f.b, c, table->classes[c], AFFINITY_BLOB, true, COLLATE_BINARY, &f.in[c]));
    }
    return 0;
}

static int drop(void **state)
{
    (void)state;
    store_release(f.store, &f.snapshot);
    store_destroy(f.store);
    arena_deinit(&f.arena);
    for (int t = 0; t < 2; t++)
        task_pool_destroy(f.pools[t]);
    assert_int_equal(atomic_load(&f.budget.used_bytes), 0);
    return 0;
}

/* ---- Plans ---- */

static struct plan *node(enum plan_kind kind, const struct plan *child, const enum vtype *types,
                         uint32_t columns)
{
    struct plan *plan = arena_new(&f.arena, struct plan);
    plan->kind = kind;
    plan->child = child;
    plan->types = types;
    plan->column_count = columns;
    return plan;
}

/* kind: rows with that COL_KIND, all where negative. column: the only one, COLUMNS: all. */
static const struct plan *scan(int kind, uint32_t column)
{
    static const char *const names[COLUMNS] = {"id", "kind", "word", "sparse"};
    static const uint32_t columns[COLUMNS] = {0, 1, 2, 3};
    bool all = column == COLUMNS;
    struct plan *plan = node(PLAN_SCAN, NULL, all ? f.types : f.types + column, all ? COLUMNS : 1);
    plan->u.scan.tid = 1;
    plan->u.scan.table_name = "t";
    plan->u.scan.columns = all ? columns : columns + column;
    plan->u.scan.names = all ? names : names + column;
    if (kind >= 0) {
        yoda_error err;
        expr_ref constant, *filter = arena_new(&f.arena, expr_ref);
        const struct value v = value_int(kind);
        OK(expr_constant(&f.b, &v, &constant));
        OK(expr_compare(&f.b, OP_EQ, f.in[COL_KIND], constant, filter));
        plan->u.scan.filters = filter;
        plan->u.scan.filter_count = 1;
    }
    return plan;
}

static void run(const struct plan *plan, unsigned turn, struct batch_list *out)
{
    static const struct run_knobs knobs[] = {
        {.no_codes = false}, {.no_codes = true}, {.no_pruning = true}, {.vector_rows = 100}};
    yoda_error err;
    struct run_context context = {.pool = f.pools[turn % 2], .budget = &f.budget,
                                  .knobs = knobs[turn / 2 % COUNT_OF(knobs)]};
    batch_list_init(out, plan->column_count, &f.budget);
    OK(plan_run(plan, f.snapshot.version, plan->column_count, &context, out, &err));
}
#define TURNS 8u

/* ---- Oracles ---- */

/* Which words occur in rows of a kind; *null: is there a row without one? */
static void occurring(int kind, bool sparse, bool *words, bool *null)
{
    memset(words, 0, WORDS * sizeof *words);
    *null = false;
    for (size_t i = 0; i < ROWS; i++) {
        if (f.dead[i] || (kind >= 0 && f.word[i] % 7 != kind))
            continue;
        if (sparse && null_at(i))
            *null = true;
        else
            words[f.word[i]] = true;
    }
}

static int64_t count_folded(const bool *words)
{
    int64_t count = 0;
    for (uint32_t w = 0; w < WORDS; w += 2)
        count += words[w] || words[w + 1];
    return count;
}

static const char *extreme(const bool *words, int sign)
{
    const char *best = NULL;
    for (uint32_t w = 0; w < WORDS; w++)
        if (words[w] && (!best || strcmp(f.texts[w], best) * sign > 0))
            best = f.texts[w];
    return best;
}

static void check_aggregates(int kind, uint32_t column)
{
    bool words[WORDS], null;
    int64_t count = 0;
    struct aggregate *a = arena_array(&f.arena, struct aggregate, 4);
    enum vtype *types = arena_array(&f.arena, enum vtype, 4);
    a[0] = (struct aggregate){.kind = AGG_COUNT, .distinct = true, .arg = f.in[column]};
    a[1] = a[0];
    a[1].collation = COLLATE_NOCASE;
    a[2] = (struct aggregate){.kind = AGG_MIN, .arg = f.in[column]};
    a[3] = (struct aggregate){.kind = AGG_MAX, .arg = f.in[column]};
    yoda_error err;
    for (int i = 0; i < 4; i++) {
        OK(aggregate_init(&a[i], &err));
        types[i] = a[i].type;
    }
    struct plan *plan = node(PLAN_AGGREGATE, scan(kind, COLUMNS), types, 4);
    plan->u.aggregate.aggregates = a;
    plan->u.aggregate.aggregate_count = 4;
    occurring(kind, column == COL_SPARSE, words, &null);
    for (uint32_t w = 0; w < WORDS; w++)
        count += words[w];
    for (unsigned turn = 0; turn < TURNS; turn++) {
        struct batch_list out;
        run(plan, turn, &out);
        assert_int_equal(out.rows, 1);
        assert_int_equal(batch_value(out.batches[0], 0, 0).i, count);
        assert_int_equal(batch_value(out.batches[0], 1, 0).i, count_folded(words));
        for (uint32_t c = 2; c < 4; c++) {
            const char *want = extreme(words, c == 2 ? -1 : 1);
            struct value v = batch_value(out.batches[0], c, 0);
            assert_int_equal(v.size, strlen(want));
            assert_memory_equal(v.p, want, v.size);
        }
        batch_list_deinit(&out);
    }
}

static void test_aggregates(void **state)
{
    (void)state;
    for (int kind = -1; kind < 2; kind++) {
        check_aggregates(kind, COL_WORD);
        check_aggregates(kind, COL_SPARSE);
    }
}

/* Rows of one column: every word that occurs, once, and NULL where there is one. */
static void check_rows(const struct plan *plan, uint32_t column)
{
    bool words[WORDS], null;
    occurring(-1, column == COL_SPARSE, words, &null);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        struct batch_list out;
        uint64_t nulls = 0, left = null;
        bool met[WORDS] = {false};
        run(plan, turn, &out);
        for (size_t b = 0; b < out.batch_count; b++) {
            for (uint32_t r = 0; r < out.batches[b]->rows; r++) {
                struct value v = batch_value(out.batches[b], 0, r);
                unsigned number = 0;
                if (v.type == YODA_NULL) {
                    nulls++;
                    continue;
                }
                for (uint32_t d = 4; d < v.size; d++)
                    number = number * 10 + (unsigned)(v.p[d] - '0');
                number = number * 2 + (v.p[0] == 'w');
                assert_true(number < WORDS && words[number] && !met[number]);
                met[number] = true;
            }
        }
        for (uint32_t w = 0; w < WORDS; w++)
            left += words[w];
        assert_int_equal(nulls, null);
        assert_int_equal(out.rows, left);
        batch_list_deinit(&out);
    }
}

static void test_rows(void **state)
{
    (void)state;
    for (uint32_t column = COL_WORD; column <= COL_SPARSE; column++) {
        const struct plan *rows = scan(-1, column);
        check_rows(node(PLAN_DISTINCT, rows, rows->types, 1), column);
        struct plan *groups = node(PLAN_AGGREGATE, scan(-1, COLUMNS), f.types + column, 1);
        groups->u.aggregate.keys = &f.in[column];
        groups->u.aggregate.key_count = 1;
        check_rows(groups, column);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_aggregates),
                                       cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, make, drop);
}
