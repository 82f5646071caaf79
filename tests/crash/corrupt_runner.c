/*
 * corrupt_runner.c -- damaged columnar files: never a crash, never a wrong answer, and healed.
 *
 * One damage: a copy of a closed database with two generations of files, one file changed (flipped
 * bits, runs of zeros or ones, swapped blocks, cut, grown, replaced by another segment's or by its
 * own older generation, removed, a symbolic link in its place), and a fresh engine opened on it.
 * Queries over every column must say what SQLite says. Where bytes really changed, the status must
 * tell (an error or a rebuild); and after a sync and a short wait columns must answer again.
 * A child runs some damages in one go and writes down which; a crash names its seed.
 *
 *   corrupt_runner [damages]      seeds and scale: see ../diff/campaign.h
 */
#include "answer.h"
#include "campaign.h"
#include "damage.h"
#include "specimen.h"

#include <sys/mman.h>
#include <time.h>

#define DAMAGES 2000
#define BATCH 25
#define ROWS 2500
#define HEAL_TRIES 200

/* Together they touch every column of every table with rows. */
static const char *const queries[] = {
    "SELECT count(*), sum(balance), min(id), max(note) FROM acct",
    "SELECT note, count(*) FROM acct GROUP BY note",
    "SELECT count(*), sum(g), max(id), sum(price), min(noise), max(day), min(at) FROM big",
    "SELECT max(word), min(line), max(bytes), sum(same), count(empty), sum(some) FROM big",
    "SELECT g, count(*), sum(price) FROM big WHERE word > 'word 1' GROUP BY g",
    "SELECT day, count(*) FROM big WHERE id > 100 AND some IS NOT NULL GROUP BY day",
    "SELECT count(*), max(v), min(k) FROM named",
    "SELECT mixed FROM big WHERE id < 50",
};

#define TELLING_QUERIES 7 /* the last one never runs on columns: its column is mixed */

struct batch {
    struct campaign c;
    const char *specimen;
    unsigned first, count;
    uint64_t *current; /* shared with the parent: the seed at work */
};

/* ---- One damage ---- */

static bool say(uint64_t seed, const struct damage *d, const char *what)
{
    fprintf(stderr, "  damage %llu (%s): %s\n", (unsigned long long)seed, d->text, what);
    return false;
}

static bool ask_all(yoda_engine *db, uint64_t seed, const struct damage *d, size_t *columnar)
{
    char why[ANSWER_WHY_MAX], text[ANSWER_WHY_MAX + 300];
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        enum answer_verdict verdict = answer_compare(db, queries[i], YODA_SIDE_AUTO, 0, why);
        *columnar += verdict == ANSWER_SAME;
        if (verdict != ANSWER_DIFFERENT && verdict != ANSWER_NONE)
            continue;
        snprintf(text, sizeof text, "%s: %s", queries[i], why);
        return say(seed, d, text);
    }
    return true;
}

static bool is_told(yoda_engine *db)
{
    yoda_error err;
    yoda_engine_status s = {.size = sizeof s};
    return yoda_status_get(db, &s, &err) == YODA_OK && (s.last_error[0] || s.rebuilds > 0);
}

static bool answers_on_columns(yoda_engine *db, char why[ANSWER_WHY_MAX])
{
    for (size_t i = 0; i < TELLING_QUERIES; i++)
        if (answer_compare(db, queries[i], YODA_SIDE_COLUMN, 0, why) != ANSWER_SAME)
            return false;
    return true;
}

static bool heals(yoda_engine *db, char why[ANSWER_WHY_MAX])
{
    const struct timespec pause = {0, 10000000};
    for (int i = 0; i < HEAL_TRIES; i++) {
        yoda_error err;
        yoda_status status = yoda_sync(db, NULL, &err);
        if (status != YODA_OK)
            snprintf(why, ANSWER_WHY_MAX, "sync: %s", err.message);
        else if (answers_on_columns(db, why))
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

/* What a verify found damaged is healed in the background. */
static bool verify_heals(yoda_engine *db, char why[ANSWER_WHY_MAX])
{
    const struct timespec pause = {0, 10000000};
    for (int i = 0; i < HEAL_TRIES; i++) {
        yoda_error err = {0};
        yoda_verify_report report = {0};
        if (yoda_verify(db, NULL, 0, &report, &err) == YODA_OK &&
            report.tables_equal == report.tables)
            return true;
        snprintf(why, ANSWER_WHY_MAX, "%.400s %.200s", report.difference, err.message);
        nanosleep(&pause, NULL);
    }
    return false;
}

static bool inspect(yoda_engine *db, uint64_t seed, const struct damage *d)
{
    char why[ANSWER_WHY_MAX] = "", text[ANSWER_WHY_MAX + 40];
    yoda_error err = {0};
    yoda_verify_report report = {0};
    size_t columnar = 0;
    if (!ask_all(db, seed, d, &columnar))
        return false;
    if (!heals(db, why)) {
        snprintf(text, sizeof text, "does not heal: %s", why);
        return say(seed, d, text);
    }
    if (yoda_verify(db, NULL, 0, &report, &err) != YODA_OK) /* reads what no query did */
        return say(seed, d, err.message);
    if (d->changed && !is_told(db))
        return say(seed, d, "the status tells nothing of it");
    return verify_heals(db, text) || say(seed, d, text);
}

static bool run_damage(const char *specimen, uint64_t seed)
{
    struct damage d;
    char path[4200], *directory = campaign_directory();
    yoda_engine *db = NULL;
    yoda_error err = {0};
    uint64_t random = seed;
    const yoda_option options[] = {{"sync_interval_ms", test_random(&random) % 2 ? "0" : "5"},
                                   {"router", "columns_first"}};
    snprintf(path, sizeof path, "%s/app.db", directory);
    bool good = specimen_copy(specimen, directory);
    damage_do(&d, directory, specimen, &random);
    good = good && (yoda_open(path, options, 2, &db, &err) == YODA_OK ||
                    say(seed, &d, err.message));
    good = good && inspect(db, seed, &d);
    yoda_close(db);
    test_directory_remove(directory);
    return good;
}

/* ---- Batches ---- */

static int run_batch(void *ctx)
{
    struct batch *b = ctx;
    int failed = 0;
    for (unsigned i = 0; i < b->count && failed < 3; i++) {
        *b->current = b->c.seed + b->first + i;
        if (!run_damage(b->specimen, *b->current)) {
            campaign_blame(&b->c, *b->current);
            failed++;
        }
    }
    *b->current = 0;
    return failed ? 1 : 0;
}

static unsigned run_all(struct batch *b)
{
    unsigned failed = 0;
    for (; b->first < b->c.count && failed < 3; b->first += b->count) {
        char what[64];
        b->count = b->c.count - b->first < BATCH ? b->c.count - b->first : BATCH;
        if (specimen_in_child(run_batch, b, what))
            continue;
        failed++;
        if (*b->current) {
            fprintf(stderr, "  damage %llu: %s\n", (unsigned long long)*b->current, what);
            campaign_blame(&b->c, *b->current);
        }
    }
    return failed;
}

int main(int argc, char **argv)
{
    char *specimen = campaign_directory();
    struct batch b = {.c = campaign_begin(argc, argv, DAMAGES), .specimen = specimen};
    b.current = mmap(NULL, sizeof *b.current, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                     -1, 0);
    unsigned failed = b.current == MAP_FAILED || !specimen_make(specimen, ROWS, 2);
    if (!failed)
        failed = run_all(&b);
    test_directory_remove(specimen);
    printf("%u damages, %u batches failed\n", b.first, failed);
    return failed ? 1 : 0;
}
