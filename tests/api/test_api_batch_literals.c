/*
 * test_api_batch_literals.c -- yoda_execute and yoda_execute_batch make literals of INSERTs
 * parameters; nobody may notice. Random statements run as they are written on one database, by
 * themselves on another and in a batch on a third: same error, same rows, value by value with type.
 * Nor that long batches, of literals or of rows, put several rows in at once.
 */
#include "fixture.h"

static const char schema[] =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, i INTEGER, r REAL, s TEXT, b, n NUMERIC CHECK (n <> "
    "5));"
    "CREATE TABLE k(x TEXT PRIMARY KEY, y) WITHOUT ROWID;"
    "CREATE TABLE u(x INT NOT NULL, y ANY) STRICT;"
    "CREATE TABLE r(x INTEGER PRIMARY KEY ON CONFLICT ROLLBACK, y UNIQUE ON CONFLICT FAIL);"
    "CREATE TABLE a(id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT DEFAULT 'now', v);"
    "CREATE TRIGGER g BEFORE INSERT ON t WHEN new.i = 3 BEGIN INSERT OR IGNORE INTO k VALUES "
    "(new.id, typeof(new.id)); END";

/* Not the greatest rowid for a key: after it SQLite takes random ones. */
static void put_literal(FILE *out, bool key, uint64_t *seed)
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
    uint64_t r = test_random(seed) % 100, which = test_random(seed) % (sizeof odd / sizeof *odd);
    if (r < 40)
        fputs(odd[key && which == 0 ? 1 : which], out);
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
            put_literal(out, c == 0, seed);
            if (c == columns - 1)
                fputc(')', out);
        }
    fputs(test_random(seed) % 10 ? "" : " ; -- end", out);
    fclose(out);
    return text;
}

static char *dump(yoda_engine *db)
{
    static const char sql[] =
        "SELECT 't', id, quote(i), quote(r), quote(s), quote(b), quote(n), "
        "typeof(n), typeof(r) FROM "
        "t UNION ALL SELECT 'k', rank() OVER (ORDER BY x), quote(x), "
        "typeof(x), quote(y), typeof(y), "
        "1, 2, 3 FROM k UNION ALL SELECT 'u', rowid, quote(x), quote(y), "
        "typeof(y), 1, 2, 3, 4 FROM "
        "u UNION ALL SELECT 'r', x, quote(y), typeof(y), 1, 2, 3, 4, 5 FROM r "
        "UNION ALL SELECT 'a', id, quote(v), typeof(v), at, 2, 3, 4, "
        "(SELECT seq FROM sqlite_sequence) FROM a ORDER BY 1, 2";
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

/* ---- Long batches ---------------------------------------------------------------------------- */

#define ITEMS_MAX 300
#define LENGTH(array) (sizeof(array) / sizeof *(array))

static const struct {
    const char *head;
    int columns;
} plain[] = {{"INSERT INTO t(id, s, b) VALUES", 3},
             {"INSERT OR IGNORE INTO t(id, n, i) VALUES ", 3},
             {"REPLACE INTO t(id, n) values", 2},
             {"INSERT INTO k VALUES ", 2},
             {"INSERT INTO u VALUES ", 2},
             {"INSERT INTO r VALUES", 2},
             {"INSERT OR FAIL INTO t(id, r) VALUES ", 2},
             {"INSERT INTO a(v) VALUES ", 1},
             {"INSERT OR ROLLBACK INTO t(id, b) VALUES", 2},
             {"INSERT INTO nowhere VALUES ", 1}};

/* A column's value: the first is a key that is seldom there. */
static yoda_value random_value(int column, uint64_t *seed)
{
    static const char *const texts[] = {"",   "it's", "a 'b'",      "\xc3\xa4",
                                        "12", "1e3",  "long enough"};
    static const char bytes[] = "\0\xff'a";
    uint64_t r = test_random(seed) % 400;
    yoda_value v = {.type = YODA_INTEGER, .integer = (int64_t)(test_random(seed) % 100000000)};
    if (column == 0 && r < 398)
        return v;
    if (r < 3)
        v.type = YODA_NULL;
    else if (r < 120)
        v = (yoda_value){.type = YODA_REAL, .real = (double)(int)(test_random(seed) % 1000) / 8};
    else if (r < 240)
        v = (yoda_value){.type = YODA_TEXT, .data = texts[r % LENGTH(texts)]};
    else if (r < 260)
        v = (yoda_value){.type = YODA_BLOB, .data = bytes, .size = r % sizeof bytes};
    if (v.type == YODA_TEXT)
        v.size = strlen(v.data);
    return v;
}

static void put_value(FILE *out, const yoda_value *v)
{
    const char *at = v->data;
    if (v->type == YODA_INTEGER)
        fprintf(out, "%lld", (long long)v->integer);
    else if (v->type == YODA_REAL)
        fprintf(out, "%.17g", v->real);
    else if (v->type == YODA_NULL)
        fputs("NULL", out);
    else
        fputs(v->type == YODA_TEXT ? "'" : "x'", out);
    for (size_t i = 0; at && i < v->size; i++)
        if (v->type == YODA_BLOB)
            fprintf(out, "%02x", (unsigned char)at[i]);
        else
            fprintf(out, at[i] == '\'' ? "''" : "%c", at[i]);
    if (at)
        fputc('\'', out);
}

/* Runs of one shape, of many lengths; now and then something else. */
static size_t random_batch(char *items[ITEMS_MAX], uint64_t *seed)
{
    size_t count = 0, want = 1 + test_random(seed) % ITEMS_MAX;
    while (count < want) {
        size_t which = test_random(seed) % (LENGTH(plain) - (test_random(seed) % 9 != 0));
        for (size_t n = 1 + test_random(seed) % 70; n > 0 && count < want; n--, count++) {
            size_t size;
            FILE *out = open_memstream(&items[count], &size);
            fputs(plain[which].head, out);
            for (int c = 0; c < plain[which].columns; c++) {
                yoda_value v = random_value(c, seed);
                fputc(c == 0 ? '(' : ',', out);
                put_value(out, &v);
            }
            fputc(')', out);
            fclose(out);
        }
        if (count < want && test_random(seed) % 4 == 0)
            items[count++] = random_insert(seed);
    }
    return count;
}

struct outcome {
    yoda_status status;
    int64_t changes, last_rowid;
    yoda_error err;
};

static int64_t last_rowid(yoda_txn *txn)
{
    yoda_result *rows;
    yoda_error err;
    OK(yoda_txn_query(txn, "SELECT last_insert_rowid()", NULL, &rows, &err));
    assert_true(yoda_result_next(rows));
    int64_t rowid = yoda_result_int64(rows, 0);
    yoda_result_close(rows);
    return rowid;
}

/* Where a constraint ends the transaction of the caller, nothing can be tried again: of several
 * rows put in at once the message names all. */
static bool names_more(const struct outcome *written, const struct outcome *folded)
{
    int row, first, last, at = 0, tail = 0;
    return written->last_rowid == -1 &&
           sscanf(written->err.message, "row %d: %n", &row, &at) == 1 &&
           sscanf(folded->err.message, "rows %d to %d: %n", &first, &last, &tail) == 2 &&
           first <= row && row <= last &&
           strcmp(written->err.message + at, folded->err.message + tail) == 0;
}

static void assert_same(const struct outcome *written, const struct outcome *folded)
{
    if (folded->status != written->status || folded->changes != written->changes ||
        folded->last_rowid != written->last_rowid ||
        folded->err.sqlite_code != written->err.sqlite_code ||
        folded->err.sql_offset != written->err.sql_offset ||
        (written->status && strcmp(folded->err.message, written->err.message) != 0 &&
         !names_more(written, folded)))
        fail_msg(
            "written: %d, %lld changes, rowid %lld: %s\n  folded: %d, %lld changes, rowid %lld: %s",
            (int)written->status, (long long)written->changes, (long long)written->last_rowid,
            written->err.message, (int)folded->status, (long long)folded->changes,
            (long long)folded->last_rowid, folded->err.message);
}

static void assert_same_rows(yoda_engine *written, yoda_engine *folded)
{
    char *expected = dump(written), *found = dump(folded);
    print_difference(expected, found);
    assert_string_equal(found, expected);
    free(found);
    free(expected);
}

static struct outcome run_literals(yoda_engine *db, char *const items[], size_t count)
{
    struct outcome o = {.err = {.sql_offset = -1}};
    yoda_error err;
    yoda_txn *txn;
    o.status = yoda_execute_batch(db, (const char *const *)items, count, &o.changes, &o.err);
    OK(yoda_begin(db, &txn, &err));
    o.last_rowid = last_rowid(txn);
    OK(yoda_rollback(txn, &err));
    return o;
}

static struct outcome run_rows(yoda_engine *db, const char *sql, const yoda_params *rows,
                               size_t count, bool inside)
{
    struct outcome o = {.err = {.sql_offset = -1}};
    yoda_error err;
    yoda_txn *txn;
    if (!inside)
        o.status = yoda_execute_many(db, sql, rows, count, &o.changes, &o.err);
    OK(yoda_begin(db, &txn, &err));
    if (inside)
        o.status = yoda_txn_execute_many(txn, sql, rows, count, &o.changes, &o.err);
    /* where SQLite has rolled back, there is nothing more to ask */
    bool open = yoda_txn_execute(txn, "DELETE FROM k WHERE 0", NULL, NULL, &err) == YODA_OK;
    o.last_rowid = open ? last_rowid(txn) : -1;
    if (!open || yoda_commit(txn, &err) != YODA_OK)
        OK(yoda_rollback(txn, &err));
    return o;
}

static struct outcome run_random_rows(yoda_engine *db, uint64_t seed, bool inside)
{
    static yoda_value values[ITEMS_MAX][3];
    yoda_params rows[ITEMS_MAX];
    char sql[200];
    size_t which = test_random(&seed) % LENGTH(plain), count = 1 + test_random(&seed) % ITEMS_MAX;
    size_t width = (size_t)plain[which].columns;
    snprintf(sql, sizeof sql, "%s%s", plain[which].head,
             width == 1   ? "(?)"
             : width == 2 ? "(?, ?) ;"
                          : "(?,?,?)");
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < width; c++)
            values[i][c] = random_value((int)c, &seed);
        rows[i] = (yoda_params){.count = width, .values = values[i]};
    }
    if (test_random(&seed) % 20 == 0)
        rows[test_random(&seed) % count].count--;
    return run_rows(db, sql, rows, count, inside);
}

static void long_batches(void **state)
{
    const yoda_option as_written[] = {{"statement_cache", "0"}, {"sync_interval_ms", "0"}};
    const yoda_option options[] = {{"sync_interval_ms", "0"}};
    static char *items[ITEMS_MAX];
    char *directory = test_directory_make(), paths[2][4096];
    yoda_engine *db[2];
    yoda_verify_report report;
    yoda_error err;
    uint64_t seed = test_seed();
    int succeeded = 0;
    (void)state;
    for (int e = 0; e < 2; e++) {
        snprintf(paths[e], sizeof paths[e], "%s/%d.db", directory, e);
        db[e] = fixture_open(paths[e], e == 0 ? as_written : options, e == 0 ? 2 : 1);
        fixture_execute(db[e], schema);
        fixture_execute(db[e], "PRAGMA synchronous=OFF");
        OK(yoda_register_table(db[e], "t", NULL, &err));
        OK(yoda_register_table(db[e], "r", NULL, &err));
    }
    for (int i = 0; i < 250; i++) {
        struct outcome o[2];
        bool literals = test_random(&seed) % 2;
        uint64_t rows_seed = test_random(&seed);
        size_t count = literals ? random_batch(items, &seed) : 0;
        for (int e = 0; e < 2; e++)
            o[e] = literals ? run_literals(db[e], items, count)
                            : run_random_rows(db[e], rows_seed, i % 3 == 0);
        assert_same(&o[0], &o[1]);
        succeeded += o[0].status == YODA_OK;
        for (size_t k = 0; k < count; k++)
            free(items[k]);
    }
    assert_true(succeeded > 20 && succeeded < 240);
    assert_same_rows(db[0], db[1]);
    OK(yoda_sync(db[1], NULL, &err));
    OK(yoda_verify(db[1], NULL, 0, &report, &err));
    assert_string_equal(report.difference, "");
    assert_int_equal(report.tables_equal, 2);
    for (int e = 0; e < 2; e++)
        yoda_close(db[e]);
    test_directory_remove(directory);
}

/* A row may refer to one that comes later in the batch only where the check is deferred. */
static void foreign_keys_see_each_row(void **state)
{
    struct fixture *f = *state;
    const char *items[64];
    char texts[64][64];
    yoda_error err;
    int64_t changes;
    fixture_execute(f->db, "PRAGMA foreign_keys=ON");
    fixture_execute(f->db, "CREATE TABLE n(id INTEGER PRIMARY KEY, next INTEGER REFERENCES n)");
    for (int i = 0; i < 64; i++) { /* to the next one, and to itself */
        snprintf(texts[i], sizeof texts[i], "INSERT INTO n VALUES (%d, %d)", i, i | 1);
        items[i] = texts[i];
    }
    FAILS(YODA_CONSTRAINT, yoda_execute_batch(f->db, items, 64, &changes, &err));
    assert_string_equal(err.message, "statement 1: FOREIGN KEY constraint failed");
    fixture_execute(f->db, "PRAGMA foreign_keys=OFF");
    OK(yoda_execute_batch(f->db, items, 64, &changes, &err));
    assert_int_equal(changes, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_written),
        cmocka_unit_test(long_batches),
        cmocka_unit_test_setup_teardown(foreign_keys_see_each_row, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
