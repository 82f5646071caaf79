/*
 * decimal.h -- sums of + - * over decimal numbers, in exact integers instead of doubles.
 *
 * `price * (1 - discount)` over columns that are codes of m / 10^scale is itself some m / 10^scale.
 * Inside SUM, TOTAL and AVG such an expression is evaluated as int64 m: no division, no rounding,
 * and what several aggregates have in common is computed once. Per row set each node knows bounds
 * of its m, so that no overflow can happen; what does not fit (plain doubles, wide codes, bounds
 * too large) is not exact, and the expression is evaluated in the ordinary way for that row set.
 *
 * A row's class stays SQLite's: REAL where any leaf is REAL, also where the value is whole. Nobody
 * needs it once a group has seen a REAL, so it is found out only for the rows that are asked for.
 *
 * Forms of a node's m, cheapest first; making numbers of the others is put off:
 *   constant   offset
 *   codes      offset + code, or offset - code (1 - discount costs nothing)
 *   numbers    an array
 *
 * Threads: a program is immutable; struct decimal belongs to one row set.
 */
#ifndef YODA_OLAP_DECIMAL_H
#define YODA_OLAP_DECIMAL_H

#include "olap/exec/expr.h"

#define DECIMAL_NODES 64u
#define DECIMAL_SCALE_MAX 15
#define DECIMAL_NONE UINT8_MAX

struct decimal_node {
    enum { DECIMAL_COLUMN, DECIMAL_CONSTANT, DECIMAL_OPERATION } kind;
    enum expr_op op; /* OP_ADD, OP_SUB, OP_MUL over nodes a and b */
    uint8_t a, b;
    uint32_t slot;
    expr_ref expr; /* what the node stands for; equal expressions share a node */
    int64_t constant;
    uint8_t scale;
    bool real;
};

struct decimal_program { /* operands come before their operations */
    uint32_t count;
    struct decimal_node nodes[DECIMAL_NODES];
};

struct decimal { /* a node over one row set: the value of row i is m[i] / 10^scale */
    bool exact;  /* false: nothing below holds */
    bool real;   /* every row is REAL */
    uint8_t scale;
    int64_t low, high; /* bounds of m, also in NULL rows */
    int64_t offset;
    bool minus;
    const struct vector *codes; /* not NULL: m[i] = offset + code, offset - code if minus */
    const int64_t *numbers;     /* [rows]; not NULL: m; neither: m is offset */
    const uint64_t *nulls;      /* NULL: none */
    const struct vector *column; /* of a DECIMAL_COLUMN */
    uint64_t unsure;            /* columns (by node) with INTEGERs and REALs: a row tells */
};

/* Add e to the program: its node, or DECIMAL_NONE where e has no such form. */
uint8_t decimal_compile(struct decimal_program *program, expr_ref e);

/*
 * Evaluate all nodes over a row set.
 *   out  [program->count]; what sums are made of (roots) also has numbers, and twice |m| *
 *        VECTOR_ROWS fits an int64
 * Errors: YODA_NOMEM
 */
YODA_MUST_CHECK yoda_status decimal_eval(const struct decimal_program *program,
                                         const struct row_set *in, uint64_t roots,
                                         struct arena *arena, struct decimal *out,
                                         yoda_error *err);
/* Is some row of mask (NULL: all) REAL? nodes: the array that d is part of. No row is NULL. */
bool decimal_any_real(const struct decimal *nodes, const struct decimal *d, const uint64_t *mask,
                      uint32_t rows);
bool decimal_is_real(const struct decimal *nodes, const struct decimal *d, uint32_t row);

#endif
