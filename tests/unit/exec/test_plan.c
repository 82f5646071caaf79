/*
 * test_plan.c -- plans built by hand over an in-memory store, against a naive oracle.
 *
 * One table of random rows with NULLs is filled through the merge, updated and deleted from, and
 * sealed or not. The oracle keeps the live rows as values and computes every answer row by row;
 * results are compared as sorted lists of lines (REALs to 11 digits).
 */
#include "plan_fixture.h"

#include <math.h>

static void test_scan_filters(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        expr_ref filters[3];
        compare(f, OP_GE, f->in[COL_K], value_int(3), &filters[0]);
        compare(f, OP_LT, f->in[COL_DAY], value_text("2000-06-01", 10), &filters[1]);
        expr_ref sum;
        OK(expr_arithmetic(&f->b, OP_ADD, f->in[COL_K], f->in[COL_ID], &sum));
        compare(f, OP_GT, sum, value_int(1000), &filters[2]);
        const struct plan *scan = plan_scan(f, filters, 3);
        for (size_t i = 0; i < f->row_count; i++) {
            const struct value *row = oracle_row(f, i);
            if (!row || row[COL_K].type == YODA_NULL || row[COL_K].i < 3 ||
                row[COL_DAY].type == YODA_NULL ||
                text_less(&row[COL_DAY], "2000-06-01") <= 0 || row[COL_K].i + row[COL_ID].i <= 1000)
                continue;
            expect_row(f, row, COLUMNS);
        }
        check_plan(f, scan, COLUMNS, false);
    }
}

static void test_project_few_columns(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        expr_ref exprs[2] = {NULL, f->in[COL_TAG]};
        OK(expr_arithmetic(&f->b, OP_MUL, f->in[COL_K], f->in[COL_K], &exprs[0]));
        const struct plan *plan = plan_project(f, plan_scan(f, NULL, 0), exprs, 2);
        for (size_t i = 0; i < f->row_count; i++) {
            const struct value *row = oracle_row(f, i);
            if (!row)
                continue;
            struct value out[2] = {row[COL_K], row[COL_TAG]};
            if (out[0].type == YODA_INTEGER)
                out[0].i *= out[0].i;
            expect_row(f, out, 2);
        }
        check_plan(f, plan, 2, false);
    }
}

/* ---- Aggregates ---- */

struct sums { /* naive, per group and column */
    uint64_t rows, count, distinct;
    long double total;
    bool real;
    struct value min, max;
};

static void add_value(struct sums *s, const struct value *v)
{
    s->rows++;
    if (v->type == YODA_NULL)
        return;
    s->count++;
    if (v->type == YODA_INTEGER)
        s->total += (long double)v->i;
    else if (v->type == YODA_REAL)
        s->total += (long double)v->r, s->real = true;
    if (s->count == 1 || value_compare(v, &s->min, COLLATE_BINARY) < 0)
        s->min = *v;
    if (s->count == 1 || value_compare(v, &s->max, COLLATE_BINARY) > 0)
        s->max = *v;
}

static struct value sum_value(const struct sums *s)
{
    if (!s->count)
        return value_null();
    return s->real ? value_real((double)s->total) : value_int((int64_t)s->total);
}

static struct value real_or_null(const struct sums *s, long double r)
{
    return s->count ? value_real((double)r) : value_null();
}

/* count(*), count, sum, total, avg, min, max of one column, in this order. */
#define NUMBER_AGGREGATES 7
static const struct plan *plan_numbers(struct fixture *f, const struct plan *child,
                                       const expr_ref *keys, uint32_t key_count, expr_ref arg)
{
    static const enum aggregate_kind kinds[NUMBER_AGGREGATES] = {
        AGG_COUNT_ROWS, AGG_COUNT, AGG_SUM, AGG_TOTAL, AGG_AVG, AGG_MIN, AGG_MAX};
    struct aggregate *aggregates = arena_array(&f->arena, struct aggregate, NUMBER_AGGREGATES);
    for (int i = 0; i < NUMBER_AGGREGATES; i++) {
        aggregates[i].kind = kinds[i];
        aggregates[i].arg = kinds[i] == AGG_COUNT_ROWS ? NULL : arg;
    }
    return plan_aggregate(f, child, keys, key_count, aggregates, NUMBER_AGGREGATES);
}

static void expect_sums(struct fixture *f, const struct value *keys, uint32_t key_count,
                        const struct sums *s)
{
    struct value out[16];
    uint32_t n = 0;
    for (; n < key_count; n++)
        out[n] = keys[n];
    out[n++] = value_int((int64_t)s->rows);
    out[n++] = value_int((int64_t)s->count);
    out[n++] = sum_value(s);
    out[n++] = value_real((double)s->total);
    out[n++] = real_or_null(s, s->total / (long double)s->count);
    out[n++] = s->count ? s->min : value_null();
    out[n++] = s->count ? s->max : value_null();
    expect_row(f, out, n);
}

static void test_ungrouped(void **state)
{
    (void)state;
    static const uint32_t columns[] = {COL_ID, COL_K, COL_PRICE, COL_NUM, COL_REAL};
    FOR_EACH_SETUP(f)
    {
        for (size_t c = 0; c < COUNT_OF(columns); c++) {
            struct sums s = {0};
            for (size_t i = 0; i < f->row_count; i++)
                if (oracle_row(f, i))
                    add_value(&s, &oracle_row(f, i)[columns[c]]);
            expect_sums(f, NULL, 0, &s);
            check_plan(f, plan_numbers(f, plan_scan(f, NULL, 0), NULL, 0, f->in[columns[c]]),
                       NUMBER_AGGREGATES, false);
        }
    }
}

static void test_ungrouped_empty(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        expr_ref never;
        compare(f, OP_LT, f->in[COL_ID], value_int(-5), &never);
        struct sums s = {0};
        expect_sums(f, NULL, 0, &s);
        check_plan(f, plan_numbers(f, plan_scan(f, &never, 1), NULL, 0, f->in[COL_PRICE]),
                   NUMBER_AGGREGATES, false);
    }
}

static const uint32_t *sort_columns;
static uint32_t sort_column_count;

static int by_columns(const void *a, const void *b)
{
    const struct value *ra = *(const struct value *const *)a, *rb = *(const struct value *const *)b;
    for (uint32_t k = 0; k < sort_column_count; k++) {
        int c = value_compare(&ra[sort_columns[k]], &rb[sort_columns[k]], COLLATE_BINARY);
        if (c)
            return c;
    }
    return 0;
}

/* Live rows sorted by the given columns; free() it. */
static const struct value **sorted_rows(struct fixture *f, const uint32_t *columns, uint32_t count,
                                        size_t *n)
{
    const struct value **rows = malloc((f->row_count + 1) * sizeof *rows);
    *n = 0;
    for (size_t i = 0; i < f->row_count; i++)
        if (oracle_row(f, i))
            rows[(*n)++] = oracle_row(f, i);
    sort_columns = columns;
    sort_column_count = count;
    qsort(rows, *n, sizeof *rows, by_columns);
    return rows;
}

static void expect_groups(struct fixture *f, const uint32_t *keys, uint32_t key_count,
                          uint32_t column)
{
    size_t n;
    const struct value **rows = sorted_rows(f, keys, key_count, &n);
    for (size_t i = 0; i < n;) {
        struct sums s = {0};
        size_t first = i;
        for (; i < n && by_columns(&rows[first], &rows[i]) == 0; i++)
            add_value(&s, &rows[i][column]);
        struct value out[4];
        for (uint32_t k = 0; k < key_count; k++)
            out[k] = rows[first][keys[k]];
        expect_sums(f, out, key_count, &s);
    }
    free(rows);
}

static void test_grouped(void **state)
{
    (void)state;
    static const struct {
        uint32_t keys[2], key_count, column;
    } cases[] = {
        {{COL_TAG}, 1, COL_PRICE},       {{COL_TAG, COL_K}, 2, COL_NUM}, {{COL_DAY}, 1, COL_K},
        {{COL_WORD}, 1, COL_PRICE},      {{COL_BIG}, 1, COL_ID},         {{COL_K}, 1, COL_REAL},
        {{COL_NUM, COL_TAG}, 2, COL_ID}, {{COL_PRICE}, 1, COL_NUM},
    };
    FOR_EACH_SETUP(f)
    {
        for (size_t c = 0; c < COUNT_OF(cases); c++) {
            if (left_out(f, c, 3))
                continue;
            expr_ref keys[2] = {f->in[cases[c].keys[0]], f->in[cases[c].keys[1]]};
            expect_groups(f, cases[c].keys, cases[c].key_count, cases[c].column);
            const struct plan *plan = plan_numbers(f, plan_scan(f, NULL, 0), keys,
                                                   cases[c].key_count, f->in[cases[c].column]);
            check_plan(f, plan, plan->column_count, false);
        }
    }
}

static void test_distinct_aggregates(void **state)
{
    (void)state;
    static const uint32_t order[] = {COL_TAG, COL_K};
    FOR_EACH_SETUP(f)
    {
        struct aggregate aggregates[3] = {
            {.kind = AGG_COUNT, .distinct = true, .arg = f->in[COL_K]},
            {.kind = AGG_SUM, .distinct = true, .arg = f->in[COL_K]},
            {.kind = AGG_COUNT_ROWS}};
        compare(f, OP_GT, f->in[COL_K], value_int(5), &aggregates[2].filter);
        size_t n;
        const struct value **rows = sorted_rows(f, order, 2, &n);
        for (size_t i = 0; i < n;) {
            int64_t count = 0, sum = 0, above = 0;
            size_t first = i;
            for (; i < n && value_compare(&rows[first][COL_TAG], &rows[i][COL_TAG],
                                          COLLATE_BINARY) == 0; i++) {
                const struct value *k = &rows[i][COL_K];
                above += k->type == YODA_INTEGER && k->i > 5;
                if (k->type == YODA_NULL ||
                    (i > first && value_compare(k, &rows[i - 1][COL_K], COLLATE_BINARY) == 0))
                    continue;
                count++;
                sum += k->i;
            }
            struct value out[4] = {rows[first][COL_TAG], value_int(count),
                                   count ? value_int(sum) : value_null(), value_int(above)};
            expect_row(f, out, 4);
        }
        free(rows);
        const struct plan *plan = plan_aggregate(f, plan_scan(f, NULL, 0), &f->in[COL_TAG], 1,
                                                 aggregates, 3);
        check_plan(f, plan, 4, false);
    }
}

static void test_distinct(void **state)
{
    (void)state;
    static const uint32_t columns[] = {COL_TAG, COL_NUM};
    FOR_EACH_SETUP(f)
    {
        expr_ref exprs[2] = {f->in[COL_TAG], f->in[COL_NUM]};
        size_t n;
        const struct value **rows = sorted_rows(f, columns, 2, &n);
        for (size_t i = 0; i < n; i++) {
            struct value out[2] = {rows[i][COL_TAG], rows[i][COL_NUM]};
            if (i == 0 || by_columns(&rows[i - 1], &rows[i]) != 0)
                expect_row(f, out, 2);
        }
        free(rows);
        const struct plan *project = plan_project(f, plan_scan(f, NULL, 0), exprs, 2);
        check_plan(f, plan_distinct(f, project), 2, false);
    }
}

static void test_bare_column(void **state)
{
    (void)state;
    static const uint32_t order[] = {COL_TAG, COL_ID};
    FOR_EACH_SETUP(f)
    {
        struct aggregate aggregates[2] = {{.kind = AGG_MAX, .arg = f->in[COL_ID]},
                                          {.kind = AGG_BARE, .arg = f->in[COL_WORD]}};
        size_t n;
        const struct value **rows = sorted_rows(f, order, 2, &n);
        for (size_t i = 0; i < n; i++) {
            if (i + 1 < n && value_compare(&rows[i][COL_TAG], &rows[i + 1][COL_TAG],
                                           COLLATE_BINARY) == 0)
                continue;
            struct value out[3] = {rows[i][COL_TAG], rows[i][COL_ID], rows[i][COL_WORD]};
            expect_row(f, out, 3);
        }
        free(rows);
        const struct plan *plan = plan_aggregate(f, plan_scan(f, NULL, 0), &f->in[COL_TAG], 1,
                                                 aggregates, 2);
        check_plan(f, plan, 3, false);
        if (f->row_count < 1000)
            continue;
        aggregates[0].arg = f->in[COL_K]; /* many rows of a tag share its largest k */
        plan = plan_aggregate(f, plan_scan(f, NULL, 0), &f->in[COL_TAG], 1, aggregates, 2);
        FAILS(YODA_NOT_COLUMNAR, run_plan(f, plan, 3, &err));
    }
}

/* ---- Order ---- */

static const struct sort_key *oracle_keys;
static uint32_t oracle_key_count;

static int by_sort_keys(const void *a, const void *b)
{
    const struct value *ra = *(const struct value *const *)a, *rb = *(const struct value *const *)b;
    for (uint32_t k = 0; k < oracle_key_count; k++) {
        const struct sort_key *key = &oracle_keys[k];
        const struct value *va = &ra[key->column], *vb = &rb[key->column];
        bool na = va->type == YODA_NULL, nb = vb->type == YODA_NULL;
        int c = value_compare(va, vb, key->collation);
        if (na || nb)
            c = key->nulls_last ? na - nb : nb - na;
        else if (key->descending)
            c = -c;
        if (c)
            return c;
    }
    return 0;
}

static void test_sort(void **state)
{
    (void)state;
    static const struct sort_key orders[][3] = {
        {{.column = COL_TAG, .collation = COLLATE_NOCASE}, {.column = COL_ID}},
        {{.column = COL_NUM, .descending = true, .nulls_last = true}, {.column = COL_ID}},
        {{.column = COL_DAY, .nulls_last = true}, {.column = COL_ID, .descending = true}},
        {{.column = COL_REAL, .descending = true}, {.column = COL_ID}},
        {{.column = COL_WORD, .collation = COLLATE_RTRIM}, {.column = COL_ID}},
    };
    static const uint64_t limits[] = {UINT64_MAX, 0, 1, 37, 3000};
    static const uint32_t none[1] = {COL_ID};
    FOR_EACH_SETUP(f)
    {
        for (size_t o = 0; o < COUNT_OF(orders); o++) {
            if (left_out(f, o, 3))
                continue;
            size_t n;
            const struct value **rows = sorted_rows(f, none, 1, &n);
            oracle_keys = orders[o];
            oracle_key_count = 2;
            qsort(rows, n, sizeof *rows, by_sort_keys);
            for (size_t l = 0; l < COUNT_OF(limits); l++) {
                uint64_t offset = limits[l] > 10 && limits[l] < 100 ? 7 : 0;
                for (size_t i = offset; i < n && i < limits[l]; i++)
                    expect_row(f, rows[i], 2);
                const struct plan *plan =
                    plan_sort(f, plan_scan(f, NULL, 0), orders[o], 2, limits[l]);
                uint64_t take = limits[l] == UINT64_MAX ? limits[l] : limits[l] - offset;
                check_plan(f, plan_limit(f, plan, take, offset), 2, true);
            }
            free(rows);
        }
    }
}

static void test_limit_without_order(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        const struct plan *plan = plan_limit(f, plan_scan(f, NULL, 0), 25, 13);
        OK(run_plan(f, plan, COLUMNS, &err));
        uint64_t expected = f->live < 13 ? 0 : f->live - 13 < 25 ? f->live - 13 : 25;
        assert_int_equal(f->out.rows, expected);
        batch_list_deinit(&f->out);
    }
}

static void test_having(void **state)
{
    (void)state;
    static const uint32_t keys[] = {COL_BIG};
    FOR_EACH_SETUP(f)
    {
        struct aggregate count = {.kind = AGG_COUNT_ROWS};
        const struct plan *plan =
            plan_aggregate(f, plan_scan(f, NULL, 0), &f->in[COL_BIG], 1, &count, 1);
        expr_ref condition, counted;
        OK(expr_input(&f->b, 1, CLASS_INTEGER, AFFINITY_INTEGER, true, COLLATE_BINARY, &counted));
        compare(f, OP_GT, counted, value_int(2), &condition);
        size_t n;
        const struct value **rows = sorted_rows(f, keys, 1, &n);
        for (size_t i = 0, first = 0; i < n; i++) {
            if (i + 1 < n && by_columns(&rows[i], &rows[i + 1]) == 0)
                continue;
            struct value out[2] = {rows[i][COL_BIG], value_int((int64_t)(i + 1 - first))};
            if (i + 1 - first > 2)
                expect_row(f, out, 2);
            first = i + 1;
        }
        free(rows);
        check_plan(f, plan_filter(f, plan, condition), 2, false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan_filters),   cmocka_unit_test(test_project_few_columns),
        cmocka_unit_test(test_ungrouped),      cmocka_unit_test(test_ungrouped_empty),
        cmocka_unit_test(test_grouped),        cmocka_unit_test(test_distinct_aggregates),
        cmocka_unit_test(test_distinct),       cmocka_unit_test(test_bare_column),
        cmocka_unit_test(test_sort),           cmocka_unit_test(test_limit_without_order),
        cmocka_unit_test(test_having),
    };
    return cmocka_run_group_tests(tests, fixtures_make, fixtures_free);
}
