/*
 * gen_runner.c -- random SELECTs over random databases, on columns and on SQLite.
 *
 *   gen_runner [--seed S] [--count N] [--jobs J] [--option k=v]... [--shrink] [--save FOLDER]
 *              [--floor PERCENT] [--reasons] [--print] [--only I] [--matrix]
 *
 *   --seed S     database i comes from seed S + i; a failure names its own
 *   --only I     of the first database only its I-th case: with --seed the replay of a failure
 *   --shrink     make a failing case smaller before it is printed
 *   --floor P    fail if fewer than P percent of the queries ran on columns
 *   --matrix     a share of the count under every configuration that may not change an answer
 *   --reasons    why queries were refused, most frequent first
 *
 * Children take database after database; one that crashes or hangs is reported with its query and
 * replaced. The last line counts, in the form "N passed, N failed".
 */
#include "campaign.h"
#include "gen_case.h"

#include <ctype.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CASES_PER_DATABASE 80
#define JOBS_MAX 16
#define REASONS_MAX 96
#define REASON_BYTES 90
#define OPTIONS_MAX 24
#define ALARM_S 60
#define FAILURES_MAX 12

struct reason {
    char text[REASON_BYTES];
    uint64_t count;
};

struct worker { /* written by one child, read by the parent */
    uint64_t verdicts[ANSWER_SLOW + 1], by_kind[CASE_KINDS];
    struct reason reasons[REASONS_MAX];
    uint64_t seed, index; /* what it is at */
    char sql[6000];
};

struct shared {
    _Atomic uint64_t next, failures;
    struct worker workers[JOBS_MAX];
};

struct settings {
    uint64_t seed, count;
    size_t jobs;
    yoda_option options[OPTIONS_MAX];
    size_t option_count;
    const char *save, *isa, *name;
    long only;
    double floor;
    bool shrink, print, matrix, reasons;
};

/* Generated names, of one letter and digits, become "_": the same reason for other columns. */
static void without_names(const char *why, char text[REASON_BYTES])
{
    size_t n = 0;
    for (const char *p = why; *p && n + 2 < REASON_BYTES;) {
        size_t word = 0, digits = 0;
        while (isalnum((unsigned char)p[word])) {
            digits += isdigit((unsigned char)p[word]) != 0;
            word++;
        }
        bool name = word > 0 && (word == digits + 1 || !strncmp(p, "id ", 3));
        for (size_t i = 0; i < (word ? word : 1) && n + 2 < REASON_BYTES && !name; i++)
            text[n++] = p[i];
        if (name)
            text[n++] = '_';
        p += word ? word : 1;
    }
    text[n] = 0;
}

static void count_reason(struct worker *w, const char *why, uint64_t count)
{
    char text[REASON_BYTES];
    without_names(why, text);
    for (size_t i = 0; i < REASONS_MAX; i++) {
        struct reason *r = &w->reasons[i];
        if (r->count > 0 && strcmp(r->text, text) != 0 && i + 1 < REASONS_MAX)
            continue;
        if (r->count == 0)
            memcpy(r->text, text, sizeof text);
        r->count += count;
        return;
    }
}

/* ---- One database ---- */

static uint64_t case_seed(uint64_t seed, uint64_t index)
{
    uint64_t state = seed * UINT64_C(1000003) + index;
    return test_random(&state);
}

static void blame(const struct settings *settings, uint64_t seed, uint64_t index)
{
    fprintf(stderr, "replay: gen_runner --seed %" PRIu64 " --only %" PRIu64 " --shrink", seed,
            index);
    for (size_t i = 0; i < settings->option_count; i++)
        fprintf(stderr, " --option %s=%s", settings->options[i].name, settings->options[i].value);
    fprintf(stderr, "%s%s\n", settings->isa ? "   with YODA_ISA=" : "",
            settings->isa ? settings->isa : "");
}

static void report(const struct settings *settings, struct test_case *c, struct pool *pool,
                   const struct schema *schema, uint64_t seed, uint64_t index)
{
    FILE *out = stderr;
    char path[4300];
    if (settings->save) {
        snprintf(path, sizeof path, "%s/gen-%" PRIu64 "-%" PRIu64 ".sql", settings->save, seed,
                 index);
        out = fopen(path, "w");
        if (!out)
            out = stderr;
    }
    blame(settings, seed, index);
    case_shrink(c, pool, schema, settings->options, settings->option_count, settings->shrink, out);
    if (out != stderr)
        fclose(out);
}

static void run_database(const struct settings *settings, struct shared *shared,
                         struct worker *worker, uint64_t seed, uint64_t count)
{
    struct pool schema_pool = {0}, pool = {0};
    struct schema *schema = pool_alloc(&schema_pool, sizeof *schema);
    schema_make(schema, &schema_pool, seed);
    yoda_engine *db = case_open(schema, NULL, settings->options, settings->option_count);
    for (size_t i = 0; i < schema->statement_count && settings->print; i++)
        printf("%s;\n", schema->statements[i]);
    for (uint64_t i = 0; i < count && shared->failures < FAILURES_MAX; i++) {
        struct test_case c;
        char why[ANSWER_WHY_MAX];
        if (settings->only >= 0 && i != (uint64_t)settings->only)
            continue;
        alarm(ALARM_S);
        case_make(&c, &pool, case_seed(seed, i), schema);
        char *sql = case_text(&c, &pool);
        worker->index = i;
        snprintf(worker->sql, sizeof worker->sql, "%s", sql);
        if (settings->print) {
            printf("%s;\n", sql);
            fflush(stdout);
        }
        enum answer_verdict verdict = case_run(&c, &pool, db, why);
        worker->verdicts[verdict]++;
        worker->by_kind[c.kind] += verdict == ANSWER_SAME;
        if (verdict == ANSWER_NOT_COLUMNAR || (settings->print && why[0]))
            count_reason(worker, why, 1);
        if (settings->print)
            printf("-- %d %s\n", (int)verdict, why);
        if (verdict == ANSWER_SLOW)
            fprintf(stderr, "slow: --seed %" PRIu64 " --only %" PRIu64 ": %s\n", seed, i, why);
        if (verdict == ANSWER_DIFFERENT) {
            shared->failures++;
            alarm(10 * ALARM_S);
            report(settings, &c, &pool, schema, seed, i);
        }
        pool_clear(&pool);
    }
    yoda_close(db);
    pool_clear(&schema_pool);
}

/* ---- The campaign ---- */

static void work(const struct settings *settings, struct shared *shared, struct worker *worker)
{
    uint64_t databases = (settings->count + CASES_PER_DATABASE - 1) / CASES_PER_DATABASE;
    if (settings->isa)
        setenv("YODA_ISA", settings->isa, 1);
    for (;;) {
        uint64_t i = shared->next++;
        if (i >= databases || shared->failures >= FAILURES_MAX)
            break;
        uint64_t left = settings->count - i * CASES_PER_DATABASE;
        worker->seed = settings->seed + i;
        run_database(settings, shared, worker, worker->seed,
                     settings->only >= 0         ? (uint64_t)settings->only + 1
                     : left < CASES_PER_DATABASE ? left
                                                 : CASES_PER_DATABASE);
    }
}

static pid_t start(const struct settings *settings, struct shared *shared, struct worker *worker)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        work(settings, shared, worker);
        fflush(NULL);
        _exit(0);
    }
    return pid;
}

static void bury(const struct settings *settings, struct shared *shared,
                 const struct worker *worker, int status)
{
    bool hangs = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
    shared->failures++;
    fprintf(stderr, "%s (status %x) at\n%s;\n", hangs ? "hangs" : "crashed", (unsigned)status,
            worker->sql);
    blame(settings, worker->seed, worker->index);
}

static void run_children(const struct settings *settings, struct shared *shared)
{
    pid_t pids[JOBS_MAX];
    size_t running = settings->jobs;
    for (size_t j = 0; j < settings->jobs; j++)
        pids[j] = start(settings, shared, &shared->workers[j]);
    while (running > 0) {
        int status = 0;
        pid_t pid = wait(&status);
        for (size_t j = 0; j < settings->jobs; j++) {
            if (pids[j] != pid)
                continue;
            pids[j] = -1;
            running--;
            if (status == 0)
                continue;
            bury(settings, shared, &shared->workers[j], status);
            if (shared->failures < FAILURES_MAX) {
                pids[j] = start(settings, shared, &shared->workers[j]);
                running++;
            }
        }
    }
}

static int by_count(const void *a, const void *b)
{
    const struct reason *x = a, *y = b;
    return (x->count < y->count) - (x->count > y->count);
}

static void print_reasons(const struct settings *settings, const struct shared *shared)
{
    struct worker *sum = calloc(1, sizeof *sum);
    for (size_t j = 0; j < settings->jobs; j++)
        for (size_t i = 0; i < REASONS_MAX; i++) {
            const struct reason *r = &shared->workers[j].reasons[i];
            if (r->count > 0)
                count_reason(sum, r->text, r->count);
        }
    qsort(sum->reasons, REASONS_MAX, sizeof *sum->reasons, by_count);
    for (size_t i = 0; i < 25 && sum->reasons[i].count > 0; i++)
        printf("%9" PRIu64 "  %s\n", sum->reasons[i].count, sum->reasons[i].text);
    free(sum);
}

/* Returns the failures; adds the comparisons that held to *passed. */
static uint64_t campaign(const struct settings *settings, uint64_t *passed)
{
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t v[ANSWER_SLOW + 1] = {0}, kinds[CASE_KINDS] = {0};
    if (shared == MAP_FAILED)
        abort();
    run_children(settings, shared);
    for (size_t j = 0; j < settings->jobs; j++) {
        for (size_t i = 0; i <= ANSWER_SLOW; i++)
            v[i] += shared->workers[j].verdicts[i];
        for (size_t i = 0; i < CASE_KINDS; i++)
            kinds[i] += shared->workers[j].by_kind[i];
    }
    uint64_t failures = shared->failures,
             asked = v[ANSWER_SAME] + v[ANSWER_NOT_COLUMNAR] + v[ANSWER_DIFFERENT] + v[ANSWER_SLOW];
    double share = asked ? 100.0 * (double)(asked - v[ANSWER_NOT_COLUMNAR]) / (double)asked : 0;
    printf("%s: seed %" PRIu64 ": %" PRIu64 " same (%" PRIu64 " TLP, %" PRIu64 " NoREC), %" PRIu64
           " refused, %" PRIu64 " without an answer, %" PRIu64 " slow, %" PRIu64
           " failed; %.1f%% on columns\n",
           settings->name, settings->seed, v[ANSWER_SAME], kinds[CASE_TLP], kinds[CASE_NOREC],
           v[ANSWER_NOT_COLUMNAR], v[ANSWER_NONE], v[ANSWER_SLOW], failures, share);
    if (settings->reasons)
        print_reasons(settings, shared);
    if (settings->only < 0 && share < settings->floor && settings->count >= 1000) {
        fprintf(stderr, "gen_runner: only %.1f%% ran on columns, the floor is %.1f%%\n", share,
                settings->floor);
        failures++;
    }
    *passed += v[ANSWER_SAME];
    munmap(shared, sizeof *shared);
    return failures;
}

/* ---- Configurations that may not change an answer ---- */

static const struct configuration {
    const char *name, *isa;
    yoda_option options[2];
} configurations[] = {
    {.name = "1 thread", .options = {{"threads", "1"}}},
    {.name = "2 threads", .options = {{"threads", "2"}}},
    {.name = "8 threads", .options = {{"threads", "8"}}},
    {.name = "scalar kernels", .isa = "scalar"},
    {.name = "AVX2 kernels", .isa = "avx2"},
    {.name = "AVX-512 kernels", .isa = "avx512"},
    {.name = "7 rows at a time", .options = {{"debug_vector_rows", "7"}}},
    {.name = "without pruning", .options = {{"debug_pruning", "false"}}},
    {.name = "without codes", .options = {{"debug_codes", "false"}}},
    {.name = "spilling, 2 threads", .options = {{"debug_spill_after_kb", "1"}, {"threads", "2"}}},
};

static uint64_t run_matrix(const struct settings *settings, uint64_t *passed)
{
    size_t n = sizeof configurations / sizeof *configurations;
    uint64_t failures = 0;
    char *directory = campaign_directory();
    for (size_t i = 0; i < n; i++) {
        struct settings one = *settings;
        one.count = settings->count / n + 1;
        one.name = configurations[i].name;
        one.isa = configurations[i].isa;
        for (size_t o = 0; o < 2 && configurations[i].options[o].name; o++)
            one.options[one.option_count++] = configurations[i].options[o];
        one.options[one.option_count++] = (yoda_option){"spill_directory", directory};
        failures += campaign(&one, passed);
    }
    test_directory_remove(directory);
    return failures;
}

/* ---- Arguments ---- */

static void add_option(struct settings *s, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals || s->option_count + 4 > OPTIONS_MAX) {
        fprintf(stderr, "gen_runner: --option name=value\n");
        exit(2);
    }
    *equals = 0;
    s->options[s->option_count++] = (yoda_option){text, equals + 1};
}

static void parse(struct settings *s, int argc, char **argv)
{
    static const struct option known[] = {
        {"seed", required_argument, NULL, 's'},  {"count", required_argument, NULL, 'c'},
        {"jobs", required_argument, NULL, 'j'},  {"option", required_argument, NULL, 'o'},
        {"save", required_argument, NULL, 'w'},  {"only", required_argument, NULL, 'i'},
        {"floor", required_argument, NULL, 'f'}, {"shrink", no_argument, NULL, 'x'},
        {"print", no_argument, NULL, 'p'},       {"matrix", no_argument, NULL, 'm'},
        {"reasons", no_argument, NULL, 'r'},     {0}};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (c) {
        case 's':
            s->seed = strtoull(optarg, NULL, 0);
            break;
        case 'c':
            s->count = strtoull(optarg, NULL, 0);
            break;
        case 'j':
            s->jobs = strtoul(optarg, NULL, 0);
            break;
        case 'o':
            add_option(s, optarg);
            break;
        case 'w':
            s->save = optarg;
            break;
        case 'i':
            s->only = strtol(optarg, NULL, 0);
            break;
        case 'f':
            s->floor = strtod(optarg, NULL);
            break;
        case 'x':
            s->shrink = true;
            break;
        case 'p':
            s->print = true;
            break;
        case 'm':
            s->matrix = true;
            break;
        case 'r':
            s->reasons = true;
            break;
        default:
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    const char *scale = getenv("YODA_TEST_SCALE");
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct settings s = {.count = 100000,
                         .only = -1,
                         .name = "generated",
                         .jobs = cpus > 0 ? (size_t)cpus : 1,
                         .options = {{"sync_interval_ms", "0"}, {"memory_limit_mb", "512"}},
                         .option_count = 2};
    s.seed = test_seed() & UINT64_C(0xffffffff);
    parse(&s, argc, argv);
    if (scale && s.only < 0)
        s.count = s.count * strtoull(scale, NULL, 10) / 100 + 1;
    if (s.only >= 0) {
        s.count = 1;
        s.jobs = 1;
    }
    s.jobs = s.jobs < 1 ? 1 : s.jobs > JOBS_MAX ? JOBS_MAX : s.jobs;
    uint64_t passed = 0;
    uint64_t failures = s.matrix ? run_matrix(&s, &passed) : campaign(&s, &passed);
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", passed, failures);
    return failures > 0;
}
