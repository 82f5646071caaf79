/*
 * crash_runner.c -- a process that writes, syncs and checkpoints is killed at a random moment.
 *
 * One round: copy a specimen; a child opens it with small intervals and runs traffic, writing the
 * number of each transaction that was acknowledged into a pipe; it is killed (kill -9 after a
 * random time, in a third of the rounds while it opens), or dies by itself in the middle of its
 * n-th change of a columnar file (os_die_after). Then another child reopens the file and checks
 * traffic.h's invariants, stock SQLite checks the file, and traffic goes on for a while and is
 * checked again. A sixth of the rounds use a table at the edge of a full segment, so that sealing,
 * compaction and their files are under way.
 *
 *   crash_runner [rounds]      seeds and scale: see ../diff/campaign.h
 *   YODA_TEST_DIE_AFTER=n      every child dies at its n-th file event
 */
#include "campaign.h"
#include "specimen.h"
#include "traffic.h"

#include "base/os.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define ROUNDS 300
#define ROWS_SMALL 3000
#define ROWS_LARGE 130500

struct round {
    uint64_t seed;
    char path[4200];
    int acknowledge; /* the child's end of the pipe */
    uint64_t die_after;
    int64_t acknowledged;
};

static yoda_engine *open_engine(const char *path, uint64_t *random)
{
    static const char *const batches[] = {"1", "100", "100000"};
    static const char *const intervals[] = {"0", "1", "5"};
    static const char *const checkpoints[] = {"1", "10", "30000"};
    const yoda_option options[] = {
        {"sync_batch_size", batches[test_random(random) % 3]},
        {"sync_interval_ms", intervals[test_random(random) % 3]},
        {"checkpoint_interval_ms", checkpoints[test_random(random) % 3]},
        {"checkpoint_events", test_random(random) % 2 ? "100" : "1000000"},
        {"compact_deleted_percent", test_random(random) % 2 ? "2" : "25"},
        {"router", "columns_first"},
    };
    yoda_engine *db = NULL;
    yoda_error err = {0};
    if (yoda_open(path, options, 6, &db, &err) != YODA_OK)
        fprintf(stderr, "  open: %s: %s\n", yoda_status_name(err.code), err.message);
    return db;
}

/* ---- The child that dies ---- */

static int work(struct round *r)
{
    struct traffic t;
    uint64_t random = r->seed;
    int64_t ready = -1;
    if (r->die_after)
        os_die_after(r->die_after);
    yoda_engine *db = open_engine(r->path, &random);
    if (!db || !traffic_init(&t, db, test_random(&random)))
        return 1;
    if (write(r->acknowledge, &ready, sizeof ready) != sizeof ready)
        return 1;
    for (int i = 0; i < 2000; i++) {
        bool committed = false;
        if (!traffic_step(&t, &committed))
            return 1;
        if (committed && write(r->acknowledge, &t.seq, sizeof t.seq) != sizeof t.seq)
            return 1;
    }
    yoda_close(db);
    return 0;
}

static void wait_us(int64_t us)
{
    struct timespec time = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&time, NULL);
}

/* Read what the child acknowledged; to be called while it lives or after. */
static bool read_one(int fd, int64_t *out)
{
    return read(fd, out, sizeof *out) == sizeof *out;
}

static bool let_it_die(struct round *r, pid_t pid, int from)
{
    uint64_t random = r->seed ^ 0xdead;
    int64_t number = 0;
    int status = 0;
    bool while_opening = test_random(&random) % 3 == 0 && !r->die_after;
    if (!while_opening && read_one(from, &number) && number > r->acknowledged)
        r->acknowledged = number;
    wait_us((int64_t)(test_random(&random) % (while_opening ? 30000 : 80000)));
    if (!r->die_after)
        kill(pid, SIGKILL);
    while (read_one(from, &number))
        r->acknowledged = number > r->acknowledged ? number : r->acknowledged;
    waitpid(pid, &status, 0);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    bool died = WIFEXITED(status) && (WEXITSTATUS(status) == 137 || WEXITSTATUS(status) == 0);
    if (!killed && !died)
        fprintf(stderr, "  the worker ended by itself: status %x\n", (unsigned)status);
    return killed || died;
}

static bool run_worker(struct round *r)
{
    int ends[2];
    if (pipe(ends))
        return false;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        r->acknowledge = ends[1];
        _exit(work(r));
    }
    close(ends[1]);
    bool good = pid > 0 && let_it_die(r, pid, ends[0]);
    close(ends[0]);
    return good;
}

/* ---- The child that looks ---- */

static int look(void *ctx)
{
    struct round *r = ctx;
    struct traffic t;
    uint64_t random = r->seed ^ 0x100c;
    yoda_engine *db = open_engine(r->path, &random);
    if (!db || !traffic_check(db, r->acknowledged))
        return 1;
    if (!traffic_init(&t, db, r->seed ^ 0x9090))
        return 1;
    bool good = true, committed;
    for (int i = 0; i < 30 && good; i++)
        good = traffic_step(&t, &committed);
    yoda_close(db);
    if (good)
        db = open_engine(r->path, &random);
    good = good && db && traffic_check(db, t.seq);
    yoda_close(good ? db : NULL);
    return good && specimen_intact(r->path) ? 0 : 1;
}

static bool run_round(const char *small, const char *large, uint64_t seed)
{
    struct round r = {.seed = seed};
    uint64_t random = seed ^ 0xabcd;
    char what[64], *directory = campaign_directory();
    const char *fixed = getenv("YODA_TEST_DIE_AFTER");
    snprintf(r.path, sizeof r.path, "%s/app.db", directory);
    const char *specimen = test_random(&random) % 6 == 0 ? large : small;
    if (fixed)
        r.die_after = strtoull(fixed, NULL, 10);
    else if (test_random(&random) % 3 == 0)
        r.die_after = 1 + test_random(&random) % 60;
    bool good = specimen_copy(specimen, directory) && run_worker(&r);
    if (good && !(good = specimen_in_child(look, &r, what)))
        fprintf(stderr, "  after %" PRId64 " acknowledged transactions: %s\n", r.acknowledged,
                what);
    test_directory_remove(directory);
    return good;
}

int main(int argc, char **argv)
{
    struct campaign c = campaign_begin(argc, argv, ROUNDS);
    unsigned failed = 0, done = 0;
    char *small = campaign_directory(), *large = campaign_directory();
    if (!specimen_make(small, ROWS_SMALL, 1) || !specimen_make(large, ROWS_LARGE, 1))
        failed = 1;
    for (; failed < 3 && done < c.count && !(done == 0 && failed); done++)
        if (!run_round(small, large, c.seed + done)) {
            campaign_blame(&c, c.seed + done);
            failed++;
        }
    test_directory_remove(small);
    test_directory_remove(large);
    printf("%u crashes, %u failed\n", done, failed);
    return failed ? 1 : 0;
}
