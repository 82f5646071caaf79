/*
 * route_memo.h -- statements that a rule sends to SQLite, remembered by their text.
 *
 * Such a rule looks at nothing but the statement and the catalog view, so what it said holds while
 * the view has the same signature: a text that is known is neither parsed nor planned again. It can
 * only cost speed to forget one, or to remember one too long: SQLite answers everything.
 *
 * A table without chains: a new text takes the place of another one with the same slot.
 * Threads   whoever uses it holds the mutex that guards the view.
 */
#ifndef YODA_ENGINE_ROUTE_MEMO_H
#define YODA_ENGINE_ROUTE_MEMO_H

#include "base/status.h"

#define ROUTE_MEMO_SLOTS 256
#define ROUTE_MEMO_BYTES_MAX 1024 /* longer texts are not kept */

struct route_memo_entry {
    uint64_t signature; /* of the view */
    uint64_t hash;
    size_t size;
    char *sql;          /* [size]; NULL: the slot is free */
    const char *reason; /* a constant */
};

struct route_memo {
    struct route_memo_entry slots[ROUTE_MEMO_SLOTS];
};

void route_memo_deinit(struct route_memo *memo); /* a zeroed one is empty */
/* Make an entry (without a lock): false when it cannot be kept. */
YODA_MUST_CHECK bool route_memo_entry_init(struct route_memo_entry *entry, uint64_t signature,
                                           const char *sql, const char *reason);
void route_memo_entry_deinit(struct route_memo_entry *entry);
/* Put it in; *entry is then what it replaced. */
void route_memo_put(struct route_memo *memo, struct route_memo_entry *entry);
uint64_t route_memo_hash(const char *sql, size_t size);
/* Why SQLite answers this text; NULL: not known. */
const char *route_memo_find(const struct route_memo *memo, uint64_t signature, uint64_t hash,
                            const char *sql, size_t size);

#endif
