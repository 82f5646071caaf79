/* workload.c -- the tables, their values and the statements that write them. */
#include "workload.h"

#include "test.h"

#include <inttypes.h>

enum value_kind { KEY_INT, KEY_TEXT, INT, REAL, TEXT, BLOB, ANY };

struct column {
    const char *name;
    enum value_kind kind;
};

struct table {
    const char *name, *quoted, *schema;
    struct column columns[7]; /* those that may be written; the first `keys` are the key */
    unsigned column_count, keys;
    const char *upsert_target;
    bool rowid; /* writable through `rowid` without being a column */
};

enum { IPK, TXT, COMP, NOKEY, NOC, WOR, STRICT_T, GEN, PARENT, CHILD, WEIRD };

static const struct table tables[WORKLOAD_TABLES] = {
    [IPK] = {"ipk", "ipk",
             "CREATE TABLE ipk(id INTEGER PRIMARY KEY, a INT, b TEXT, c REAL, d);"
             "CREATE UNIQUE INDEX ipk_a ON ipk(a) WHERE a > 15;"
             "CREATE UNIQUE INDEX ipk_b ON ipk(lower(b));",
             {{"id", KEY_INT}, {"a", KEY_INT}, {"b", KEY_TEXT}, {"c", REAL}, {"d", ANY}},
             5, 1, "(id)", false},
    [TXT] = {"txt", "txt", "CREATE TABLE txt(k TEXT PRIMARY KEY, v INT, w);",
             {{"k", KEY_TEXT}, {"v", INT}, {"w", ANY}}, 3, 1, "(k)", true},
    [COMP] = {"comp", "comp",
              "CREATE TABLE comp(a INT, b TEXT, v, w REAL, PRIMARY KEY(a, b));",
              {{"a", KEY_INT}, {"b", KEY_TEXT}, {"v", ANY}, {"w", REAL}}, 4, 2, "(a, b)", true},
    [NOKEY] = {"nokey", "nokey", "CREATE TABLE nokey(a, b, c);",
               {{"a", INT}, {"b", TEXT}, {"c", ANY}}, 3, 1, NULL, true},
    [NOC] = {"noc", "noc",
             "CREATE TABLE noc(k TEXT COLLATE NOCASE PRIMARY KEY, v BLOB, n NUMERIC);",
             {{"k", KEY_TEXT}, {"v", BLOB}, {"n", REAL}}, 3, 1, "(k)", true},
    [WOR] = {"wor", "wor",
             "CREATE TABLE wor(a INT, b TEXT COLLATE NOCASE, v, u INT,"
             " PRIMARY KEY(b, a DESC)) WITHOUT ROWID;"
             "CREATE UNIQUE INDEX wor_u ON wor(u);",
             {{"b", KEY_TEXT}, {"a", KEY_INT}, {"v", ANY}, {"u", KEY_INT}}, 4, 2, "(b, a)", false},
    [STRICT_T] = {"strict_t", "strict_t",
                  "CREATE TABLE strict_t(id INTEGER PRIMARY KEY, i INT, r REAL, t TEXT, b BLOB,"
                  " y ANY) STRICT;",
                  {{"id", KEY_INT}, {"i", INT}, {"r", REAL}, {"t", TEXT}, {"b", BLOB}, {"y", ANY}},
                  6, 1, "(id)", false},
    [GEN] = {"gen", "gen",
             "CREATE TABLE gen(id INTEGER PRIMARY KEY, x INT UNIQUE, y TEXT,"
             " s AS (x * 2) STORED, v TEXT AS (y || '!') VIRTUAL);",
             {{"id", KEY_INT}, {"x", KEY_INT}, {"y", TEXT}}, 3, 1, "(id)", false},
    [PARENT] = {"parent", "parent",
                "CREATE TABLE parent(id INTEGER PRIMARY KEY, u INT UNIQUE, n TEXT);",
                {{"id", KEY_INT}, {"u", KEY_INT}, {"n", TEXT}}, 3, 1, "(id)", false},
    [CHILD] = {"child", "child",
               "CREATE TABLE child(id INTEGER PRIMARY KEY,"
               " p INT REFERENCES parent(id) ON DELETE CASCADE ON UPDATE CASCADE,"
               " q INT REFERENCES parent(u) ON DELETE SET NULL ON UPDATE SET NULL, t);",
               {{"id", KEY_INT}, {"p", KEY_INT}, {"q", KEY_INT}, {"t", TEXT}}, 4, 1, "(id)",
               false},
    [WEIRD] = {"we ird \"t\"", "\"we ird \"\"t\"\"\"",
               "CREATE TABLE \"we ird \"\"t\"\"\"(\"a b\" TEXT, \"select\" INT, \"q\"\"x\","
               " PRIMARY KEY(\"a b\"), UNIQUE(\"select\"));",
               {{"\"a b\"", KEY_TEXT}, {"\"select\"", KEY_INT}, {"\"q\"\"x\"", ANY}}, 3, 1,
               "(\"a b\")", true},
};

struct made_index {
    size_t table;
    const char *name, *create;
};
static const struct made_index made_indexes[] = {
    {IPK, "ipk_a", "CREATE UNIQUE INDEX ipk_a ON ipk(a) WHERE a > 15"},
    {IPK, "ipk_b", "CREATE UNIQUE INDEX ipk_b ON ipk(lower(b))"},
    {WOR, "wor_u", "CREATE UNIQUE INDEX wor_u ON wor(u)"},
};

uint32_t workload_below(struct workload *w, uint32_t n)
{
    return (uint32_t)(test_random(&w->random) % n);
}

void workload_init(struct workload *w, uint64_t seed)
{
    *w = (struct workload){.random = seed};
    for (unsigned i = 0; i < 4; i++)
        w->use[workload_below(w, WORKLOAD_TABLES)] = true;
    w->use[PARENT] = w->use[CHILD] = w->use[PARENT] || w->use[CHILD];
}

const char *workload_table(const struct workload *w, size_t table)
{
    return w->use[table] ? tables[table].name : NULL;
}

const char *workload_schema(size_t table)
{
    return tables[table].schema;
}

static size_t pick_table(struct workload *w)
{
    size_t table = workload_below(w, WORKLOAD_TABLES);
    while (!w->use[table])
        table = (table + 1) % WORKLOAD_TABLES;
    return table;
}

/* ---- Values ---- */

static void put_any(struct workload *w, FILE *out);

static void put_text(struct workload *w, FILE *out)
{
    static const char *const odd[] = {"''", "'it''s'", "CAST(x'610062' AS TEXT)", "'12'", "'1e2'",
                                      "'2024-02-29'", "'2024-01-31 10:20:30'", "' pad '",
                                      "'\xc3\xa9t\xc3\xa9'"};
    if (workload_below(w, 4) == 0)
        fputs(odd[workload_below(w, 9)], out);
    else
        fprintf(out, "'t%u'", workload_below(w, 40));
}

static void put_real(struct workload *w, FILE *out)
{
    static const char *const odd[] = {"0.1", "-0.0", "1e300", "-1e-300", "9e999", "2.0", "3"};
    if (workload_below(w, 6) == 0)
        fputs(odd[workload_below(w, 7)], out);
    else
        fprintf(out, "%u.%02u", workload_below(w, 1000), workload_below(w, 100));
}

static void put_int(struct workload *w, FILE *out)
{
    static const char *const odd[] = {"9223372036854775807", "-9223372036854775807 - 1", "-1",
                                      "4294967296"};
    if (workload_below(w, 12) == 0)
        fputs(odd[workload_below(w, 4)], out);
    else
        fprintf(out, "%d", (int)workload_below(w, 2000) - 1000);
}

static void put_key_text(struct workload *w, FILE *out)
{
    uint32_t n = workload_below(w, 24);
    fprintf(out, workload_below(w, 2) ? "'Key%u'" : "'kEY%u'", n);
}

static void put_blob(struct workload *w, FILE *out)
{
    fputs("x'", out);
    for (uint32_t n = workload_below(w, 12); n > 0; n--)
        fprintf(out, "%02x", workload_below(w, 3) ? workload_below(w, 256) : 0);
    fputs("'", out);
}

static void put_value(struct workload *w, enum value_kind kind, FILE *out)
{
    uint32_t fate = workload_below(w, 40);
    if (fate == 0) {
        put_any(w, out); /* the wrong class */
        return;
    }
    if (fate < 4) {
        fputs("NULL", out);
        return;
    }
    switch (kind) {
    case KEY_INT:
        fprintf(out, "%u", workload_below(w, 30));
        break;
    case KEY_TEXT:
        put_key_text(w, out);
        break;
    case INT:
        put_int(w, out);
        break;
    case REAL:
        put_real(w, out);
        break;
    case TEXT:
        put_text(w, out);
        break;
    case BLOB:
        put_blob(w, out);
        break;
    case ANY:
        put_any(w, out);
        break;
    }
}

static void put_any(struct workload *w, FILE *out)
{
    static const enum value_kind kinds[] = {INT, REAL, TEXT, BLOB, KEY_INT};
    put_value(w, kinds[workload_below(w, 5)], out);
}

/* ---- Statements ---- */

static const char *conflict_clause(struct workload *w)
{
    static const char *const clauses[] = {"",           "",             " OR REPLACE",
                                          " OR IGNORE", " OR REPLACE", " OR FAIL"};
    return clauses[workload_below(w, 6)];
}

static void put_predicate(struct workload *w, const struct table *t, FILE *out)
{
    const struct column *c = &t->columns[workload_below(w, t->keys)];
    switch (workload_below(w, 6)) {
    case 0:
        fprintf(out, " WHERE %s > ", c->name);
        put_value(w, c->kind, out);
        return;
    case 1:
        c = &t->columns[workload_below(w, t->column_count)];
        fprintf(out, " WHERE %s IS NULL", c->name);
        return;
    case 2:
        if (t->rowid || t->columns[0].kind == KEY_INT) {
            fprintf(out, " WHERE %s %% 5 = %u", t->rowid ? "rowid" : t->columns[0].name,
                    workload_below(w, 5));
            return;
        } /* fall through */
    default:
        fprintf(out, " WHERE %s = ", c->name);
        put_value(w, c->kind, out);
    }
}

static void put_rows(struct workload *w, const struct table *t, FILE *out)
{
    bool by_rowid = t->rowid && workload_below(w, 5) == 0;
    fprintf(out, " INTO %s(%s", t->quoted, by_rowid ? "rowid, " : "");
    for (unsigned c = 0; c < t->column_count; c++)
        fprintf(out, "%s%s", c ? ", " : "", t->columns[c].name);
    fputs(") VALUES ", out);
    uint32_t rows = workload_below(w, 3) ? 1 : 1 + workload_below(w, 12);
    for (uint32_t i = 0; i < rows; i++) {
        fputs(i ? ", (" : "(", out);
        if (by_rowid)
            fprintf(out, "%u, ", workload_below(w, 40));
        for (unsigned c = 0; c < t->column_count; c++) {
            fputs(c ? ", " : "", out);
            put_value(w, t->columns[c].kind, out);
        }
        fputs(")", out);
    }
}

static void put_insert(struct workload *w, const struct table *t, FILE *out)
{
    bool upsert = t->upsert_target && workload_below(w, 4) == 0;
    fprintf(out, "INSERT%s", upsert ? "" : conflict_clause(w));
    put_rows(w, t, out);
    if (!upsert)
        return;
    const struct column *c = &t->columns[workload_below(w, t->column_count)];
    if (workload_below(w, 3) == 0)
        fprintf(out, " ON CONFLICT DO NOTHING");
    else
        fprintf(out, " ON CONFLICT%s DO UPDATE SET %s = excluded.%s", t->upsert_target, c->name,
                c->name);
}

static void put_update(struct workload *w, const struct table *t, bool key, FILE *out)
{
    unsigned first = key ? workload_below(w, t->keys) : workload_below(w, t->column_count);
    fprintf(out, "UPDATE%s %s SET ", conflict_clause(w), t->quoted);
    if (key && t->rowid && workload_below(w, 3) == 0)
        fprintf(out, "rowid = %u, ", workload_below(w, 40));
    fprintf(out, "%s = ", t->columns[first].name);
    if (t->columns[first].kind == KEY_INT && workload_below(w, 2))
        fprintf(out, "%s + 1", t->columns[first].name);
    else
        put_value(w, t->columns[first].kind, out);
    put_predicate(w, t, out);
}

static void put_delete(struct workload *w, const struct table *t, FILE *out)
{
    fprintf(out, "DELETE FROM %s", t->quoted);
    if (workload_below(w, 30)) /* else: all rows, by SQLite's truncate */
        put_predicate(w, t, out);
}

static void put_index_change(struct workload *w, FILE *out)
{
    uint32_t i = workload_below(w, 3);
    if (!w->use[made_indexes[i].table]) {
        fputs("SELECT 1", out);
        return;
    }
    if (w->dropped_index[i])
        fprintf(out, "%s", made_indexes[i].create); /* may fail: duplicates have come */
    else
        fprintf(out, "DROP INDEX IF EXISTS %s", made_indexes[i].name);
    w->dropped_index[i] = !w->dropped_index[i];
}

static void put_column_change(struct workload *w, size_t table, FILE *out)
{
    static const char *const types[] = {" INT DEFAULT 7", " TEXT", " REAL DEFAULT 0.5",
                                        " TEXT DEFAULT 'new' NOT NULL"};
    const char *name = tables[table].quoted;
    unsigned *last = &w->added[table];
    if (*last && workload_below(w, 3) == 0) {
        fprintf(out, "ALTER TABLE %s DROP COLUMN added%u", name, *last);
        *last = 0;
    } else if (*last && workload_below(w, 2) == 0) {
        fprintf(out, "ALTER TABLE %s RENAME COLUMN added%u TO added%u", name, *last,
                w->next_added + 1);
        *last = ++w->next_added;
    } else {
        *last = ++w->next_added;
        fprintf(out, "ALTER TABLE %s ADD COLUMN added%u%s", name, *last,
                types[workload_below(w, 4)]);
    }
}

static void put_rare(struct workload *w, FILE *out)
{
    size_t table = pick_table(w);
    switch (workload_below(w, 8)) {
    case 0:
        fputs("VACUUM", out);
        break;
    case 1:
    case 2:
        put_index_change(w, out);
        break;
    case 3:
        fprintf(out, "DROP TABLE %s; %s", tables[table].quoted, tables[table].schema);
        w->added[table] = 0;
        for (size_t i = 0; i < 3; i++)
            w->dropped_index[i] &= made_indexes[i].table != table;
        break;
    case 4:
        fputs("PRAGMA wal_checkpoint(TRUNCATE)", out);
        break;
    default:
        put_column_change(w, table, out);
        break;
    }
}

static void put_write(struct workload *w, FILE *out)
{
    const struct table *t = &tables[pick_table(w)];
    uint32_t kind = workload_below(w, 100);
    if (kind < 50)
        put_insert(w, t, out);
    else if (kind < 58) {
        fputs("REPLACE", out);
        put_rows(w, t, out);
    } else if (kind < 75)
        put_update(w, t, false, out);
    else if (kind < 87)
        put_update(w, t, true, out);
    else
        put_delete(w, t, out);
}

static void put_savepoints(struct workload *w, FILE *out)
{
    bool begin = workload_below(w, 2);
    fputs(begin ? "BEGIN; " : "SAVEPOINT s0; ", out);
    put_write(w, out);
    fputs("; SAVEPOINT s1; ", out);
    put_write(w, out);
    fputs(workload_below(w, 2) ? "; ROLLBACK TO s1; " : "; RELEASE s1; ", out);
    put_write(w, out);
    fputs(workload_below(w, 5) == 0 ? "; ROLLBACK" : begin ? "; COMMIT" : "; RELEASE s0", out);
}

char *workload_statement(struct workload *w, bool savepoints)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    uint32_t kind = workload_below(w, 100);
    if (kind < 4)
        put_rare(w, out);
    else if (kind < 14 && savepoints)
        put_savepoints(w, out);
    else
        put_write(w, out);
    fclose(out);
    return text;
}

/* ---- Queries ---- */

/* {c} is a column, {t} a table. Grouping by a NOCASE key may show any of its spellings: typeof. */
static void put_shape(const char *shape, const char *column, const struct table *t, FILE *out)
{
    for (; *shape; shape++) {
        if (strncmp(shape, "{c}", 3) == 0)
            fputs(column, out), shape += 2;
        else if (strncmp(shape, "{t}", 3) == 0)
            fputs(t->quoted, out), shape += 2;
        else
            fputc(*shape, out);
    }
}

char *workload_query(struct workload *w)
{
    static const char *const shapes[] = {
        "SELECT count(*), count({c}) FROM {t}",
        "SELECT typeof({c}), count(*), sum(length({c})) FROM {t}",
        "SELECT count(*), typeof(min({c})), typeof(max({c})) FROM {t}",
        "SELECT {c} FROM {t}",
        "SELECT count(DISTINCT {c}) FROM {t}",
        "SELECT * FROM {t}",
    };
    const struct table *t = &tables[pick_table(w)];
    const char *column = t->columns[workload_below(w, t->column_count)].name;
    uint32_t shape = workload_below(w, 6);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    put_shape(shapes[shape], column, t, out);
    if (workload_below(w, 3) == 0)
        put_predicate(w, t, out);
    if (shape == 1)
        fputs(" GROUP BY 1", out);
    fclose(out);
    return text;
}
