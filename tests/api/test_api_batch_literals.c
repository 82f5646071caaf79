/*
 * test_api_batch_literals.c -- yoda_execute_batch makes literals of INSERTs parameters; nobody may
 * notice. Random statements run by themselves on one database and in a batch on another: same
 * error, same rows, value by value with type.
 */
#include "fixture.h"

static const char schema[] =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, i INTEGER, r REAL, s TEXT, b, n NUMERIC CHECK (n <> "
    "5));"
    "CREATE TABLE k(x TEXT PRIMARY KEY, y) WITHOUT ROWID;"
    "CREATE TABLE u(x INT NOT NULL, y ANY) STRICT;"
    "CREATE TRIGGER g BEFORE INSERT ON t WHEN new.i = 3 BEGIN INSERT OR IGNORE INTO k VALUES "
    "(new.id, typeof(new.id)); END";

static void put_literal(FILE *out, uint64_t *seed)
{
    static const char *const odd[] = {"9223372036854775807",
                                      "-9223372036854775808",
                                      "9223372036854775808",
                                      "-0.0",
                                      "-0",
                                      "1e999",
                                      "-1e999",
                                      "0x7f",
                                      "1e-320",
                                      "123456789012345678",
                                      "999999999999999999",
                                      "00012",
                                      ".5",
                                      "5.",
                                      "1e3",
                                      "0.1",
                                      "-.25E-2",
                                      "179769313486231580793e289",
                                      "2.2250738585072011e-308",
                                      "NULL",
                                      "null",
                                      "TRUE",
                                      "''",
                                      "'it''s'",
                                      "'12'",
                                      "' 12 '",
                                      "'1e3'",
                                      "x''",
                                      "X'00ff41'",
                                      "'\xc3\xa4\xe2\x82\xac'",
                                      "3 + 4",
                                      "-(5)",
                                      "(6)",
                                      "abs(-7)",
                                      "- 8",
                                      "+9",
                                      "~1",
                                      "'a' || 'b'",
                                      "CAST('5' AS INT)",
                                      "\"dq\"",
                                      "CURRENT_DATE",
                                      "1 COLLATE NOCASE",
                                      "2x",
                                      "?",
                                      "- 'a'",
                                      "-NULL",
                                      "last_insert_rowid()"};
    uint64_t r = test_random(seed) % 100;
    if (r < 40)
        fputs(odd[test_random(seed) % (sizeof odd / sizeof *odd)], out);
    else if (r < 70)
        fprintf(out, "%d", (int)(test_random(seed) % 40) - 5);
    else if (r < 85)
        fprintf(out, "'name %d'", (int)(test_random(seed) % 40));
    else
        fprintf(out, "%.17g", (double)(int64_t)test_random(seed) / 1e7);
}

static char *random_insert(uint64_t *seed)
{
    static const struct {
        const char *head;
        int columns;
    } heads[] = {
        {"INSERT INTO t VALUES ", 6},          {"INSERT OR IGNORE INTO t(s, b, i) VALUES", 3},
        {"REPLACE INTO t (id, n) values ", 2}, {"INSERT INTO k VALUES ", 2},
        {"INSERT INTO u VALUES ", 2},          {"INSERT INTO k(y) VALUES ", 1}};
    char *text = NULL;
    size_t size = 0, which = test_random(seed) % 6;
    FILE *out = open_memstream(&text, &size);
    fputs(heads[which].head, out);
    int rows = test_random(seed) % 4 ? 1 : 3;
    int columns = heads[which].columns + (test_random(seed) % 50 == 0);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++) {
            fputs(c == 0 ? r == 0 ? "(" : ", (" : ", ", out);
            put_literal(out, seed);
            if (c == columns - 1)
                fputc(')', out);
        }
    fputs(test_random(seed) % 10 ? "" : " ; -- end", out);
    fclose(out);
    return text;
}

static char *dump(yoda_engine *db)
{
    static const char sql[] = "SELECT 't', id, quote(i), quote(r), quote(s), quote(b), quote(n), "
                              "typeof(n), typeof(r) FROM "
                              "t UNION ALL SELECT 'k', rank() OVER (ORDER BY x), quote(x), "
                              "typeof(x), quote(y), typeof(y), "
                              "1, 2, 3 FROM k UNION ALL SELECT 'u', rowid, quote(x), quote(y), "
                              "typeof(y), 1, 2, 3, 4 FROM "
                              "u ORDER BY 1, 2";
    char *text = NULL;
    size_t size = 0;
    yoda_result *rows;
    yoda_error err;
    FILE *out = open_memstream(&text, &size);
    OK(yoda_query(db, sql, NULL, NULL, &rows, &err));
    while (yoda_result_next(rows)) {
        for (size_t c = 0; c < 9; c++) {
            yoda_value v;
            yoda_result_value(rows, c, &v);
            fprintf(out, "%lld %.*s|", (long long)v.integer, (int)v.size,
                    v.data ? (const char *)v.data : "");
        }
        fputc('\n', out);
    }
    yoda_result_close(rows);
    fclose(out);
    return text;
}

/* The first line that differs: the whole texts are long. */
static void print_difference(const char *a, const char *b)
{
    size_t i = 0, line = 0;
    for (; a[i] && a[i] == b[i]; i++)
        line = a[i] == '\n' ? i + 1 : line;
    if (a[i] != b[i])
        print_error("alone: %.120s\nbatch: %.120s\n", a + line, b + line);
}

static void same_as_written(void **state)
{
    const yoda_option options[] = {{"columnar", "false"}};
    uint64_t seed = test_seed();
    yoda_engine *single = fixture_open(":memory:", options, 1);
    yoda_engine *batched = fixture_open(":memory:", options, 1);
    static const char forget_last[] = "DELETE FROM t WHERE id > 1e18";
    const size_t prefix = strlen("statement 2: ");
    int succeeded = 0;
    (void)state;
    fixture_execute(single, schema);
    fixture_execute(batched, schema);
    for (int i = 0; i < 4000; i++) {
        char *text = random_insert(&seed);
        const char *const batch[] = {"DELETE FROM t WHERE 0", text};
        yoda_error a = {.sql_offset = -1}, b = {.sql_offset = -1};
        int64_t a_changes, b_changes;
        yoda_status expected = yoda_execute(single, text, NULL, &a_changes, &a);
        yoda_status found = yoda_execute_batch(batched, batch, 2, &b_changes, &b);
        if (expected != found || a_changes != b_changes || a.sqlite_code != b.sqlite_code ||
            a.sql_offset != b.sql_offset || (found && strcmp(b.message + prefix, a.message) != 0))
            fail_msg("%s\n  alone: %s\n  batch: %s", text, a.message, b.message);
        succeeded += found == YODA_OK;
        fixture_execute(single, forget_last); /* after the last rowid SQLite takes random ones */
        fixture_execute(batched, forget_last);
        free(text);
    }
    assert_true(succeeded > 500 && succeeded < 3900);
    char *expected = dump(single), *found = dump(batched);
    print_difference(expected, found);
    assert_string_equal(found, expected);
    free(expected);
    free(found);
    yoda_close(single);
    yoda_close(batched);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
