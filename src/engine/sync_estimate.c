/*
 * sync_estimate.c -- two moving averages, each over about eight syncs.
 */
#include "engine/sync_estimate.h"

#include "base/status.h"

#define LARGE_EVENTS 1000 /* here the events take most of the time */
#define FIXED_NS_GUESS 200000
#define EVENT_NS_GUESS 1500
#define PART_NS_MAX (INT64_C(3600) * 1000000000) /* an hour: sums stay in range */

static int64_t known(const _Atomic int64_t *part, int64_t guess)
{
    int64_t ns = atomic_load(part);
    return ns ? ns : guess;
}

static void move(_Atomic int64_t *part, int64_t seen_ns)
{
    int64_t before = atomic_load(part);
    seen_ns = seen_ns < 1 ? 1 : seen_ns > PART_NS_MAX ? PART_NS_MAX : seen_ns;
    int64_t after = before ? before + (seen_ns - before) / 8 : seen_ns;
    ASSERT(after > 0);
    atomic_store(part, after);
}

static int64_t events_ns(const struct sync_estimate *estimate, uint64_t events)
{
    int64_t each = known(&estimate->event_ns, EVENT_NS_GUESS);
    return events < (uint64_t)(PART_NS_MAX / each) ? (int64_t)events * each : PART_NS_MAX;
}

void sync_estimate_note(struct sync_estimate *estimate, uint64_t events, int64_t took_ns)
{
    ASSERT(events > 0);
    if (events < LARGE_EVENTS) {
        move(&estimate->fixed_ns, took_ns - events_ns(estimate, events));
        return;
    }
    int64_t left_ns = took_ns - known(&estimate->fixed_ns, FIXED_NS_GUESS);
    move(&estimate->event_ns, left_ns / (int64_t)(events < INT64_MAX ? events : INT64_MAX));
}

int64_t sync_estimate_ns(const struct sync_estimate *estimate, uint64_t events)
{
    return known(&estimate->fixed_ns, FIXED_NS_GUESS) + events_ns(estimate, events);
}
