/*
 * test_api_batch_literals.c -- yoda_execute and yoda_execute_batch make literals of INSERTs
 * parameters; nobody may notice. Random statements run as they are written on one database, by
 * themselves on another and in a batch on a third: same error, same rows, value by value with type.
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
        print_error("written: %.120s\nfound: %.120s\n", a + line, b + line);
}

/* The second of a shape is the first whose literals become parameters. */
static void run_and_undo(yoda_engine *db, const char *text)
{
    yoda_error err;
    yoda_txn *txn;
    int64_t changes;
    OK(yoda_begin(db, &txn, &err));
    yoda_status ignored = yoda_txn_execute(txn, text, NULL, &changes, &err);
    (void)ignored;
    OK(yoda_rollback(txn, &err));
}

static void forget_last(yoda_engine *db) /* after the last rowid SQLite takes random ones */
{
    fixture_execute(db, "DELETE FROM t WHERE id > 1e18");
}

static void same_as_written(void **state)
{
    const yoda_option options[] = {{"columnar", "false"}, {"statement_cache", "0"}};
    uint64_t seed = test_seed();
    yoda_engine *written = fixture_open(":memory:", options, 2); /* nothing becomes a parameter */
    yoda_engine *single = fixture_open(":memory:", options, 1);
    yoda_engine *batched = fixture_open(":memory:", options, 1);
    yoda_engine *const all[] = {written, single, batched};
    const size_t prefix = strlen("statement 2: ");
    int succeeded = 0;
    (void)state;
    for (size_t e = 0; e < 3; e++)
        fixture_execute(all[e], schema);
    for (int i = 0; i < 4000; i++) {
        char *text = random_insert(&seed);
        const char *const batch[] = {"DELETE FROM t WHERE 0", text};
        yoda_error errs[3] = {{.sql_offset = -1}, {.sql_offset = -1}, {.sql_offset = -1}};
        int64_t changes[3];
        yoda_status statuses[3];
        for (size_t e = 0; e < 3; e++)
            run_and_undo(all[e], text);
        statuses[0] = yoda_execute(written, text, NULL, &changes[0], &errs[0]);
        statuses[1] = yoda_execute(single, text, NULL, &changes[1], &errs[1]);
        statuses[2] = yoda_execute_batch(batched, batch, 2, &changes[2], &errs[2]);
        for (size_t e = 1; e < 3; e++)
            if (statuses[e] != statuses[0] || changes[e] != changes[0] ||
                errs[e].sqlite_code != errs[0].sqlite_code ||
                errs[e].sql_offset != errs[0].sql_offset ||
                (statuses[e] && strcmp(errs[e].message + (e == 2 ? prefix : 0), errs[0].message)))
                fail_msg("%s\n  written: %s\n  %s: %s", text, errs[0].message,
                         e == 1 ? "single" : "batch", errs[e].message);
        succeeded += statuses[0] == YODA_OK;
        for (size_t e = 0; e < 3; e++)
            forget_last(all[e]);
        free(text);
    }
    assert_true(succeeded > 500 && succeeded < 3900);
    char *expected = dump(written);
    for (size_t e = 1; e < 3; e++) {
        char *found = dump(all[e]);
        print_difference(expected, found);
        assert_string_equal(found, expected);
        free(found);
    }
    free(expected);
    for (size_t e = 0; e < 3; e++)
        yoda_close(all[e]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
