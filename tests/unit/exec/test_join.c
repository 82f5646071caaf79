/*
 * test_join.c -- joins of every kind against nested loops.
 *
 * Random cases over two ranges of the fixture's rows: kind, keys (0 to 3, = or IS, of equal and of
 * different number types, computed ones), residual, NULL-awareness. The ranges lie in open and in
 * sealed segments, so that keys and columns come as values and as codes.
 */
#include "plan_fixture.h"

#include "olap/column/chunk.h"
#include "olap/exec/join_key.h"
#include "olap/exec/join_table.h"

#define SIDE_ROWS 260u
#define SMALL_ROWS 40u /* every pair is a row */
#define CASES 150u /* per setup */
#define KEYS_MAX 3u

struct side {
    const struct plan *plan;
    const struct value **rows; /* live rows of the range */
    size_t count;
};

enum residual { RESIDUAL_NONE, RESIDUAL_ID_LESS, RESIDUAL_K_DIFFERS, RESIDUAL_TAG_EQUAL,
                RESIDUALS };

struct key_kind { /* columns; the probe's times 0.0 or plus 1 */
    uint32_t probe, build;
    enum { PLAIN, TIMES_ZERO, PLUS_ONE, NULL_PROBE } how;
};

static const struct key_kind key_kinds[] = {
    {COL_K, COL_K, PLAIN},         {COL_ID, COL_ID, PLAIN},       {COL_K, COL_NUM, PLAIN},
    {COL_NUM, COL_NUM, PLAIN},     {COL_NUM, COL_PRICE, PLAIN},   {COL_PRICE, COL_PRICE, PLAIN},
    {COL_REAL, COL_REAL, PLAIN},   {COL_TAG, COL_TAG, PLAIN},     {COL_DAY, COL_DAY, PLAIN},
    {COL_WORD, COL_WORD, PLAIN},   {COL_BIG, COL_BIG, PLAIN},     {COL_K, COL_K, TIMES_ZERO},
    {COL_K, COL_K, PLUS_ONE},      {COL_NUM, COL_K, PLAIN},       {COL_DAY, COL_TAG, PLAIN},
    {COL_BIG, COL_REAL, PLAIN},    {COL_K, COL_K, NULL_PROBE},    {COL_REAL, COL_BIG, PLAIN},
};

struct join_case {
    enum join_kind kind;
    uint32_t key_count;
    struct key_kind keys[KEYS_MAX];
    bool null_safe[KEYS_MAX];
    enum residual residual;
    bool null_aware;
    struct side probe, build;
    uint32_t visible; /* columns asked for */
};

/* ---- Oracle ---- */

static struct value probe_key(const struct join_case *c, uint32_t k, const struct value *row)
{
    struct value v = row[c->keys[k].probe];
    if (c->keys[k].how == NULL_PROBE)
        return value_null();
    if (v.type == YODA_NULL || c->keys[k].how == PLAIN)
        return v;
    return c->keys[k].how == PLUS_ONE ? value_int(v.i + 1) : value_real((double)v.i * 0.0);
}

static bool key_agrees(const struct join_case *c, uint32_t k, const struct value *a,
                       const struct value *b)
{
    struct value x = probe_key(c, k, a), y = b[c->keys[k].build];
    if (x.type == YODA_NULL || y.type == YODA_NULL)
        return c->null_safe[k] && x.type == y.type;
    return value_compare(&x, &y, COLLATE_BINARY) == 0;
}

static bool residual_holds(enum residual residual, const struct value *a, const struct value *b)
{
    static const uint32_t columns[] = {0, COL_ID, COL_K, COL_TAG};
    if (residual == RESIDUAL_NONE)
        return true;
    const struct value *x = &a[columns[residual]], *y = &b[columns[residual]];
    if (x->type == YODA_NULL || y->type == YODA_NULL)
        return false;
    int order = value_compare(x, y, COLLATE_BINARY);
    return residual == RESIDUAL_ID_LESS ? order < 0
           : residual == RESIDUAL_K_DIFFERS ? order != 0 : order == 0;
}

/* Do all but the first `skip` keys and the residual hold? */
static bool pair_agrees(const struct join_case *c, uint32_t skip, const struct value *a,
                        const struct value *b)
{
    for (uint32_t k = skip; k < c->key_count; k++)
        if (!key_agrees(c, k, a, b))
            return false;
    return residual_holds(c->residual, a, b);
}

/* IN of a row without a match: is it NULL? */
static bool is_unknown(const struct join_case *c, const struct value *a)
{
    for (size_t j = 0; c->null_aware && j < c->build.count; j++)
        if (pair_agrees(c, 1, a, c->build.rows[j]) &&
            (probe_key(c, 0, a).type == YODA_NULL ||
             c->build.rows[j][c->keys[0].build].type == YODA_NULL))
            return true;
    return false;
}

static void expect_pair(struct fixture *f, const struct join_case *c, const struct value *a,
                        const struct value *b)
{
    struct value row[2 * COLUMNS];
    for (int i = 0; i < COLUMNS; i++) {
        row[i] = a ? a[i] : value_null();
        row[COLUMNS + i] = b ? b[i] : value_null();
    }
    expect_row(f, row, c->visible);
}

static void expect_child(struct fixture *f, const struct join_case *c, const struct value *a,
                         size_t matches)
{
    struct value row[COLUMNS + 1];
    bool unknown = !matches && is_unknown(c, a);
    memcpy(row, a, COLUMNS * sizeof *row);
    row[COLUMNS] = unknown ? value_null() : value_int(matches > 0);
    if (c->kind == JOIN_MARK)
        expect_row(f, row, c->visible);
    else if (c->kind == JOIN_SEMI ? matches > 0 : !matches && !unknown)
        expect_row(f, row, c->visible);
}

/* Expected rows; false: a scalar subquery has a second row. */
static bool expect_join(struct fixture *f, const struct join_case *c)
{
    bool *matched = calloc(c->build.count + 1, sizeof *matched), single = true;
    enum join_kind kind = c->kind;
    bool pairs = kind == JOIN_INNER || kind == JOIN_LEFT || kind == JOIN_RIGHT ||
                 kind == JOIN_FULL || kind == JOIN_SINGLE;
    for (size_t i = 0; i < c->probe.count; i++) {
        size_t matches = 0;
        for (size_t j = 0; j < c->build.count; j++) {
            if (!pair_agrees(c, 0, c->probe.rows[i], c->build.rows[j]))
                continue;
            matches++;
            matched[j] = true;
            if (pairs)
                expect_pair(f, c, c->probe.rows[i], c->build.rows[j]);
        }
        single &= matches < 2;
        if (!matches && (kind == JOIN_LEFT || kind == JOIN_FULL || kind == JOIN_SINGLE))
            expect_pair(f, c, c->probe.rows[i], NULL);
        if (kind == JOIN_SEMI || kind == JOIN_ANTI || kind == JOIN_MARK)
            expect_child(f, c, c->probe.rows[i], matches);
    }
    for (size_t j = 0; j < c->build.count; j++) {
        if ((kind == JOIN_RIGHT || kind == JOIN_FULL) && !matched[j])
            expect_pair(f, c, NULL, c->build.rows[j]);
        if ((kind == JOIN_RIGHT_SEMI && matched[j]) || (kind == JOIN_RIGHT_ANTI && !matched[j]))
            expect_row(f, c->build.rows[j], c->visible);
    }
    free(matched);
    return single || kind != JOIN_SINGLE;
}

/* ---- Plans ---- */

/* Rows with first <= id < first + n. */
static void make_side(struct fixture *f, size_t first, size_t n, struct side *side)
{
    expr_ref filters[2];
    compare(f, OP_GE, f->in[COL_ID], value_int((int64_t)first), &filters[0]);
    compare(f, OP_LT, f->in[COL_ID], value_int((int64_t)(first + n)), &filters[1]);
    side->plan = plan_scan(f, filters, 2);
    side->rows = malloc((n + 1) * sizeof *side->rows);
    side->count = 0;
    for (size_t i = first; i < first + n && i < f->row_count; i++)
        if (oracle_row(f, i))
            side->rows[side->count++] = oracle_row(f, i);
}

static expr_ref probe_expr(struct fixture *f, const struct key_kind *key)
{
    yoda_error err;
    expr_ref constant, e = f->in[key->probe];
    struct value v = key->how == TIMES_ZERO ? value_real(0.0)
                     : key->how == PLUS_ONE ? value_int(1) : value_null();
    if (key->how == PLAIN)
        return e;
    OK(expr_constant(&f->b, &v, &constant));
    if (key->how == NULL_PROBE)
        return constant;
    OK(expr_arithmetic(&f->b, key->how == TIMES_ZERO ? OP_MUL : OP_ADD, e, constant, &e));
    return e;
}

static expr_ref residual_expr(struct fixture *f, enum residual residual)
{
    static const uint32_t columns[] = {0, COL_ID, COL_K, COL_TAG};
    static const enum expr_op ops[] = {OP_EQ, OP_LT, OP_NE, OP_EQ};
    yoda_error err;
    uint32_t map[COLUMNS];
    expr_ref right, e;
    if (residual == RESIDUAL_NONE)
        return NULL;
    for (uint32_t i = 0; i < COLUMNS; i++)
        map[i] = COLUMNS + i;
    OK(expr_remap(&f->b, f->in[columns[residual]], map, &right));
    OK(expr_compare(&f->b, ops[residual], f->in[columns[residual]], right, &e));
    return e;
}

static struct plan *plan_join(struct fixture *f, enum join_kind kind, const struct plan *child,
                              const struct plan *build, const struct join_key *keys,
                              uint32_t key_count)
{
    uint32_t a = child->column_count, b = build->column_count, n = 0;
    enum vtype *types = arena_array(&f->arena, enum vtype, a + b + 1);
    bool semi = kind == JOIN_SEMI || kind == JOIN_ANTI || kind == JOIN_MARK;
    for (uint32_t i = 0; i < a && kind != JOIN_RIGHT_SEMI && kind != JOIN_RIGHT_ANTI; i++)
        types[n++] = child->types[i];
    for (uint32_t i = 0; i < b && !semi; i++)
        types[n++] = build->types[i];
    if (kind == JOIN_MARK)
        types[n++] = VT_INT;
    struct plan *plan = plan_new(f, PLAN_JOIN, child, types, n);
    plan->u.join.kind = kind;
    plan->u.join.build = build;
    plan->u.join.keys = keys;
    plan->u.join.key_count = key_count;
    return plan;
}

/* The case's plan; false where a pair of columns cannot be a key. */
static bool make_plan(struct fixture *f, struct join_case *c, struct plan **out)
{
    yoda_error err;
    struct join_key *keys = arena_array(&f->arena, struct join_key, KEYS_MAX);
    for (uint32_t k = 0; k < c->key_count; k++) {
        expr_ref e;
        OK(expr_compare(&f->b, c->null_safe[k] ? OP_IS : OP_EQ, probe_expr(f, &c->keys[k]),
                        f->in[c->keys[k].build], &e));
        if (!join_key_of(e, &keys[k].probe, &keys[k].build, &keys[k].null_safe))
            return false;
        assert_int_equal(keys[k].null_safe, c->null_safe[k]);
    }
    uint32_t columns = c->kind == JOIN_MARK ? COLUMNS + 1
                       : c->kind == JOIN_SEMI || c->kind == JOIN_ANTI ||
                               c->kind == JOIN_RIGHT_SEMI || c->kind == JOIN_RIGHT_ANTI
                           ? COLUMNS : 2 * COLUMNS;
    c->visible = 1 + c->visible % columns;
    *out = plan_join(f, c->kind, c->probe.plan, c->build.plan, keys, c->key_count);
    (*out)->u.join.residual = residual_expr(f, c->residual);
    (*out)->u.join.null_aware = c->null_aware;
    return true;
}

/* ---- Random cases ---- */

/* The same rows through nodes that a join's filter goes through, or must not. */
static const struct plan *wrap(struct fixture *f, const struct plan *plan, uint64_t how)
{
    static const enum collation binary[COLUMNS] = {COLLATE_BINARY};
    yoda_error err;
    expr_ref e;
    struct plan *distinct;
    switch (how % 8) {
    case 0:
        OK(expr_is_null(&f->b, f->in[COL_ID], true, &e));
        return wrap(f, plan_filter(f, plan, e), how / 8);
    case 1:
        return wrap(f, plan_project(f, plan, f->in, COLUMNS), how / 8);
    case 2:
        return plan_limit(f, plan, SIDE_ROWS, 0);
    case 3:
        distinct = (struct plan *)plan_distinct(f, plan);
        distinct->u.distinct.collations = binary;
        return distinct;
    case 4:
        return plan_aggregate(f, plan, f->in, COLUMNS, NULL, 0);
    default:
        return plan;
    }
}

static void random_case(struct fixture *f, uint64_t *seed, struct join_case *c)
{
    uint64_t r[8];
    for (int i = 0; i < 8; i++)
        r[i] = test_random(seed);
    *c = (struct join_case){.kind = (enum join_kind)(r[0] % (JOIN_SINGLE + 1)),
                            .key_count = (uint32_t)(r[1] % (KEYS_MAX + 1)),
                            .visible = (uint32_t)(r[1] >> 32 | 7),
                            .residual = (enum residual)(r[2] % 2 ? r[2] / 2 % RESIDUALS : 0)};
    for (uint32_t k = 0; k < c->key_count; k++) {
        uint64_t x = test_random(seed);
        c->keys[k] = key_kinds[x % COUNT_OF(key_kinds)];
        c->null_safe[k] = x >> 32 & 1;
    }
    c->null_aware = (c->kind == JOIN_ANTI || c->kind == JOIN_MARK) && c->key_count &&
                    !c->null_safe[0] && r[3] % 3;
    size_t most = c->key_count ? SIDE_ROWS : SMALL_ROWS;
    size_t rows = r[4] % 5 == 0 ? r[4] / 5 % 3 : most; /* empty and tiny sides, too */
    size_t border = f->row_count > SEGMENT_ROWS ? SEGMENT_ROWS : f->row_count / 2;
    size_t from = r[5] % 2 ? border - (border < 100 ? border : 100) : r[5] / 2 % (f->row_count / 2);
    make_side(f, from, r[6] % 7 == 0 ? r[6] / 7 % 2 : most - 30, &c->probe);
    make_side(f, from + r[7] % 60, rows, &c->build);
    c->probe.plan = wrap(f, c->probe.plan, r[7] >> 16);
    c->build.plan = wrap(f, c->build.plan, r[6] >> 16);
}

static void check_case(struct fixture *f, struct join_case *c)
{
    struct plan *plan;
    yoda_error err;
    if (!make_plan(f, c, &plan))
        return;
    if (expect_join(f, c)) {
        check_plan(f, plan, c->visible, false);
        return;
    }
    FAILS(YODA_NOT_COLUMNAR, run_plan(f, plan, c->visible, &err));
    assert_non_null(strstr(err.message, "more than one row"));
    free_lines(f->expected, f->expected_count);
    f->expected_count = 0;
}

static void test_random_joins(void **state)
{
    (void)state;
    uint64_t seed = fixtures_seed;
    FOR_EACH_SETUP(f)
    {
        for (unsigned i = 0; i < CASES * scale_percent() / 100 + 1; i++) {
            struct join_case c;
            random_case(f, &seed, &c);
            check_case(f, &c);
            free(c.probe.rows);
            free(c.build.rows);
        }
    }
}

/* ---- Tables ---- */

#define TABLE_ROWS 3000u

/* Build rows of a key, counted one by one; *last: one of them. */
static uint32_t count_key(const uint64_t *keys, const uint64_t *only, uint64_t key, uint32_t *last)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < TABLE_ROWS && key != JOIN_NO_KEY; i++) {
        if (keys[i] != key || (only && !bit_get(only, i)))
            continue;
        *last = i;
        n++;
    }
    return n;
}

static void check_lookups(const struct join_table *table, const uint64_t *keys,
                          const uint64_t *only, const uint64_t *asked, uint32_t n)
{
    uint32_t first[200], count[200], rows[200], pairs[200], last = 0, m = 0;
    uint64_t bits[4];
    uint16_t sel[200];
    join_table_test(table, asked, n, bits);
    if (table->kind != JOIN_BITS) {
        join_table_runs(table, asked, n, first, count);
        if (table->unique) {
            join_table_rows(table, asked, n, UINT32_MAX, rows);
            m = join_table_pairs(table, asked, n, sel, pairs);
        }
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t expected = count_key(keys, only, asked[i], &last);
        assert_int_equal(bit_get(bits, i), expected > 0);
        if (table->kind == JOIN_BITS)
            continue;
        assert_int_equal(count[i], expected);
        for (uint32_t j = 0; j < count[i]; j++)
            assert_int_equal(keys[join_table_row(table, first[i] + j)], asked[i]);
        if (!table->unique)
            continue;
        assert_int_equal(rows[i], expected ? last : UINT32_MAX);
        if (!expected)
            continue;
        assert_int_equal(sel[at], i);
        assert_int_equal(pairs[at++], last);
    }
    assert_int_equal(at, m);
}

static void check_table(uint64_t domain, bool repeat, bool existence, bool some, uint64_t *seed)
{
    static uint64_t keys[TABLE_ROWS], asked[200], only[BITMAP_WORDS(TABLE_ROWS)];
    struct run_context context = {0};
    struct run run = {.context = &context, .workers = 1};
    struct join_table table;
    yoda_error err;
    uint64_t step = domain / TABLE_ROWS ? domain / TABLE_ROWS : 1;
    for (uint32_t i = 0; i < TABLE_ROWS; i++) {
        uint64_t r = test_random(seed);
        keys[i] = repeat ? r % domain : i * step < domain ? i * step : JOIN_NO_KEY;
        keys[i] = r >> 60 == 0 ? JOIN_NO_KEY : keys[i];
    }
    for (size_t w = 0; w < COUNT_OF(only); w++)
        only[w] = test_random(seed);
    OK(join_table_init(&table, keys, TABLE_ROWS, some ? only : NULL, domain, existence, &run,
                       &err));
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT_OF(asked); i++) {
            uint64_t r = test_random(seed);
            asked[i] = r % 3 ? keys[r % TABLE_ROWS] : (r >> 8) % domain;
        }
        check_lookups(&table, keys, some ? only : NULL, asked, COUNT_OF(asked));
    }
    join_table_deinit(&table);
}

/* Every kind of table: the domain decides. */
static void test_tables(void **state)
{
    (void)state;
    static const uint64_t domains[] = {1, 700, 100000, 300000, 3000000, UINT64_C(1) << 40,
                                       JOIN_DOMAIN_MAX};
    uint64_t seed = fixtures_seed;
    for (size_t d = 0; d < COUNT_OF(domains); d++)
        for (unsigned how = 0; how < 8; how++)
            check_table(domains[d], how & 1, how & 2, how & 4, &seed);
}

/* ---- Large sides ---- */

static const struct plan *count_rows(struct fixture *f, const struct plan *child)
{
    struct aggregate *aggregate = arena_array(&f->arena, struct aggregate, 1);
    aggregate->kind = AGG_COUNT_ROWS;
    return plan_aggregate(f, child, NULL, 0, aggregate, 1);
}

/* Rows with each value of k; NULL is nobody's. */
static void count_k(const struct fixture *f, int64_t counts[16])
{
    memset(counts, 0, 16 * sizeof *counts);
    for (size_t i = 0; i < f->row_count; i++)
        if (oracle_row(f, i) && oracle_row(f, i)[COL_K].type != YODA_NULL)
            counts[oracle_row(f, i)[COL_K].i + 2]++;
}

/* Every row meets hundreds or thousands: row sets flow out of one push. */
static void test_fan_out(void **state)
{
    (void)state;
    struct fixture *f = &fixtures[1];
    int64_t counts[16], sum = 0;
    static const enum join_kind kinds[] = {JOIN_INNER, JOIN_RIGHT_SEMI, JOIN_SEMI};
    struct join_key *key = arena_array(&f->arena, struct join_key, 1);
    *key = (struct join_key){f->in[COL_K], f->in[COL_K], false};
    count_k(f, counts);
    for (size_t c = 0; c < COUNT_OF(kinds); c++) {
        sum = 0;
        for (int i = 0; i < 16; i++)
            sum += kinds[c] == JOIN_INNER ? counts[i] * counts[i] : counts[i];
        struct value row = value_int(sum);
        expect_row(f, &row, 1);
        check_plan(f, count_rows(f, plan_join(f, kinds[c], plan_scan(f, NULL, 0),
                                              plan_scan(f, NULL, 0), key, 1)),
                   1, false);
    }
}

/* A join's output probes another: one to one on id, so that what comes out is the table. */
static void test_chain(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        if (left_out(f, 0, 1))
            continue;
        uint32_t map[COLUMNS];
        expr_ref shown[COLUMNS];
        struct join_key *key = arena_array(&f->arena, struct join_key, 1);
        *key = (struct join_key){f->in[COL_ID], f->in[COL_ID], false};
        for (uint32_t i = 0; i < COLUMNS; i++)
            map[i] = COLUMNS + i;
        for (uint32_t i = 0; i < COLUMNS; i++)
            OK(expr_remap(&f->b, f->in[i], map, &shown[i]));
        const struct plan *plan = plan_scan(f, NULL, 0);
        for (int i = 0; i < 3; i++)
            plan = plan_project(f, plan_join(f, i % 2 ? JOIN_INNER : JOIN_LEFT,
                                             plan_scan(f, NULL, 0), plan, key, 1),
                                shown, COLUMNS);
        for (size_t i = 0; i < f->row_count; i++)
            if (oracle_row(f, i))
                expect_row(f, oracle_row(f, i), COLUMNS);
        check_plan(f, plan, COLUMNS, false);
    }
}

/* A text column of the build side that is NULL in every row probes the next join. */
static void test_null_texts(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        if (left_out(f, 1, 1))
            continue;
        expr_ref no_tag, tag;
        uint32_t map[COLUMNS];
        struct join_key *keys = arena_array(&f->arena, struct join_key, 2);
        for (uint32_t i = 0; i < COLUMNS; i++)
            map[i] = COLUMNS + i;
        compare(f, OP_IS, f->in[COL_TAG], value_null(), &no_tag);
        OK(expr_remap(&f->b, f->in[COL_TAG], map, &tag));
        keys[0] = (struct join_key){f->in[COL_ID], f->in[COL_ID], false};
        keys[1] = (struct join_key){tag, f->in[COL_TAG], false};
        const struct plan *none = plan_filter(f, plan_scan(f, NULL, 0), no_tag);
        const struct plan *first =
            plan_join(f, JOIN_LEFT, plan_scan(f, NULL, 0), none, &keys[0], 1);
        const struct plan *second =
            plan_join(f, JOIN_LEFT, first, plan_scan(f, NULL, 0), &keys[1], 1);
        for (size_t i = 0; i < f->row_count; i++)
            if (oracle_row(f, i))
                expect_row(f, oracle_row(f, i), COLUMNS);
        check_plan(f, second, COLUMNS, false);
    }
}

static void test_limit_stops(void **state)
{
    (void)state;
    yoda_error err;
    struct fixture *f = &fixtures[2];
    const struct plan *pairs =
        plan_join(f, JOIN_INNER, plan_scan(f, NULL, 0), plan_scan(f, NULL, 0), NULL, 0);
    OK(run_plan(f, plan_limit(f, pairs, 10, 5), 2, &err)); /* of 2 * 10^10 */
    assert_int_equal(f->out.rows, 10);
    batch_list_deinit(&f->out);
}

/* Each allocation of a join fails once; then the budget is short: an error, and nothing is left. */
static void test_failing_memory(void **state)
{
    (void)state;
    yoda_error err;
    struct fixture *f = &fixtures[1];
    struct join_key *keys = arena_array(&f->arena, struct join_key, 2);
    keys[0] = (struct join_key){f->in[COL_WORD], f->in[COL_WORD], true};
    keys[1] = (struct join_key){f->in[COL_NUM], f->in[COL_PRICE], false};
    const struct plan *plan =
        plan_join(f, JOIN_FULL, plan_scan(f, NULL, 0), plan_scan(f, NULL, 0), keys, 2);
    uint64_t before = atomic_load(&f->budget.used_bytes), n = 1;
    yoda_status status;
    f->pool = f->pools[1];
    for (;; n += n / 20 + 1) {
        mem_fail_after(n, false);
        status = run_plan(f, plan, plan->column_count, &err);
        mem_fail_after(0, false);
        if (status == YODA_OK)
            break;
        assert_int_equal(status, YODA_NOMEM);
        assert_int_equal(atomic_load(&f->budget.used_bytes), before);
    }
    batch_list_deinit(&f->out);
    assert_true(n > 100);
    f->budget.limit_bytes = before + 1000000;
    FAILS(YODA_NOMEM, run_plan(f, plan, plan->column_count, &err));
    f->budget.limit_bytes = 0;
    assert_int_equal(atomic_load(&f->budget.used_bytes), before);
}

static void test_key_of(void **state)
{
    (void)state;
    yoda_error err;
    struct fixture *f = &fixtures[0];
    expr_ref e, a, c, nocase;
    bool null_safe;
    OK(expr_compare(&f->b, OP_LT, f->in[COL_ID], f->in[COL_K], &e));
    assert_false(join_key_of(e, &a, &c, &null_safe));
    OK(expr_compare(&f->b, OP_EQ, f->in[COL_ID], f->in[COL_TAG], &e));
    assert_false(join_key_of(e, &a, &c, &null_safe));
    OK(expr_collate(&f->b, f->in[COL_TAG], COLLATE_NOCASE, &nocase));
    OK(expr_compare(&f->b, OP_EQ, nocase, f->in[COL_DAY], &e));
    assert_false(join_key_of(e, &a, &c, &null_safe));
    OK(expr_compare(&f->b, OP_IS, f->in[COL_ID], f->in[COL_REAL], &e));
    assert_true(join_key_of(e, &a, &c, &null_safe));
    assert_true(null_safe && a == f->in[COL_ID] && c == f->in[COL_REAL]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_of),  cmocka_unit_test(test_tables),
        cmocka_unit_test(test_random_joins),
        cmocka_unit_test(test_fan_out), cmocka_unit_test(test_chain),
        cmocka_unit_test(test_null_texts),
        cmocka_unit_test(test_limit_stops), cmocka_unit_test(test_failing_memory),
    };
    return cmocka_run_group_tests(tests, fixtures_make, fixtures_free);
}
