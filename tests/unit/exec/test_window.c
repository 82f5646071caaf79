/*
 * test_window.c -- window functions against SQLite over the same rows.
 *
 * Random windows: partitions, orders (with ties, NULLs first and last), all frames with all bounds
 * and all kinds of EXCLUDE, all functions, several calls in a node, several workers. Where the
 * order is total nothing may be refused; with ties a call may be refused for them.
 */
#include "expr_oracle.h"
#include "plan_fixture.h"
#include "sliding_extreme.h"

#include "olap/exec/window.h"

#include <math.h>

/* ---- SQLite beside the fixtures ---- */

static void exec_sql(const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(oracle_db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
}

static void bind_value(sqlite3_stmt *stmt, int at, const struct value *v)
{
    if (v->type == YODA_INTEGER)
        sqlite3_bind_int64(stmt, at, v->i);
    else if (v->type == YODA_REAL)
        sqlite3_bind_double(stmt, at, v->r);
    else if (v->type == YODA_TEXT)
        sqlite3_bind_text(stmt, at, v->p, (int)v->size, SQLITE_STATIC);
    else
        sqlite3_bind_null(stmt, at);
}

/* Tables t0, t1, t2: the rows of the fixtures. */
static void load_table(const struct fixture *f, int number)
{
    char sql[200];
    sqlite3_stmt *stmt;
    snprintf(sql, sizeof sql, "CREATE TABLE t%d(id, k, price, num, real, tag, day, word, big)",
             number);
    exec_sql(sql);
    snprintf(sql, sizeof sql, "INSERT INTO t%d VALUES (?,?,?,?,?,?,?,?,?)", number);
    assert_int_equal(sqlite3_prepare_v2(oracle_db, sql, -1, &stmt, NULL), SQLITE_OK);
    exec_sql("BEGIN");
    for (size_t i = 0; i < f->row_count; i++) {
        const struct value *row = oracle_row(f, i);
        for (int c = 0; row && c < COLUMNS; c++)
            bind_value(stmt, c + 1, &row[c]);
        if (row)
            assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
        sqlite3_reset(stmt);
    }
    exec_sql("COMMIT");
    sqlite3_finalize(stmt);
}

static int setup(void **state)
{
    oracle_open();
    sliding_register();
    window_set_compensated(sqlite3_libversion_number() >= 3043000);
    int result = fixtures_make(state);
    for (int s = 0; s < SETUPS; s++)
        load_table(&fixtures[s], s);
    return result;
}

/* The rows of a query become the expected ones; false: SQLite refuses it. */
static bool expect_sql(struct fixture *f, const char *sql)
{
    sqlite3_stmt *stmt;
    struct value row[16];
    int step;
    if (sqlite3_prepare_v2(oracle_db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(oracle_db));
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
        int n = sqlite3_column_count(stmt);
        for (int c = 0; c < n; c++) {
            int type = sqlite3_column_type(stmt, c);
            row[c] = type == SQLITE_INTEGER ? value_int(sqlite3_column_int64(stmt, c))
                     : type == SQLITE_FLOAT ? value_real(sqlite3_column_double(stmt, c))
                     : type == SQLITE_NULL
                         ? value_null()
                         : value_text((const char *)sqlite3_column_text(stmt, c),
                                      (size_t)sqlite3_column_bytes(stmt, c));
        }
        expect_row(f, row, (uint32_t)n);
    }
    sqlite3_finalize(stmt);
    return step == SQLITE_DONE;
}

static void forget_expected(struct fixture *f)
{
    free_lines(f->expected, f->expected_count);
    f->expected_count = 0;
}

/* ---- A random window, as a plan and as SQL ---- */

#define CALLS_MAX 3

struct sample {
    struct fixture *f;
    uint64_t *seed;
    struct plan *plan;
    struct window_call calls[CALLS_MAX];
    uint32_t partition[2];
    struct sort_key order[3];
    bool total;       /* the order has no ties */
    struct str select, over; /* SQL */
};

static const char *const names[COLUMNS] = {"id",  "k",   "price", "num", "real",
                                           "tag", "day", "word",  "big"};

static uint32_t pick(struct sample *s, uint32_t n)
{
    return (uint32_t)(test_random(s->seed) % n);
}

static expr_ref constant(struct sample *s, struct value v)
{
    yoda_error err;
    expr_ref e;
    OK(expr_constant(&s->f->b, &v, &e));
    return e;
}

static void make_partition(struct sample *s)
{
    static const uint32_t columns[] = {COL_K, COL_TAG, COL_DAY, COL_NUM, COL_WORD};
    uint32_t n = s->f->row_count > 100 ? 1 + pick(s, 2) : pick(s, 3);
    for (uint32_t i = 0; i < n; i++) {
        s->partition[i] = columns[pick(s, COUNT_OF(columns))];
        str_printf(&s->over, "%s%s", i ? ", " : "PARTITION BY ", names[s->partition[i]]);
    }
    s->plan->u.window.partition = s->partition;
    s->plan->u.window.partition_count = n;
}

static void add_order(struct sample *s, uint32_t column, uint32_t *n)
{
    struct sort_key *key = &s->order[(*n)++];
    bool nulls_first = pick(s, 2);
    *key = (struct sort_key){.column = column, .descending = pick(s, 2)};
    key->nulls_last = !nulls_first;
    str_printf(&s->over, "%s%s%s NULLS %s", *n == 1 ? " ORDER BY " : ", ", names[column],
               key->descending ? " DESC" : "", nulls_first ? "FIRST" : "LAST");
}

static void make_order(struct sample *s, bool one)
{
    static const uint32_t columns[] = {COL_K, COL_PRICE, COL_NUM, COL_REAL, COL_BIG, COL_TAG,
                                       COL_WORD};
    uint32_t n = 0, choice = pick(s, 8);
    if (one || choice > 1)
        add_order(s, columns[pick(s, one ? 5 : COUNT_OF(columns))], &n);
    if (!one && choice > 5)
        add_order(s, columns[pick(s, COUNT_OF(columns))], &n);
    s->total = !one && choice % 2;
    if (s->total)
        add_order(s, COL_ID, &n);
    s->plan->u.window.order = s->order;
    s->plan->u.window.order_count = n;
}

static struct value random_offset(struct sample *s, enum frame_mode mode)
{
    static const int64_t whole[] = {0, 1, 2, 5, 1000, 3};
    if (mode != FRAME_RANGE)
        return value_int(whole[pick(s, 6)]);
    return pick(s, 2) ? value_int(whole[pick(s, 5)]) : value_real(0.25 * (double)pick(s, 4000));
}

static void print_bound(struct sample *s, enum frame_bound bound, const struct value *offset)
{
    static const char *const words[] = {"UNBOUNDED PRECEDING", "PRECEDING", "CURRENT ROW",
                                        "FOLLOWING", "UNBOUNDED FOLLOWING"};
    if (bound == FRAME_PRECEDING || bound == FRAME_FOLLOWING) {
        if (offset->type == YODA_INTEGER)
            str_printf(&s->over, "%" PRId64 " ", offset->i);
        else
            str_printf(&s->over, "%.2f ", offset->r);
    }
    str_puts(&s->over, words[bound]);
}

/* Mode and bounds; then the ORDER BY that the mode asks for, and the frame's text. */
static void make_frame(struct sample *s)
{
    static const char *const modes[] = {" ROWS", " RANGE", " GROUPS"};
    static const char *const excludes[] = {"", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP",
                                           " EXCLUDE TIES"};
    struct window_frame *frame = &s->plan->u.window.frame;
    frame->mode = (enum frame_mode)pick(s, 3);
    frame->from = (enum frame_bound)pick(s, 4);
    do
        frame->to = (enum frame_bound)(1 + pick(s, 4));
    while (frame->to < frame->from);
    frame->from_offset = random_offset(s, frame->mode);
    frame->to_offset = random_offset(s, frame->mode);
    frame->exclude = s->f->row_count < 10000 && pick(s, 2) ? (enum frame_exclude)pick(s, 4)
                                                           : EXCLUDE_NO_OTHERS;
    bool offset = frame->from == FRAME_PRECEDING || frame->from == FRAME_FOLLOWING ||
                  frame->to == FRAME_PRECEDING || frame->to == FRAME_FOLLOWING;
    make_order(s, frame->mode == FRAME_RANGE && offset);
    if (frame->mode == FRAME_GROUPS && !s->plan->u.window.order_count)
        frame->mode = FRAME_ROWS;
    str_printf(&s->over, "%s BETWEEN ", modes[frame->mode]);
    print_bound(s, frame->from, &frame->from_offset);
    str_puts(&s->over, " AND ");
    print_bound(s, frame->to, &frame->to_offset);
    str_puts(&s->over, excludes[frame->exclude]);
}

/* ---- Calls ---- */

static void make_filter(struct sample *s, struct aggregate *a)
{
    if (pick(s, 4))
        return;
    compare(s->f, OP_GT, s->f->in[COL_K], value_int(2), &a->filter);
    str_puts(&s->select, " FILTER (WHERE k > 2)");
}

static void make_aggregate(struct sample *s, struct window_call *call)
{
    static const struct {
        enum aggregate_kind kind;
        const char *name;
    } kinds[] = {{AGG_COUNT_ROWS, "count(*)"}, {AGG_COUNT, "count"}, {AGG_SUM, "sum"},
                 {AGG_TOTAL, "total"},         {AGG_AVG, "avg"},     {AGG_MIN, "min"},
                 {AGG_MAX, "max"},             {AGG_GROUP_CONCAT, "group_concat"}};
    uint32_t k = pick(s, COUNT_OF(kinds) - (s->f->row_count > 1000)); /* long texts take long */
    static const uint32_t numbers[] = {COL_K, COL_PRICE, COL_NUM, COL_ID, COL_BIG};
    uint32_t column = k < 5 ? numbers[pick(s, 5)] : pick(s, COLUMNS);
    call->kind = WINDOW_AGGREGATE;
    call->aggregate.kind = kinds[k].kind;
    call->aggregate.arg = k ? s->f->in[column] : NULL;
    str_printf(&s->select, k ? ", %s(" : ", %s", kinds[k].name);
    if (k && column == COL_K) { /* an expression */
        yoda_error err;
        OK(expr_arithmetic(&s->f->b, OP_MUL, s->f->in[COL_K], constant(s, value_int(3)),
                           &call->aggregate.arg));
        str_puts(&s->select, "k * 3");
    } else if (k) {
        str_puts(&s->select, names[column]);
    }
    if (kinds[k].kind == AGG_GROUP_CONCAT && pick(s, 2)) {
        call->aggregate.separator = constant(s, value_text(" / ", 3));
        str_puts(&s->select, ", ' / '");
    }
    if (k)
        str_puts(&s->select, ")");
    make_filter(s, &call->aggregate);
}

static void make_shift(struct sample *s, struct window_call *call, uint32_t column)
{
    str_printf(&s->select, ", %s(%s", call->kind == WINDOW_LAG ? "lag" : "lead", names[column]);
    if (pick(s, 2)) {
        int64_t offset = (int64_t)pick(s, 5) - 1;
        bool varies = pick(s, 3) == 0;
        call->args[1] = varies ? s->f->in[COL_K] : constant(s, value_int(offset));
        call->arg_count = 2;
        if (varies)
            str_puts(&s->select, ", k");
        else
            str_printf(&s->select, ", %d", (int)offset);
        if (pick(s, 2) && column < COL_TAG) {
            call->args[2] = pick(s, 2) ? constant(s, value_int(-7)) : s->f->in[COL_PRICE];
            call->arg_count = 3;
            str_puts(&s->select, call->args[2]->kind == EXPR_CONST ? ", -7" : ", price");
        }
    }
    str_puts(&s->select, ")");
}

static void make_call(struct sample *s, struct window_call *call)
{
    static const char *const calls[] = {"row_number()", "rank()", "dense_rank()", "percent_rank()",
                                        "cume_dist()"};
    static const char *const values[] = {"first_value", "last_value", "nth_value"};
    uint32_t column = pick(s, COLUMNS), n = 1 + pick(s, 4);
    call->kind = (enum window_kind)pick(s, WINDOW_NTH_VALUE + 1);
    if (call->kind == WINDOW_AGGREGATE || pick(s, 2)) {
        make_aggregate(s, call);
        return;
    }
    call->args[0] = s->f->in[column];
    call->arg_count = 1;
    if (call->kind <= WINDOW_CUME_DIST) {
        call->arg_count = 0;
        str_printf(&s->select, ", %s", calls[call->kind - WINDOW_ROW_NUMBER]);
    } else if (call->kind == WINDOW_NTILE) {
        call->args[0] = constant(s, value_int((int64_t)n * n));
        str_printf(&s->select, ", ntile(%u)", n * n);
    } else if (call->kind == WINDOW_LAG || call->kind == WINDOW_LEAD) {
        make_shift(s, call, column);
    } else {
        str_printf(&s->select, ", %s(%s", values[call->kind - WINDOW_FIRST_VALUE], names[column]);
        if (call->kind == WINDOW_NTH_VALUE) {
            call->args[1] = constant(s, value_int(n));
            call->arg_count = 2;
            str_printf(&s->select, ", %u", n);
        }
        str_puts(&s->select, ")");
    }
}

/* The id and the calls. */
static const struct plan *finish_plan(struct sample *s, uint32_t calls)
{
    yoda_error err;
    struct fixture *f = s->f;
    enum vtype *types = arena_array(&f->arena, enum vtype, COLUMNS + CALLS_MAX);
    expr_ref exprs[1 + CALLS_MAX] = {f->in[COL_ID]};
    for (uint32_t c = 0; c < COLUMNS; c++)
        types[c] = f->types[c];
    struct window_call *copy = arena_array(&f->arena, struct window_call, CALLS_MAX);
    for (uint32_t i = 0; i < calls; i++) {
        struct expr *e = arena_new(&f->arena, struct expr);
        copy[i] = s->calls[i];
        OK(window_call_init(&copy[i], &err));
        types[COLUMNS + i] = copy[i].type;
        *e = (struct expr){.kind = EXPR_INPUT, .type = copy[i].type, .nullable = true,
                           .slot = COLUMNS + i};
        exprs[1 + i] = e;
    }
    s->plan->types = types;
    s->plan->column_count = COLUMNS + calls;
    s->plan->u.window.calls = copy;
    s->plan->u.window.call_count = calls;
    return plan_project(f, s->plan, exprs, 1 + calls);
}

static unsigned ran, refused;

/* Ties, or what SQLite's own state makes of empty texts: the only reasons for a refusal. */
static bool may_refuse(const struct sample *s, const char *message)
{
    return strstr(message, "empty text") || strstr(message, "with FILTER") ||
           strstr(message, "negative offset") || (!s->total && strstr(message, "the order of equal"));
}

/* The first line that differs; the count: none. Ties are added in an order of their own. */
static size_t first_difference(const struct sample *s, char **lines)
{
    const struct fixture *f = s->f;
    size_t i = 0;
    assert_int_equal(f->out.rows, f->expected_count);
    while (i < f->expected_count && (s->total ? strcmp(lines[i], f->expected[i]) == 0
                                              : same_line(lines[i], f->expected[i], 1e-7)))
        i++;
    return i;
}

/* SQLite's answer, as by_line sorts it. */
static void expect_sorted(struct fixture *f, const char *sql)
{
    forget_expected(f);
    assert_true(expect_sql(f, sql));
    qsort(f->expected, f->expected_count, sizeof *f->expected, by_line);
}

/* Ask again with the functions of sliding_extreme.h. */
static void expect_slowly(struct fixture *f, const char *sql)
{
    struct str slow;
    str_init(&slow);
    for (const char *at = sql; *at; at++) {
        bool extreme = strncmp(at, " max(", 5) == 0 || strncmp(at, " min(", 5) == 0;
        str_puts(&slow, extreme ? " sliding_" : (char[]){*at, 0});
    }
    expect_sorted(f, str_text(&slow));
    str_deinit(&slow);
}

static void check_lines(struct sample *s, char **lines, const char *sql)
{
    struct fixture *f = s->f;
    const struct window_frame *frame = &s->plan->u.window.frame;
    bool slides = frame->from != FRAME_UNBOUNDED_PRECEDING && frame->exclude == EXCLUDE_NO_OTHERS;
    expect_sorted(f, sql);
    size_t i = first_difference(s, lines);
    if (i < f->expected_count && slides) {
        expect_slowly(f, sql);
        i = first_difference(s, lines);
    }
    if (i < f->expected_count)
        fail_msg("%s\n  columns %s\n  SQLite  %s", sql, lines[i], f->expected[i]);
}

static void check_sample(struct sample *s, const struct plan *plan, uint32_t visible, int table)
{
    yoda_error err = {0};
    struct fixture *f = s->f;
    struct str sql;
    str_init(&sql);
    str_printf(&sql, "SELECT id%s FROM t%d WINDOW w AS (%s)", str_text(&s->select), table,
               str_text(&s->over));
    f->pool = f->pools[pick(s, 3)];
    f->knobs.vector_rows = pick(s, 2) ? 1 + pick(s, 300) : 0;
    yoda_status status = run_plan(f, plan, visible, &err);
    f->knobs.vector_rows = 0;
    if (status == YODA_OK) {
        char **lines = result_lines(f, visible);
        qsort(lines, f->out.rows, sizeof *lines, by_line);
        check_lines(s, lines, str_text(&sql));
        free_lines(lines, f->out.rows);
        free(lines);
        batch_list_deinit(&f->out);
        forget_expected(f);
        ran++;
    } else if (status == YODA_NOT_COLUMNAR && may_refuse(s, err.message)) {
        refused++;
    } else {
        fail_msg("%s: %d %s", str_text(&sql), (int)status, err.message);
    }
    str_deinit(&sql);
}

/* " OVER w" behind each call, behind its FILTER. */
static void run_sample(struct fixture *f, int table, uint64_t *seed)
{
    struct sample s = {.f = f, .seed = seed};
    uint32_t calls = 1 + pick(&s, CALLS_MAX);
    str_init(&s.select);
    str_init(&s.over);
    s.plan = plan_new(f, PLAN_WINDOW, plan_scan(f, NULL, 0), NULL, 0);
    make_partition(&s);
    make_frame(&s);
    for (uint32_t i = 0; i < calls; i++) {
        make_call(&s, &s.calls[i]);
        str_puts(&s.select, " OVER w");
    }
    const struct plan *plan = finish_plan(&s, calls);
    check_sample(&s, plan, 1 + calls, table);
    str_deinit(&s.select);
    str_deinit(&s.over);
}

static void test_random_windows(void **state)
{
    (void)state;
    static const unsigned cases[SETUPS] = {1500, 60, 2};
    uint64_t seed = fixtures_seed + 1;
    for (int t = 0; t < SETUPS; t++)
        for (unsigned i = 0; i < cases[t] * scale_percent() / 100 + 1; i++)
            run_sample(&fixtures[t], t, &seed);
    print_message("%u windows compared, %u refused for ties\n", ran, refused);
    assert_true(ran > refused / 2);
}

/* ---- Limits ---- */

/* Calls of most kinds over all rows as one partition, in the order of id. */
static const struct plan *plan_calls(struct fixture *f)
{
    static const struct sort_key by_id = {.column = COL_ID};
    static const enum aggregate_kind kinds[] = {AGG_COUNT, AGG_SUM, AGG_AVG, AGG_MAX,
                                                AGG_GROUP_CONCAT};
    static const enum window_kind others[] = {WINDOW_ROW_NUMBER, WINDOW_LAG, WINDOW_FIRST_VALUE};
    uint32_t aggregates = COUNT_OF(kinds), count = aggregates + COUNT_OF(others);
    struct window_call *calls = arena_array(&f->arena, struct window_call, count);
    enum vtype *types = arena_array(&f->arena, enum vtype, COLUMNS + count);
    memcpy(types, f->types, sizeof f->types);
    for (uint32_t i = 0; i < count; i++) {
        yoda_error err;
        if (i < aggregates) {
            calls[i].kind = WINDOW_AGGREGATE;
            calls[i].aggregate = (struct aggregate){.kind = kinds[i], .arg = f->in[COL_BIG]};
        } else {
            calls[i].kind = others[i - aggregates];
            calls[i].args[0] = f->in[COL_BIG];
            calls[i].arg_count = calls[i].kind != WINDOW_ROW_NUMBER;
        }
        OK(window_call_init(&calls[i], &err));
        types[COLUMNS + i] = calls[i].type;
    }
    struct plan *plan = plan_new(f, PLAN_WINDOW, plan_scan(f, NULL, 0), types, COLUMNS + count);
    plan->u.window.order = &by_id;
    plan->u.window.order_count = 1;
    plan->u.window.calls = calls;
    plan->u.window.call_count = count;
    plan->u.window.frame = (struct window_frame){.mode = FRAME_ROWS, .from = FRAME_PRECEDING,
                                                 .from_offset = value_int(3),
                                                 .to = FRAME_CURRENT_ROW};
    return plan;
}

/* Each allocation fails once; then the budget is short. */
static void test_failing_memory(void **state)
{
    (void)state;
    yoda_error err;
    struct fixture *f = &fixtures[1];
    const struct plan *plan = plan_calls(f);
    uint64_t before = atomic_load(&f->budget.used_bytes), n = 1;
    f->pool = f->pools[1];
    for (;; n += n / 20 + 1) {
        mem_fail_after(n, false);
        yoda_status status = run_plan(f, plan, plan->column_count, &err);
        mem_fail_after(0, false);
        if (status == YODA_OK)
            break;
        assert_int_equal(status, YODA_NOMEM);
        assert_int_equal(atomic_load(&f->budget.used_bytes), before);
    }
    batch_list_deinit(&f->out);
    assert_true(n > 50);
    for (uint64_t room = 10000; room < 1000000; room *= 3) {
        f->budget.limit_bytes = before + room;
        FAILS(YODA_NOMEM, run_plan(f, plan, plan->column_count, &err));
        assert_int_equal(atomic_load(&f->budget.used_bytes), before);
    }
    f->budget.limit_bytes = 0;
}

#define HUGE_ROWS (2 * WINDOW_CHECK_ROWS)

/* However the partition is cut into peer groups, no call goes through it without a look at the
 * cancel flag. */
static void check_interrupted(struct fixture *f, const struct plan *plan, bool one_group)
{
    yoda_error err;
    _Atomic bool cancel = true;
    struct run_context context = {.cancel = &cancel};
    struct run run = {.context = &context};
    struct arena arena, scratch;
    static uint32_t group[HUGE_ROWS], first[HUGE_ROWS + 1], lo[HUGE_ROWS], hi[HUGE_ROWS];
    static int64_t data[HUGE_ROWS], sums[2 * HUGE_ROWS];
    static uint8_t tags[HUGE_ROWS], out_tags[HUGE_ROWS];
    struct window_column in = {VT_INT, data, tags};
    struct window_setup setup = {.run = &run, .plan = plan};
    struct window_partition p = {.setup = &setup, .arena = &arena, .scratch = &scratch,
                                 .inputs = &in, .rows = HUGE_ROWS, .group = group,
                                 .group_first = first, .lo = lo, .hi = hi};
    arena_init(&arena, &f->budget);
    arena_init(&scratch, &f->budget);
    p.group_count = one_group ? 1 : HUGE_ROWS;
    for (uint32_t i = 0; i < HUGE_ROWS; i++) {
        group[i] = one_group ? 0 : i;
        first[i] = i;
        hi[i] = HUGE_ROWS;
    }
    first[p.group_count] = HUGE_ROWS;
    for (uint32_t c = 0; c < plan->u.window.call_count; c++) {
        const struct window_call *call = &plan->u.window.calls[c];
        struct window_use use = {call, {0, WINDOW_NONE, WINDOW_NONE}, WINDOW_NONE, 0};
        struct window_column out = {call->type, sums, out_tags};
        assert_int_equal(window_evaluate(&p, &use, &out, &err), YODA_INTERRUPTED);
    }
    assert_int_equal(window_frames(&p, lo, hi, &err), YODA_INTERRUPTED);
    arena_deinit(&arena);
    arena_deinit(&scratch);
}

static void test_cancel_in_partition(void **state)
{
    (void)state;
    struct fixture *f = &fixtures[0];
    const struct plan *plan = plan_calls(f);
    check_interrupted(f, plan, true);
    check_interrupted(f, plan, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_windows),
        cmocka_unit_test(test_failing_memory),
        cmocka_unit_test(test_cancel_in_partition),
    };
    return cmocka_run_group_tests(tests, setup, fixtures_free);
}
