/*
 * sqlite_scripts.c -- scripts made to break SQL engines, run on Yoda and on plain SQLite.
 *
 * Input: SQLite databases with a table xsql(sqlid, sqltext), as SQLite's own fuzz checks use them.
 * Each script gets an empty engine and an empty plain connection. Statement by statement: plain
 * SQLite first, with a limit on its work and sizes; a script ends where a limit is hit. Then the
 * engine: a reading statement on both routes, which must agree, and both with plain SQLite where
 * all answer; others are executed. Every table that comes up is registered. Children run some
 * scripts at a time under an alarm, so that a crash or a hang names its script.
 *
 *   sqlite_scripts [-n every] [-o offset] DATABASE...      only every n-th script from offset on
 */
#include "answer.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH 100
#define ALARM_S 120
#define WORK_MAX 200 /* calls of the progress handler, every 1,000 instructions */
#define STATEMENTS_MAX 60
#define TIMEOUT_MS 2000

struct script {
    int64_t id;
    char *text;
};

struct run { /* one script */
    yoda_engine *db;
    sqlite3 *plain;
    int work;
    bool differs;
    uint64_t compared, columnar;
};

struct shared { /* with the parent */
    int64_t current;
    uint64_t scripts, compared, columnar, failed;
};

/* ---- What is left out ---- */

/* Files, other schemas and settings of one connection only: the two sides could not be the same. */
static bool is_left_out(const char *sql)
{
    static const char *const words[] = {
        "attach",      "detach",       "vacuum",  "pragma",  "explain",    "temp",
        "load_",       "_yoda_",       "virtual", "sqlite_", "random",     "changes",
        "last_insert", "limit",        "rowid_",  "now",     "current_",   "total_",
        "zeroblob",    "fts",          "rtree",   "date(",   "time(",      "strft",
        "julian",      "group_concat", "dbstat",  "page",    "last_insert"};
    for (const char *at = sql; *at; at++)
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (strncasecmp(at, words[i], strlen(words[i])) == 0)
                return true;
    return false;
}

/* ---- One statement ---- */

static int count_work(void *ctx)
{
    struct run *r = ctx;
    return ++r->work > WORK_MAX;
}

/* The plain side's rows, counted: values are compared between the engine's two routes. */
static int run_plain(struct run *r, sqlite3_stmt *stmt, size_t *rows, bool *limited)
{
    int code;
    *rows = 0;
    r->work = 0;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        ++*rows;
    *limited = code == SQLITE_INTERRUPT || code == SQLITE_NOMEM || code == SQLITE_TOOBIG;
    return code;
}

static void complain(struct run *r, const char *sql, const char *what)
{
    fprintf(stderr, "  %.600s\n  %s\n", sql, what);
    r->differs = true;
}

static void query(struct run *r, const char *sql, int plain_code, size_t plain_rows)
{
    char why[ANSWER_WHY_MAX];
    struct answer a;
    yoda_error err = {0};
    enum answer_verdict verdict = answer_compare(r->db, sql, YODA_SIDE_AUTO, TIMEOUT_MS, why);
    r->compared++;
    r->columnar += verdict == ANSWER_SAME;
    if (verdict == ANSWER_DIFFERENT)
        complain(r, sql, why);
    if (answer_query(r->db, sql, YODA_SIDE_AUTO, TIMEOUT_MS, &a, &err) == YODA_OK &&
        plain_code == SQLITE_DONE && a.rows != plain_rows) {
        snprintf(why, sizeof why, "%zu rows against plain SQLite's %zu", a.rows, plain_rows);
        complain(r, sql, why);
    }
    answer_free(&a);
}

static void execute(struct run *r, const char *sql, int plain_code)
{
    yoda_error err = {0};
    yoda_status status = yoda_execute(r->db, sql, NULL, NULL, &err);
    if (status == YODA_OK && plain_code != SQLITE_DONE)
        complain(r, sql, "the engine ran what plain SQLite refused");
    if (status == YODA_INTERNAL || status == YODA_CORRUPT)
        complain(r, sql, err.message);
}

static void register_tables(struct run *r)
{
    struct answer names;
    yoda_error err;
    if (answer_query(r->db,
                     "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB"
                     " 'sqlite_*' AND name NOT GLOB '_yoda_*'",
                     YODA_SIDE_ROW, 0, &names, &err) == YODA_OK)
        for (size_t i = 0; i < names.rows; i++) {
            char *name = strndup(names.values[i].data, names.values[i].size);
            yoda_register_table(r->db, name, NULL, &err); /* some cannot be: that is fine */
            free(name);
        }
    answer_free(&names);
}

/* false: the script ends here. */
static bool run_statement(struct run *r, const char *sql, const char **tail)
{
    sqlite3_stmt *stmt = NULL;
    bool limited = false;
    size_t rows = 0;
    int code = sqlite3_prepare_v2(r->plain, sql, -1, &stmt, tail);
    if (code != SQLITE_OK || !stmt) {
        char *one = strdup(sql);
        yoda_error err;
        if (code != SQLITE_OK && !is_left_out(one) &&
            yoda_execute(r->db, one, NULL, NULL, &err) == YODA_OK)
            complain(r, one, "the engine accepts what plain SQLite cannot prepare");
        free(one);
        return code == SQLITE_OK && **tail;
    }
    char *one = strndup(sql, (size_t)(*tail - sql));
    bool reads = sqlite3_stmt_readonly(stmt) && sqlite3_column_count(stmt) > 0;
    bool bound = sqlite3_bind_parameter_count(stmt) > 0;
    bool transaction = sqlite3_stmt_readonly(stmt) && sqlite3_column_count(stmt) == 0;
    bool left_out = is_left_out(one) || bound || transaction;
    if (!left_out) {
        code = run_plain(r, stmt, &rows, &limited);
        if (!limited && reads)
            query(r, one, code, rows);
        else if (!limited)
            execute(r, one, code);
        if (strncasecmp(one + strspn(one, " \t\r\n"), "create", 6) == 0)
            register_tables(r);
    }
    free(one);
    sqlite3_finalize(stmt);
    return !limited && (!left_out || transaction);
}

/* ---- One script ---- */

static bool open_sides(struct run *r)
{
    const yoda_option options[] = {{"sync_interval_ms", "0"},
                                   {"threads", "1"},
                                   {"read_pool_size", "1"},
                                   {"memory_limit_mb", "256"},
                                   {"router", "columns_first"}};
    yoda_error err;
    if (yoda_open(":memory:", options, 5, &r->db, &err) != YODA_OK ||
        sqlite3_open(":memory:", &r->plain) != SQLITE_OK)
        return false;
    sqlite3_progress_handler(r->plain, 1000, count_work, r);
    sqlite3_limit(r->plain, SQLITE_LIMIT_LENGTH, 1000000);
    sqlite3_limit(r->plain, SQLITE_LIMIT_VDBE_OP, 25000);
    return true;
}

static void run_script(struct shared *shared, const struct script *script)
{
    struct run r = {0};
    if (!open_sides(&r)) {
        complain(&r, script->text, "cannot open");
        shared->failed++;
        return;
    }
    const char *at = script->text;
    for (int i = 0; i < STATEMENTS_MAX && *at && !r.differs; i++)
        if (!run_statement(&r, at, &at))
            break;
    sqlite3_close(r.plain);
    yoda_close(r.db);
    shared->scripts++;
    shared->compared += r.compared;
    shared->columnar += r.columnar;
    if (r.differs) {
        fprintf(stderr, "sqlite_scripts: script %" PRId64 ": the sides differ\n", script->id);
        shared->failed++;
    }
}

/* ---- Batches ---- */

static void run_batch(struct shared *shared, const struct script *scripts, size_t count)
{
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(ALARM_S);
        for (size_t i = 0; i < count; i++) {
            shared->current = scripts[i].id;
            run_script(shared, &scripts[i]);
        }
        _exit(0);
    }
    waitpid(pid, &status, 0);
    if (status == 0)
        return;
    fprintf(stderr, "sqlite_scripts: script %" PRId64 ": %s, status %x\n", shared->current,
            WIFSIGNALED(status) && WTERMSIG(status) == 14 ? "hangs" : "crashed", (unsigned)status);
    shared->failed++;
}

static size_t load(const char *path, unsigned every, unsigned offset, struct script **out)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    size_t count = 0;
    *out = NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT sqlid, sqltext FROM xsql ORDER BY sqlid", -1, &stmt, NULL) ==
            SQLITE_OK)
        for (unsigned i = 0; sqlite3_step(stmt) == SQLITE_ROW; i++) {
            const void *text = sqlite3_column_blob(stmt, 1);
            if (i % every != offset % every || !text)
                continue;
            *out = realloc(*out, (count + 1) * sizeof **out);
            (*out)[count++] = (struct script){sqlite3_column_int64(stmt, 0),
                                              strndup(text, (size_t)sqlite3_column_bytes(stmt, 1))};
        }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return count;
}

int main(int argc, char **argv)
{
    unsigned every = 1, offset = 0;
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int option; (option = getopt(argc, argv, "n:o:")) != -1;) {
        unsigned number = (unsigned)strtoul(optarg, NULL, 10);
        if (option == 'n' && number > 0)
            every = number;
        else if (option == 'o')
            offset = number;
        else
            return 2;
    }
    for (int i = optind; i < argc; i++) {
        struct script *scripts;
        size_t count = load(argv[i], every, offset, &scripts);
        for (size_t at = 0; at < count && shared->failed < 20; at += BATCH)
            run_batch(shared, scripts + at, count - at < BATCH ? count - at : BATCH);
        for (size_t s = 0; s < count; s++)
            free(scripts[s].text);
        free(scripts);
    }
    printf("%" PRIu64 " scripts, %" PRIu64 " queries compared, %" PRIu64 " on columns, %" PRIu64
           " failed\n",
           shared->scripts, shared->compared, shared->columnar, shared->failed);
    return shared->failed || shared->scripts == 0;
}
