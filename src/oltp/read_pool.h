/*
 * read_pool.h -- read connections leased one at a time; opened when first needed, up to the size of
 * the pool kept open; a lease past that opens a temporary connection instead of waiting.
 */
#ifndef YODA_OLTP_READ_POOL_H
#define YODA_OLTP_READ_POOL_H

#include "oltp/sqlite_conn.h"

struct read_pool;

YODA_MUST_CHECK yoda_status read_pool_create(const struct conn_options *options, uint32_t size,
                                             struct read_pool **out, yoda_error *err);
void read_pool_destroy(struct read_pool *pool); /* requires all leases back */
/* cancel (may be NULL) is the connection's flag while it is leased. */
YODA_MUST_CHECK yoda_status read_pool_lease(struct read_pool *pool, const _Atomic bool *cancel,
                                            struct conn **out, yoda_error *err);
/* The same for one that is open and idle; false: there is none. */
YODA_MUST_CHECK bool read_pool_try(struct read_pool *pool, const _Atomic bool *cancel,
                                   struct conn **out);
void read_pool_return(struct read_pool *pool, struct conn *conn);

#endif
