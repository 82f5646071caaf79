/* result.c -- walking a finished result row by row. */
#include "engine/result.h"

#include <string.h>

yoda_status result_create(struct core *core, yoda_result **out, yoda_error *err)
{
    yoda_result *result = mem_calloc(1, sizeof *result);
    if (!result)
        return fail_nomem(err, sizeof *result);
    result->core = core_acquire(core);
    batch_list_init(&result->list, 0, &core->budget);
    result->info.side = YODA_SIDE_ROW;
    result->info.watermark = -1;
    result->reason = "";
    *out = result;
    return YODA_OK;
}

static void free_columns(yoda_result *result)
{
    mem_free(result->names);
    mem_free(result->types);
    result->names = NULL;
    result->types = NULL;
    result->column_count = 0;
}

yoda_status result_set_names(yoda_result *result, uint32_t count, const char *const *names,
                             yoda_error *err)
{
    ASSERT(!result->names && (result->list.rows == 0 || result->list.column_count == count));
    size_t size = count * sizeof *result->names;
    if (count == 0)
        return YODA_OK;
    for (uint32_t i = 0; i < count; i++)
        size += (names[i] ? strlen(names[i]) : 0) + 1;
    result->names = mem_alloc(size);
    if (!result->names)
        return fail_nomem(err, size);
    result->column_count = count;
    char *at = (char *)(result->names + count);
    for (uint32_t i = 0; i < count; i++) {
        size_t bytes = (names[i] ? strlen(names[i]) : 0) + 1;
        result->names[i] = memcpy(at, names[i] ? names[i] : "", bytes);
        at += bytes;
    }
    return YODA_OK;
}

yoda_status result_set_columns(yoda_result *result, uint32_t count, const char *const *names,
                               yoda_error *err)
{
    ASSERT(result->list.batch_count == 0);
    batch_list_deinit(&result->list);
    batch_list_init(&result->list, count, &result->core->budget);
    return result_set_names(result, count, names, err);
}

yoda_status result_set_types(yoda_result *result, const enum vtype *types, yoda_error *err)
{
    ASSERT(result->names && !result->types);
    size_t size = result->column_count * sizeof *types;
    result->types = mem_alloc(size);
    if (!result->types)
        return fail_nomem(err, size);
    memcpy(result->types, types, size);
    return YODA_OK;
}

void result_clear(yoda_result *result)
{
    free_columns(result);
    batch_list_deinit(&result->list);
    batch_list_init(&result->list, 0, &result->core->budget);
}

void result_set_rule(yoda_result *result, yoda_side side, const char *reason)
{
    mem_free(result->reason_kept);
    result->reason_kept = NULL;
    result->info.side = side;
    result->reason = reason;
}

void result_set_route(yoda_result *result, yoda_side side, const char *reason)
{
    result_set_rule(result, side, "no memory to say why");
    result->reason_kept = mem_strdup(reason);
    if (result->reason_kept)
        result->reason = result->reason_kept;
}

yoda_status result_append_lines(yoda_result *result, const char *text, yoda_error *err)
{
    ASSERT(result->column_count == 1);
    while (*text) {
        size_t size = strcspn(text, "\n");
        struct value line = value_text(text, size);
        TRY(batch_list_append(&result->list, &line, err));
        text += size + (text[size] == '\n');
    }
    return YODA_OK;
}

/* ---- The public calls. A result belongs to one thread at a time and cannot fail any more. ---- */

void yoda_result_info_get(const yoda_result *result, yoda_result_info *info)
{
    if (!info)
        return;
    if (!result) {
        *info = (yoda_result_info){.reason = "", .watermark = -1};
        return;
    }
    *info = result->info;
    info->reason = result->reason;
    info->rows = result->list.rows;
}

size_t yoda_result_column_count(const yoda_result *result)
{
    return result ? result->column_count : 0;
}

const char *yoda_result_column_name(const yoda_result *result, size_t column)
{
    return result && column < result->column_count ? result->names[column] : NULL;
}

bool yoda_result_next(yoda_result *result)
{
    if (!result || result->batch >= result->list.batch_count)
        return false;
    if (result->started)
        result->row++;
    result->started = true;
    while (result->batch < result->list.batch_count &&
           result->row >= result->list.batches[result->batch]->rows) {
        result->batch++;
        result->row = 0;
    }
    return result->batch < result->list.batch_count;
}

void yoda_result_rewind(yoda_result *result)
{
    if (!result)
        return;
    result->batch = 0;
    result->row = 0;
    result->started = false;
}

static struct value current(const yoda_result *result, size_t column)
{
    if (!result || !result->started || column >= result->column_count ||
        result->batch >= result->list.batch_count)
        return value_null();
    return batch_value(result->list.batches[result->batch], (uint32_t)column, result->row);
}

yoda_type yoda_result_type(const yoda_result *result, size_t column)
{
    return (yoda_type)current(result, column).type;
}

int64_t yoda_result_int64(const yoda_result *result, size_t column)
{
    struct value v = current(result, column);
    return v.type == YODA_INTEGER ? v.i : 0;
}

double yoda_result_double(const yoda_result *result, size_t column)
{
    struct value v = current(result, column);
    return v.type == YODA_REAL ? v.r : v.type == YODA_INTEGER ? (double)v.i : 0.0;
}

/* An empty text has a pointer too: NULL means NULL. */
static const void *bytes_of(const struct value *v)
{
    return v->p ? v->p : "";
}

const void *yoda_result_bytes(const yoda_result *result, size_t column, size_t *size)
{
    struct value v = current(result, column);
    bool bytes = v.type == YODA_TEXT || v.type == YODA_BLOB;
    if (size)
        *size = bytes ? v.size : 0;
    return bytes ? bytes_of(&v) : NULL;
}

void yoda_result_value(const yoda_result *result, size_t column, yoda_value *out)
{
    if (!out)
        return;
    struct value v = current(result, column);
    *out = (yoda_value){.type = (yoda_type)v.type};
    if (v.type == YODA_INTEGER) {
        out->integer = v.i;
    } else if (v.type == YODA_REAL) {
        out->real = v.r;
    } else if (v.type != YODA_NULL) {
        out->data = bytes_of(&v);
        out->size = v.size;
    }
}

void yoda_result_close(yoda_result *result)
{
    if (!result)
        return;
    free_columns(result);
    mem_free(result->reason_kept);
    batch_list_deinit(&result->list);
    core_release(result->core);
    mem_free(result);
}
