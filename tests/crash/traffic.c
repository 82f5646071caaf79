/* traffic.c -- the transactions of the crash tests and their invariants. */
#include "traffic.h"

#include "answer.h"
#include "specimen.h"

#include <inttypes.h>

static uint32_t below(struct traffic *t, uint32_t n)
{
    return (uint32_t)(test_random(&t->random) % n);
}

static bool query_int(yoda_engine *db, const char *sql, yoda_side side, int64_t *out)
{
    struct answer a;
    yoda_error err = {0};
    if (answer_query(db, sql, side, 0, &a, &err) != YODA_OK || a.rows != 1) {
        fprintf(stderr, "  %s: %s\n", sql, err.message);
        answer_free(&a);
        return false;
    }
    *out = a.values[0].integer;
    answer_free(&a);
    return true;
}

bool traffic_init(struct traffic *t, yoda_engine *db, uint64_t seed)
{
    *t = (struct traffic){.db = db, .random = seed};
    return query_int(db, "SELECT ifnull(max(seq), 0) FROM ack", YODA_SIDE_ROW, &t->seq) &&
           query_int(db, "SELECT max(id) + 1 FROM big", YODA_SIDE_ROW, &t->next_big);
}

/* ---- Transactions ---- */

static void transfer(struct traffic *t, char *a, char *b)
{
    uint32_t amount = below(t, 50);
    snprintf(a, 600, "UPDATE acct SET balance = balance - %u WHERE id = %u", amount,
             1 + below(t, SPECIMEN_ACCOUNTS));
    snprintf(b, 600, "UPDATE acct SET balance = balance + %u WHERE id = %u", amount,
             1 + below(t, SPECIMEN_ACCOUNTS));
}

static uint32_t bulk_insert(struct traffic *t, char *a, char *b)
{
    uint32_t rows = below(t, 4) ? 1 + below(t, 20) : 500 + below(t, 4000);
    snprintf(a, 600,
             "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < %u)"
             "INSERT INTO bulk(seq, i, t) SELECT %" PRId64 ", i, 'row ' || (i %% 10) FROM s",
             rows, t->seq + 1);
    snprintf(b, 600,
             "WITH RECURSIVE s(i) AS (SELECT %" PRId64 " UNION ALL SELECT i + 1 FROM s WHERE i < %"
             PRId64 ") INSERT INTO big(id, g, price, word, line)"
             " SELECT i, i %% 50, i / 100.0, 'new', 'line ' || i FROM s",
             t->next_big, t->next_big + rows - 1);
    return rows;
}

static void change_big(struct traffic *t, char *a, char *b)
{
    uint32_t span = below(t, 3) ? 10 : 20000, at = below(t, 140000);
    snprintf(a, 600,
             below(t, 3) ? "UPDATE big SET g = g + 1, price = price * 2 WHERE id BETWEEN %u AND %u"
                         : "DELETE FROM big WHERE id BETWEEN %u AND %u",
             at, at + below(t, span));
    snprintf(b, 600, "REPLACE INTO named VALUES ('KEY %u', x'%08x')", below(t, 600),
             below(t, 1000000));
}

static bool complain(const char *what, yoda_status status, const yoda_error *err)
{
    fprintf(stderr, "  %s: %s: %s\n", what, yoda_status_name(status), err->message);
    return false;
}

static bool transact(struct traffic *t)
{
    char a[600], b[600], c[100];
    const char *statements[] = {a, b, c};
    uint32_t rows = 0, kind = below(t, 10);
    yoda_error err = {0};
    if (kind < 4)
        transfer(t, a, b);
    else if (kind < 7)
        rows = bulk_insert(t, a, b);
    else
        change_big(t, a, b);
    snprintf(c, sizeof c, "INSERT INTO ack VALUES (%" PRId64 ", %u)", t->seq + 1, rows);
    yoda_status status = yoda_execute_batch(t->db, statements, 3, NULL, &err);
    if (status != YODA_OK)
        return complain("transaction", status, &err);
    t->seq++;
    t->next_big += rows;
    return true;
}

static bool tolerate(struct traffic *t, const char *what, yoda_status status,
                     const yoda_error *err)
{
    if (status == YODA_OK)
        return true;
    t->io_errors++;
    if (t->may_fail && (status == YODA_IOERR || status == YODA_FULL))
        return true;
    return complain(what, status, err);
}

bool traffic_step(struct traffic *t, bool *committed)
{
    yoda_error err = {0};
    uint32_t kind = below(t, 20);
    *committed = kind > 2;
    if (kind == 0)
        return tolerate(t, "sync", yoda_sync(t->db, NULL, &err), &err);
    if (kind <= 2)
        return tolerate(t, "checkpoint", yoda_checkpoint(t->db, &err), &err);
    return transact(t);
}

/* ---- What must hold ---- */

static bool expect(yoda_engine *db, const char *sql, int64_t wanted)
{
    static const yoda_side sides[] = {YODA_SIDE_ROW, YODA_SIDE_COLUMN};
    for (int i = 0; i < 2; i++) {
        int64_t got = 0;
        if (!query_int(db, sql, sides[i], &got))
            return false;
        if (got != wanted) {
            fprintf(stderr, "  %s on %s: %" PRId64 ", expected %" PRId64 "\n", sql,
                    i ? "columns" : "SQLite", got, wanted);
            return false;
        }
    }
    return true;
}

/* forced: columns must answer; else they may leave it to SQLite. */
static bool same(yoda_engine *db, const char *sql, bool forced)
{
    char why[ANSWER_WHY_MAX];
    enum answer_verdict verdict =
        answer_compare(db, sql, forced ? YODA_SIDE_COLUMN : YODA_SIDE_AUTO, 0, why);
    if (verdict == ANSWER_SAME || (!forced && verdict == ANSWER_NOT_COLUMNAR))
        return true;
    fprintf(stderr, "  %s: %s\n", sql, why);
    return false;
}

static bool verify(yoda_engine *db)
{
    yoda_error err = {0};
    yoda_verify_report report = {0};
    yoda_status status = yoda_verify(db, NULL, 0, &report, &err);
    if (status != YODA_OK)
        return complain("verify", status, &err);
    if (report.tables == 5 && report.tables_equal == 5)
        return true;
    fprintf(stderr, "  verify: %d of %d tables equal: %s\n", (int)report.tables_equal,
            (int)report.tables, report.difference);
    return false;
}

bool traffic_check(yoda_engine *db, int64_t acknowledged)
{
    static const char *const queries[] = {
        "SELECT count(*), max(seq), sum(n) FROM ack",
        "SELECT seq, count(*), sum(i) FROM bulk GROUP BY seq",
        "SELECT g, count(*), sum(price), min(line), max(id) FROM big GROUP BY g",
        "SELECT word, count(*) FROM big WHERE day > '2020-06-01' GROUP BY word",
        "SELECT count(*), max(v) FROM named",
    };
    char sql[100];
    int64_t bulk = 0;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM ack WHERE seq <= %" PRId64, acknowledged);
    yoda_error err = {0};
    bool good = same(db, sql, false) && same(db, queries[2], false);
    /* the sync finishes the copies of tables without files */
    if (good && yoda_sync(db, NULL, &err) != YODA_OK)
        good = complain("sync", err.code, &err);
    good = good && expect(db, sql, acknowledged) &&
           expect(db, "SELECT sum(balance) FROM acct", SPECIMEN_ACCOUNTS * SPECIMEN_BALANCE) &&
           query_int(db, "SELECT ifnull(sum(n), 0) FROM ack", YODA_SIDE_ROW, &bulk) &&
           expect(db, "SELECT count(*) FROM bulk", bulk);
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        good = good && same(db, queries[i], true);
    return good && verify(db);
}
