/*
 * function.h -- the table of scalar functions.
 *
 * To add a function: write its scalar in function_number.c / function_text.c / function_date.c and
 * add one line to the table in function_table.c. Arguments arrive converted as `args` says, one
 * letter per argument, the last repeating: t text, i integer, r real, n number (INTEGER or REAL as
 * the operand of +), a number (text becomes a REAL), v any value, b TEXT or BLOB (numbers become
 * text).
 */
#ifndef YODA_OLAP_FUNCTION_H
#define YODA_OLAP_FUNCTION_H

#include "olap/exec/eval.h"

enum function_form {
    FUNCTION_ROWS,     /* scalar, row by row                       */
    FUNCTION_VECTOR,   /* vector: the whole call at once           */
    FUNCTION_COALESCE, /* lazy; also ifnull                        */
    FUNCTION_REWRITE   /* build makes another expression of it     */
};

struct function_row { /* a scalar's surroundings */
    const struct expr *e;
    struct arena *arena;
    yoda_error *err;
};

struct function {
    const char *name;
    uint8_t min_args, max_args; /* UINT8_MAX: any number */
    enum function_form form;
    const char *args;
    uint8_t typed_args; /* > 0: the result has the type of the first so many arguments, unified */
    enum vtype type;    /* otherwise of the result */
    bool takes_null;  /* is called for rows with a NULL argument; others give NULL for them */
    bool makes_null;  /* may return NULL without a NULL argument */
    bool raises;      /* is an error for some arguments */
    bool compares;    /* takes the collation of the first argument that has one */
    yoda_status (*scalar)(struct function_row *row, const struct value *args, uint32_t count,
                          struct value *out);
    yoda_status (*vector)(const struct eval_call *call, struct vector *out);
    /* REWRITE: makes *out. Others: checks the arguments, leaves *out alone. May be NULL. */
    yoda_status (*build)(struct expr_builder *b, const struct function *f, const expr_ref *args,
                         uint32_t count, expr_ref *out);
};

/* NULL where there is none of that name. */
const struct function *function_find(const char *name, size_t size, uint32_t count,
                                     bool *wrong_count);
/* The hidden function that makes a number of a text operand. */
extern const struct function function_to_number;
YODA_MUST_CHECK yoda_status function_eval(const struct eval_call *call, struct vector *out);
bool function_is_lazy(const struct function *f);

#define FUNCTION_SCALAR(name)                                                                      \
    yoda_status function_##name(struct function_row *row, const struct value *args,                \
                                uint32_t count, struct value *out)
FUNCTION_SCALAR(abs);
FUNCTION_SCALAR(round);
FUNCTION_SCALAR(sign);
FUNCTION_SCALAR(min_max);
FUNCTION_SCALAR(number);
FUNCTION_SCALAR(typeof);
FUNCTION_SCALAR(length);
FUNCTION_SCALAR(lower);
FUNCTION_SCALAR(upper);
FUNCTION_SCALAR(substr);
FUNCTION_SCALAR(trim);
FUNCTION_SCALAR(replace);
FUNCTION_SCALAR(instr);
FUNCTION_SCALAR(unicode);
FUNCTION_SCALAR(char);
FUNCTION_SCALAR(hex);

YODA_MUST_CHECK yoda_status function_replace_build(struct expr_builder *b,
                                                   const struct function *f, const expr_ref *args,
                                                   uint32_t count, expr_ref *out);
YODA_MUST_CHECK yoda_status function_nullif(const struct eval_call *call, struct vector *out);
YODA_MUST_CHECK yoda_status function_is_true(const struct eval_call *call, struct vector *out);
/* date, time, datetime, julianday, unixepoch, strftime: told apart by the function's name. */
YODA_MUST_CHECK yoda_status function_date(const struct eval_call *call, struct vector *out);
YODA_MUST_CHECK yoda_status function_date_build(struct expr_builder *b, const struct function *f,
                                                const expr_ref *args, uint32_t count,
                                                expr_ref *out);

#endif
