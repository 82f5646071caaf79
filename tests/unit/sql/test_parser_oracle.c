/*
 * test_parser_oracle.c -- the parser accepts and refuses exactly what SQLite does, in its words.
 *
 * A list of statements, then thousands of mutations of them (a token deleted, doubled, replaced or
 * swapped). SQLite's errors about meaning (no such table, ...) count as accepted. Known
 * differences: SQLite 3.40 stops at about 100 nested parentheses ("parser stack overflow"), later
 * ones do not; a hex literal past 64 bits is refused here even in a common table expression that
 * nobody uses.
 */
#include "test.h"

#include "olap/exec/expr.h"
#include "sql/lexer.h"
#include "sql/sql.h"

#include <sqlite3.h>

#define TOKENS_MAX 400
#define TEXT_MAX 4096

static const char *const statements[] = {
    "SELECT 1",
    "SELECT a, b AS c, d e, 'x' \"y\", 1 'z' FROM t",
    "SELECT * FROM t WHERE a = 1;",
    "SELECT t.*, main.t.a, 't'.a, [t].[b c] FROM main.t",
    "SELECT DISTINCT a FROM t",
    "SELECT ALL a FROM t",
    "VALUES (1, 2), (3, 4)",
    "SELECT 1 UNION ALL VALUES (2) EXCEPT SELECT 3 INTERSECT SELECT 4 ORDER BY 1",
    "WITH RECURSIVE c(x, y) AS (SELECT 1, 2 UNION ALL SELECT x + 1, y FROM c WHERE x < 9) SELECT * "
    "FROM c",
    "WITH a AS MATERIALIZED (SELECT 1), b AS NOT MATERIALIZED (VALUES (1)) SELECT * FROM a, b",
    "WITH materialized AS (SELECT 1) SELECT * FROM materialized",
    "WITH recursive AS (SELECT 1) SELECT 1",
    "WITH x(a COLLATE y) AS (SELECT 1) SELECT 1",
    "WITH x(a DESC) AS (SELECT 1) SELECT 1",
    "WITH x(\"a b\" DESC) AS (SELECT 1) SELECT 1",
    "WITH x(a, 'b' COLLATE y) AS (SELECT 1) SELECT 1",
    "WITH x([c] ASC, d) AS (SELECT 1) SELECT 1",
    "SELECT * FROM t a LEFT OUTER JOIN u b ON a.a = b.b NATURAL JOIN t CROSS JOIN u USING (a, b)",
    "SELECT * FROM t RIGHT JOIN u ON 1 FULL OUTER JOIN t x ON 2 INNER JOIN u y ON 3, t z",
    "SELECT * FROM t LEFT NATURAL OUTER JOIN u",
    "SELECT * FROM t LEFT foo JOIN u",
    "SELECT * FROM t OUTER JOIN u",
    "SELECT * FROM t a ON 1",
    "SELECT * FROM t a ON #1",
    "SELECT * FROM t a ON (#1)",
    "SELECT * FROM t a ON #1 + 1",
    "SELECT * FROM t a ON 1 + #1",
    "SELECT * FROM t a ON #x",
    "SELECT * FROM t INNER LEFT JOIN u",
    "SELECT * FROM (t JOIN u ON 1) x LEFT JOIN (SELECT 1) AS y USING (a), ((t)), (t, u)",
    "SELECT * FROM t AS x INDEXED BY i WHERE 1",
    "SELECT * FROM t NOT INDEXED",
    "SELECT * FROM json_each('[1]', '$') AS j, generate_series(1, 2)",
    "SELECT * FROM f() x",
    "SELECT sum(a) FILTER (WHERE b > 1) OVER (PARTITION BY a, b ORDER BY c ROWS BETWEEN 1 "
    "PRECEDING "
    "AND UNBOUNDED FOLLOWING EXCLUDE NO OTHERS) FROM t",
    "SELECT sum(a) OVER w, rank() OVER (w2 RANGE CURRENT ROW EXCLUDE TIES) FROM t WINDOW w AS "
    "(PARTITION BY a), w2 AS (w ORDER BY b DESC NULLS LAST)",
    "SELECT count(*) OVER (GROUPS BETWEEN CURRENT ROW AND 1 FOLLOWING EXCLUDE GROUP), count(*) "
    "FILTER "
    "(WHERE 1), max(a) OVER () FROM t",
    "SELECT sum(a) OVER (ROWS BETWEEN CURRENT ROW AND 1 PRECEDING) FROM t",
    "SELECT sum(a) OVER (ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) FROM t",
    "SELECT over, filter, window FROM t",
    "SELECT a over FROM t",
    "SELECT (a) over FROM t",
    "SELECT (a) filter FROM t",
    "SELECT 1 FROM t window",
    "SELECT (a) over x",
    "SELECT CASE a WHEN 1 THEN 2 ELSE 3 END, CASE WHEN a THEN b END FROM t",
    "SELECT CASE end WHEN 1 THEN 2 END",
    "SELECT CAST(a AS DECIMAL(10, 2)), CAST(b AS), CAST(c AS UNSIGNED BIG INT(-1)), CAST(1 AS 'x' "
    "y) FROM t",
    "SELECT a COLLATE nocase, b COLLATE \"rtrim\", c COLLATE 'binary' FROM t",
    "SELECT a LIKE b ESCAPE 'x', a NOT GLOB b, a REGEXP b, a NOT MATCH b FROM t",
    "SELECT a BETWEEN 1 AND 2 AND b NOT BETWEEN 3 AND 4 OR c FROM t",
    "SELECT 1 BETWEEN 2 OR 3 AND 4",
    "SELECT 1 BETWEEN 2 BETWEEN 3 AND 4 AND 5",
    "SELECT 1 BETWEEN NOT 2 AND 3",
    "SELECT a IN (), a IN (1, 2), a NOT IN (SELECT 1), a IN t, a IN main.t, a IN f(1, 2), a IN 't' "
    "FROM t",
    "SELECT a IN (VALUES (1)), a IN (WITH x AS (SELECT 1) SELECT * FROM x) FROM t",
    "SELECT a ISNULL, b NOTNULL, c NOT NULL, d IS NULL, e IS NOT NULL FROM t",
    "SELECT a IS b, a IS NOT b, a IS DISTINCT FROM b, a IS NOT DISTINCT FROM b FROM t",
    "SELECT NOT EXISTS (SELECT 1), EXISTS (VALUES (1))",
    "SELECT a -> 'x' ->> 0 || 'y' FROM t",
    "SELECT -1, +1, ~1, - -1, -+~1, NOT 1, NOT NOT 1, 1 = NOT 2 = 3, - NOT 1",
    "SELECT 1 + 2 * 3 / 4 % 5 - 6 << 7 >> 8 & 9 | 10 < 11 <= 12 > 13 >= 14 = 15 == 16 <> 17 != 18",
    "SELECT (1, 2) = (3, 4), (a, b) IN (SELECT 1, 2), ((1)) FROM t",
    "SELECT raise(ignore), raise(abort, 'x'), raise(fail, x)",
    "SELECT RAISE(abort, 'x' || 1)",
    "SELECT a FROM t ORDER BY a ASC NULLS FIRST, b DESC, c NULLS LAST LIMIT 1 OFFSET 2",
    "SELECT a FROM t GROUP BY a, b HAVING count(*) > 1 LIMIT 1, 2",
    "SELECT a FROM t HAVING 1",
    "SELECT 0x1F, 1e5, .5, 5., 5.e-3, x'00ff', X'', 'it''s', NULL, TRUE, false, "
    "9223372036854775808",
    "SELECT 0x10000000000000000",
    "SELECT -0x10000000000000000",
    "SELECT -0x8000000000000000",
    "SELECT 0x10000000000000000 FROM",
    "SELECT 12x",
    "SELECT 0x",
    "SELECT 0xg",
    "SELECT 1e",
    "SELECT 1.2.3",
    "SELECT x'0'",
    "SELECT x'0g'",
    "SELECT x'00",
    "SELECT 'abc",
    "SELECT \"abc",
    "SELECT [abc",
    "SELECT `abc",
    "SELECT ?, ?1, ?05, :a, @b, $c, $d::e(f), #g",
    "SELECT #1",
    "SELECT ?0",
    "SELECT :",
    "SELECT $a(b c)",
    "SELECT $a::",
    "SELECT ::a",
    "SELECT CURRENT_DATE, current_time, CURRENT_TIMESTAMP",
    "SELECT current_date(1)",
    "SELECT a /* b */ -- c\n, d /* e",
    "SELECT /",
    "SELECT 1 /*",
    "SELECT 1 /* */",
    "SELECT !1",
    "SELECT 1 ! 2",
    "SELECT abort, action, after, key, first, last, row, rows, range, groups, like, glob, match, "
    "replace",
    "SELECT cast FROM t",
    "SELECT cast.a FROM cast",
    "SELECT t.cast, t.raise, t.current_date FROM t",
    "SELECT left, right, cross, natural, full, inner, outer FROM t",
    "SELECT left(1)",
    "SELECT left.a FROM left",
    "SELECT indexed, indexed(1), indexed.a FROM indexed",
    "SELECT a indexed FROM t",
    "SELECT a AS indexed FROM t",
    "SELECT a left FROM t",
    "SELECT a AS left FROM t",
    "SELECT * FROM t left",
    "SELECT * FROM t AS left",
    "SELECT a like FROM t",
    "SELECT a match",
    "SELECT a asc FROM t desc",
    "SELECT replace('a', 'b', 'c'), glob(1, 2)",
    "SELECT count(DISTINCT a), count(ALL a), count(DISTINCT), f() FROM t",
    "SELECT count(DISTINCT *)",
    "SELECT f(*, 1)",
    "SELECT 'a'(1)",
    "SELECT \"max\"(1)",
    "SELECT a.b.c.d",
    "SELECT a.b.*",
    "SELECT a.* b FROM t",
    "SELECT *, *",
    "SELECT 1 ORDER BY 1 UNION SELECT 2",
    "SELECT 1 LIMIT 1 UNION ALL SELECT 2",
    "VALUES (1) ORDER BY 1",
    "SELECT 1 LIMIT 1 EXCEPT SELECT 2 ORDER BY 1 INTERSECT SELECT 3",
    "SELECT 1 UNION",
    "SELECT (1) UNION (SELECT 2)",
    "VALUES ()",
    "VALUES (1),",
    "VALUES 1",
    "VALUES (1), (2, 3)",
    "SELECT",
    "SELECT ,",
    "SELECT FROM t",
    "SELECT 1,",
    "SELECT 1 FROM",
    "SELECT 1 FROM t,",
    "SELECT 1 WHERE",
    "SELECT 1 FROM t GROUP a",
    "SELECT (",
    "SELECT )",
    "SELECT (1",
    "SELECT 1)",
    "SELECT (1,)",
    "SELECT ()",
    "SELECT a IN",
    "SELECT a NOT",
    "SELECT a NOT 1",
    "SELECT a IS",
    "SELECT a BETWEEN 1",
    "SELECT CASE END",
    "SELECT CASE WHEN 1 END",
    "SELECT CASE 1 ELSE 2 END",
    "SELECT EXISTS 1",
    "SELECT EXISTS (1)",
    "SELECT (SELECT 1",
    "SELECT (WITH)",
    "SELECT with FROM t",
    "SELECT f(with)",
    "SELECT 1 2",
    "SELECT 1 a b",
    "SELECT a LIKE b ESCAPE c ESCAPE d",
    "SELECT a = b NOT IN (1), a < b NOT NULL, NOT a NOT LIKE b",
    "SELECT 1 LIMIT 1 OFFSET 2, 3",
    "SELECT 1 LIMIT",
    "SELECT 1 OFFSET 2",
    "SELECT 1 FROM t OFFSET",
    ";;SELECT 1; garbage",
    "SELECT 1 ; SELECT",
    "WITH",
    "WITH a",
    "WITH a AS",
    "WITH a AS (",
    "WITH a AS (SELECT 1)",
    "WITH a AS (SELECT 1) VALUES (1)",
    "SELECT \xEF\xBB\xBF 1",
    "SELECT \xC3\xA9 FROM t",
    "SELECT a$b FROM t",
    "SELECT \x01",
    "SELECT a\\b",
    "SELECT {",
    "SELECT 1^2",
    "SELECT * FROM t a b",
    "SELECT * FROM t.u.v",
    "SELECT * FROM t INDEXED i",
    "SELECT * FROM t JOIN",
    "SELECT * FROM t NATURAL",
    "SELECT * FROM f(1) INDEXED BY i",
    "SELECT * FROM t(1) NOT INDEXED",
    "SELECT * FROM (SELECT 1) NOT INDEXED",
    "SELECT * FROM t USING (a)",
    "SELECT * FROM t JOIN u USING ()",
    "SELECT * FROM ((SELECT 1) UNION SELECT 2)",
};

static double strtod_text(const char *text, size_t size)
{
    char copy[400];
    size_t n = size < sizeof copy - 1 ? size : sizeof copy - 1;
    memcpy(copy, text, n);
    copy[n] = '\0';
    return strtod(copy, NULL);
}

static bool is_parse_error(const char *message)
{
    static const char *const parts[] = {
        "incomplete input",          "unrecognized token: ",   ": syntax error",
        "unknown join type",         " clause should come after ", "a JOIN clause is required",
        "unsupported frame spec",    "syntax error after column name",
    };
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (strstr(message, parts[i]))
            return true;
    return false;
}

/* Errors of meaning that SQLite finds while parsing: what follows them it has not looked at. */
static bool hides_the_rest(const char *message)
{
    return strstr(message, "too many") || strstr(message, "duplicate WITH") ||
           strstr(message, "stack overflow") || strstr(message, "variable number") ||
           strstr(message, "must have the same number") || strstr(message, "no such window") ||
           strstr(message, "may not be used as a window") || strstr(message, "cannot override") ||
           strstr(message, "IN(...) element") || strstr(message, "no such index") ||
           strstr(message, "DISTINCT is not supported for window");
}

static bool is_hex_error(const char *message)
{
    return strncmp(message, "hex literal too big", 19) == 0;
}

static bool check(sqlite3 *db, const char *sql)
{
    struct arena arena;
    arena_init(&arena, NULL);
    yoda_error err = {0};
    struct ast_statement *statement;
    yoda_status status = sql_parse(sql, strlen(sql), &arena, &statement, &err);
    sqlite3_stmt *stmt = NULL;
    const char *tail = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, &tail);
    const char *message = rc == SQLITE_OK ? "" : sqlite3_errmsg(db);
    bool good;
    if (status == YODA_OK && statement->kind != AST_STATEMENT_SELECT)
        good = true; /* not parsed */
    else if (is_parse_error(message))
        good = status == YODA_ERROR && strcmp(message, err.message) == 0 &&
               (sqlite3_error_offset(db) < 0 || strncmp(message, "near", 4) != 0 ||
                sqlite3_error_offset(db) == err.sql_offset);
    else if (hides_the_rest(message))
        good = true;
    else if (is_hex_error(message)) /* of several it names the one it generates code for first */
        good = status == YODA_ERROR && is_hex_error(err.message);
    else /* SQLite misses a bad hex literal in code it never generates, or reports a name first */
        good = status == YODA_OK || is_hex_error(err.message);
    if (good && rc == SQLITE_OK && status == YODA_OK)
        good = statement->end == (uint32_t)(tail - sql) &&
               (!statement->select ||
                statement->parameter_count == (uint32_t)sqlite3_bind_parameter_count(stmt));
    if (good && rc == SQLITE_OK && status == YODA_OK && statement->kind == AST_STATEMENT_SELECT) {
        int i = 0; /* unnamed expressions are named by their text */
        const struct ast_result *r = statement->select->cores->results;
        for (; r && r->kind == AST_RESULT_EXPR && good; r = r->next, i++)
            if (!r->alias.text && r->expr->kind != AST_COLUMN) {
                const char *name = sqlite3_column_name(stmt, i);
                size_t size = r->expr->span.end - r->expr->span.start;
                good = strlen(name) == size && memcmp(name, sql + r->expr->span.start, size) == 0;
                if (!good)
                    print_error("name '%s' not '%.*s'\n", name, (int)size,
                                sql + r->expr->span.start);
            }
    }
    if (!good)
        print_error("sql: %s\n  sqlite %d: %s (%d)\n  yoda %d: %s (%d)\n", sql, rc, message,
                    sqlite3_error_offset(db), (int)status, err.message, (int)err.sql_offset);
    sqlite3_finalize(stmt);
    arena_deinit(&arena);
    return good;
}

static sqlite3 *open_oracle(void)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(a, b, c, d, e); CREATE TABLE u(a, b, c)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    return db;
}

static void test_statements(void **state)
{
    YODA_UNUSED(state);
    sqlite3 *db = open_oracle();
    size_t bad = 0;
    for (size_t i = 0; i < COUNT_OF(statements); i++)
        bad += !check(db, statements[i]);
    sqlite3_close(db);
    assert_int_equal(bad, 0);
}

static uint32_t cut(const char *sql, struct token *tokens)
{
    struct lexer lexer;
    lexer_init(&lexer, sql, (uint32_t)strlen(sql));
    uint32_t count = 0;
    while (count < TOKENS_MAX) {
        tokens[count] = lexer_next(&lexer);
        if (tokens[count].kind == TOKEN_EOF)
            break;
        count++;
    }
    return count;
}

static void append(char *out, const char *sql, struct token token)
{
    size_t used = strlen(out), size = token.end - token.start;
    if (used + size + 2 < TEXT_MAX)
        snprintf(out + used, TEXT_MAX - used, "%.*s ", (int)size, sql + token.start);
}

static void mutate(const char *sql, const char *donor, uint64_t *seed, char out[TEXT_MAX])
{
    static struct token tokens[TOKENS_MAX + 1], others[TOKENS_MAX + 1];
    uint32_t count = cut(sql, tokens), other_count = cut(donor, others);
    out[0] = '\0';
    if (count == 0 || other_count == 0)
        return;
    uint32_t at = (uint32_t)(test_random(seed) % count), what = (uint32_t)(test_random(seed) % 6);
    uint32_t from = (uint32_t)(test_random(seed) % count);
    struct token other = others[test_random(seed) % other_count];
    for (uint32_t i = 0; i < count && !(what == 5 && i > at); i++) {
        if (what == 0 && i == at)
            continue;
        if (i == at && (what == 1 || what == 2))
            append(out, what == 1 ? sql : donor, what == 1 ? tokens[i] : other);
        if (what == 3 && i == at)
            append(out, donor, other);
        else if (what == 4 && (i == at || i == from))
            append(out, sql, tokens[i == at ? from : at]);
        else
            append(out, sql, tokens[i]);
    }
}

static void test_mutations(void **state)
{
    YODA_UNUSED(state);
    sqlite3 *db = open_oracle();
    uint64_t seed = test_seed();
    size_t bad = 0;
    char text[TEXT_MAX], twice[TEXT_MAX];
    for (int i = 0; i < 20000 && bad < 20; i++) {
        const char *sql = statements[test_random(&seed) % COUNT_OF(statements)];
        mutate(sql, statements[test_random(&seed) % COUNT_OF(statements)], &seed, text);
        bad += !check(db, text);
        mutate(text, statements[test_random(&seed) % COUNT_OF(statements)], &seed, twice);
        bad += !check(db, twice);
    }
    sqlite3_close(db);
    assert_int_equal(bad, 0);
}

static void test_keywords(void **state)
{
    YODA_UNUSED(state);
    for (int i = 0; i < sqlite3_keyword_count(); i++) {
        const char *word;
        int size;
        assert_int_equal(sqlite3_keyword_name(i, &word, &size), SQLITE_OK);
        if (keyword_find(word, (size_t)size) == TOKEN_ID)
            fail_msg("keyword %.*s is unknown", size, word);
    }
}

int main(void)
{
    expr_set_number_text(&(const struct number_text){.text_to_real = strtod_text});
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keywords),
        cmocka_unit_test(test_statements),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
