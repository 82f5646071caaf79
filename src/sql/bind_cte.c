/*
 * bind_cte.c -- CTEs and views: SELECTs that are read by name.
 *
 * Each is bound when first read. One that is read once is bound in place; one that is read more
 * often becomes a shared_rel with a SHARED node for each reader, so that all readers see the same
 * rows. How often is counted before binding, over the text: a name that is shadowed somewhere
 * counts too much, which costs time only.
 *
 * All CTEs of one WITH see each other; a view sees none.
 */
#include "sql/bind.h"

#include "base/str.h"
#include "sql/ast_sources.h"

/* ---- Counting ---- */

static yoda_status count_cte(void *ctx, const struct ast_name *schema, const struct ast_name *name)
{
    struct cte_frame *frame = ctx;
    for (uint32_t i = 0; i < frame->count && !schema->text; i++)
        if (bind_same_name(&frame->uses[i].ast->name, name))
            frame->uses[i].references++;
    return YODA_OK;
}

yoda_status bind_open_with(struct query *q, const struct ast_select *ast,
                           const struct bind_place *place, const struct cte_frame **out)
{
    *out = place->ctes;
    if (!ast->ctes)
        return YODA_OK;
    struct cte_frame *frame = arena_new(q->arena, struct cte_frame);
    uint32_t count = 0;
    for (const struct ast_cte *cte = ast->ctes; cte; cte = cte->next)
        count++;
    struct cte_use *uses = arena_array(q->arena, struct cte_use, count);
    if (!frame || !uses)
        return fail_nomem(q->err, count * sizeof *uses);
    *frame = (struct cte_frame){
        .around = place->ctes, .uses = uses, .count = count, .outer = place->outer,
        .sql = place->sql};
    for (const struct ast_cte *cte = ast->ctes; cte; cte = cte->next, uses++) {
        uses->ast = cte;
        for (struct cte_use *other = frame->uses; other < uses; other++)
            if (bind_same_name(&other->ast->name, &cte->name))
                return fail(q->err, YODA_NOT_COLUMNAR, "duplicate WITH table name: %s",
                            cte->name.text);
    }
    *out = frame;
    return ast_sources_each(ast, count_cte, frame);
}

struct counting {
    struct query *q;
    struct view_use **views;
};

static struct view_use *find_view(struct view_use *views, const struct ast_name *name)
{
    while (views && !ascii_equal_nocase(views->name, strlen(views->name), name->text, name->size))
        views = views->next;
    return views;
}

static yoda_status count_view(void *ctx, const struct ast_name *schema, const struct ast_name *name)
{
    struct counting *c = ctx;
    struct query *q = c->q;
    const struct catalog_view_def *def;
    struct view_use *use = find_view(*c->views, name);
    if (use) {
        use->references++;
        return YODA_OK;
    }
    if (schema->text && !ascii_equal_nocase(schema->text, schema->size, "main", 4))
        return YODA_OK;
    if (!(def = q->catalog->find_view(q->catalog->ctx, name->text)))
        return YODA_OK;
    if (!(use = arena_new(q->arena, struct view_use)))
        return fail_nomem(q->err, sizeof *use);
    *use = (struct view_use){
        .name = name->text, .sql = def->sql, .references = 1, .next = *c->views};
    *c->views = use;
    yoda_error why = {0};
    yoda_status status = sql_parse_view(def->sql, strlen(def->sql), q->arena, &use->ast, &why);
    if (status != YODA_OK)
        return fail(q->err, status == YODA_NOMEM ? status : YODA_NOT_COLUMNAR, "view %s: %.300s",
                    name->text, why.message);
    return ast_sources_each(use->ast->select, count_view, ctx);
}

yoda_status bind_count_views(struct query *q, const struct ast_select *ast,
                             struct view_use **views)
{
    struct counting c = {.q = q, .views = views};
    if (!q->catalog->find_view)
        return YODA_OK;
    return ast_sources_each(ast, count_view, &c);
}

/* ---- Reading ---- */

/* The names of a column list replace those of the SELECT. */
static yoda_status rename_columns(struct scope *s, const struct ast_name *name,
                                  const struct ast_expr *list, struct bound *bound)
{
    uint32_t i = 0;
    for (const struct ast_expr *e = list; e; e = e->next, i++)
        if (i < bound->count)
            bound->table_names[i] = e->name.text;
    if (list && i != bound->count)
        return bind_refuse(s, "table %s has %u values for %u columns", name->text,
                           (unsigned)bound->count, (unsigned)i);
    return YODA_OK;
}

static yoda_status make_shared(struct scope *s, const struct ast_name *name,
                               const struct bound *bound, struct shared_rel **out)
{
    uint64_t *reads = NULL;
    TRY(rel_new_set(s->q, &reads));
    TRY(rel_free(s->q, bound->rel, reads));
    for (size_t w = 0; w < rel_set_words(s->q); w++)
        if (reads[w])
            return bind_refuse(s, "a correlated CTE that is read twice");
    if (!(*out = arena_new(s->q->arena, struct shared_rel)))
        return fail_nomem(s->q->err, sizeof **out);
    (*out)->rel = bound->rel;
    (*out)->columns = bound->columns;
    (*out)->column_count = bound->count;
    (*out)->name = name->text;
    return YODA_OK;
}

/* One more reader: the same columns under new numbers. */
static yoda_status read_shared(struct scope *s, struct shared_rel *shared,
                               const struct bound *bound, struct bound *out)
{
    struct rel *rel;
    *out = *bound;
    TRY(rel_new(s->q, REL_SHARED, NULL, &rel));
    out->columns = arena_array(s->q->arena, uint32_t, bound->count + 1);
    out->exprs = arena_array(s->q->arena, expr_ref, bound->count + 1);
    if (!out->columns || !out->exprs)
        return fail_nomem(s->q->err, bound->count * sizeof(void *));
    for (uint32_t i = 0; i < bound->count; i++) {
        struct rel_column column = s->q->columns[bound->columns[i]];
        column.collation = bound->exprs[i]->collation;
        TRY(rel_new_column(s->q, &column, &out->columns[i]));
        TRY(bind_input_like(s->q, out->columns[i], bound->exprs[i], &out->exprs[i]));
    }
    rel->u.shared.shared = shared;
    rel->u.shared.columns = out->columns;
    shared->readers++;
    out->rel = rel;
    return YODA_OK;
}

struct named_select { /* what a CTE and a view have in common */
    const struct ast_name *name;
    const struct ast_expr *columns;
    const struct ast_select *select;
    bool is_view, shared;
};

static yoda_status read_named(struct scope *s, const struct named_select *n,
                              struct bind_place place, struct shared_rel **shared,
                              struct bound **kept, struct bound *out)
{
    if (!*kept) {
        struct bound *bound = arena_new(s->q->arena, struct bound);
        if (!bound)
            return fail_nomem(s->q->err, sizeof *bound);
        place.depth = s->place.depth + 1;
        place.use = USE_TABLE;
        place.views = s->place.views;
        TRY(bind_query(s->q, n->select, &place, bound));
        if (n->is_view)
            bound->table_names = bound->names;
        TRY(rename_columns(s, n->name, n->columns, bound));
        *out = *bound;
        if (!n->shared)
            return YODA_OK;
        TRY(make_shared(s, n->name, bound, shared));
        *kept = bound;
    }
    return read_shared(s, *shared, *kept, out);
}

static struct cte_use *find_cte(const struct scope *s, const struct ast_name *name,
                                const struct cte_frame **frame)
{
    for (const struct cte_frame *f = s->place.ctes; f; f = f->around)
        for (uint32_t i = 0; i < f->count; i++)
            if (bind_same_name(&f->uses[i].ast->name, name)) {
                *frame = f;
                return &f->uses[i];
            }
    return NULL;
}

yoda_status bind_cte(struct scope *s, const struct ast_source *ast, struct source *out, bool *found)
{
    const struct cte_frame *frame = NULL;
    struct cte_use *use = find_cte(s, &ast->name, &frame);
    if (!use)
        return YODA_OK;
    *found = true;
    if (use->open)
        return bind_refuse(s, "recursive CTEs run on SQLite");
    const struct named_select named = {.name = &use->ast->name,
                                       .columns = use->ast->columns,
                                       .select = use->ast->select,
                                       .shared = use->references > 1};
    const struct bind_place place = {.outer = frame->outer, .ctes = frame, .sql = frame->sql};
    struct bound bound;
    use->open = true;
    yoda_status status = read_named(s, &named, place, &use->shared, &use->bound, &bound);
    use->open = false;
    TRY(status);
    return bind_made_source(s, &bound, ast->alias.text ? &ast->alias : &ast->name, out);
}

yoda_status bind_view(struct scope *s, const struct ast_source *ast, struct source *out,
                      bool *found)
{
    struct view_use *use = find_view(*s->place.views, &ast->name);
    if (!use)
        return YODA_OK;
    *found = true;
    if (use->open)
        return bind_refuse(s, "view %s is circularly defined", use->name);
    const struct named_select named = {.name = &ast->name,
                                       .columns = use->ast->columns,
                                       .select = use->ast->select,
                                       .is_view = true,
                                       .shared = use->references > 1};
    const struct bind_place place = {.sql = use->sql};
    struct bound bound;
    use->open = true;
    yoda_status status = read_named(s, &named, place, &use->shared, &use->bound, &bound);
    use->open = false;
    TRY(status);
    return bind_made_source(s, &bound, ast->alias.text ? &ast->alias : &ast->name, out);
}
