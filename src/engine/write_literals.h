/*
 * write_literals.h -- INSERTs with literals that come again and again, run with parameters.
 *
 * SQLite would prepare each of them anew: that is most of what a small one costs. The first of a
 * shape runs as it is written; those that come after it share one prepared statement.
 *
 * Threads   with the writer's lease.
 */
#ifndef YODA_ENGINE_WRITE_LITERALS_H
#define YODA_ENGINE_WRITE_LITERALS_H

#include "oltp/sqlite_conn.h"
#include "sql/literal_lift.h"

#define WRITE_SHAPES 64

struct write_literals {
    struct literal_lift lift;
    uint64_t seen[WRITE_SHAPES]; /* hashes of lifted texts, each in the slot it says; 0: none */
};

void write_literals_init(struct write_literals *literals);
void write_literals_deinit(struct write_literals *literals);
/* Run sql with its literals made parameters. false: it is to run as it is written -- it is no such
 * statement, the first of its shape, or has an error whose place is to be told. */
YODA_MUST_CHECK bool write_literals_run(struct write_literals *literals, struct conn *conn,
                                        const char *sql, yoda_status *status, yoda_error *err);

#endif
