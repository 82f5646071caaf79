/*
 * gen_shrink.c -- a failing case, made smaller.
 *
 * First the query's tree: whatever may be left out, is; whatever is an expression becomes NULL, 1
 * or an expression inside it; again, until nothing more goes. Then the schema's statements in
 * halves, quarters and so on down to single ones. A step stays when the sides still differ.
 */
#include "gen_case.h"

#define TRIES_MAX 1500

struct shrink {
    struct test_case *c;
    struct pool *pool;
    const struct schema *schema;
    const yoda_option *options;
    size_t option_count;
    bool *skip;
    yoda_engine *db;
    unsigned tries;
    char why[ANSWER_WHY_MAX];
};

static bool still_differs(struct shrink *s)
{
    char why[ANSWER_WHY_MAX];
    s->tries++;
    if (case_run(s->c, s->pool, s->db, why) != ANSWER_DIFFERENT)
        return false;
    memcpy(s->why, why, sizeof why);
    return true;
}

/* ---- The query ---- */

static bool try_drop(struct shrink *s, struct frag *f)
{
    f->dropped = true;
    if (still_differs(s))
        return true;
    f->dropped = false;
    return false;
}

static bool try_replace(struct shrink *s, struct frag *f, const struct frag *other)
{
    f->replacement = other;
    if (still_differs(s))
        return true;
    f->replacement = NULL;
    return false;
}

static size_t kids_left(const struct frag *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++)
        n += !f->kids[i]->dropped;
    return n;
}

static bool simplify(struct shrink *s, struct frag *f)
{
    struct frag **inner;
    bool changed = false;
    for (size_t i = 0; f->items && i < f->count && kids_left(f) > 1; i++)
        if (!f->kids[i]->dropped && s->tries < TRIES_MAX)
            changed |= try_drop(s, f->kids[i]);
    if (!f->expression || f->replacement || s->tries >= TRIES_MAX)
        return changed;
    size_t count = frag_list(s->pool, f, &inner);
    if (count > 1 && (try_replace(s, f, frag_text(s->pool, "NULL")) ||
                      try_replace(s, f, frag_text(s->pool, "1"))))
        return true;
    for (size_t i = 1; i < count && s->tries < TRIES_MAX; i++)
        if (inner[i]->expression && try_replace(s, f, inner[i]))
            return true;
    return changed;
}

static bool pass(struct shrink *s, struct frag *root)
{
    struct frag **all;
    bool changed = false;
    size_t count = frag_list(s->pool, root, &all);
    for (size_t i = 0; i < count && s->tries < TRIES_MAX; i++) {
        if (all[i]->optional && !all[i]->dropped && (all[i]->count > 0 || all[i]->text))
            changed |= try_drop(s, all[i]);
        if (!all[i]->dropped)
            changed |= simplify(s, all[i]);
    }
    return changed;
}

static void shrink_query(struct shrink *s)
{
    struct pieces *p = &s->c->pieces;
    bool changed = true;
    while (changed && s->tries < TRIES_MAX) {
        if (s->c->kind == CASE_QUERY) {
            changed = pass(s, s->c->query.frag);
            continue;
        }
        changed = pass(s, p->from);
        changed |= pass(s, p->condition);
        changed |= pass(s, p->columns);
    }
}

/* ---- The statements ---- */

static bool try_skip(struct shrink *s, size_t first, size_t count)
{
    bool old[STATEMENTS_MAX], any = false;
    memcpy(old, s->skip, sizeof old);
    for (size_t i = first; i < first + count && i < s->schema->statement_count; i++) {
        if (!strncmp(s->schema->statements[i], "--", 2))
            continue; /* a registration is no part of the case */
        any |= !s->skip[i];
        s->skip[i] = true;
    }
    if (!any)
        return true;
    yoda_close(s->db);
    s->db = case_open(s->schema, s->skip, s->options, s->option_count);
    if (still_differs(s))
        return true;
    memcpy(s->skip, old, sizeof old);
    return false;
}

static void shrink_statements(struct shrink *s)
{
    size_t n = s->schema->statement_count;
    for (size_t size = n; size > 0; size = size > 1 ? (size + 1) / 2 : 0)
        for (size_t i = 0; i < n && s->tries < 2 * TRIES_MAX; i += size)
            try_skip(s, i, size);
    yoda_close(s->db);
    s->db = case_open(s->schema, s->skip, s->options, s->option_count);
}

/* ---- The report ---- */

static void print_answer(struct shrink *s, const char *sql, yoda_side side, FILE *out)
{
    struct answer a;
    yoda_error err = {0};
    if (answer_query(s->db, sql, side, 0, &a, &err) == YODA_OK)
        answer_print(&a, 12, out);
    else
        fprintf(out, "%s\n", err.message);
    answer_free(&a);
}

static void report(struct shrink *s, FILE *out)
{
    static const char *const kinds[] = {"query", "TLP", "NoREC"};
    char *sql = case_text(s->c, s->pool);
    fprintf(out, "-- %s: %s\n", kinds[s->c->kind], s->why);
    for (size_t i = 0; i < s->schema->statement_count; i++)
        if (!s->skip[i])
            fprintf(out, "%s;\n", s->schema->statements[i]);
    fprintf(out, "%s;\n", sql);
    if (s->c->kind != CASE_QUERY)
        return;
    fprintf(out, "/* columns:\n");
    print_answer(s, sql, YODA_SIDE_COLUMN, out);
    fprintf(out, "SQLite:\n");
    print_answer(s, sql, YODA_SIDE_ROW, out);
    fprintf(out, "*/\n");
}

void case_shrink(struct test_case *c, struct pool *pool, const struct schema *schema,
                 const yoda_option *options, size_t option_count, bool shrink, FILE *out)
{
    struct shrink s = {
        .c = c, .pool = pool, .schema = schema, .options = options, .option_count = option_count};
    s.skip = calloc(STATEMENTS_MAX, sizeof *s.skip);
    s.db = case_open(schema, NULL, options, option_count);
    if (!still_differs(&s)) {
        fprintf(out, "-- does not show again\n%s;\n", case_text(c, pool));
    } else {
        if (shrink) {
            shrink_query(&s);
            shrink_statements(&s);
            shrink_query(&s);
        }
        report(&s, out);
    }
    yoda_close(s.db);
    free(s.skip);
}
