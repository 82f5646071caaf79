/* write_literals.c -- see write_literals.h. */
#include "engine/write_literals.h"

#include "base/hash.h"

#include <string.h>

#define KEPT_BYTES_MAX (64 << 10)

void write_literals_init(struct write_literals *literals)
{
    literal_lift_init(&literals->lift);
    memset(literals->seen, 0, sizeof literals->seen);
}

void write_literals_deinit(struct write_literals *literals)
{
    literal_lift_deinit(&literals->lift);
}

/* Shapes that share a slot drive each other out: then they run as they are written. */
static bool comes_again(struct write_literals *literals)
{
    const struct str *shape = &literals->lift.sql;
    uint64_t hash = hash_bytes(shape->data, shape->size, 0);
    uint64_t *slot = &literals->seen[hash % WRITE_SHAPES];
    bool again = *slot == hash;
    *slot = hash;
    return again;
}

static void forget_long_ones(struct literal_lift *lift)
{
    if (lift->sql.capacity + lift->head.capacity + lift->bytes.capacity > KEPT_BYTES_MAX)
        literal_lift_deinit(lift); /* it can be used again */
}

static yoda_status run(struct stmt *stmt, const struct literal_lift *lift, yoda_error *err)
{
    const yoda_params params = {.count = lift->count, .values = lift->values};
    TRY(stmt_bind_params(stmt, &params, err));
    TRY(stmt_step(stmt, err));
    ASSERT(!stmt->row);
    return YODA_OK;
}

static bool run_lifted(struct write_literals *literals, struct conn *conn, const char *sql,
                       yoda_status *status, yoda_error *err)
{
    struct literal_lift *lift = &literals->lift;
    struct stmt stmt = {0};
    yoda_error local = {.sql_offset = -1};
    if (!literal_lift_statement(lift, sql, strlen(sql)) || !comes_again(literals) ||
        stmt_prepare(conn, lift->sql.data, lift->sql.size, &stmt, NULL, NULL) != YODA_OK)
        return false;
    int64_t before = conn_changes(conn);
    *status = run(&stmt, lift, &local);
    stmt_finish(&stmt);
    if (*status != YODA_OK && local.sql_offset >= 0 && conn_changes(conn) == before)
        return false; /* the schema moved, and it does not prepare any more */
    if (*status != YODA_OK && err)
        *err = local;
    return true;
}

bool write_literals_run(struct write_literals *literals, struct conn *conn, const char *sql,
                        yoda_status *status, yoda_error *err)
{
    bool ran = run_lifted(literals, conn, sql, status, err);
    forget_long_ones(&literals->lift);
    return ran;
}
