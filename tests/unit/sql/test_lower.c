/*
 * test_lower.c -- logical plans made by hand, lowered and printed: which nodes, slots and sides.
 */
#include "test.h"

#include "olap/column/chunk.h"
#include "olap/exec/function.h"
#include "sql/planner.h"

enum { A_ID, A_B, A_X, A_NAME, A_COLUMNS };
enum { B_ID, B_Y, B_COLUMNS };

static const struct catalog_column a_columns[A_COLUMNS] = {
    [A_ID] = {.name = "id", .affinity = AFFINITY_INTEGER, .not_null = true},
    [A_B] = {.name = "b", .affinity = AFFINITY_INTEGER},
    [A_X] = {.name = "x", .affinity = AFFINITY_REAL},
    [A_NAME] = {.name = "name", .affinity = AFFINITY_TEXT}};
static const uint32_t a_classes[A_COLUMNS] = {CLASS_INTEGER, CLASS_INTEGER | CLASS_NULL, CLASS_REAL,
                                              CLASS_TEXT | CLASS_NULL};
static const struct catalog_column b_columns[B_COLUMNS] = {
    [B_ID] = {.name = "bid", .affinity = AFFINITY_INTEGER, .not_null = true},
    [B_Y] = {.name = "y", .affinity = AFFINITY_INTEGER}};
static const uint32_t b_classes[B_COLUMNS] = {CLASS_INTEGER, CLASS_INTEGER};
static const uint32_t first_column[] = {0};
static const struct catalog_index by_id = {first_column, 1, true};
static const struct catalog_table table_a = {.tid = 1,
                                             .name = "a",
                                             .column_count = A_COLUMNS,
                                             .columns = a_columns,
                                             .classes = a_classes,
                                             .rowid_column = A_ID,
                                             .live_rows = 100000,
                                             .indexes = &by_id,
                                             .index_count = 1};
static const struct catalog_table table_b = {.tid = 2,
                                             .name = "b",
                                             .column_count = B_COLUMNS,
                                             .columns = b_columns,
                                             .classes = b_classes,
                                             .rowid_column = B_ID,
                                             .live_rows = 10,
                                             .indexes = &by_id,
                                             .index_count = 1};

struct fixture {
    struct arena arena;
    yoda_error err;
    struct query q;
    struct rel *a, *b;
};

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    arena_init(&f->arena, NULL);
    f->q.arena = &f->arena;
    f->q.err = &f->err;
    f->q.build = (struct expr_builder){&f->arena, &f->err};
    assert_int_equal(rel_scan(&f->q, &table_a, &f->a), YODA_OK);
    assert_int_equal(rel_scan(&f->q, &table_b, &f->b), YODA_OK);
}

static expr_ref in(struct fixture *f, uint32_t column)
{
    expr_ref e = NULL;
    assert_int_equal(rel_input(&f->q, column, &e), YODA_OK);
    return e;
}

static expr_ref number(struct fixture *f, int64_t i)
{
    expr_ref e = NULL;
    struct value v = value_int(i);
    assert_int_equal(expr_constant(&f->q.build, &v, &e), YODA_OK);
    return e;
}

static expr_ref compare(struct fixture *f, enum expr_op op, expr_ref a, expr_ref c)
{
    expr_ref e = NULL;
    assert_int_equal(expr_compare(&f->q.build, op, a, c, &e), YODA_OK);
    return e;
}

static expr_ref arithmetic(struct fixture *f, enum expr_op op, expr_ref a, expr_ref c)
{
    expr_ref e = NULL;
    assert_int_equal(expr_arithmetic(&f->q.build, op, a, c, &e), YODA_OK);
    return e;
}

static uint32_t compute(struct fixture *f, struct rel **rel, expr_ref e)
{
    uint32_t column = 0;
    assert_int_equal(rel_compute(&f->q, rel, e, NULL, &column), YODA_OK);
    return column;
}

static struct rel *join(struct fixture *f, enum rel_join kind, struct rel *left, struct rel *right,
                        expr_ref on)
{
    struct rel *rel = NULL;
    assert_int_equal(rel_join(&f->q, kind, left, right, &rel), YODA_OK);
    if (on)
        assert_int_equal(expr_list_add_and(&f->q, &rel->u.join.on, on), YODA_OK);
    return rel;
}

static const struct plan *lower(struct fixture *f, struct rel *rel, const uint32_t *columns,
                                uint32_t count)
{
    struct plan *plan = NULL;
    const struct rel_select select = {.rel = rel, .columns = columns, .column_count = count};
    yoda_status status = lower_select(&f->q, &select, &plan);
    if (status != YODA_OK)
        fail_msg("lowering: %s", f->err.message);
    assert_int_equal(plan->column_count, count);
    return plan;
}

/* The tree without estimates. */
static void add_line(void *ctx, const struct plan *plan, uint32_t depth, const char *branch,
                     const char *text)
{
    struct str *out = ctx;
    (void)plan;
    (void)branch;
    str_printf(out, "%*s%s\n", (int)(2 * depth), "", text);
}

static void expect(struct fixture *f, struct rel *rel, const uint32_t *columns, uint32_t count,
                   const char *text)
{
    yoda_error err;
    struct str s;
    str_init(&s);
    const struct plan_lines lines = {.line = add_line, .ctx = &s};
    OK(plan_draw(lower(f, rel, columns, count), &lines, &err));
    assert_string_equal(str_text(&s), text);
    str_deinit(&s);
    arena_deinit(&f->arena);
}

#define EXPECT(f, rel, text, ...)                                                                  \
    expect(f, rel, (const uint32_t[]){__VA_ARGS__},                                                \
           sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), text)

/* Columns of b follow those of a. */
#define BY (A_COLUMNS + B_Y)
#define BID (A_COLUMNS + B_ID)

static void test_scan_prunes(void **state)
{
    (void)state;
    struct fixture f;
    struct rel *rel;
    begin(&f);
    assert_int_equal(rel_filter(&f.q, f.a, compare(&f, OP_GT, in(&f, A_ID), number(&f, 5)), &rel),
                     YODA_OK);
    EXPECT(&f, rel, "PROJECT name, b\n  SCAN a (id, b, name) where id > 5\n", A_NAME, A_B);
    begin(&f);
    EXPECT(&f, f.a, "SCAN a (b, name)\n", A_B, A_NAME);
    begin(&f);
    EXPECT(&f, f.a, "PROJECT b, b\n  SCAN a (b)\n", A_B, A_B);
}

/* Cheap chains are one PROJECT; what is read twice is computed once. */
static void test_maps(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct rel *rel = f.a;
    uint32_t p = compute(&f, &rel, arithmetic(&f, OP_ADD, in(&f, A_ID), number(&f, 1)));
    uint32_t q = compute(&f, &rel, arithmetic(&f, OP_MUL, in(&f, p), in(&f, A_ID)));
    EXPECT(&f, rel, "PROJECT (id + 1) * id, id\n  SCAN a (id)\n", q, A_ID);
    begin(&f);
    rel = f.a;
    p = compute(&f, &rel, arithmetic(&f, OP_ADD, in(&f, A_ID), number(&f, 1)));
    q = compute(&f, &rel, arithmetic(&f, OP_MUL, in(&f, p), in(&f, p)));
    EXPECT(&f, rel,
           "PROJECT (id + 1) * (id + 1)\n"
           "  PROJECT id + 1\n"
           "    SCAN a (id)\n",
           q);
}

static void test_maps_keep_what_is_read(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct rel *rel = f.a;
    uint32_t p = compute(&f, &rel, arithmetic(&f, OP_ADD, in(&f, A_ID), number(&f, 1)));
    uint32_t unread = compute(&f, &rel, arithmetic(&f, OP_ADD, in(&f, A_B), number(&f, 2)));
    uint32_t q = compute(&f, &rel, arithmetic(&f, OP_ADD, in(&f, p), number(&f, 3)));
    (void)unread;
    const struct plan *plan = lower(&f, rel, (const uint32_t[]){p, q, p}, 3);
    assert_int_equal(plan->kind, PLAN_PROJECT);
    assert_int_equal(plan->child->kind, PLAN_PROJECT);
    assert_int_equal(plan->child->column_count, 1);
    assert_int_equal(plan->child->child->column_count, 1);
    arena_deinit(&f.arena);
}

static void test_join_sides(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct rel *rel =
        join(&f, REL_INNER, f.a, f.b, compare(&f, OP_EQ, in(&f, BID), in(&f, A_B)));
    EXPECT(&f, rel,
           "PROJECT y, x\n"
           "  INNER JOIN on b = bid (unique)\n"
           "    SCAN a (b, x)\n"
           "    SCAN b (bid, y)\n",
           BY, A_X);
    begin(&f); /* the small left side is built */
    rel = join(&f, REL_LEFT, f.b, f.a, compare(&f, OP_EQ, in(&f, BID), in(&f, A_B)));
    EXPECT(&f, rel,
           "PROJECT y, x\n"
           "  RIGHT JOIN on b = bid (unique)\n"
           "    SCAN a (b, x)\n"
           "    SCAN b (bid, y)\n",
           BY, A_X);
    begin(&f);
    rel = join(&f, REL_ANTI, f.b, f.a, compare(&f, OP_EQ, in(&f, A_B), in(&f, BID)));
    EXPECT(&f, rel,
           "PROJECT y\n"
           "  RIGHT ANTI JOIN on b = bid (unique)\n"
           "    SCAN a (b)\n"
           "    SCAN b (bid, y)\n",
           BY);
    begin(&f); /* unless NULLs matter */
    rel = join(&f, REL_ANTI, f.b, f.a, compare(&f, OP_EQ, in(&f, A_B), in(&f, BID)));
    rel->u.join.null_aware = true;
    EXPECT(&f, rel,
           "PROJECT y\n"
           "  ANTI JOIN on bid = b (null-aware)\n"
           "    SCAN b (bid, y)\n"
           "    SCAN a (b)\n",
           BY);
}

static void test_join_conditions(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct rel *rel =
        join(&f, REL_INNER, f.a, f.b, compare(&f, OP_LT, in(&f, A_B), in(&f, BY)));
    EXPECT(&f, rel,
           "PROJECT id\n"
           "  CROSS JOIN where b < y\n"
           "    SCAN a (id, b)\n"
           "    SCAN b (y)\n",
           A_ID);
    begin(&f); /* a constant is no key */
    rel = join(&f, REL_LEFT, f.a, f.b, compare(&f, OP_EQ, in(&f, A_B), in(&f, BY)));
    assert_int_equal(expr_list_add(&f.q, &rel->u.join.on,
                                   compare(&f, OP_EQ, in(&f, BID), number(&f, 3))),
                     YODA_OK);
    EXPECT(&f, rel,
           "PROJECT id\n"
           "  LEFT JOIN on b = y where bid = 3\n"
           "    SCAN a (id, b)\n"
           "    SCAN b (bid, y)\n",
           A_ID);
}

static void test_mark(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct rel *rel = join(&f, REL_MARK, f.a, f.b, compare(&f, OP_EQ, in(&f, A_B), in(&f, BY)));
    struct rel_column mark = {.name = "mark", .type = VT_INT, .classes = CLASS_INTEGER};
    assert_int_equal(rel_new_column(&f.q, &mark, &rel->u.join.mark), YODA_OK);
    uint32_t column = rel->u.join.mark;
    EXPECT(&f, rel,
           "PROJECT id, mark\n"
           "  MARK JOIN on b = y\n"
           "    SCAN a (id, b)\n"
           "    SCAN b (y)\n",
           A_ID, column);
}

static struct rel *aggregate(struct fixture *f, struct rel *child, bool keyed, uint32_t *keys,
                             uint32_t key_count, struct aggregate *aggregates, uint32_t count)
{
    struct rel *rel = NULL;
    assert_int_equal(rel_new(&f->q, REL_AGGREGATE, child, &rel), YODA_OK);
    rel->u.aggregate.keyed = keyed;
    rel->u.aggregate.keys = keys;
    rel->u.aggregate.key_count = key_count;
    rel->u.aggregate.aggregates = aggregates;
    rel->u.aggregate.count = count;
    rel->u.aggregate.columns = arena_array(&f->arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(aggregate_init(&aggregates[i], &f->err), YODA_OK);
        struct rel_column column = {.type = aggregates[i].type,
                                    .classes = aggregates[i].classes};
        assert_int_equal(rel_new_column(&f->q, &column, &rel->u.aggregate.columns[i]), YODA_OK);
    }
    return rel;
}

/* Computed keys and arguments go into the aggregation; nobody computes what is not read. */
static void test_aggregate(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct rel *rel = f.a;
    uint32_t key = compute(&f, &rel, arithmetic(&f, OP_MOD, in(&f, A_ID), number(&f, 7)));
    uint32_t arg = compute(&f, &rel, arithmetic(&f, OP_MUL, in(&f, A_X), number(&f, 2)));
    struct aggregate a[3] = {{.kind = AGG_SUM, .arg = in(&f, arg)},
                             {.kind = AGG_AVG, .arg = in(&f, arg)},
                             {.kind = AGG_COUNT, .arg = in(&f, A_NAME)}};
    rel = aggregate(&f, rel, true, &key, 1, a, 3);
    uint32_t *columns = rel->u.aggregate.columns;
    EXPECT(&f, rel,
           "AGGREGATE by id % 7: sum(x * 2), avg(x * 2)\n"
           "  SCAN a (id, x)\n",
           key, columns[0], columns[1]);
}

static void test_constant_groups(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct aggregate a[1] = {{.kind = AGG_SUM, .arg = in(&f, A_B)}};
    struct rel *rel = aggregate(&f, f.a, true, NULL, 0, a, 1);
    uint32_t sum = rel->u.aggregate.columns[0];
    EXPECT(&f, rel,
           "PROJECT sum(b)\n"
           "  FILTER count(*) > 0\n"
           "    AGGREGATE: sum(b), count(*)\n"
           "      SCAN a (b)\n",
           sum);
    begin(&f); /* one row, whatever is read of it */
    struct aggregate unread[1] = {{.kind = AGG_SUM, .arg = in(&f, A_B)}};
    rel = aggregate(&f, f.a, false, NULL, 0, unread, 1);
    uint32_t one = compute(&f, &rel, number(&f, 1));
    EXPECT(&f, rel, "PROJECT 1\n  AGGREGATE: count(*)\n    SCAN a ()\n", one);
}

static void test_distinct(void **state)
{
    (void)state;
    struct fixture f;
    struct rel *rel;
    begin(&f);
    const uint32_t columns[] = {A_B, A_NAME};
    assert_int_equal(rel_distinct(&f.q, f.a, columns, 2, &rel), YODA_OK);
    EXPECT(&f, rel, "DISTINCT b, name\n  SCAN a (b, name)\n", A_B, A_NAME);
}

static void test_top(void **state)
{
    (void)state;
    struct fixture f;
    struct rel *sort, *limit;
    struct sort_key key = {.column = A_X, .descending = true, .nulls_last = true};
    begin(&f);
    assert_int_equal(rel_new(&f.q, REL_SORT, f.a, &sort), YODA_OK);
    sort->u.sort.keys = &key;
    sort->u.sort.key_count = 1;
    sort->u.sort.limit = UINT64_MAX;
    struct rel *rel = sort;
    uint32_t twice = compute(&f, &rel, arithmetic(&f, OP_MUL, in(&f, A_ID), number(&f, 2)));
    assert_int_equal(rel_new(&f.q, REL_LIMIT, rel, &limit), YODA_OK);
    limit->u.limit.limit = 10;
    limit->u.limit.offset = 5;
    EXPECT(&f, limit,
           "LIMIT 10 offset 5\n"
           "  PROJECT id * 2\n"
           "    SORT x DESC (top 15)\n"
           "      SCAN a (id, x)\n",
           twice);
}

static void test_set(void **state)
{
    (void)state;
    struct fixture f;
    struct rel *rel;
    begin(&f);
    struct rel *inputs[2] = {f.a, f.b};
    uint32_t first[2] = {A_B, A_ID}, second[2] = {BY, BID}, columns[2];
    uint32_t *input_columns[2] = {first, second};
    assert_int_equal(rel_new(&f.q, REL_SET, NULL, &rel), YODA_OK);
    rel->u.set.kind = SET_UNION_ALL;
    rel->u.set.inputs = inputs;
    rel->u.set.input_columns = input_columns;
    rel->u.set.input_count = 2;
    rel->u.set.columns = columns;
    rel->u.set.column_count = 2;
    for (int i = 0; i < 2; i++) {
        struct rel_column column = {.type = VT_INT, .classes = CLASS_INTEGER | CLASS_NULL};
        assert_int_equal(rel_new_column(&f.q, &column, &columns[i]), YODA_OK);
    }
    EXPECT(&f, rel,
           "UNION ALL\n"
           "  PROJECT b, id\n"
           "    SCAN a (id, b)\n"
           "  PROJECT y, bid\n"
           "    SCAN b (bid, y)\n",
           columns[0], columns[1]);
}

/* Two readers share one plan; one reader is no sharing at all. */
static void test_shared(void **state)
{
    (void)state;
    for (uint32_t readers = 1; readers <= 2; readers++) {
        struct fixture f;
        begin(&f);
        const uint32_t inner[] = {BID, BY};
        struct shared_rel shared = {
            .rel = f.b, .columns = inner, .column_count = 2, .readers = readers, .name = "c"};
        struct rel *reader[2];
        uint32_t columns[2][2];
        for (uint32_t r = 0; r < readers; r++) {
            assert_int_equal(rel_new(&f.q, REL_SHARED, NULL, &reader[r]), YODA_OK);
            reader[r]->u.shared.shared = &shared;
            reader[r]->u.shared.columns = columns[r];
            for (uint32_t i = 0; i < 2; i++) {
                struct rel_column column = f.q.columns[inner[i]];
                assert_int_equal(rel_new_column(&f.q, &column, &columns[r][i]), YODA_OK);
            }
        }
        if (readers == 1) {
            EXPECT(&f, reader[0], "PROJECT y\n  SCAN b (y)\n", columns[0][1]);
            continue;
        }
        struct rel *rel = join(&f, REL_INNER, reader[0], reader[1],
                               compare(&f, OP_EQ, in(&f, columns[0][0]), in(&f, columns[1][1])));
        const struct plan *plan = lower(&f, rel, columns[0], 2);
        const struct plan *both = plan->kind == PLAN_PROJECT ? plan->child : plan;
        assert_int_equal(both->kind, PLAN_JOIN);
        assert_ptr_equal(both->child->child, both->u.join.build->child);
        assert_int_equal(plan_number((struct plan *)plan), plan->kind == PLAN_PROJECT ? 6 : 5);
        arena_deinit(&f.arena);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    struct fixture f;
    struct rel *rel;
    struct plan *plan;
    const uint32_t column = A_ID;
    begin(&f);
    assert_int_equal(rel_new(&f.q, REL_APPLY, f.a, &rel), YODA_OK);
    rel->right = f.b;
    struct rel_select select = {.rel = rel, .columns = &column, .column_count = 1};
    assert_int_equal(lower_select(&f.q, &select, &plan), YODA_NOT_COLUMNAR);
    const uint32_t elsewhere = BY;
    select = (struct rel_select){.rel = f.a, .columns = &elsewhere, .column_count = 1};
    assert_int_equal(lower_select(&f.q, &select, &plan), YODA_INTERNAL);
    arena_deinit(&f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan_prunes),
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_maps_keep_what_is_read),
        cmocka_unit_test(test_join_sides),
        cmocka_unit_test(test_join_conditions),
        cmocka_unit_test(test_mark),
        cmocka_unit_test(test_aggregate),
        cmocka_unit_test(test_constant_groups),
        cmocka_unit_test(test_distinct),
        cmocka_unit_test(test_top),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
