/*
 * test_capture_history.c -- seeded random histories: statements of every kind, syncs at random
 * moments.
 */
#include "capture_fixture.h"

static const char *const creates[] = {
    "CREATE TABLE t(k INTEGER PRIMARY KEY, u UNIQUE, v, w)",
    "CREATE TABLE t(k TEXT COLLATE NOCASE PRIMARY KEY, u UNIQUE, v, w UNIQUE COLLATE NOCASE)",
    "CREATE TABLE t(k, u, v, w, UNIQUE(k, u))",
    "CREATE TABLE t(k COLLATE NOCASE PRIMARY KEY, u UNIQUE, v, w) WITHOUT ROWID",
    "CREATE TABLE t(k, u, v, w, PRIMARY KEY(w, k)) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX i ON t(u, lower(v))",
    "CREATE TABLE t(k INTEGER PRIMARY KEY, u NOT NULL DEFAULT 3, v, w);"
    "CREATE UNIQUE INDEX i ON t(u) WHERE v > 2; CREATE UNIQUE INDEX j ON t(lower(w))",
    "CREATE TABLE t(k INTEGER PRIMARY KEY, u, v, w, g AS (u || v) UNIQUE)",
};

/* A value out of a small domain, so that keys collide all the time. */
static void random_value(uint64_t *seed, char out[32])
{
    static const char *const values[] = {"NULL", "1",   "2",   "3",   "4",   "5",     "6",
                                         "'a'",  "'A'", "'b'", "'B'", "2.0", "x'61'", "'c '"};
    snprintf(out, 32, "%s", values[test_random(seed) % COUNT_OF(values)]);
}

static void random_statement(uint64_t *seed, char *out, size_t size)
{
    static const char *const policies[] = {"",          "",        "OR REPLACE", "OR REPLACE",
                                           "OR IGNORE", "OR FAIL", "OR ABORT"};
    static const char *const columns[] = {"k", "u", "v", "w"};
    const char *policy = policies[test_random(seed) % COUNT_OF(policies)];
    const char *set = columns[test_random(seed) % 4], *by = columns[test_random(seed) % 4];
    char a[32], b[32], c[32], d[32];
    random_value(seed, a);
    random_value(seed, b);
    random_value(seed, c);
    random_value(seed, d);
    switch (test_random(seed) % 16) {
    case 0:
        snprintf(out, size, "DELETE FROM t WHERE %s IS %s", by, a);
        break;
    case 1:
        snprintf(out, size, "UPDATE %s t SET %s=%s WHERE %s IS %s", policy, set, a, by, b);
        break;
    case 2:
        snprintf(out, size, "UPDATE %s t SET k=%s, u=%s WHERE v IS %s", policy, a, b, c);
        break;
    case 3:
        snprintf(out, size,
                 "INSERT INTO t(k,u,v,w) VALUES(%s,%s,%s,%s) ON CONFLICT DO UPDATE SET"
                 " u=excluded.v, w=excluded.u",
                 a, b, c, d);
        break;
    case 4:
        snprintf(out, size, "SAVEPOINT s; UPDATE %s t SET %s=%s; ROLLBACK TO s; RELEASE s", policy,
                 set, a);
        break;
    case 5:
        snprintf(out, size, "INSERT %s INTO t(k,u,v,w) SELECT k,u,%s,w FROM t WHERE %s IS %s",
                 policy, a, by, b);
        break;
    default:
        snprintf(out, size, "INSERT %s INTO t(k,u,v,w) VALUES(%s,%s,%s,%s)", policy, a, b, c, d);
    }
}

/* Things that change more than rows. Requires no transaction. */
static const char *random_event(uint64_t *seed)
{
    static const char *const events[] = {
        "VACUUM",
        "CREATE UNIQUE INDEX IF NOT EXISTS late ON t(v, w)",
        "DROP INDEX IF EXISTS late",
        "CREATE TABLE IF NOT EXISTS other(x)",
        "DROP TABLE IF EXISTS other",
        "ALTER TABLE t ADD COLUMN z DEFAULT 5; ALTER TABLE t DROP COLUMN z",
        "ALTER TABLE t RENAME TO t2; ALTER TABLE t2 RENAME TO t",
        "ANALYZE",
    };
    return events[test_random(seed) % COUNT_OF(events)];
}

static void one_history(uint64_t seed, const char *create)
{
    struct fixture f = {.slice_events = 1 + test_random(&seed) % 20,
                        .copy_rows = 1 + test_random(&seed) % 10};
    fixture_open(&f);
    run_sql(&f, create);
    for (int i = 0; i < 10; i++) {
        char sql[400];
        random_statement(&seed, sql, sizeof sql);
        try_sql(&f, sql);
    }
    uint32_t tid = register_table(&f, "t");
    for (int i = 0; i < 120; i++) {
        char sql[400];
        yoda_error err;
        yoda_sync_stats stats = {0};
        bool more;
        random_statement(&seed, sql, sizeof sql);
        try_sql(&f, sql);
        if (test_random(&seed) % 8 == 0 && !conn_in_transaction(f.writer))
            run_sql(&f, "BEGIN");
        else if (conn_in_transaction(f.writer) && test_random(&seed) % 3 == 0)
            run_sql(&f, test_random(&seed) % 3 ? "COMMIT" : "ROLLBACK");
        if (test_random(&seed) % 4 == 0)
            OK(capture_sync(f.capture, &stats, &err));
        if (test_random(&seed) % 4 == 0)
            OK(capture_copy_step(f.capture, tid, &more, &err));
        if (conn_in_transaction(f.writer))
            continue;
        if (test_random(&seed) % 30 == 0)
            try_sql(&f, random_event(&seed));
        if (test_random(&seed) % 10 == 0)
            check_equal(&f, create);
    }
    if (conn_in_transaction(f.writer))
        run_sql(&f, "COMMIT");
    check_equal(&f, create);
    fixture_close(&f);
}

static void histories(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (int i = 0; i < 200; i++)
        one_history(test_random(&seed), creates[(size_t)i % COUNT_OF(creates)]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(histories)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
