/*
 * triggers.c -- writing, installing and comparing the capture triggers.
 *
 *   _yoda_<tid>_ai, _ad   AFTER INSERT, DELETE: the key
 *   _yoda_<tid>_au        AFTER UPDATE: the new key
 *   _yoda_<tid>_ak        AFTER UPDATE that changed the key: the old one too
 *   _yoda_<tid>_bi        BEFORE INSERT: per UNIQUE index the keys of the rows in the new row's way
 *   _yoda_<tid>_bu<n>     BEFORE UPDATE: the same for index n
 *   _yoda_<tid>_xi, _xu   BEFORE, where a NULL would be replaced by a default nobody can foresee in
 * a UNIQUE index: an entry without key, which means "copy the table anew"
 *
 * The plan of a table is a list of texts; SQLite keeps a trigger's text, so comparing the plan with
 * sqlite_schema tells whether the file has exactly what is needed. All names are quoted the way
 * SQLite's own RENAME quotes them.
 *
 * NEW.x has no affinity and an index term may compare, so terms over the new row are evaluated over
 * (SELECT x FROM t WHERE 0 UNION ALL SELECT NEW.x): a compound takes names, affinities and
 * collations from its first part. ON CONFLICT REPLACE on NOT NULL puts the default in after the
 * BEFORE triggers ran; hence coalesce(NEW.x, default).
 */
#include "cdc/triggers.h"

#include "base/arena.h"
#include "cdc/mirror_def.h"
#include "oltp/ddl_text.h"

#include <stdio.h>

struct planned {
    const char *name, *sql;
    bool after;
};

struct plan {
    const struct schema_table *table;
    uint32_t tid;
    struct arena *arena;
    struct planned *list; /* [count] */
    uint32_t count;
};

/* ---- Pieces of SQL --------------------------------------------------------------------------- */

static void put_row_name(struct str *sql, const char *row, const char *column)
{
    if (row) {
        str_puts(sql, row);
        str_putc(sql, '.');
    }
    str_identifier(sql, column);
}

static uint32_t key_width(const struct schema_table *table)
{
    return table->without_rowid ? table->key_count : 1;
}

static const char *key_name(const struct schema_table *table, uint32_t i)
{
    return table->without_rowid ? table->columns[table->key_columns[i]].name : table->rowid_name;
}

/* "<tid>,NEW.k1,NEW.k2" */
static void put_key(struct str *sql, const struct plan *plan, const char *row)
{
    str_printf(sql, "%u", plan->tid);
    for (uint32_t i = 0; i < key_width(plan->table); i++) {
        str_putc(sql, ',');
        put_row_name(sql, row, key_name(plan->table, i));
    }
}

static void put_log_into(struct str *sql, const struct plan *plan)
{
    str_puts(sql, "INSERT INTO _yoda_log(tid");
    for (uint32_t i = 0; i < key_width(plan->table); i++)
        str_printf(sql, ",k%u", i + 1);
    str_puts(sql, ") ");
}

static void put_head(struct str *sql, const struct plan *plan, const char *suffix, const char *when)
{
    str_printf(sql, "CREATE TRIGGER \"_yoda_%u_%s\" %s ON ", plan->tid, suffix, when);
    str_identifier(sql, plan->table->name);
}

/* Take the text that was built; the name is inside it. */
static yoda_status plan_add(struct plan *plan, struct str *sql, const char *suffix, bool after,
                            yoda_error *err)
{
    char name[48];
    int size = snprintf(name, sizeof name, "_yoda_%u_%s", plan->tid, suffix);
    TRY(str_check(sql, err));
    struct planned *p = &plan->list[plan->count++];
    p->name = arena_copy(plan->arena, name, (size_t)size);
    p->sql = arena_copy(plan->arena, str_text(sql), sql->size);
    p->after = after;
    str_clear(sql);
    return p->name && p->sql ? YODA_OK : fail_nomem(err, sql->size);
}

/* ---- Defaults that replace a NULL ------------------------------------------------------------ */

static bool is_bare_word(const char *text)
{
    static const char *const values[] = {"NULL",         "TRUE",         "FALSE",
                                         "CURRENT_TIME", "CURRENT_DATE", "CURRENT_TIMESTAMP"};
    for (size_t i = 0; i < COUNT_OF(values); i++)
        if (name_equal(text, values[i]))
            return false;
    return true;
}

/* The text as a string literal, identifier quotes taken off: DEFAULT abc means 'abc'. */
static void put_word_literal(struct str *sql, const struct ddl_token *token)
{
    const char *at = token->span.text, *end = at + token->span.size;
    bool quoted = token->kind == DDL_QUOTED;
    str_putc(sql, '\'');
    for (at += quoted, end -= quoted; at < end; at++) {
        if (*at == '\'')
            str_putc(sql, '\'');
        str_putc(sql, *at);
        if (quoted && *end != ']' && *at == *end)
            at++;
    }
    str_putc(sql, '\'');
}

/* Append the default's value; false when it is an expression whose value is not known before. */
static bool put_default(struct str *sql, const char *text)
{
    const char *at = text, *end = text + strlen(text);
    struct ddl_token token = ddl_token_next(&at, end), rest = ddl_token_next(&at, end);
    bool single = rest.kind == DDL_END;
    if (strspn(text, "0123456789.+-eExX abcdfABCDF") == strlen(text) &&
        strpbrk(text, "0123456789") && (strchr("+-.", *text) || (*text >= '0' && *text <= '9'))) {
        str_printf(sql, "(%s)", text);
    } else if (single && token.kind == DDL_STRING) {
        str_puts(sql, text);
    } else if (token.kind == DDL_WORD && token.span.size == 1 && ascii_lower(*text) == 'x' &&
               rest.kind == DDL_STRING && rest.span.text == token.span.text + 1 &&
               ddl_token_next(&at, end).kind == DDL_END) {
        str_puts(sql, text);
    } else if (single && token.kind == DDL_WORD && !is_bare_word(text)) {
        str_puts(sql, text);
    } else if (single && (token.kind == DDL_WORD || token.kind == DDL_QUOTED)) {
        put_word_literal(sql, &token);
    } else {
        return false;
    }
    return true;
}

static bool default_is_foreseen(const struct schema_column *column)
{
    struct str scratch;
    str_init(&scratch);
    bool foreseen = put_default(&scratch, column->default_sql);
    str_deinit(&scratch);
    return foreseen;
}

static bool null_is_replaced(const struct schema_column *column)
{
    return column->not_null && column->default_sql;
}

/* The value that the new row will have in a column, as far as it is known before the insert. */
static void put_new_value(struct str *sql, const struct schema_column *column)
{
    bool replaced = null_is_replaced(column) && default_is_foreseen(column);
    if (replaced)
        str_puts(sql, "coalesce(");
    put_row_name(sql, "NEW", column->name);
    if (replaced) {
        str_putc(sql, ',');
        YODA_UNUSED(put_default(sql, column->default_sql));
        str_putc(sql, ')');
    }
}

/* ---- Recheck: rows in the new row's way ------------------------------------------------------ */

static bool expr_uses(const char *expr, const struct schema_column *column)
{
    return ddl_mentions(expr, column->name);
}

/* The columns an expression names, as a list by `put`; all of them when it names none. */
static void put_used_columns(struct str *sql, const struct schema_table *table, const char *expr,
                             bool new_row)
{
    uint32_t used = 0, written = 0;
    for (uint32_t i = 0; i < table->column_count; i++)
        used += expr_uses(expr, &table->columns[i]);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct schema_column *column = &table->columns[i];
        if (used && !expr_uses(expr, column))
            continue;
        if (written++)
            str_putc(sql, ',');
        if (new_row)
            put_new_value(sql, column);
        else
            str_identifier(sql, column->name);
    }
}

/* One term of the index over the table = the same over the new row. */
static void put_term(struct str *sql, const struct schema_table *table,
                     const struct schema_index_term *term)
{
    static const char *const names[] = {"BINARY", "NOCASE", "RTRIM"};
    if (term->column >= 0) {
        const struct schema_column *column = &table->columns[term->column];
        str_identifier(sql, column->name);
        if (!name_equal(names[column->collation], term->collation))
            str_printf(sql, " COLLATE %s", term->collation);
        str_putc(sql, '=');
        put_new_value(sql, column);
        return;
    }
    str_printf(sql, "(%s) COLLATE %s=(SELECT %s FROM (SELECT ", term->expr, term->collation,
               term->expr);
    put_used_columns(sql, table, term->expr, false);
    str_puts(sql, " FROM ");
    str_identifier(sql, table->name);
    str_puts(sql, " WHERE 0 UNION ALL SELECT ");
    put_used_columns(sql, table, term->expr, true);
    str_putc(sql, ')');
    if (ddl_mentions(term->expr,
                     table->name)) { /* t.x; otherwise RENAME would leave the alias behind */
        str_puts(sql, " AS ");
        str_identifier(sql, table->name);
    }
    str_putc(sql, ')');
}

/*
 * UPDATE loads only the columns of NEW that its triggers name, and computes generated columns from
 * what it loaded. Naming the columns that they are computed from makes NEW.g right.
 */
static void put_generated_bases(struct str *sql, const struct schema_table *table,
                                const struct schema_index *index)
{
    bool any = false;
    for (uint32_t c = 0; c < table->column_count; c++) {
        bool base = false;
        for (uint32_t t = 0; t < index->term_count && !table->columns[c].generated; t++) {
            const struct schema_index_term *term = &index->terms[t];
            if (term->column < 0)
                base |= mirror_def_depends(table, term->expr, c);
            else if (table->columns[term->column].generated)
                base |= mirror_def_depends(table, table->columns[term->column].generated_sql, c);
        }
        if (!base)
            continue;
        str_puts(sql, any ? "," : " AND coalesce(1,");
        put_row_name(sql, "NEW", table->columns[c].name);
        any = true;
    }
    if (any)
        str_putc(sql, ')');
}

static void put_recheck(struct str *sql, const struct plan *plan, const struct schema_index *index,
                        bool update)
{
    const struct schema_table *table = plan->table;
    put_log_into(sql, plan);
    str_puts(sql, "SELECT ");
    put_key(sql, plan, NULL);
    str_puts(sql, " FROM ");
    str_identifier(sql, table->name);
    str_puts(sql, " WHERE ");
    for (uint32_t i = 0; i < index->term_count; i++) {
        str_puts(sql, i ? " AND " : "");
        put_term(sql, table, &index->terms[i]);
    }
    if (index->where) /* only rows inside a partial index can be in the way, and it lets SQLite use
                         it */
        str_printf(sql, " AND (%s)", index->where);
    if (update)
        put_generated_bases(sql, table, index);
    if (update && !table->without_rowid) {
        str_puts(sql, " AND ");
        str_identifier(sql, table->rowid_name);
        str_puts(sql, " IS NOT ");
        put_row_name(sql, "OLD", table->rowid_name);
    }
    str_puts(sql, "; ");
}

/* UPDATE OF names can be trusted only for stored columns that have no second name (as the rowid
 * has), and for indexes that depend on nothing else. */
static bool has_plain_terms(const struct schema_table *table, const struct schema_index *index)
{
    if (index->where)
        return false;
    for (uint32_t i = 0; i < index->term_count; i++) {
        int32_t column = index->terms[i].column;
        if (column < 0 || column == table->rowid_alias || table->columns[column].generated)
            return false;
    }
    return true;
}

static yoda_status plan_recheck_update(struct plan *plan, uint32_t n, struct str *sql,
                                       yoda_error *err)
{
    const struct schema_index *index = &plan->table->indexes[n];
    char suffix[24];
    snprintf(suffix, sizeof suffix, "bu%u", n);
    struct str when;
    str_init(&when);
    str_puts(&when, "BEFORE UPDATE");
    if (has_plain_terms(plan->table, index))
        for (uint32_t i = 0; i < index->term_count; i++) {
            str_puts(&when, i ? "," : " OF ");
            str_identifier(&when, plan->table->columns[index->terms[i].column].name);
        }
    put_head(sql, plan, suffix, str_text(&when));
    yoda_status status = str_check(&when, err);
    str_deinit(&when);
    TRY(status);
    str_puts(sql, " BEGIN ");
    put_recheck(sql, plan, index, true);
    str_puts(sql, "END");
    return plan_add(plan, sql, suffix, false, err);
}

static yoda_status plan_rechecks(struct plan *plan, struct str *sql, yoda_error *err)
{
    if (plan->table->index_count == 0)
        return YODA_OK;
    put_head(sql, plan, "bi", "BEFORE INSERT");
    str_puts(sql, " BEGIN ");
    for (uint32_t i = 0; i < plan->table->index_count; i++)
        put_recheck(sql, plan, &plan->table->indexes[i], false);
    str_puts(sql, "END");
    TRY(plan_add(plan, sql, "bi", false, err));
    for (uint32_t i = 0; i < plan->table->index_count; i++)
        TRY(plan_recheck_update(plan, i, sql, err));
    return YODA_OK;
}

/* ---- Unforeseeable defaults ------------------------------------------------------------------ */

/* May a default put into this column change an index term in a way the recheck does not see? */
static bool default_is_hidden(const struct schema_table *table, const struct schema_column *column)
{
    bool foreseen = default_is_foreseen(column);
    for (uint32_t i = 0; i < table->index_count; i++)
        for (uint32_t t = 0; t < table->indexes[i].term_count; t++) {
            const struct schema_index_term *term = &table->indexes[i].terms[t];
            const struct schema_column *own =
                term->column >= 0 ? &table->columns[term->column] : NULL;
            if (own && own->generated)
                return true; /* computed again after the default went in */
            if (!foreseen && (own ? own == column : expr_uses(term->expr, column)))
                return true;
            for (uint32_t c = 0; !own && c < table->column_count; c++)
                if (table->columns[c].generated && expr_uses(term->expr, &table->columns[c]))
                    return true;
        }
    return false;
}

static yoda_status plan_unforeseen(struct plan *plan, struct str *sql, yoda_error *err)
{
    struct str when;
    str_init(&when);
    for (uint32_t i = 0; i < plan->table->column_count; i++) {
        const struct schema_column *column = &plan->table->columns[i];
        if (!null_is_replaced(column) || !default_is_hidden(plan->table, column))
            continue;
        str_puts(&when, when.size ? " OR " : "");
        put_row_name(&when, "NEW", column->name);
        str_puts(&when, " IS NULL");
    }
    yoda_status status = str_check(&when, err);
    for (int update = 0; update < 2 && when.size && status == YODA_OK; update++) {
        const char *suffix = update ? "xu" : "xi";
        put_head(sql, plan, suffix, update ? "BEFORE UPDATE" : "BEFORE INSERT");
        str_printf(sql, " WHEN %s BEGIN INSERT INTO _yoda_log(tid) VALUES(%u); END",
                   str_text(&when), plan->tid);
        status = plan_add(plan, sql, suffix, false, err);
    }
    str_deinit(&when);
    return status;
}

/* ---- The plan -------------------------------------------------------------------------------- */

static yoda_status plan_after(struct plan *plan, struct str *sql, const char *suffix,
                              const char *event, const char *row, yoda_error *err)
{
    put_head(sql, plan, suffix, event);
    str_puts(sql, " BEGIN ");
    put_log_into(sql, plan);
    str_puts(sql, "VALUES(");
    put_key(sql, plan, row);
    str_puts(sql, "); END");
    return plan_add(plan, sql, suffix, true, err);
}

/* No UPDATE OF here: SET rowid = names no column of the list. */
static yoda_status plan_key_change(struct plan *plan, struct str *sql, yoda_error *err)
{
    put_head(sql, plan, "ak", "AFTER UPDATE");
    str_puts(sql, " WHEN ");
    for (uint32_t i = 0; i < key_width(plan->table); i++) {
        str_puts(sql, i ? " OR " : "");
        put_row_name(sql, "OLD", key_name(plan->table, i));
        str_puts(sql, " IS NOT ");
        put_row_name(sql, "NEW", key_name(plan->table, i));
    }
    str_puts(sql, " BEGIN ");
    put_log_into(sql, plan);
    str_puts(sql, "VALUES(");
    put_key(sql, plan, "OLD");
    str_puts(sql, "); END");
    return plan_add(plan, sql, "ak", true, err);
}

static yoda_status plan_make(const struct schema_table *table, uint32_t tid, struct arena *arena,
                             struct plan *plan, yoda_error *err)
{
    *plan = (struct plan){.table = table, .tid = tid, .arena = arena};
    plan->list = arena_array(arena, struct planned, table->index_count + 8);
    if (!plan->list)
        return fail_nomem(err, (table->index_count + 8) * sizeof *plan->list);
    struct str sql;
    str_init(&sql);
    yoda_status status = plan_after(plan, &sql, "ai", "AFTER INSERT", "NEW", err);
    if (status == YODA_OK)
        status = plan_after(plan, &sql, "ad", "AFTER DELETE", "OLD", err);
    if (status == YODA_OK)
        status = plan_after(plan, &sql, "au", "AFTER UPDATE", "NEW", err);
    if (status == YODA_OK)
        status = plan_key_change(plan, &sql, err);
    if (status == YODA_OK)
        status = plan_rechecks(plan, &sql, err);
    if (status == YODA_OK)
        status = plan_unforeseen(plan, &sql, err);
    str_deinit(&sql);
    ASSERT(plan->count <= table->index_count + 8);
    return status;
}

/* ---- What the file has ----------------------------------------------------------------------- */

struct existing {
    const char *name, *sql, *table;
    bool matched;
};

static yoda_status list_existing(struct conn *conn, uint32_t tid, struct arena *arena,
                                 struct existing **out, size_t *count, yoda_error *err)
{
    char sql[200];
    int size = snprintf(sql, sizeof sql,
                        "SELECT name,sql,tbl_name,count(*) OVER () FROM "
                        "main.sqlite_schema WHERE type='trigger' AND name GLOB '_yoda_%u_*' "
                        "ORDER BY name",
                        tid);
    struct stmt stmt;
    *count = 0;
    TRY(stmt_prepare(conn, sql, (size_t)size, &stmt, NULL, err));
    yoda_status status = stmt_step(&stmt, err);
    size_t rows = status == YODA_OK && stmt.row ? (size_t)stmt_int(&stmt, 3) : 0;
    *out = arena_array(arena, struct existing, rows + 1);
    if (!*out && status == YODA_OK)
        status = fail_nomem(err, rows * sizeof **out);
    while (status == YODA_OK && stmt.row && *count < rows) {
        const char *text[3];
        for (int i = 0; i < 3 && status == YODA_OK; i++) {
            struct value v = stmt_value(&stmt, i);
            text[i] = v.type == YODA_TEXT ? arena_copy(arena, v.p, v.size) : "";
            if (!text[i])
                status = fail_nomem(err, v.size);
        }
        if (status == YODA_OK) {
            (*out)[(*count)++] = (struct existing){text[0], text[1], text[2], false};
            status = stmt_step(&stmt, err);
        }
    }
    stmt_finish(&stmt);
    return status;
}

static bool find_planned(struct existing *list, size_t count, const struct planned *planned)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, planned->name) == 0) {
            list[i].matched = strcmp(list[i].sql, planned->sql) == 0;
            return list[i].matched;
        }
    return false;
}

static yoda_status log_width(struct conn *conn, int64_t *out, yoda_error *err)
{
    return conn_query_int(conn, "SELECT count(*) - 2 FROM pragma_table_xinfo('_yoda_log', 'main')",
                          0, out, err);
}

yoda_status triggers_inspect(struct conn *conn, const struct schema_table *table, uint32_t tid,
                             enum triggers_state *out, yoda_error *err)
{
    struct arena arena;
    struct plan plan;
    struct existing *existing = NULL;
    size_t count = 0;
    int64_t width = 0;
    arena_init(&arena, NULL);
    *out = TRIGGERS_BROKEN;
    yoda_status status = log_width(conn, &width, err);
    if (status == YODA_OK && width >= key_width(table)) {
        status = plan_make(table, tid, &arena, &plan, err);
        if (status == YODA_OK)
            status = list_existing(conn, tid, &arena, &existing, &count, err);
        *out = TRIGGERS_INTACT;
        for (uint32_t i = 0; status == YODA_OK && i < plan.count; i++)
            if (!find_planned(existing, count, &plan.list[i]))
                *out = plan.list[i].after || *out == TRIGGERS_BROKEN ? TRIGGERS_BROKEN
                                                                     : TRIGGERS_RECHECK;
        for (size_t i = 0; i < count; i++)
            if (!existing[i].matched && *out == TRIGGERS_INTACT)
                *out = TRIGGERS_RECHECK;
    }
    arena_deinit(&arena);
    return status;
}

yoda_status triggers_table(struct conn *conn, uint32_t tid, struct arena *arena, const char **out,
                           yoda_error *err)
{
    struct existing *existing;
    size_t count;
    *out = NULL;
    TRY(list_existing(conn, tid, arena, &existing, &count, err));
    if (count)
        *out = existing[0].table;
    return YODA_OK;
}

/* ---- Changing the file ----------------------------------------------------------------------- */

static yoda_status drop_trigger(struct conn *writer, const char *name, yoda_error *err)
{
    struct str sql;
    str_init(&sql);
    str_puts(&sql, "DROP TRIGGER IF EXISTS main.");
    str_identifier(&sql, name);
    yoda_status status = str_check(&sql, err);
    if (status == YODA_OK)
        status = conn_exec(writer, str_text(&sql), err);
    str_deinit(&sql);
    return status;
}

static yoda_status widen_log(struct conn *writer, uint32_t width, yoda_error *err)
{
    int64_t have = 0;
    TRY(log_width(writer, &have, err));
    for (int64_t i = have + 1; i <= width; i++)
        TRY(conn_execf(writer, err, "ALTER TABLE main._yoda_log ADD COLUMN k%d", (int)i));
    return YODA_OK;
}

/* In main, whatever TEMP table hides the name; SQLite keeps the text without "main.". */
static yoda_status create_trigger(struct conn *writer, const char *sql, yoda_error *err)
{
    static const char head[] = "CREATE TRIGGER ";
    struct str text;
    ASSERT(strncmp(sql, head, sizeof head - 1) == 0);
    str_init(&text);
    str_puts(&text, head);
    str_puts(&text, "main.");
    str_puts(&text, sql + sizeof head - 1);
    yoda_status status = str_check(&text, err);
    if (status == YODA_OK)
        status = conn_exec(writer, str_text(&text), err);
    str_deinit(&text);
    return status;
}

static yoda_status install(struct conn *writer, const struct plan *plan, yoda_error *err)
{
    struct existing *existing;
    size_t count;
    TRY(list_existing(writer, plan->tid, plan->arena, &existing, &count, err));
    bool *present = arena_array(plan->arena, bool, plan->count + 1);
    if (!present)
        return fail_nomem(err, plan->count);
    for (uint32_t i = 0; i < plan->count; i++)
        present[i] = find_planned(existing, count, &plan->list[i]);
    for (size_t i = 0; i < count;
         i++) /* what is right stays: the schema moves only where it must */
        if (!existing[i].matched)
            TRY(drop_trigger(writer, existing[i].name, err));
    for (uint32_t i = 0; i < plan->count; i++)
        if (!present[i])
            TRY(create_trigger(writer, plan->list[i].sql, err));
    return YODA_OK;
}

yoda_status triggers_install(struct conn *writer, const struct schema_table *table, uint32_t tid,
                             yoda_error *err)
{
    struct arena arena;
    struct plan plan;
    TRY(mirror_def_check(writer, table, err));
    TRY(widen_log(writer, key_width(table), err));
    arena_init(&arena, NULL);
    yoda_status status = plan_make(table, tid, &arena, &plan, err);
    if (status == YODA_OK)
        status = install(writer, &plan, err);
    arena_deinit(&arena);
    return status;
}

yoda_status triggers_drop(struct conn *writer, uint32_t tid, yoda_error *err)
{
    struct arena arena;
    struct existing *existing;
    size_t count = 0;
    arena_init(&arena, NULL);
    yoda_status status = list_existing(writer, tid, &arena, &existing, &count, err);
    for (size_t i = 0; i < count && status == YODA_OK; i++)
        status = drop_trigger(writer, existing[i].name, err);
    arena_deinit(&arena);
    return status;
}

yoda_status triggers_drop_orphans(struct conn *writer, const uint32_t *tids, size_t count,
                                  yoda_error *err)
{
    for (;;) { /* dropping changes the list, so it is asked again each time; orphans are rare */
        struct str sql;
        int64_t tid = 0;
        str_init(&sql);
        str_puts(&sql, "SELECT CAST(substr(name,7) AS INTEGER) AS tid FROM main.sqlite_schema"
                       " WHERE type='trigger' AND name GLOB '_yoda_[0-9]*_*' AND tid NOT IN (0");
        for (size_t i = 0; i < count; i++)
            str_printf(&sql, ",%u", tids[i]);
        str_puts(&sql, ") AND tid <= 4294967295 AND tid||'' = substr(name,7,length(tid)) LIMIT 1");
        yoda_status status = str_check(&sql, err);
        if (status == YODA_OK)
            status = conn_query_int(writer, str_text(&sql), 0, &tid, err);
        str_deinit(&sql);
        TRY(status);
        if (tid <= 0)
            return YODA_OK;
        int64_t before = 0, after = 0;
        TRY(schema_version_read(writer, &before, err));
        TRY(triggers_drop(writer, (uint32_t)tid, err));
        TRY(schema_version_read(writer, &after, err));
        if (before == after)
            return YODA_OK; /* a name that only looks like ours */
    }
}
