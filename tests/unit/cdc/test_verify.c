/*
 * test_verify.c -- verify_table names the first difference, whatever kind of key the table has.
 *
 * Both sides begin equal with the rows 1 .. ROWS; then the store alone is changed.
 */
#include "capture_fixture.h"

#define ROWS 9
#define COLUMNS_MAX 4

struct kind {
    const char *name, *create;
    bool text_key; /* the key is (s, k), else k or the rowid: both are the row's number */
    bool hidden_rowid;
};

static const struct kind kinds[] = {
    {"integer key", "CREATE TABLE t(k INTEGER PRIMARY KEY, s TEXT, v)", false, false},
    {"hidden rowid", "CREATE TABLE t(k, s TEXT, v)", false, true},
    {"hidden rowid beside a key", "CREATE TABLE t(k, s TEXT PRIMARY KEY, v)", false, true},
    {"without rowid",
     "CREATE TABLE t(k, s TEXT, v, PRIMARY KEY(s COLLATE NOCASE, k)) WITHOUT ROWID", true, false},
    {"without rowid, descending",
     "CREATE TABLE t(k, s TEXT, v, PRIMARY KEY(s DESC, k DESC)) WITHOUT ROWID", true, false},
};

struct sides {
    struct fixture f;
    const struct kind *kind;
    uint32_t tid;
    char text[20]; /* of the row made last */
};

static void open_sides(struct sides *s, const struct kind *kind)
{
    char sql[200];
    *s = (struct sides){.kind = kind};
    fixture_open(&s->f);
    run_sql(&s->f, kind->create);
    for (int i = 1; i <= ROWS; i++) {
        snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d, 's%d', %d.5)", i, i, i);
        run_sql(&s->f, sql);
    }
    s->tid = register_table(&s->f, "t");
    check_equal(&s->f, kind->name);
}

static void close_sides(struct sides *s)
{
    fixture_close(&s->f);
}

/* ---- Changing the store alone ---------------------------------------------------------------- */

static void make_row(struct sides *s, int i, struct value row[COLUMNS_MAX])
{
    size_t size = (size_t)snprintf(s->text, sizeof s->text, "s%d", i);
    row[0] = value_int(i);
    row[1] = value_text(s->text, size);
    row[2] = value_real(i + 0.5);
    row[3] = value_int(i); /* the hidden rowid */
}

static void upsert(struct sides *s, const struct value *row)
{
    yoda_error err;
    enum merge_outcome outcome;
    store_write_begin(s->f.store);
    OK(table_upsert(store_find_table(s->f.store, s->tid), row, &outcome, &err));
    OK(store_publish(s->f.store, capture_watermark(s->f.capture), &err));
    store_write_end(s->f.store);
}

static void add(struct sides *s, int i)
{
    struct value row[COLUMNS_MAX];
    make_row(s, i, row);
    upsert(s, row);
}

static void change(struct sides *s, int i, struct value v)
{
    struct value row[COLUMNS_MAX];
    make_row(s, i, row);
    row[2] = v;
    upsert(s, row);
}

static void lose(struct sides *s, int i)
{
    yoda_error err;
    enum merge_outcome outcome;
    struct value row[COLUMNS_MAX];
    make_row(s, i, row);
    struct value key[] = {s->kind->text_key ? row[1] : row[0], row[0]};
    store_write_begin(s->f.store);
    OK(table_delete(store_find_table(s->f.store, s->tid), key, &outcome, &err));
    assert_int_equal(outcome, MERGE_DELETED);
    OK(store_publish(s->f.store, capture_watermark(s->f.capture), &err));
    store_write_end(s->f.store);
}

/* ---- What verify says ------------------------------------------------------------------------ */

static yoda_status verify(struct sides *s, char difference[YODA_MESSAGE_MAX], yoda_error *err)
{
    struct snapshot snapshot;
    uint64_t rows = 0;
    store_acquire(s->f.store, &snapshot);
    yoda_status status = verify_table(s->f.reader, capture_find(s->f.capture, "t")->table,
                                      version_find_table(snapshot.version, s->tid), NULL, NULL,
                                      &rows, difference, err);
    store_release(s->f.store, &snapshot);
    assert_true(status != YODA_OK || rows == ROWS);
    return status;
}

/* The difference is at this row: column NULL or one of the table's, then what is said of it. */
static void expect(struct sides *s, const char *column, int row, const char *said)
{
    yoda_error err;
    char difference[YODA_MESSAGE_MAX], key[40], expected[YODA_MESSAGE_MAX];
    snprintf(key, sizeof key, s->kind->text_key ? "'s%d',%d" : "%d", row, row);
    snprintf(expected, sizeof expected, "table t, %s%s%skey %s: %s", column ? "column " : "",
             column ? column : "", column ? ", " : "", key, said);
    OK(verify(s, difference, &err));
    assert_string_equal(difference, expected);
}

static const char only_sqlite[] = "only SQLite has the row",
                  only_columns[] = "only the columns have the row";

static void rows_on_one_side(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct sides s;
        open_sides(&s, &kinds[i]);
        lose(&s, 5);
        expect(&s, NULL, 5, only_sqlite);
        add(&s, 0); /* as many rows as before, and below the row that is missing */
        expect(&s, NULL, 0, only_columns);
        lose(&s, 0);
        add(&s, 5);
        check_equal(&s.f, "set right");
        change(&s, 12, value_null());
        expect(&s, NULL, 12, only_columns);
        close_sides(&s);
    }
}

static void values_that_differ(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct sides s;
        open_sides(&s, &kinds[i]);
        change(&s, 7, value_null());
        expect(&s, "v", 7, "SQLite has 7.5, columns have NULL");
        change(&s, 7, value_int(7));
        expect(&s, "v", 7, "SQLite has 7.5, columns have 7");
        change(&s, 7, value_text("it's", 4));
        expect(&s, "v", 7, "SQLite has 7.5, columns have 'it''s'");
        change(&s, 7, value_blob("\1\xff", 2));
        expect(&s, "v", 7, "SQLite has 7.5, columns have x'01ff'");
        change(&s, 7, value_real(7.5));
        check_equal(&s.f, "set right");
        close_sides(&s);
    }
}

/* Equal as SQL compares them, but not the same value. */
static void types_differ(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct sides s;
        open_sides(&s, &kinds[i]);
        run_sql(&s.f, "UPDATE t SET v = 2 WHERE k = 2");
        check_equal(&s.f, "an integer");
        change(&s, 2, value_real(2.0));
        expect(&s, "v", 2, "SQLite has 2, columns have 2.0");
        close_sides(&s);
    }
}

static void the_smallest_key_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct sides s;
        open_sides(&s, &kinds[i]);
        change(&s, 8, value_null());
        lose(&s, 6);
        change(&s, 3, value_null());
        expect(&s, "v", 3, "SQLite has 3.5, columns have NULL");
        lose(&s, 2);
        expect(&s, NULL, 2, only_sqlite);
        close_sides(&s);
    }
}

/* One key by its collation, two spellings of it. */
static void spelling_of_a_key(void **state)
{
    struct sides s;
    struct value row[COLUMNS_MAX];
    (void)state;
    open_sides(&s, &kinds[3]);
    make_row(&s, 4, row);
    row[1] = value_text("S4", 2);
    upsert(&s, row);
    expect(&s, NULL, 4, only_sqlite);
    close_sides(&s);
}

/* Long values are cut, and never within a character. */
static void long_values(void **state)
{
    static const char text[] = "0123456789012345678901234567890123456789 and on",
                      umlauts[] = "012345678901234567890123456789012345678\xc3\xa9\xc3\xa9";
    char zeros[50] = {0};
    struct sides s;
    (void)state;
    open_sides(&s, &kinds[0]);
    change(&s, 1, value_text(text, sizeof text - 1));
    expect(&s, "v", 1,
           "SQLite has 1.5, columns have '0123456789012345678901234567890123456789'...");
    change(&s, 1, value_text(umlauts, sizeof umlauts - 1));
    expect(&s, "v", 1, "SQLite has 1.5, columns have '012345678901234567890123456789012345678'...");
    change(&s, 1, value_blob(zeros, sizeof zeros));
    expect(&s, "v", 1,
           "SQLite has 1.5, columns have x'00000000000000000000000000000000000000000000000000000000"
           "000000000000000000000000'...");
    close_sides(&s);
}

static void columns_by_number(void **state)
{
    struct sides s;
    struct arena arena;
    struct schema_table *wider;
    struct snapshot snapshot;
    char difference[YODA_MESSAGE_MAX];
    uint64_t rows;
    yoda_error err;
    (void)state;
    open_sides(&s, &kinds[1]);
    run_sql(&s.f, "ALTER TABLE t ADD COLUMN more");
    arena_init(&arena, NULL);
    store_acquire(s.f.store, &snapshot);
    OK(schema_table_read(s.f.reader, "t", &arena, &wider, &err));
    OK(verify_table(s.f.reader, wider, version_find_table(snapshot.version, s.tid), NULL, NULL,
                    &rows, difference, &err));
    assert_string_equal(difference, "table t: SQLite has 5 columns, the copy has 4");
    store_release(s.f.store, &snapshot);
    arena_deinit(&arena);
    close_sides(&s);
}

/* Short memory is an error, never "equal". */
static void failing_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct sides s;
        yoda_status status = YODA_NOMEM;
        open_sides(&s, &kinds[i]);
        change(&s, 4, value_null());
        add(&s, 900); /* above the other two, as a number and as a text */
        lose(&s, 5);
        for (uint64_t n = 1; status != YODA_OK; n++) {
            char difference[YODA_MESSAGE_MAX];
            yoda_error err = {0};
            mem_fail_after(n, false);
            status = verify(&s, difference, &err);
            mem_fail_after(0, false);
            assert_true(status == YODA_OK || status == YODA_NOMEM);
            assert_true(status == YODA_NOMEM || difference[0] != '\0');
            assert_true(n < 1000);
        }
        expect(&s, "v", 4, "SQLite has 4.5, columns have NULL");
        close_sides(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_on_one_side),  cmocka_unit_test(values_that_differ),
        cmocka_unit_test(types_differ),      cmocka_unit_test(the_smallest_key_is_named),
        cmocka_unit_test(spelling_of_a_key), cmocka_unit_test(long_values),
        cmocka_unit_test(columns_by_number), cmocka_unit_test(failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
