/*
 * ingest.h -- the rows of an Arrow stream into a table, in one transaction.
 *
 * The caller keeps the stream and releases it when this has returned.
 */
#ifndef YODA_ENGINE_INGEST_H
#define YODA_ENGINE_INGEST_H

#include "engine/call.h"

struct ingest_request {
    const char *table;
    struct ArrowArrayStream *stream;
    yoda_ingest_mode mode;
};

/* Errors: YODA_MISUSE (what is NULL, released or unknown). */
YODA_MUST_CHECK yoda_status ingest_check(const char *table, const struct ArrowArrayStream *stream,
                                         yoda_ingest_mode mode, yoda_error *err);
/* Take the write connection, insert, give it back. rows is 0 on failure. */
YODA_MUST_CHECK yoda_status ingest_run(yoda_engine *engine, struct call *call,
                                       const struct ingest_request *request, int64_t *rows,
                                       yoda_error *err);
/* The same with the connection held and bound to the call. */
YODA_MUST_CHECK yoda_status ingest_held(yoda_engine *engine, struct call *call,
                                        const struct ingest_request *request, int64_t *rows,
                                        yoda_error *err);
/* Release a stream unless it is released or NULL. */
void ingest_release(struct ArrowArrayStream *stream);

#endif
