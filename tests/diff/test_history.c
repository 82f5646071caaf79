/*
 * test_history.c -- random histories of two writing processes; both sides must end up equal.
 *
 * One history: a fresh file, a few of the tables of workload.h, 30 to 60 statements by turns
 * through the engine and through a process with stock SQLite, and in between syncs, checkpoints,
 * verifies, queries and reopened engines. At the end yoda_verify must find every table equal, and
 * every query must be answered as SQLite answers it; count(*) and aggregates must run on columns.
 *
 *   test_history [-v] [rounds]     seeds and scale: see campaign.h; -v prints every statement
 */
#include "answer.h"
#include "campaign.h"
#include "peer.h"
#include "workload.h"

#include <stdarg.h>

#define ROUNDS 1000

struct history {
    struct workload w;
    struct peer *peer;
    yoda_engine *db;
    char path[4200];
    yoda_option options[6];
    FILE *trace;
    bool failed;
    uint64_t columnar, row_side; /* queries */
};

static bool verbose;

__attribute__((format(printf, 2, 3))) static void note(struct history *h, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(h->trace, format, args);
    va_end(args);
    fputc('\n', h->trace);
    if (verbose) {
        va_start(args, format);
        vprintf(format, args);
        va_end(args);
        putchar('\n');
        fflush(stdout);
    }
}

#define COMPLAIN(h, ...) (note(h, "-- FAILED: " __VA_ARGS__), (h)->failed = true)

static void must(struct history *h, const char *what, yoda_status status, const yoda_error *err)
{
    if (status != YODA_OK)
        COMPLAIN(h, "%s: %s: %s", what, yoda_status_name(status), err->message);
}

/* ---- The engine ---- */

static void choose_options(struct history *h)
{
    static const char *const batches[] = {"1", "3", "50", "100000"};
    static const char *const intervals[] = {"0", "0", "1", "50"};
    static const char *const checkpoints[] = {"1", "20", "30000"};
    h->options[0] = (yoda_option){"olap_in_memory", workload_below(&h->w, 3) ? "false" : "true"};
    h->options[1] = (yoda_option){"sync_batch_size", batches[workload_below(&h->w, 4)]};
    h->options[2] = (yoda_option){"sync_interval_ms", intervals[workload_below(&h->w, 4)]};
    h->options[3] = (yoda_option){"checkpoint_interval_ms", checkpoints[workload_below(&h->w, 3)]};
    h->options[4] = (yoda_option){"threads", workload_below(&h->w, 2) ? "1" : "2"};
    h->options[5] = (yoda_option){"memory_limit_mb", "512"};
}

static void open_engine(struct history *h)
{
    yoda_error err = {0};
    choose_options(h);
    note(h, "-- open: memory=%s batch=%s interval=%s checkpoint=%s", h->options[0].value,
         h->options[1].value, h->options[2].value, h->options[3].value);
    must(h, "open", yoda_open(h->path, h->options, 6, &h->db, &err), &err);
    if (h->db)
        must(h, "foreign_keys",
             yoda_execute(h->db, "PRAGMA foreign_keys = ON", NULL, NULL, &err), &err);
}

static void close_engine(struct history *h)
{
    note(h, "-- close");
    yoda_close(h->db);
    h->db = NULL;
}

static void engine_execute(struct history *h, const char *sql)
{
    yoda_error err = {0};
    yoda_status status = yoda_execute(h->db, sql, NULL, NULL, &err);
    note(h, "/* engine %s */ %s;", status == YODA_OK ? "" : err.message, sql);
    if (status != YODA_OK && status != YODA_ERROR && status != YODA_CONSTRAINT)
        COMPLAIN(h, "execute: %s: %s", yoda_status_name(status), err.message);
}

static void peer_run(struct history *h, const char *sql)
{
    int code = peer_execute(h->peer, sql);
    note(h, "/* peer   %d */ %s;", code, sql);
    int plain = code & 0xff;
    if (plain != 0 && plain != 1 && plain != 19 && plain != 20) /* ERROR, CONSTRAINT, MISMATCH */
        COMPLAIN(h, "the other process got SQLite's code %d", code);
}

/* A transaction handle over single statements; sometimes rolled back. */
static void engine_transaction(struct history *h)
{
    yoda_error err = {0};
    yoda_txn *txn = NULL;
    must(h, "begin", yoda_begin(h->db, &txn, &err), &err);
    note(h, "/* engine */ BEGIN IMMEDIATE;");
    for (uint32_t i = workload_below(&h->w, 6); txn && i > 0; i--) {
        char *sql = workload_statement(&h->w, false);
        yoda_status status = yoda_txn_execute(txn, sql, NULL, NULL, &err);
        note(h, "/* engine %s */ %s;", status == YODA_OK ? "" : err.message, sql);
        free(sql);
    }
    if (!txn)
        return;
    bool back = workload_below(&h->w, 4) == 0;
    note(h, "/* engine */ %s;", back ? "ROLLBACK" : "COMMIT");
    yoda_status status = back ? yoda_rollback(txn, &err) : yoda_commit(txn, &err);
    if (status != YODA_OK && status != YODA_CONFLICT)
        must(h, "end of a transaction", status, &err);
}

static void register_tables(struct history *h)
{
    yoda_error err = {0};
    for (size_t i = 0; i < WORKLOAD_TABLES; i++) {
        const char *name = workload_table(&h->w, i);
        yoda_status status = name ? yoda_register_table(h->db, name, NULL, &err) : YODA_OK;
        if (name)
            note(h, "-- register %s", name);
        if (status != YODA_OK && status != YODA_CONFLICT && status != YODA_NOT_FOUND)
            COMPLAIN(h, "register %s: %s", name, err.message);
    }
}

/* ---- Checks ---- */

static void check_query(struct history *h, const char *sql, yoda_side side, bool must_be_columnar)
{
    char why[ANSWER_WHY_MAX];
    enum answer_verdict verdict = answer_compare(h->db, sql, side, 0, why);
    if (verdict == ANSWER_DIFFERENT)
        COMPLAIN(h, "%s: %s", sql, why);
    else if (verdict == ANSWER_NONE)
        COMPLAIN(h, "no side answers: %s", sql);
    else if (verdict == ANSWER_NOT_COLUMNAR && must_be_columnar)
        COMPLAIN(h, "%s: not on columns: %s", sql, why);
    h->columnar += verdict == ANSWER_SAME;
    h->row_side += verdict == ANSWER_NOT_COLUMNAR;
}

static void check_random_query(struct history *h)
{
    char *sql = workload_query(&h->w);
    yoda_side side = workload_below(&h->w, 2) ? YODA_SIDE_AUTO : YODA_SIDE_COLUMN;
    note(h, "-- query %s: %s", side == YODA_SIDE_AUTO ? "auto" : "columns", sql);
    check_query(h, sql, side, false);
    free(sql);
}

static void check_verify(struct history *h)
{
    yoda_error err = {0};
    yoda_verify_report report = {0};
    note(h, "-- verify");
    must(h, "verify", yoda_verify(h->db, NULL, 0, &report, &err), &err);
    if (report.tables_equal != report.tables)
        COMPLAIN(h, "verify: %s", report.difference);
}

static void check_end(struct history *h)
{
    size_t tables = 0;
    yoda_error err = {0};
    yoda_verify_report report = {0};
    register_tables(h); /* one that was dropped and made again may have lost its registration */
    for (size_t i = 0; i < WORKLOAD_TABLES; i++) {
        const char *name = workload_table(&h->w, i);
        char sql[256];
        if (!name)
            continue;
        tables++;
        snprintf(sql, sizeof sql, "SELECT count(*) FROM %s",
                 strchr(name, '"') ? "\"we ird \"\"t\"\"\"" : name);
        check_query(h, sql, YODA_SIDE_COLUMN, true);
    }
    for (int i = 0; i < 6; i++)
        check_random_query(h);
    must(h, "verify", yoda_verify(h->db, NULL, 0, &report, &err), &err);
    if (report.tables != tables || report.tables_equal != tables)
        COMPLAIN(h, "verify: %llu of %zu tables equal: %s",
                 (unsigned long long)report.tables_equal, tables, report.difference);
}

/* ---- One history ---- */

static void write_somewhere(struct history *h)
{
    bool peer = workload_below(&h->w, 3) == 0;
    if (!peer && workload_below(&h->w, 12) == 0) {
        engine_transaction(h);
        return;
    }
    char *sql = workload_statement(&h->w, true);
    if (peer)
        peer_run(h, sql);
    else
        engine_execute(h, sql);
    free(sql);
}

static void reopen(struct history *h)
{
    close_engine(h);
    for (uint32_t i = workload_below(&h->w, 4); i > 0; i--) {
        char *sql = workload_statement(&h->w, true);
        peer_run(h, sql);
        free(sql);
    }
    open_engine(h);
}

static void step(struct history *h)
{
    yoda_error err = {0};
    switch (workload_below(&h->w, 40)) {
    case 0:
    case 1:
        note(h, "-- sync");
        must(h, "sync", yoda_sync(h->db, NULL, &err), &err);
        break;
    case 2:
        note(h, "-- checkpoint");
        must(h, "checkpoint", yoda_checkpoint(h->db, &err), &err);
        break;
    case 3:
        reopen(h);
        break;
    case 4:
        check_verify(h);
        break;
    case 5:
    case 6:
    case 7:
        check_random_query(h);
        break;
    default:
        write_somewhere(h);
    }
}

static void create_tables(struct history *h)
{
    for (size_t i = 0; i < WORKLOAD_TABLES; i++) {
        if (!workload_table(&h->w, i))
            continue;
        if (workload_below(&h->w, 2))
            engine_execute(h, workload_schema(i));
        else
            peer_run(h, workload_schema(i));
    }
    for (uint32_t i = workload_below(&h->w, 6); i > 0; i--)
        write_somewhere(h);
    register_tables(h);
}

static void run(struct history *h, uint64_t seed)
{
    workload_init(&h->w, seed);
    open_engine(h);
    if (peer_open(h->peer, h->path))
        COMPLAIN(h, "the other process cannot open the file");
    if (!h->failed)
        create_tables(h);
    for (uint32_t i = 30 + workload_below(&h->w, 30); i > 0 && !h->failed && h->db; i--)
        step(h);
    if (!h->failed)
        check_end(h);
    yoda_close(h->db);
    peer_close(h->peer);
}

static bool run_history(struct peer *peer, uint64_t seed, uint64_t counts[2])
{
    char *text = NULL, *directory = campaign_directory();
    size_t size;
    struct history h = {.peer = peer, .trace = open_memstream(&text, &size)};
    snprintf(h.path, sizeof h.path, "%s/app.db", directory);
    run(&h, seed);
    fclose(h.trace);
    if (h.failed)
        fprintf(stderr, "history %llu:\n%s", (unsigned long long)seed, text);
    free(text);
    test_directory_remove(directory);
    counts[0] += h.columnar;
    counts[1] += h.row_side;
    return !h.failed;
}

int main(int argc, char **argv)
{
    struct peer peer;
    unsigned failed = 0, done = 0;
    uint64_t counts[2] = {0};
    if (argc > 1 && strcmp(argv[1], "-v") == 0) {
        verbose = true;
        argv[1] = argv[0];
        argc--, argv++;
    }
    struct campaign c = campaign_begin(argc, argv, ROUNDS);
    if (!peer_start(&peer))
        return 2;
    for (; done < c.count && failed < 3; done++)
        if (!run_history(&peer, c.seed + done, counts)) {
            campaign_blame(&c, c.seed + done);
            failed++;
        }
    peer_stop(&peer);
    printf("%u histories, %u failed; %llu queries on columns, %llu left to SQLite\n", done, failed,
           (unsigned long long)counts[0], (unsigned long long)counts[1]);
    return failed ? 1 : 0;
}
