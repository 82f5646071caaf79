/*
 * bind_from.c -- FROM: its items opened, then joined from left to right.
 *
 * All items are opened first: an ON clause is looked up among all tables, as SQLite does, and
 * refused when it names one further right. The condition of an inner join is a filter above it,
 * that of an outer join stays with the join; columns of the side that is filled with NULLs are
 * nullable for everything bound afterwards. RIGHT is LEFT with the sides swapped.
 */
#include "sql/bind.h"

#include "base/str.h"

static bool is_plain_group(const struct ast_source *ast)
{
    return ast->kind == AST_SOURCE_GROUP && !ast->alias.text && !ast->on && !ast->using_columns;
}

/* Parentheses around the first items, or around one, say nothing. */
static uint32_t flat_count(const struct ast_source *from)
{
    uint32_t count = 0;
    for (const struct ast_source *a = from; a; a = a->next)
        count += a == from && is_plain_group(a) ? flat_count(a->group) : 1;
    return count;
}

/* ---- Opening ---- */

static yoda_status open_group(struct scope *s, const struct ast_source *ast, struct source *out)
{
    struct scope inner = {.q = s->q, .place = s->place, .core = s->core};
    uint32_t count = 0;
    if (ast->alias.text)
        return bind_refuse(s, "an alias of a join in parentheses runs on SQLite");
    TRY(bind_from(&inner, ast->group));
    for (uint32_t i = 0; i < inner.source_count; i++) {
        if (inner.sources[i].using_count)
            return bind_refuse(s, "USING inside parentheses runs on SQLite");
        count += inner.sources[i].column_count;
    }
    out->columns = arena_array(s->q->arena, struct source_column, count + 1);
    if (!out->columns)
        return fail_nomem(s->q->err, count * sizeof *out->columns);
    for (uint32_t i = 0; i < inner.source_count; i++)
        for (uint32_t c = 0; c < inner.sources[i].column_count; c++)
            if (!inner.sources[i].columns[c].hidden)
                out->columns[out->column_count++] = inner.sources[i].columns[c];
    out->rowid = -1;
    out->is_group = true;
    out->rel = inner.rel[LEVEL_ROW];
    return YODA_OK;
}

static yoda_status open_one(struct scope *s, const struct ast_source *ast, struct source *out)
{
    const struct ast_source *inner = ast;
    struct ast_source named;
    if (ast->kind == AST_SOURCE_GROUP && !ast->group->next) { /* (t) AS x */
        named = *ast->group;
        if (ast->alias.text)
            named.alias = ast->alias;
        inner = &named;
        if (named.kind == AST_SOURCE_GROUP)
            return open_one(s, &named, out);
    }
    TRY(inner->kind == AST_SOURCE_GROUP ? open_group(s, inner, out) : bind_source(s, inner, out));
    out->ast = ast;
    return YODA_OK;
}

static yoda_status open_all(struct scope *s, const struct ast_source *from)
{
    for (const struct ast_source *a = from; a; a = a->next) {
        if (a == from && is_plain_group(a)) {
            TRY(open_all(s, a->group));
            continue;
        }
        TRY(open_one(s, a, &s->sources[s->source_count]));
        s->sources[s->source_count++].ast = a;
    }
    return YODA_OK;
}

/* ---- USING and NATURAL ---- */

static const struct source_column *column_of(const struct source *source,
                                             const struct ast_name *name)
{
    for (uint32_t i = 0; i < source->column_count; i++) {
        const struct source_column *c = &source->columns[i];
        if (!c->hidden && ascii_equal_nocase(name->text, name->size, c->name, strlen(c->name)))
            return c;
    }
    return NULL;
}

static bool on_the_left(const struct scope *s, uint32_t i, const struct ast_name *name)
{
    for (uint32_t k = 0; k < i; k++)
        if (column_of(&s->sources[k], name))
            return true;
    return false;
}

static yoda_status name_using(struct scope *s, uint32_t i)
{
    struct source *right = &s->sources[i];
    uint32_t capacity = right->column_count;
    for (const struct ast_expr *e = right->ast->using_columns; e; e = e->next)
        capacity++;
    right->using_names = arena_array(s->q->arena, struct ast_name, capacity + 1);
    if (!right->using_names)
        return fail_nomem(s->q->err, capacity * sizeof *right->using_names);
    for (const struct ast_expr *e = right->ast->using_columns; e; e = e->next)
        right->using_names[right->using_count++] = e->name;
    if (right->ast->natural && (right->using_count || right->ast->on))
        return bind_refuse(s, "a NATURAL join may not have an ON or USING clause");
    for (uint32_t c = 0; right->ast->natural && c < right->column_count; c++) {
        const char *text = right->columns[c].name;
        const struct ast_name name = {.text = text, .size = (uint32_t)strlen(text)};
        if (!right->columns[c].hidden && on_the_left(s, i, &name))
            right->using_names[right->using_count++] = name;
    }
    for (uint32_t k = 0; k <= i && right->using_count; k++)
        if (s->sources[k].is_group)
            return bind_refuse(s, "USING beside parentheses runs on SQLite");
    return YODA_OK;
}

static bool is_right(const struct source *source)
{
    return source->ast->join == AST_JOIN_RIGHT || source->ast->join == AST_JOIN_FULL;
}

static bool in_names(const struct source *source, const struct ast_name *name)
{
    for (uint32_t i = 0; i < source->using_count; i++)
        if (bind_same_name(&source->using_names[i], name))
            return true;
    return false;
}

/* The left side of `name` in USING: the first table that has it; where there are RIGHT or FULL
 * joins, coalesce() of all that have. */
static yoda_status using_left(struct scope *s, uint32_t i, const struct ast_name *name,
                              expr_ref *out)
{
    bool right = false;
    uint32_t n = 0;
    expr_ref *args = arena_array(s->q->arena, expr_ref, i);
    if (!args)
        return fail_nomem(s->q->err, i * sizeof *args);
    for (uint32_t k = 0; k < s->source_count; k++)
        right |= is_right(&s->sources[k]);
    for (uint32_t k = 0; k < i && (right || n == 0); k++) {
        const struct source_column *c = column_of(&s->sources[k], name);
        if (!c)
            continue;
        if (n > 0 && !in_names(&s->sources[k], name))
            return bind_refuse(s, "ambiguous reference to %s in USING()", name->text);
        TRY(bind_source_column(s, LEVEL_ROW, c, &args[n++]));
    }
    if (n == 0)
        return bind_refuse(s, "cannot join using column %s", name->text);
    *out = args[0];
    return n == 1 ? YODA_OK
                  : expr_call(&s->q->build, "coalesce", strlen("coalesce"), args, n, out);
}

static yoda_status using_conditions(struct scope *s, uint32_t i, struct expr_list *on)
{
    const struct source *right = &s->sources[i];
    for (uint32_t k = 0; k < right->using_count; k++) {
        const struct source_column *c = column_of(right, &right->using_names[k]);
        expr_ref a, b, equal;
        if (!c)
            return bind_refuse(s, "cannot join using column %s", right->using_names[k].text);
        TRY(using_left(s, i, &right->using_names[k], &a));
        TRY(bind_source_column(s, LEVEL_ROW, c, &b));
        TRY(bind_compare(s, OP_EQ, a, b, &equal));
        TRY(expr_list_add(s->q, on, equal));
    }
    return YODA_OK;
}

/* ---- Joining ---- */

static yoda_status bind_on(struct scope *s, uint32_t i, struct expr_list *on)
{
    const struct ast_expr *e = s->sources[i].ast->on;
    expr_ref bound;
    TRY(using_conditions(s, i, on));
    if (!e)
        return YODA_OK;
    if (bind_contents(e) & (HAS_AGGREGATE | HAS_WINDOW))
        return bind_refuse(s, "misuse of an aggregate in ON");
    s->aliases = true;
    TRY(bind_expr(s, LEVEL_ROW, e, &bound));
    s->aliases = false;
    return expr_list_add_and(s->q, on, bound);
}

static yoda_status join_inner(struct scope *s, uint32_t i)
{
    struct expr_list on = {0};
    TRY(rel_join(s->q, REL_INNER, s->rel[LEVEL_ROW], s->sources[i].rel, &s->rel[LEVEL_ROW]));
    TRY(bind_on(s, i, &on));
    for (uint32_t k = 0; k < on.count; k++)
        TRY(rel_filter(s->q, s->rel[LEVEL_ROW], on.items[k], &s->rel[LEVEL_ROW]));
    return YODA_OK;
}

static bool sets_meet(const struct query *q, const uint64_t *a, const uint64_t *b)
{
    for (size_t w = 0; w < rel_set_words(q); w++)
        if (a[w] & b[w])
            return true;
    return false;
}

/* kept LEFT JOIN other: a subquery in ON is computed below, on the other side alone. */
static yoda_status join_left(struct scope *s, uint32_t i, struct rel *kept, struct rel *other,
                             bool full)
{
    struct expr_list on = {0};
    struct rel *join, *bare = other;
    s->rel[LEVEL_ROW] = other;
    TRY(bind_on(s, i, &on));
    other = s->rel[LEVEL_ROW];
    if (other != bare) {
        uint64_t *reads = NULL, *has = NULL;
        TRY(rel_new_set(s->q, &reads));
        TRY(rel_new_set(s->q, &has));
        TRY(rel_free(s->q, other, reads));
        rel_available(kept, has);
        if (full || sets_meet(s->q, reads, has))
            return bind_refuse(s, "a subquery over both sides of an outer join");
    }
    TRY(rel_join(s->q, full ? REL_FULL : REL_LEFT, kept, other, &join));
    join->u.join.on = on;
    if (full)
        TRY(rel_make_nullable(s->q, kept));
    TRY(rel_make_nullable(s->q, other));
    s->rel[LEVEL_ROW] = join;
    return YODA_OK;
}

static yoda_status join_next(struct scope *s, uint32_t i)
{
    struct rel *left = s->rel[LEVEL_ROW], *right = s->sources[i].rel;
    TRY(name_using(s, i));
    s->joined = i + 1;
    switch (s->sources[i].ast->join) {
    case AST_JOIN_LEFT:
        return join_left(s, i, left, right, false);
    case AST_JOIN_RIGHT:
        return join_left(s, i, right, left, false);
    case AST_JOIN_FULL:
        return join_left(s, i, left, right, true);
    default:
        return join_inner(s, i);
    }
}

yoda_status bind_from(struct scope *s, const struct ast_source *from)
{
    if (!from)
        return rel_one_row(s->q, &s->rel[LEVEL_ROW]);
    uint32_t count = flat_count(from);
    s->sources = arena_array(s->q->arena, struct source, count);
    if (!s->sources)
        return fail_nomem(s->q->err, count * sizeof *s->sources);
    TRY(open_all(s, from));
    ASSERT(s->source_count == count);
    s->rel[LEVEL_ROW] = s->sources[0].rel;
    s->joined = 1;
    for (uint32_t i = 1; i < s->source_count; i++)
        TRY(join_next(s, i));
    return YODA_OK;
}
