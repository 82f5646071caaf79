/* write_fold.c -- see write_fold.h. */
#include "engine/write_fold.h"

#include "engine/engine.h"
#include "sql/values_repeat.h"

#define PAUSE_MAX 256

void write_fold_init(struct write_fold *fold, const struct writer_batch *batch)
{
    *fold = (struct write_fold){.batch = batch};
    literal_lift_init(&fold->lift);
    str_init(&fold->shape);
    str_init(&fold->sql);
    arena_init(&fold->bytes, NULL);
}

void write_fold_deinit(struct write_fold *fold)
{
    arena_deinit(&fold->bytes);
    mem_free(fold->values);
    str_deinit(&fold->sql);
    str_deinit(&fold->shape);
    literal_lift_deinit(&fold->lift);
}

/* ---- Shapes ---------------------------------------------------------------------------------- */

static bool has_shape(const struct write_fold *fold, const char *sql, size_t size)
{
    return fold->shape.size == size && memcmp(str_text(&fold->shape), sql, size) == 0;
}

/* Fold this shape from now on, if it can be. */
static void take_shape(struct write_fold *fold, const char *sql, size_t size)
{
    if (has_shape(fold, sql, size))
        return;
    str_clear(&fold->shape);
    str_append(&fold->shape, sql, size);
    if (str_check(&fold->shape, NULL) != YODA_OK ||
        !values_repeat(sql, size, FOLD_ROWS, &fold->sql, &fold->width) ||
        fold->width > LITERAL_LIFT_MAX)
        fold->width = 0;
}

/* ---- Gathering ------------------------------------------------------------------------------- */

/* The values of a statement's literals, kept until the fold is run. */
static bool keep_literals(struct write_fold *fold, const char *sql, size_t size, yoda_value *out)
{
    for (size_t i = 0; i < fold->lift.count; i++) {
        out[i] = fold->lift.values[i];
        const char *at = out[i].data;
        bool bytes = out[i].type == YODA_TEXT || out[i].type == YODA_BLOB;
        if (!bytes || (at >= sql && at <= sql + size))
            continue;
        out[i].data = arena_copy(&fold->bytes, at, out[i].size);
        if (!out[i].data)
            return false;
    }
    return true;
}

static bool gather_literals(struct write_fold *fold, size_t first, size_t row)
{
    const char *sql = fold->batch->sql[first + row];
    struct literal_lift *lift = &fold->lift;
    size_t size = sql ? strlen(sql) : 0;
    if (!sql || !literal_lift_statement(lift, sql, size))
        return false;
    if (row == 0)
        take_shape(fold, lift->sql.data, lift->sql.size);
    return fold->width == lift->count && has_shape(fold, lift->sql.data, lift->sql.size) &&
           keep_literals(fold, sql, size, fold->values + row * fold->width);
}

static bool gather_row(struct write_fold *fold, size_t first, size_t row)
{
    const yoda_params *params = &fold->batch->rows[first + row];
    if (row == 0)
        take_shape(fold, fold->batch->sql[0], strlen(fold->batch->sql[0]));
    if (fold->width == 0 || params->count != fold->width || params->names)
        return false;
    memcpy(fold->values + row * fold->width, params->values, fold->width * sizeof *fold->values);
    return true;
}

static bool gather_all(struct write_fold *fold, size_t first)
{
    arena_reset(&fold->bytes);
    for (size_t row = 0; row < FOLD_ROWS; row++)
        if (fold->batch->rows ? !gather_row(fold, first, row) : !gather_literals(fold, first, row))
            return false;
    return true;
}

bool write_fold_gather(struct write_fold *fold, size_t first)
{
    if (fold->rest > 0) {
        fold->rest--;
        return false;
    }
    if (fold->batch->count - first < FOLD_ROWS)
        return false;
    if (!fold->values)
        fold->values = mem_calloc(FOLD_ROWS * LITERAL_LIFT_MAX, sizeof *fold->values);
    if (fold->values && gather_all(fold, first)) {
        fold->pause = 0;
        return true;
    }
    fold->pause = fold->pause < PAUSE_MAX ? 2 * fold->pause + 1 : PAUSE_MAX;
    fold->rest = fold->pause;
    return false;
}

/* ---- Running --------------------------------------------------------------------------------- */

yoda_status write_fold_run(struct write_fold *fold, struct conn *conn, yoda_error *err)
{
    const yoda_params params = {.count = FOLD_ROWS * (size_t)fold->width, .values = fold->values};
    struct stmt stmt = {0};
    TRY(stmt_prepare(conn, fold->sql.data, fold->sql.size, &stmt, NULL, err));
    yoda_status status = stmt_bind_params(&stmt, &params, err);
    if (status == YODA_OK)
        status = stmt_step(&stmt, err);
    stmt_finish(&stmt);
    return status;
}
