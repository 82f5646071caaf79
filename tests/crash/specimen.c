/* specimen.c -- making, copying and checking the database of the crash tests. */
#include "specimen.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char schema[] =
    "CREATE TABLE acct(id INTEGER PRIMARY KEY, balance INT, note TEXT);"
    "CREATE TABLE big(id INTEGER PRIMARY KEY, g INT, price REAL, noise REAL, day TEXT, at TEXT,"
    " word TEXT, line TEXT, bytes BLOB, same INT, empty TEXT, mixed, some INT);"
    "CREATE TABLE named(k TEXT PRIMARY KEY COLLATE NOCASE, v BLOB) WITHOUT ROWID;"
    "CREATE TABLE bulk(id INTEGER PRIMARY KEY, seq INT, i INT, t TEXT);"
    "CREATE TABLE ack(seq INTEGER PRIMARY KEY, n INT)";

static const char *const table_names[] = {"acct", "big", "named", "bulk", "ack"};

static const char fill_acct[] =
    "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 1000)"
    "INSERT INTO acct SELECT i, 100, 'account ' || (i % 7) FROM s";
static const char fill_big[] =
    "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < %u)"
    "INSERT INTO big SELECT i, i * 7919 %% 50, (i * 37 %% 10000) / 100.0, i * 1.0 / 7 + 1e-9 * i,"
    " date('2020-01-01', (i %% 700) || ' days'),"
    " datetime('2020-01-01 00:00:00', (i * 61) || ' seconds'), 'word ' || (i * 31 %% 200),"
    " 'line number ' || i || ' of many', CAST(i AS BLOB), 42, NULL,"
    " CASE i %% 4 WHEN 0 THEN i WHEN 1 THEN 'm' || i WHEN 2 THEN i / 3.0 END,"
    " CASE WHEN i %% 10 THEN i * 1000003 END FROM s";
static const char fill_named[] =
    "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 500)"
    "INSERT INTO named SELECT 'Key ' || i, zeroblob(i % 9) FROM s";

/* ---- Making ---- */

struct making {
    char path[4200], old[4200], files[4300];
    uint32_t rows;
    int generations;
};

static int complain(const char *what, const yoda_error *err)
{
    fprintf(stderr, "specimen: %s: %s\n", what, err->message);
    return 1;
}

static int execute(yoda_engine *db, const char *sql)
{
    yoda_error err = {0};
    return yoda_execute(db, sql, NULL, NULL, &err) == YODA_OK ? 0 : complain(sql, &err);
}

static bool copy_folder(const char *from, const char *to)
{
    bool good = mkdir(to, 0700) == 0 || errno == EEXIST;
    DIR *dir = opendir(from);
    for (struct dirent *e; good && dir && (e = readdir(dir));) {
        char source[4400], target[4400];
        struct stat st;
        snprintf(source, sizeof source, "%s/%s", from, e->d_name);
        snprintf(target, sizeof target, "%s/%s", to, e->d_name);
        if (stat(source, &st) == 0 && S_ISREG(st.st_mode))
            good = specimen_copy_file(source, target);
    }
    if (dir)
        closedir(dir);
    return good && dir;
}

static int fill(yoda_engine *db, uint32_t rows)
{
    char sql[1200];
    yoda_error err = {0};
    snprintf(sql, sizeof sql, fill_big, rows);
    if (execute(db, schema) || execute(db, fill_acct) || execute(db, sql) ||
        execute(db, fill_named))
        return 1;
    for (size_t i = 0; i < sizeof table_names / sizeof *table_names; i++)
        if (yoda_register_table(db, table_names[i], NULL, &err) != YODA_OK)
            return complain(table_names[i], &err);
    return 0;
}

static int make_second_generation(yoda_engine *db, const struct making *m)
{
    yoda_error err = {0};
    if (!copy_folder(m->files, m->old))
        return complain("cannot copy the first generation", &(yoda_error){0});
    if (execute(db, "UPDATE big SET g = g + 1, word = word || 'x' WHERE id % 2 = 0") ||
        execute(db, "UPDATE acct SET note = note || '!'") ||
        execute(db, "UPDATE named SET v = x'00ff' WHERE k < 'Key 3'"))
        return 1;
    if (yoda_sync(db, NULL, &err) != YODA_OK || yoda_checkpoint(db, &err) != YODA_OK)
        return complain("second checkpoint", &err);
    return 0;
}

static int make(void *ctx)
{
    struct making *m = ctx;
    yoda_error err = {0};
    yoda_engine *db = NULL;
    const yoda_option options[] = {{"sync_interval_ms", "0"}};
    if (yoda_open(m->path, options, 1, &db, &err) != YODA_OK)
        return complain("open", &err);
    int code = fill(db, m->rows);
    if (code == 0 && yoda_checkpoint(db, &err) != YODA_OK)
        code = complain("checkpoint", &err);
    if (code == 0 && m->generations > 1)
        code = make_second_generation(db, m);
    yoda_close(db);
    return code;
}

bool specimen_make(const char *directory, uint32_t rows, int generations)
{
    struct making m = {.rows = rows, .generations = generations};
    char what[64];
    snprintf(m.path, sizeof m.path, "%s/app.db", directory);
    snprintf(m.files, sizeof m.files, "%s-yoda", m.path);
    snprintf(m.old, sizeof m.old, "%s/old", directory);
    if (specimen_in_child(make, &m, what))
        return true;
    fprintf(stderr, "specimen: cannot be made: %s\n", what);
    return false;
}

/* ---- Copying ---- */

bool specimen_copy_file(const char *from, const char *to)
{
    static char buffer[1 << 16];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ssize_t n = in < 0 || out < 0 ? -1 : 1;
    while (n > 0 && (n = read(in, buffer, sizeof buffer)) > 0)
        if (write(out, buffer, (size_t)n) != n)
            n = -1;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return n == 0;
}

bool specimen_copy(const char *from, const char *to)
{
    char source[4300], target[4300];
    snprintf(source, sizeof source, "%s/app.db-yoda", from);
    snprintf(target, sizeof target, "%s/app.db-yoda", to);
    return copy_folder(from, to) && copy_folder(source, target);
}

/* ---- Children, checks ---- */

bool specimen_in_child(int (*fn)(void *ctx), void *ctx, char what[64])
{
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int code = fn(ctx);
        fflush(NULL);
        _exit(code);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        snprintf(what, 64, "fork failed");
    else if (WIFSIGNALED(status))
        snprintf(what, 64, "killed by signal %d", WTERMSIG(status));
    else
        snprintf(what, 64, "exit code %d", WEXITSTATUS(status));
    return pid > 0 && status == 0;
}

static int first_text(void *ctx, int columns, char **values, char **names)
{
    (void)names;
    bool *good = ctx;
    *good = columns == 1 && values[0] && strcmp(values[0], "ok") == 0;
    return 0;
}

bool specimen_intact(const char *path)
{
    sqlite3 *db = NULL;
    bool good = false;
    if (sqlite3_open(path, &db) == SQLITE_OK) {
        sqlite3_busy_timeout(db, 5000);
        sqlite3_exec(db, "PRAGMA integrity_check", first_text, &good, NULL);
    }
    sqlite3_close(db);
    return good;
}
