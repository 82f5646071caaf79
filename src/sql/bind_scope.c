/*
 * bind_scope.c -- what a name means, by SQLite's rules.
 *
 * A scope is searched in this order: the columns of its sources, rowid / oid / _rowid_, the aliases
 * of the select list (in WHERE, GROUP BY, HAVING and ORDER BY); then the scope around it; at last
 * TRUE and FALSE. Two columns of a name are ambiguous unless a USING ties them: then the left one
 * is meant, the right one of a RIGHT JOIN, and coalesce() of them all for FULL JOINs.
 */
#include "sql/bind.h"

#include "base/str.h"
#include "olap/column/chunk.h"

#include <stdarg.h>
#include <stdio.h>

yoda_status bind_refuse(struct scope *s, const char *format, ...)
{
    char reason[YODA_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return fail(s->q->err, YODA_NOT_COLUMNAR, "%s", reason);
}

static bool same_text(const struct ast_name *a, const char *name)
{
    return ascii_equal_nocase(a->text, a->size, name, strlen(name));
}

bool bind_same_name(const struct ast_name *a, const struct ast_name *b)
{
    return ascii_equal_nocase(a->text, a->size, b->text, b->size);
}

static bool in_using(const struct source *source, const struct ast_name *name)
{
    for (uint32_t i = 0; i < source->using_count; i++)
        if (bind_same_name(&source->using_names[i], name))
            return true;
    return false;
}

static bool column_matches(const struct source_column *c, const struct ast_expr *name)
{
    if (c->hidden || !same_text(&name->name, c->name))
        return false;
    if (name->schema.text && !same_text(&name->schema, "main"))
        return false;
    return !name->table.text || (c->table.text && bind_same_name(&c->table, &name->table));
}

/* One more column of the name. */
static void add_match(struct name_match *m, const struct source *source,
                      const struct source_column *c)
{
    bool again = m->kind != NAME_NONE, is_using = in_using(source, &(struct ast_name){
                                                   .text = c->name,
                                                   .size = (uint32_t)strlen(c->name)});
    if (again && !is_using) {
        m->kind = NAME_AMBIGUOUS;
        return;
    }
    if (again && source->ast->join != AST_JOIN_RIGHT && source->ast->join != AST_JOIN_FULL)
        return;
    if (again && source->ast->join == AST_JOIN_RIGHT)
        m->count = 0;
    if (m->count == 0)
        m->kind = NAME_COLUMN;
    m->columns[m->count++] = c;
}

static bool is_rowid_name(const struct ast_name *name)
{
    return same_text(name, "rowid") || same_text(name, "oid") || same_text(name, "_rowid_");
}

/* A rowid has a name where only one source can be meant. */
static void find_rowid(const struct scope *s, const struct ast_expr *name, struct name_match *m)
{
    if (!is_rowid_name(&name->name))
        return;
    if (name->schema.text && !same_text(&name->schema, "main"))
        return;
    for (uint32_t i = 0; i < s->source_count; i++) {
        const struct source *source = &s->sources[i];
        if (name->table.text &&
            (source->is_group || !bind_same_name(&source->name, &name->table)))
            continue;
        m->kind = source->rowid < 0 || m->kind != NAME_NONE ? NAME_AMBIGUOUS : NAME_COLUMN;
        if (source->rowid >= 0)
            m->columns[0] = &source->columns[source->rowid];
        m->count = 1;
    }
}

static void find_alias(const struct scope *s, const struct ast_expr *name, struct name_match *m)
{
    if (!s->aliases || name->table.text || !s->core)
        return;
    for (const struct ast_result *r = s->core->results; r; r = r->next)
        if (r->alias.text && r->expr && bind_same_name(&r->alias, &name->name)) {
            m->kind = NAME_ALIAS;
            m->alias = r;
            return;
        }
}

yoda_status bind_find_name(struct scope *s, const struct ast_expr *name, struct name_match *out)
{
    *out = (struct name_match){.kind = NAME_NONE};
    out->columns = arena_array(s->q->arena, const struct source_column *, s->source_count + 1);
    if (!out->columns)
        return fail_nomem(s->q->err, s->source_count * sizeof(void *));
    for (uint32_t i = 0; i < s->source_count; i++) {
        const struct source *source = &s->sources[i];
        for (uint32_t c = 0; c < source->column_count; c++) {
            if (!column_matches(&source->columns[c], name))
                continue;
            add_match(out, source, &source->columns[c]);
            if (out->kind == NAME_AMBIGUOUS)
                return YODA_OK;
            if (!source->is_group)
                break;
        }
    }
    if (out->kind == NAME_NONE)
        find_rowid(s, name, out);
    if (out->kind == NAME_NONE)
        find_alias(s, name, out);
    return YODA_OK;
}

/* ---- Binding ---- */

static bool is_joined(const struct scope *s, const struct source_column *column)
{
    for (uint32_t i = 0; i < s->joined; i++) {
        const struct source *source = &s->sources[i];
        if (column >= source->columns && column < source->columns + source->column_count)
            return true;
    }
    return false;
}

static yoda_status row_column(struct scope *s, const struct source_column *column, expr_ref *out)
{
    const struct rel_column *known = &s->q->columns[column->column];
    enum vtype type;
    if (!vtype_of_classes(known->classes, &type))
        return bind_refuse(s, "column %s mixes storage classes", column->name);
    if (!is_joined(s, column))
        return bind_refuse(s, "ON names a table on its right");
    s->own_names++;
    return expr_input(&s->q->build, column->column, known->classes, column->affinity,
                      column->has_affinity, column->collation, out);
}

/* A row's column (or coalesce of columns) at the level: a key, a bare column. */
static yoda_status at_level(struct scope *s, enum bind_level level, expr_ref row, expr_ref *out)
{
    *out = row;
    if (level == LEVEL_ROW)
        return YODA_OK;
    for (uint32_t i = 0; i < s->key_count; i++)
        if (expr_equal(row, s->keys[i].expr))
            return bind_key(s, &s->keys[i], row, out);
    return bind_bare_column(s, row, out);
}

yoda_status bind_source_column(struct scope *s, enum bind_level level,
                               const struct source_column *column, expr_ref *out)
{
    expr_ref row;
    TRY(row_column(s, column, &row));
    return at_level(s, level, row, out);
}

static yoda_status bind_match(struct scope *s, enum bind_level level, const struct name_match *m,
                              expr_ref *out)
{
    if (m->count == 1)
        return bind_source_column(s, level, m->columns[0], out);
    expr_ref *args = arena_array(s->q->arena, expr_ref, m->count), row;
    if (!args)
        return fail_nomem(s->q->err, m->count * sizeof *args);
    for (uint32_t i = 0; i < m->count; i++)
        TRY(row_column(s, m->columns[i], &args[i]));
    TRY(expr_call(&s->q->build, "coalesce", strlen("coalesce"), args, m->count, &row));
    return at_level(s, level, row, out);
}

static yoda_status bind_alias(struct scope *s, enum bind_level level, const struct ast_result *item,
                              expr_ref *out)
{
    unsigned contents = bind_contents(item->expr);
    if (level == LEVEL_ROW && (contents & HAS_AGGREGATE))
        return bind_refuse(s, "misuse of aliased aggregate %s", item->alias.text);
    if ((contents & HAS_WINDOW) && !s->windows_allowed)
        return bind_refuse(s, "misuse of aliased window function %s", item->alias.text);
    s->aliases = false; /* the select list itself knows none */
    yoda_status status = bind_expr(s, level, item->expr, out);
    s->aliases = true;
    return status;
}

static bool word_is(const struct ast_expr *e, const char *word)
{
    return e->kind == AST_COLUMN && !e->table.text && !e->name.quote && same_text(&e->name, word);
}

yoda_status bind_column(struct scope *s, enum bind_level level, const struct ast_expr *e,
                        expr_ref *out)
{
    struct name_match m;
    for (struct scope *at = s; at; at = at->place.outer) {
        TRY(bind_find_name(at, e, &m));
        if (m.kind == NAME_AMBIGUOUS)
            return bind_refuse(s, "ambiguous column name: %s", e->name.text);
        if (m.kind == NAME_NONE)
            continue;
        for (struct scope *inner = s; inner != at; inner = inner->place.outer)
            inner->outer_names++;
        enum bind_level here = at == s ? level : at->level;
        return m.kind == NAME_ALIAS ? bind_alias(at, here, m.alias, out)
                                    : bind_match(at, here, &m, out);
    }
    if (word_is(e, "true") || word_is(e, "false")) {
        struct value v = value_int(word_is(e, "true"));
        return expr_constant(&s->q->build, &v, out);
    }
    return bind_refuse(s, "no such column: %s", e->name.text);
}

int bind_truth_word(struct scope *s, const struct ast_expr *e)
{
    if (!word_is(e, "true") && !word_is(e, "false"))
        return -1;
    for (struct scope *at = s; at; at = at->place.outer) {
        struct name_match m;
        if (bind_find_name(at, e, &m) != YODA_OK || m.kind != NAME_NONE)
            return -1;
    }
    return word_is(e, "true");
}
