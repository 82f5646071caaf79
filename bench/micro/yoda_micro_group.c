/*
 * yoda_micro_group.c -- GROUP BY, COUNT(DISTINCT) and their combination, without SQL or storage.
 *
 * Batches over arrays in memory go to one aggregation per worker, as AGGREGATE gives them, in
 * morsels of 64; then the workers' groups are combined and every group is read once. Prints wall
 * and CPU milliseconds, the fastest of some rounds.
 *
 *   yoda_micro_group [workers] [rows] [case]
 */
#include "olap/exec/aggregation.h"

#include "base/hash.h"
#include "base/os.h"
#include "base/task_pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 5
#define MORSEL_ROWS (64 * VECTOR_ROWS)

enum data {
    INT_CLUSTERED,
    INT_CODES,
    INT_RANDOM,
    INT_SPARSE,
    TEXT,
    SMALL,
    REALS,
    CENTS,    /* REALs as codes of 4 bytes */
    DICT,     /* texts as codes of 2 bytes, one dictionary */
    KINDS
};

struct column {
    enum data kind;
    uint64_t distinct;
};
struct bench_case {
    const char *name;
    struct column keys[2];
    uint32_t key_count;
    enum aggregate_kind aggregate;
    bool distinct;
    struct column arg;
    uint64_t row_divisor;
};

static const struct bench_case cases[] = {
    {"SUM by 1.5 M keys, clustered, codes",
     {{INT_CODES, 1500000}}, 1, AGG_SUM, false, {SMALL, 50}, 1},
    {"SUM by 1.5 M keys, clustered, flat",
     {{INT_CLUSTERED, 1500000}}, 1, AGG_SUM, false, {SMALL, 50}, 1},
    {"SUM by 1.5 M keys, random", {{INT_RANDOM, 1500000}}, 1, AGG_SUM, false, {SMALL, 50}, 1},
    {"SUM by 1.5 M keys, random, sparse",
     {{INT_SPARSE, 1500000}}, 1, AGG_SUM, false, {SMALL, 50}, 1},
    {"AVG by 200 k keys, random", {{INT_RANDOM, 200000}}, 1, AGG_AVG, false, {SMALL, 50}, 1},
    {"SUM(real) by 200 k keys, random", {{INT_RANDOM, 200000}}, 1, AGG_SUM, false, {REALS, 0}, 1},
    {"MAX by 200 k keys, random",
     {{INT_RANDOM, 200000}}, 1, AGG_MAX, false, {INT_RANDOM, 900000}, 1},
    {"COUNT by 150 k keys, random, 1.5 M rows",
     {{INT_RANDOM, 150000}}, 1, AGG_COUNT, false, {INT_RANDOM, 1500000}, 4},
    {"SUM by 2 int keys, 800 k groups",
     {{INT_RANDOM, 4000}, {INT_RANDOM, 200}}, 2, AGG_SUM, false, {SMALL, 50}, 1},
    {"SUM(real) by text and int, 175 groups",
     {{TEXT, 25}, {INT_RANDOM, 7}}, 2, AGG_SUM, false, {REALS, 0}, 1},
    {"COUNT by text, 100 k groups", {{TEXT, 100000}}, 1, AGG_COUNT_ROWS, false, {SMALL, 1}, 1},
    {"COUNT by 100 keys, codes", {{SMALL, 100}}, 1, AGG_COUNT_ROWS, false, {SMALL, 1}, 1},
    {"SUM(cents) by 100 keys, codes", {{SMALL, 100}}, 1, AGG_SUM, false, {CENTS, 100000}, 1},
    {"SUM(cents) by 10 k texts, codes", {{DICT, 10000}}, 1, AGG_SUM, false, {CENTS, 100000}, 1},
    {"COUNT(DISTINCT 10 k texts)", {{SMALL, 1}}, 0, AGG_COUNT, true, {TEXT, 10000}, 1},
    {"COUNT(DISTINCT 10 k texts), codes", {{SMALL, 1}}, 0, AGG_COUNT, true, {DICT, 10000}, 1},
    {"COUNT(DISTINCT 1.5 M clustered)",
     {{SMALL, 1}}, 0, AGG_COUNT, true, {INT_CLUSTERED, 1500000}, 1},
    {"COUNT(DISTINCT 200 k random)", {{SMALL, 1}}, 0, AGG_COUNT, true, {INT_RANDOM, 200000}, 1},
    {"COUNT(DISTINCT 1.5 M sparse)", {{SMALL, 1}}, 0, AGG_COUNT, true, {INT_SPARSE, 1500000}, 1},
    {"COUNT(DISTINCT 10 k) by 10 k keys",
     {{INT_RANDOM, 10000}}, 1, AGG_COUNT, true, {INT_RANDOM, 10000}, 1},
    {"COUNT(DISTINCT 10 k) by 10 keys",
     {{INT_RANDOM, 10}}, 1, AGG_COUNT, true, {INT_RANDOM, 10000}, 1},
};

struct bench {
    const struct bench_case *c;
    struct run run;
    struct run_context context;
    struct mem_budget budget;
    uint64_t rows;
    void *keys[2], *arg;
    struct aggregation_plan plan;
    struct aggregation *locals[64];
    struct arena scratch[64];
    _Atomic uint64_t groups;
};

static const enum vtype types[KINDS] = {VT_INT, VT_INT, VT_INT, VT_INT, VT_TEXT, VT_INT, VT_REAL,
                                        VT_REAL, VT_TEXT};

static struct dict dict; /* of a DICT column: in the order of the texts */

/* The texts of a column, of one column at a time. */
static char *make_texts(const struct column *column)
{
    static char *texts;
    struct strref *values = malloc((column->distinct + 1) * sizeof *values);
    free(texts);
    free((void *)(uintptr_t)dict.values);
    texts = malloc(column->distinct * 24 + 1);
    if (!texts || !values)
        exit(1);
    for (uint64_t i = 0; i < column->distinct; i++) {
        snprintf(texts + i * 24, 24, "Customer#%09u", (unsigned)i);
        values[i] = (struct strref){texts + i * 24, 18};
    }
    dict = (struct dict){dict.id + 1, (uint32_t)column->distinct, values};
    return texts;
}

static void *make_data(const struct column *column, uint64_t rows, uint64_t salt)
{
    bool text = column->kind == TEXT || column->kind == DICT;
    size_t size = column->kind == TEXT ? sizeof(struct strref) : 8;
    char *data = malloc(rows * size + 4096);
    const char *texts = text ? make_texts(column) : NULL;
    if (!data)
        exit(1);
    for (uint64_t i = 0; i < rows; i++) {
        uint64_t r = hash_u64(i + salt * 1000000007) % (column->distinct ? column->distinct : 1);
        int64_t *ints = (int64_t *)(void *)data;
        if (column->kind == INT_CLUSTERED || column->kind == INT_CODES) {
            uint64_t order = i * column->distinct / rows;
            ints[i] = (int64_t)(order / 8 * 32 + order % 8);
        } else if (column->kind == INT_SPARSE) {
            ints[i] = (int64_t)hash_u64(r + 99);
        } else if (column->kind == TEXT) {
            ((struct strref *)(void *)data)[i] = (struct strref){texts + r * 24, 18};
        } else if (column->kind == REALS) {
            ((double *)(void *)data)[i] = (double)(hash_u64(i) % 1000000) / 7;
        } else {
            ints[i] = (int64_t)r;
        }
    }
    return data;
}

/* Numbers as codes of `width` bytes. */
static void *make_codes(const int64_t *ints, uint32_t count, uint8_t width, struct arena *arena)
{
    char *codes = arena_array(arena, char, (size_t)count * width + 64);
    for (uint32_t i = 0; codes && i < count; i++)
        memcpy(codes + (size_t)i * width, &ints[i], width);
    return codes;
}

static struct vector slice(const struct column *column, const void *data, uint64_t row,
                           uint32_t count, struct arena *arena)
{
    static const uint8_t widths[KINDS] = {[INT_CODES] = 4, [SMALL] = 1, [CENTS] = 4, [DICT] = 2};
    struct vector v = {.type = types[column->kind], .form = VF_FLAT, .count = count};
    v.data = (const char *)data + row * (column->kind == TEXT ? sizeof(struct strref) : 8);
    v.code_width = widths[column->kind];
    if (!v.code_width)
        return v;
    v.form = column->kind == DICT ? VF_DICT : VF_CODES;
    v.scale = column->kind == CENTS ? 2 : 0;
    v.dict = column->kind == DICT ? &dict : NULL;
    v.data = make_codes(v.data, count, v.code_width, arena);
    return v;
}

static yoda_status consume(void *ctx, uint32_t worker, uint32_t morsel, yoda_error *err)
{
    struct bench *b = ctx;
    const struct bench_case *c = b->c;
    struct arena *arena = &b->scratch[worker];
    if (!b->locals[worker])
        TRY(aggregation_create(&b->plan, &b->budget, &b->locals[worker], err));
    uint64_t row = (uint64_t)morsel * MORSEL_ROWS;
    uint64_t end = row + MORSEL_ROWS < b->rows ? row + MORSEL_ROWS : b->rows;
    for (; row < end; row += VECTOR_ROWS) {
        uint32_t n = end - row < VECTOR_ROWS ? (uint32_t)(end - row) : VECTOR_ROWS;
        static const uint64_t *no_filters[1];
        static const uint8_t no_decimals[1] = {DECIMAL_NONE};
        struct vector keys[2], arg;
        arena_reset(arena);
        for (uint32_t k = 0; k < c->key_count; k++)
            keys[k] = slice(&c->keys[k], b->keys[k], row, n, arena);
        arg = slice(&c->arg, b->arg, row, n, arena);
        struct aggregation_batch batch = {.rows = n, .keys = keys, .args = &arg,
                                          .decimal_args = no_decimals, .filters = no_filters};
        TRY(aggregation_consume(b->locals[worker], &batch, arena, err));
    }
    return YODA_OK;
}

static yoda_status count_push(struct op *op, struct worker *worker, const struct row_set *in,
                              yoda_error *err)
{
    YODA_UNUSED(worker), YODA_UNUSED(err);
    struct bench *b = (struct bench *)(void *)op->next;
    atomic_fetch_add_explicit(&b->groups, in->rows, memory_order_relaxed);
    return YODA_OK;
}

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

struct times {
    double wall, cpu, consume, combine;
};

static yoda_status run_once(struct bench *b, struct times *out, yoda_error *err)
{
    static const struct op_type sink = {.push = count_push};
    struct op op = {.type = &sink, .run = &b->run, .next = (struct op *)(void *)b};
    struct aggregation **finals;
    uint32_t final_count = 0;
    struct aggregation_source source;
    memset(b->locals, 0, sizeof b->locals);
    atomic_store(&b->groups, 0);
    arena_init(&b->run.arena, NULL);
    int64_t start = os_monotonic_ns();
    double cpu = cpu_ms();
    TRY(run_tasks(&b->run, (uint32_t)((b->rows + MORSEL_ROWS - 1) / MORSEL_ROWS), consume, b, err));
    int64_t consumed = os_monotonic_ns();
    TRY(aggregation_combine(&b->run, &b->plan, b->locals, &finals, &final_count, err));
    int64_t combined = os_monotonic_ns();
    aggregation_source_init(&source, &b->plan, finals, final_count);
    TRY(pipeline_run(&b->run, &source.source, &op, err));
    for (uint32_t i = 0; i < final_count; i++)
        aggregation_destroy(finals[i]);
    out->wall = (double)(os_monotonic_ns() - start) / 1e6;
    out->cpu = cpu_ms() - cpu;
    out->consume = (double)(consumed - start) / 1e6;
    out->combine = (double)(combined - consumed) / 1e6;
    arena_deinit(&b->run.arena);
    return YODA_OK;
}

static yoda_status run_case(struct bench *b, const struct bench_case *c, uint64_t rows,
                            yoda_error *err)
{
    static const uint32_t slots[1] = {0};
    struct expr input = {.kind = EXPR_INPUT, .type = types[c->arg.kind], .classes = CLASS_NULL};
    expr_ref arg = &input;
    struct aggregate aggregate = {.kind = c->aggregate, .distinct = c->distinct, .arg = arg};
    const struct aggregate *outputs[1] = {&aggregate};
    struct group_key keys[2] = {{types[c->keys[0].kind], COLLATE_BINARY},
                                {types[c->keys[1].kind], COLLATE_BINARY}};
    TRY(aggregate_init(&aggregate, err));
    struct unit_spec spec = {.type = unit_type_of(&aggregate, false), .aggregate = &aggregate,
                             .arg_count = c->aggregate != AGG_COUNT_ROWS, .args = &arg,
                             .arg_slots = slots, .grouped = c->key_count > 0};
    b->c = c;
    b->rows = rows / c->row_divisor;
    b->plan = (struct aggregation_plan){c->key_count, 1, 1, keys, &spec, outputs, slots};
    for (uint32_t k = 0; k < c->key_count; k++)
        b->keys[k] = make_data(&c->keys[k], b->rows, k);
    b->arg = make_data(&c->arg, b->rows, 2);
    struct times best = {.wall = 1e30}, now;
    for (int r = 0; r < ROUNDS; r++) {
        TRY(run_once(b, &now, err));
        if (now.wall < best.wall)
            best = now;
    }
    printf("%-42s %8.1f ms wall (%6.1f in, %5.1f combine) %8.1f ms CPU %6.1f ns/row %9llu groups\n",
           c->name, best.wall, best.consume, best.combine, best.cpu,
           best.cpu * 1e6 / (double)b->rows, (unsigned long long)b->groups);
    for (uint32_t k = 0; k < c->key_count; k++)
        free(b->keys[k]);
    free(b->arg);
    return YODA_OK;
}

int main(int argc, char **argv)
{
    static struct bench b;
    yoda_error err;
    uint32_t workers = argc > 1 ? (uint32_t)atoi(argv[1]) : 1;
    uint64_t rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 6000000;
    struct task_pool *pool;
    if (workers < 1 || workers > 64 || task_pool_create(workers, &pool, &err) != YODA_OK)
        return 1;
    mem_budget_init(&b.budget, NULL, 0);
    b.context = (struct run_context){.pool = pool, .budget = &b.budget};
    b.run = (struct run){.context = &b.context, .workers = workers};
    for (uint32_t w = 0; w < workers; w++)
        arena_init(&b.scratch[w], NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (argc > 3 && !strstr(cases[i].name, argv[3]))
            continue;
        if (run_case(&b, &cases[i], rows, &err) != YODA_OK) {
            fprintf(stderr, "%s: %s\n", cases[i].name, err.message);
            return 1;
        }
    }
    for (uint32_t w = 0; w < workers; w++)
        arena_deinit(&b.scratch[w]);
    task_pool_destroy(pool);
    return 0;
}
