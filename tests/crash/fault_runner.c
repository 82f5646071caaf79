/*
 * fault_runner.c -- columnar files whose writes, syncs, renames and creations fail.
 *
 * One round, in a child: open a copy of the specimen and run traffic while every few steps the n-th
 * file event to come is made to fail, as an I/O error or a full disk. Only syncs and checkpoints
 * may report it, as YODA_IOERR or YODA_FULL; transactions and queries go on. When the disk is well
 * again the next sync and checkpoint succeed, nothing is missing, and a reopened engine says the
 * same.
 *
 *   fault_runner [rounds]      seeds and scale: see ../diff/campaign.h
 */
#include "campaign.h"
#include "specimen.h"
#include "traffic.h"

#include "base/os.h"

#define ROUNDS 100
#define ROWS 3000

struct round {
    uint64_t seed;
    char path[4200];
};

static bool say(const char *what, yoda_status status, const yoda_error *err)
{
    if (status != YODA_OK)
        fprintf(stderr, "  %s: %s: %s\n", what, yoda_status_name(status), err->message);
    return status == YODA_OK;
}

static bool open_engine(const struct round *r, uint64_t *random, bool may_fail, yoda_engine **out)
{
    const yoda_option options[] = {
        {"sync_interval_ms", test_random(random) % 2 ? "1" : "0"},
        {"checkpoint_interval_ms", test_random(random) % 2 ? "1" : "30000"},
        {"compact_deleted_percent", "5"},
        {"router", "columns_first"},
    };
    yoda_error err = {0};
    yoda_status status = yoda_open(r->path, options, 4, out, &err);
    if (may_fail && (status == YODA_IOERR || status == YODA_FULL))
        return true;
    return say("open", status, &err);
}

static bool suffer(struct traffic *t, int steps)
{
    bool committed;
    t->may_fail = true;
    for (int i = 0; i < steps; i++) {
        if (test_random(&t->random) % 4 == 0)
            os_fail_after(1 + test_random(&t->random) % 12, test_random(&t->random) % 2);
        if (!traffic_step(t, &committed))
            return false;
    }
    return true;
}

static bool recover(struct traffic *t)
{
    yoda_error err = {0};
    yoda_engine_status s = {.size = sizeof s};
    os_fail_after(0, false);
    t->may_fail = false;
    if (!say("sync afterwards", yoda_sync(t->db, NULL, &err), &err) ||
        !say("checkpoint afterwards", yoda_checkpoint(t->db, &err), &err) ||
        !say("status", yoda_status_get(t->db, &s, &err), &err))
        return false;
    if (s.owner && s.durable_watermark == s.watermark)
        return traffic_check(t->db, t->seq);
    fprintf(stderr, "  after the checkpoint: owner %d, durable %lld of %lld\n", s.owner,
            (long long)s.durable_watermark, (long long)s.watermark);
    return false;
}

static int run(void *ctx)
{
    const struct round *r = ctx;
    struct traffic t;
    uint64_t random = r->seed;
    yoda_engine *db = NULL;
    if (test_random(&random) % 3 == 0)
        os_fail_after(1 + test_random(&random) % 4, test_random(&random) % 2);
    if (!open_engine(r, &random, true, &db))
        return 1;
    os_fail_after(0, false);
    if (!db && !open_engine(r, &random, false, &db))
        return 1;
    if (!traffic_init(&t, db, test_random(&random)))
        return 1;
    bool good = suffer(&t, 40) && recover(&t);
    if (good && test_random(&random) % 2)
        os_fail_after(1 + test_random(&random) % 8, false); /* the checkpoint of the shutdown */
    yoda_close(db);
    os_fail_after(0, false);
    db = NULL;
    good = good && open_engine(r, &random, false, &db) && traffic_check(db, t.seq);
    yoda_close(db);
    return good && specimen_intact(r->path) ? 0 : 1;
}

static bool run_round(const char *specimen, uint64_t seed)
{
    struct round r = {.seed = seed};
    char what[64] = "the copy failed", *directory = campaign_directory();
    snprintf(r.path, sizeof r.path, "%s/app.db", directory);
    bool good = specimen_copy(specimen, directory) && specimen_in_child(run, &r, what);
    if (!good)
        fprintf(stderr, "  %s\n", what);
    test_directory_remove(directory);
    return good;
}

int main(int argc, char **argv)
{
    struct campaign c = campaign_begin(argc, argv, ROUNDS);
    unsigned failed = 0, done = 0;
    char *specimen = campaign_directory();
    if (!specimen_make(specimen, ROWS, 1))
        failed = 3;
    for (; failed < 3 && done < c.count; done++)
        if (!run_round(specimen, c.seed + done)) {
            campaign_blame(&c, c.seed + done);
            failed++;
        }
    test_directory_remove(specimen);
    printf("%u rounds with failing files, %u failed\n", done, failed);
    return failed ? 1 : 0;
}
