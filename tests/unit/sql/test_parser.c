/*
 * test_parser.c -- the shape of the tree, literals, parameters, statement ends, limits.
 *
 * Expressions are dumped fully parenthesised, so that precedence and associativity can be read.
 */
#include "test.h"

#include "base/str.h"
#include "olap/exec/expr.h"
#include "sql/sql.h"

static const char *const op_names[] = {
    [AST_OP_NONE] = "",         [AST_OP_NOT] = "NOT",        [AST_OP_MINUS] = "-",
    [AST_OP_PLUS] = "+",        [AST_OP_BIT_NOT] = "~",      [AST_OP_OR] = "OR",
    [AST_OP_AND] = "AND",       [AST_OP_EQ] = "=",           [AST_OP_NE] = "<>",
    [AST_OP_LT] = "<",          [AST_OP_LE] = "<=",          [AST_OP_GT] = ">",
    [AST_OP_GE] = ">=",         [AST_OP_IS] = "IS",          [AST_OP_IS_NOT] = "ISNOT",
    [AST_OP_LIKE] = "LIKE",     [AST_OP_GLOB] = "GLOB",      [AST_OP_REGEXP] = "REGEXP",
    [AST_OP_MATCH] = "MATCH",   [AST_OP_BIT_AND] = "&",      [AST_OP_BIT_OR] = "|",
    [AST_OP_SHIFT_LEFT] = "<<", [AST_OP_SHIFT_RIGHT] = ">>", [AST_OP_ADD] = "+",
    [AST_OP_SUB] = "-",         [AST_OP_MUL] = "*",          [AST_OP_DIV] = "/",
    [AST_OP_MOD] = "%",         [AST_OP_CONCAT] = "||",      [AST_OP_ARROW] = "->",
    [AST_OP_ARROW2] = "->>"};

static void dump_select(struct str *out, const struct ast_select *select);
static void dump(struct str *out, const struct ast_expr *e);

static void dump_list(struct str *out, const struct ast_expr *e)
{
    for (; e; e = e->next) {
        dump(out, e);
        str_puts(out, e->next ? ", " : "");
    }
}

static void dump_value(struct str *out, const struct value *v)
{
    switch (v->type) {
    case YODA_INTEGER:
        str_printf(out, "%lld", (long long)v->i);
        break;
    case YODA_REAL:
        str_printf(out, "%gr", v->r);
        break;
    case YODA_TEXT:
        str_literal(out, v->p, v->size);
        break;
    case YODA_BLOB:
        str_printf(out, "blob%u", v->size);
        break;
    default:
        str_puts(out, "NULL");
    }
}

static void dump_order(struct str *out, const struct ast_order *order)
{
    for (; order; order = order->next) {
        str_puts(out, " by ");
        dump(out, order->expr);
        str_puts(out, order->descending ? " desc" : "");
        str_puts(out, order->nulls == AST_NULLS_FIRST  ? " first"
                      : order->nulls == AST_NULLS_LAST ? " last"
                                                       : "");
    }
}

static void dump_window(struct str *out, const struct ast_window *w)
{
    str_printf(out, " over[%s%s", w->name.text ? w->name.text : "",
               w->base.text ? w->base.text : "");
    if (w->partition) {
        str_puts(out, " part ");
        dump_list(out, w->partition);
    }
    dump_order(out, w->order);
    if (w->has_frame)
        str_printf(out, " frame %d %d %d %d", (int)w->frame_mode, (int)w->from, (int)w->to,
                   (int)w->exclude);
    str_puts(out, "]");
}

static void dump_two(struct str *out, const struct ast_expr *e, const char *op)
{
    dump(out, e->left);
    str_printf(out, " %s%s ", e->negated ? "NOT " : "", op);
    if (e->right)
        dump(out, e->right);
}

static void dump_call(struct str *out, const struct ast_expr *e)
{
    str_printf(out, "%s(%s%s", e->name.text, e->star ? "*" : "", e->distinct ? "DISTINCT " : "");
    dump_list(out, e->args);
    str_puts(out, ")");
    if (e->filter) {
        str_puts(out, " filter ");
        dump(out, e->filter);
    }
    if (e->over)
        dump_window(out, e->over);
}

static void dump_case(struct str *out, const struct ast_expr *e)
{
    str_puts(out, "CASE ");
    if (e->left)
        dump(out, e->left);
    str_puts(out, ":");
    dump_list(out, e->args);
    str_puts(out, ":");
    if (e->right)
        dump(out, e->right);
}

static void dump(struct str *out, const struct ast_expr *e)
{
    bool leaf = e->kind == AST_LITERAL || e->kind == AST_COLUMN || e->kind == AST_PARAMETER ||
                e->kind == AST_CURRENT || e->kind == AST_FUNCTION;
    str_puts(out, leaf ? "" : "(");
    switch (e->kind) {
    case AST_LITERAL:
        dump_value(out, &e->literal);
        break;
    case AST_COLUMN:
        str_printf(out, "%s%s%s%s%s", e->schema.text ? e->schema.text : "",
                   e->schema.text ? "." : "", e->table.text ? e->table.text : "",
                   e->table.text ? "." : "", e->name.text);
        break;
    case AST_PARAMETER:
        str_printf(out, "?%u", e->parameter);
        break;
    case AST_UNARY:
        str_printf(out, "%s ", op_names[e->op]);
        dump(out, e->left);
        break;
    case AST_BINARY:
    case AST_LIKE:
        dump_two(out, e, op_names[e->op]);
        if (e->third) {
            str_puts(out, " ESCAPE ");
            dump(out, e->third);
        }
        break;
    case AST_BETWEEN:
        dump_two(out, e, "BETWEEN");
        str_puts(out, " .. ");
        dump(out, e->third);
        break;
    case AST_IN_LIST:
        dump_two(out, e, "IN");
        dump_list(out, e->args);
        break;
    case AST_IN_TABLE:
        dump_two(out, e, "IN");
        str_puts(out, e->table.text);
        dump_list(out, e->args);
        break;
    case AST_IN_SELECT:
        dump_two(out, e, "IN");
        dump_select(out, e->select);
        break;
    case AST_IS_NULL:
        dump_two(out, e, "NULL");
        break;
    case AST_CASE:
        dump_case(out, e);
        break;
    case AST_CAST:
        str_printf(out, "CAST '%s' ", e->name.text);
        dump(out, e->left);
        break;
    case AST_COLLATE:
        dump(out, e->left);
        str_printf(out, " COLLATE %s", e->name.text);
        break;
    case AST_FUNCTION:
        dump_call(out, e);
        break;
    case AST_EXISTS:
    case AST_SUBQUERY:
        str_puts(out, e->kind == AST_EXISTS ? "EXISTS " : "");
        dump_select(out, e->select);
        break;
    case AST_ROW:
        str_puts(out, "ROW ");
        dump_list(out, e->args);
        break;
    default:
        str_puts(out, e->name.text ? e->name.text : "?");
    }
    str_puts(out, leaf ? "" : ")");
}

static void dump_sources(struct str *out, const struct ast_source *s)
{
    static const char *const joins[] = {"",       ", ",      " JOIN ", " CROSS ",
                                        " LEFT ", " RIGHT ", " FULL "};
    for (; s; s = s->next) {
        str_printf(out, "%s%s", joins[s->join], s->natural ? "natural " : "");
        if (s->kind == AST_SOURCE_GROUP || s->kind == AST_SOURCE_SELECT) {
            str_puts(out, "{");
            if (s->group)
                dump_sources(out, s->group);
            else
                dump_select(out, s->select);
            str_puts(out, "}");
        } else {
            str_puts(out, s->name.text);
        }
        if (s->alias.text)
            str_printf(out, ":%s", s->alias.text);
        if (s->on) {
            str_puts(out, " on ");
            dump(out, s->on);
        }
        if (s->using_columns) {
            str_puts(out, " using ");
            dump_list(out, s->using_columns);
        }
    }
}

static void dump_core(struct str *out, const struct ast_core *core)
{
    static const char *const compounds[] = {"", " U ", " UA ", " I ", " E "};
    str_puts(out, compounds[core->compound]);
    str_puts(out, core->kind == AST_CORE_VALUES ? "VALUES "
                  : core->distinct              ? "SELECT DISTINCT "
                                                : "SELECT ");
    dump_list(out, core->rows);
    for (const struct ast_result *r = core->results; r; r = r->next) {
        if (r->expr)
            dump(out, r->expr);
        else
            str_printf(out, "%s*", r->table.text ? r->table.text : "");
        if (r->alias.text)
            str_printf(out, " as %s", r->alias.text);
        str_puts(out, r->next ? ", " : "");
    }
    if (core->from) {
        str_puts(out, " from ");
        dump_sources(out, core->from);
    }
    if (core->where) {
        str_puts(out, " where ");
        dump(out, core->where);
    }
    if (core->group_by) {
        str_puts(out, " group ");
        dump_list(out, core->group_by);
    }
    for (const struct ast_window *w = core->windows; w; w = w->next)
        dump_window(out, w);
}

static void dump_select(struct str *out, const struct ast_select *select)
{
    for (const struct ast_cte *cte = select->ctes; cte; cte = cte->next) {
        str_printf(out, "with%s %s %d {", select->recursive ? " rec" : "", cte->name.text,
                   (int)cte->hint);
        dump_select(out, cte->select);
        str_puts(out, "} ");
    }
    for (const struct ast_core *core = select->cores; core; core = core->next)
        dump_core(out, core);
    dump_order(out, select->order_by);
    if (select->limit) {
        str_puts(out, " limit ");
        dump(out, select->limit);
    }
    if (select->offset) {
        str_puts(out, " offset ");
        dump(out, select->offset);
    }
}

static void expect_tree(const char *sql, const char *want)
{
    yoda_error err;
    struct arena arena;
    struct ast_statement *statement;
    arena_init(&arena, NULL);
    OK(sql_parse(sql, strlen(sql), &arena, &statement, &err));
    struct str out;
    str_init(&out);
    dump_select(&out, statement->select);
    assert_string_equal(str_text(&out), want);
    str_deinit(&out);
    arena_deinit(&arena);
}

static void test_precedence(void **state)
{
    (void)state;
    expect_tree("SELECT a OR b AND NOT c = d", "SELECT (a OR (b AND (NOT (c = d))))");
    expect_tree("SELECT a = NOT b = c", "SELECT (a = (NOT (b = c)))");
    expect_tree("SELECT 1 - 2 - 3 * 4 || 5", "SELECT ((1 - 2) - (3 * (4 || 5)))");
    expect_tree("SELECT a = b < c", "SELECT (a = (b < c))");
    expect_tree("SELECT a | b & c + d", "SELECT ((a | b) & (c + d))");
    expect_tree("SELECT -a COLLATE x || b", "SELECT (((- a) COLLATE x) || b)");
    expect_tree("SELECT ~a + b", "SELECT ((~ a) + b)");
    expect_tree("SELECT a < b NOT NULL", "SELECT ((a < b) NOT NULL )");
    expect_tree("SELECT a AND b NOT NULL", "SELECT (a AND (b NOT NULL ))");
    expect_tree("SELECT NOT a NOT IN (1)", "SELECT (NOT (a NOT IN 1))");
    expect_tree("SELECT a = b NOT LIKE c", "SELECT ((a = b) NOT LIKE c)");
    expect_tree("SELECT a LIKE b < c ESCAPE d || e", "SELECT (a LIKE (b < c) ESCAPE (d || e))");
    expect_tree("SELECT a BETWEEN b AND c AND d", "SELECT ((a BETWEEN b .. c) AND d)");
    expect_tree("SELECT a BETWEEN b BETWEEN 1 AND 2 AND 3",
                "SELECT (a BETWEEN (b BETWEEN 1 .. 2) .. 3)");
    expect_tree("SELECT a IS NOT b IS DISTINCT FROM c", "SELECT ((a ISNOT b) ISNOT c)");
    expect_tree("SELECT a IS NOT DISTINCT FROM NULL", "SELECT (a IS NULL)");
    expect_tree("SELECT a -> b ->> c", "SELECT ((a -> b) ->> c)");
    expect_tree("SELECT (a, b) IN t, a IN f(1), a NOT IN (SELECT 1)",
                "SELECT ((ROW a, b) IN t), (a IN f1), (a NOT IN SELECT 1)");
}

static void test_literals(void **state)
{
    (void)state;
    expect_tree("SELECT 007, 0x1F, 0xFFFFFFFFFFFFFFFF, 1e5, .5, 5.",
                "SELECT 7, 31, -1, 100000r, 0.5r, 5r");
    expect_tree("SELECT -9223372036854775808, 9223372036854775808, 9223372036854775807",
                "SELECT -9223372036854775808, 9.22337e+18r, 9223372036854775807");
    expect_tree("SELECT -(9223372036854775808), - -9223372036854775808, -9223372036854775809",
                "SELECT -9223372036854775808, (- -9223372036854775808), -9.22337e+18r");
    expect_tree("SELECT - -5, -0x10, -.5", "SELECT (- -5), -16, -0.5r");
    expect_tree("SELECT 'it''s', x'00ff', NULL, true, \"a\"\"b\", [c d]",
                "SELECT 'it''s', blob2, NULL, true, a\"b, c d");
}

static void test_selects(void **state)
{
    (void)state;
    expect_tree(
        "SELECT DISTINCT a b, t.*, * FROM t x, u AS y LEFT JOIN (v NATURAL JOIN w) z USING (a) "
        "WHERE a GROUP BY 1, 2 ORDER BY a DESC, b NULLS LAST LIMIT 5, 6",
        "SELECT DISTINCT a as b, t*, * from t:x, u:y LEFT {v JOIN natural w}:z using a where a "
        "group 1, 2 by a desc by b last limit 6 offset 5");
    expect_tree(
        "WITH RECURSIVE a(x) AS MATERIALIZED (VALUES (1), (2)) SELECT 1 UNION ALL SELECT 2 EXCEPT "
        "SELECT 3 LIMIT 1 OFFSET 2",
        "with rec a 1 {VALUES (ROW 1), (ROW 2)} SELECT 1 UA SELECT 2 E SELECT 3 limit 1 offset 2");
    expect_tree(
        "SELECT sum(DISTINCT a) FILTER (WHERE b) OVER (w PARTITION BY c ORDER BY d ROWS BETWEEN 1 "
        "PRECEDING AND CURRENT ROW EXCLUDE TIES), count(*) OVER w FROM t WINDOW w AS ()",
        "SELECT sum(DISTINCT a) filter b over[w part c by d frame 0 1 2 4], count(*) over[w] from "
        "t "
        "over[w]");
    expect_tree(
        "SELECT CASE a WHEN 1 THEN 2 ELSE 3 END, CAST(a AS DECIMAL(10, 2)), EXISTS (SELECT 1)",
        "SELECT (CASE a:1, 2:3), (CAST 'DECIMAL(10, 2)' a), (EXISTS SELECT 1)");
}

static void test_parameters(void **state)
{
    (void)state;
    yoda_error err;
    struct arena arena;
    struct ast_statement *s;
    arena_init(&arena, NULL);
    expect_tree("SELECT ?, :a, ?5, ?, :a, @a, ?2", "SELECT ?1, ?2, ?5, ?6, ?2, ?7, ?2");
    const char *sql = "SELECT ?, :a, ?4, $b::c(d)";
    OK(sql_parse(sql, strlen(sql), &arena, &s, &err));
    assert_int_equal(s->parameter_count, 5);
    assert_null(s->parameter_names[0]);
    assert_string_equal(s->parameter_names[1], ":a");
    assert_null(s->parameter_names[3]);
    assert_string_equal(s->parameter_names[4], "$b::c(d)");
    sql = "SELECT ?32767";
    FAILS(YODA_TOO_BIG, sql_parse(sql, strlen(sql), &arena, &s, &err));
    arena_deinit(&arena);
}

static void expect_end(const char *sql, enum ast_statement_kind kind, size_t end, bool more)
{
    yoda_error err;
    struct arena arena;
    struct ast_statement *s;
    arena_init(&arena, NULL);
    OK(sql_parse(sql, strlen(sql), &arena, &s, &err));
    if (s->kind != kind || s->end != end || s->more_follows != more)
        fail_msg("%s: kind %d end %u more %d", sql, (int)s->kind, s->end, s->more_follows);
    arena_deinit(&arena);
}

static void test_ends(void **state)
{
    (void)state;
    expect_end("", AST_STATEMENT_OTHER, 0, false);
    expect_end(" -- x\n ; ", AST_STATEMENT_OTHER, 9, false);
    expect_end(";; SELECT 1; ;", AST_STATEMENT_SELECT, 12, false);
    expect_end("SELECT 1; x", AST_STATEMENT_SELECT, 9, true);
    expect_end("SELECT 1 -- x", AST_STATEMENT_SELECT, 13, false);
    expect_end("INSERT INTO t VALUES (';'); x", AST_STATEMENT_OTHER, 27, true);
    expect_end("WITH a AS (SELECT 1) DELETE FROM t; ", AST_STATEMENT_OTHER, 35, false);
    expect_end("EXPLAIN QUERY PLAN SELECT 1; x", AST_STATEMENT_EXPLAIN, 28, true);
    expect_end("EXPLAIN YODA SELECT 1;", AST_STATEMENT_EXPLAIN_YODA, 22, false);
    const char *trigger =
        "CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; DELETE "
        "FROM t; END; SELECT 1";
    expect_end(trigger, AST_STATEMENT_OTHER, strlen(trigger) - 9, true);
    expect_end("CREATE TABLE trigger(a); x", AST_STATEMENT_OTHER, 24, true);
}

static char *repeat(const char *head, const char *part, size_t count, const char *tail)
{
    char *text = malloc(strlen(head) + strlen(part) * count + strlen(tail) + 1);
    assert_non_null(text);
    char *at = stpcpy(text, head);
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, part);
    stpcpy(at, tail);
    return text;
}

static void expect_repeat(yoda_status want, const char *head, const char *part, size_t count,
                          const char *tail)
{
    yoda_error err = {0};
    struct arena arena;
    struct ast_statement *s;
    arena_init(&arena, NULL);
    char *sql = repeat(head, part, count, tail);
    yoda_status status = sql_parse(sql, strlen(sql), &arena, &s, &err);
    if (status != want)
        fail_msg("%s%s x%zu: %d %s", head, part, count, (int)status, err.message);
    if (want == YODA_TOO_BIG)
        assert_non_null(strstr(err.message, "Expression tree is too large (maximum depth 1000)"));
    free(sql);
    arena_deinit(&arena);
}

static void test_depth(void **state)
{
    (void)state;
    static const char *const parts[] = {"(",
                                        "NOT ",
                                        "- ",
                                        "(SELECT ",
                                        "1 OR 1 AND 1=1<1|1+1*1||(",
                                        "f(",
                                        "1 IN (",
                                        "CASE WHEN ",
                                        "1 BETWEEN ",
                                        "CAST(",
                                        "EXISTS (SELECT "};
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        expect_repeat(YODA_TOO_BIG, "SELECT ", parts[i], 100000, "");
    expect_repeat(YODA_TOO_BIG, "SELECT * FROM ", "(", 100000, "");
    expect_repeat(YODA_TOO_BIG, "SELECT * FROM ", "(SELECT * FROM ", 100000, "");
    expect_repeat(YODA_OK, "SELECT 1", " AND 1", 999, "");
    expect_repeat(YODA_TOO_BIG, "SELECT 1", " AND 1", 1000, "");
    expect_repeat(YODA_OK, "SELECT ", "NOT ", 999, "1");
    expect_repeat(YODA_TOO_BIG, "SELECT ", "NOT ", 1000, "1");
    expect_repeat(YODA_OK, "SELECT 1 IN (1", ", 1", 100000, ")");
}

static void test_no_memory(void **state)
{
    (void)state;
    const char *sql = "WITH a(b) AS (VALUES (1)) SELECT x'00', 'a', :c, f(?) OVER (ORDER BY d) "
                      "FROM (t JOIN u) LIMIT 1";
    for (uint64_t n = 1;; n++) {
        yoda_error err;
        struct arena arena;
        struct ast_statement *s;
        arena_init(&arena, NULL);
        mem_fail_after(n, false);
        yoda_status status = sql_parse(sql, strlen(sql), &arena, &s, &err);
        mem_fail_after(0, false);
        arena_deinit(&arena);
        if (status == YODA_OK)
            break;
        assert_int_equal(status, YODA_NOMEM);
        assert_null(s);
    }
}

static double strtod_text(const char *text, size_t size)
{
    char copy[64];
    assert_true(size < sizeof copy);
    memcpy(copy, text, size);
    copy[size] = '\0';
    return strtod(copy, NULL);
}

int main(void)
{
    expr_set_number_text(&(const struct number_text){.text_to_real = strtod_text});
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_precedence), cmocka_unit_test(test_literals),
        cmocka_unit_test(test_selects),    cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_ends),       cmocka_unit_test(test_depth),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
