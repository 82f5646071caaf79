/*
 * route.c -- looking at a statement's words and shape.
 *
 * What else the router needs to know comes from trying: a statement can run on columns when
 * sql_plan_select says so, and the plan then says what both sides would cost.
 */
#include "engine/route.h"

#include "base/str.h"

#include <stdio.h>

/* ---- Words ----------------------------------------------------------------------------------- */

static const char *skip_comment(const char *at)
{
    if (at[0] == '-' && at[1] == '-')
        return at + strcspn(at, "\n");
    if (at[0] != '/' || at[1] != '*')
        return at;
    const char *end = strstr(at + 2, "*/");
    return end ? end + 2 : at + strlen(at);
}

static const char *skip_space(const char *at)
{
    for (const char *before = NULL; before != at;) {
        before = at;
        at += strspn(at, " \t\n\f\r");
        at = skip_comment(at);
    }
    return at;
}

bool route_is_blank(const char *sql)
{
    const char *at = skip_space(sql);
    while (*at == ';')
        at = skip_space(at + 1);
    return *at == 0;
}

static size_t word_size(const char *at)
{
    size_t n = 0;
    while ((at[n] >= 'a' && at[n] <= 'z') || (at[n] >= 'A' && at[n] <= 'Z') || at[n] == '_')
        n++;
    return n;
}

static bool word_in(const char *at, size_t size, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ascii_equal_nocase(at, size, words[i], strlen(words[i])))
            return true;
    return false;
}

/* PRAGMA [schema.]name, alone or with (argument): only names known to read with that form. */
static bool pragma_reads(const char *at)
{
    static const char *const with_effect[] = {"wal_checkpoint", "optimize", "incremental_vacuum",
                                              "shrink_memory", "case_sensitive_like"};
    static const char *const with_argument[] = {
        "table_info",  "table_xinfo",      "table_list",        "index_list",      "index_info",
        "index_xinfo", "foreign_key_list", "foreign_key_check", "integrity_check", "quick_check"};
    at = skip_space(at);
    size_t size = word_size(at);
    const char *after = skip_space(at + size);
    if (*after == '.') {
        at = skip_space(after + 1);
        size = word_size(at);
        after = skip_space(at + size);
    }
    if (*after == '=' || *after == '(')
        return word_in(at, size, with_argument, COUNT_OF(with_argument));
    return size > 0 && !word_in(at, size, with_effect, COUNT_OF(with_effect));
}

static const char *first_word(const char *sql, size_t *size)
{
    const char *at = skip_space(sql);
    while (*at == ';')
        at = skip_space(at + 1);
    *size = word_size(at);
    return at;
}

bool route_begins_with(const char *sql, const char *const *words, size_t count)
{
    size_t size = 0;
    const char *at = first_word(sql, &size);
    return word_in(at, size, words, count);
}

bool route_may_query(const char *sql)
{
    static const char *const reading[] = {"SELECT", "VALUES", "WITH", "EXPLAIN"};
    size_t size = 0;
    const char *at = first_word(sql, &size);
    if (ascii_equal_nocase(at, size, "PRAGMA", 6))
        return pragma_reads(at + size);
    return word_in(at, size, reading, COUNT_OF(reading));
}

/* ---- Shape ----------------------------------------------------------------------------------- */

static bool is_fixed(const struct ast_expr *e)
{
    return e->kind == AST_LITERAL || e->kind == AST_PARAMETER ||
           (e->kind == AST_UNARY && e->op == AST_OP_MINUS && e->left->kind == AST_LITERAL);
}

/* Index of the column e names, -1 where it names none of the table's. */
static int64_t column_of(const struct ast_expr *e, const struct view_table *table)
{
    static const char *const rowids[] = {"rowid", "oid", "_rowid_"};
    if (e->kind != AST_COLUMN)
        return -1;
    for (uint32_t i = 0; i < table->column_count; i++)
        if (!table->columns[i].hidden && name_equal(e->name.text, table->columns[i].name))
            return i;
    return word_in(e->name.text, e->name.size, rowids, COUNT_OF(rowids)) ? table->rowid_column : -1;
}

/* Does conjunct e fix the column to one value, or a short list of them? */
static bool fixes_column(const struct ast_expr *e, const struct view_table *table, uint32_t column)
{
    if (e->kind == AST_BINARY && e->op == AST_OP_AND)
        return fixes_column(e->left, table, column) || fixes_column(e->right, table, column);
    if (e->kind == AST_BINARY && (e->op == AST_OP_EQ || e->op == AST_OP_IS))
        return (column_of(e->left, table) == column && is_fixed(e->right)) ||
               (column_of(e->right, table) == column && is_fixed(e->left));
    if (e->kind != AST_IN_LIST || e->negated || e->arg_count > 100)
        return false;
    bool fixed = column_of(e->left, table) == column;
    for (const struct ast_expr *item = e->args; item && fixed; item = item->next)
        fixed = is_fixed(item);
    return fixed;
}

static bool fixes_key(const struct ast_expr *where, const struct view_table *table,
                      const struct view_key *key)
{
    bool fixed = key->count > 0;
    for (uint32_t i = 0; i < key->count && fixed; i++)
        fixed = fixes_column(where, table, key->columns[i]);
    return fixed;
}

/* The one name that a simple SELECT reads from; NULL: it is not so simple. */
static const char *only_source(const struct ast_statement *statement)
{
    const struct ast_select *select = statement->select;
    if (!select || select->ctes || select->cores->next)
        return NULL;
    const struct ast_source *from = select->cores->from;
    bool one = from && !from->next && from->kind == AST_SOURCE_TABLE;
    return one ? from->name.text : NULL;
}

bool route_is_elsewhere(const struct ast_statement *statement, const struct catalog_view *view)
{
    const char *name = only_source(statement);
    bool known = !name || catalog_view_find(view, name);
    for (size_t i = 0; !known && i < view->view_count; i++)
        known = name_equal(view->views[i].name, name);
    return !known;
}

bool route_is_point_read(const struct ast_statement *statement, const struct catalog_view *view)
{
    const char *name = only_source(statement);
    if (!name || !statement->select->cores->where)
        return false;
    const struct view_table *table = catalog_view_find(view, name);
    for (uint32_t i = 0; table && i < table->key_count; i++)
        if (fixes_key(statement->select->cores->where, table, &table->keys[i]))
            return true;
    return false;
}

/* ---- Cost ------------------------------------------------------------------------------------ */

bool route_rows_are_cheaper(const struct route_cost *cost)
{
    if (cost->columns_ns <= 0 || cost->rows_ns <= 0)
        return false;
    return cost->rows_ns < 0.5 * (cost->columns_ns + (double)cost->wait_ns);
}

static void time_text(double ns, char out[24])
{
    static const struct {
        double least_ns;
        const char *unit;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {0, "us"}};
    size_t i = 0;
    while (ns < units[i].least_ns)
        i++;
    double amount = ns / (units[i].least_ns > 0 ? units[i].least_ns : 1e3);
    snprintf(out, 24, "%.*f %s", amount < 10 ? 1 : 0, amount, units[i].unit);
}

void route_cost_text(const struct route_cost *cost, char out[ROUTE_COST_TEXT])
{
    char rows[24], columns[24];
    bool rows_first = route_rows_are_cheaper(cost);
    out[0] = 0;
    if (cost->columns_ns <= 0 || cost->rows_ns <= 0)
        return;
    time_text(cost->rows_ns, rows);
    time_text(cost->columns_ns + (double)cost->wait_ns, columns);
    snprintf(out, ROUTE_COST_TEXT, "%s against %s", rows_first ? rows : columns,
             rows_first ? columns : rows);
}
