/*
 * expr.h -- bound expressions: typed once, evaluated by whole vectors, exactly as SQLite would.
 *
 * The constructors know SQLite's rules (types, affinity and collation of comparisons, integer
 * division, NULL logic, functions). Types are static: a column's storage classes are known from the
 * snapshot, so `a / b` is integer division or not before the first row. What cannot be typed or
 * reproduced exactly is refused with YODA_NOT_COLUMNAR and a reason ("not mine"); what shows only
 * at run time (an int64 overflow turning into REAL, a date text that is not ISO) is
 * YODA_NOT_COLUMNAR from expr_eval: the query then runs on SQLite. Never a wrong answer.
 *
 * Expressions are immutable, live in an arena and may be shared by threads; all state of a run is
 * in struct eval.
 */
#ifndef YODA_OLAP_EXPR_H
#define YODA_OLAP_EXPR_H

#include "olap/column/vector.h"

enum expr_kind {
    EXPR_CONST, EXPR_INPUT, EXPR_NEGATE, EXPR_BIT_NOT, EXPR_NOT, EXPR_ARITHMETIC, EXPR_CONCAT,
    EXPR_COMPARE, EXPR_AND, EXPR_OR, EXPR_IS_NULL, EXPR_IN, EXPR_CASE, EXPR_CAST, EXPR_LIKE,
    EXPR_CALL
};

enum expr_op {
    OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MOD, OP_BIT_AND, OP_BIT_OR, OP_SHIFT_LEFT, OP_SHIFT_RIGHT,
    OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_IS, OP_IS_NOT /* NULL-safe */,
    OP_LIKE, OP_GLOB
};

struct expr {
    enum expr_kind kind;
    enum vtype type;  /* static type of the values that are not NULL */
    bool nullable;    /* false only where NULL is impossible */
    bool boolean;     /* VT_INT with 0 / 1 only */
    bool negated;     /* IS NOT NULL, NOT IN, NOT LIKE */
    bool raises;      /* there are values for which SQLite's evaluation is an error */
    enum expr_op op;
    enum affinity affinity;   /* of a column; the target of a CAST; AFFINITY_BLOB otherwise */
    bool has_affinity;        /* takes part in affinity rules: a column or CAST as such */
    enum collation collation; /* of the value, BINARY where it has none */
    bool has_collation;       /* column: implicit; COLLATE: explicit */
    bool explicit_collation;  /* also where an operand has one: it travels upward */
    enum collation compare_collation; /* COMPARE, IN, min/max/nullif: of the operation */
    bool text_as_number; /* COMPARE: texts that look like numbers compare as numbers, row by row */
    uint32_t classes;  /* CLASS_* superset of its values (0: unknown) */
    uint32_t slot;     /* EXPR_INPUT: column of the input batch */
    uint32_t arg_count;
    const struct expr *const *args; /* CASE: [operand folded away] when, then, ..., [else] */
    struct value constant;          /* EXPR_CONST */
    bool truth_word; /* EXPR_CONST TRUE or FALSE: right of IS it asks for truth */
    const struct value *list;       /* EXPR_IN: [list_count] constants, sorted, no NULLs */
    uint32_t list_count;
    bool list_has_null;
    const struct function *function; /* EXPR_CALL */
};

/* Conversions that must be SQLite's to the last bit; given by the engine, so that olap need not
 * know SQLite. Threads: any. */
struct number_text {
    /* the text SQLite gives a REAL ("%!.15g"), NUL-terminated; returns its length */
    size_t (*real_to_text)(double value, char out[40]);
    /* the REAL SQLite gives a numeric text (longest prefix; 0.0 where none) */
    double (*text_to_real)(const char *text, size_t size);
    /* SQLite's round(value, digits) for digits in 0..30 */
    double (*round_real)(double value, int digits);
};
void expr_set_number_text(const struct number_text *functions); /* once, before any use */
const struct number_text *expr_number_text(void);

struct expr_builder {
    struct arena *arena; /* the expressions' home */
    yoda_error *err;     /* gets "not mine" reasons and real errors */
};

/* Constructors. Errors: YODA_NOT_COLUMNAR with the reason, YODA_ERROR (SQLite's own message, such
 * as wrong number of arguments), YODA_NOMEM. */
typedef const struct expr *expr_ref;
#define EXPR_NEW YODA_MUST_CHECK yoda_status

EXPR_NEW expr_constant(struct expr_builder *b, const struct value *value, expr_ref *out);
/* A column: classes from the table version (or the input node), declared affinity, collation. */
EXPR_NEW expr_input(struct expr_builder *b, uint32_t slot, uint32_t classes, enum affinity affinity,
                    bool has_affinity, enum collation collation, expr_ref *out);
EXPR_NEW expr_negate(struct expr_builder *b, expr_ref a, expr_ref *out);
/* Unary plus: the same value without affinity. */
EXPR_NEW expr_plus(struct expr_builder *b, expr_ref a, expr_ref *out);
EXPR_NEW expr_bit_not(struct expr_builder *b, expr_ref a, expr_ref *out);
EXPR_NEW expr_not(struct expr_builder *b, expr_ref a, expr_ref *out);
EXPR_NEW expr_arithmetic(struct expr_builder *b, enum expr_op op, expr_ref a, expr_ref c,
                         expr_ref *out);
EXPR_NEW expr_concat(struct expr_builder *b, expr_ref a, expr_ref c, expr_ref *out);
/* Applies SQLite's affinity and collation rules to the two sides. OP_EQ .. OP_IS_NOT. */
EXPR_NEW expr_compare(struct expr_builder *b, enum expr_op op, expr_ref a, expr_ref c,
                      expr_ref *out);
EXPR_NEW expr_and(struct expr_builder *b, expr_ref a, expr_ref c, expr_ref *out);
EXPR_NEW expr_or(struct expr_builder *b, expr_ref a, expr_ref c, expr_ref *out);
EXPR_NEW expr_is_null(struct expr_builder *b, expr_ref a, bool negated, expr_ref *out);
/* a BETWEEN low AND high: an EXPR_AND of two comparisons (OR when negated) */
EXPR_NEW expr_between(struct expr_builder *b, expr_ref a, expr_ref low, expr_ref high, bool negated,
                      expr_ref *out);
EXPR_NEW expr_in(struct expr_builder *b, expr_ref a, const expr_ref *items, uint32_t count,
                 bool negated, expr_ref *out);
/* operand may be NULL (searched CASE); pairs: [count] when and then; otherwise may be NULL */
EXPR_NEW expr_case(struct expr_builder *b, expr_ref operand, const expr_ref *when,
                   const expr_ref *then, uint32_t count, expr_ref otherwise, expr_ref *out);
EXPR_NEW expr_cast(struct expr_builder *b, expr_ref a, enum affinity target, expr_ref *out);
EXPR_NEW expr_collate(struct expr_builder *b, expr_ref a, enum collation collation, expr_ref *out);
/* escape may be NULL */
EXPR_NEW expr_like(struct expr_builder *b, enum expr_op op, expr_ref a, expr_ref pattern,
                   expr_ref escape, bool negated, expr_ref *out);
/* A scalar function by name (ASCII case ignored), arguments as given. IS [NOT] TRUE/FALSE: the
 * names "is true", "is false", "is not true", "is not false". */
EXPR_NEW expr_call(struct expr_builder *b, const char *name, size_t name_size, const expr_ref *args,
                   uint32_t count, expr_ref *out);

bool expr_is_constant(expr_ref e);
bool expr_equal(expr_ref a, expr_ref b); /* same structure: same value on every row */
/* Set bit slot of used ([BITMAP_WORDS(slots)]) for each EXPR_INPUT below e. */
void expr_inputs(expr_ref e, uint64_t *used);
/* The same expression with every EXPR_INPUT slot replaced by map[slot]. */
EXPR_NEW expr_remap(struct expr_builder *b, expr_ref e, const uint32_t *map, expr_ref *out);
/* The same expression with every EXPR_INPUT slot replaced by with[slot] where that is not NULL. The
 * replacement has the input's type; comparisons keep the rules they were made with. Folds what
 * became constant. */
EXPR_NEW expr_substitute(struct expr_builder *b, expr_ref e, const expr_ref *with, expr_ref *out);
/* Is e `input op constant(s)`, fit for code_predicate? Fills *slot and *out (arena: list). */
struct predicate;
bool expr_as_predicate(expr_ref e, struct arena *arena, uint32_t *slot, struct predicate *out);
/* Write e as SQL-like text, names[slot] for inputs (NULL: "#slot"), for EXPLAIN. */
struct str;
void expr_print(expr_ref e, const char *const *names, struct str *out);

/* ---- Evaluation ----------------------------------------------------------------------------- */

/* Rows moving through a pipeline: `rows` rows of [column_count] vectors, dense, no selection. Only
 * a sink that asked for it (struct op) ever sees alive: rows without their bit do not count. */
struct row_set {
    uint32_t rows, column_count;
    const struct vector *columns;
    const uint64_t *alive; /* [BITMAP_WORDS(rows)], NULL: all */
};

struct eval { /* one per thread of a run */
    struct arena *arena; /* scratch: reset by the caller between row sets */
};

/* Evaluate e over in: out has in->rows rows (any form). */
YODA_MUST_CHECK yoda_status expr_eval(expr_ref e, struct eval *eval, const struct row_set *in,
                                      struct vector *out, yoda_error *err);
/* Set bits[i] where e is true (not NULL, not 0): [BITMAP_WORDS(rows)] words. */
YODA_MUST_CHECK yoda_status expr_filter(expr_ref e, struct eval *eval, const struct row_set *in,
                                        uint64_t *bits, yoda_error *err);

#endif
