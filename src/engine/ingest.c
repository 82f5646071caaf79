/*
 * ingest.c -- a table is found or made, a prepared INSERT runs for each row of each batch.
 *
 * Everything happens inside one transaction of the write connection, the making of the table too:
 * an error, a cancel or a deadline at row N leaves nothing behind. Rows go through SQLite's own
 * INSERT, so constraints, defaults, triggers and the capture are those of any other write. Values
 * are bound where they lie in the batch, which outlives the step that reads them.
 *
 * The producer's get_next runs inside the transaction: rows of a slow one hold the write connection
 * until they have come.
 */
#include "engine/ingest.h"

#include "base/str.h"
#include "engine/arrow_import.h"
#include "engine/engine.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define PROGRESS_ROWS 1024

struct ingest {
    yoda_engine *engine;
    struct call *call;
    const struct ingest_request *request;
    struct arena arena;
    struct arrow_rows rows;
    struct stmt insert;
    int64_t taken; /* rows of the stream */
    int64_t inserted;
    struct progress progress;
};

/* ---- The stream ------------------------------------------------------------------------------ */

yoda_status ingest_check(const char *table, const struct ArrowArrayStream *stream,
                         yoda_ingest_mode mode, yoda_error *err)
{
    if (!table || !stream)
        return fail(err, YODA_MISUSE, "%s is NULL", table ? "stream" : "table");
    if (!stream->release)
        return fail(err, YODA_MISUSE, "the stream is released already");
    if ((unsigned)mode > YODA_INGEST_REPLACE)
        return fail(err, YODA_MISUSE, "mode is %d", (int)mode);
    return YODA_OK;
}

void ingest_release(struct ArrowArrayStream *stream)
{
    if (stream && stream->release) {
        stream->release(stream);
        stream->release = NULL;
    }
}

static yoda_status stream_failed(const struct ingest *in, int code, yoda_error *err)
{
    struct ArrowArrayStream *stream = in->request->stream;
    const char *text = stream->get_last_error ? stream->get_last_error(stream) : NULL;
    yoda_status status = code == ENOMEM ? YODA_NOMEM : YODA_ERROR;
    return fail(err, status, "the stream failed after %" PRId64 " rows: %.400s", in->taken,
                text && text[0] ? text : strerror(code));
}

static yoda_status read_schema(struct ingest *in, yoda_error *err)
{
    struct ArrowSchema schema = {0};
    int code = in->request->stream->get_schema(in->request->stream, &schema);
    if (code != 0)
        return stream_failed(in, code, err);
    yoda_status status = arrow_import_schema(&schema, &in->arena, &in->rows, err);
    if (schema.release)
        schema.release(&schema);
    return status;
}

/* ---- The table ------------------------------------------------------------------------------- */

struct target { /* what there is by the name */
    bool exists, view;
    const char **columns; /* [count] */
    bool *generated;      /* [count] */
    uint32_t count;
};

static yoda_status prepare_about(struct ingest *in, const char *sql, struct stmt *stmt,
                                 yoda_error *err)
{
    const char *table = in->request->table;
    struct value name = value_text(table, strlen(table));
    TRY(stmt_prepare(in->engine->writer.conn, sql, strlen(sql), stmt, NULL, err));
    yoda_status status = stmt_bind(stmt, 1, &name, err);
    if (status == YODA_OK)
        status = stmt_step(stmt, err);
    if (status != YODA_OK)
        stmt_finish(stmt);
    return status;
}

static yoda_status find_kind(struct ingest *in, struct target *target, yoda_error *err)
{
    struct stmt stmt = {0};
    TRY(prepare_about(in,
                      "SELECT type = 'view', (SELECT count(*) FROM pragma_table_xinfo(?1, 'main'))"
                      " FROM pragma_table_list"
                      " WHERE schema = 'main' AND name = ?1 COLLATE NOCASE",
                      &stmt, err));
    target->exists = stmt.row;
    if (stmt.row) {
        target->view = stmt_int(&stmt, 0) != 0;
        target->count = (uint32_t)stmt_int(&stmt, 1);
    }
    stmt_finish(&stmt);
    return YODA_OK;
}

static yoda_status read_column(struct ingest *in, struct stmt *stmt, struct target *target,
                               uint32_t i, yoda_error *err)
{
    struct value name = stmt_value(stmt, 0);
    if (name.type != YODA_TEXT)
        return fail(err, YODA_CORRUPT, "table \"%.128s\" has a column without name",
                    in->request->table);
    target->columns[i] = arena_copy(&in->arena, name.p, name.size);
    target->generated[i] = stmt_int(stmt, 1) >= 2;
    return target->columns[i] ? YODA_OK : fail_nomem(err, name.size);
}

static yoda_status find_columns(struct ingest *in, struct target *target, yoda_error *err)
{
    struct stmt stmt = {0};
    uint32_t count = 0;
    target->columns = arena_array(&in->arena, const char *, target->count);
    target->generated = arena_array(&in->arena, bool, target->count);
    if (!target->columns || !target->generated)
        return fail_nomem(err, target->count * sizeof *target->columns);
    TRY(prepare_about(in,
                      "SELECT name, hidden FROM pragma_table_xinfo(?1, 'main') WHERE hidden <> 1",
                      &stmt, err));
    yoda_status status = YODA_OK;
    while (status == YODA_OK && stmt.row && count < target->count) {
        status = read_column(in, &stmt, target, count++, err);
        if (status == YODA_OK)
            status = stmt_step(&stmt, err);
    }
    stmt_finish(&stmt);
    target->count = count;
    return status;
}

static yoda_status run_sql(struct ingest *in, struct str *sql, yoda_error *err)
{
    yoda_status status = str_check(sql, err);
    if (status == YODA_OK)
        status = conn_exec(in->engine->writer.conn, str_text(sql), err);
    str_deinit(sql);
    return status;
}

static yoda_status create_table(struct ingest *in, yoda_error *err)
{
    struct str sql;
    if (in->rows.count == 0)
        return fail(err, YODA_MISUSE, "a table cannot be made of a stream without columns");
    str_init(&sql);
    str_puts(&sql, "CREATE TABLE main.");
    str_identifier(&sql, in->request->table);
    for (uint32_t i = 0; i < in->rows.count; i++) {
        str_puts(&sql, i == 0 ? "(" : ", ");
        str_identifier(&sql, in->rows.columns[i].name);
        str_putc(&sql, ' ');
        str_puts(&sql, arrow_import_declared_type(&in->rows.columns[i]));
    }
    str_putc(&sql, ')');
    in->engine->writer.schema_touched = true;
    return run_sql(in, &sql, err);
}

static yoda_status empty_table(struct ingest *in, yoda_error *err)
{
    struct str sql;
    str_init(&sql);
    str_puts(&sql, "DELETE FROM main.");
    str_identifier(&sql, in->request->table);
    return run_sql(in, &sql, err);
}

/* ---- Columns --------------------------------------------------------------------------------- */

static bool is_reserved(const char *table)
{
    size_t size = strlen(table);
    return (size >= 7 && ascii_equal_nocase(table, 7, "sqlite_", 7)) ||
           (size >= 6 && ascii_equal_nocase(table, 6, "_yoda_", 6));
}

static yoda_status check_names(const struct ingest *in, yoda_error *err)
{
    for (uint32_t i = 1; i < in->rows.count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (name_equal(in->rows.columns[i].name, in->rows.columns[j].name))
                return fail(err, YODA_MISUSE, "the stream has two columns \"%.128s\"",
                            in->rows.columns[i].name);
    return YODA_OK;
}

static yoda_status match_column(const struct ingest *in, const struct target *target,
                                const char *name, yoda_error *err)
{
    for (uint32_t i = 0; i < target->count; i++) {
        if (!name_equal(target->columns[i], name))
            continue;
        if (target->generated[i])
            return fail(err, YODA_MISUSE,
                        "column \"%.128s\" of table \"%.128s\" is generated: leave it out of the "
                        "stream",
                        name, in->request->table);
        return YODA_OK;
    }
    return fail(err, YODA_NOT_FOUND, "table \"%.128s\" has no column \"%.128s\"",
                in->request->table, name);
}

static yoda_status use_table(struct ingest *in, struct target *target, yoda_error *err)
{
    const char *table = in->request->table;
    if (in->request->mode == YODA_INGEST_CREATE)
        return fail(err, YODA_CONFLICT, "there is a %s \"%.128s\" already",
                    target->view ? "view" : "table", table);
    if (target->view)
        return fail(err, YODA_ERROR, "\"%.128s\" is a view: rows go into tables", table);
    TRY(find_columns(in, target, err));
    for (uint32_t i = 0; i < in->rows.count; i++)
        TRY(match_column(in, target, in->rows.columns[i].name, err));
    return in->request->mode == YODA_INGEST_REPLACE ? empty_table(in, err) : YODA_OK;
}

static yoda_status open_table(struct ingest *in, yoda_error *err)
{
    struct target target = {0};
    if (is_reserved(in->request->table))
        return fail(err, YODA_ERROR, "\"%.128s\" is a reserved name", in->request->table);
    TRY(find_kind(in, &target, err));
    if (target.exists)
        return use_table(in, &target, err);
    if (in->request->mode == YODA_INGEST_APPEND)
        return fail(err, YODA_NOT_FOUND, "no such table: %.128s", in->request->table);
    return create_table(in, err);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static void write_insert(const struct ingest *in, struct str *sql)
{
    str_puts(sql, "INSERT INTO main.");
    str_identifier(sql, in->request->table);
    if (in->rows.count == 0)
        str_puts(sql, " DEFAULT VALUES");
    for (uint32_t i = 0; i < in->rows.count; i++) {
        str_puts(sql, i == 0 ? "(" : ", ");
        str_identifier(sql, in->rows.columns[i].name);
    }
    for (uint32_t i = 0; i < in->rows.count; i++)
        str_puts(sql, i == 0 ? ") VALUES (?" : ", ?");
    if (in->rows.count > 0)
        str_putc(sql, ')');
}

static yoda_status prepare_insert(struct ingest *in, yoda_error *err)
{
    struct str sql;
    str_init(&sql);
    write_insert(in, &sql);
    yoda_status status = str_check(&sql, err);
    if (status == YODA_OK)
        status = stmt_prepare(in->engine->writer.conn, sql.data, sql.size, &in->insert, NULL, err);
    str_deinit(&sql);
    return status;
}

static yoda_status insert_row(struct ingest *in, int64_t row, yoda_error *err)
{
    bool null = arrow_row_is_null(&in->rows, row);
    for (uint32_t i = 0; i < in->rows.count; i++) {
        struct value value = value_null();
        if (!null)
            TRY(arrow_import_value(&in->rows.columns[i], row, &value, err));
        TRY(stmt_bind_borrowed(&in->insert, (int)i + 1, &value, err));
    }
    TRY(stmt_step(&in->insert, err));
    stmt_reset(&in->insert);
    return YODA_OK;
}

/* A small INSERT may never get to where SQLite looks at the cancel flag. */
static yoda_status check_stop(struct ingest *in, yoda_error *err)
{
    TRY(call_check(in->call, err));
    if (in->taken % PROGRESS_ROWS == 0 && !progress_report(&in->progress, (uint64_t)in->taken))
        return fail(err, YODA_INTERRUPTED, "cancelled by the progress function");
    return YODA_OK;
}

static yoda_status row_failed(const struct ingest *in, yoda_status status, const yoda_error *inner,
                              yoda_error *err)
{
    fail(err, status, "row %" PRId64 ": %.480s", in->taken + 1, inner->message);
    if (err)
        err->sqlite_code = inner->sqlite_code;
    return status;
}

static yoda_status insert_batch(struct ingest *in, yoda_error *err)
{
    yoda_error inner = {.sql_offset = -1};
    for (int64_t row = 0; row < in->rows.length; row++, in->taken++) {
        TRY(check_stop(in, err));
        yoda_status status = insert_row(in, row, &inner);
        if (status == YODA_INTERRUPTED)
            return fail(err, status, "%s", inner.message);
        if (status != YODA_OK)
            return row_failed(in, status, &inner, err);
    }
    return YODA_OK;
}

/* *more: there was a batch. */
static yoda_status next_batch(struct ingest *in, bool *more, yoda_error *err)
{
    struct ArrowArray batch = {0};
    int code = in->request->stream->get_next(in->request->stream, &batch);
    *more = code == 0 && batch.release;
    if (code != 0)
        return stream_failed(in, code, err);
    yoda_status status = call_check(in->call, err);
    if (*more && status == YODA_OK)
        status = arrow_import_batch(&in->rows, &batch, err);
    if (*more && status == YODA_OK)
        status = insert_batch(in, err);
    stmt_reset(&in->insert); /* it may have stopped at a row whose bytes go now */
    if (*more)
        batch.release(&batch);
    return status;
}

static yoda_status insert_rows(struct ingest *in, yoda_error *err)
{
    struct conn *conn = in->engine->writer.conn;
    int64_t before = conn_changes(conn);
    bool more = true;
    TRY(prepare_insert(in, err));
    yoda_status status = YODA_OK;
    while (more && status == YODA_OK)
        status = next_batch(in, &more, err);
    stmt_finish(&in->insert);
    in->inserted = conn_changes(conn) - before;
    if (status == YODA_OK && !progress_report(&in->progress, (uint64_t)in->taken))
        return fail(err, YODA_INTERRUPTED, "cancelled by the progress function");
    return status;
}

static yoda_status transact(void *ctx, struct conn *conn, yoda_error *err)
{
    struct ingest *in = ctx;
    YODA_UNUSED(conn);
    TRY(open_table(in, err));
    return insert_rows(in, err);
}

/* ---- Entry ----------------------------------------------------------------------------------- */

static yoda_status ingest(struct ingest *in, yoda_error *err)
{
    TRY(read_schema(in, err));
    TRY(check_names(in, err));
    TRY(writer_transact(in->engine, transact, in, err));
    return YODA_OK;
}

yoda_status ingest_held(yoda_engine *engine, struct call *call,
                        const struct ingest_request *request, int64_t *rows, yoda_error *err)
{
    struct ingest in = {.engine = engine, .call = call, .request = request};
    in.progress = (struct progress){
        .call = call, .engine = engine, .what = request->table, .last_ns = os_monotonic_ns()};
    arena_init(&in.arena, &engine->core->budget);
    yoda_status status = ingest(&in, err);
    engine->writer.last_rowid = conn_last_rowid(engine->writer.conn);
    writer_show_schema(engine);
    arena_deinit(&in.arena);
    *rows = status == YODA_OK ? in.inserted : 0;
    return status;
}

yoda_status ingest_run(yoda_engine *engine, struct call *call, const struct ingest_request *request,
                       int64_t *rows, yoda_error *err)
{
    TRY(writer_acquire(engine, call, err));
    yoda_status status = ingest_held(engine, call, request, rows, err);
    writer_release(engine);
    return status;
}
