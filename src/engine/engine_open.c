/*
 * engine_open.c -- making a handle: options, the write connection, Yoda's tables in the file, the
 * pools, the columnar side, the background thread. A failure half-way releases what is there.
 */
#include "engine/engine.h"
#include "olap/exec/expr.h"
#include "olap/exec/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COMPENSATED_SUMS 3043000 /* SQLite adds REALs so since 3.43 */

/* Numbers as the linked SQLite has them. */
static void set_numbers(void)
{
    static const struct number_text functions = {
        .real_to_text = sqlite_real_to_text,
        .text_to_real = sqlite_text_to_real,
        .round_real = sqlite_round_real,
    };
    expr_set_number_text(&functions);
    window_set_compensated(sqlite_version_number() >= COMPENSATED_SUMS);
}

static void init_locks(yoda_engine *engine)
{
    atomic_init(&engine->refs, 1);
    calls_init(&engine->calls);
    dispatch_init(engine);
    lease_init(&engine->writer.lease);
    write_literals_init(&engine->writer.literals);
    lease_init(&engine->columns.sync);
    lease_init(&engine->checkpoints.upkeep);
    pthread_mutex_init(&engine->columns.view_mutex, NULL);
    pthread_mutex_init(&engine->columns.damage_mutex, NULL);
    pthread_mutex_init(&engine->background.mutex, NULL);
    cond_init(&engine->background.cond);
    pthread_mutex_init(&engine->message_mutex, NULL);
}

struct conn_options engine_conn_options(yoda_engine *engine, enum conn_role role,
                                        const _Atomic bool *cancel)
{
    return (struct conn_options){
        .path = engine->path,
        .role = role,
        .synchronous_full = engine->options.synchronous == SYNCHRONOUS_FULL,
        .busy_timeout_ms = engine->options.busy_timeout_ms,
        .statement_cache = (uint32_t)engine->options.statement_cache,
        .cancel = cancel,
    };
}

static yoda_status open_writer(yoda_engine *engine, const char *path, yoda_error *err)
{
    char uri[64];
    bool memory = strcmp(path, ":memory:") == 0;
    if (memory)
        conn_memory_uri(uri);
    engine->path = mem_strdup(memory ? uri : path);
    if (!engine->path)
        return fail_nomem(err, strlen(path));
    struct conn_options options =
        engine_conn_options(engine, CONN_WRITER, &engine->calls.writer.flag);
    TRY(conn_open(&options, &engine->writer.conn, err));
    TRY(catalog_create(engine->writer.conn, engine->database_id, err));
    engine->utf8 = conn_is_utf8(engine->writer.conn);
    return memory ? YODA_OK : os_real_path(path, &engine->real_path, err);
}

static yoda_status choose_directory(yoda_engine *engine, yoda_error *err)
{
    const char *given = engine->options.olap_path;
    if (!engine->real_path || engine->options.olap_in_memory)
        return YODA_OK;
    size_t size = strlen(given ? given : engine->real_path) + sizeof "-yoda";
    engine->columns.directory = mem_alloc(size);
    if (!engine->columns.directory)
        return fail_nomem(err, size);
    snprintf(engine->columns.directory, size, "%s%s", given ? given : engine->real_path,
             given ? "" : "-yoda");
    return YODA_OK;
}

/* Large queries keep what does not fit into memory beside the columnar files, else beside the
 * database, else where the system has its temporary files. */
static yoda_status choose_spill_directory(yoda_engine *engine, yoda_error *err)
{
    const char *given = engine->options.spill_directory, *from = given;
    if (!given)
        return YODA_OK;
    if (strcmp(given, "auto") == 0) {
        const char *temporary = getenv("TMPDIR");
        from = engine->columns.directory ? engine->columns.directory : engine->real_path;
        if (!from)
            from = temporary && temporary[0] ? temporary : "/tmp";
    }
    engine->spill_directory = mem_strdup(from);
    if (!engine->spill_directory)
        return fail_nomem(err, strlen(from));
    if (from == engine->real_path) { /* its directory: the path is absolute */
        char *slash = strrchr(engine->spill_directory, '/');
        slash[slash == engine->spill_directory] = 0;
    }
    return YODA_OK;
}

static yoda_status open_pools(yoda_engine *engine, yoda_error *err)
{
    struct conn_options options = engine_conn_options(engine, CONN_READER, NULL);
    uint32_t threads = (uint32_t)engine->options.threads;
    TRY(read_pool_create(&options, (uint32_t)engine->options.read_pool_size, &engine->readers,
                         err));
    return task_pool_create(threads > 0 ? threads : os_cpu_count(), &engine->tasks, err);
}

static yoda_status open_parts(yoda_engine *engine, const char *path, yoda_error *err)
{
    uint64_t limit_mb = (uint64_t)engine->options.memory_limit_mb;
    uint64_t limit_bytes = limit_mb > 0 ? limit_mb << 20 : os_memory_bytes() / 2;
    TRY(core_create(limit_bytes, &engine->core, err));
    TRY(open_writer(engine, path, err));
    TRY(choose_directory(engine, err));
    TRY(choose_spill_directory(engine, err));
    TRY(open_pools(engine, err));
    TRY(catalog_view_create(NULL, &engine->columns.view, err));
    TRY(owner_try(engine, err));
    return sync_loop_start(engine, err);
}

yoda_status engine_open(const char *path, const yoda_option *options, size_t count,
                        yoda_engine **out, yoda_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct options parsed;
    TRY(options_parse(&parsed, options, count, err));
    pthread_once(&once, set_numbers);
    yoda_engine *engine = mem_calloc(1, sizeof *engine);
    if (!engine) {
        options_deinit(&parsed);
        return fail_nomem(err, sizeof *engine);
    }
    engine->options = parsed;
    engine->pid = getpid();
    engine->opened_ns = os_monotonic_ns();
    init_locks(engine);
    yoda_status status = open_parts(engine, path, err);
    if (status != YODA_OK) {
        engine_release_parts(engine);
        engine_release(engine);
        return status;
    }
    *out = engine;
    return YODA_OK;
}
