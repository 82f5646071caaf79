/*
 * eval_compare.c -- comparisons and IN.
 *
 * The constructor has applied the affinities; what is left is a comparison of two static types:
 *   INT with INT, REAL with REAL     kernels
 *   text in ISO codes with an ISO text constant of the same kind: as integers
 *   TEXT with TEXT, BLOB with BLOB   by collation, row by row
 *   everything else                  SQLite's order of values, row by row
 * The result is bits; IS and IS NOT are EQ and NE with NULLs compared afterwards.
 */
#include "olap/exec/eval.h"

#include "olap/exec/numeric_text.h"

static int kernel_op(enum expr_op op)
{
    switch (op) {
    case OP_NE:
    case OP_IS_NOT:
        return KC_NE;
    case OP_LT:
        return KC_LT;
    case OP_LE:
        return KC_LE;
    case OP_GT:
        return KC_GT;
    case OP_GE:
        return KC_GE;
    default:
        return KC_EQ;
    }
}

/* The op with its sides exchanged. */
static int kernel_op_swapped(int op)
{
    switch (op) {
    case KC_LT:
        return KC_GT;
    case KC_LE:
        return KC_GE;
    case KC_GT:
        return KC_LT;
    case KC_GE:
        return KC_LE;
    default:
        return op;
    }
}

static inline bool op_holds(int op, int order)
{
    switch (op) {
    case KC_EQ:
        return order == 0;
    case KC_NE:
        return order != 0;
    case KC_LT:
        return order < 0;
    case KC_LE:
        return order <= 0;
    case KC_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

/* The order of two values; numeric affinity is applied when text_as_number is set. */
static int compare_values(const struct expr *e, struct value a, struct value b)
{
    if (e->text_as_number) {
        a = numeric_text_affinity(a);
        b = numeric_text_affinity(b);
    }
    return value_compare(&a, &b, e->compare_collation);
}

static void compare_rows(const struct expr *e, const struct vector *a, const struct vector *b,
                         uint32_t rows, int op, uint64_t *bits)
{
    for (uint32_t row = 0; row < rows; row++) {
        struct value x = lane_value(a, row), y = lane_value(b, row);
        if (x.type == YODA_NULL || y.type == YODA_NULL)
            continue;
        if (op_holds(op, compare_values(e, x, y)))
            bit_set(bits, row);
    }
}

/* Equality of bytes: the size decides most rows. */
static void equal_bytes(const struct vector *a, const struct strref *b, uint32_t rows, bool negated,
                        uint64_t *bits)
{
    const struct strref *s = a->data;
    for (uint32_t row = 0; row < rows; row++) {
        if (a->nulls && bit_get(a->nulls, row))
            continue;
        bool equal = s[row].size == b->size &&
                     (b->size == 0 || memcmp(s[row].ptr, b->ptr, b->size) == 0);
        bits[row >> 6] |= (uint64_t)(equal != negated) << (row & 63);
    }
}

/* Flat numbers of one type, or flat with constant. False: no kernel for these. */
static bool compare_kernel(const struct vector *a, const struct vector *b, uint32_t rows, int op,
                           uint64_t *bits)
{
    const struct kernels *k = kernels();
    if (a->type != b->type || (a->type != VT_INT && a->type != VT_REAL))
        return false;
    if (a->form == VF_CONST && b->form == VF_FLAT)
        return compare_kernel(b, a, rows, kernel_op_swapped(op), bits);
    if (a->form != VF_FLAT)
        return false;
    if (a->type == VT_INT && b->form == VF_CONST)
        k->compare_i64_c(a->data, *(const int64_t *)b->data, rows, op, bits);
    else if (a->type == VT_INT)
        k->compare_i64(a->data, b->data, rows, op, bits);
    else if (b->form == VF_CONST)
        k->compare_f64_c(a->data, *(const double *)b->data, rows, op, bits);
    else
        k->compare_f64(a->data, b->data, rows, op, bits);
    return true;
}

static yoda_status iso_numbers(const struct eval_call *call, const struct vector *v, int64_t **out)
{
    const struct kernels *k = kernels();
    *out = eval_alloc(call->eval, call->rows * sizeof **out, call->err);
    if (!*out)
        return YODA_NOMEM;
    if (v->code_width == 1)
        k->widen_u8(v->data, call->rows, v->base, *out);
    else if (v->code_width == 2)
        k->widen_u16(v->data, call->rows, v->base, *out);
    else if (v->code_width == 4)
        k->widen_u32(v->data, call->rows, v->base, *out);
    else
        k->widen_u64(v->data, call->rows, v->base, *out);
    return YODA_OK;
}

/* ISO texts of one kind order as their numbers. *done false where this does not apply. */
static yoda_status compare_iso(const struct eval_call *call, int op, uint64_t *bits, bool *done)
{
    const struct vector *a = &call->args[0], *b = &call->args[1];
    int64_t *x, *y, number;
    *done = false;
    if (call->e->compare_collation != COLLATE_BINARY || call->e->text_as_number)
        return YODA_OK;
    if (b->form == VF_ISO && a->form == VF_CONST) {
        const struct vector *swap = a;
        a = b;
        b = swap;
        op = kernel_op_swapped(op);
    }
    if (a->form != VF_ISO || b->type != VT_TEXT)
        return YODA_OK;
    if (b->form == VF_ISO && b->iso_kind == a->iso_kind) {
        TRY(iso_numbers(call, a, &x));
        TRY(iso_numbers(call, b, &y));
        kernels()->compare_i64(x, y, call->rows, op, bits);
        *done = true;
    } else if (b->form == VF_CONST) {
        struct value text = lane_value(b, 0);
        if (text.type != YODA_TEXT || !iso_parse(text.p, text.size, a->iso_kind, &number))
            return YODA_OK;
        TRY(iso_numbers(call, a, &x));
        kernels()->compare_i64_c(x, number, call->rows, op, bits);
        *done = true;
    }
    return YODA_OK;
}

static bool is_bytes(enum vtype type)
{
    return type == VT_TEXT || type == VT_BLOB;
}

/* Bits of rows without NULLs; rows with a NULL get any bit. */
static yoda_status compare_bits(const struct eval_call *call, uint64_t *bits)
{
    const struct expr *e = call->e;
    int op = kernel_op(e->op);
    bool done;
    struct vector *lanes;
    TRY(compare_iso(call, op, bits, &done));
    if (done)
        return YODA_OK;
    TRY(lane_vectors(call, &lanes));
    const struct vector *a = &lanes[0], *b = &lanes[1];
    if (compare_kernel(a, b, call->rows, op, bits))
        return YODA_OK;
    bool same_bytes = is_bytes(a->type) && a->type == b->type && !e->text_as_number &&
                      (a->type == VT_BLOB || e->compare_collation == COLLATE_BINARY);
    if (same_bytes && op <= KC_NE && a->form == VF_FLAT && b->form == VF_CONST)
        equal_bytes(a, b->data, call->rows, op == KC_NE, bits);
    else
        compare_rows(e, a, b, call->rows, op, bits);
    return YODA_OK;
}

/* IS: equal, or both NULL. IS NOT is the opposite. */
static void null_safe(const uint64_t *na, const uint64_t *nb, bool negated, uint32_t rows,
                      uint64_t *bits)
{
    size_t words = BITMAP_WORDS(rows);
    for (size_t i = 0; i < words; i++) {
        uint64_t a = na ? na[i] : 0, b = nb ? nb[i] : 0;
        uint64_t differ = a ^ b, both = a & b;
        bits[i] = negated ? (bits[i] & ~both) | differ : (bits[i] & ~differ) | both;
    }
}

yoda_status eval_compare(const struct eval_call *call, struct vector *out)
{
    const struct expr *e = call->e;
    const uint64_t *nulls = NULL, *na, *nb;
    uint64_t *bits;
    TRY(eval_bitmap(call->eval, call->rows, &bits, call->err));
    TRY(compare_bits(call, bits));
    if (e->op == OP_IS || e->op == OP_IS_NOT) {
        TRY(eval_nulls(call->eval, &call->args[0], call->rows, &na, call->err));
        TRY(eval_nulls(call->eval, &call->args[1], call->rows, &nb, call->err));
        null_safe(na, nb, e->op == OP_IS_NOT, call->rows, bits);
    } else {
        TRY(eval_merge_nulls(call, &nulls));
    }
    eval_bits_vector(call->rows, bits, nulls, out);
    return YODA_OK;
}

/* ---- IN ------------------------------------------------------------------------------------- */

#define IN_LINEAR_MAX 8u

static bool list_has(const struct expr *e, const struct value *v)
{
    uint32_t low = 0, high = e->list_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = value_compare(v, &e->list[middle], e->compare_collation);
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

/* Few integers: one pass of the kernel each. The constructor made every item an INTEGER. */
static yoda_status in_few_ints(const struct eval_call *call, const struct vector *flat,
                               uint64_t *bits)
{
    uint64_t *one;
    TRY(eval_bitmap(call->eval, call->rows, &one, call->err));
    for (uint32_t i = 0; i < call->e->list_count; i++) {
        ASSERT(call->e->list[i].type == YODA_INTEGER);
        kernels()->compare_i64_c(flat->data, call->e->list[i].i, call->rows, KC_EQ, one);
        kernels()->or_words(bits, one, BITMAP_WORDS(call->rows), bits);
    }
    return YODA_OK;
}

/* Texts of up to eight bytes are equal when their sizes and the words made of their bytes are. */
struct short_text {
    uint64_t word;
    uint32_t size;
};

static inline struct short_text short_text(const char *p, uint32_t size)
{
    struct short_text t = {0, size};
    for (uint32_t i = 0; i < size; i++)
        t.word |= (uint64_t)(uint8_t)p[i] << (8 * i);
    return t;
}

static bool list_is_short(const struct expr *e)
{
    bool is_short = e->list_count <= IN_LINEAR_MAX && e->compare_collation == COLLATE_BINARY;
    for (uint32_t i = 0; is_short && i < e->list_count; i++)
        is_short = e->list[i].type == YODA_TEXT && e->list[i].size <= sizeof(uint64_t);
    return is_short;
}

/* bits of NULL rows mean nothing. */
static void in_few_texts(const struct eval_call *call, const struct vector *flat, uint64_t *bits)
{
    struct short_text list[IN_LINEAR_MAX];
    const struct strref *rows = flat->data;
    uint32_t count = call->e->list_count;
    for (uint32_t i = 0; i < count; i++)
        list[i] = short_text(call->e->list[i].p, call->e->list[i].size);
    for (uint32_t row = 0; row < call->rows; row++) {
        if (rows[row].size > sizeof(uint64_t) || vector_is_null(flat, row))
            continue;
        struct short_text t = short_text(rows[row].ptr, rows[row].size);
        uint64_t found = 0;
        for (uint32_t i = 0; i < count; i++)
            found |= (uint64_t)((t.word == list[i].word) & (t.size == list[i].size));
        bits[row / 64] |= found << (row % 64);
    }
}

yoda_status eval_in(const struct eval_call *call, struct vector *out)
{
    const struct expr *e = call->e;
    struct vector a;
    const uint64_t *nulls;
    uint64_t *bits, *unknown, *all;
    size_t words = BITMAP_WORDS(call->rows);
    TRY(lane_vector(call->eval, &call->args[0], &a, call->err));
    TRY(eval_bitmap(call->eval, call->rows, &bits, call->err));
    TRY(eval_bitmap(call->eval, call->rows, &unknown, call->err));
    TRY(eval_bitmap(call->eval, call->rows, &all, call->err));
    if (a.form == VF_FLAT && a.type == VT_INT && e->list_count <= IN_LINEAR_MAX) {
        TRY(in_few_ints(call, &a, bits));
    } else if (a.form == VF_FLAT && a.type == VT_TEXT && list_is_short(e)) {
        in_few_texts(call, &a, bits);
    } else {
        for (uint32_t row = 0; row < call->rows; row++) {
            struct value v = lane_value(&a, row);
            if (v.type != YODA_NULL && list_has(e, &v))
                bit_set(bits, row);
        }
    }
    TRY(eval_nulls(call->eval, &a, call->rows, &nulls, call->err));
    bitmap_fill(all, call->rows);
    if (e->list_has_null) { /* what is not found is unknown */
        kernels()->andnot_words(all, bits, words, unknown);
        if (nulls)
            kernels()->or_words(unknown, nulls, words, unknown);
        nulls = unknown;
    }
    if (e->negated)
        kernels()->andnot_words(all, bits, words, bits);
    eval_bits_vector(call->rows, bits, nulls, out);
    return YODA_OK;
}
