/*
 * campaign.h -- what the large random tests share: a count of rounds, a seed for each, a place.
 *
 *   YODA_TEST_SEED=n    the seed of the first round; round i has seed n + i, so a failed round is
 *                       replayed alone by its own seed and a count of 1
 *   YODA_TEST_SCALE=p   percent of the default count (sanitizers: 10 to 20); at least one round
 *   argv[1]             the count itself
 */
#ifndef YODA_DIFF_CAMPAIGN_H
#define YODA_DIFF_CAMPAIGN_H

#include "test.h"

#include <stdbool.h>
#include <unistd.h>

struct campaign {
    const char *program;
    uint64_t seed;
    unsigned count;
};

static inline struct campaign campaign_begin(int argc, char **argv, unsigned count)
{
    const char *scale = getenv("YODA_TEST_SCALE");
    unsigned percent = scale ? (unsigned)strtoul(scale, NULL, 10) : 100;
    unsigned scaled = count * percent / 100;
    struct campaign c = {.program = strrchr(argv[0], '/'), .count = scaled > 0 ? scaled : 1};
    c.program = c.program ? c.program + 1 : argv[0];
    c.seed = test_seed() & UINT64_C(0xffffffffff);
    if (getenv("YODA_TEST_SEED"))
        c.seed = strtoull(getenv("YODA_TEST_SEED"), NULL, 0);
    if (argc > 1)
        c.count = (unsigned)strtoul(argv[1], NULL, 10);
    printf("%s: %u rounds from seed %llu\n", c.program, c.count, (unsigned long long)c.seed);
    fflush(stdout); /* before any fork */
    return c;
}

/* Say how to see round `seed` again. */
static inline void campaign_blame(const struct campaign *c, uint64_t seed)
{
    fprintf(stderr, "%s: replay with YODA_TEST_SEED=%llu %s 1\n", c->program,
            (unsigned long long)seed, c->program);
}

/* A directory in memory where the system has one; removed by test_directory_remove. */
static inline char *campaign_directory(void)
{
    if (!getenv("TMPDIR") && access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0);
    return test_directory_make();
}

#endif
