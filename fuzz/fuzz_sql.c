/*
 * fuzz_sql.c -- any text as SQL, planned and run: both sides must agree on it.
 *
 * The text goes through yoda_query forced on columns and on SQLite, over a small fixed database in
 * memory whose tables are registered. Where the columns ran it, the rows must be SQLite's. Queries
 * have a time limit; what is stopped by a limit on either side says nothing. Answers that SQL
 * leaves open are not held against each other (see is_open).
 */
#include "answer.h"

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
    const yoda_option options[] = {
        {"sync_interval_ms", "0"}, {"threads", "1"}, {"memory_limit_mb", "256"}};
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

/* May SQL answer this in more than one way? Cuts, joins and numbers of unordered rows, the clock;
 * columns that are neither grouped nor aggregated come with one of these often enough. */
static bool is_open(const char *text)
{
    static const char *const words[] = {
        "limit",    "group_concat", "random",   "now",      "current_", "over",
        "group by", "having",       "min(",     "max(",     "date(",    "time(",
        "strft",    "julianday",    "total_ch", "last_ins", "changes"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (has_word(text, words[i]))
            return true;
    return false;
}

static void run(const char *text)
{
    static yoda_engine *db; /* kept: nothing here writes */
    struct answer_rules rules = {.loose = true};
    char why[ANSWER_WHY_MAX];
    if (!db)
        db = open_database();
    if (answer_compare_by(db, text, YODA_SIDE_COLUMN, TIMEOUT_MS, &rules, why) !=
            ANSWER_DIFFERENT ||
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
    if (strlen(text) == size)
        run(text);
    return 0;
}
