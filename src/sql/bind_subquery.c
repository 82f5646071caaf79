/*
 * bind_subquery.c -- subqueries in expressions: (SELECT ...), EXISTS, IN (SELECT ...), IN table.
 *
 * Each becomes an APPLY on top of the relation of the clause being bound; its result column is what
 * the expression sees. A scalar subquery has its column's affinity but no collation, as in SQLite.
 */
#include "sql/bind.h"

static yoda_status bind_inner(struct scope *s, enum bind_level level,
                              const struct ast_select *select, enum select_use use,
                              struct bound *out)
{
    enum bind_level around = s->level;
    struct bind_place place = s->place;
    place.outer = s;
    place.depth++;
    place.use = use;
    s->level = level;
    yoda_status status = bind_query(s->q, select, &place, out);
    s->level = around;
    return status;
}

static yoda_status apply(struct scope *s, enum bind_level level, enum apply_kind kind,
                         const struct bound *inner, const struct rel_column *result,
                         struct rel **out)
{
    struct rel *rel;
    TRY(rel_new(s->q, REL_APPLY, s->rel[level], &rel));
    rel->right = inner->rel;
    rel->u.apply.kind = kind;
    TRY(rel_new_column(s->q, result, &rel->u.apply.result));
    s->rel[level] = rel;
    *out = rel;
    return YODA_OK;
}

yoda_status bind_scalar(struct scope *s, enum bind_level level, const struct ast_select *select,
                        uint32_t value, uint32_t width, expr_ref *out)
{
    struct bound inner;
    struct rel *rel;
    TRY(bind_inner(s, level, select, USE_SCALAR, &inner));
    if (inner.count != width)
        return bind_refuse(s, "sub-select returns %u columns - expected %u",
                           (unsigned)inner.count, (unsigned)width);
    struct rel_column result = s->q->columns[inner.columns[value]];
    expr_ref like = inner.exprs[value];
    result.name = "subquery";
    result.classes |= CLASS_NULL;
    result.has_affinity = like->has_affinity;
    result.affinity = like->affinity;
    result.collation = COLLATE_BINARY;
    TRY(apply(s, level, APPLY_SCALAR, &inner, &result, &rel));
    rel->u.apply.value = inner.columns[value];
    struct expr plain = *like;
    plain.collation = COLLATE_BINARY;
    plain.has_collation = plain.explicit_collation = false;
    return bind_input_like(s->q, rel->u.apply.result, &plain, out);
}

static const struct rel_column truth_column = {
    .name = "found", .type = VT_INT, .classes = CLASS_INTEGER, .affinity = AFFINITY_BLOB};

/* The result of EXISTS and IN: no column of a table, so without affinity and collation. */
static yoda_status truth_input(struct scope *s, uint32_t column, expr_ref *out)
{
    const struct expr plain = {.affinity = AFFINITY_BLOB};
    return bind_input_like(s->q, column, &plain, out);
}

yoda_status bind_exists(struct scope *s, enum bind_level level, const struct ast_expr *e,
                        expr_ref *out)
{
    struct bound inner;
    struct rel *rel;
    TRY(bind_inner(s, level, e->select, USE_EXISTS, &inner));
    TRY(apply(s, level, APPLY_EXISTS, &inner, &truth_column, &rel));
    return truth_input(s, rel->u.apply.result, out);
}

/* ---- IN ---- */

/* x IN t means x IN (SELECT * FROM t). */
static yoda_status select_of_table(struct scope *s, const struct ast_expr *e,
                                   const struct ast_select **out)
{
    struct ast_select *select = arena_new(s->q->arena, struct ast_select);
    struct ast_core *core = arena_new(s->q->arena, struct ast_core);
    struct ast_result *star = arena_new(s->q->arena, struct ast_result);
    struct ast_source *source = arena_new(s->q->arena, struct ast_source);
    if (!select || !core || !star || !source)
        return fail_nomem(s->q->err, sizeof *select);
    if (e->args)
        return bind_refuse(s, "table functions run on SQLite");
    source->kind = AST_SOURCE_TABLE;
    source->schema = e->schema;
    source->name = e->table;
    star->kind = AST_RESULT_STAR;
    core->results = star;
    core->from = source;
    select->cores = core;
    *out = select;
    return YODA_OK;
}

/* The left side of IN, part by part. */
static yoda_status bind_left(struct scope *s, enum bind_level level, const struct ast_expr *e,
                             uint32_t *width, expr_ref **out)
{
    *width = e->kind == AST_ROW ? e->arg_count : 1;
    *out = arena_array(s->q->arena, expr_ref, *width);
    if (!*out)
        return fail_nomem(s->q->err, *width * sizeof **out);
    if (e->kind != AST_ROW)
        return bind_expr(s, level, e, *out);
    uint32_t i = 0;
    for (const struct ast_expr *part = e->args; part; part = part->next)
        TRY(bind_expr(s, level, part, &(*out)[i++]));
    return YODA_OK;
}

/* SQLite applies the affinity of the comparison to the left side where it stands. Above a grouping
 * that is the register of the column or aggregate, and who reads it next sees another value. */
static yoda_status check_in_place(struct scope *s, enum bind_level level, expr_ref a, expr_ref c)
{
    enum affinity affinity = a->has_affinity ? a->affinity : c->affinity;
    bool numeric = (a->has_affinity && a->affinity >= AFFINITY_NUMERIC) ||
                   (c->has_affinity && c->affinity >= AFFINITY_NUMERIC);
    if (level == LEVEL_ROW && !s->in_keys)
        return YODA_OK;
    if (a->has_affinity && c->has_affinity)
        affinity = numeric ? AFFINITY_NUMERIC : AFFINITY_BLOB;
    if ((!a->has_affinity && !c->has_affinity) ||
        !bind_affinity_changes(affinity, a->type, a->classes))
        return YODA_OK;
    return bind_refuse(s, "IN (SELECT) over groups may change the value on its left in SQLite");
}

yoda_status bind_in_select(struct scope *s, enum bind_level level, const struct ast_expr *e,
                           expr_ref *out)
{
    struct bound inner;
    struct rel *rel;
    const struct ast_select *select = e->select;
    uint32_t width;
    expr_ref *left, compare = NULL;
    if (e->kind == AST_IN_TABLE)
        TRY(select_of_table(s, e, &select));
    TRY(bind_left(s, level, e->left, &width, &left));
    TRY(bind_inner(s, level, select, USE_IN, &inner));
    if (inner.count != width)
        return bind_refuse(s, "sub-select returns %u columns - expected %u",
                           (unsigned)inner.count, (unsigned)width);
    for (uint32_t i = 0; i < width; i++) {
        expr_ref one;
        TRY(check_in_place(s, level, left[i], inner.exprs[i]));
        TRY(bind_compare(s, OP_EQ, left[i], inner.exprs[i], &one));
        if (compare)
            TRY(expr_and(&s->q->build, compare, one, &compare));
        else
            compare = one;
    }
    struct rel_column result = truth_column;
    result.classes |= CLASS_NULL;
    TRY(apply(s, level, APPLY_IN, &inner, &result, &rel));
    rel->u.apply.compare = compare;
    TRY(truth_input(s, rel->u.apply.result, out));
    return e->negated ? expr_not(&s->q->build, *out, out) : YODA_OK;
}
