/* gen_case.c -- making, running and judging a case. */
#include "gen_case.h"

#define SLOW_MS 1500 /* SQLite's time */

void case_make(struct test_case *c, struct pool *pool, uint64_t seed, const struct schema *schema)
{
    uint32_t r = gen_below(&seed, 100);
    *c = (struct test_case){.kind = r < 90 ? CASE_QUERY : r < 95 ? CASE_TLP : CASE_NOREC};
    if (c->kind == CASE_QUERY)
        query_make(&c->query, pool, &seed, schema);
    else
        query_pieces(&c->pieces, pool, &seed, schema);
}

/* The two statements that must say the same. */
static void both_texts(const struct test_case *c, struct pool *pool, char *texts[2])
{
    char *from = frag_render(pool, c->pieces.from), *p = frag_render(pool, c->pieces.condition);
    char *columns = frag_render(pool, c->pieces.columns);
    if (c->kind == CASE_TLP) {
        texts[0] = pool_print(pool, "SELECT %s FROM %s", columns, from);
        texts[1] = pool_print(pool,
                              "SELECT %s FROM %s WHERE %s UNION ALL SELECT %s FROM %s WHERE NOT %s"
                              " UNION ALL SELECT %s FROM %s WHERE (%s) IS NULL",
                              columns, from, p, columns, from, p, columns, from, p);
    } else {
        texts[0] = pool_print(pool, "SELECT count(*) FROM %s WHERE %s", from, p);
        texts[1] = pool_print(pool, "SELECT coalesce(sum((%s) IS TRUE), 0) FROM %s", p, from);
    }
}

char *case_text(const struct test_case *c, struct pool *pool)
{
    char *texts[2];
    if (c->kind == CASE_QUERY)
        return frag_render(pool, c->query.frag);
    if (!c->pieces.from)
        return pool_print(pool, "-- nothing");
    both_texts(c, pool, texts);
    return pool_print(pool, "%s;\n%s", texts[0], texts[1]);
}

/* Both on columns. */
static enum answer_verdict run_pair(const struct test_case *c, struct pool *pool, yoda_engine *db,
                                    char why[ANSWER_WHY_MAX])
{
    struct answer answers[2] = {{0}};
    yoda_error err = {0};
    enum answer_verdict verdict = ANSWER_SAME;
    char *texts[2];
    both_texts(c, pool, texts);
    for (int i = 0; i < 2 && verdict == ANSWER_SAME; i++) {
        yoda_status status =
            answer_query(db, texts[i], YODA_SIDE_COLUMN, SLOW_MS, &answers[i], &err);
        if (status == YODA_NOT_COLUMNAR)
            verdict = ANSWER_NOT_COLUMNAR;
        else if (status != YODA_OK)
            verdict = ANSWER_NONE; /* a wrong error shows where SQLite is asked */
        if (status != YODA_OK)
            snprintf(why, ANSWER_WHY_MAX, "%s", err.message);
    }
    if (verdict == ANSWER_SAME && !answer_equal(&answers[0], &answers[1], NULL, why))
        verdict = ANSWER_DIFFERENT;
    answer_free(&answers[0]);
    answer_free(&answers[1]);
    return verdict;
}

enum answer_verdict case_run(const struct test_case *c, struct pool *pool, yoda_engine *db,
                             char why[ANSWER_WHY_MAX])
{
    why[0] = 0;
    if (c->kind != CASE_QUERY)
        return c->pieces.from ? run_pair(c, pool, db, why) : ANSWER_NONE;
    const struct order *order = &c->query.order;
    struct answer_rules rules = {.loose = c->query.loose, .order = order->columns};
    rules.order_count = order->text && !order->text->dropped ? order->count : 0;
    enum answer_verdict verdict = answer_compare_by(db, frag_render(pool, c->query.frag),
                                                    YODA_SIDE_COLUMN, SLOW_MS, &rules, why);
    /* SQLite says so of some queries after it has moved a RIGHT JOIN out of a subquery. */
    bool moved =
        verdict == ANSWER_DIFFERENT && strstr(why, "ON clause references tables to its right");
    return moved ? ANSWER_NONE : verdict;
}

/* ---- The database ---- */

/* Statements up to the next registration, in one transaction; those that fail change nothing. */
static size_t run_some(yoda_engine *db, const struct schema *schema, const bool *skip, size_t i)
{
    yoda_txn *txn = NULL;
    yoda_error err;
    if (yoda_begin(db, &txn, &err) != YODA_OK)
        fail_msg("begin: %s", err.message);
    for (; i < schema->statement_count && strncmp(schema->statements[i], "--", 2) != 0; i++)
        if (!skip || !skip[i])
            yoda_txn_execute(txn, schema->statements[i], NULL, NULL, &err);
    if (yoda_commit(txn, &err) != YODA_OK)
        fail_msg("commit: %s", err.message);
    return i;
}

yoda_engine *case_open(const struct schema *schema, const bool *skip, const yoda_option *options,
                       size_t option_count)
{
    yoda_engine *db = NULL;
    yoda_error err = {0};
    if (yoda_open(":memory:", options, option_count, &db, &err) != YODA_OK)
        fail_msg("open: %s", err.message);
    for (size_t i = 0; i < schema->statement_count;) {
        if (strncmp(schema->statements[i], "-- register ", 12) != 0) {
            i = run_some(db, schema, skip, i);
            continue;
        }
        /* A table may be missing while a failing case is made smaller. */
        if (yoda_register_table(db, schema->statements[i] + 12, NULL, &err) != YODA_OK && !skip)
            fail_msg("%s: %s", schema->statements[i], err.message);
        i++;
    }
    if (yoda_sync(db, NULL, &err) != YODA_OK)
        fail_msg("sync: %s", err.message);
    return db;
}
