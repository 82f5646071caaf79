/*
 * explain.c -- a profiled plan as a result: see explain.h.
 *
 *   plan                                   rows  estimated  ms   bytes  spilled  read        depth
 *   column: the columns can answer it
 *   AGGREGATE by flag: sum(price)             3          3  0.1   4096        0                0
 *   └─ SCAN lineitem (price, flag)         6000       6000  0.4      0        0  1/1 segm...   1
 *   planning                                                0.2
 *   total                                                   0.9
 *
 * ms is a node's own time, of all threads together; so it may sum up to more than the total. What
 * does not apply is NULL.
 */
#include "engine/explain.h"

#include <inttypes.h>
#include <stdio.h>

enum { PLAN, ROWS, ESTIMATED, MS, BYTES, SPILLED, READ, DEPTH, EXPLAIN_COLUMNS };

yoda_status explain_open(yoda_result *result, yoda_error *err)
{
    static const char *const names[EXPLAIN_COLUMNS] = {
        [PLAN] = "plan",   [ROWS] = "rows",       [ESTIMATED] = "estimated", [MS] = "ms",
        [BYTES] = "bytes", [SPILLED] = "spilled", [READ] = "read",           [DEPTH] = "depth"};
    return result_set_columns(result, EXPLAIN_COLUMNS, names, err);
}

/* Microseconds are enough. */
static struct value as_ms(int64_t ns)
{
    return value_real((double)((ns + 500) / 1000) / 1000);
}

yoda_status explain_line(yoda_result *result, const char *text, int64_t ns, yoda_error *err)
{
    struct value row[EXPLAIN_COLUMNS];
    for (int i = 0; i < EXPLAIN_COLUMNS; i++)
        row[i] = value_null();
    row[PLAN] = value_text(text, strlen(text));
    row[READ] = value_text("", 0);
    if (ns >= 0)
        row[MS] = as_ms(ns);
    return batch_list_append(&result->list, row, err);
}

struct tree {
    yoda_result *result;
    const struct op_profile *profile;
    yoda_status status;
    yoda_error *err;
};

static void read_text(const struct op_profile *p, char out[96])
{
    uint64_t absorbed = atomic_load(&p->segments_absorbed);
    int n = snprintf(out, 96, "%" PRIu64 "/%" PRIu64 " segments, %" PRIu64 "/%" PRIu64 " vectors",
                     atomic_load(&p->segments_read), atomic_load(&p->segments_total),
                     atomic_load(&p->vectors_read), atomic_load(&p->vectors_total));
    if (absorbed && n > 0 && n < 96)
        snprintf(out + n, 96 - (size_t)n, ", %" PRIu64 " by statistics", absorbed);
}

static void add_node(void *ctx, const struct plan *plan, uint32_t depth, const char *branch,
                     const char *text)
{
    struct tree *tree = ctx;
    const struct op_profile *p = &tree->profile[plan->id];
    struct value row[EXPLAIN_COLUMNS];
    char read[96];
    struct str line;
    if (tree->status != YODA_OK)
        return;
    str_init(&line);
    str_printf(&line, "%s%s", branch, text);
    read_text(p, read);
    row[PLAN] = value_text(str_text(&line), line.size);
    row[ROWS] = value_int((int64_t)atomic_load(&p->rows));
    row[ESTIMATED] =
        plan->estimated_rows > 0 ? value_int((int64_t)(plan->estimated_rows + 0.5)) : value_null();
    row[MS] = as_ms((int64_t)atomic_load(&p->time_ns));
    row[BYTES] = value_int((int64_t)atomic_load(&p->bytes));
    row[SPILLED] = value_int((int64_t)atomic_load(&p->spilled_bytes));
    row[READ] = plan->kind == PLAN_SCAN ? value_text(read, strlen(read)) : value_text("", 0);
    row[DEPTH] = value_int(depth);
    tree->status = str_check(&line, tree->err);
    if (tree->status == YODA_OK)
        tree->status = batch_list_append(&tree->result->list, row, tree->err);
    str_deinit(&line);
}

yoda_status explain_tree(yoda_result *result, const struct plan *plan,
                         const struct op_profile *profile, yoda_error *err)
{
    struct tree tree = {.result = result, .profile = profile, .status = YODA_OK, .err = err};
    const struct plan_lines lines = {.line = add_node, .ctx = &tree};
    TRY(plan_draw(plan, &lines, err));
    return tree.status;
}
