/*
 * test_api_ingest.c -- rows of an Arrow stream into tables: modes, names, what is refused, and that
 * nothing is left of what failed or was cancelled. The stream is released once, whatever happens.
 */
#include "arrow_source.h"
#include "async_fixture.h"

#define ROWS 3

/* Two columns, a and b: (1, 'x'), (2, NULL), (3, 'zz'). */
struct pair {
    struct source source;
    struct ArrowSchema schemas[2];
    struct ArrowArray arrays[2];
    const void *a_buffers[2], *b_buffers[3];
};

static struct ArrowArrayStream pair_of(struct pair *p, const char *a, const char *b)
{
    static const int64_t integers[] = {1, 2, 3};
    static const int32_t offsets[] = {0, 1, 1, 3};
    static const uint8_t validity[] = {0x05};
    p->a_buffers[0] = NULL;
    p->a_buffers[1] = integers;
    p->b_buffers[0] = validity;
    p->b_buffers[1] = offsets;
    p->b_buffers[2] = "xzz";
    p->schemas[0] = source_schema("l", a);
    p->schemas[1] = source_schema("u", b);
    p->arrays[0] = source_array(ROWS, 0, 0, 2, p->a_buffers);
    p->arrays[1] = source_array(ROWS, 0, 1, 3, p->b_buffers);
    source_init(&p->source, ROWS);
    source_add(&p->source, &p->schemas[0], &p->arrays[0]);
    source_add(&p->source, &p->schemas[1], &p->arrays[1]);
    return source_stream(&p->source);
}

static void ingest_ok(yoda_engine *db, const char *table, struct pair *p,
                      struct ArrowArrayStream stream, yoda_ingest_mode mode)
{
    yoda_error err;
    int64_t rows = -1;
    OK(yoda_ingest(db, table, &stream, mode, &rows, &err));
    assert_int_equal(rows, ROWS * p->source.batches);
    assert_null(stream.release);
    source_is_released(&p->source);
}

static void ingest_fails(yoda_engine *db, const char *table, struct pair *p,
                         struct ArrowArrayStream stream, yoda_ingest_mode mode, yoda_status status,
                         const char *words)
{
    yoda_error err;
    int64_t rows = -1;
    FAILS(status, yoda_ingest(db, table, &stream, mode, &rows, &err));
    if (!strstr(err.message, words))
        print_error("%s\n", err.message);
    assert_non_null(strstr(err.message, words));
    assert_int_equal(rows, 0);
    assert_null(stream.release);
    source_is_released(&p->source);
}

static int64_t count(yoda_engine *db, const char *table)
{
    char sql[1024];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    return fixture_int(db, sql);
}

static int64_t tables(yoda_engine *db, const char *name)
{
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM sqlite_schema WHERE name = '%s'", name);
    return fixture_int(db, sql);
}

/* ---- Modes and names ------------------------------------------------------------------------- */

static void modes(void **state)
{
    struct fixture *f = *state;
    struct pair p;
    ingest_fails(f->db, "t", &p, pair_of(&p, "a", "b"), YODA_INGEST_APPEND, YODA_NOT_FOUND, "t");
    ingest_ok(f->db, "t", &p, pair_of(&p, "a", "b"), YODA_INGEST_CREATE);
    ingest_fails(f->db, "T", &p, pair_of(&p, "a", "b"), YODA_INGEST_CREATE, YODA_CONFLICT, "T");
    ingest_ok(f->db, "t", &p, pair_of(&p, "a", "b"), YODA_INGEST_APPEND);
    ingest_ok(f->db, "t", &p, pair_of(&p, "B", "A"), YODA_INGEST_CREATE_APPEND);
    assert_int_equal(count(f->db, "t"), 9);
    ingest_ok(f->db, "t", &p, pair_of(&p, "a", "b"), YODA_INGEST_REPLACE);
    assert_int_equal(count(f->db, "t"), 3);
    assert_int_equal(fixture_int(f->db, "SELECT sum(a) FROM t WHERE b IS NULL OR b > 'x'"), 5);
    ingest_ok(f->db, "new", &p, pair_of(&p, "a", "b"), YODA_INGEST_REPLACE);
    ingest_ok(f->db, "newer", &p, pair_of(&p, "a", "b"), YODA_INGEST_CREATE_APPEND);
    assert_int_equal(count(f->db, "new") + count(f->db, "newer"), 6);
}

static void names_need_quotes(void **state)
{
    struct fixture *f = *state;
    struct pair p;
    ingest_ok(f->db, "a \"b\" 'c'; --", &p, pair_of(&p, "select", "\"x\" y"), YODA_INGEST_CREATE);
    ingest_ok(f->db, "A \"B\" 'c'; --", &p, pair_of(&p, "SELECT", "\"X\" Y"), YODA_INGEST_APPEND);
    assert_int_equal(count(f->db, "\"a \"\"b\"\" 'c'; --\" WHERE \"select\" > 0"), 6);
}

/* Batches, defaults, and tables of every kind. */
static void kinds_of_tables(void **state)
{
    struct fixture *f = *state;
    struct pair p;
    fixture_execute(f->db, "CREATE TABLE d(k INTEGER PRIMARY KEY, b TEXT, a INT, "
                           "d TEXT DEFAULT 'dd', g AS (a * 2));"
                           "CREATE TABLE w(b TEXT, a INT PRIMARY KEY) WITHOUT ROWID;"
                           "CREATE TABLE s(a INT, b TEXT) STRICT;"
                           "CREATE TABLE i(a INTEGER PRIMARY KEY ON CONFLICT IGNORE, b);");
    struct ArrowArrayStream stream = pair_of(&p, "a", "b");
    p.source.batches = 100;
    ingest_ok(f->db, "d", &p, stream, YODA_INGEST_APPEND);
    assert_int_equal(fixture_int(f->db, "SELECT sum(k) FROM d WHERE d = 'dd' AND g = 2 * a"),
                     300 * 301 / 2);
    ingest_ok(f->db, "w", &p, pair_of(&p, "a", "b"), YODA_INGEST_APPEND);
    ingest_ok(f->db, "s", &p, pair_of(&p, "a", "b"), YODA_INGEST_APPEND);
    assert_int_equal(count(f->db, "w NATURAL JOIN s"), 2);
    ingest_fails(f->db, "s", &p, pair_of(&p, "b", "a"), YODA_INGEST_APPEND, YODA_CONSTRAINT,
                 "row 1: ");
    yoda_error err;
    int64_t rows = -1;
    stream = pair_of(&p, "a", "b");
    p.source.batches = 2;
    OK(yoda_ingest(f->db, "i", &stream, YODA_INGEST_APPEND, &rows, &err));
    assert_int_equal(rows, 3); /* inserted */
}

static void what_is_refused(void **state)
{
    struct fixture *f = *state;
    struct pair p;
    fixture_execute(f->db, "CREATE TABLE t(a, b, g AS (a)); CREATE VIEW v AS SELECT * FROM t");
    ingest_fails(f->db, "t", &p, pair_of(&p, "a", "c"), YODA_INGEST_APPEND, YODA_NOT_FOUND,
                 "\"c\"");
    ingest_fails(f->db, "t", &p, pair_of(&p, "a", "rowid"), YODA_INGEST_APPEND, YODA_NOT_FOUND,
                 "\"rowid\"");
    ingest_fails(f->db, "t", &p, pair_of(&p, "a", "A"), YODA_INGEST_APPEND, YODA_MISUSE, "\"A\"");
    ingest_fails(f->db, "n", &p, pair_of(&p, "a", "A"), YODA_INGEST_CREATE, YODA_MISUSE, "\"A\"");
    ingest_fails(f->db, "t", &p, pair_of(&p, "a", "G"), YODA_INGEST_REPLACE, YODA_MISUSE,
                 "generated");
    ingest_fails(f->db, "v", &p, pair_of(&p, "a", "b"), YODA_INGEST_APPEND, YODA_ERROR, "view");
    ingest_fails(f->db, "v", &p, pair_of(&p, "a", "b"), YODA_INGEST_CREATE, YODA_CONFLICT, "view");
    ingest_fails(f->db, "_yoda_log", &p, pair_of(&p, "a", "b"), YODA_INGEST_APPEND, YODA_ERROR,
                 "reserved");
    ingest_fails(f->db, "SQLITE_x", &p, pair_of(&p, "a", "b"), YODA_INGEST_CREATE, YODA_ERROR,
                 "reserved");
    assert_int_equal(tables(f->db, "n"), 0);
}

static void wrong_calls(void **state)
{
    struct fixture *f = *state;
    struct pair p;
    yoda_error err;
    int64_t rows = 7;
    FAILS(YODA_MISUSE, yoda_ingest(f->db, "t", NULL, YODA_INGEST_CREATE, &rows, &err));
    assert_int_equal(rows, 0);
    ingest_fails(f->db, NULL, &p, pair_of(&p, "a", "b"), YODA_INGEST_CREATE, YODA_MISUSE, "table");
    ingest_fails(NULL, "t", &p, pair_of(&p, "a", "b"), YODA_INGEST_CREATE, YODA_MISUSE, "engine");
    ingest_fails(f->db, "t", &p, pair_of(&p, "a", "b"), (yoda_ingest_mode)4, YODA_MISUSE, "mode");
    struct ArrowArrayStream gone = {0};
    FAILS(YODA_MISUSE, yoda_ingest(f->db, "t", &gone, YODA_INGEST_CREATE, NULL, &err));
    OK(yoda_shutdown(f->db, &err));
    ingest_fails(f->db, "t", &p, pair_of(&p, "a", "b"), YODA_INGEST_CREATE, YODA_CLOSED, "");
}

/* A stream of rows without columns: what the table says of each. */
static void no_columns(void **state)
{
    struct fixture *f = *state;
    struct source source;
    yoda_error err;
    fixture_execute(f->db, "CREATE TABLE t(a DEFAULT 7)");
    source_init(&source, 2);
    struct ArrowArrayStream stream = source_stream(&source);
    OK(yoda_ingest(f->db, "t", &stream, YODA_INGEST_APPEND, NULL, &err));
    assert_int_equal(fixture_int(f->db, "SELECT sum(a) FROM t"), 14);
    stream = source_stream(&source);
    FAILS(YODA_MISUSE, yoda_ingest(f->db, "n", &stream, YODA_INGEST_CREATE, NULL, &err));
    source_is_released(&source);
}

/* ---- Failures -------------------------------------------------------------------------------- */

static void a_constraint_in_the_middle(void **state)
{
    struct fixture *f = *state;
    struct pair p;
    fixture_execute(f->db,
                    "CREATE TABLE t(a INTEGER CHECK (a < 3), b); INSERT INTO t VALUES (0, 0);"
                    "CREATE TABLE u(a INTEGER UNIQUE, b)");
    ingest_fails(f->db, "t", &p, pair_of(&p, "a", "b"), YODA_INGEST_REPLACE, YODA_CONSTRAINT,
                 "row 3: ");
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM t WHERE b = 0"), 1);
    struct ArrowArrayStream stream = pair_of(&p, "a", "b");
    p.source.batches = 2;
    ingest_fails(f->db, "u", &p, stream, YODA_INGEST_APPEND, YODA_CONSTRAINT, "row 4: UNIQUE");
    assert_int_equal(count(f->db, "u"), 0);
    fixture_execute(f->db, "INSERT INTO u VALUES (1, 2)"); /* no transaction is left open */
}

static void foreign_keys_at_the_commit(void **state)
{
    struct fixture *f = *state;
    struct pair p;
    fixture_execute(f->db, "PRAGMA foreign_keys = ON; CREATE TABLE p(id INTEGER PRIMARY KEY);"
                           "CREATE TABLE t(a REFERENCES p DEFERRABLE INITIALLY DEFERRED, b)");
    ingest_fails(f->db, "t", &p, pair_of(&p, "a", "b"), YODA_INGEST_APPEND, YODA_CONSTRAINT, "");
    assert_int_equal(count(f->db, "t"), 0);
}

static int fails_third(void *context, int64_t n)
{
    (void)context;
    return n == 2 ? EIO : 0;
}

static void the_stream_fails(void **state)
{
    struct fixture *f = *state;
    struct pair p;
    struct ArrowArrayStream stream = pair_of(&p, "a", "b");
    p.source.batches = 5;
    p.source.before = fails_third;
    p.source.message = "the cable is out";
    ingest_fails(f->db, "t", &p, stream, YODA_INGEST_CREATE, YODA_ERROR,
                 "after 6 rows: the cable is out");
    assert_int_equal(tables(f->db, "t"), 0);
    stream = pair_of(&p, "a", "b");
    p.source.schema_errno = ENOMEM;
    ingest_fails(f->db, "t", &p, stream, YODA_INGEST_CREATE, YODA_NOMEM, "memory");
    stream = pair_of(&p, "a", "b");
    p.source.record.format = "l";
    ingest_fails(f->db, "t", &p, stream, YODA_INGEST_CREATE, YODA_MISUSE, "\"l\"");
    stream = pair_of(&p, "a", "b");
    p.source.batch.n_children = 1;
    ingest_fails(f->db, "t", &p, stream, YODA_INGEST_CREATE, YODA_MISUSE, "columns");
    stream = pair_of(&p, "a", "b");
    p.source.batch.length = -1;
    ingest_fails(f->db, "t", &p, stream, YODA_INGEST_CREATE, YODA_MISUSE, "length");
    stream = pair_of(&p, "a", "b");
    p.source.batch.length = ROWS + 1;
    ingest_fails(f->db, "t", &p, stream, YODA_INGEST_CREATE, YODA_MISUSE, "\"a\"");
    assert_int_equal(tables(f->db, "t"), 0);
}

static int interrupts_third(void *context, int64_t n)
{
    if (n == 2)
        yoda_interrupt(context);
    return 0;
}

static bool stops(void *context, const char *what, uint64_t done, uint64_t total)
{
    assert_string_equal(what, "t");
    assert_int_equal(total, 0);
    *(uint64_t *)context = done;
    return done < 3000;
}

static void cancelled_in_the_middle(void **state)
{
    struct fixture *f = *state;
    struct pair p;
    uint64_t done = 0;
    struct ArrowArrayStream stream = pair_of(&p, "a", "b");
    p.source.batches = 5;
    p.source.before = interrupts_third;
    p.source.context = f->db;
    ingest_fails(f->db, "t", &p, stream, YODA_INGEST_CREATE, YODA_INTERRUPTED, "");
    assert_int_equal(tables(f->db, "t"), 0);
    stream = pair_of(&p, "a", "b");
    p.source.batches = INT64_MAX; /* it is the function that ends it */
    yoda_set_progress(f->db, stops, &done);
    ingest_fails(f->db, "t", &p, stream, YODA_INGEST_CREATE, YODA_INTERRUPTED, "");
    yoda_set_progress(f->db, NULL, NULL);
    assert_true(done >= 3000);
    assert_int_equal(tables(f->db, "t"), 0);
    ingest_ok(f->db, "t", &p, pair_of(&p, "a", "b"), YODA_INGEST_CREATE);
}

/* ---- With the columns ------------------------------------------------------------------------ */

static void registered_tables_see_the_rows(void **state)
{
    struct fixture *f = *state;
    struct pair p;
    yoda_error err;
    yoda_side side;
    yoda_verify_report report;
    ingest_ok(f->db, "t", &p, pair_of(&p, "a", "b"), YODA_INGEST_CREATE);
    OK(yoda_register_table(f->db, "t", NULL, &err));
    struct ArrowArrayStream stream = pair_of(&p, "a", "b");
    p.source.batches = 1000;
    ingest_ok(f->db, "t", &p, stream, YODA_INGEST_APPEND);
    assert_int_equal(fixture_int_on(f->db, "SELECT sum(a) FROM t", YODA_SIDE_COLUMN, &side), 6006);
    assert_int_equal(side, YODA_SIDE_COLUMN);
    ingest_ok(f->db, "t", &p, pair_of(&p, "a", "b"), YODA_INGEST_REPLACE);
    assert_int_equal(fixture_int_on(f->db, "SELECT sum(a) FROM t", YODA_SIDE_COLUMN, NULL), 6);
    OK(yoda_verify(f->db, "t", 0, &report, &err));
    assert_int_equal(report.tables_equal, 1);
    ingest_ok(f->db, "other", &p, pair_of(&p, "a", "b"), YODA_INGEST_CREATE);
    assert_int_equal(fixture_int_on(f->db, "SELECT sum(a) FROM t", YODA_SIDE_COLUMN, NULL), 6);
}

static void copy(yoda_engine *from, const char *sql, yoda_side side, yoda_engine *to,
                 const char *table)
{
    yoda_error err;
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    yoda_result *rows = NULL;
    struct ArrowArrayStream stream;
    options.side = side;
    OK(yoda_query(from, sql, NULL, &options, &rows, &err));
    OK(yoda_result_arrow_stream(rows, &stream, &err));
    OK(yoda_ingest(to, table, &stream, YODA_INGEST_CREATE, NULL, &err));
}

/* A query's own stream into another table of the same and of another engine: the same values. */
static void round_trips(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    char other_path[4200];
    snprintf(other_path, sizeof other_path, "%s/other.db", f->directory);
    yoda_engine *other = fixture_open(other_path, NULL, 0);
    fixture_execute(
        f->db,
        "CREATE TABLE t(i INTEGER, r REAL, s TEXT, b BLOB, m, n);"
        "WITH RECURSIVE k(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM k LIMIT 70000) "
        "INSERT INTO t SELECT x, x / 3.0, CASE WHEN x % 7 THEN 'text ' || x END, "
        "CASE WHEN x % 5 THEN randomblob(x % 20) END, "
        "CASE x % 5 WHEN 0 THEN x WHEN 1 THEN x * 0.5 WHEN 2 THEN 't' || x WHEN 3 THEN x'0102' "
        "END, NULL FROM k");
    OK(yoda_register_table(f->db, "t", NULL, &err));
    copy(f->db, "SELECT * FROM t ORDER BY i", YODA_SIDE_ROW, f->db, "by_rows");
    copy(f->db, "SELECT i, r, s, b FROM t ORDER BY i", YODA_SIDE_COLUMN, f->db, "by_columns");
    copy(f->db, "SELECT * FROM t ORDER BY i", YODA_SIDE_ROW, other, "there");
    copy(other, "SELECT * FROM there ORDER BY i", YODA_SIDE_ROW, f->db, "back");
    assert_int_equal(count(f->db, "back"), 70000);
    assert_int_equal(count(f->db, "t JOIN by_rows USING (i) JOIN by_columns c USING (i) JOIN back "
                                  "USING (i) WHERE quote(t.m) = quote(by_rows.m) AND "
                                  "quote(t.m) = quote(back.m) AND quote(t.b) = quote(back.b) AND "
                                  "quote(t.b) = quote(c.b) AND t.r = back.r AND t.r = c.r AND "
                                  "t.s IS back.s AND t.s IS c.s AND back.n IS NULL"),
                     70000);
    yoda_close(other);
}

/* ---- Submitted ------------------------------------------------------------------------------- */

static void submitted_in_order(void **state)
{
    struct async *a = *state;
    struct pair p;
    yoda_error err;
    struct ArrowArrayStream stream = pair_of(&p, "a", "b");
    p.source.batches = 10;
    async_execute(a->queue, 1, "CREATE TABLE t(a, b)");
    OK(yoda_submit_ingest(a->queue, "t", &stream, YODA_INGEST_APPEND, NULL, 2, NULL, &err));
    assert_null(stream.release);
    async_execute(a->queue, 3, "INSERT INTO t SELECT * FROM t");
    async_expect(a->queue, 1, YODA_OK);
    yoda_completion *done = async_expect(a->queue, 2, YODA_OK);
    assert_int_equal(done->kind, YODA_OP_INGEST);
    assert_int_equal(done->changes, 30);
    assert_int_equal(async_expect(a->queue, 3, YODA_OK)->changes, 30);
    source_is_released(&p.source);
    stream = pair_of(&p, "a", "c");
    OK(yoda_submit_ingest(a->queue, "t", &stream, YODA_INGEST_APPEND, NULL, 4, NULL, &err));
    done = async_expect(a->queue, 4, YODA_NOT_FOUND);
    assert_non_null(strstr(done->error.message, "\"c\""));
    assert_int_equal(done->changes, 0);
    source_is_released(&p.source);
}

static void a_refused_submit_leaves_the_stream(void **state)
{
    struct async *a = *state;
    struct pair p;
    yoda_error err;
    yoda_op_options options = YODA_OP_OPTIONS_INIT;
    struct ArrowArrayStream stream = pair_of(&p, "a", "b");
    options.timeout_ms = -1;
    FAILS(YODA_MISUSE,
          yoda_submit_ingest(a->queue, NULL, &stream, YODA_INGEST_CREATE, NULL, 1, NULL, &err));
    FAILS(YODA_MISUSE,
          yoda_submit_ingest(a->queue, "t", &stream, YODA_INGEST_CREATE, &options, 1, NULL, &err));
    FAILS(YODA_MISUSE,
          yoda_submit_ingest(a->queue, "t", NULL, YODA_INGEST_CREATE, NULL, 1, NULL, &err));
    async_reopen(a, "20000", "1");
    async_execute(a->queue, 1, "CREATE TABLE u(a)");
    FAILS(YODA_BUSY,
          yoda_submit_ingest(a->queue, "t", &stream, YODA_INGEST_CREATE, NULL, 1, NULL, &err));
    async_expect(a->queue, 1, YODA_OK);
    OK(yoda_shutdown(a->db, &err));
    FAILS(YODA_CLOSED,
          yoda_submit_ingest(a->queue, "t", &stream, YODA_INGEST_CREATE, NULL, 1, NULL, &err));
    assert_non_null(stream.release);
    assert_int_equal(p.source.released, 0);
    stream.release(&stream);
    source_is_released(&p.source);
}

/* One that waits behind an open transaction is cancelled, one runs out of time, one is shut in with
 * its queue. */
static void cancelled_while_it_waits(void **state)
{
    struct async *a = *state;
    struct pair p[3];
    struct ArrowArrayStream streams[3];
    yoda_error err;
    yoda_txn *txn;
    yoda_op *op = NULL;
    yoda_op_options options = YODA_OP_OPTIONS_INIT;
    for (int i = 0; i < 3; i++)
        streams[i] = pair_of(&p[i], "a", "b");
    OK(yoda_begin(a->db, &txn, &err));
    async_execute(a->queue, 1, "CREATE TABLE u(a)"); /* waits for the connection */
    OK(yoda_submit_ingest(a->queue, "t", &streams[0], YODA_INGEST_CREATE, NULL, 2, &op, &err));
    options.timeout_ms = 1;
    OK(yoda_submit_ingest(a->queue, "t", &streams[1], YODA_INGEST_CREATE, &options, 3, NULL, &err));
    async_expect(a->queue, 3, YODA_TIMEOUT);
    source_is_released(&p[1].source);
    assert_int_equal(yoda_op_cancel(op), YODA_OK);
    async_expect(a->queue, 2, YODA_INTERRUPTED);
    source_is_released(&p[0].source);
    yoda_op_release(op);
    OK(yoda_submit_ingest(a->queue, "t", &streams[2], YODA_INGEST_CREATE, NULL, 4, NULL, &err));
    yoda_queue_close(a->queue);
    source_is_released(&p[2].source);
    OK(yoda_rollback(txn, &err));
    OK(yoda_queue_create(a->db, &a->queue, &err));
    assert_int_equal(tables(a->db, "t"), 0);
}

static int cancels_third(void *context, int64_t n)
{
    yoda_op **op = context;
    return n == 2 ? (int)yoda_op_cancel(*op) : 0;
}

static void cancelled_while_it_runs(void **state)
{
    struct async *a = *state;
    struct pair p;
    yoda_error err;
    yoda_txn *txn;
    yoda_op *op = NULL;
    yoda_op_state state_of = {.size = sizeof state_of};
    struct ArrowArrayStream stream = pair_of(&p, "a", "b");
    p.source.batches = INT64_MAX;
    p.source.before = cancels_third;
    p.source.context = &op;
    OK(yoda_begin(a->db, &txn, &err)); /* so that op is written before it begins */
    OK(yoda_submit_ingest(a->queue, "t", &stream, YODA_INGEST_CREATE, NULL, 1, &op, &err));
    OK(yoda_commit(txn, &err));
    yoda_completion *done = async_expect(a->queue, 1, YODA_INTERRUPTED);
    assert_int_equal(done->changes, 0);
    source_is_released(&p.source);
    assert_int_equal(yoda_op_progress(op, &state_of), YODA_OK);
    assert_int_equal(state_of.phase, YODA_OP_DONE);
    yoda_op_release(op);
    assert_int_equal(tables(a->db, "t"), 0);

    yoda_op_options options = YODA_OP_OPTIONS_INIT;
    options.timeout_ms = 20;
    stream = pair_of(&p, "a", "b");
    p.source.batches = INT64_MAX;
    OK(yoda_submit_ingest(a->queue, "t", &stream, YODA_INGEST_CREATE, &options, 2, &op, &err));
    async_expect(a->queue, 2, YODA_TIMEOUT);
    source_is_released(&p.source);
    yoda_op_release(op);
    assert_int_equal(tables(a->db, "t"), 0);
}

static void progress_is_noted(void **state)
{
    struct async *a = *state;
    struct pair p;
    yoda_error err;
    yoda_op *op = NULL;
    yoda_op_state state_of = {.size = sizeof state_of};
    struct ArrowArrayStream stream = pair_of(&p, "a", "b");
    p.source.batches = 1000;
    OK(yoda_submit_ingest(a->queue, "t", &stream, YODA_INGEST_CREATE, NULL, 1, &op, &err));
    async_expect(a->queue, 1, YODA_OK);
    assert_int_equal(yoda_op_progress(op, &state_of), YODA_OK);
    assert_int_equal(state_of.done, 3000);
    yoda_op_release(op);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
#define A(f) cmocka_unit_test_setup_teardown(f, async_setup, async_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(modes),
        T(names_need_quotes),
        T(kinds_of_tables),
        T(what_is_refused),
        T(wrong_calls),
        T(no_columns),
        T(a_constraint_in_the_middle),
        T(foreign_keys_at_the_commit),
        T(the_stream_fails),
        T(cancelled_in_the_middle),
        T(registered_tables_see_the_rows),
        T(round_trips),
        A(submitted_in_order),
        A(a_refused_submit_leaves_the_stream),
        A(cancelled_while_it_waits),
        A(cancelled_while_it_runs),
        A(progress_is_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
