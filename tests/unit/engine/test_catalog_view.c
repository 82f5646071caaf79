/*
 * test_catalog_view.c -- what the binder sees of a file: indexes, and views that fit the version.
 */
#include "../cdc/capture_fixture.h"

#include "engine/catalog_view.h"

struct looking { /* one query's view of the file */
    struct catalog_view *view;
    struct snapshot snapshot;
    struct arena arena;
    struct view_binding binding;
    struct catalog catalog;
};

static void look(struct fixture *f, struct looking *l)
{
    yoda_error err;
    OK(catalog_view_create(f->capture, &l->view, &err));
    store_acquire(f->store, &l->snapshot);
    arena_init(&l->arena, NULL);
    l->binding = (struct view_binding){.view = l->view,
                                       .version = l->snapshot.version,
                                       .capture = f->capture,
                                       .arena = &l->arena};
    l->catalog = catalog_view_bind(&l->binding);
}

static void look_away(struct fixture *f, struct looking *l)
{
    arena_deinit(&l->arena);
    store_release(f->store, &l->snapshot);
    catalog_view_release(l->view);
}

static const char *view_text(const struct looking *l, const char *name)
{
    const struct catalog_view_def *def = l->catalog.find_view(l->catalog.ctx, name);
    return def ? def->sql : NULL;
}

/* ---- Indexes --------------------------------------------------------------------------------- */

static const struct catalog_table *table_named(struct looking *l, const char *name)
{
    const char *why = NULL;
    const struct catalog_table *table = l->catalog.find_table(l->catalog.ctx, name, &why);
    if (!table)
        fail_msg("%s", why);
    return table;
}

/* "0u 1,2" : the columns of each index, u where it is unique. */
static void check_indexes(struct looking *l, const char *name, const char *expected)
{
    const struct catalog_table *table = table_named(l, name);
    char text[200] = "";
    size_t n = 0;
    for (uint32_t i = 0; i < table->index_count; i++) {
        const struct catalog_index *index = &table->indexes[i];
        for (uint32_t c = 0; c < index->column_count; c++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%u", c ? "," : i ? " " : "",
                                  index->columns[c]);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s", index->unique ? "u" : "");
    }
    assert_string_equal(text, expected);
    assert_ptr_equal(table->version, version_find_table(l->snapshot.version, table->tid));
}

static void indexes(void **state)
{
    struct fixture f = {0};
    struct looking l;
    (void)state;
    fixture_open(&f);
    run_sql(&f, "CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE, b, c TEXT COLLATE NOCASE);"
                "CREATE INDEX t1 ON t(b, a DESC); CREATE INDEX t2 ON t(b) WHERE a > 1;"
                "CREATE INDEX t3 ON t(b + 1); CREATE UNIQUE INDEX t4 ON t(c COLLATE BINARY);"
                "CREATE UNIQUE INDEX t5 ON t(c, b);"
                "CREATE TABLE h(a, b, PRIMARY KEY(b, a)); CREATE INDEX h1 ON h(a);"
                "CREATE TABLE w(a, b, c, PRIMARY KEY(c, a)) WITHOUT ROWID;"
                "CREATE INDEX w1 ON w(b)");
    register_table(&f, "t");
    register_table(&f, "h");
    register_table(&f, "w");
    settle(&f);
    look(&f, &l);
    check_indexes(&l, "t", "0u 3,2u 2,1 1u");
    check_indexes(&l, "H", "2u 0 1,0u");
    check_indexes(&l, "w", "1 2,0u");
    uint64_t before = l.view->signature;
    look_away(&f, &l);
    run_sql(&f, "CREATE INDEX w2 ON w(a); DROP INDEX t5");
    settle(&f);
    look(&f, &l);
    assert_int_not_equal(l.view->signature, before);
    check_indexes(&l, "t", "0u 2,1 1u");
    check_indexes(&l, "w", "0 1 2,0u");
    look_away(&f, &l);
    fixture_close(&f);
}

/* ---- Views ----------------------------------------------------------------------------------- */

static void views_follow_the_file(void **state)
{
    static const char first[] = "CREATE VIEW \"V w\" AS SELECT a FROM t";
    static const char second[] = "CREATE VIEW \"V w\" AS SELECT b FROM t";
    struct fixture f = {0};
    struct looking before, after;
    (void)state;
    fixture_open(&f);
    run_sql(&f, "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2)");
    run_sql(&f, first);
    register_table(&f, "t");
    settle(&f);
    look(&f, &before);
    assert_string_equal(view_text(&before, "v W"), first);
    assert_null(view_text(&before, "t"));
    run_sql(&f, "DROP VIEW \"V w\"");
    run_sql(&f, second);
    assert_string_equal(view_text(&before, "v w"), first); /* as its version's rows: still unseen */
    settle(&f);
    assert_null(view_text(&before, "v w")); /* overtaken */
    look(&f, &after);
    assert_string_equal(view_text(&after, "v w"), second);
    look_away(&f, &after);
    look_away(&f, &before);
    run_sql(&f, "DROP VIEW \"V w\"");
    settle(&f);
    look(&f, &after);
    assert_null(view_text(&after, "v w"));
    look_away(&f, &after);
    fixture_close(&f);
}

/* A reconciliation that notices other views reads no rows: no version fits them before a sync. */
static void views_wait_for_a_sync(void **state)
{
    struct fixture f = {0};
    struct looking l;
    yoda_error err;
    yoda_sync_stats stats = {0};
    (void)state;
    fixture_open(&f);
    run_sql(&f, "CREATE TABLE t(a, b); CREATE TABLE u(a)");
    register_table(&f, "t");
    settle(&f);
    run_sql(&f, "INSERT INTO t VALUES (1, 2); CREATE VIEW v AS SELECT sum(a) FROM t");
    register_table(&f, "u");
    look(&f, &l);
    assert_null(view_text(&l, "v"));
    OK(capture_sync(f.capture, &stats, &err));
    look_away(&f, &l);
    look(&f, &l);
    assert_non_null(view_text(&l, "v"));
    look_away(&f, &l);
    fixture_close(&f);
}

/* Random schema changes: what is found is always the text that the file had at the version. */
static void views_at_random(void **state)
{
    struct fixture f = {0};
    struct looking l;
    uint64_t random = test_seed();
    int at = 0;
    (void)state;
    fixture_open(&f);
    run_sql(&f, "CREATE TABLE t(a, b); CREATE VIEW v AS SELECT 0 FROM t");
    register_table(&f, "t");
    settle(&f);
    for (int i = 1; i < 60; i++) {
        char sql[200], expected[100];
        yoda_error err;
        yoda_sync_stats stats = {0};
        bool redefine = test_random(&random) % 2, sync = test_random(&random) % 2;
        snprintf(sql, sizeof sql, redefine ? "DROP VIEW v; CREATE VIEW v AS SELECT %d FROM t"
                                           : "INSERT INTO t VALUES (%d, 0)", i);
        run_sql(&f, sql);
        if (test_random(&random) % 4 == 0)
            run_sql(&f, test_random(&random) % 2 ? "VACUUM" : "CREATE VIEW x AS SELECT 1;"
                                                              "DROP VIEW x");
        if (sync)
            OK(capture_sync(f.capture, &stats, &err));
        look(&f, &l);
        at = redefine ? i : at;
        snprintf(expected, sizeof expected, "CREATE VIEW v AS SELECT %d FROM t", at);
        if (sync)
            assert_string_equal(view_text(&l, "v"), expected);
        look_away(&f, &l);
    }
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indexes),
        cmocka_unit_test(views_follow_the_file),
        cmocka_unit_test(views_wait_for_a_sync),
        cmocka_unit_test(views_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
