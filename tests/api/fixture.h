/*
 * fixture.h -- what the API tests share: a database in a fresh directory, and one-value queries.
 */
#ifndef YODA_API_FIXTURE_H
#define YODA_API_FIXTURE_H

#include "test.h"

struct fixture {
    char *directory;
    char path[4096];
    yoda_engine *db;
};

static inline yoda_engine *fixture_open(const char *path, const yoda_option *options, size_t count)
{
    yoda_error err;
    yoda_engine *db = NULL;
    OK(yoda_open(path, options, count, &db, &err));
    assert_non_null(db);
    return db;
}

/* Without the background thread's rounds, and on columns where they can: what happens is what the
 * test asks for. */
static inline int fixture_setup(void **state)
{
    const yoda_option options[] = {
        {"sync_interval_ms", "0"}, {"busy_timeout_ms", "2000"}, {"router", "columns_first"}};
    struct fixture *f = calloc(1, sizeof *f);
    f->directory = test_directory_make();
    snprintf(f->path, sizeof f->path, "%s/app.db", f->directory);
    f->db = fixture_open(f->path, options, 3);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    yoda_close(f->db);
    test_directory_remove(f->directory);
    free(f);
    return 0;
}

static inline void fixture_execute(yoda_engine *db, const char *sql)
{
    yoda_error err;
    OK(yoda_execute(db, sql, NULL, NULL, &err));
}

/* The one integer a query answers; *side (may be NULL) gets the side that ran it. */
static inline int64_t fixture_int_on(yoda_engine *db, const char *sql, yoda_side demanded,
                                     yoda_side *side)
{
    yoda_error err;
    yoda_result *rows = NULL;
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    yoda_result_info info;
    options.side = demanded;
    OK(yoda_query(db, sql, NULL, &options, &rows, &err));
    assert_true(yoda_result_next(rows));
    int64_t value = yoda_result_int64(rows, 0);
    yoda_result_info_get(rows, &info);
    if (side)
        *side = info.side;
    yoda_result_close(rows);
    return value;
}

static inline int64_t fixture_int(yoda_engine *db, const char *sql)
{
    return fixture_int_on(db, sql, YODA_SIDE_AUTO, NULL);
}

#endif
