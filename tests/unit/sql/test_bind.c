/* test_bind.c -- logical plans of many shapes, and what is refused and why. */
#include "test.h"

#include "base/str.h"
#include "olap/column/chunk.h"
#include "sql/bind.h"

/* ---- A catalog: t(a, b TEXT NOCASE, c REAL), u(a, d), h(x) with a hidden rowid, v a view ---- */

#define INT_COLUMN {.name = "a", .affinity = AFFINITY_INTEGER}
static const struct catalog_column t_columns[] = {
    INT_COLUMN,
    {.name = "b", .affinity = AFFINITY_TEXT, .collation = COLLATE_NOCASE},
    {.name = "c", .affinity = AFFINITY_REAL}};
static const struct catalog_column u_columns[] = {
    INT_COLUMN, {.name = "d", .affinity = AFFINITY_INTEGER}};
static const struct catalog_column h_columns[] = {
    {.name = "x", .affinity = AFFINITY_BLOB},
    {.name = "rowid", .affinity = AFFINITY_INTEGER, .hidden = true}};
static const uint32_t t_classes[] = {CLASS_INTEGER, CLASS_TEXT | CLASS_NULL, CLASS_REAL};
static const uint32_t u_classes[] = {CLASS_INTEGER, CLASS_INTEGER | CLASS_NULL};
static const uint32_t h_classes[] = {CLASS_INTEGER | CLASS_TEXT, CLASS_INTEGER};
static const struct catalog_table tables[] = {
    {.tid = 1, .name = "t", .column_count = 3, .columns = t_columns, .rowid_column = -1,
     .classes = t_classes},
    {.tid = 2, .name = "u", .column_count = 2, .columns = u_columns, .rowid_column = 0,
     .classes = u_classes},
    {.tid = 3, .name = "h", .column_count = 2, .columns = h_columns, .rowid_column = 1,
     .classes = h_classes}};

static const struct catalog_table *find_table(void *ctx, const char *name, const char **why)
{
    YODA_UNUSED(ctx);
    for (size_t i = 0; i < COUNT_OF(tables); i++)
        if (strcmp(tables[i].name, name) == 0)
            return &tables[i];
    *why = "the table is not registered";
    return NULL;
}

static const struct catalog_view_def *find_view(void *ctx, const char *name)
{
    static const struct catalog_view_def v = {
        .sql = "CREATE VIEW v(n, m) AS SELECT a, count(*) FROM t GROUP BY a"};
    YODA_UNUSED(ctx);
    return strcmp(name, "v") == 0 ? &v : NULL;
}

static const struct catalog catalog = {.find_table = find_table, .find_view = find_view};

struct bench {
    struct arena arena;
    yoda_error err;
    struct query q;
    struct rel_select select;
};

static yoda_status bind_text(struct bench *b, const char *sql)
{
    struct ast_statement *statement;
    arena_init(&b->arena, NULL);
    b->err = (yoda_error){0};
    b->q = (struct query){.arena = &b->arena,
                          .err = &b->err,
                          .build = {.arena = &b->arena, .err = &b->err},
                          .catalog = &catalog,
                          .sql = sql};
    yoda_status status = sql_parse(sql, strlen(sql), &b->arena, &statement, &b->err);
    return status == YODA_OK ? bind_select(&b->q, statement->select, NULL, &b->select) : status;
}

static void expect_tree(const char *sql, const char *names, const char *tree)
{
    struct bench b;
    struct str text, heads;
    str_init(&text);
    str_init(&heads);
    yoda_status status = bind_text(&b, sql);
    if (status != YODA_OK)
        fail_msg("%s: %s", sql, b.err.message);
    rel_print(&b.q, b.select.rel, &text);
    for (uint32_t i = 0; i < b.select.column_count; i++)
        str_printf(&heads, "%s%s", i ? "," : "", b.select.names[i]);
    if (strcmp(str_text(&text), tree) != 0 || strcmp(str_text(&heads), names) != 0)
        fail_msg("%s\n-- columns %s\n%s", sql, str_text(&heads), str_text(&text));
    str_deinit(&text);
    str_deinit(&heads);
    arena_deinit(&b.arena);
}

static void expect_refusal(const char *sql, const char *reason)
{
    struct bench b;
    yoda_status status = bind_text(&b, sql);
    if (status != YODA_NOT_COLUMNAR || !strstr(b.err.message, reason))
        fail_msg("%s: %d %s", sql, (int)status, b.err.message);
    arena_deinit(&b.arena);
}

#include "bind_trees.h"

static void test_trees(void **state)
{
    YODA_UNUSED(state);
    for (size_t i = 0; i < COUNT_OF(trees); i++)
        expect_tree(trees[i][0], trees[i][1], trees[i][2]);
}

static void test_refusals(void **state)
{
    static const char *const refused[][2] = {
        {"SELECT nosuch FROM t", "no such column: nosuch"},
        {"SELECT a FROM t, u", "ambiguous column name: a"},
        {"SELECT a AS x, x + 1 FROM t", "no such column: x"},
        {"SELECT \"text\" FROM t", "no such column: text"},
        {"SELECT x FROM h", "mixes storage classes"},
        {"SELECT rowid FROM h, u", "ambiguous"},
        {"SELECT rowid FROM (SELECT a FROM t)", "ambiguous"},
        {"SELECT a FROM t HAVING count(*) > 1", "HAVING clause on a non-aggregate query"},
        {"SELECT a FROM t ORDER BY count(*)", "misuse of an aggregate"},
        {"SELECT a FROM t WHERE sum(a) > 1", "misuse of an aggregate"},
        {"SELECT sum(a) AS s FROM t WHERE s > 1", "misuse of aliased aggregate"},
        {"SELECT a, count(*) FROM t", "bare column"},
        {"SELECT (SELECT sum(t.a) FROM u) FROM t", "a query around it"},
        {"SELECT a FROM t WHERE row_number() OVER () = 1", "misuse"},
        {"SELECT sum(DISTINCT a) OVER () FROM t", "DISTINCT is not supported"},
        {"SELECT a FROM t UNION SELECT b FROM t", "different storage classes"},
        {"SELECT a FROM t UNION SELECT a, d FROM u", "same number"},
        {"SELECT a FROM t UNION SELECT a FROM u ORDER BY c", "does not match any column"},
        {"SELECT s FROM (SELECT a AS s FROM t UNION ALL SELECT a + 1 FROM t) WHERE s = 'x'",
         "affinity is not the same"},
        {"WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT * FROM r) SELECT * FROM r", "recursive"},
        {"SELECT * FROM (SELECT a FROM t LIMIT 3)", "LIMIT without ORDER BY"},
        {"SELECT t.a FROM t LEFT JOIN u ON (SELECT t.a = u.a)", "both sides"},
        {"SELECT t.a FROM t LEFT JOIN u ON h.rowid = 1 JOIN h", "table on its right"},
        {"SELECT (a, c) FROM t", "row value misused"},
        {"SELECT a FROM other.t", "schema other"},
        {"SELECT a FROM t INDEXED BY i", "INDEXED BY"},
        {"SELECT CURRENT_DATE FROM t", "CURRENT_DATE"},
        {"SELECT * FROM t JOIN u USING (d)", "cannot join using column d"},
        {"SELECT DISTINCT a FROM t ORDER BY c", "not selected"},
        {"SELECT a FROM t WHERE a IN (SELECT a, d FROM u)", "returns 2 columns"},
        {"SELECT s FROM (SELECT c AS s FROM t UNION ALL SELECT a FROM t)", "the same affinity"},
        {"WITH s(x) AS (SELECT a FROM t UNION ALL SELECT total(a) FROM t) SELECT x FROM s",
         "the same affinity"},
        {"SELECT total(a) IN (SELECT a FROM u) FROM t", "IN (SELECT) over groups"},
        {"SELECT c * 2 IN (SELECT a FROM u) FROM t GROUP BY 1", "IN (SELECT) over groups"},
        {"SELECT sum(c) OVER (ORDER BY a ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE NO OTHERS) "
         "FROM t", "moving frames"},
        {"SELECT n FROM v WHERE zz = 1", "no such column: zz"},
    };
    YODA_UNUSED(state);
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        expect_refusal(refused[i][0], refused[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_trees),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
