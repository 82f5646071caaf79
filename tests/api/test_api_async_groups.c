/*
 * test_api_async_groups.c -- submitted writes answer and write what the same calls one by one do.
 *
 * Random writes are run twice: by the synchronous calls on one file, and submitted on another: all
 * at once while a transaction holds the writer back, so that they come in groups; or each when the
 * one before has ended, so that the submit runs what it can itself. Status, SQLite's code, message
 * and changes of each must agree, and so must the tables afterwards.
 */
#include "async_fixture.h"

#define ROUND_OPS 400
#define ROUNDS 6
#define TEXT_MAX 256

enum shape { ONE, BATCH, MANY_ROWS };

struct write { /* one random write */
    enum shape shape;
    char texts[3][TEXT_MAX];
    yoda_value values[3];
    yoda_params rows[3];
    yoda_status status; /* of the synchronous call */
    int64_t changes;
    yoda_error err;
};

static const char schema[] =
    "PRAGMA foreign_keys=ON;"
    "CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER CHECK (v <> 13), s TEXT);"
    "CREATE TABLE parent(id INTEGER PRIMARY KEY);"
    "CREATE TABLE child(p INTEGER REFERENCES parent(id) DEFERRABLE INITIALLY DEFERRED);"
    "CREATE TABLE strict_child(p INTEGER REFERENCES parent(id));"
    "CREATE TRIGGER stop BEFORE INSERT ON t WHEN new.v = 77 BEGIN SELECT RAISE(ROLLBACK, 'stop'); "
    "END;"
    "CREATE TRIGGER part BEFORE INSERT ON t WHEN new.v = 78 BEGIN SELECT RAISE(FAIL, 'part'); END";

static void random_text(uint64_t *seed, char out[TEXT_MAX])
{
    int a = (int)(test_random(seed) % 200), b = (int)(test_random(seed) % 200);
    switch (test_random(seed) % 24) {
    case 0:
        snprintf(out, TEXT_MAX, "INSERT INTO t VALUES (%d, 1, 'x'), (%d, 2, 'a;b')", a, b);
        break;
    case 1:
        snprintf(out, TEXT_MAX, "INSERT OR FAIL INTO t VALUES (%d, 1, 'f'), (%d, 2, 'f')", a, b);
        break;
    case 2:
        if (test_random(seed) % 8 == 0)
            snprintf(out, TEXT_MAX, "INSERT OR ROLLBACK INTO t VALUES (%d, 3, 'r')", a);
        else
            snprintf(out, TEXT_MAX, "INSERT OR IGNORE INTO t VALUES (%d, 3, 'i')", a);
        break;
    case 3:
        snprintf(out, TEXT_MAX, "UPDATE t SET v = v + 1, s = '%d' WHERE id %% 7 = %d", b, a % 7);
        break;
    case 4:
        snprintf(out, TEXT_MAX, "DELETE FROM t WHERE id IN (%d, %d);", a, b);
        break;
    case 5:
        snprintf(out, TEXT_MAX, "INSERT INTO child VALUES (%d)", a % 20);
        break;
    case 6:
        snprintf(out, TEXT_MAX, "INSERT INTO parent VALUES (%d) -- ; a comment", b % 20);
        break;
    case 7:
        snprintf(out, TEXT_MAX, "INSERT INTO strict_child VALUES (%d)", a % 20);
        break;
    case 8:
        snprintf(out, TEXT_MAX, "INSERT INTO t(id, v) VALUES (%d, %d)", a,
                 test_random(seed) % 6 ? 78 : 77);
        break;
    case 9:
        snprintf(out, TEXT_MAX, "%s",
                 a % 2 ? "INSERT INTO nowhere VALUES (1)" : "INSERT INTO t VALUES (");
        break;
    case 10:
        snprintf(out, TEXT_MAX,
                 "INSERT INTO t VALUES (%d, 5, 'm'); INSERT INTO t VALUES (%d, 13, "
                 "'m')",
                 a, b);
        break;
    case 11:
        snprintf(out, TEXT_MAX, "%s",
                 a % 3 == 0   ? "CREATE TABLE IF NOT EXISTS made(x)"
                 : a % 3 == 1 ? "DROP TABLE IF EXISTS made"
                              : "BEGIN; DELETE FROM t");
        break;
    case 12:
        snprintf(out, TEXT_MAX, "BEGIN; INSERT INTO t VALUES (%d, 1, 'c'); COMMIT", a);
        break;
    case 13:
        snprintf(out, TEXT_MAX, "DELETE FROM parent WHERE id = %d", a % 20);
        break;
    case 14:
        snprintf(out, TEXT_MAX,
                 "INSERT INTO t SELECT last_insert_rowid() + 1000, 4, 'l' "
                 "WHERE %d > 100",
                 a);
        break;
    default:
        snprintf(out, TEXT_MAX, "%s INTO t(id, v, s) VALUES (%d, %d, 'one')",
                 a % 2 ? "insert" : "REPLACE", a, b);
    }
}

static void random_write(uint64_t *seed, struct write *w)
{
    uint64_t shape = test_random(seed) % 8;
    memset(w, 0, sizeof *w);
    w->shape = shape == 0 ? BATCH : shape == 1 ? MANY_ROWS : ONE;
    for (int i = 0; i < 3; i++) {
        random_text(seed, w->texts[i]);
        w->values[i] =
            (yoda_value){.type = YODA_INTEGER, .integer = (int64_t)(test_random(seed) % 300)};
        w->rows[i] = (yoda_params){1, &w->values[i], NULL};
    }
    if (w->shape == BATCH && test_random(seed) % 8 == 0)
        snprintf(w->texts[1], TEXT_MAX, "COMMIT");
    if (w->shape == MANY_ROWS)
        snprintf(w->texts[0], TEXT_MAX, "INSERT INTO t(id, v) VALUES (?, 1)");
}

static void run_now(yoda_engine *db, struct write *w)
{
    const char *const texts[] = {w->texts[0], w->texts[1], w->texts[2]};
    w->err = (yoda_error){.sql_offset = -1};
    if (w->shape == ONE)
        w->status = yoda_execute(db, w->texts[0], NULL, &w->changes, &w->err);
    else if (w->shape == BATCH)
        w->status = yoda_execute_batch(db, texts, 3, &w->changes, &w->err);
    else
        w->status = yoda_execute_many(db, w->texts[0], w->rows, 3, &w->changes, &w->err);
}

static void submit(yoda_queue *queue, const struct write *w, uint64_t i)
{
    const char *const texts[] = {w->texts[0], w->texts[1], w->texts[2]};
    yoda_error err;
    if (w->shape == ONE)
        OK(yoda_submit_execute(queue, w->texts[0], NULL, NULL, i, NULL, &err));
    else if (w->shape == BATCH)
        OK(yoda_submit_execute_batch(queue, texts, 3, NULL, i, NULL, &err));
    else
        OK(yoda_submit_execute_many(queue, w->texts[0], w->rows, 3, NULL, i, NULL, &err));
}

static void compare(const struct write *w, const yoda_completion *done)
{
    bool same = done->status == w->status && done->changes == w->changes &&
                done->error.sqlite_code == w->err.sqlite_code &&
                done->error.sql_offset == w->err.sql_offset &&
                strcmp(done->error.message, w->err.message) == 0;
    if (same)
        return;
    print_error("%s | %s | %s\n", w->texts[0], w->texts[1], w->texts[2]);
    print_error("one by one: %d, %lld changes, code %d at %lld: %s\n", (int)w->status,
                (long long)w->changes, w->err.sqlite_code, (long long)w->err.sql_offset,
                w->err.message);
    print_error("submitted: %d, %lld changes, code %d at %lld: %s\n", (int)done->status,
                (long long)done->changes, done->error.sqlite_code,
                (long long)done->error.sql_offset, done->error.message);
    fail_msg("a submitted write differs");
}

static char *dump(yoda_engine *db)
{
    char *text = NULL;
    size_t size = 0;
    yoda_result *rows = NULL;
    yoda_error err;
    FILE *out = open_memstream(&text, &size);
    OK(yoda_query(db,
                  "SELECT 't', id, v, s FROM t UNION ALL SELECT 'p', id, 0, '' FROM parent UNION "
                  "ALL SELECT 'c', p, rowid, '' FROM child UNION ALL SELECT 's', p, rowid, '' FROM "
                  "strict_child UNION ALL SELECT name, 0, 0, type FROM sqlite_schema WHERE name = "
                  "'made' ORDER BY 1, 2, 3",
                  NULL, NULL, &rows, &err));
    while (yoda_result_next(rows)) {
        for (size_t c = 0; c < 4; c++) {
            yoda_value v;
            yoda_result_value(rows, c, &v);
            fprintf(out, "%d:%lld:%.*s ", (int)v.type, (long long)v.integer, (int)v.size,
                    v.data ? (const char *)v.data : "");
        }
        fputc('\n', out);
    }
    yoda_result_close(rows);
    fclose(out);
    return text;
}

static void compare_tables(yoda_engine *db, yoda_engine *oracle)
{
    char *expected = dump(oracle), *found = dump(db);
    assert_string_equal(found, expected);
    free(expected);
    free(found);
}

static void run_apart(struct async *a, yoda_engine *oracle, struct write *writes, uint64_t *seed)
{
    for (uint64_t i = 0; i < ROUND_OPS; i++) {
        random_write(seed, &writes[i]);
        run_now(oracle, &writes[i]);
        submit(a->queue, &writes[i], i);
        compare(&writes[i], async_next(a->queue));
    }
    compare_tables(a->db, oracle);
}

static void run_together(struct async *a, yoda_engine *oracle, struct write *writes, uint64_t *seed)
{
    yoda_txn *txn;
    yoda_error err;
    OK(yoda_begin(a->db, &txn, &err));
    for (uint64_t i = 0; i < ROUND_OPS; i++) {
        random_write(seed, &writes[i]);
        submit(a->queue, &writes[i], i);
    }
    for (size_t i = 0; i < ROUND_OPS; i++)
        run_now(oracle, &writes[i]);
    OK(yoda_rollback(txn, &err));
    for (uint64_t i = 0; i < ROUND_OPS; i++) {
        yoda_completion *done = async_next(a->queue);
        assert_int_equal(done->user_data, i);
        compare(&writes[i], done);
    }
    compare_tables(a->db, oracle);
}

static void as_one_by_one(void **state)
{
    struct async *a = *state;
    uint64_t seed = test_seed();
    struct write *writes = calloc(ROUND_OPS, sizeof *writes);
    char path[4200];
    snprintf(path, sizeof path, "%s/oracle.db", a->directory);
    const yoda_option options[] = {{"sync_interval_ms", "0"}};
    yoda_engine *oracle = fixture_open(path, options, 1);
    yoda_error err;
    fixture_execute(oracle, schema);
    fixture_execute(a->db, schema);
    OK(yoda_register_table(oracle, "t", NULL, &err));
    OK(yoda_register_table(a->db, "t", NULL, &err));
    for (int round = 0; round < ROUNDS; round++) {
        run_together(a, oracle, writes, &seed);
        run_apart(a, oracle, writes, &seed);
    }
    yoda_verify_report report;
    OK(yoda_verify(a->db, NULL, 0, &report, &err));
    assert_int_equal(report.tables_equal, 1);
    yoda_close(oracle);
    free(writes);
}

/* A cancelled write ends the transaction around it: the others do not notice. */
static void cancelled_in_a_group(void **state)
{
    struct async *a = *state;
    yoda_txn *txn;
    yoda_op *op;
    yoda_error err;
    fixture_execute(a->db, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    OK(yoda_begin(a->db, &txn, &err));
    async_execute(a->queue, 0, "INSERT INTO t VALUES (1)");
    async_execute(a->queue, 1, "INSERT INTO t VALUES (2)");
    OK(yoda_submit_execute(a->queue, "INSERT INTO t " ASYNC_ENDLESS, NULL, NULL, 2, &op, &err));
    async_execute(a->queue, 3, "INSERT INTO t VALUES (3)");
    async_execute(a->queue, 4, "INSERT INTO t VALUES (3)");
    OK(yoda_rollback(txn, &err));
    async_wait_phase(op, YODA_OP_RUNNING);
    yoda_op_cancel(op);
    static const yoda_status expected[] = {YODA_OK, YODA_OK, YODA_INTERRUPTED, YODA_OK,
                                           YODA_CONSTRAINT};
    for (uint64_t i = 0; i < 5; i++)
        async_expect(a->queue, i, expected[i]);
    yoda_op_release(op);
    assert_int_equal(fixture_int(a->db, "SELECT count(*) FROM t"), 3);
}

/* Grouped or not, a completion comes after the commit: another connection sees the row. */
static void completions_come_after_the_commit(void **state)
{
    struct async *a = *state;
    yoda_engine *other = fixture_open(a->path, NULL, 0);
    yoda_txn *txn;
    yoda_error err;
    fixture_execute(a->db, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    OK(yoda_begin(a->db, &txn, &err));
    for (uint64_t i = 1; i <= 1000; i++)
        async_execute(a->queue, i, "INSERT INTO t DEFAULT VALUES");
    OK(yoda_rollback(txn, &err));
    for (uint64_t i = 1; i <= 1000; i++) {
        async_expect(a->queue, i, YODA_OK);
        if (i % 50 == 0)
            assert_true(fixture_int(other, "SELECT count(*) FROM t") >= (int64_t)i);
    }
    yoda_close(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, async_setup, async_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(as_one_by_one),
        TEST(cancelled_in_a_group),
        TEST(completions_come_after_the_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
