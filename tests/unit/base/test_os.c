/* test_os.c -- files, statuses, locks, injected failures and deaths, in a fresh directory. */
#include "test.h"

#include "base/mem.h"
#include "base/os.h"
#include "base/status.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *directory;
static char path_a[512], path_b[512];

static int setup(void **state)
{
    (void)state;
    directory = test_directory_make();
    snprintf(path_a, sizeof path_a, "%s/a", directory);
    snprintf(path_b, sizeof path_b, "%s/b", directory);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_directory_remove(directory);
    return 0;
}

static void test_read_write(void **state)
{
    (void)state;
    yoda_error err;
    struct os_file *f;
    uint64_t size, live = mem_live_bytes();
    char got[8];
    FAILS(YODA_NOT_FOUND, os_file_open(path_a, OS_READ, &f, &err));
    assert_null(f);
    assert_non_null(strstr(err.message, path_a));
    OK(os_file_open(path_a, OS_CREATE_NEW, &f, &err));
    struct stat st;
    assert_int_equal(stat(path_a, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    OK(os_file_write(f, 5, "hello", 5, &err));
    OK(os_file_sync(f, &err));
    OK(os_file_size(f, &size, &err));
    assert_int_equal(size, 10);
    OK(os_file_read(f, 5, got, 5, &err));
    assert_memory_equal(got, "hello", 5);
    OK(os_file_read(f, 3, got, 2, &err));
    assert_memory_equal(got, "\0\0", 2);
    FAILS(YODA_CORRUPT, os_file_read(f, 6, got, 5, &err));
    assert_non_null(strstr(err.message, path_a));
    FAILS(YODA_CORRUPT, os_file_read(f, UINT64_MAX, got, 5, &err));
    os_file_close(f);
    os_file_close(NULL);
    FAILS(YODA_IOERR, os_file_open(path_a, OS_CREATE_NEW, &f, &err));
    FAILS(YODA_IOERR, os_file_open(directory, OS_READ, &f, &err));
    assert_int_equal(symlink(path_a, path_b), 0);
    FAILS(YODA_IOERR, os_file_open(path_b, OS_READ, &f, &err));
    assert_int_equal(mem_live_bytes(), live);
}

static yoda_status count_entry(void *ctx, const char *name)
{
    int *count = ctx;
    return strcmp(name, "stop") == 0 ? YODA_BUSY : (++*count, YODA_OK);
}

static void test_directories(void **state)
{
    (void)state;
    yoda_error err;
    int count = 0;
    OK(os_mkdir(path_a, &err));
    OK(os_mkdir(path_a, &err));
    OK(os_sync_directory(path_a, &err));
    OK(os_rename(path_a, path_b, &err));
    assert_int_not_equal(access(path_a, F_OK), 0);
    assert_int_equal(access(path_b, F_OK), 0);
    OK(os_list(directory, count_entry, &count, &err));
    assert_int_equal(count, 1);
    OK(os_unlink(path_a, &err));
    FAILS(YODA_NOT_FOUND, os_rename(path_a, path_b, &err));
    FAILS(YODA_NOT_FOUND, os_list(path_a, count_entry, &count, &err));
    FAILS(YODA_NOT_FOUND, os_sync_directory(path_a, &err));
    char stop[600];
    snprintf(stop, sizeof stop, "%s/stop", directory);
    OK(os_mkdir(stop, &err));
    FAILS(YODA_BUSY, os_list(directory, count_entry, &count, &err));
}

static void test_real_path(void **state)
{
    (void)state;
    yoda_error err;
    char *real, *expected, dotted[600];
    snprintf(dotted, sizeof dotted, "%s/../%s/new", directory, strrchr(directory, '/') + 1);
    OK(os_real_path(directory, &expected, &err));
    OK(os_real_path(dotted, &real, &err));
    assert_int_equal(strncmp(real, expected, strlen(expected)), 0);
    assert_string_equal(real + strlen(expected), "/new");
    mem_free(real);
    mem_free(expected);
    OK(os_real_path("/no-such-file", &real, &err));
    assert_string_equal(real, "/no-such-file");
    mem_free(real);
    OK(os_real_path("no-such-file", &real, &err));
    assert_true(real[0] == '/');
    mem_free(real);
    snprintf(dotted, sizeof dotted, "%s/none/new", directory);
    FAILS(YODA_NOT_FOUND, os_real_path(dotted, &real, &err));
    assert_null(real);
}

static void test_lock(void **state)
{
    (void)state;
    yoda_error err;
    struct os_file *f, *g;
    OK(os_file_open(path_a, OS_READ_WRITE_CREATE, &f, &err));
    OK(os_file_open(path_a, OS_READ_WRITE_CREATE, &g, &err));
    OK(os_file_try_lock(f, &err));
    OK(os_file_try_lock(f, &err));
    FAILS(YODA_BUSY, os_file_try_lock(g, &err));
    os_file_close(f);
    OK(os_file_try_lock(g, &err));
    os_file_close(g);
}

static yoda_status make_two_files(yoda_error *err)
{
    struct os_file *f;
    TRY(os_file_open(path_a, OS_READ_WRITE_CREATE, &f, err)); /* event 1 */
    yoda_status status = os_file_write(f, 0, "12345678", 8, err);
    if (status == YODA_OK)
        status = os_file_sync(f, err);
    os_file_close(f);
    TRY(status);
    TRY(os_rename(path_a, path_b, err));
    TRY(os_sync_directory(directory, err));
    return os_unlink(path_b, err);
}

static void test_injected_failures(void **state)
{
    (void)state;
    yoda_error err;
    uint64_t before = os_events();
    OK(make_two_files(&err));
    uint64_t events = os_events() - before;
    assert_int_equal(events, 6);
    for (uint64_t n = 1; n <= events; n++) {
        os_fail_after(n, n % 2);
        yoda_status expected = n % 2 ? YODA_FULL : YODA_IOERR;
        FAILS(expected, make_two_files(&err));
        assert_non_null(strstr(err.message, directory));
        OK(make_two_files(&err)); /* only the n-th fails */
    }
    os_fail_after(1, false);
    os_fail_after(0, false);
    OK(make_two_files(&err));
}

static void test_injected_death(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 6; n++) {
        pid_t child = fork();
        if (child == 0) {
            os_die_after(n);
            _exit(make_two_files(NULL) == YODA_OK ? 0 : 1);
        }
        int code = 0;
        assert_int_equal(waitpid(child, &code, 0), child);
        assert_true(WIFEXITED(code));
        assert_int_equal(WEXITSTATUS(code), 137);
        struct stat st;
        if (n == 2) { /* a torn write */
            assert_int_equal(stat(path_a, &st), 0);
            assert_int_equal(st.st_size, 4);
        }
        assert_int_equal(access(path_b, F_OK) == 0, n > 4);
        unlink(path_a);
        unlink(path_b);
    }
}

static void test_machine(void **state)
{
    (void)state;
    int64_t t = os_monotonic_ns();
    os_sleep_ms(2);
    os_sleep_ms(-1);
    assert_true(os_monotonic_ns() - t >= 2000000);
    assert_true(os_thread_cpu_ns() > 0);
    assert_true(os_wall_ms() > INT64_C(1600000000000));
    assert_true(os_cpu_count() >= 1);
    assert_true(os_memory_bytes() > (1u << 20));
    uint64_t a[4] = {0}, b[4] = {0};
    os_random(a, sizeof a);
    os_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    print_message("cpus %u, memory %llu MB\n", (unsigned)os_cpu_count(),
                  (unsigned long long)(os_memory_bytes() >> 20));
}

#define WITH_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIRECTORY(test_read_write),        WITH_DIRECTORY(test_directories),
        WITH_DIRECTORY(test_real_path),         WITH_DIRECTORY(test_lock),
        WITH_DIRECTORY(test_injected_failures), WITH_DIRECTORY(test_injected_death),
        cmocka_unit_test(test_machine)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
