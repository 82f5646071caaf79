/*
 * rel_fixture.h -- logical plans made by hand, and what a rule made of them as text.
 *
 * Tables have no store: estimates guess from row counts. Column i of a scan is scan->u.scan.first +
 * i; columns are INTEGER, the first is the key (rowid) and never NULL, the others may be.
 */
#ifndef YODA_REL_FIXTURE_H
#define YODA_REL_FIXTURE_H

#include "sql/planner.h"
#include "sql/rewrite.h"
#include "olap/column/chunk.h"
#include "test.h"

#include "base/str.h"

#define FIXTURE_COLUMNS 4

struct fixture {
    struct arena arena;
    yoda_error err;
    struct query q;
    struct str text;
};

#define MUST(f, call)                                                                              \
    do {                                                                                           \
        yoda_status must_ = (call);                                                                \
        if (must_ != YODA_OK)                                                                      \
            fail_msg("%s: %d: %s", #call, (int)must_, (f)->err.message);                           \
    } while (0)

static inline void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    arena_init(&f->arena, NULL);
    str_init(&f->text);
    f->q.arena = &f->arena;
    f->q.err = &f->err;
    f->q.build = (struct expr_builder){&f->arena, &f->err};
}

static inline void fixture_deinit(struct fixture *f)
{
    str_deinit(&f->text);
    arena_deinit(&f->arena);
}

/* A table t(id INTEGER PRIMARY KEY, a, b, c) of so many rows. */
static inline const struct catalog_table *fixture_table(struct fixture *f, const char *name,
                                                        uint64_t rows)
{
    static const char *const names[FIXTURE_COLUMNS] = {"id", "a", "b", "c"};
    static const uint32_t key[1] = {0};
    struct catalog_table *t = arena_new(&f->arena, struct catalog_table);
    struct catalog_column *columns = arena_array(&f->arena, struct catalog_column, FIXTURE_COLUMNS);
    uint32_t *classes = arena_array(&f->arena, uint32_t, FIXTURE_COLUMNS);
    struct catalog_index *index = arena_new(&f->arena, struct catalog_index);
    assert_true(t && columns && classes && index);
    for (int i = 0; i < FIXTURE_COLUMNS; i++) {
        columns[i] = (struct catalog_column){
            .name = names[i], .affinity = AFFINITY_INTEGER, .not_null = i == 0};
        classes[i] = CLASS_INTEGER | (i ? CLASS_NULL : 0);
    }
    *index = (struct catalog_index){.columns = key, .column_count = 1, .unique = true};
    *t = (struct catalog_table){.tid = 1,
                                .name = name,
                                .column_count = FIXTURE_COLUMNS,
                                .columns = columns,
                                .classes = classes,
                                .live_rows = rows,
                                .indexes = index,
                                .index_count = 1};
    return t;
}

static inline struct rel *fixture_scan(struct fixture *f, const char *name, uint64_t rows)
{
    struct rel *rel;
    MUST(f, rel_scan(&f->q, fixture_table(f, name, rows), &rel));
    return rel;
}

static inline expr_ref fixture_column(struct fixture *f, uint32_t column)
{
    expr_ref e;
    MUST(f, rel_input(&f->q, column, &e));
    return e;
}

static inline expr_ref fixture_int(struct fixture *f, int64_t i)
{
    const struct value v = value_int(i);
    expr_ref e;
    MUST(f, expr_constant(&f->q.build, &v, &e));
    return e;
}

static inline expr_ref fixture_compare(struct fixture *f, enum expr_op op, expr_ref a, expr_ref b)
{
    expr_ref e;
    MUST(f, expr_compare(&f->q.build, op, a, b, &e));
    return e;
}

/* column = column, column = integer */
static inline expr_ref fixture_equal(struct fixture *f, uint32_t a, uint32_t b)
{
    return fixture_compare(f, OP_EQ, fixture_column(f, a), fixture_column(f, b));
}
static inline expr_ref fixture_is(struct fixture *f, uint32_t a, int64_t i)
{
    return fixture_compare(f, OP_EQ, fixture_column(f, a), fixture_int(f, i));
}

static inline expr_ref fixture_or(struct fixture *f, expr_ref a, expr_ref b)
{
    expr_ref e;
    MUST(f, expr_or(&f->q.build, a, b, &e));
    return e;
}
static inline expr_ref fixture_and(struct fixture *f, expr_ref a, expr_ref b)
{
    expr_ref e;
    MUST(f, expr_and(&f->q.build, a, b, &e));
    return e;
}
static inline expr_ref fixture_not(struct fixture *f, expr_ref a)
{
    expr_ref e;
    MUST(f, expr_not(&f->q.build, a, &e));
    return e;
}

static inline struct rel *fixture_filter(struct fixture *f, struct rel *rel, expr_ref e)
{
    MUST(f, rel_filter(&f->q, rel, e, &rel));
    return rel;
}

/* on may be NULL */
static inline struct rel *fixture_join(struct fixture *f, enum rel_join kind, struct rel *left,
                                       struct rel *right, expr_ref on)
{
    struct rel *rel;
    MUST(f, rel_join(&f->q, kind, left, right, &rel));
    if (on)
        MUST(f, expr_list_add_and(&f->q, &rel->u.join.on, on));
    return rel;
}

static inline uint32_t fixture_new_column(struct fixture *f, const char *name)
{
    const struct rel_column column = {
        .name = name, .type = VT_INT, .classes = CLASS_INTEGER | CLASS_NULL};
    uint32_t out;
    MUST(f, rel_new_column(&f->q, &column, &out));
    return out;
}

/* value: SCALAR; compare: IN. The result is apply->u.apply.result. */
static inline struct rel *fixture_apply(struct fixture *f, enum apply_kind kind, struct rel *left,
                                        struct rel *right, uint32_t value, expr_ref compare)
{
    struct rel *rel;
    MUST(f, rel_new(&f->q, REL_APPLY, left, &rel));
    rel->right = right;
    rel->u.apply.kind = kind;
    rel->u.apply.value = value;
    rel->u.apply.compare = compare;
    rel->u.apply.result = fixture_new_column(f, "subquery");
    return rel;
}

/* kind(arg) over rel, without keys unless key_count; the column is rel->u.aggregate.columns[0]. */
static inline struct rel *fixture_aggregate(struct fixture *f, struct rel *child,
                                            enum aggregate_kind kind, expr_ref arg,
                                            const uint32_t *keys, uint32_t key_count)
{
    struct rel *rel;
    MUST(f, rel_new(&f->q, REL_AGGREGATE, child, &rel));
    rel->u.aggregate.keys = arena_array(&f->arena, uint32_t, key_count + 1);
    rel->u.aggregate.columns = arena_array(&f->arena, uint32_t, 1);
    rel->u.aggregate.aggregates = arena_array(&f->arena, struct aggregate, 1);
    assert_true(rel->u.aggregate.keys && rel->u.aggregate.columns && rel->u.aggregate.aggregates);
    for (uint32_t i = 0; i < key_count; i++)
        rel->u.aggregate.keys[i] = keys[i];
    rel->u.aggregate.key_count = key_count;
    rel->u.aggregate.keyed = key_count > 0;
    rel->u.aggregate.aggregates[0] = (struct aggregate){.kind = kind, .arg = arg};
    MUST(f, aggregate_init(&rel->u.aggregate.aggregates[0], &f->err));
    rel->u.aggregate.columns[0] = fixture_new_column(f, "aggregate");
    rel->u.aggregate.count = 1;
    return rel;
}

/* The tree as text; valid until the next call. */
static inline const char *fixture_text(struct fixture *f, const struct rel *rel)
{
    str_clear(&f->text);
    rel_print(&f->q, rel, &f->text);
    return str_text(&f->text);
}

#endif
