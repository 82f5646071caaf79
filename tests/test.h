/*
 * test.h -- what every cmocka test includes, and a few checks that print what failed.
 */
#ifndef YODA_TEST_H
#define YODA_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* base/status.h has its own; cmocka's fail_msg calls it, so that is made anew */
#undef fail_msg
#define fail_msg(...)                                                                              \
    (print_error("ERROR: "), print_error(__VA_ARGS__), print_error("\n"), _fail(__FILE__, __LINE__))

#include "yoda.h"

/* The call must return YODA_OK; prints the error otherwise. Needs a `yoda_error err` in scope. */
#define OK(call)                                                                                   \
    do {                                                                                           \
        memset(&err, 0, sizeof err);                                                               \
        yoda_status ok_status_ = (call);                                                           \
        if (ok_status_ != YODA_OK) {                                                               \
            print_error("%s:%d: %s -> %d: %s\n", __FILE__, __LINE__, #call, (int)ok_status_,       \
                        err.message);                                                              \
            fail_msg("expected YODA_OK");                                                          \
        }                                                                                          \
    } while (0)
/* The call must return this status. */
#define FAILS(status, call)                                                                        \
    do {                                                                                           \
        memset(&err, 0, sizeof err);                                                               \
        yoda_status fails_status_ = (call);                                                        \
        if (fails_status_ != (status)) {                                                           \
            print_error("%s:%d: %s -> %d: %s\n", __FILE__, __LINE__, #call, (int)fails_status_,    \
                        err.message);                                                              \
            fail_msg("expected " #status);                                                         \
        }                                                                                          \
    } while (0)

/* A seed from YODA_TEST_SEED or the clock; printed, so that a failure can be replayed. */
uint64_t test_seed(void);
/* splitmix64 */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}
/* A fresh empty directory under TMPDIR; removed by test_directory_remove. */
char *test_directory_make(void);
void test_directory_remove(char *path);

#endif
