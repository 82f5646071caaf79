/*
 * arrow_source.h -- a hand-made Arrow stream that gives one batch a number of times, counts what it
 * handed out, and can fail or call back before a batch. Everything lies in the test's own memory.
 */
#ifndef YODA_API_ARROW_SOURCE_H
#define YODA_API_ARROW_SOURCE_H

#include "test.h"

#include <errno.h>

#define SOURCE_COLUMNS 8

struct source {
    struct ArrowSchema record, *schemas[SOURCE_COLUMNS];
    struct ArrowArray batch, *arrays[SOURCE_COLUMNS];
    const void *no_buffers[1];
    int64_t batches, given;                  /* how often; so far */
    int (*before)(void *context, int64_t n); /* before batch n (from 0): an errno */
    void *context;
    int schema_errno;
    const char *message;
    int released, schemas_out, batches_out; /* the latter two: less what was released */
};

static inline void source_keep_schema(struct ArrowSchema *schema)
{
    (void)schema;
}

static inline void source_keep_array(struct ArrowArray *array)
{
    (void)array;
}

static inline void source_release_schema(struct ArrowSchema *schema)
{
    ((struct source *)schema->private_data)->schemas_out--;
    schema->release = NULL;
}

static inline void source_release_batch(struct ArrowArray *array)
{
    ((struct source *)array->private_data)->batches_out--;
    array->release = NULL;
}

static inline int source_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct source *source = stream->private_data;
    if (source->schema_errno)
        return source->schema_errno;
    *out = source->record;
    out->children = source->schemas;
    out->private_data = source;
    out->release = source_release_schema;
    source->schemas_out++;
    return 0;
}

static inline int source_get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct source *source = stream->private_data;
    int code = source->before ? source->before(source->context, source->given) : 0;
    if (code)
        return code;
    *out = (struct ArrowArray){0};
    if (source->given == source->batches)
        return 0;
    *out = source->batch;
    out->n_buffers = source->batch.buffers ? source->batch.n_buffers : 1;
    out->buffers = source->batch.buffers ? source->batch.buffers : source->no_buffers;
    out->children = source->arrays;
    out->private_data = source;
    out->release = source_release_batch;
    source->batches_out++;
    source->given++;
    return 0;
}

static inline const char *source_last_error(struct ArrowArrayStream *stream)
{
    return ((struct source *)stream->private_data)->message;
}

static inline void source_release(struct ArrowArrayStream *stream)
{
    ((struct source *)stream->private_data)->released++;
    stream->release = NULL;
}

static inline void source_init(struct source *source, int64_t rows)
{
    memset(source, 0, sizeof *source);
    source->record.format = "+s";
    source->batch.length = rows;
    source->batches = 1;
}

static inline void source_add(struct source *source, struct ArrowSchema *schema,
                              struct ArrowArray *array)
{
    int64_t i = source->record.n_children++;
    source->batch.n_children++;
    assert_true(i < SOURCE_COLUMNS);
    source->schemas[i] = schema;
    source->arrays[i] = array;
}

static inline struct ArrowArrayStream source_stream(struct source *source)
{
    source->given = 0;
    source->released = 0;
    return (struct ArrowArrayStream){.get_schema = source_get_schema,
                                     .get_next = source_get_next,
                                     .get_last_error = source_last_error,
                                     .release = source_release,
                                     .private_data = source};
}

/* Everything came back, the stream once. */
static inline void source_is_released(const struct source *source)
{
    assert_int_equal(source->released, 1);
    assert_int_equal(source->schemas_out, 0);
    assert_int_equal(source->batches_out, 0);
}

static inline struct ArrowSchema source_schema(const char *format, const char *name)
{
    return (struct ArrowSchema){
        .format = format, .name = name, .flags = 2, .release = source_keep_schema};
}

static inline struct ArrowArray source_array(int64_t length, int64_t offset, int64_t nulls,
                                             int64_t n_buffers, const void **buffers)
{
    return (struct ArrowArray){.length = length,
                               .offset = offset,
                               .null_count = nulls,
                               .n_buffers = n_buffers,
                               .buffers = buffers,
                               .release = source_keep_array};
}

#define BUFFERS(...) ((const void *[]){__VA_ARGS__})

#endif
