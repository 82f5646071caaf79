/*
 * test_code_predicate.c -- predicates on codes against value_compare, row by row.
 */
#include "column_data.h"

#include "olap/column/code_predicate.h"

static uint64_t seed;
static uint64_t bound_count, asked_count;

static bool op_matches(enum predicate_op op, const struct value *v, const struct value *c,
                       enum collation collation)
{
    if (v->type == YODA_NULL || c->type == YODA_NULL)
        return false;
    int order = value_compare(v, c, collation);
    switch (op) {
    case PRED_NE:
        return order != 0;
    case PRED_LT:
        return order < 0;
    case PRED_LE:
        return order <= 0;
    case PRED_GT:
        return order > 0;
    case PRED_GE:
        return order >= 0;
    default:
        return order == 0;
    }
}

static bool row_matches(const struct predicate *p, const struct value *v)
{
    if (p->op == PRED_IS_NULL || p->op == PRED_NOT_NULL)
        return (v->type == YODA_NULL) == (p->op == PRED_IS_NULL);
    bool match = false;
    for (uint32_t i = 0; i < p->count; i++)
        match |= op_matches(p->op, v, &p->constants[i], p->collation);
    return match;
}

static void check_vector(const struct predicate *p, const struct code_predicate *bound,
                         const struct chunk *chunk, const struct column *c, uint32_t row)
{
    uint32_t left = c->rows - row, count = left < VECTOR_ROWS ? left : VECTOR_ROWS, matches = 0;
    uint64_t bits[VECTOR_WORDS], before[VECTOR_WORDS];
    for (uint32_t w = 0; w < VECTOR_WORDS; w++)
        before[w] = bits[w] = test_random(&seed) | test_random(&seed);
    if (bound->kind != CODE_PREDICATE_NO)
        code_predicate_apply(bound, chunk, row, count, bits);
    for (uint32_t i = 0; i < count; i++) {
        bool match = row_matches(p, &c->values[row + i]);
        matches += match;
        if (bound->kind != CODE_PREDICATE_NO && bit_get(bits, i) != (match && bit_get(before, i)))
            fail_msg("%s op %d kind %d row %u", encoding_name(chunk_encoding(chunk)), p->op,
                     bound->kind, row + i);
        if ((bound->kind == CODE_PREDICATE_ALL && !match) ||
            (bound->kind == CODE_PREDICATE_NONE && match))
            fail_msg("%s op %d: all or none is wrong", encoding_name(chunk_encoding(chunk)), p->op);
    }
    struct zone zone = chunk_zone(chunk, row / VECTOR_ROWS);
    if (matches && !predicate_may_match(p, &zone))
        fail_msg("%s op %d: pruned", encoding_name(chunk_encoding(chunk)), p->op);
}

static void check(const struct predicate *p, const struct chunk *chunk, const struct column *c)
{
    yoda_error err;
    struct arena arena;
    struct code_predicate bound;
    arena_init(&arena, NULL);
    OK(code_predicate_bind(p, chunk, &arena, &bound, &err));
    asked_count++;
    bound_count += bound.kind != CODE_PREDICATE_NO;
    for (uint32_t row = 0; row < c->rows; row += VECTOR_ROWS)
        check_vector(p, &bound, chunk, c, row);
    arena_deinit(&arena);
}

/* Constants in, beside and between the column's values, of its class and of every other. */
static struct value near_constant(struct column *scratch, const struct column *c)
{
    uint64_t r = test_random(&seed);
    struct value v = c->rows ? c->values[(r >> 8) % c->rows] : value_null();
    switch (r % 8) {
    case 0:
    case 1:
        return v;
    case 2: /* the neighbour */
        if (v.type == YODA_INTEGER)
            return r >> 63 ? value_real((double)v.i + 0.5)
                           : value_int((int64_t)((uint64_t)v.i + 1));
        if (v.type == YODA_REAL)
            return value_real(v.r * (1 + 0x1p-52));
        break;
    case 3: /* the other type of number */
        if (v.type == YODA_INTEGER)
            return value_real((double)v.i);
        if (v.type == YODA_REAL && v.r > -9e18 && v.r < 9e18)
            return value_int((int64_t)v.r);
        break;
    default:
        break;
    }
    /* cut, longer, changed, other case or class */
    if (v.type == YODA_TEXT || v.type == YODA_BLOB) {
        char text[64];
        size_t size = v.size < 60 ? v.size : 60;
        memcpy(text, v.p, size);
        uint64_t how = test_random(&seed);
        if (how % 4 == 0 && size)
            size--;
        else if (how % 4 == 1)
            text[size++] = " \0zA"[how >> 8 & 3];
        else if (how % 4 == 2 && size)
            text[(how >> 8) % size] = (char)((how >> 20) & (how >> 63 ? 255 : 127));
        else if (size)
            text[(how >> 8) % size] ^= 32;
        return column_text(scratch, how >> 62 ? v.type : (uint8_t)(YODA_TEXT + YODA_BLOB - v.type),
                           text, size);
    }
    return random_any(scratch, &seed);
}

static void check_column(enum column_kind kind, uint32_t rows, uint32_t nulls, int rounds)
{
    struct column c, scratch;
    column_make(&c, kind, rows, nulls, &seed);
    column_make(&scratch, COLUMN_NULLS, 1, 0, &seed);
    struct chunk *chunk = column_encode(&c);
    for (int round = 0; round < rounds; round++) {
        struct value constants[6];
        uint32_t count = 1 + (uint32_t)(test_random(&seed) % 6);
        for (uint32_t i = 0; i < count; i++)
            do
                constants[i] = near_constant(&scratch, &c);
            while (round % 8 && constants[i].type == YODA_NULL && kind != COLUMN_NULLS);
        for (int op = PRED_EQ; op <= PRED_NOT_NULL; op++)
            for (int collation = COLLATE_BINARY; collation <= COLLATE_RTRIM; collation++) {
                struct predicate p = {(enum predicate_op)op, (enum collation)collation,
                                      op == PRED_IN ? count : op < PRED_IN ? 1 : 0, constants};
                check(&p, chunk, &c);
            }
    }
    chunk_destroy(chunk);
    column_free(&c);
    column_free(&scratch);
}

static void test_all(void **state)
{
    (void)state;
    for (int kind = 0; kind < COLUMN_KINDS; kind++)
        for (uint32_t nulls = 0; nulls <= 40; nulls += 20) {
            check_column((enum column_kind)kind, 130, nulls, 60);
            check_column((enum column_kind)kind, 2500, nulls, 4);
            check_column((enum column_kind)kind, 1, nulls, 10);
        }
    print_message("bound to codes: %llu of %llu\n", (unsigned long long)bound_count,
                  (unsigned long long)asked_count);
}

/* Which kind a predicate binds to: what cannot match must be known before the loop. */
static void test_kinds(void **state)
{
    (void)state;
    yoda_error err;
    static const struct {
        enum column_kind column;
        enum predicate_op op;
        struct value constant;
        enum code_predicate_kind kind;
    } cases[] = {
        {COLUMN_INT_U8, PRED_LT, {.type = YODA_REAL, .r = 2.5}, CODE_PREDICATE_RANGE},
        {COLUMN_INT_U8, PRED_EQ, {.type = YODA_REAL, .r = 2.5}, CODE_PREDICATE_NONE},
        {COLUMN_INT_U8, PRED_NE, {.type = YODA_REAL, .r = 2.5}, CODE_PREDICATE_ALL},
        {COLUMN_INT_U8, PRED_LT, {.type = YODA_TEXT, .size = 3, .p = "abc"}, CODE_PREDICATE_ALL},
        {COLUMN_INT_U8, PRED_GT, {.type = YODA_TEXT, .size = 3, .p = "abc"}, CODE_PREDICATE_NONE},
        {COLUMN_INT_U8, PRED_EQ, {.type = YODA_NULL}, CODE_PREDICATE_NONE},
        {COLUMN_INT_U8, PRED_GT, {.type = YODA_INTEGER, .i = 1000}, CODE_PREDICATE_NONE},
        {COLUMN_MONEY_MIXED, PRED_GE, {.type = YODA_INTEGER, .i = 1}, CODE_PREDICATE_RANGE},
        {COLUMN_MONEY, PRED_EQ, {.type = YODA_REAL, .r = 0.07000001}, CODE_PREDICATE_NONE},
        {COLUMN_REAL_NEAR, PRED_GT, {.type = YODA_REAL, .r = 1.0 / 3.0}, CODE_PREDICATE_RANGE},
        {COLUMN_DATES, PRED_GE, {.type = YODA_TEXT, .size = 4, .p = "1995"}, CODE_PREDICATE_RANGE},
        {COLUMN_WORDS, PRED_EQ, {.type = YODA_TEXT, .size = 3, .p = "zzz"}, CODE_PREDICATE_NONE},
        {COLUMN_TEXT_RANDOM, PRED_LT, {.type = YODA_INTEGER, .i = 1}, CODE_PREDICATE_NONE},
        {COLUMN_TEXT_RANDOM, PRED_GT, {.type = YODA_INTEGER, .i = 1}, CODE_PREDICATE_ALL},
        {COLUMN_TEXT_RANDOM, PRED_EQ, {.type = YODA_TEXT, .size = 1, .p = "\1"}, CODE_PREDICATE_NO},
        {COLUMN_ANY, PRED_EQ, {.type = YODA_INTEGER, .i = 1}, CODE_PREDICATE_NO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct column c;
        struct arena arena;
        struct code_predicate bound;
        struct predicate p = {cases[i].op, COLLATE_BINARY, 1, &cases[i].constant};
        column_make(&c, cases[i].column, 1000, 0, &seed);
        struct chunk *chunk = column_encode(&c);
        arena_init(&arena, NULL);
        OK(code_predicate_bind(&p, chunk, &arena, &bound, &err));
        if (bound.kind != cases[i].kind)
            fail_msg("case %zu: kind %d", i, bound.kind);
        arena_deinit(&arena);
        chunk_destroy(chunk);
        column_free(&c);
    }
}

/* IN over codes of four bytes: a set of them up to a limit, no codes above it. */
static void test_wide_codes(void **state)
{
    (void)state;
    static const struct {
        int64_t step;
        enum code_predicate_kind kind;
    } cases[] = {{700, CODE_PREDICATE_SET}, {70000, CODE_PREDICATE_NO}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        yoda_error err;
        struct column c;
        struct arena arena;
        struct code_predicate bound;
        column_make(&c, COLUMN_NULLS, 2500, 0, &seed);
        for (uint32_t row = 0; row < c.rows; row++)
            if (row % 7)
                c.values[row] = value_int((int64_t)(test_random(&seed) % 1000) * cases[i].step);
        c.values[1] = value_int(0);
        c.values[2] = value_int(999 * cases[i].step);
        struct chunk *chunk = column_encode(&c);
        struct value constants[4] = {c.values[1], c.values[8], c.values[2], value_int(1)};
        struct predicate p = {PRED_IN, COLLATE_BINARY, 4, constants};
        check(&p, chunk, &c);
        arena_init(&arena, NULL);
        OK(code_predicate_bind(&p, chunk, &arena, &bound, &err));
        assert_int_equal(bound.kind, cases[i].kind);
        arena_deinit(&arena);
        chunk_destroy(chunk);
        column_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_wide_codes),
    };
    seed = test_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
