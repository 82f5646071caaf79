/*
 * fuzz_sql.c -- any text as SQL: the parser must survive it, and both sides must agree on it.
 *
 * The text goes through sql_parse, then through yoda_query on the route the engine chooses and on
 * SQLite, over a small fixed database in memory whose tables are registered. Where the columns ran
 * it, the rows must be SQLite's. Queries have a time limit; what is stopped by a limit on either
 * side says nothing. Answers that SQL leaves open are not held against each other (see is_open).
 */
#include "answer.h"

#include "base/arena.h"
#include "sql/sql.h"

#include <ctype.h>
#include <strings.h>

#define TEXT_BYTES_MAX 4096
#define TIMEOUT_MS 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char schema[] =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a INT, b TEXT, c REAL, d);"
    "CREATE TABLE u(k TEXT COLLATE NOCASE PRIMARY KEY, n NUMERIC, day TEXT);"
    "CREATE TABLE e(x INT, y TEXT);"
    "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 60)"
    "INSERT INTO t SELECT i, CASE WHEN i % 9 THEN i % 7 - 3 END, 'b' || (i % 5), i / 4.0,"
    " CASE i % 3 WHEN 0 THEN i WHEN 1 THEN 'd' || i END FROM s;"
    "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 40)"
    "INSERT INTO u SELECT 'Key' || i, CASE WHEN i % 2 THEN i ELSE i / 8.0 END,"
    " date('2024-01-01', i || ' days') FROM s";

static yoda_engine *open_database(void)
{
    static const char *const names[] = {"t", "u", "e"};
    const yoda_option options[] = {{"sync_interval_ms", "0"}, {"threads", "1"},
                                   {"memory_limit_mb", "256"}};
    yoda_engine *db = NULL;
    yoda_error err = {0};
    yoda_status status = yoda_open(":memory:", options, 3, &db, &err);
    if (status == YODA_OK)
        status = yoda_execute(db, schema, NULL, NULL, &err);
    for (size_t i = 0; i < 3 && status == YODA_OK; i++)
        status = yoda_register_table(db, names[i], NULL, &err);
    if (status != YODA_OK) {
        fprintf(stderr, "fuzz_sql: %s\n", err.message);
        abort();
    }
    return db;
}

static bool has_word(const char *text, const char *word)
{
    size_t size = strlen(word);
    for (; *text; text++)
        if (strncasecmp(text, word, size) == 0)
            return true;
    return false;
}

/* May SQL answer this in more than one way? Cuts and joins of unordered rows, the clock. */
static bool is_open(const char *text)
{
    static const char *const words[] = {"limit", "group_concat", "random", "now", "current_",
                                        "date(", "time(", "strftime", "julianday"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (has_word(text, words[i]))
            return true;
    return false;
}

static void parse(const char *text, size_t size)
{
    struct arena arena;
    struct ast_statement *statement = NULL;
    yoda_error err = {0};
    arena_init(&arena, NULL);
    yoda_status status = sql_parse(text, size, &arena, &statement, &err);
    if (status == YODA_OK && !statement)
        abort();
    arena_deinit(&arena);
}

static void run(const char *text)
{
    static yoda_engine *db; /* kept: nothing here writes */
    char why[ANSWER_WHY_MAX];
    if (!db)
        db = open_database();
    if (answer_compare(db, text, YODA_SIDE_AUTO, TIMEOUT_MS, why) != ANSWER_DIFFERENT ||
        is_open(text))
        return;
    fprintf(stderr, "fuzz_sql: the sides differ: %s\n%s\n", why, text);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_BYTES_MAX + 1];
    if (size > TEXT_BYTES_MAX)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    parse(text, size);
    if (strlen(text) == size)
        run(text);
    return 0;
}
