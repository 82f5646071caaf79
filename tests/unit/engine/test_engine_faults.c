/*
 * test_engine_faults.c -- the engine when memory is short or a columnar file is damaged.
 *
 * Every allocation of a short life (open, register, write, query, export, checkpoint, close) is
 * made to fail in turn: each call must return a status, nothing may leak or crash, and whatever
 * succeeds must be right. SQLite's own allocations are not ours to fail.
 */
#include "base/mem.h"
#include "base/os.h"
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

static const yoda_option options[] = {
    {"sync_interval_ms", "0"}, {"threads", "1"}, {"router", "columns_first"}};

static yoda_status count_rows(yoda_engine *db, yoda_side demanded, int64_t *out, yoda_side *side)
{
    yoda_result *rows = NULL;
    yoda_query_options how = YODA_QUERY_OPTIONS_INIT;
    yoda_result_info info;
    struct ArrowArray array = {0};
    how.side = demanded;
    yoda_status status =
        yoda_query(db, "SELECT count(*), max(s) FROM t WHERE v >= 0", NULL, &how, &rows, NULL);
    if (status != YODA_OK)
        return status;
    yoda_result_info_get(rows, &info);
    *side = info.side;
    *out = yoda_result_next(rows) ? yoda_result_int64(rows, 0) : -1;
    status = yoda_result_arrow_next(rows, &array, NULL);
    yoda_result_close(rows);
    if (array.release)
        array.release(&array);
    return status;
}

static const char fill[] =
    "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, v REAL, s TEXT);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50)"
    "INSERT OR REPLACE INTO t SELECT i, i * 0.5, 'text ' || i FROM n";

static bool fine(yoda_status status)
{
    return status == YODA_OK || status == YODA_NOMEM;
}

static void live(const char *path)
{
    yoda_engine *db = NULL;
    yoda_side side;
    int64_t rows = 50;
    yoda_status status = yoda_open(path, options, 3, &db, NULL);
    assert_true(fine(status));
    if (status != YODA_OK)
        return;
    yoda_status written = yoda_execute(db, fill, NULL, NULL, NULL);
    yoda_status registered = yoda_register_table(db, "t", NULL, NULL);
    yoda_status counted = count_rows(db, YODA_SIDE_AUTO, &rows, &side);
    yoda_status saved = yoda_checkpoint(db, NULL);
    yoda_status shut = yoda_shutdown(db, NULL);
    yoda_close(db);
    assert_true(fine(written));
    assert_true(fine(saved) && fine(shut));
    assert_true(fine(counted) || written != YODA_OK);
    assert_true(fine(registered) || written != YODA_OK);
    if (written == YODA_OK && counted == YODA_OK)
        assert_int_equal(rows, 50);
}

static void allocations_fail(void **state)
{
    char *directory = test_directory_make(), path[4096];
    uint64_t before = 0, lives = 0;
    (void)state;
    for (uint64_t n = 1;; lives++, n += n < 300 ? 1 : 1 + n / 40) {
        snprintf(path, sizeof path, "%s/app%llu.db", directory, (unsigned long long)n);
        if (n == 2) /* what stays for ever has been made by now */
            before = mem_live_bytes();
        mem_fail_after(n, false);
        uint64_t start = mem_allocations();
        live(path);
        uint64_t made = mem_allocations() - start;
        mem_fail_after(0, false);
        if (n > 2)
            assert_int_equal(mem_live_bytes(), before);
        if (made + 1 < n)
            break;
    }
    assert_true(lives > 100);
    test_directory_remove(directory);
}

static yoda_status damage_segment(void *ctx, const char *name)
{
    char path[8192];
    unsigned char bytes[64];
    struct os_file *file = NULL;
    uint64_t size = 0;
    if (strncmp(name, "seg-", 4) != 0)
        return YODA_OK;
    snprintf(path, sizeof path, "%s/%s", (const char *)ctx, name);
    assert_int_equal(os_file_open(path, OS_READ_WRITE_CREATE, &file, NULL), YODA_OK);
    assert_int_equal(os_file_size(file, &size, NULL), YODA_OK);
    for (uint64_t at = 0; at + sizeof bytes <= size - 200; at += sizeof bytes) {
        memset(bytes, 0xa5, sizeof bytes);
        assert_int_equal(os_file_write(file, at, bytes, sizeof bytes, NULL), YODA_OK);
    }
    os_file_close(file);
    return YODA_OK;
}

/* A damaged file never makes an answer wrong: SQLite answers, and the table is rebuilt. */
static void damage_is_healed(void **state)
{
    char *directory = test_directory_make(), path[4096], files[4200];
    yoda_engine *db = NULL;
    yoda_error err;
    yoda_side side;
    int64_t rows = 0;
    (void)state;
    snprintf(path, sizeof path, "%s/app.db", directory);
    snprintf(files, sizeof files, "%s-yoda", path);
    OK(yoda_open(path, options, 3, &db, &err));
    OK(yoda_execute(db, fill, NULL, NULL, &err));
    OK(yoda_register_table(db, "t", NULL, &err));
    OK(yoda_shutdown(db, &err));
    yoda_close(db);
    OK(os_list(files, damage_segment, files, &err));
    OK(yoda_open(path, options, 3, &db, &err));
    for (int i = 0; i < 500; i++) {
        OK(count_rows(db, YODA_SIDE_AUTO, &rows, &side));
        assert_int_equal(rows, 50);
        if (i > 0 && side == YODA_SIDE_COLUMN)
            break;
        os_sleep_ms(10);
    }
    assert_int_equal(side, YODA_SIDE_COLUMN);
    yoda_close(db);
    test_directory_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damage_is_healed),
        cmocka_unit_test(allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
