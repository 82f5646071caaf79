/*
 * expr_table.h -- reading SQLite's values, and vectors of them in every form a chunk gives.
 */
#ifndef YODA_TEST_EXPR_TABLE_H
#define YODA_TEST_EXPR_TABLE_H

#include "expr_oracle.h"

static void oracle_sql(const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(oracle_db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
}

/* A column's value; bytes live until the statement steps. */
static struct value oracle_value(sqlite3_stmt *stmt, int column)
{
    int type = sqlite3_column_type(stmt, column);
    if (type == SQLITE_INTEGER)
        return value_int(sqlite3_column_int64(stmt, column));
    if (type == SQLITE_FLOAT)
        return value_real(sqlite3_column_double(stmt, column));
    if (type == SQLITE_NULL)
        return value_null();
    const char *p = sqlite3_column_blob(stmt, column);
    size_t size = (size_t)sqlite3_column_bytes(stmt, column);
    return type == SQLITE_TEXT ? value_text(p ? p : "", size) : value_blob(p ? p : "", size);
}

/* ---- Vectors from values -------------------------------------------------------------------- */

static void *oracle_alloc(struct arena *arena, size_t size)
{
    void *p = arena_calloc(arena, 1, size + 64);
    assert_non_null(p);
    return p;
}

static int oracle_compare(const void *a, const void *b)
{
    return value_compare(a, b, COLLATE_BINARY);
}

static bool oracle_dict(struct arena *arena, const struct value *values, uint32_t rows,
                        struct vector *out)
{
    static uint64_t next_id;
    struct value *sorted = oracle_alloc(arena, rows * sizeof *sorted);
    struct strref *entries = oracle_alloc(arena, rows * sizeof *entries);
    struct dict *dict = oracle_alloc(arena, sizeof *dict);
    uint16_t *codes = oracle_alloc(arena, rows * sizeof *codes);
    uint32_t n = 0;
    for (uint32_t i = 0; i < rows; i++)
        if (values[i].type != YODA_NULL)
            sorted[n++] = values[i];
    qsort(sorted, n, sizeof *sorted, oracle_compare);
    for (uint32_t i = 0; i < n; i++)
        if (dict->count == 0 || sorted[i].size != entries[dict->count - 1].size ||
            memcmp(sorted[i].p, entries[dict->count - 1].ptr, sorted[i].size) != 0)
            entries[dict->count++] = (struct strref){sorted[i].p, sorted[i].size};
    if (dict->count == 0)
        return false;
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t k = 0; values[i].type != YODA_NULL && k < dict->count; k++)
            if (entries[k].size == values[i].size &&
                memcmp(entries[k].ptr, values[i].p, values[i].size) == 0)
                codes[i] = (uint16_t)k;
    dict->id = ++next_id;
    dict->values = entries;
    out->form = VF_DICT;
    out->code_width = 2;
    out->data = codes;
    out->dict = dict;
    return true;
}

/* value * 10^scale as an integer, when value comes back from it; false otherwise. */
static bool oracle_decimal(const struct value *v, int scale, int64_t *out)
{
    double p = scale == 2 ? 100.0 : 1.0;
    double r = v->type == YODA_INTEGER ? (double)v->i : v->r;
    if (!(r > -1e9 && r < 1e9))
        return false;
    *out = (int64_t)(r * p + (r < 0 ? -0.5 : 0.5));
    if (v->type == YODA_INTEGER)
        return *out == v->i * (int64_t)p;
    double back = (double)*out / p;
    return memcmp(&back, &v->r, 8) == 0 && (*out % (int64_t)p != 0);
}

static bool oracle_codes(struct arena *arena, const struct value *values, uint32_t rows,
                         struct vector *out)
{
    uint32_t *codes = oracle_alloc(arena, rows * sizeof *codes);
    int64_t *numbers = oracle_alloc(arena, rows * sizeof *numbers);
    int64_t low = INT64_MAX;
    uint8_t iso = 0;
    int scale = out->type == VT_NUM ? 2 : 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (values[i].type == YODA_NULL)
            continue;
        if (out->type == VT_TEXT) {
            if (!iso)
                iso = values[i].size == 10 ? ISO_DATE : ISO_DATETIME;
            if (!iso_parse(values[i].p, values[i].size, iso, &numbers[i]))
                return false;
        } else if (out->type == VT_REAL || !oracle_decimal(&values[i], scale, &numbers[i])) {
            return false;
        }
        low = numbers[i] < low ? numbers[i] : low;
    }
    for (uint32_t i = 0; i < rows; i++) {
        if (values[i].type == YODA_NULL)
            continue;
        if (numbers[i] - low > UINT32_MAX)
            return false;
        codes[i] = (uint32_t)(numbers[i] - low);
    }
    out->form = out->type == VT_TEXT ? VF_ISO : VF_CODES;
    out->iso_kind = iso;
    out->code_width = 4;
    out->scale = (uint8_t)scale;
    out->base = low == INT64_MAX ? 0 : low;
    out->data = codes;
    return true;
}

/* Values of one column as a vector; coded: in codes where they have some. */
static struct vector oracle_vector(struct arena *arena, const struct value *values, uint32_t rows,
                                   enum vtype type, bool coded)
{
    struct vector v = {.type = type, .form = VF_FLAT, .count = rows};
    uint64_t *nulls = oracle_alloc(arena, BITMAP_WORDS(rows) * 8);
    uint64_t *reals = oracle_alloc(arena, BITMAP_WORDS(rows) * 8);
    bool any = false;
    for (uint32_t i = 0; i < rows; i++)
        if (values[i].type == YODA_NULL) {
            bit_set(nulls, i);
            any = true;
        }
    v.nulls = any ? nulls : NULL;
    if (type == VT_NULL)
        return (struct vector){.type = VT_NULL, .form = VF_CONST, .count = rows};
    if (coded && type != VT_BLOB && oracle_codes(arena, values, rows, &v))
        return v;
    if (coded && (type == VT_TEXT || type == VT_BLOB) && oracle_dict(arena, values, rows, &v))
        return v;
    struct strref *s = oracle_alloc(arena, rows * sizeof *s);
    int64_t *n = (int64_t *)s;
    for (uint32_t i = 0; i < rows; i++) {
        if (values[i].type == YODA_NULL)
            continue;
        if (values[i].type == YODA_REAL)
            bit_set(reals, i);
        if (type == VT_TEXT || type == VT_BLOB)
            s[i] = (struct strref){values[i].p, values[i].size};
        else
            memcpy(&n[i], &values[i].i, 8);
    }
    v.data = s;
    v.reals = type == VT_NUM ? reals : NULL;
    return v;
}

#endif
