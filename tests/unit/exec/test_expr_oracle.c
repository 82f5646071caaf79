/*
 * test_expr_oracle.c -- random expressions over hard values, built as SQL text and by the
 * constructors: every row's value and type must be SQLite's, bit for bit.
 *
 * YODA_TEST_SEED replays a run, YODA_TEST_EXPRESSIONS sets how many trees it makes.
 */
#include "expr_table.h"

#define COLUMNS 13
#define ROWS 700

struct column {
    const char *name, *declaration;
    enum affinity affinity;
    enum collation collation;
};
static const struct column columns[COLUMNS] = {
    {"i", "INTEGER", AFFINITY_INTEGER, COLLATE_BINARY},
    {"j", "INTEGER NOT NULL", AFFINITY_INTEGER, COLLATE_BINARY},
    {"r", "REAL", AFFINITY_REAL, COLLATE_BINARY},
    {"q", "REAL NOT NULL", AFFINITY_REAL, COLLATE_BINARY},
    {"n", "NUMERIC", AFFINITY_NUMERIC, COLLATE_BINARY},
    {"m", "DECIMAL(15,2)", AFFINITY_NUMERIC, COLLATE_BINARY},
    {"t", "TEXT", AFFINITY_TEXT, COLLATE_BINARY},
    {"u", "TEXT COLLATE NOCASE", AFFINITY_TEXT, COLLATE_NOCASE},
    {"w", "TEXT COLLATE RTRIM", AFFINITY_TEXT, COLLATE_RTRIM},
    {"b", "BLOB", AFFINITY_BLOB, COLLATE_BINARY},
    {"d", "DATE", AFFINITY_NUMERIC, COLLATE_BINARY},
    {"z", "TEXT", AFFINITY_TEXT, COLLATE_BINARY},
    {"g", "", AFFINITY_BLOB, COLLATE_NOCASE /* TEXT without affinity */},
};

static const char *const hard_texts[] = {
    "''", "'a'", "'A'", "'abc'", "'ABC'", "'aBcd  '", "'abc '", "' 12 '", "'12'", "'12abc'",
    "'1e3'", "'-1.5'", "'0'", "'0x10'", "'9223372036854775807'", "'9223372036854775808'", "'1e400'",
    "'.5'", "'5.'", "'+7'", "'e5'", "'é'", "'ÉÀ'", "'日本語'", "'a%b_c'", "'a[b]c'", "'x''y'",
    "'Straße'", "CAST(x'6162FF63' AS TEXT)", "CAST(x'C3' AS TEXT)", "CAST(x'80818261' AS TEXT)",
    "CAST(x'610062' AS TEXT)", "CAST(x'F09F9880' AS TEXT)", "'zz top'", "'1992-02-29'",
    "'1998-12-01 23:59:59'", "'special requests'", "'%'", "'_'", "'1.0'", "' '", "'-0'", "'-x'"};
static const char *const hard_reals[] = {"0.0", "1.0", "-1.0", "0.5", "-2.5", "1e300", "-1e300",
                                         "9223372036854775807.0", "-9223372036854775808.0",
                                         "1e-300", "3.14159", "123456789.125", "2147483648.5",
                                         "0.1", "99.99", "1e15", "123456789012345680.0",
                                         "-0.49999999999999994"};
static const char *const hard_ints[] = {"0", "1", "-1", "2", "3", "7", "-5", "63", "64", "65",
                                        "-64", "100", "255", "2147483647", "-2147483648",
                                        "4294967296", "9007199254740993", "-9007199254740993",
                                        "9223372036854775807", "(-9223372036854775807-1)"};

static uint64_t rng;
static struct arena data_arena, build_arena, eval_arena;
static struct value *table[COLUMNS];
static uint32_t table_classes[COLUMNS];
static enum vtype table_types[COLUMNS];

static uint32_t pick(uint32_t n)
{
    return (uint32_t)(test_random(&rng) % n);
}

/* ---- The table ------------------------------------------------------------------------------ */

static void put_value(struct str *s, int c)
{
    bool nullable = strstr(columns[c].declaration, "NOT NULL") == NULL;
    bool tame = pick(10) < 6; /* rows without extremes let arithmetic get far */
    if (nullable && pick(8) == 0) {
        str_puts(s, "NULL");
        return;
    }
    switch (columns[c].name[0]) {
    case 'i':
        if (tame)
            str_printf(s, "%d", (int)pick(2000) - 1000);
        else
            str_puts(s, hard_ints[pick(COUNT_OF(hard_ints))]);
        break;
    case 'j':
        str_printf(s, "%d", (int)pick(20) - 5);
        break;
    case 'r':
        if (tame)
            str_printf(s, "%d.%03d", (int)pick(2000) - 1000, (int)pick(1000));
        else
            str_puts(s, hard_reals[pick(COUNT_OF(hard_reals))]);
        break;
    case 'q':
        str_printf(s, "%d.%d", (int)pick(50), (int)pick(10));
        break;
    case 'n':
        str_puts(s, pick(2) ? hard_ints[pick(COUNT_OF(hard_ints))]
                            : hard_reals[pick(COUNT_OF(hard_reals))]);
        break;
    case 'm':
        str_printf(s, "%d.%02d", (int)pick(200) - 50, pick(3) ? (int)pick(100) : 0);
        break;
    case 'u':
        str_printf(s, "'%s'",
                   (const char *const[]){"red", "Red", "BLUE", "blue", "green"}[pick(5)]);
        break;
    case 'w':
        str_printf(s, "'%s'", (const char *const[]){"x", "x ", "x  ", "y", " y", "Y"}[pick(6)]);
        break;
    case 'b':
        str_puts(s, (const char *const[]){"x''", "x'00'", "x'616263'", "x'3132'", "x'FFFE'",
                                          "x'C3A9'", "x'312e35'"}[pick(7)]);
        break;
    case 'd':
        str_printf(s, "date('1992-01-01', '+%u days')", pick(2500));
        break;
    case 'z':
        str_puts(s, "NULL");
        break;
    default:
        str_puts(s, hard_texts[pick(COUNT_OF(hard_texts))]);
    }
}

static void make_table(void)
{
    struct str s;
    str_init(&s);
    oracle_sql("DROP TABLE IF EXISTS t");
    str_puts(&s, "CREATE TABLE t(");
    for (int c = 0; c < COLUMNS; c++)
        str_printf(&s, "%s%s %s%s", c ? ", " : "", columns[c].name, columns[c].declaration,
                   columns[c].name[0] == 'g' ? "COLLATE NOCASE" : "");
    str_puts(&s, ")");
    oracle_sql(str_text(&s));
    oracle_sql("BEGIN");
    for (int row = 0; row < ROWS; row++) {
        str_clear(&s);
        str_puts(&s, "INSERT INTO t VALUES(");
        for (int c = 0; c < COLUMNS; c++) {
            if (c)
                str_puts(&s, ", ");
            put_value(&s, c);
        }
        str_puts(&s, ")");
        oracle_sql(str_text(&s));
    }
    oracle_sql("COMMIT");
    str_deinit(&s);
}

static void load_table(void)
{
    sqlite3_stmt *stmt;
    assert_int_equal(
        sqlite3_prepare_v2(oracle_db, "SELECT * FROM t ORDER BY rowid", -1, &stmt, NULL),
        SQLITE_OK);
    arena_reset(&data_arena);
    for (int c = 0; c < COLUMNS; c++) {
        table[c] = oracle_alloc(&data_arena, ROWS * sizeof(struct value));
        table_classes[c] = 0;
    }
    for (int row = 0; row < ROWS; row++) {
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        for (int c = 0; c < COLUMNS; c++) {
            struct value v = oracle_value(stmt, c);
            if (v.type == YODA_TEXT || v.type == YODA_BLOB)
                v.p = arena_copy(&data_arena, v.p, v.size);
            table[c][row] = v;
            table_classes[c] |= class_of_value(&v);
        }
    }
    sqlite3_finalize(stmt);
    for (int c = 0; c < COLUMNS; c++)
        assert_true(vtype_of_classes(table_classes[c], &table_types[c]));
}

/* ---- Random trees --------------------------------------------------------------------------- */

struct tree {
    char *sql;
    expr_ref e;
};

static struct expr_builder builder;
static yoda_error build_error;

static char *sql_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *sql_printf(const char *format, ...)
{
    char *text;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    assert_true(n >= 0);
    char *copy = arena_copy(&build_arena, text, (size_t)n);
    free(text);
    return copy;
}

/* A literal: its value is what SQLite says it is. */
static struct tree literal(const char *sql)
{
    struct tree t = {.sql = sql_printf("%s", sql)};
    sqlite3_stmt *stmt;
    char *select = sql_printf("SELECT %s", sql);
    assert_int_equal(sqlite3_prepare_v2(oracle_db, select, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    struct value v = oracle_value(stmt, 0);
    assert_int_equal(expr_constant(&builder, &v, &t.e), YODA_OK);
    sqlite3_finalize(stmt);
    return t;
}

static struct tree random_literal(void)
{
    switch (pick(6)) {
    case 0:
        return literal(hard_reals[pick(COUNT_OF(hard_reals))]);
    case 1: { /* CAST in the list would lend its affinity */
        const char *text;
        do
            text = hard_texts[pick(COUNT_OF(hard_texts))];
        while (text[0] != '\'');
        return literal(text);
    }
    case 2:
        return literal(hard_ints[pick(COUNT_OF(hard_ints))]);
    case 3:
        return literal(pick(3) ? "'red'" : "x'616263'");
    case 4:
        return literal(pick(4) ? "2" : "NULL");
    default:
        return literal(pick(2) ? "1" : "1.5");
    }
}

static struct tree column(uint32_t c)
{
    struct tree t = {.sql = sql_printf("%s", columns[c].name)};
    assert_int_equal(expr_input(&builder, c, table_classes[c], columns[c].affinity, true,
                                columns[c].collation, &t.e),
                     YODA_OK);
    return t;
}

static struct tree leaf(void)
{
    return pick(4) == 0 ? random_literal() : column(pick(COLUMNS));
}

static struct tree random_tree(int depth);

/* A tree whose values are of the wanted kind, as far as a few attempts find one. */
static struct tree wanted(int depth, bool number)
{
    struct tree t = random_tree(depth);
    for (int attempt = 0; attempt < 5; attempt++) {
        bool is_number = t.e->type >= VT_INT && t.e->type <= VT_NUM;
        if (is_number == number)
            break;
        t = random_tree(depth > 0 ? depth - 1 : 0);
    }
    return t;
}

static const char *const operators[] = {"+", "-", "*",  "/", "%", "&", "|",  "<<",
                                        ">>", "=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT"};

static yoda_status tree_binary(int depth, struct tree *t)
{
    uint32_t op = pick(COUNT_OF(operators));
    bool numeric = pick(3) != 0;
    struct tree a = wanted(depth, numeric), c = wanted(depth, pick(8) ? numeric : !numeric);
    t->sql = sql_printf("(%s %s %s)", a.sql, operators[op], c.sql);
    if (op <= OP_SHIFT_RIGHT)
        return expr_arithmetic(&builder, (enum expr_op)op, a.e, c.e, &t->e);
    return expr_compare(&builder, (enum expr_op)op, a.e, c.e, &t->e);
}

static yoda_status tree_unary(int depth, struct tree *t)
{
    static const char *const texts[] = {"-", "~", "NOT ", "+", "likely", "typeof"};
    uint32_t op = pick(COUNT_OF(texts));
    struct tree a = random_tree(depth);
    t->sql = sql_printf("(%s(%s))", texts[op], a.sql);
    switch (op) {
    case 0:
        return expr_negate(&builder, a.e, &t->e);
    case 1:
        return expr_bit_not(&builder, a.e, &t->e);
    case 2:
        return expr_not(&builder, a.e, &t->e);
    case 3:
        return expr_plus(&builder, a.e, &t->e);
    default:
        return expr_call(&builder, texts[op], strlen(texts[op]), &a.e, 1, &t->e);
    }
}

static yoda_status tree_logic(int depth, struct tree *t)
{
    struct tree a = random_tree(depth), c = random_tree(depth);
    bool and = pick(2);
    t->sql = sql_printf("(%s %s %s)", a.sql, and ? "AND" : "OR", c.sql);
    return and ? expr_and(&builder, a.e, c.e, &t->e) : expr_or(&builder, a.e, c.e, &t->e);
}

static yoda_status tree_truth(int depth, struct tree *t)
{
    static const char *const tests[] = {"IS NULL", "IS NOT NULL", "is true", "is false",
                                        "is not true", "is not false"};
    uint32_t k = pick(COUNT_OF(tests));
    struct tree a = random_tree(depth);
    t->sql = sql_printf("(%s %s)", a.sql, tests[k]);
    if (k < 2)
        return expr_is_null(&builder, a.e, k == 1, &t->e);
    return expr_call(&builder, tests[k], strlen(tests[k]), &a.e, 1, &t->e);
}

static yoda_status tree_in(int depth, struct tree *t)
{
    expr_ref items[16];
    struct tree a = pick(3) ? leaf() : random_tree(depth);
    uint32_t n = pick(3) ? pick(4) : 8 + pick(8);
    bool negated = pick(2);
    char *list = sql_printf("%s", "");
    for (uint32_t i = 0; i < n; i++) {
        struct tree item = pick(6) ? random_literal() : random_tree(depth - 1);
        items[i] = item.e;
        list = sql_printf("%s%s%s", list, i ? ", " : "", item.sql);
    }
    t->sql = sql_printf("(%s %sIN (%s))", a.sql, negated ? "NOT " : "", list);
    return expr_in(&builder, a.e, items, n, negated, &t->e);
}

static yoda_status tree_between(int depth, struct tree *t)
{
    struct tree a = random_tree(depth), low = random_tree(depth - 1), high = random_tree(depth - 1);
    bool negated = pick(2);
    t->sql =
        sql_printf("(%s %sBETWEEN %s AND %s)", a.sql, negated ? "NOT " : "", low.sql, high.sql);
    return expr_between(&builder, a.e, low.e, high.e, negated, &t->e);
}

static yoda_status tree_case(int depth, struct tree *t)
{
    expr_ref when[3], then[3];
    uint32_t n = 1 + pick(3);
    bool has_operand = pick(2), has_else = pick(2), number = pick(2);
    struct tree operand = random_tree(depth - 1), otherwise = wanted(depth - 1, number);
    char *sql = sql_printf("(CASE %s", has_operand ? operand.sql : "");
    for (uint32_t i = 0; i < n; i++) {
        struct tree w = random_tree(depth - 1), r = wanted(depth - 1, number);
        when[i] = w.e;
        then[i] = r.e;
        sql = sql_printf("%s WHEN %s THEN %s", sql, w.sql, r.sql);
    }
    t->sql =
        sql_printf("%s%s%s END)", sql, has_else ? " ELSE " : "", has_else ? otherwise.sql : "");
    return expr_case(&builder, has_operand ? operand.e : NULL, when, then, n,
                     has_else ? otherwise.e : NULL, &t->e);
}

static yoda_status tree_cast(int depth, struct tree *t)
{
    static const char *const types[] = {"BLOB", "TEXT", "NUMERIC", "INTEGER", "REAL"};
    static const char *const collations[] = {"BINARY", "NOCASE", "RTRIM"};
    struct tree a = random_tree(depth);
    uint32_t k = pick(8);
    if (k < 5) {
        t->sql = sql_printf("CAST(%s AS %s)", a.sql, types[k]);
        return expr_cast(&builder, a.e, (enum affinity)k, &t->e);
    }
    t->sql = sql_printf("(%s COLLATE %s)", a.sql, collations[k - 5]);
    return expr_collate(&builder, a.e, (enum collation)(k - 5), &t->e);
}

static yoda_status tree_like(int depth, struct tree *t)
{
    static const char *const patterns[] = {
        "'%a%'", "'a%'", "'%C'", "'abc'", "'_b_'", "'%re%d%'", "'b%e'", "'%_'", "'%%'", "''",
        "'é%'", "'_'", "'%\xC3\xA0'", "'a\\%b\\_c'", "'%1%2%'", "'12%'", "'\\%'", "'%本_'",
        "'%special%requests%'"};
    static const char *const globs[] = {"'*a*'",   "'[a-c]*'", "'[^a]*'",          "'?b?'",
                                        "'*[b]*'", "'[]a]*'",  "'a[[]b]c'",        "'*'",
                                        "'?*c'",   "'[0-9]*'", "'*\xE6\x9C\xAC?'", "'[a-'"};
    struct tree a = pick(3) ? leaf() : random_tree(depth);
    bool glob = pick(3) == 0, negated = pick(2), escaped = !glob && pick(3) == 0;
    struct tree p = pick(8) == 0 ? leaf()
                    : glob       ? literal(globs[pick(COUNT_OF(globs))])
                                 : literal(patterns[pick(COUNT_OF(patterns))]);
    struct tree escape = literal(pick(3) ? "'\\'" : pick(2) ? "'%'" : "'a'");
    t->sql = sql_printf("(%s %s%s %s%s%s)", a.sql, negated ? "NOT " : "", glob ? "GLOB" : "LIKE",
                        p.sql, escaped ? " ESCAPE " : "", escaped ? escape.sql : "");
    return expr_like(&builder, glob ? OP_GLOB : OP_LIKE, a.e, p.e, escaped ? escape.e : NULL,
                     negated, &t->e);
}

static yoda_status tree_concat(int depth, struct tree *t)
{
    struct tree a = random_tree(depth), c = random_tree(depth);
    t->sql = sql_printf("(%s || %s)", a.sql, c.sql);
    return expr_concat(&builder, a.e, c.e, &t->e);
}

/* n number, t text, v anything, s a small integer */
static const char *const calls[] = {
    "abs n",     "round n",    "round ns",  "length v",  "lower v",  "upper t",  "substr vs",
    "substr tss", "substr vsn", "trim t",   "trim tt",   "ltrim tt", "rtrim tt", "replace ttt",
    "replace vtv", "instr tt", "instr vv",  "ifnull vv", "coalesce vvv", "nullif vv", "nullif nn",
    "iif vnn",   "iif vtt",    "min nn",    "max nnn",   "min tt",   "max tt",   "sign v",
    "typeof v",  "unicode t",  "char nn",   "hex v",     "unlikely v", "substring ts", "min vv"};

static yoda_status tree_call(int depth, struct tree *t)
{
    const char *call = calls[pick(COUNT_OF(calls))], *space = strchr(call, ' ');
    uint32_t n = 0;
    expr_ref args[4];
    char *list = sql_printf("%s", "");
    for (const char *k = space + 1; *k; k++) {
        struct tree a = *k == 's'   ? literal((const char *const[]){"1", "2", "0", "-1", "-3",
                                                                 "5"}[pick(6)])
                        : *k == 'v' ? random_tree(depth - 1)
                                    : wanted(depth - 1, *k == 'n');
        list = sql_printf("%s%s%s", list, n ? ", " : "", a.sql);
        args[n++] = a.e;
    }
    t->sql = sql_printf("%.*s(%s)", (int)(space - call), call, list);
    return expr_call(&builder, call, (size_t)(space - call), args, n, &t->e);
}

static yoda_status tree_date(int depth, struct tree *t)
{
    static const char *const names[] = {"date", "time", "datetime", "julianday", "unixepoch"};
    static const char *const formats[] = {"'%Y'", "'%m'", "'%Y-%m'", "'%d.%m.%Y %H:%M:%S'", "'%j'",
                                          "'%w'", "'%s'", "'%%x'", "'%f'"};
    YODA_UNUSED(depth);
    struct tree d =
        pick(4) ? column(10) : literal(pick(2) ? "'1996-02-29 12:34:56'" : "'0001-01-01'");
    uint32_t k = pick(10);
    if (k < 5) {
        t->sql = sql_printf("%s(%s)", names[k], d.sql);
        return expr_call(&builder, names[k], strlen(names[k]), &d.e, 1, &t->e);
    }
    struct tree f = literal(formats[pick(COUNT_OF(formats))]);
    t->sql = sql_printf("strftime(%s, %s)", f.sql, d.sql);
    return expr_call(&builder, "strftime", 8, (expr_ref[]){f.e, d.e}, 2, &t->e);
}

static struct tree random_tree(int depth)
{
    static yoda_status (*const makers[])(int, struct tree *) = {
        tree_binary, tree_binary, tree_binary, tree_unary, tree_logic,  tree_truth, tree_in,
        tree_between, tree_case,  tree_cast,   tree_like,  tree_concat, tree_call,  tree_call,
        tree_date};
    if (depth <= 0 || pick(8) == 0)
        return leaf();
    for (int attempt = 0; attempt < 3; attempt++) {
        struct tree t = {0};
        yoda_status status = makers[pick(COUNT_OF(makers))](depth - 1, &t);
        if (status == YODA_OK)
            return t;
        if (status != YODA_NOT_COLUMNAR)
            fail_msg("%s: %s", t.sql, build_error.message);
    }
    return leaf();
}

/* ---- Comparing ------------------------------------------------------------------------------ */

static void describe(const struct value *v, struct str *out)
{
    if (v->type == YODA_INTEGER)
        str_printf(out, "%lld", (long long)v->i);
    else if (v->type == YODA_REAL)
        str_printf(out, "%.17g (real)", v->r);
    else if (v->type == YODA_NULL)
        str_puts(out, "NULL");
    else {
        str_printf(out, "%s(%u) ", v->type == YODA_TEXT ? "text" : "blob", v->size);
        for (uint32_t i = 0; i < v->size && i < 40; i++)
            str_printf(out, "%02x", (unsigned)(uint8_t)v->p[i]);
    }
}

static void differ(const char *sql, expr_ref e, int row, const struct value *mine,
                   const struct value *theirs)
{
    struct str s;
    str_init(&s);
    str_printf(&s, "row %d of SELECT %s\n  as ", row, sql);
    expr_print(e, NULL, &s);
    str_puts(&s, "\n  mine ");
    describe(mine, &s);
    str_puts(&s, ", SQLite ");
    describe(theirs, &s);
    print_error("%s\n", str_text(&s));
    str_deinit(&s);
    fail_msg("values differ");
}

/* Rows are evaluated with all columns either flat or in codes. */
static struct vector vectors[2][COLUMNS];

static void check_types(const struct tree *t, const struct vector *v)
{
    if (v->type != VT_NULL && v->type != t->e->type)
        fail_msg("%s: vector type %d, expression type %d", t->sql, (int)v->type, (int)t->e->type);
}

/* Returns false when the run was refused. */
static bool check_tree(const struct tree *t, int coded)
{
    struct row_set rows = {.rows = ROWS, .column_count = COLUMNS, .columns = vectors[coded]};
    struct eval eval = {.arena = &eval_arena};
    struct vector v;
    yoda_error err = {0};
    uint64_t truth[BITMAP_WORDS(ROWS)];
    sqlite3_stmt *stmt;
    arena_reset(&eval_arena);
    char *sql = sql_printf("SELECT %s, (%s) IS TRUE FROM t ORDER BY rowid", t->sql, t->sql);
    if (sqlite3_prepare_v2(oracle_db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(oracle_db));
    yoda_status status = expr_eval(t->e, &eval, &rows, &v, &err);
    if (status == YODA_OK)
        status = expr_filter(t->e, &eval, &rows, truth, &err);
    if (status == YODA_NOT_COLUMNAR) {
        sqlite3_finalize(stmt);
        return false;
    }
    if (status != YODA_OK)
        fail_msg("%s: %s", t->sql, err.message);
    check_types(t, &v);
    for (uint32_t row = 0; row < ROWS; row++) {
        struct value mine;
        if (sqlite3_step(stmt) != SQLITE_ROW)
            fail_msg("SQLite fails, this does not: %s: %s", sql, sqlite3_errmsg(oracle_db));
        assert_int_equal(vector_value(&v, row, &eval_arena, &mine, &err), YODA_OK);
        struct value theirs = oracle_value(stmt, 0);
        if (!value_identical(&mine, &theirs))
            differ(sql, t->e, (int)row, &mine, &theirs);
        if (mine.type == YODA_NULL && !t->e->nullable)
            fail_msg("%s is not nullable but NULL", t->sql);
        if (t->e->classes && (class_of_value(&mine) & ~t->e->classes))
            fail_msg("%s: classes %x lack %x", t->sql, t->e->classes, class_of_value(&mine));
        if (t->e->boolean && mine.type != YODA_NULL && mine.i != 0 && mine.i != 1)
            fail_msg("%s is not boolean", t->sql);
        if (bit_get(truth, row) != (sqlite3_column_int(stmt, 1) != 0))
            fail_msg("row %u of %s: the filter is wrong", row, t->sql);
    }
    sqlite3_finalize(stmt);
    return true;
}

static void test_random_trees(void **state)
{
    (void)state;
    const char *wish = getenv("YODA_TEST_EXPRESSIONS"), *verbose = getenv("YODA_TEST_VERBOSE");
    int count = wish ? atoi(wish) : 2000, refused = 0;
    rng = test_seed();
    oracle_open();
    arena_init(&data_arena, NULL);
    arena_init(&build_arena, NULL);
    arena_init(&eval_arena, NULL);
    builder = (struct expr_builder){.arena = &build_arena, .err = &build_error};
    make_table();
    load_table();
    for (int coded = 0; coded < 2; coded++)
        for (int c = 0; c < COLUMNS; c++)
            vectors[coded][c] =
                oracle_vector(&data_arena, table[c], ROWS, table_types[c], coded == 1);
    for (int i = 0; i < count; i++) {
        arena_reset(&build_arena);
        struct tree t = random_tree(1 + (int)pick(5));
        if (verbose)
            print_message("%s\n", t.sql);
        bool flat = check_tree(&t, 0), coded = check_tree(&t, 1);
        refused += !flat;
        if (flat && !coded)
            fail_msg("refused only in codes: %s", t.sql);
    }
    print_message("%d of %d refused at run time\n", refused, count);
    arena_deinit(&data_arena);
    arena_deinit(&build_arena);
    arena_deinit(&eval_arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_trees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
