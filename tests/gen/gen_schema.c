/*
 * gen_schema.c -- tables of every kind of key, values of every kind of trouble.
 *
 * Tables are registered before, in the middle of, or after their rows are written; some rows are
 * updated and deleted later, so that columns hold base rows, added rows and deleted ones.
 */
#include "gen_schema.h"

#include "test.h"

uint32_t gen_below(uint64_t *seed, uint32_t n)
{
    return n ? (uint32_t)(test_random(seed) >> 33) % n : 0;
}

bool gen_chance(uint64_t *seed, uint32_t percent)
{
    return gen_below(seed, 100) < percent;
}

#define PICK(seed, list) (list)[gen_below((seed), (uint32_t)(sizeof(list) / sizeof *(list)))]

static const char *const words[] = {"''",      "'a'",   "'b'",     "'abc'", "'abd'",  "'red'",
                                    "'blue'",  "'x y'", "'10'",    "'2'",   "'1.5'",  "'%'",
                                    "'it''s'", "'zz_'", "'green'", "'-3'",  "'a b c'"};
/* Without spaces at the end: SQLite 3.40's Bloom filters hash them, whatever the collation, so that
 * an equality under RTRIM loses rows when an automatic index is made for it. */
static const char *const cased[] = {"'a'",   "'A'",   "'abc'", "'ABC'",
                                    "'Abc'", "'red'", "'RED'", "'b'"};
static const char *const unicode[] = {"'\xc3\xa4'",          "'\xc3\x84'",
                                      "'\xc3\xa9t\xc3\xa9'", "'\xe6\x97\xa5\xe6\x9c\xac'",
                                      "'\xf0\x9f\x99\x82'",  "'\xc3\x9f'"};
static const char *const wild_ints[] = {"9223372036854775807",
                                        "-9223372036854775808",
                                        "9223372036854775806",
                                        "9007199254740993",
                                        "-9007199254740993",
                                        "4294967296",
                                        "-2147483649",
                                        "0",
                                        "-1",
                                        "1",
                                        "255",
                                        "65536",
                                        "1000000"};
static const char *const wild_reals[] = {"1e300",
                                         "-1e300",
                                         "1.7976931348623157e308",
                                         "5e-324",
                                         "0.1",
                                         "0.30000000000000004",
                                         "-0.0",
                                         "1e15",
                                         "9007199254740992.0",
                                         "9223372036854775807.0",
                                         "123.456",
                                         "-1.5",
                                         "2.0",
                                         "1e-5"};
static const char *const blobs[] = {"x''", "x'00'", "x'61'", "x'ff00'", "x'616263'", "x'0102'"};

const char *schema_literal(struct pool *pool, uint64_t *seed, enum kind kind, bool tame)
{
    switch (kind) {
    case KIND_INT:
        return tame || gen_chance(seed, 60) ? pool_print(pool, "%d", (int)gen_below(seed, 12) - 3)
                                            : PICK(seed, wild_ints);
    case KIND_NUMBER:
        if (!tame && gen_chance(seed, 35))
            return gen_chance(seed, 60) ? PICK(seed, wild_reals) : PICK(seed, wild_ints);
        if (gen_chance(seed, 40))
            return pool_print(pool, "%d", (int)gen_below(seed, 12) - 3);
        return pool_print(pool, "%.2f", ((int)gen_below(seed, 60) - 20) / 4.0);
    case KIND_TEXT:
        return gen_chance(seed, 12) ? PICK(seed, unicode) : PICK(seed, words);
    case KIND_DATE:
        return pool_print(pool, "'%04u-%02u-%02u'", 2019 + gen_below(seed, 4),
                          1 + gen_below(seed, 12), 1 + gen_below(seed, 28));
    case KIND_BLOB:
        return PICK(seed, blobs);
    case KIND_ANY:
        return schema_literal(pool, seed, (enum kind)gen_below(seed, KIND_ANY), tame);
    }
    return "NULL";
}

/* ---- Tables ---- */

struct plan { /* of one column's values */
    enum kind values;
    bool tame, cased, serial, not_null;
};

struct table_plan {
    struct plan columns[COLUMNS_MAX];
    bool unique_text; /* the key is a text */
    size_t rows;
    bool big;
};

static const char *const names[] = {"a", "b", "c", "d", "e", "f", "k", "n"};

static const char *declared(uint64_t *seed, struct column *c, const struct plan *p)
{
    static const char *const ints[] = {"INTEGER", "INT", "BIGINT"};
    static const char *const numbers[] = {"REAL", "NUMERIC", "DECIMAL(9,2)", "DOUBLE"};
    static const char *const texts[] = {"TEXT", "VARCHAR(20)"};
    const char *type = "";
    uint32_t odd = gen_below(seed, 100); /* a declaration that does not fit, or none */
    if (odd < 12)
        type = "";
    else if (p->values == KIND_INT)
        type = odd < 85 ? PICK(seed, ints) : PICK(seed, numbers);
    else if (p->values == KIND_NUMBER)
        type = odd < 85 ? PICK(seed, numbers) : "";
    else if (p->values == KIND_TEXT)
        type = odd < 90 ? PICK(seed, texts) : "NUMERIC";
    else if (p->values == KIND_DATE)
        type = odd < 60 ? "TEXT" : "DATE";
    else if (p->values == KIND_BLOB)
        type = odd < 80 ? "BLOB" : "TEXT";
    c->affinity = strstr(type, "INT")                            ? 'I'
                  : strstr(type, "REAL") || strstr(type, "DOUB") ? 'R'
                  : strstr(type, "CHAR") || strstr(type, "TEXT") ? 'T'
                  : !*type || !strcmp(type, "BLOB")              ? 'B'
                                                                 : 'N';
    return type;
}

/* What the column holds once affinity has been at its values. */
static void settle(struct column *c, const struct plan *p)
{
    c->kind = p->values;
    c->tame = p->tame && (p->values == KIND_INT || p->values == KIND_NUMBER);
    c->exact = !p->cased || c->collation == 'B';
    if (p->values == KIND_INT && c->affinity == 'R')
        c->kind = KIND_NUMBER;
    if (p->values == KIND_NUMBER && c->affinity == 'B')
        c->exact = false;
    if (p->values == KIND_ANY) {
        c->kind = KIND_ANY;
        c->exact = c->affinity != 'B' && c->collation == 'B';
    }
    if (p->values == KIND_TEXT && c->affinity == 'N') {
        c->kind = KIND_ANY; /* '10' has become 10 */
        c->exact = c->collation == 'B';
    }
    if (c->affinity == 'T' && (c->kind == KIND_INT || c->kind == KIND_NUMBER)) {
        c->kind = KIND_TEXT;
        c->tame = false;
    }
}

static struct plan plan_column(uint64_t *seed)
{
    struct plan p = {.values = KIND_INT, .tame = true};
    uint32_t r = gen_below(seed, 100);
    if (r < 30)
        p.values = KIND_INT;
    else if (r < 36)
        p = (struct plan){.values = KIND_INT};
    else if (r < 52)
        p.values = KIND_NUMBER;
    else if (r < 58)
        p = (struct plan){.values = KIND_NUMBER};
    else if (r < 80)
        p.values = KIND_TEXT;
    else if (r < 88)
        p.values = KIND_DATE;
    else if (r < 91)
        p.values = KIND_BLOB;
    else
        p = (struct plan){.values = KIND_ANY};
    p.not_null = gen_chance(seed, 30);
    return p;
}

static const char *define_column(struct schema *s, struct column *c, struct plan *p)
{
    static const char *const collations[] = {"", " COLLATE NOCASE", " COLLATE RTRIM"};
    const char *type = declared(&s->seed, c, p);
    uint32_t collation = 0;
    if ((p->values == KIND_TEXT || p->values == KIND_ANY) && gen_chance(&s->seed, 20))
        collation = 1 + gen_below(&s->seed, 2);
    c->collation = "BNR"[collation];
    p->cased = collation > 0;
    settle(c, p);
    return pool_print(s->pool, "%s%s%s%s%s", c->name, *type ? " " : "", type, collations[collation],
                      p->not_null ? " NOT NULL" : "");
}

static void put(struct schema *s, const char *statement)
{
    if (s->statement_count < STATEMENTS_MAX)
        s->statements[s->statement_count++] = statement;
}

enum key { KEY_INTEGER, KEY_TEXT, KEY_WITHOUT_ROWID, KEY_NONE, KEY_PAIR, KEYS };

static void define_key(struct schema *s, struct relation *t, struct table_plan *p, enum key key)
{
    struct column *c = &t->columns[0];
    *c = (struct column){.name = gen_chance(&s->seed, 70) ? "id" : "k",
                         .kind = KIND_INT,
                         .affinity = 'I',
                         .collation = 'B',
                         .tame = true,
                         .exact = true,
                         .unique = true};
    p->columns[0] =
        (struct plan){.values = KIND_INT, .tame = true, .serial = true, .not_null = true};
    if (key == KEY_TEXT) {
        c->kind = KIND_TEXT;
        c->affinity = 'T';
        c->tame = false;
        p->unique_text = true;
    }
}

static void create_table(struct schema *s, struct relation *t, struct table_plan *p)
{
    enum key key = (enum key)gen_below(&s->seed, KEYS);
    bool used[8] = {false};
    size_t extra = 1 + gen_below(&s->seed, 6);
    define_key(s, t, p, key);
    const char *keyed = key == KEY_INTEGER ? " INTEGER PRIMARY KEY"
                        : key == KEY_TEXT  ? " TEXT PRIMARY KEY"
                                           : " INTEGER NOT NULL";
    char *sql = pool_print(s->pool, "CREATE TABLE %s(%s%s", t->name, t->columns[0].name, keyed);
    used[6] = t->columns[0].name[0] == 'k';
    t->count = 1;
    for (size_t i = 0; i < extra; i++) {
        uint32_t n = gen_below(&s->seed, 8);
        if (used[n])
            continue;
        used[n] = true;
        t->columns[t->count].name = names[n];
        p->columns[t->count] = plan_column(&s->seed);
        const char *column = define_column(s, &t->columns[t->count], &p->columns[t->count]);
        sql = pool_print(s->pool, "%s, %s", sql, column);
        t->count++;
    }
    if (key == KEY_WITHOUT_ROWID)
        sql = pool_print(s->pool, "%s, PRIMARY KEY(%s)) WITHOUT ROWID", sql, t->columns[0].name);
    else if (key == KEY_PAIR && t->count > 1 && p->columns[1].not_null)
        sql =
            pool_print(s->pool, "%s, UNIQUE(%s, %s))", sql, t->columns[0].name, t->columns[1].name);
    else
        sql = pool_print(s->pool, "%s)", sql);
    put(s, sql);
}

/* Ascending ones: SQLite 3.40 misses the NULLs of a descending one in `x IN (SELECT column)`. */
static void create_indexes(struct schema *s, const struct relation *t)
{
    for (size_t c = 1; c < t->count; c++)
        if (gen_chance(&s->seed, 20))
            put(s, pool_print(s->pool, "CREATE INDEX %s_%s ON %s(%s)", t->name, t->columns[c].name,
                              t->name, t->columns[c].name));
}

/* ---- Rows ---- */

static const char *value_text(struct schema *s, const struct relation *t,
                              const struct table_plan *p, size_t c, size_t row)
{
    const struct plan *plan = &p->columns[c];
    if (plan->serial && p->unique_text)
        return pool_print(s->pool, "'%c%zu'", 'a' + (char)(row % 3), row);
    if (plan->serial)
        return pool_print(s->pool, "%zu", row);
    if (!plan->not_null && gen_chance(&s->seed, 18))
        return "NULL";
    if (plan->cased && t->columns[c].collation != 'B' && gen_chance(&s->seed, 70))
        return PICK(&s->seed, cased);
    return schema_literal(s->pool, &s->seed, plan->values, plan->tame);
}

static void insert_row(struct schema *s, const struct relation *t, const struct table_plan *p,
                       size_t row)
{
    char *sql = pool_print(s->pool, "INSERT INTO %s VALUES (", t->name);
    for (size_t c = 0; c < t->count; c++)
        sql = pool_print(s->pool, "%s%s%s", sql, c ? ", " : "", value_text(s, t, p, c, row));
    put(s, pool_print(s->pool, "%s)", sql));
}

/* Rows in thousands: one statement, values from the row's number. */
static void insert_many(struct schema *s, const struct relation *t, const struct table_plan *p)
{
    char *sql = pool_print(s->pool,
                           "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE"
                           " i < %zu) INSERT INTO %s SELECT ",
                           p->rows, t->name);
    for (size_t c = 0; c < t->count; c++) {
        const struct plan *plan = &p->columns[c];
        uint32_t spread = 3 + gen_below(&s->seed, 400), step = 1 + gen_below(&s->seed, 30);
        const char *value;
        if (plan->serial && p->unique_text)
            value = "'k' || i";
        else if (plan->serial)
            value = "i";
        else if (plan->values == KIND_TEXT)
            value = pool_print(s->pool, "'w' || (i * %u %% %u)", step, spread);
        else if (plan->values == KIND_DATE)
            value =
                pool_print(s->pool, "date('2019-01-01', (i * %u %% %u) || ' days')", step, spread);
        else if (plan->values == KIND_NUMBER)
            value = pool_print(s->pool, "(i * %u %% %u) / 4.0", step, spread);
        else if (plan->values == KIND_INT && !plan->tame)
            value = pool_print(s->pool, "i * %u * 1000000007", step);
        else if (plan->values == KIND_ANY)
            value = "CASE i % 3 WHEN 0 THEN i WHEN 1 THEN 'x' || (i % 7) ELSE i / 2.0 END";
        else
            value = pool_print(s->pool, "i * %u %% %u - 3", step, spread);
        if (!plan->not_null && gen_chance(&s->seed, 60))
            value = pool_print(s->pool, "CASE WHEN i %% %u THEN %s END", 2 + step, value);
        sql = pool_print(s->pool, "%s%s%s", sql, c ? ", " : "", value);
    }
    put(s, pool_print(s->pool, "%s FROM g", sql));
}

static void disturb(struct schema *s, const struct relation *t, const struct table_plan *p)
{
    const char *key = t->columns[0].name;
    if (gen_chance(&s->seed, 40))
        put(s, p->unique_text
                   ? pool_print(s->pool, "DELETE FROM %s WHERE length(%s) %% 2 = 1 AND %s < 'b'",
                                t->name, key, key)
                   : pool_print(s->pool, "DELETE FROM %s WHERE %s %% %u = 0", t->name, key,
                                2 + gen_below(&s->seed, 9)));
    for (size_t c = 1; c < t->count; c++)
        if (gen_chance(&s->seed, 25))
            put(s, pool_print(s->pool, "UPDATE OR IGNORE %s SET %s = %s WHERE %s > %s", t->name,
                              t->columns[c].name, value_text(s, t, p, c, 1), key,
                              p->unique_text ? "'b'" : "5"));
    if (gen_chance(&s->seed, 2))
        put(s, pool_print(s->pool, "DELETE FROM %s", t->name));
}

static void fill(struct schema *s, struct relation *t, const struct table_plan *p)
{
    const char *registration = pool_print(s->pool, "-- register %s", t->name);
    size_t when = gen_below(&s->seed, 3), half = p->rows / 2;
    if (when == 0)
        put(s, registration);
    if (p->big)
        insert_many(s, t, p);
    for (size_t row = 1; row <= (p->big ? 0 : p->rows); row++) {
        if (when == 1 && row == half + 1)
            put(s, registration);
        insert_row(s, t, p, row);
    }
    if (when == 2 || (when == 1 && (p->big || p->rows == 0)))
        put(s, registration);
    disturb(s, t, p);
    t->rows = (double)p->rows;
}

static void create_view(struct schema *s, size_t i)
{
    struct relation *v = &s->relations[s->count];
    const struct relation *t = &s->relations[gen_below(&s->seed, (uint32_t)s->tables)];
    *v = *t;
    v->name = pool_print(s->pool, "v%zu", i);
    v->view = true;
    v->count = 0;
    char *sql = pool_print(s->pool, "CREATE VIEW %s AS SELECT ", v->name);
    for (size_t c = 0; c < t->count; c++) {
        if (c > 0 && gen_chance(&s->seed, 30))
            continue;
        v->columns[v->count] = t->columns[c];
        sql = pool_print(s->pool, "%s%s%s", sql, v->count ? ", " : "", t->columns[c].name);
        v->count++;
    }
    const struct column *c = &t->columns[gen_below(&s->seed, (uint32_t)t->count)];
    sql = pool_print(s->pool, "%s FROM %s", sql, t->name);
    if (gen_chance(&s->seed, 60))
        sql = pool_print(s->pool, "%s WHERE %s IS %s%s", sql, c->name,
                         gen_chance(&s->seed, 70) ? "NOT " : "",
                         schema_literal(s->pool, &s->seed, c->kind, c->tame));
    put(s, sql);
    s->count++;
}

void schema_make(struct schema *s, struct pool *pool, uint64_t seed)
{
    struct table_plan plans[TABLES_MAX];
    memset(s, 0, sizeof *s);
    memset(plans, 0, sizeof plans);
    s->pool = pool;
    s->seed = seed;
    s->tables = s->count = 1 + gen_below(&s->seed, TABLES_MAX);
    bool big_ones = gen_chance(&s->seed, 15);
    for (size_t i = 0; i < s->tables; i++) {
        struct relation *t = &s->relations[i];
        struct table_plan *p = &plans[i];
        t->name = pool_print(pool, "t%zu", i);
        uint32_t size = gen_below(&s->seed, 100);
        p->rows = size < 5    ? 0
                  : size < 60 ? 1 + gen_below(&s->seed, 12)
                  : size < 90 ? 10 + gen_below(&s->seed, 30)
                              : 60 + gen_below(&s->seed, 140);
        p->big = big_ones && gen_chance(&s->seed, 50);
        if (p->big)
            p->rows = 3000 + gen_below(&s->seed, 3000);
        create_table(s, t, p);
        create_indexes(s, t);
        fill(s, t, p);
    }
    size_t views = gen_below(&s->seed, 3);
    for (size_t i = 0; i < views; i++)
        create_view(s, i);
    if (gen_chance(&s->seed, 20))
        put(s, "ANALYZE");
}
