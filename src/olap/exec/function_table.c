/*
 * function_table.c -- the functions there are, and calling one row by row.
 *
 * Aggregates, and what the table lacks, run on SQLite; min and max of one argument are aggregates.
 */
#include "base/str.h"
#include "olap/exec/expr_node.h"
#include "olap/exec/function.h"

#define ANY UINT8_MAX

/* ---- Functions that are other expressions --------------------------------------------------- */

static yoda_status build_likely(struct expr_builder *b, const struct function *f,
                                const expr_ref *args, uint32_t count, expr_ref *out)
{
    const struct expr *p = args[count - 1];
    bool probability = count == 1 || (p->kind == EXPR_CONST && p->constant.type == YODA_REAL &&
                                      p->constant.r >= 0.0 && p->constant.r <= 1.0);
    if (!probability)
        return fail(b->err, YODA_NOT_COLUMNAR, "%s() with this probability", f->name);
    return expr_bare(b, args[0], out);
}

static yoda_status build_iif(struct expr_builder *b, const struct function *f,
                             const expr_ref *args, uint32_t count, expr_ref *out)
{
    YODA_UNUSED(f);
    ASSERT(count == 3);
    YODA_UNUSED(count);
    return expr_case(b, NULL, &args[0], &args[1], 1, args[2], out);
}

/* ---- The table ------------------------------------------------------------------------------ */

/* clang-format off */
#define ROWS(f) .form = FUNCTION_ROWS, .scalar = function_##f
#define VECTOR(f) .form = FUNCTION_VECTOR, .vector = function_##f
static const struct function functions[] = {
    {"abs",        1, 1,   ROWS(abs),     .args = "a",   .typed_args = 1,
                           .raises = true},
    {"char",       0, 100, ROWS(char),    .args = "i",   .type = VT_TEXT, .takes_null = true},
    {"coalesce",   2, 100, .form = FUNCTION_COALESCE, .args = "v", .typed_args = ANY,
                           .takes_null = true},
    {"date",       1, 1,   VECTOR(date),  .args = "v",   .type = VT_TEXT,
                           .build = function_date_build},
    {"datetime",   1, 1,   VECTOR(date),  .args = "v",   .type = VT_TEXT,
                           .build = function_date_build},
    {"hex",        1, 1,   ROWS(hex),     .args = "b",   .type = VT_TEXT, .takes_null = true},
    {"ifnull",     2, 2,   .form = FUNCTION_COALESCE, .args = "v", .typed_args = ANY,
                           .takes_null = true},
    {"iif",        3, 3,   .form = FUNCTION_REWRITE, .build = build_iif},
    {"instr",      2, 2,   ROWS(instr),   .args = "b",   .type = VT_INT},
    {"is false",   1, 1,   VECTOR(is_true), .args = "v", .type = VT_INT, .takes_null = true},
    {"is not false", 1, 1, VECTOR(is_true), .args = "v", .type = VT_INT, .takes_null = true},
    {"is not true", 1, 1,  VECTOR(is_true), .args = "v", .type = VT_INT, .takes_null = true},
    {"is true",    1, 1,   VECTOR(is_true), .args = "v", .type = VT_INT, .takes_null = true},
    {"julianday",  1, 1,   VECTOR(date),  .args = "v",   .type = VT_REAL,
                           .build = function_date_build},
    {"length",     1, 1,   ROWS(length),  .args = "b",   .type = VT_INT},
    {"likelihood", 2, 2,   .form = FUNCTION_REWRITE, .build = build_likely},
    {"likely",     1, 1,   .form = FUNCTION_REWRITE, .build = build_likely},
    {"lower",      1, 1,   ROWS(lower),   .args = "t",   .type = VT_TEXT},
    {"ltrim",      1, 2,   ROWS(trim),    .args = "t",   .type = VT_TEXT},
    {"max",        2, 100, ROWS(min_max), .args = "v",   .typed_args = ANY, .compares = true},
    {"min",        2, 100, ROWS(min_max), .args = "v",   .typed_args = ANY, .compares = true},
    {"nullif",     2, 2,   VECTOR(nullif), .args = "v",  .typed_args = 1, .takes_null = true,
                           .makes_null = true, .compares = true},
    {"replace",    3, 3,   ROWS(replace), .args = "t",   .type = VT_TEXT, .takes_null = true,
                           .makes_null = true, .build = function_replace_build},
    {"round",      1, 2,   ROWS(round),   .args = "ri",  .type = VT_REAL},
    {"rtrim",      1, 2,   ROWS(trim),    .args = "t",   .type = VT_TEXT},
    {"sign",       1, 1,   ROWS(sign),    .args = "v",   .type = VT_INT, .makes_null = true},
    {"strftime",   2, 2,   VECTOR(date),  .args = "tv",  .type = VT_TEXT,
                           .build = function_date_build},
    {"substr",     2, 3,   ROWS(substr),  .args = "bi",  .typed_args = 1, .makes_null = true},
    {"substring",  2, 3,   ROWS(substr),  .args = "bi",  .typed_args = 1, .makes_null = true},
    {"time",       1, 1,   VECTOR(date),  .args = "v",   .type = VT_TEXT,
                           .build = function_date_build},
    {"trim",       1, 2,   ROWS(trim),    .args = "t",   .type = VT_TEXT},
    {"typeof",     1, 1,   ROWS(typeof),  .args = "v",   .type = VT_TEXT, .takes_null = true},
    {"unicode",    1, 1,   ROWS(unicode), .args = "t",   .type = VT_INT, .makes_null = true},
    {"unixepoch",  1, 1,   VECTOR(date),  .args = "v",   .type = VT_INT,
                           .build = function_date_build},
    {"unlikely",   1, 1,   .form = FUNCTION_REWRITE, .build = build_likely},
    {"upper",      1, 1,   ROWS(upper),   .args = "t",   .type = VT_TEXT},
};
/* clang-format on */

const struct function function_to_number = {
    .name = "number", .min_args = 1, .max_args = 1, .form = FUNCTION_ROWS, .args = "v",
    .type = VT_NUM, .scalar = function_number};

const struct function *function_find(const char *name, size_t size, uint32_t count,
                                     bool *wrong_count)
{
    *wrong_count = false;
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        const struct function *f = &functions[i];
        if (!ascii_equal_nocase(f->name, strlen(f->name), name, size))
            continue;
        *wrong_count = count < f->min_args || count > f->max_args;
        return f;
    }
    return NULL;
}

bool function_is_lazy(const struct function *f)
{
    return f->form == FUNCTION_COALESCE;
}

/* ---- Calling -------------------------------------------------------------------------------- */

/* Load the arguments of one row; false when one is NULL. */
static bool load_row(const struct vector *lanes, uint32_t count, uint32_t row, struct value *args)
{
    bool complete = true;
    for (uint32_t i = 0; i < count; i++) {
        args[i] = lane_value(&lanes[i], row);
        complete &= args[i].type != YODA_NULL;
    }
    return complete;
}

static yoda_status eval_rows(const struct eval_call *call, struct vector *out)
{
    const struct function *f = call->e->function;
    uint32_t n = call->e->arg_count;
    struct function_row surroundings = {
        .e = call->e, .arena = call->eval->arena, .err = call->err};
    struct vector *lanes;
    struct lane_writer w;
    struct value *args = eval_alloc(call->eval, (n + 1) * sizeof *args, call->err);
    if (!args)
        return YODA_NOMEM;
    TRY(lane_vectors(call, &lanes));
    TRY(lane_writer_init(&w, call->eval->arena, call->e->type, call->rows, call->err));
    for (uint32_t row = 0; row < call->rows; row++) {
        struct value v = value_null();
        if (load_row(lanes, n, row, args) || f->takes_null)
            TRY(f->scalar(&surroundings, args, n, &v));
        lane_writer_put(&w, row, &v);
    }
    lane_writer_finish(&w, out);
    return YODA_OK;
}

yoda_status function_eval(const struct eval_call *call, struct vector *out)
{
    const struct function *f = call->e->function;
    ASSERT(f->form == FUNCTION_ROWS || f->form == FUNCTION_VECTOR);
    return f->form == FUNCTION_VECTOR ? f->vector(call, out) : eval_rows(call, out);
}
