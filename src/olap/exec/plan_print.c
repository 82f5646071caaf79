/*
 * plan_print.c -- a plan as a tree of text, one node a line.
 *
 *   LIMIT 10
 *   └─ SORT sum(price) DESC (top 10)  ~3 rows
 *      └─ AGGREGATE by flag: sum(price)  ~3 rows
 *         └─ INNER JOIN on id = item (unique)  ~6000 rows
 *            ├─ SCAN lineitem (id, price, day) where day < '1998-09-02'  ~6000 rows
 *            └─ SCAN item (item, flag)  ~10 rows
 *
 * The build side of a join is its last input. A shared plan is drawn where it is met first.
 */
#include "olap/exec/plan_names.h"

#include <inttypes.h>

/* ---- Parts ---- */

static void print_list(const char *const *names, const uint32_t *columns, uint32_t count,
                       struct str *out)
{
    for (uint32_t i = 0; i < count; i++)
        str_printf(out, "%s%s", i ? ", " : "", names[columns ? columns[i] : i]);
}

static void print_exprs(const expr_ref *exprs, uint32_t count, const char *separator,
                        const char *const *names, struct str *out)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            str_puts(out, separator);
        expr_print(exprs[i], names, out);
    }
}

static void print_keys(const struct sort_key *keys, uint32_t count, const char *const *names,
                       struct str *out)
{
    for (uint32_t k = 0; k < count; k++) {
        str_printf(out, "%s%s%s", k ? ", " : "", names[keys[k].column],
                   keys[k].descending ? " DESC" : "");
        if (keys[k].nulls_last != keys[k].descending)
            str_puts(out, keys[k].nulls_last ? " NULLS LAST" : " NULLS FIRST");
    }
}

/* ---- Nodes ---- */

static void print_scan(const struct named *node, struct str *out)
{
    const struct plan *plan = node->plan;
    str_printf(out, "SCAN %s (", plan->u.scan.table_name);
    print_list(node->names, NULL, plan->column_count, out);
    str_putc(out, ')');
    if (plan->u.scan.filter_count) {
        str_puts(out, " where ");
        print_exprs(plan->u.scan.filters, plan->u.scan.filter_count, " and ", node->names, out);
    }
}

static void print_aggregates(const struct plan *plan, const char *const *names, struct str *out)
{
    uint32_t count = plan->u.aggregate.aggregate_count;
    str_puts(out, count ? "AGGREGATE" : "DISTINCT");
    if (plan->u.aggregate.key_count) {
        str_puts(out, count ? " by " : " ");
        print_exprs(plan->u.aggregate.keys, plan->u.aggregate.key_count, ", ", names, out);
    }
    for (uint32_t i = 0; i < count; i++) {
        str_puts(out, i ? ", " : ": ");
        plan_print_aggregate(&plan->u.aggregate.aggregates[i], names, out);
    }
}

static void print_sort(const struct plan *plan, const char *const *names, struct str *out)
{
    str_puts(out, "SORT ");
    print_keys(plan->u.sort.keys, plan->u.sort.key_count, names, out);
    if (plan->u.sort.limit != UINT64_MAX)
        str_printf(out, " (top %" PRIu64 ")", plan->u.sort.limit);
}

static void print_limit(const struct plan *plan, struct str *out)
{
    str_puts(out, "LIMIT");
    if (plan->u.limit.limit == UINT64_MAX)
        str_puts(out, " none");
    else
        str_printf(out, " %" PRIu64, plan->u.limit.limit);
    if (plan->u.limit.offset)
        str_printf(out, " offset %" PRIu64, plan->u.limit.offset);
}

/* A residual sees the columns of both sides. */
static void print_residual(const struct named *node, struct str *out)
{
    const struct plan *child = node->plan->child, *build = node->plan->u.join.build;
    size_t count = (size_t)child->column_count + build->column_count;
    const char **names = mem_calloc(count, sizeof *names);
    for (uint32_t i = 0; names && i < count; i++)
        names[i] = i < child->column_count ? node->inputs[0]->names[i]
                                           : node->inputs[1]->names[i - child->column_count];
    expr_print(node->plan->u.join.residual, names, out);
    mem_free(names);
}

static void print_join(const struct named *node, struct str *out)
{
    static const char *const kinds[] = {
        [JOIN_INNER] = "INNER JOIN",           [JOIN_LEFT] = "LEFT JOIN",
        [JOIN_RIGHT] = "RIGHT JOIN",           [JOIN_FULL] = "FULL JOIN",
        [JOIN_SEMI] = "SEMI JOIN",             [JOIN_ANTI] = "ANTI JOIN",
        [JOIN_RIGHT_SEMI] = "RIGHT SEMI JOIN", [JOIN_RIGHT_ANTI] = "RIGHT ANTI JOIN",
        [JOIN_MARK] = "MARK JOIN",             [JOIN_SINGLE] = "SINGLE JOIN"};
    const struct plan *plan = node->plan;
    bool cross = plan->u.join.kind == JOIN_INNER && !plan->u.join.key_count;
    str_puts(out, cross ? "CROSS JOIN" : kinds[plan->u.join.kind]);
    for (uint32_t k = 0; k < plan->u.join.key_count; k++) {
        const struct join_key *key = &plan->u.join.keys[k];
        str_puts(out, k ? " and " : " on ");
        expr_print(key->probe, node->inputs[0]->names, out);
        str_puts(out, key->null_safe ? " is " : " = ");
        expr_print(key->build, node->inputs[1]->names, out);
    }
    if (plan->u.join.residual) {
        str_puts(out, " where ");
        print_residual(node, out);
    }
    str_puts(out, plan->u.join.build_unique ? " (unique)" : "");
    str_puts(out, plan->u.join.null_aware ? " (null-aware)" : "");
}

static void print_offset(enum frame_bound bound, const struct value *offset, struct str *out)
{
    static const char *const bounds[] = {
        [FRAME_UNBOUNDED_PRECEDING] = "unbounded preceding", [FRAME_PRECEDING] = " preceding",
        [FRAME_CURRENT_ROW] = "current row", [FRAME_FOLLOWING] = " following",
        [FRAME_UNBOUNDED_FOLLOWING] = "unbounded following"};
    if (bound == FRAME_PRECEDING || bound == FRAME_FOLLOWING) {
        if (offset->type == YODA_REAL)
            str_printf(out, "%.15g", offset->r);
        else
            str_printf(out, "%" PRId64, offset->i);
    }
    str_puts(out, bounds[bound]);
}

static void print_frame(const struct window_frame *frame, struct str *out)
{
    static const char *const modes[] = {
        [FRAME_ROWS] = "rows", [FRAME_RANGE] = "range", [FRAME_GROUPS] = "groups"};
    static const char *const excludes[] = {[EXCLUDE_NO_OTHERS] = "",
                                           [EXCLUDE_CURRENT] = " exclude current row",
                                           [EXCLUDE_GROUP] = " exclude group",
                                           [EXCLUDE_TIES] = " exclude ties"};
    if (frame->mode == FRAME_RANGE && frame->from == FRAME_UNBOUNDED_PRECEDING &&
        frame->to == FRAME_CURRENT_ROW && frame->exclude == EXCLUDE_NO_OTHERS)
        return; /* the default */
    str_printf(out, " %s between ", modes[frame->mode]);
    print_offset(frame->from, &frame->from_offset, out);
    str_puts(out, " and ");
    print_offset(frame->to, &frame->to_offset, out);
    str_puts(out, excludes[frame->exclude]);
}

static void print_window(const struct plan *plan, const char *const *names, struct str *out)
{
    str_puts(out, "WINDOW ");
    for (uint32_t i = 0; i < plan->u.window.call_count; i++) {
        str_puts(out, i ? ", " : "");
        plan_print_call(&plan->u.window.calls[i], names, out);
    }
    if (plan->u.window.partition_count) {
        str_puts(out, " partition by ");
        print_list(names, plan->u.window.partition, plan->u.window.partition_count, out);
    }
    if (plan->u.window.order_count) {
        str_puts(out, " order by ");
        print_keys(plan->u.window.order, plan->u.window.order_count, names, out);
    }
    print_frame(&plan->u.window.frame, out);
}

static void print_set(const struct plan *plan, struct str *out)
{
    static const char *const kinds[] = {[SET_UNION_ALL] = "UNION ALL",
                                        [SET_INTERSECT] = "INTERSECT",
                                        [SET_EXCEPT] = "EXCEPT"};
    str_puts(out, kinds[plan->u.set.kind]);
}

static void print_node(const struct named *node, struct str *out)
{
    const struct plan *plan = node->plan;
    const char *const *below = node->input_count ? node->inputs[0]->names : NULL;
    switch (plan->kind) {
    case PLAN_SCAN:
        print_scan(node, out);
        break;
    case PLAN_FILTER:
        str_puts(out, "FILTER ");
        expr_print(plan->u.filter.condition, below, out);
        break;
    case PLAN_PROJECT:
        str_puts(out, "PROJECT ");
        print_exprs(plan->u.project.exprs, plan->column_count, ", ", below, out);
        break;
    case PLAN_AGGREGATE:
        print_aggregates(plan, below, out);
        break;
    case PLAN_DISTINCT:
        str_puts(out, "DISTINCT ");
        print_list(node->names, NULL, plan->column_count, out);
        break;
    case PLAN_SORT:
        print_sort(plan, below, out);
        break;
    case PLAN_LIMIT:
        print_limit(plan, out);
        break;
    case PLAN_VALUES:
        str_printf(out, "VALUES %u row%s", (unsigned)plan->u.values.row_count,
                   plan->u.values.row_count == 1 ? "" : "s");
        break;
    case PLAN_JOIN:
        print_join(node, out);
        break;
    case PLAN_WINDOW:
        print_window(plan, below, out);
        break;
    case PLAN_SET:
        print_set(plan, out);
        break;
    case PLAN_SHARED:
        str_printf(out, "SHARED%s", node->inputs[0]->seen ? " (as above)" : "");
        break;
    }
}

/* ---- The tree ---- */

struct drawing {
    const struct plan_lines *lines;
    struct str branch, text;
    uint32_t depth;
};

static void draw(struct drawing *d, struct named *node, const char *corner, const char *stem)
{
    size_t size = d->branch.size;
    str_puts(&d->branch, corner);
    str_clear(&d->text);
    print_node(node, &d->text);
    d->lines->line(d->lines->ctx, node->plan, d->depth, str_text(&d->branch), str_text(&d->text));
    d->branch.size = size;
    if (d->branch.data)
        d->branch.data[size] = '\0';
    bool again = node->plan->kind == PLAN_SHARED && node->inputs[0]->seen;
    if (node->plan->kind == PLAN_SHARED)
        node->inputs[0]->seen = true;
    str_puts(&d->branch, stem);
    d->depth++;
    for (uint32_t i = 0; !again && i < node->input_count; i++) {
        bool last = i + 1 == node->input_count;
        draw(d, node->inputs[i], last ? "└─ " : "├─ ", last ? "   " : "│  ");
    }
    d->depth--;
    d->branch.size = size;
    if (d->branch.data)
        d->branch.data[size] = '\0';
}

yoda_status plan_draw(const struct plan *plan, const struct plan_lines *lines, yoda_error *err)
{
    struct drawing d = {.lines = lines};
    struct named *root = NULL;
    struct arena arena;
    arena_init(&arena, NULL);
    str_init(&d.branch);
    str_init(&d.text);
    yoda_status status = plan_names(plan, &arena, &root, err);
    if (status == YODA_OK)
        draw(&d, root, "", "");
    if (status == YODA_OK && (d.branch.failed || d.text.failed))
        status = fail_nomem(err, d.text.size);
    str_deinit(&d.branch);
    str_deinit(&d.text);
    arena_deinit(&arena);
    return status;
}

static void print_line(void *ctx, const struct plan *plan, uint32_t depth, const char *branch,
                       const char *text)
{
    struct str *out = ctx;
    YODA_UNUSED(depth);
    str_printf(out, "%s%s", branch, text);
    if (plan->estimated_rows > 0)
        str_printf(out, "  ~%.0f row%s", plan->estimated_rows,
                   plan->estimated_rows < 1.5 && plan->estimated_rows >= 0.5 ? "" : "s");
    str_putc(out, '\n');
}

void plan_print(const struct plan *plan, struct str *out)
{
    const struct plan_lines lines = {.line = print_line, .ctx = out};
    yoda_error none;
    if (plan_draw(plan, &lines, &none) != YODA_OK)
        out->failed = true;
}
