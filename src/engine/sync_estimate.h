/*
 * sync_estimate.h -- how long the next sync will take: a fixed part, and so much an event.
 *
 * Both parts are moving averages of the syncs that tell of them: large ones of the time an event
 * takes, small ones of what is left without their events. So neither a bulk of a million rows nor
 * the small syncs after it spoil what is said of the other.
 *
 * Threads  one notes at a time; any asks
 */
#ifndef YODA_ENGINE_SYNC_ESTIMATE_H
#define YODA_ENGINE_SYNC_ESTIMATE_H

#include <stdatomic.h>
#include <stdint.h>

struct sync_estimate { /* all 0 to begin with */
    _Atomic int64_t fixed_ns, event_ns; /* 0: no sync has told yet */
};

/* A sync took over so many events, at least one. */
void sync_estimate_note(struct sync_estimate *estimate, uint64_t events, int64_t took_ns);
int64_t sync_estimate_ns(const struct sync_estimate *estimate, uint64_t events);

#endif
