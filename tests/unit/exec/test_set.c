/*
 * test_set.c -- UNION ALL, INTERSECT, EXCEPT and SHARED over the fixture's table.
 *
 * The oracle filters and projects the live rows by hand and works on sorted lines.
 */
#include "plan_fixture.h"

#include "olap/column/chunk.h"

/* ---- Plans ---- */

static const struct plan *plan_set(struct fixture *f, enum set_kind kind,
                                   const struct plan *const *inputs, uint32_t count,
                                   const enum vtype *types, uint32_t columns)
{
    struct plan *plan = plan_new(f, PLAN_SET, NULL, types, columns);
    const struct plan **copy = arena_array(&f->arena, const struct plan *, count);
    for (uint32_t i = 0; i < count; i++)
        copy[i] = inputs[i];
    plan->u.set.kind = kind;
    plan->u.set.inputs = copy;
    plan->u.set.input_count = count;
    return plan;
}

static const struct plan *plan_shared(struct fixture *f, const struct plan *child,
                                      const uint32_t *columns, uint32_t count)
{
    enum vtype *types = arena_array(&f->arena, enum vtype, count);
    for (uint32_t i = 0; i < count; i++)
        types[i] = child->types[columns[i]];
    struct plan *plan = plan_new(f, PLAN_SHARED, child, types, count);
    plan->u.shared.columns = columns;
    return plan;
}

/* The columns of rows with from <= id < to. */
static const struct plan *plan_part(struct fixture *f, int64_t from, int64_t to,
                                    const uint32_t *columns, uint32_t count)
{
    expr_ref filters[2], exprs[COLUMNS];
    compare(f, OP_GE, f->in[COL_ID], value_int(from), &filters[0]);
    compare(f, OP_LT, f->in[COL_ID], value_int(to), &filters[1]);
    for (uint32_t i = 0; i < count; i++)
        exprs[i] = f->in[columns[i]];
    return plan_project(f, plan_scan(f, filters, 2), exprs, count);
}

/* ---- Oracle: bags of lines ---- */

struct lines {
    char **at;
    size_t count;
};

static struct lines part_lines(const struct fixture *f, int64_t from, int64_t to,
                               const uint32_t *columns, uint32_t count)
{
    struct lines lines = {malloc((f->row_count + 1) * sizeof(char *)), 0};
    for (size_t i = 0; i < f->row_count; i++) {
        struct value out[COLUMNS];
        const struct value *row = oracle_row(f, i);
        if (!row || row[COL_ID].i < from || row[COL_ID].i >= to)
            continue;
        for (uint32_t c = 0; c < count; c++)
            out[c] = row[columns[c]];
        lines.at[lines.count++] = line_of(out, count);
    }
    if (lines.count)
        qsort(lines.at, lines.count, sizeof *lines.at, by_line);
    return lines;
}

static void lines_free(struct lines *lines)
{
    free_lines(lines->at, lines->count);
    free(lines->at);
}

static bool has_line(const struct lines *lines, const char *line)
{
    return lines->count &&
           bsearch(&line, lines->at, lines->count, sizeof *lines->at, by_line) != NULL;
}

static void expect_line(struct fixture *f, const char *line)
{
    expect_row(f, NULL, 0);
    mem_free(f->expected[f->expected_count - 1]);
    f->expected[f->expected_count - 1] = mem_strdup(line);
}

static void expect_lines(struct fixture *f, const struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        expect_line(f, lines->at[i]);
}

/* Distinct lines of a that are (in == true) or are not among those of b. */
static void expect_distinct(struct fixture *f, const struct lines *a, const struct lines *b,
                            bool in)
{
    for (size_t i = 0; i < a->count; i++)
        if ((i == 0 || strcmp(a->at[i], a->at[i - 1]) != 0) && has_line(b, a->at[i]) == in)
            expect_line(f, a->at[i]);
}

/* ---- Tests ---- */

static void test_union_all(void **state)
{
    (void)state;
    static const uint32_t columns[3] = {COL_TAG, COL_K, COL_PRICE};
    FOR_EACH_SETUP(f)
    {
        if (left_out(f, 0, 1))
            continue;
        int64_t n = (int64_t)f->row_count;
        int64_t from[3] = {0, n / 3, n + 5}, to[3] = {n / 2, n, n + 9};
        const struct plan *inputs[3];
        for (int i = 0; i < 3; i++) {
            inputs[i] = plan_part(f, from[i], to[i], columns, 3);
            struct lines lines = part_lines(f, from[i], to[i], columns, 3);
            expect_lines(f, &lines);
            lines_free(&lines);
        }
        check_plan(f, plan_set(f, SET_UNION_ALL, inputs, 3, inputs[0]->types, 3), 3, false);
    }
}

/* INTEGERs, REALs, both and NULLs in one column. */
static void test_union_widens(void **state)
{
    (void)state;
    static const uint32_t columns[4] = {COL_K, COL_PRICE, COL_NUM, COL_REAL};
    static const enum vtype num = VT_NUM;
    FOR_EACH_SETUP(f)
    {
        if (left_out(f, 1, 1))
            continue;
        int64_t n = (int64_t)f->row_count;
        struct value null = value_null();
        const struct plan *inputs[5];
        expr_ref none;
        for (int i = 0; i < 4; i++) {
            inputs[i] = plan_part(f, 0, n, &columns[i], 1);
            struct lines lines = part_lines(f, 0, n, &columns[i], 1);
            expect_lines(f, &lines);
            lines_free(&lines);
        }
        OK(expr_constant(&f->b, &null, &none));
        inputs[4] = plan_project(f, plan_part(f, 0, 3, columns, 1), &none, 1);
        for (size_t i = 0; i < 3; i++)
            if (oracle_row(f, i))
                expect_row(f, &null, 1);
        const struct plan *set = plan_set(f, SET_UNION_ALL, inputs, 5, &num, 1);
        check_plan(f, set, 1, false);
    }
}

static void test_intersect_except(void **state)
{
    (void)state;
    static const uint32_t shapes[3][3] = {
        {COL_TAG, COL_K, COL_DAY}, {COL_WORD, COL_K, COL_TAG}, {COL_K, COL_ID, COL_PRICE}};
    FOR_EACH_SETUP(f)
    {
        int64_t n = (int64_t)f->row_count;
        for (size_t s = 0; s < COUNT_OF(shapes) * 2; s++) {
            const uint32_t *columns = shapes[s / 2];
            bool intersect = s % 2;
            if (left_out(f, s, 2))
                continue;
            const struct plan *inputs[2] = {plan_part(f, 0, n * 2 / 3, columns, 3),
                                            plan_part(f, n / 2, n, columns, 3)};
            struct lines a = part_lines(f, 0, n * 2 / 3, columns, 3);
            struct lines b = part_lines(f, n / 2, n, columns, 3);
            expect_distinct(f, &a, &b, intersect);
            check_plan(f,
                       plan_set(f, intersect ? SET_INTERSECT : SET_EXCEPT, inputs, 2,
                                inputs[0]->types, 3),
                       3, false);
            lines_free(&a);
            lines_free(&b);
        }
    }
}

static void test_empty_sides(void **state)
{
    (void)state;
    static const uint32_t columns[2] = {COL_TAG, COL_K};
    FOR_EACH_SETUP(f)
    {
        if (left_out(f, 2, 1))
            continue;
        int64_t n = (int64_t)f->row_count;
        const struct plan *all = plan_part(f, 0, n, columns, 2);
        const struct plan *none = plan_part(f, n, n, columns, 2);
        const struct plan *right[2] = {all, none}, *left[2] = {none, all};
        struct lines a = part_lines(f, 0, n, columns, 2), b = {NULL, 0};
        check_plan(f, plan_set(f, SET_INTERSECT, right, 2, all->types, 2), 2, false);
        check_plan(f, plan_set(f, SET_INTERSECT, left, 2, all->types, 2), 2, false);
        check_plan(f, plan_set(f, SET_EXCEPT, left, 2, all->types, 2), 2, false);
        expect_distinct(f, &a, &b, false);
        check_plan(f, plan_set(f, SET_EXCEPT, right, 2, all->types, 2), 2, false);
        lines_free(&a);
    }
}

/* 1 meets 1.0: which of them SQLite shows is not for us to say. */
static void test_equal_but_not_identical(void **state)
{
    (void)state;
    static const enum vtype num = VT_NUM;
    FOR_EACH_SETUP(f)
    {
        struct value constants[2] = {value_int(1), value_real(1)};
        const struct plan *inputs[2];
        for (int i = 0; i < 2; i++) {
            expr_ref *one = arena_array(&f->arena, expr_ref, 1);
            enum vtype *type = arena_array(&f->arena, enum vtype, 1);
            OK(expr_constant(&f->b, &constants[i], one));
            *type = one[0]->type;
            struct plan *values = plan_new(f, PLAN_VALUES, NULL, type, 1);
            values->u.values.exprs = one;
            values->u.values.row_count = 1;
            inputs[i] = values;
        }
        for (enum set_kind kind = SET_INTERSECT; kind <= SET_EXCEPT; kind++)
            FAILS(YODA_NOT_COLUMNAR,
                  run_plan(f, plan_set(f, kind, inputs, 2, &num, 1), 1, &err));
    }
}

/* Past the memory both sides' rows go to disk. */
static void test_spilling(void **state)
{
    (void)state;
    static const uint32_t columns[3] = {COL_WORD, COL_K, COL_NUM};
    struct fixture *f = &fixtures[1];
    int64_t n = (int64_t)f->row_count;
    for (enum set_kind kind = SET_INTERSECT; kind <= SET_EXCEPT; kind++) {
        yoda_error err;
        struct op_profile profile[16];
        struct run_context context = {.pool = f->pools[1], .budget = &f->budget,
                                      .knobs = {.spill_after_bytes = 1}, .profile = profile,
                                      .spill_directory = spill_directory};
        const struct plan *inputs[2] = {plan_part(f, 0, n * 2 / 3, columns, 3),
                                        plan_part(f, n / 2, n, columns, 3)};
        const struct plan *set = plan_set(f, kind, inputs, 2, inputs[0]->types, 3);
        memset(profile, 0, sizeof profile);
        assert_true(plan_number((struct plan *)(uintptr_t)set) <= COUNT_OF(profile));
        batch_list_init(&f->out, 3, &f->budget);
        OK(plan_run(set, f->snapshot.version, 3, &context, &f->out, &err));
        batch_list_deinit(&f->out);
        assert_true(atomic_load(&profile[set->id].spilled_bytes) > 0);
    }
}

static void count_result(struct fixture *f, const struct plan *plan, uint64_t rows)
{
    yoda_error err;
    for (int t = 0; t < 3; t++) {
        f->pool = f->pools[t];
        OK(run_plan(f, plan, plan->column_count, &err));
        assert_int_equal(f->out.rows, rows);
        batch_list_deinit(&f->out);
    }
}

/* What one run reads, old versions of rows included. */
static uint64_t rows_scanned(struct fixture *f, const struct plan *plan)
{
    yoda_error err;
    f->pool = f->pools[0];
    OK(run_plan(f, plan, plan->column_count, &err));
    batch_list_deinit(&f->out);
    return f->stats.rows_scanned;
}

static void test_limit_stops_inputs(void **state)
{
    (void)state;
    static const uint32_t columns[1] = {COL_ID};
    FOR_EACH_SETUP(f)
    {
        if (left_out(f, 3, 1))
            continue;
        const struct plan *part = plan_part(f, 0, (int64_t)f->row_count, columns, 1);
        const struct plan *inner[2] = {plan_limit(f, part, 3, 1), plan_limit(f, part, 4, 0)};
        const struct plan *parts[2] = {part, part};
        const struct plan *both = plan_set(f, SET_UNION_ALL, inner, 2, part->types, 1);
        /* a limit inside one input ends that input alone */
        count_result(f, both, 7);
        count_result(f, plan_limit(f, both, 5, 0), 5);
        const struct plan *all = plan_set(f, SET_UNION_ALL, parts, 2, part->types, 1);
        count_result(f, plan_limit(f, all, f->live + 2, 0), f->live + 2);
        /* the second input is not even begun */
        assert_int_equal(rows_scanned(f, plan_limit(f, all, 1, 0)),
                         rows_scanned(f, plan_limit(f, part, 1, 0)));
    }
}

static void test_shared(void **state)
{
    (void)state;
    static const uint32_t columns[4] = {COL_WORD, COL_K, COL_NUM, COL_REAL};
    static const uint32_t first[3] = {2, 0, 3}, second[2] = {1, 2}, back[2] = {2, 0};
    FOR_EACH_SETUP(f)
    {
        if (left_out(f, 4, 1))
            continue;
        int64_t n = (int64_t)f->row_count;
        const struct plan *child = plan_part(f, n / 4, n, columns, 4);
        const struct plan *a = plan_shared(f, child, first, 3);
        const struct plan *b = plan_shared(f, child, second, 2);
        const struct plan *again = plan_shared(f, a, back, 2); /* REAL, NUM: shared of a shared */
        expr_ref ints[2] = {NULL, NULL};
        OK(expr_input(&f->b, 0, CLASS_INTEGER | CLASS_NULL, AFFINITY_BLOB, false, COLLATE_BINARY,
                      &ints[0]));
        OK(expr_input(&f->b, 1, CLASS_INTEGER | CLASS_REAL | CLASS_NULL, AFFINITY_BLOB, false,
                      COLLATE_BINARY, &ints[1]));
        enum vtype *types = arena_array(&f->arena, enum vtype, 2);
        types[0] = types[1] = VT_NUM;
        const struct plan *inputs[3] = {again, plan_project(f, b, ints, 2), b};
        const struct plan *set = plan_set(f, SET_UNION_ALL, inputs, 3, types, 2);
        for (size_t i = 0; i < f->row_count; i++) {
            const struct value *row = oracle_row(f, i);
            if (!row || row[COL_ID].i < n / 4)
                continue;
            struct value one[2] = {row[COL_REAL], row[COL_NUM]};
            struct value two[2] = {row[COL_K], row[COL_NUM]};
            expect_row(f, one, 2);
            expect_row(f, two, 2);
            expect_row(f, two, 2);
        }
        check_plan(f, set, 2, false);
        assert_int_equal(rows_scanned(f, set), rows_scanned(f, child)); /* once */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_union_all),
        cmocka_unit_test(test_union_widens),
        cmocka_unit_test(test_intersect_except),
        cmocka_unit_test(test_empty_sides),
        cmocka_unit_test(test_spilling),
        cmocka_unit_test(test_equal_but_not_identical),
        cmocka_unit_test(test_limit_stops_inputs),
        cmocka_unit_test(test_shared),
    };
    return cmocka_run_group_tests(tests, fixtures_make, fixtures_free);
}
