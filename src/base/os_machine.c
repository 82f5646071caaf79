/*
 * os_machine.c -- the half of os.h that is not files: clocks, randomness, processors, memory.
 *
 * Memory: a container's limit is what counts, so the process's own cgroup and all its ancestors are
 * asked, in version 2 (one tree, "memory.max") and version 1 ("memory/.../memory.limit_in_bytes").
 * Without a cgroup namespace the path may name a group that is not visible here; walking up to the
 * root of the mount covers that too.
 */
#include "base/os.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"

#define PATH_BYTES 4096

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t os_monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t os_thread_cpu_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t os_wall_ms(void)
{
    return clock_ns(CLOCK_REALTIME) / 1000000;
}

void os_sleep_ms(int64_t ms)
{
    if (ms <= 0)
        return;
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

/* Only identity depends on these bytes, never secrecy: without getrandom, clocks and the pid do. */
static void random_from_clocks(unsigned char *out, size_t size)
{
    uint64_t state = hash_combine((uint64_t)os_monotonic_ns(), (uint64_t)getpid());
    for (size_t i = 0; i < size; i++) {
        state = hash_combine(state, (uint64_t)os_wall_ms() + i);
        out[i] = (unsigned char)state;
    }
}

void os_random(void *out, size_t size)
{
    unsigned char *at = out;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            random_from_clocks(at, size);
            return;
        }
        at += got;
        size -= (size_t)got;
    }
}

uint32_t os_cpu_count(void)
{
    cpu_set_t set;
    long count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                             : sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (uint32_t)count : 1;
}

/* The number in a one-line file; UINT64_MAX where there is no file or no number ("max"). */
static uint64_t file_number(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return UINT64_MAX;
    uint64_t number;
    if (fscanf(file, "%" SCNu64, &number) != 1)
        number = UINT64_MAX;
    fclose(file);
    return number;
}

/* The smallest limit of a group and its ancestors; group ("/a/b") is cut up on the way. */
static uint64_t group_limit(const char *mount, char *group, const char *name)
{
    uint64_t limit = UINT64_MAX;
    for (;;) {
        char path[PATH_BYTES * 2];
        snprintf(path, sizeof path, "%s%s/%s", mount, group, name);
        uint64_t own = file_number(path);
        if (own > 0 && own < limit)
            limit = own;
        char *slash = strrchr(group, '/');
        if (!slash)
            return limit;
        *slash = '\0';
    }
}

static bool list_contains(const char *list, size_t size, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list, *end = list + size; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        if ((size_t)(stop - at) == n && memcmp(at, word, n) == 0)
            return true;
        at = stop + 1;
    }
    return false;
}

/* One line of /proc/self/cgroup: "id:controllers:/group"; version 2 has no controllers. */
static uint64_t line_limit(char *line)
{
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return UINT64_MAX;
    controllers++;
    size_t size = (size_t)(group - controllers);
    group++;
    if (size == 0)
        return group_limit("/sys/fs/cgroup", group, "memory.max");
    if (list_contains(controllers, size, "memory"))
        return group_limit("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
    return UINT64_MAX;
}

static uint64_t cgroup_limit(void)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (!file)
        return UINT64_MAX;
    uint64_t limit = UINT64_MAX;
    char line[PATH_BYTES];
    while (fgets(line, sizeof line, file)) {
        uint64_t own = line_limit(line);
        limit = own < limit ? own : limit;
    }
    fclose(file);
    return limit;
}

uint64_t os_memory_bytes(void)
{
    struct sysinfo info;
    uint64_t machine = UINT64_C(1) << 30; /* a cautious guess where the kernel does not say */
    if (sysinfo(&info) == 0 && info.totalram > 0)
        machine = (uint64_t)info.totalram * info.mem_unit;
    uint64_t limit = cgroup_limit();
    return limit < machine ? limit : machine;
}
