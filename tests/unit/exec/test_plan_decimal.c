/*
 * test_plan_decimal.c -- sums over random trees of + - * against exact integers.
 *
 * Every row's value is computed as m / 10^scale in 128 bits, its class by SQLite's rule (REAL where
 * a leaf is), and the sums must have the right class, be equal where INTEGER, and lie within 1e-14
 * * sum(peak) where REAL: peak is |x| computed without cancellation, since vectors that are not
 * codes are evaluated in doubles. The three sizes bring FLAT vectors, codes, deleted rows and both.
 */
#include "plan_fixture.h"

#include <math.h>

#define TRIALS 60
#define K_MOST 7 /* of -2 .. 9 */
#define AGGREGATES 5
#define GROUPS (13 * 13 * 6)

struct number {
    int128 m;
    int128 peak; /* of the operands, all counted as positive */
    int scale;
    bool real, null;
};

static int128 power(int n)
{
    int128 p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

static struct number of_value(const struct value *v)
{
    struct number n = {.null = v->type == YODA_NULL, .real = v->type == YODA_REAL};
    if (v->type == YODA_INTEGER) {
        n.m = v->i;
    } else if (n.real) { /* columns have 2 digits; constants that were folded up to 8 */
        do
            n.m = llround(v->r * (double)power(++n.scale));
        while (n.scale < 8 && (double)n.m / (double)power(n.scale) != v->r);
    }
    n.peak = n.m < 0 ? -n.m : n.m;
    return n;
}

/* The value of an expression of this test's kinds on one row. */
static struct number value_of(expr_ref e, const struct value *row)
{
    if (e->kind == EXPR_INPUT)
        return of_value(&row[e->slot]);
    if (e->kind == EXPR_CONST)
        return of_value(&e->constant);
    bool negate = e->kind == EXPR_NEGATE;
    struct number a = negate ? (struct number){0} : value_of(e->args[0], row);
    struct number b = value_of(e->args[negate ? 0 : 1], row);
    struct number r = {.real = a.real || b.real, .null = a.null || b.null};
    if (!negate && e->op == OP_MUL) {
        r.m = a.m * b.m;
        r.peak = a.peak * b.peak;
        r.scale = a.scale + b.scale;
        return r;
    }
    r.scale = a.scale > b.scale ? a.scale : b.scale;
    int128 x = a.m * power(r.scale - a.scale), y = b.m * power(r.scale - b.scale);
    r.m = negate || e->op == OP_SUB ? x - y : x + y;
    r.peak = a.peak * power(r.scale - a.scale) + b.peak * power(r.scale - b.scale);
    return r;
}

static expr_ref random_leaf(struct fixture *f, uint64_t *seed)
{
    static const int columns[] = {COL_PRICE, COL_NUM, COL_K};
    static const double reals[] = {0.06, 2.5, 1.0, -0.25};
    yoda_error err;
    expr_ref e;
    if (test_random(seed) % 3)
        return f->in[columns[test_random(seed) % 3]];
    struct value constant = test_random(seed) % 2 ? value_int((int64_t)(test_random(seed) % 7) - 2)
                                                  : value_real(reals[test_random(seed) % 4]);
    OK(expr_constant(&f->b, &constant, &e));
    return e;
}

static expr_ref random_tree(struct fixture *f, int depth, uint64_t *seed)
{
    static const enum expr_op ops[] = {OP_ADD, OP_SUB, OP_MUL};
    yoda_error err;
    expr_ref e;
    if (depth == 0) /* mostly not of INTEGERs alone: these are another unit's */
        return test_random(seed) % 16 ? f->in[test_random(seed) % 2 ? COL_PRICE : COL_NUM]
                                      : random_leaf(f, seed);
    expr_ref a = random_tree(f, depth - 1, seed), b = random_leaf(f, seed);
    if (test_random(seed) % 8 == 0)
        OK(expr_negate(&f->b, a, &e));
    else if (test_random(seed) % 2)
        OK(expr_arithmetic(&f->b, ops[test_random(seed) % 3], a, b, &e));
    else
        OK(expr_arithmetic(&f->b, ops[test_random(seed) % 3], b, a, &e));
    return e;
}

/* ---- Oracle ---- */

struct total {
    int128 m, peak; /* at SCALE digits */
    uint64_t count;
    bool real;
};
#define SCALE 10

struct trial {
    struct fixture *f;
    int grouping;     /* bits: 1 by tag, 2 by k, 4 by day (too many codes for slots) */
    int64_t first_id; /* the scan's filter; below 0: none */
    bool few_k;       /* another filter: whole groups have no row that counts, but many rows do */
    int64_t k_below;  /* FILTER of the last aggregate */
    struct aggregate aggregates[AGGREGATES];
    struct total totals[GROUPS][AGGREGATES];
    bool seen[GROUPS];
};

static uint32_t k_index(const struct value *v)
{
    return v->type == YODA_NULL ? 12 : (uint32_t)(v->i + 2);
}

static uint32_t tag_index(const struct value *v)
{
    static const char *const tags[] = {"red", "Green", "blue", "BLUE"};
    for (uint32_t t = 0; v->type == YODA_TEXT && t < COUNT_OF(tags); t++)
        if (v->size == strlen(tags[t]) && memcmp(v->p, tags[t], v->size) == 0)
            return t;
    return v->type == YODA_NULL ? 5 : 4;
}

static uint32_t day_index(const struct value *v)
{
    return v->type == YODA_NULL ? 12 : (uint32_t)(v->p[5] - '0') * 10 + (uint32_t)(v->p[6] - '1');
}

static uint32_t group_index(const struct trial *t, const struct value *k, const struct value *tag,
                            const struct value *day)
{
    uint32_t month = t->grouping & 4 ? day_index(day) : 0;
    return (month * 13 + (t->grouping & 2 ? k_index(k) : 0)) * 6 +
           (t->grouping & 1 ? tag_index(tag) : 0);
}

static void add_row(struct trial *t, const struct value *row)
{
    uint32_t group = group_index(t, &row[COL_K], &row[COL_TAG], &row[COL_DAY]);
    t->seen[group] = true;
    for (int a = 0; a < AGGREGATES; a++) {
        const struct aggregate *aggregate = &t->aggregates[a];
        const struct value *k = &row[COL_K];
        struct total *total = &t->totals[group][a];
        struct number x = {0};
        if (aggregate->arg)
            x = value_of(aggregate->arg, row);
        if (x.null || (aggregate->filter && (k->type == YODA_NULL || k->i >= t->k_below)))
            continue;
        assert_true(x.scale <= SCALE);
        int128 m = x.m * power(SCALE - x.scale);
        total->m += m;
        total->peak += x.peak * power(SCALE - x.scale);
        total->count++;
        total->real |= x.real;
    }
}

static void check_value(const struct aggregate *aggregate, const struct total *total,
                        const struct value *v)
{
    long double exact = (long double)total->m / (long double)power(SCALE);
    long double bound = 1e-14L * ((long double)total->peak / (long double)power(SCALE));
    if (aggregate->kind == AGG_COUNT_ROWS) {
        assert_int_equal(v->i, total->count);
        return;
    }
    if (total->count == 0 && aggregate->kind != AGG_TOTAL) {
        assert_int_equal(v->type, YODA_NULL);
        return;
    }
    if (aggregate->kind == AGG_SUM && !total->real) {
        assert_int_equal(v->type, YODA_INTEGER);
        assert_true(v->i == (int64_t)(total->m / power(SCALE)));
        return;
    }
    assert_int_equal(v->type, YODA_REAL);
    if (aggregate->kind == AGG_AVG) {
        exact /= (long double)total->count;
        bound /= (long double)total->count;
    }
    assert_true(fabsl((long double)v->r - exact) <= bound);
}

static void check_result(struct trial *t)
{
    uint32_t keys = (uint32_t)__builtin_popcount((unsigned)t->grouping), groups = 0;
    for (uint32_t g = 0; g < GROUPS; g++)
        groups += t->seen[g];
    if (keys)
        assert_int_equal(t->f->out.rows, groups);
    for (size_t b = 0; b < t->f->out.batch_count; b++) {
        const struct batch *batch = t->f->out.batches[b];
        for (uint32_t r = 0; r < batch->rows; r++) {
            struct value key[3] = {{0}, {0}, {0}}; /* k, tag, day */
            for (uint32_t k = 0, next = 0; k < 3; k++)
                if (t->grouping & (k == 0 ? 2 : k == 1 ? 1 : 4))
                    key[k] = batch_value(batch, next++, r);
            uint32_t group = group_index(t, &key[0], &key[1], &key[2]);
            for (uint32_t a = 0; a < AGGREGATES; a++) {
                struct value v = batch_value(batch, keys + a, r);
                check_value(&t->aggregates[a], &t->totals[group][a], &v);
            }
        }
    }
}

/* ---- Trials ---- */

static const struct plan *plan_of(struct trial *t)
{
    struct fixture *f = t->f;
    expr_ref keys[3], filters[2];
    uint32_t key_count = 0, filter_count = 0;
    if (t->grouping & 2)
        keys[key_count++] = f->in[COL_K];
    if (t->grouping & 1)
        keys[key_count++] = f->in[COL_TAG];
    if (t->grouping & 4)
        keys[key_count++] = f->in[COL_DAY];
    if (t->first_id >= 0)
        compare(f, OP_GE, f->in[COL_ID], value_int(t->first_id), &filters[filter_count++]);
    if (t->few_k)
        compare(f, OP_LE, f->in[COL_K], value_int(K_MOST), &filters[filter_count++]);
    return plan_aggregate(f, plan_scan(f, filters, filter_count), keys, key_count, t->aggregates,
                          AGGREGATES);
}

static bool k_above(const struct value *k)
{
    return k->type == YODA_NULL || k->i > K_MOST;
}

static void run_trial(struct trial *t)
{
    struct fixture *f = t->f;
    yoda_error err;
    const struct plan *plan = plan_of(t);
    for (size_t i = 0; i < f->row_count; i++)
        if (!f->dead[i] && (int64_t)i >= t->first_id &&
            !(t->few_k && k_above(&f->rows[i * COLUMNS + COL_K])))
            add_row(t, f->rows + i * COLUMNS);
    for (int p = 0; p < 3; p++) {
        f->pool = f->pools[p];
        OK(run_plan(f, plan, plan->column_count, &err));
        check_result(t);
        batch_list_deinit(&f->out);
    }
}

static struct trial *new_trial(struct fixture *f, uint64_t *seed)
{
    struct trial *t = arena_new(&f->arena, struct trial);
    static const int64_t twentieths[] = {-1, 1, 4, 12};
    int64_t part = twentieths[test_random(seed) % 4];
    t->f = f;
    t->grouping = (int)(test_random(seed) % 8);
    t->first_id = part < 0 ? -1 : (int64_t)f->row_count * part / 20;
    t->few_k = test_random(seed) % 3 == 0;
    return t;
}

static void test_random_trees(void **state)
{
    (void)state;
    static const enum aggregate_kind kinds[] = {AGG_SUM, AGG_SUM, AGG_AVG, AGG_TOTAL};
    uint64_t seed = test_seed();
    for (int trial = 0; trial < TRIALS; trial++) {
        struct fixture *f = &fixtures[trial % 4 ? trial % 2 : 2];
        struct trial *t = new_trial(f, &seed);
        t->aggregates[0] = (struct aggregate){.kind = AGG_COUNT_ROWS};
        for (int a = 1; a < AGGREGATES; a++) { /* some on the same tree, or on part of it */
            expr_ref shared = t->aggregates[a - 1].arg;
            if (!shared || test_random(&seed) % 2)
                shared = random_tree(f, (int)(test_random(&seed) % 4), &seed);
            t->aggregates[a] =
                (struct aggregate){.kind = kinds[test_random(&seed) % 4], .arg = shared};
        }
        if (test_random(&seed) % 3 == 0) {
            t->k_below = (int64_t)(test_random(&seed) % 8);
            compare(f, OP_LT, f->in[COL_K], value_int(t->k_below),
                    (expr_ref *)&t->aggregates[AGGREGATES - 1].filter);
        }
        run_trial(t);
    }
}

/* Products too large for a proof from the codes: bounds from the values, or doubles. */
static void test_large_products(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    FOR_EACH_SETUP(f)
    {
        expr_ref square, sum, cube, big, much;
        OK(expr_arithmetic(&f->b, OP_MUL, f->in[COL_PRICE], f->in[COL_PRICE], &square));
        OK(expr_arithmetic(&f->b, OP_ADD, square, f->in[COL_NUM], &sum));
        OK(expr_arithmetic(&f->b, OP_MUL, square, f->in[COL_PRICE], &cube));
        OK(expr_arithmetic(&f->b, OP_MUL, f->in[COL_BIG], f->in[COL_K], &big));
        OK(expr_arithmetic(&f->b, OP_MUL, f->in[COL_NUM], f->in[COL_BIG], &much));
        struct trial *t = new_trial(f, &seed);
        t->grouping = 1;
        const expr_ref args[AGGREGATES] = {square, sum, cube, big, much};
        for (int a = 0; a < AGGREGATES; a++)
            t->aggregates[a] =
                (struct aggregate){.kind = a == 3 ? AGG_TOTAL : AGG_AVG, .arg = args[a]};
        run_trial(t);
    }
}

/* 50 * 0.5 is the REAL 25.0: whole, and the sum is REAL all the same; 50 * 2 is an INTEGER. */
static void test_classes(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        expr_ref half, two, halves, doubles, negative;
        const struct value v = value_real(0.5), w = value_int(2);
        OK(expr_constant(&f->b, &v, &half));
        OK(expr_constant(&f->b, &w, &two));
        OK(expr_arithmetic(&f->b, OP_MUL, f->in[COL_K], half, &halves));
        OK(expr_arithmetic(&f->b, OP_MUL, f->in[COL_NUM], two, &doubles));
        OK(expr_negate(&f->b, doubles, &negative));
        struct trial *t = arena_new(&f->arena, struct trial);
        t->f = f;
        t->grouping = 3; /* small groups: some see only INTEGERs */
        t->first_id = (int64_t)f->row_count - 200;
        const expr_ref args[AGGREGATES] = {halves, doubles, negative, doubles, halves};
        for (int a = 0; a < AGGREGATES; a++)
            t->aggregates[a] = (struct aggregate){.kind = AGG_SUM, .arg = args[a]};
        run_trial(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_trees),
                                       cmocka_unit_test(test_large_products),
                                       cmocka_unit_test(test_classes)};
    return cmocka_run_group_tests(tests, fixtures_make, fixtures_free);
}
