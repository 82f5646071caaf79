/*
 * op_stream.c -- the sink of a run whose rows are handed over in parts while it goes on.
 *
 * Rows are kept until BATCH_ROWS or PART_BYTES of them are there, a wide row set is cut where that
 * is. The receiver may wait as long as it likes, which no thread of the shared pool must: the sink
 * `waits`, so pipelines that end in it run on the caller's thread (pipeline.c). There is one
 * buffer, and the rows have an order of their own: that of the morsels.
 */
#include "olap/exec/flat_vector.h"
#include "olap/exec/pipeline.h"
#include "olap/exec/row_batch.h"

#define PART_BYTES (UINT64_C(1) << 20)

struct stream {
    struct op op; /* must be first */
    const enum vtype *types;
    uint32_t columns;
    const struct plan_receiver *receiver;
    bool buffer_ready;
    struct row_buffer rows; /* not yet handed over */
    uint64_t bytes;         /* of them; 8 for each value, and the texts */
};

static yoda_status hand_over(struct stream *stream, yoda_error *err)
{
    struct batch *batch;
    TRY(row_batch_make(&stream->rows, stream->op.run->context->budget, &batch, err));
    row_buffer_clear(&stream->rows);
    stream->bytes = 0;
    return stream->receiver->take(stream->receiver->ctx, batch, err);
}

/* The visible columns, texts FLAT, and the bytes of each row: out [in->rows]. */
static yoda_status measure(const struct stream *stream, const struct row_set *in,
                           struct arena *scratch, struct row_set *flat, uint64_t *bytes,
                           yoda_error *err)
{
    struct vector *columns = row_set_columns(scratch, stream->columns, in->rows);
    if (!columns)
        return run_nomem(err, "sending rows");
    for (uint32_t i = 0; i < in->rows; i++)
        bytes[i] = (uint64_t)stream->columns * sizeof(uint64_t);
    for (uint32_t c = 0; c < stream->columns; c++) {
        columns[c] = in->columns[c];
        if (stream->types[c] != VT_TEXT && stream->types[c] != VT_BLOB)
            continue;
        TRY(flat_vector_as(&in->columns[c], stream->types[c], scratch, &columns[c], err));
        const struct strref *texts = columns[c].data;
        for (uint32_t i = 0; i < in->rows; i++)
            bytes[i] += vector_is_null(&columns[c], i) ? 0 : texts[i].size;
    }
    *flat = (struct row_set){in->rows, stream->columns, columns, NULL};
    return YODA_OK;
}

/* How many rows of [at, end) go into the part that is being made; an empty one takes any row. */
static uint32_t room_for(struct stream *stream, const uint64_t *bytes, uint32_t at, uint32_t end)
{
    uint32_t kept = stream->rows.rows, n = 0;
    for (; at + n < end && kept + n < BATCH_ROWS; n++) {
        if (stream->bytes + bytes[at + n] > PART_BYTES && kept + n > 0)
            break;
        stream->bytes += bytes[at + n];
    }
    return n;
}

static yoda_status keep(struct stream *stream, const struct row_set *in, uint32_t at, uint32_t n,
                        struct arena *scratch, yoda_error *err)
{
    struct row_set slice = *in;
    if (n == 0)
        return YODA_OK;
    if (n < in->rows) {
        uint16_t *sel = arena_alloc(scratch, VECTOR_ROWS * sizeof *sel + 64);
        if (!sel)
            return run_nomem(err, "sending rows");
        for (uint32_t i = 0; i < n; i++)
            sel[i] = (uint16_t)(at + i);
        TRY(row_set_gather(in, NULL, sel, n, scratch, &slice, err));
    }
    return row_buffer_append(&stream->rows, &slice, scratch, err);
}

static yoda_status stream_push(struct op *op, struct worker *worker, const struct row_set *in,
                               yoda_error *err)
{
    struct stream *stream = (struct stream *)op;
    struct arena *scratch = &worker->scratch;
    struct row_set flat;
    ASSERT(worker->index == 0 && in->rows <= VECTOR_ROWS && !in->alive);
    uint64_t *bytes = arena_array(scratch, uint64_t, in->rows + 1);
    if (!bytes)
        return run_nomem(err, "sending rows");
    TRY(measure(stream, in, scratch, &flat, bytes, err));
    for (uint32_t at = 0, n; at < in->rows; at += n) {
        n = room_for(stream, bytes, at, in->rows);
        TRY(keep(stream, &flat, at, n, scratch, err));
        if (at + n < in->rows || stream->rows.rows == BATCH_ROWS || stream->bytes >= PART_BYTES)
            TRY(hand_over(stream, err));
    }
    return YODA_OK;
}

static yoda_status stream_finish(struct op *op, struct source **out, yoda_error *err)
{
    struct stream *stream = (struct stream *)op;
    *out = NULL;
    return stream->rows.rows > 0 ? hand_over(stream, err) : YODA_OK;
}

static void stream_destroy(struct op *op)
{
    struct stream *stream = (struct stream *)op;
    if (stream->buffer_ready)
        row_buffer_deinit(&stream->rows);
}

static const struct op_type stream_type = {
    .push = stream_push, .finish = stream_finish, .destroy = stream_destroy};

yoda_status stream_op(struct run *run, const struct plan *plan, uint32_t columns,
                      const struct plan_receiver *receiver, struct op **out, yoda_error *err)
{
    struct stream *stream = run_new_op(run, sizeof *stream, &stream_type, NULL);
    if (!stream)
        return run_nomem(err, "planning");
    *out = &stream->op;
    stream->op.waits = true;
    stream->types = plan->types;
    stream->columns = columns;
    stream->receiver = receiver;
    stream->buffer_ready = true;
    return row_buffer_init(&stream->rows, plan->types, columns, NULL, run->context->budget, err);
}
