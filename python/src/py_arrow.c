/*
 * py_arrow.c -- Arrow structures that many share.
 *
 * A node of an exported tree owns the structs of its children and one reference to the shared
 * array. A child that a consumer moves out has a reference of its own, so it outlives its parent.
 * Memory is malloc's: a release callback may run after the interpreter has ended.
 */
#include "py_arrow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Counting -------------------------------------------------------------------------------- */

struct py_arrow_schema *py_arrow_schema_share(struct ArrowSchema *moved)
{
    struct py_arrow_schema *shared = malloc(sizeof *shared);
    if (!shared) {
        moved->release(moved);
        return NULL;
    }
    atomic_init(&shared->refs, 1);
    shared->schema = *moved;
    moved->release = NULL;
    return shared;
}

struct py_arrow_array *py_arrow_array_share(struct ArrowArray *moved)
{
    struct py_arrow_array *shared = malloc(sizeof *shared);
    if (!shared) {
        moved->release(moved);
        return NULL;
    }
    atomic_init(&shared->refs, 1);
    shared->array = *moved;
    moved->release = NULL;
    return shared;
}

struct py_arrow_schema *py_arrow_schema_acquire(struct py_arrow_schema *shared)
{
    atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

struct py_arrow_array *py_arrow_array_acquire(struct py_arrow_array *shared)
{
    atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

void py_arrow_schema_release(struct py_arrow_schema *shared)
{
    if (shared && atomic_fetch_sub_explicit(&shared->refs, 1, memory_order_acq_rel) == 1) {
        shared->schema.release(&shared->schema);
        free(shared);
    }
}

void py_arrow_array_release(struct py_arrow_array *shared)
{
    if (shared && atomic_fetch_sub_explicit(&shared->refs, 1, memory_order_acq_rel) == 1) {
        shared->array.release(&shared->array);
        free(shared);
    }
}

/* ---- Schema ---------------------------------------------------------------------------------- */

struct schema_node {
    struct ArrowSchema *children;  /* [n_children] */
    struct ArrowSchema **pointers; /* [n_children] */
    char *format, *name;
};

static void release_schema(struct ArrowSchema *schema)
{
    struct schema_node *node = schema->private_data;
    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release)
            schema->children[i]->release(schema->children[i]);
    free(node->children);
    free(node->pointers);
    free(node->format);
    free(node->name);
    free(node);
    schema->release = NULL;
}

/* On failure what was made is released by the caller. */
static bool copy_schema(const struct ArrowSchema *from, struct ArrowSchema *out)
{
    size_t count = (size_t)from->n_children;
    struct schema_node *node = calloc(1, sizeof *node);
    if (!node)
        return false;
    *out =
        (struct ArrowSchema){.flags = from->flags, .release = release_schema, .private_data = node};
    node->format = strdup(from->format);
    node->name = strdup(from->name ? from->name : "");
    node->children = calloc(count + 1, sizeof *node->children);
    node->pointers = calloc(count + 1, sizeof *node->pointers);
    if (!node->format || !node->name || !node->children || !node->pointers)
        return false;
    out->format = node->format;
    out->name = node->name;
    out->children = node->pointers;
    for (size_t i = 0; i < count; i++) {
        node->pointers[i] = &node->children[i];
        out->n_children++;
        if (!copy_schema(from->children[i], &node->children[i]))
            return false;
    }
    return true;
}

bool py_arrow_schema_export(const struct ArrowSchema *schema, struct ArrowSchema *out)
{
    struct ArrowSchema copy = {0};
    if (copy_schema(schema, &copy)) {
        *out = copy;
        return true;
    }
    if (copy.release)
        copy.release(&copy);
    return false;
}

/* ---- Arrays ---------------------------------------------------------------------------------- */

struct array_node {
    struct py_arrow_array *shared; /* NULL: buffers are not shared (an empty array) */
    struct ArrowArray *children;   /* [n_children] */
    struct ArrowArray **pointers;  /* [n_children] */
    const void *buffers[3];        /* of an empty array */
};

static void release_array(struct ArrowArray *array)
{
    struct array_node *node = array->private_data;
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
    py_arrow_array_release(node->shared);
    free(node->children);
    free(node->pointers);
    free(node);
    array->release = NULL;
}

/* A node with room for its children, which are counted as they are made. */
static struct array_node *add_node(struct ArrowArray *out, int64_t children)
{
    size_t count = (size_t)children;
    struct array_node *node = calloc(1, sizeof *node);
    if (!node)
        return NULL;
    out->private_data = node;
    out->release = release_array;
    out->n_children = 0;
    node->children = calloc(count + 1, sizeof *node->children);
    node->pointers = calloc(count + 1, sizeof *node->pointers);
    if (!node->children || !node->pointers)
        return NULL;
    for (size_t i = 0; i < count; i++)
        node->pointers[i] = &node->children[i];
    out->children = node->pointers;
    return node;
}

static bool copy_array(struct py_arrow_array *shared, const struct ArrowArray *from,
                       struct ArrowArray *out)
{
    *out = (struct ArrowArray){.length = from->length,
                               .null_count = from->null_count,
                               .offset = from->offset,
                               .n_buffers = from->n_buffers,
                               .buffers = from->buffers};
    struct array_node *node = add_node(out, from->n_children);
    if (!node)
        return false;
    node->shared = py_arrow_array_acquire(shared);
    for (int64_t i = 0; i < from->n_children; i++) {
        out->n_children++;
        if (!copy_array(shared, from->children[i], &node->children[i]))
            return false;
    }
    return true;
}

/* Cut a column. A union's children stay whole: its offsets point into them. */
static void slice_column(struct ArrowArray *column, int64_t offset, int64_t length)
{
    bool whole = offset == 0 && length == column->length;
    column->offset += offset;
    column->length = length;
    if (!whole && column->null_count > 0)
        column->null_count = column->n_buffers == 0 ? length : -1; /* all NULLs; to be counted */
}

bool py_arrow_array_export(struct py_arrow_array *shared, int64_t offset, int64_t length,
                           struct ArrowArray *out)
{
    struct ArrowArray copy = {0};
    if (!copy_array(shared, &shared->array, &copy)) {
        if (copy.release)
            copy.release(&copy);
        return false;
    }
    copy.length = length;
    for (int64_t i = 0; i < copy.n_children; i++)
        slice_column(copy.children[i], offset, length);
    *out = copy;
    return true;
}

/* ---- No rows --------------------------------------------------------------------------------- */

static int64_t buffers_of(const char *format)
{
    static const char *const counts[] = {"n0", "l2", "g2", "u3", "z3", "+1"};
    if (strncmp(format, "+ud", 3) == 0)
        return 2;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (format[0] == counts[i][0])
            return counts[i][1] - '0';
    return 0;
}

static bool build_empty(const struct ArrowSchema *schema, struct ArrowArray *out)
{
    static const int64_t zero[2]; /* one offset, or no value at all */
    *out = (struct ArrowArray){.n_buffers = buffers_of(schema->format)};
    struct array_node *node = add_node(out, schema->n_children);
    if (!node)
        return false;
    out->buffers = node->buffers;
    for (int64_t i = schema->format[0] == '+' ? 0 : 1; i < out->n_buffers; i++)
        node->buffers[i] = out->n_buffers == 1 ? NULL : zero;
    for (int64_t i = 0; i < schema->n_children; i++) {
        out->n_children++;
        if (!build_empty(schema->children[i], &node->children[i]))
            return false;
    }
    return true;
}

bool py_arrow_array_empty(const struct ArrowSchema *schema, struct ArrowArray *out)
{
    *out = (struct ArrowArray){0};
    if (build_empty(schema, out))
        return true;
    if (out->release)
        out->release(out);
    out->release = NULL;
    return false;
}

/* ---- Stream ---------------------------------------------------------------------------------- */

struct stream_state {
    struct py_arrow_schema *schema;
    size_t next, count;
    struct py_arrow_array *arrays[]; /* [count] */
};

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct stream_state *state = stream->private_data;
    return py_arrow_schema_export(&state->schema->schema, out) ? 0 : ENOMEM;
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct stream_state *state = stream->private_data;
    out->release = NULL;
    if (state->next == state->count)
        return 0;
    struct py_arrow_array *shared = state->arrays[state->next];
    if (!py_arrow_array_export(shared, 0, shared->array.length, out))
        return ENOMEM;
    state->next++;
    return 0;
}

static const char *stream_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "no memory";
}

static void release_stream(struct ArrowArrayStream *stream)
{
    struct stream_state *state = stream->private_data;
    for (size_t i = 0; i < state->count; i++)
        py_arrow_array_release(state->arrays[i]);
    py_arrow_schema_release(state->schema);
    free(state);
    stream->release = NULL;
}

bool py_arrow_stream_export(struct py_arrow_schema *schema, struct py_arrow_array *const *arrays,
                            size_t count, struct ArrowArrayStream *out)
{
    struct stream_state *state = malloc(sizeof *state + count * sizeof state->arrays[0]);
    if (!state)
        return false;
    state->schema = py_arrow_schema_acquire(schema);
    state->next = 0;
    state->count = count;
    for (size_t i = 0; i < count; i++)
        state->arrays[i] = py_arrow_array_acquire(arrays[i]);
    *out = (struct ArrowArrayStream){.get_schema = stream_schema,
                                     .get_next = stream_next,
                                     .get_last_error = stream_error,
                                     .release = release_stream,
                                     .private_data = state};
    return true;
}
