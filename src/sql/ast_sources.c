/* ast_sources.c -- walking a SELECT for the tables it names. */
#include "sql/ast_sources.h"

struct walk {
    yoda_status (*fn)(void *ctx, const struct ast_name *schema, const struct ast_name *name);
    void *ctx;
};

static yoda_status walk_select(struct walk *w, const struct ast_select *select);

static yoda_status walk_expr(struct walk *w, const struct ast_expr *e);

static yoda_status walk_list(struct walk *w, const struct ast_expr *list)
{
    for (const struct ast_expr *e = list; e; e = e->next)
        TRY(walk_expr(w, e));
    return YODA_OK;
}

static yoda_status walk_order(struct walk *w, const struct ast_order *order)
{
    for (const struct ast_order *o = order; o; o = o->next)
        TRY(walk_expr(w, o->expr));
    return YODA_OK;
}

static yoda_status walk_expr(struct walk *w, const struct ast_expr *e)
{
    if (!e)
        return YODA_OK;
    if (e->kind == AST_IN_TABLE)
        TRY(w->fn(w->ctx, &e->schema, &e->table));
    if (e->select)
        TRY(walk_select(w, e->select));
    if (e->over) {
        TRY(walk_list(w, e->over->partition));
        TRY(walk_order(w, e->over->order));
    }
    TRY(walk_list(w, e->args));
    TRY(walk_expr(w, e->left));
    TRY(walk_expr(w, e->right));
    TRY(walk_expr(w, e->third));
    return walk_expr(w, e->filter);
}

static yoda_status walk_from(struct walk *w, const struct ast_source *from)
{
    for (const struct ast_source *s = from; s; s = s->next) {
        if (s->kind == AST_SOURCE_TABLE)
            TRY(w->fn(w->ctx, &s->schema, &s->name));
        if (s->select)
            TRY(walk_select(w, s->select));
        TRY(walk_from(w, s->group));
        TRY(walk_expr(w, s->on));
    }
    return YODA_OK;
}

static yoda_status walk_core(struct walk *w, const struct ast_core *core)
{
    for (const struct ast_result *r = core->results; r; r = r->next)
        TRY(walk_expr(w, r->expr));
    TRY(walk_from(w, core->from));
    TRY(walk_expr(w, core->where));
    TRY(walk_list(w, core->group_by));
    TRY(walk_expr(w, core->having));
    for (const struct ast_window *d = core->windows; d; d = d->next) {
        TRY(walk_list(w, d->partition));
        TRY(walk_order(w, d->order));
    }
    return walk_list(w, core->rows);
}

static yoda_status walk_select(struct walk *w, const struct ast_select *select)
{
    for (const struct ast_cte *cte = select->ctes; cte; cte = cte->next)
        TRY(walk_select(w, cte->select));
    for (const struct ast_core *core = select->cores; core; core = core->next)
        TRY(walk_core(w, core));
    return walk_order(w, select->order_by);
}

yoda_status ast_sources_each(const struct ast_select *select,
                             yoda_status (*fn)(void *ctx, const struct ast_name *schema,
                                               const struct ast_name *name),
                             void *ctx)
{
    struct walk w = {.fn = fn, .ctx = ctx};
    return walk_select(&w, select);
}
