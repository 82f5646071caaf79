/*
 * bind_compound.c -- UNION, UNION ALL, INTERSECT, EXCEPT, and VALUES.
 *
 * Operators associate to the left; neighbours under UNION ALL become one SET. UNION is UNION ALL
 * below a DISTINCT. A position has the one vector type that holds all arms' values, and the
 * collation of the leftmost arm that has one; where other arms have another, SQLite's choice
 * depends on how it runs the query, and the compound is refused. An affinity on which the arms do
 * not agree is marked unsure: no comparison that would depend on it is bound.
 */
#include "sql/bind.h"

#include "base/str.h"
#include "olap/column/chunk.h"

#include <stdio.h>
#include <string.h>

struct arm {
    const struct ast_core *ast;
    struct core *core; /* NULL: VALUES */
    struct bound bound;
};

struct compound {
    struct query *q;
    struct scope scope; /* to refuse in */
    struct arm *arms;
    uint32_t arm_count, width;
};

/* ---- Arms ---- */

static yoda_status bind_arm(struct compound *c, const struct ast_core *ast,
                            const struct bind_place *place, struct arm *arm)
{
    struct bind_place inner = *place;
    struct rel *rel;
    uint32_t *columns;
    inner.use = USE_TABLE;
    arm->ast = ast;
    if (ast->kind == AST_CORE_VALUES)
        return bind_values(c->q, ast, &inner, &arm->bound);
    TRY(bind_core(c->q, ast, &inner, &arm->core));
    TRY(bind_finish_core(arm->core, &rel, &columns));
    return bind_bound_of_core(arm->core, rel, columns, &arm->bound);
}

static yoda_status bind_arms(struct compound *c, const struct ast_select *ast,
                             const struct bind_place *place)
{
    uint32_t count = 0;
    for (const struct ast_core *core = ast->cores; core; core = core->next)
        count++;
    if (!(c->arms = arena_array(c->q->arena, struct arm, count)))
        return fail_nomem(c->q->err, count * sizeof *c->arms);
    for (const struct ast_core *core = ast->cores; core; core = core->next) {
        struct arm *arm = &c->arms[c->arm_count++];
        TRY(bind_arm(c, core, place, arm));
        c->width = c->arms[0].bound.count;
        if (arm->bound.count != c->width)
            return bind_refuse(&c->scope, "SELECTs of a compound do not have the same number of "
                                          "result columns");
    }
    return YODA_OK;
}

/* ---- Positions ---- */

static bool is_number(enum vtype type)
{
    return type >= VT_INT && type <= VT_NUM;
}

static yoda_status unify_type(struct compound *c, enum vtype *type, enum vtype other)
{
    if (*type == other || other == VT_NULL)
        return YODA_OK;
    if (*type != VT_NULL && !(is_number(*type) && is_number(other)))
        return bind_refuse(&c->scope, "a compound of columns of different storage classes");
    *type = *type == VT_NULL ? other : VT_NUM;
    return YODA_OK;
}

/* Numbers of both classes that are equal: which one a set keeps is SQLite's choice. */
static bool is_ambiguous(const struct rel_column *column)
{
    return column->type == VT_NUM && (column->classes & CLASS_INTEGER) &&
           (column->classes & CLASS_INTEGRAL_REAL);
}

static yoda_status merge_collation(struct compound *c, expr_ref e, bool *has,
                                   struct rel_column *column)
{
    enum collation other = e->has_collation ? e->collation : COLLATE_BINARY;
    bool text = e->type == VT_TEXT || (e->type == VT_NULL && e->has_collation); /* an empty column */
    if (text && *has && column->collation != other)
        return bind_refuse(&c->scope, "a compound of columns of different collations");
    if (text)
        column->collation = other;
    *has |= text;
    return YODA_OK;
}

/* What position i is over arms [0, count). */
static yoda_status describe(struct compound *c, uint32_t i, uint32_t count, bool distinct,
                            struct rel_column *out)
{
    expr_ref first = c->arms[0].bound.exprs[i];
    bool collated = false;
    *out = (struct rel_column){.name = c->arms[0].bound.names[i],
                               .type = VT_NULL,
                               .affinity = first->has_affinity ? first->affinity : AFFINITY_BLOB,
                               .has_affinity = first->has_affinity,
                               .collation = COLLATE_BINARY};
    uint32_t classes = 0;
    for (uint32_t a = 0; a < count; a++) {
        expr_ref e = c->arms[a].bound.exprs[i];
        const struct rel_column *known = &c->q->columns[c->arms[a].bound.columns[i]];
        TRY(unify_type(c, &out->type, e->type));
        TRY(merge_collation(c, e, &collated, out));
        out->affinity_unsure |= known->affinity_unsure || e->has_affinity != out->has_affinity ||
                                (e->has_affinity && e->affinity != out->affinity);
        classes |= bind_classes(e->type, known->classes, e->nullable);
    }
    out->classes = bind_classes(out->type, classes, (classes & CLASS_NULL) != 0);
    if (out->affinity_unsure)
        out->has_affinity = true; /* so that comparisons look at it */
    if (distinct && is_ambiguous(out))
        return bind_refuse(&c->scope, "a set of INTEGERs and REALs that may be equal");
    if (distinct && out->type == VT_TEXT && out->collation != COLLATE_BINARY)
        return bind_refuse(&c->scope, "a set of texts under a collation other than BINARY");
    return YODA_OK;
}

/* ---- Operators ---- */

static yoda_status new_set(struct compound *c, enum set_kind kind, uint32_t count, bool distinct,
                           struct rel **out)
{
    struct rel *set = NULL;
    TRY(rel_new(c->q, REL_SET, NULL, &set));
    set->u.set.kind = kind;
    set->u.set.inputs = arena_array(c->q->arena, struct rel *, c->arm_count);
    set->u.set.input_columns = arena_array(c->q->arena, uint32_t *, c->arm_count);
    set->u.set.columns = arena_array(c->q->arena, uint32_t, c->width + 1);
    set->u.set.column_count = c->width;
    if (!set->u.set.inputs || !set->u.set.input_columns || !set->u.set.columns)
        return fail_nomem(c->q->err, c->width * sizeof(void *));
    for (uint32_t i = 0; i < c->width; i++) {
        struct rel_column column;
        TRY(describe(c, i, count, distinct, &column));
        TRY(rel_new_column(c->q, &column, &set->u.set.columns[i]));
    }
    *out = set;
    return YODA_OK;
}

static yoda_status copy_columns(struct compound *c, const uint32_t *columns, uint32_t **out)
{
    *out = arena_array(c->q->arena, uint32_t, c->width + 1);
    if (!*out)
        return fail_nomem(c->q->err, c->width * sizeof **out);
    memcpy(*out, columns, c->width * sizeof **out);
    return YODA_OK;
}

static yoda_status add_input(struct compound *c, struct rel *set, struct rel *input,
                             const uint32_t *columns)
{
    uint32_t n = set->u.set.input_count++;
    set->u.set.inputs[n] = input;
    return copy_columns(c, columns, &set->u.set.input_columns[n]);
}

/* How many arms from arm i on are joined by UNION ALL. */
static uint32_t run_of_all(const struct compound *c, uint32_t i)
{
    uint32_t n = i;
    while (n < c->arm_count && c->arms[n].ast->compound == AST_UNION_ALL)
        n++;
    return n - i;
}

/* left op arms[i ...]: how many arms were taken is *taken. */
static yoda_status combine(struct compound *c, uint32_t i, struct rel **rel, uint32_t **columns,
                           uint32_t *taken)
{
    bool distinct = c->arms[i].ast->compound != AST_UNION_ALL;
    enum set_kind kind = c->arms[i].ast->compound == AST_INTERSECT ? SET_INTERSECT
                         : c->arms[i].ast->compound == AST_EXCEPT  ? SET_EXCEPT
                                                                   : SET_UNION_ALL;
    struct rel *set = NULL;
    *taken = distinct ? 1 : run_of_all(c, i);
    TRY(new_set(c, kind, i + *taken, distinct, &set));
    TRY(add_input(c, set, *rel, *columns));
    for (uint32_t k = i; k < i + *taken; k++)
        TRY(add_input(c, set, c->arms[k].bound.rel, c->arms[k].bound.columns));
    TRY(copy_columns(c, set->u.set.columns, columns));
    *rel = set;
    if (c->arms[i].ast->compound == AST_UNION)
        return rel_distinct(c->q, set, *columns, c->width, rel);
    return YODA_OK;
}

/* ---- ORDER BY ---- */

/* Does an arm select the term? Its position, or width. */
static yoda_status find_in_arm(struct compound *c, struct arm *arm, const struct ast_expr *term,
                               uint32_t *position)
{
    const struct ast_expr *e = term;
    while (e->kind == AST_COLLATE)
        e = e->left;
    *position = c->width;
    if (!arm->core)
        return YODA_OK;
    struct core_output *o = &arm->core->output;
    struct scope *s = &arm->core->scope;
    for (uint32_t i = 0; i < o->visible && e->kind == AST_COLUMN && !e->table.text; i++)
        if (o->aliases[i].text && bind_same_name(&o->aliases[i], &e->name)) {
            *position = i;
            return YODA_OK;
        }
    if (s->grouped || bind_contents(e))
        return YODA_OK;
    yoda_error ignored, *err = c->q->err;
    expr_ref bound;
    c->q->err = c->q->build.err = &ignored;
    yoda_status status = bind_expr(s, LEVEL_ROW, e, &bound);
    c->q->err = c->q->build.err = err;
    for (uint32_t i = 0; status == YODA_OK && i < o->visible && *position == c->width; i++)
        if (expr_equal(o->exprs[i], bound))
            *position = i;
    return status == YODA_NOMEM ? fail_nomem(err, 0) : YODA_OK;
}

/* In a grouped arm only a plain column that is selected as such is looked for. */
static uint32_t find_by_text(const struct compound *c, const struct arm *arm,
                             const struct ast_expr *e)
{
    for (uint32_t i = 0; arm->core && e->kind == AST_COLUMN && i < c->width; i++) {
        const struct ast_expr *item = arm->core->output.sources[i];
        if (item && item->kind == AST_COLUMN && bind_same_name(&item->name, &e->name) &&
            !e->table.text)
            return i;
    }
    return c->width;
}

static yoda_status order_position(struct compound *c, const struct ast_expr *term,
                                  uint32_t *position)
{
    TRY(bind_ordinal(&c->scope, term, c->width, position));
    if (*position) {
        --*position;
        return YODA_OK;
    }
    for (uint32_t a = 0; a < c->arm_count; a++) {
        TRY(find_in_arm(c, &c->arms[a], term, position));
        if (*position == c->width)
            *position = find_by_text(c, &c->arms[a], term);
        if (*position < c->width)
            return YODA_OK;
    }
    return bind_refuse(&c->scope, "an ORDER BY term does not match any column in the result set");
}

static yoda_status order_compound(struct compound *c, const struct ast_select *ast,
                                  const uint32_t *columns, struct bound_order *order)
{
    uint32_t count = 0;
    for (const struct ast_order *o = ast->order_by; o; o = o->next)
        count++;
    order->keys = arena_array(c->q->arena, struct sort_key, count + 1);
    if (!order->keys)
        return fail_nomem(c->q->err, count * sizeof *order->keys);
    for (const struct ast_order *o = ast->order_by; o; o = o->next) {
        struct sort_key *key = &order->keys[order->count++];
        uint32_t position;
        TRY(order_position(c, o->expr, &position));
        key->column = columns[position];
        key->collation = c->q->columns[key->column].collation;
        TRY(bind_term_collation(&c->scope, o->expr, &key->collation));
        key->descending = o->descending;
        key->nulls_last =
            o->nulls == AST_NULLS_LAST || (o->nulls == AST_NULLS_DEFAULT && o->descending);
    }
    return YODA_OK;
}

/* ---- As a table ---- */

static unsigned possible_affinities(const struct query *q, const struct arm *arm, uint32_t i)
{
    expr_ref e = arm->bound.exprs[i];
    bool unsure = q->columns[arm->bound.columns[i]].affinity_unsure;
    unsigned affinities = e->has_affinity ? 1U << e->affinity : 1U << AFFINITY_BLOB;
    return affinities | (unsure && is_number(e->type) ? 1U << AFFINITY_NUMERIC : 0);
}

/*
 * SQLite applies the affinity of one arm to all rows of a compound that it stores. Which arm's, and
 * whether it stores it, depends on the query and on SQLite's version: refused where that shows.
 */
static yoda_status check_stored(struct compound *c, uint32_t i)
{
    unsigned affinities = 0;
    for (uint32_t a = 0; a < c->arm_count; a++)
        affinities |= possible_affinities(c->q, &c->arms[a], i);
    if ((affinities & (affinities - 1)) == 0)
        return YODA_OK;
    for (uint32_t a = 0; a < c->arm_count; a++) {
        enum vtype type = c->arms[a].bound.exprs[i]->type;
        uint32_t classes = c->q->columns[c->arms[a].bound.columns[i]].classes;
        for (enum affinity f = AFFINITY_BLOB; f <= AFFINITY_REAL; f++)
            if ((affinities & 1U << f) && bind_affinity_changes(f, type, classes))
                return bind_refuse(&c->scope, "a compound as a table whose parts have not the same "
                                              "affinity");
    }
    return YODA_OK;
}

yoda_status bind_compound(struct query *q, const struct ast_select *ast,
                          const struct bind_place *place, struct bound *out)
{
    struct compound c = {.q = q, .scope = {.q = q, .place = *place}};
    struct bound_order order = {0};
    TRY(bind_arms(&c, ast, place));
    bool stored = place->use == USE_TABLE || place->use == USE_ORDERED_TABLE;
    for (uint32_t i = 0; i < c.width && stored; i++)
        TRY(check_stored(&c, i));
    *out = c.arms[0].bound;
    out->one_row = false;
    for (uint32_t i = 1, taken; i < c.arm_count; i += taken)
        TRY(combine(&c, i, &out->rel, &out->columns, &taken));
    TRY(order_compound(&c, ast, out->columns, &order));
    TRY(bind_limit(q, ast, place, &order));
    if (!(out->exprs = arena_array(q->arena, expr_ref, c.width + 1)))
        return fail_nomem(q->err, c.width * sizeof *out->exprs);
    for (uint32_t i = 0; i < c.width; i++)
        TRY(rel_input(q, out->columns[i], &out->exprs[i]));
    return bind_finish_order(&c.scope, &order, false, &out->rel);
}

/* ---- VALUES ---- */

static yoda_status values_name(struct query *q, uint32_t i, const char **out)
{
    char name[24];
    int size = snprintf(name, sizeof name, "column%u", (unsigned)i + 1);
    *out = arena_copy(q->arena, name, (size_t)size);
    return *out ? YODA_OK : fail_nomem(q->err, (size_t)size);
}

/* One column of VALUES: its description and (no affinity where rows do not agree) its input. */
static yoda_status values_column(struct scope *s, struct rel *rel, uint32_t i, struct bound *out)
{
    struct query *q = s->q;
    uint32_t width = out->count;
    struct compound c = {.q = q, .scope = *s};
    struct rel_column column = {.name = out->names[i], .type = VT_NULL};
    expr_ref first = rel->u.values.exprs[i];
    uint32_t classes = 0;
    column.has_affinity = first->has_affinity;
    column.affinity = first->affinity;
    for (uint32_t r = 0; r < rel->u.values.row_count; r++) {
        expr_ref e = rel->u.values.exprs[r * width + i];
        TRY(unify_type(&c, &column.type, e->type));
        if (e->explicit_collation && e->collation != COLLATE_BINARY)
            return bind_refuse(s, "COLLATE in VALUES runs on SQLite");
        column.affinity_unsure |= e->has_affinity != column.has_affinity ||
                                  (e->has_affinity && e->affinity != column.affinity);
        classes |= bind_classes(e->type, e->classes, e->nullable);
    }
    column.has_affinity |= column.affinity_unsure;
    column.classes = bind_classes(column.type, classes, (classes & CLASS_NULL) != 0);
    TRY(rel_new_column(q, &column, &out->columns[i]));
    struct expr like = {.has_affinity = column.has_affinity, .affinity = column.affinity};
    return bind_input_like(q, out->columns[i], &like, &out->exprs[i]);
}

static yoda_status bind_rows(struct scope *s, const struct ast_expr *rows, uint32_t width,
                             struct rel *rel)
{
    uint32_t n = 0;
    for (const struct ast_expr *row = rows; row; row = row->next, n++)
        if (row->arg_count != width)
            return bind_refuse(s, "all VALUES must have the same number of terms");
    expr_ref *exprs = arena_array(s->q->arena, expr_ref, (size_t)n * width + 1);
    if (!exprs)
        return fail_nomem(s->q->err, (size_t)n * width * sizeof *exprs);
    rel->u.values.exprs = exprs;
    rel->u.values.row_count = n;
    rel->u.values.column_count = width;
    for (const struct ast_expr *row = rows; row; row = row->next)
        for (const struct ast_expr *e = row->args; e; e = e->next) {
            if (bind_contents(e))
                return bind_refuse(s, "a subquery or aggregate in VALUES runs on SQLite");
            TRY(bind_expr(s, LEVEL_ROW, e, exprs++));
        }
    return s->outer_names ? bind_refuse(s, "correlated VALUES run on SQLite") : YODA_OK;
}

yoda_status bind_values(struct query *q, const struct ast_core *ast,
                        const struct bind_place *place, struct bound *out)
{
    struct scope s = {.q = q, .place = *place};
    struct rel *rel;
    uint32_t width = ast->rows->arg_count;
    TRY(rel_new(q, REL_VALUES, NULL, &rel));
    TRY(bind_rows(&s, ast->rows, width, rel));
    *out = (struct bound){.rel = rel, .count = width, .one_row = rel->u.values.row_count == 1};
    out->columns = arena_array(q->arena, uint32_t, width + 1);
    out->exprs = arena_array(q->arena, expr_ref, width + 1);
    out->names = arena_array(q->arena, const char *, width + 1);
    out->table_names = out->names;
    if (!out->columns || !out->exprs || !out->names)
        return fail_nomem(q->err, width * sizeof(void *));
    for (uint32_t i = 0; i < width; i++) {
        TRY(values_name(q, i, &out->names[i]));
        TRY(values_column(&s, rel, i, out));
    }
    rel->u.values.columns = out->columns;
    return YODA_OK;
}
