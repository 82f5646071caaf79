/*
 * test_terminal.c -- the shell at a terminal: a pseudo terminal is typed into and read from.
 */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define WAIT_S 60 /* generous: the machine may be busy */

static const char *shell_path;

struct terminal {
    int fd;
    pid_t child;
    char *directory;
    char seen[1 << 16]; /* everything read so far, NUL-terminated */
    size_t seen_size;
    size_t expected; /* what terminal_expect has already found */
};

static void run_shell(const char *slave, const char *directory)
{
    char database[4200];
    snprintf(database, sizeof database, "%s/app.db", directory);
    setsid();
    int fd = open(slave, O_RDWR);
    if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) != 0)
        _exit(99);
    for (int i = 0; i < 3; i++)
        dup2(fd, i);
    setenv("XDG_STATE_HOME", directory, 1);
    setenv("TERM", "xterm", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    execl(shell_path, shell_path, database, (char *)NULL);
    _exit(98);
}

static void terminal_open(struct terminal *t)
{
    memset(t, 0, sizeof *t);
    t->fd = posix_openpt(O_RDWR | O_NOCTTY);
    if (t->fd < 0) {
        print_message("this machine gives no pseudo-terminal: skipped\n");
        skip();
    }
    t->directory = test_directory_make();
    assert_int_equal(grantpt(t->fd), 0);
    assert_int_equal(unlockpt(t->fd), 0);
    char slave[256];
    snprintf(slave, sizeof slave, "%s", ptsname(t->fd));
    t->child = fork();
    assert_true(t->child >= 0);
    if (t->child == 0)
        run_shell(slave, t->directory);
}

static void terminal_type(struct terminal *t, const char *text)
{
    assert_int_equal(write(t->fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* Read what comes within a second; false at the end. */
static bool read_more(struct terminal *t)
{
    struct pollfd wait = {.fd = t->fd, .events = POLLIN};
    if (poll(&wait, 1, 1000) <= 0)
        return true;
    ssize_t size = read(t->fd, t->seen + t->seen_size, sizeof t->seen - 1 - t->seen_size);
    if (size <= 0)
        return false;
    t->seen_size += (size_t)size;
    t->seen[t->seen_size] = 0;
    return true;
}

/* Wait until text appears behind what was expected before. */
static void terminal_expect(struct terminal *t, const char *text)
{
    time_t end = time(NULL) + WAIT_S;
    bool open = true;
    for (;;) {
        char *found = strstr(t->seen + t->expected, text);
        if (found) {
            t->expected = (size_t)(found - t->seen) + strlen(text);
            return;
        }
        if (!open || time(NULL) > end)
            fail_msg("\"%s\" did not appear; seen:\n%s", text, t->seen + t->expected);
        open = read_more(t);
    }
}

static int terminal_close(struct terminal *t)
{
    int status = 0;
    time_t end = time(NULL) + WAIT_S;
    while (read_more(t) && time(NULL) < end)
        ;
    if (waitpid(t->child, &status, WNOHANG) == 0) {
        sleep(1);
        if (waitpid(t->child, &status, WNOHANG) == 0) {
            kill(t->child, SIGKILL);
            waitpid(t->child, &status, 0);
        }
    }
    close(t->fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void test_statements(void **state)
{
    (void)state;
    struct terminal t;
    terminal_open(&t);
    terminal_expect(&t, "yoda> ");
    terminal_type(&t, "CREATE TABLE t(a);\n");
    terminal_expect(&t, "changed in");
    terminal_type(&t, "INSERT INTO t\n");
    terminal_expect(&t, "...> ");
    terminal_type(&t, "VALUES (41 + 1);\n");
    terminal_expect(&t, "1 row changed in");
    terminal_type(&t, "SELECT a FROM t;\n");
    terminal_expect(&t, "42");
    terminal_expect(&t, "1 row in");
    terminal_type(&t, ".quit\n");
    assert_int_equal(terminal_close(&t), 0);
    test_directory_remove(t.directory);
}

static void test_cancel_line(void **state)
{
    (void)state;
    struct terminal t;
    terminal_open(&t);
    terminal_expect(&t, "yoda> ");
    terminal_type(&t, "SELECT 'left\n");
    terminal_expect(&t, "...> ");
    terminal_type(&t, "half\x03");
    terminal_expect(&t, "yoda> ");
    terminal_type(&t, "SELECT 'ri' || 'ght';\n");
    terminal_expect(&t, "right");
    terminal_expect(&t, "yoda> ");
    terminal_type(&t, "\x04");
    assert_int_equal(terminal_close(&t), 0);
    test_directory_remove(t.directory);
}

/* Ctrl-D ends the input whenever it is pressed: at a prompt, and while a statement runs, when the
 * terminal is not raw. */
static void test_end_of_input(void **state)
{
    (void)state;
    uint64_t random = test_seed();
    for (int i = 0; i < 10; i++) {
        struct terminal t;
        terminal_open(&t);
        terminal_expect(&t, "yoda> ");
        terminal_type(&t, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                          "LIMIT 200000) SELECT count(*) || ' counted' FROM n;\n");
        usleep((useconds_t)(test_random(&random) % 60000));
        terminal_type(&t, "\x04");
        assert_int_equal(terminal_close(&t), 0);
        assert_non_null(strstr(t.seen, "200000 counted"));
        test_directory_remove(t.directory);
    }
}

static void test_cancel_statement(void **state)
{
    (void)state;
    struct terminal t;
    terminal_open(&t);
    terminal_expect(&t, "yoda> ");
    terminal_type(&t, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                      "SELECT count(*) FROM n; SELECT 'not' || ' run';\n");
    sleep(1); /* until it runs; earlier, the key only gives up a line */
    terminal_type(&t, "\x03");
    terminal_expect(&t, "error: ");
    terminal_expect(&t, "yoda> ");
    assert_null(strstr(t.seen, "not run"));
    terminal_type(&t, "SELECT 'still ' || 'here';\n");
    terminal_expect(&t, "still here");
    terminal_type(&t, ".quit\n");
    assert_int_equal(terminal_close(&t), 0);
    test_directory_remove(t.directory);
}

/* Keys pressed at any moment, also between a statement's end and the next prompt. */
static void test_cancel_at_any_time(void **state)
{
    (void)state;
    struct terminal t;
    uint64_t random = test_seed();
    terminal_open(&t);
    terminal_expect(&t, "yoda> ");
    for (int i = 0; i < 20; i++) {
        terminal_type(&t, "SELECT 1; SELECT 'x\n");
        usleep((useconds_t)(test_random(&random) % 20000));
        terminal_type(&t, "\x03");
        usleep(20000); /* the terminal drops what is typed just before the key */
    }
    terminal_type(&t, "\n.mode csv\nSELECT 'na\u00efve ' || '\u00dcbung \u65e5';\n");
    terminal_expect(&t, "na\u00efve \u00dcbung \u65e5");
    terminal_type(&t, ".quit\n");
    assert_int_equal(terminal_close(&t), 0);
    test_directory_remove(t.directory);
}

static void test_history(void **state)
{
    (void)state;
    struct terminal t;
    char path[4200];
    struct stat st;
    terminal_open(&t);
    terminal_expect(&t, "yoda> ");
    terminal_type(&t, "SELECT 4 * 4 + 1;\n");
    terminal_expect(&t, "1 row in");
    terminal_type(&t, ".quit\n");
    assert_int_equal(terminal_close(&t), 0);
    snprintf(path, sizeof path, "%s/yoda/history", t.directory);
    if (stat(path, &st) != 0)
        print_message("skipped: the shell was built without libedit\n");
    else
        assert_int_equal(st.st_mode & 077, 0);
    test_directory_remove(t.directory);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: test_terminal SHELL\n", stderr);
        return 2;
    }
    shell_path = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statements), cmocka_unit_test(test_cancel_line),
        cmocka_unit_test(test_end_of_input),
        cmocka_unit_test(test_cancel_statement),
        cmocka_unit_test(test_cancel_at_any_time), cmocka_unit_test(test_history)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
