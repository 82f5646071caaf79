/*
 * join_key.c -- see join_key.h.
 *
 * A lane's kind follows from what the build side holds, not from the column's type: a REAL column
 * of whole numbers is an INT lane. Then a probe's 1.5 simply cannot match.
 */
#include "olap/exec/join_key.h"

#include "base/hash.h"
#include "olap/column/chunk.h"
#include "olap/exec/flat_vector.h"

#include <string.h>

bool join_key_of(expr_ref e, expr_ref *a, expr_ref *c, bool *null_safe)
{
    if (e->kind != EXPR_COMPARE || (e->op != OP_EQ && e->op != OP_IS) || e->text_as_number)
        return false;
    enum vtype x = e->args[0]->type, y = e->args[1]->type;
    bool numbers = x >= VT_INT && x <= VT_NUM && y >= VT_INT && y <= VT_NUM;
    bool texts = x == VT_TEXT && y == VT_TEXT && e->compare_collation == COLLATE_BINARY;
    bool blobs = x == VT_BLOB && y == VT_BLOB;
    if (!numbers && !texts && !blobs && x != VT_NULL && y != VT_NULL)
        return false;
    *a = e->args[0];
    *c = e->args[1];
    *null_safe = e->op == OP_IS;
    return true;
}

static bool is_bytes(enum vtype type)
{
    return type == VT_TEXT || type == VT_BLOB;
}

/* The int64 equal to a REAL; false where there is none. */
static bool whole_real(double r, int64_t *out)
{
    if (!(r >= -0x1p63 && r < 0x1p63) || (double)(int64_t)r != r)
        return false;
    *out = (int64_t)r;
    return true;
}

/* A number in one form for all that are equal. */
struct number_form {
    uint64_t is_real; /* and not whole */
    int64_t bits;
};

/* Row i of a FLAT number vector. */
static struct number_form number_at(const struct vector *flat, uint32_t i)
{
    struct number_form out = {0, ((const int64_t *)flat->data)[i]};
    if (flat->type == VT_INT || (flat->type == VT_NUM && !(flat->reals && bit_get(flat->reals, i))))
        return out;
    double r = ((const double *)flat->data)[i];
    out.is_real = !whole_real(r, &out.bits);
    return out;
}

yoda_status join_key_hash(const struct vector *key, uint32_t n, struct arena *scratch,
                          uint64_t *hashes, yoda_error *err)
{
    struct vector flat;
    TRY(vector_flatten(key, scratch, &flat, err));
    for (uint32_t i = 0; i < n; i++) {
        uint64_t hash = 0;
        if (flat.type == VT_NULL || (flat.nulls && bit_get(flat.nulls, i))) {
            hash = 1;
        } else if (is_bytes(flat.type)) {
            struct strref ref = ((const struct strref *)flat.data)[i];
            hash = hash_bytes(ref.ptr, ref.size, 0);
        } else {
            struct number_form number = number_at(&flat, i);
            hash = hash_u64((uint64_t)number.bits) + number.is_real;
        }
        hashes[i] = hash_combine(hashes[i], hash);
    }
    return YODA_OK;
}

/* ---- Codes of one lane ---------------------------------------------------------------------- */

static void fill_keys(uint64_t *out, uint32_t n, uint64_t key)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = key;
}

/* Codes of integers, before the range is looked at: value - low; not whole: JOIN_NO_KEY. */
static yoda_status int_codes(const struct join_lane *lane, const struct vector *v,
                             struct arena *scratch, uint64_t *out, yoda_error *err)
{
    uint64_t low = (uint64_t)lane->low;
    if (v->form == VF_CODES && (v->scale == 0 || v->type == VT_INT)) {
        struct vector shifted = *v;
        shifted.base = (int64_t)((uint64_t)v->base - low);
        vector_widen(&shifted, (int64_t *)out);
        return YODA_OK;
    }
    struct vector flat;
    TRY(vector_flatten(v, scratch, &flat, err));
    if (flat.type == VT_INT || (flat.type == VT_NUM && !flat.reals)) {
        for (uint32_t i = 0; i < flat.count; i++)
            out[i] = ((const uint64_t *)flat.data)[i] - low;
        return YODA_OK;
    }
    for (uint32_t i = 0; i < flat.count; i++) {
        struct number_form number = number_at(&flat, i);
        out[i] = number.is_real ? JOIN_NO_KEY : (uint64_t)number.bits - low;
    }
    return YODA_OK;
}

static yoda_status iso_codes(const struct join_lane *lane, const struct vector *v,
                             struct arena *scratch, uint64_t *out, yoda_error *err)
{
    uint64_t low = (uint64_t)lane->low;
    if (v->form == VF_ISO && v->iso_kind == lane->iso_kind) {
        struct vector shifted = *v;
        shifted.base = (int64_t)((uint64_t)v->base - low);
        vector_widen(&shifted, (int64_t *)out);
        return YODA_OK;
    }
    struct vector flat;
    TRY(vector_flatten(v, scratch, &flat, err));
    const struct strref *refs = flat.data;
    for (uint32_t i = 0; i < flat.count; i++) {
        int64_t number;
        bool null = flat.nulls && bit_get(flat.nulls, i);
        out[i] = !null && iso_parse(refs[i].ptr, refs[i].size, lane->iso_kind, &number)
                     ? (uint64_t)number - low
                     : JOIN_NO_KEY;
    }
    return YODA_OK;
}

static uint64_t id_code(const struct join_lane *lane, const char *p, uint32_t size)
{
    uint32_t id = join_ids_find(&lane->ids, p, size);
    return id == UINT32_MAX ? JOIN_NO_KEY : id;
}

/* The cache filled for the dictionary: each value is looked up once. */
static yoda_status fill_cache(const struct join_lane *lane, const struct dict *dict,
                              struct join_cache *cache, yoda_error *err)
{
    if (cache->dict == dict && cache->dict_id == dict->id)
        return YODA_OK;
    if (cache->room < dict->count) {
        mem_free(cache->codes);
        cache->room = 0;
        cache->codes = mem_alloc(dict->count * sizeof *cache->codes);
        if (!cache->codes)
            return fail_nomem(err, dict->count * sizeof *cache->codes);
        cache->room = dict->count;
    }
    for (uint32_t i = 0; i < dict->count; i++)
        cache->codes[i] =
            join_ids_find(&lane->ids, dict->values[i].ptr, dict->values[i].size);
    cache->dict = dict;
    cache->dict_id = dict->id;
    return YODA_OK;
}

static yoda_status dict_codes(const struct join_lane *lane, const struct vector *v,
                              struct join_cache *cache, uint64_t *out, yoda_error *err)
{
    struct vector codes = *v;
    if (v->dict->count == 0) { /* every row is NULL */
        fill_keys(out, v->count, JOIN_NO_KEY);
        return YODA_OK;
    }
    TRY(fill_cache(lane, v->dict, cache, err));
    codes.form = VF_CODES;
    codes.base = 0;
    vector_widen(&codes, (int64_t *)out);
    for (uint32_t i = 0; i < v->count; i++) {
        uint32_t id = cache->codes[out[i]];
        out[i] = id == UINT32_MAX ? JOIN_NO_KEY : id;
    }
    return YODA_OK;
}

static yoda_status id_codes(const struct join_lane *lane, const struct vector *v,
                            struct join_cache *cache, struct arena *scratch, uint64_t *out,
                            yoda_error *err)
{
    if (v->form == VF_DICT && cache && v->dict->count <= 4 * VECTOR_ROWS)
        return dict_codes(lane, v, cache, out, err);
    struct vector flat;
    TRY(vector_flatten(v, scratch, &flat, err));
    for (uint32_t i = 0; i < flat.count; i++) {
        if (flat.nulls && bit_get(flat.nulls, i)) {
            out[i] = JOIN_NO_KEY;
        } else if (is_bytes(flat.type)) {
            struct strref ref = ((const struct strref *)flat.data)[i];
            out[i] = id_code(lane, ref.ptr, ref.size);
        } else {
            struct number_form number = number_at(&flat, i);
            out[i] = id_code(lane, (const char *)&number, sizeof number);
        }
    }
    return YODA_OK;
}

yoda_status join_lane_codes(const struct join_lane *lane, const struct vector *v, uint32_t n,
                            struct join_cache *cache, struct arena *scratch, uint64_t *out,
                            yoda_error *err)
{
    uint64_t null_code = lane->null_safe ? lane->span : JOIN_NO_KEY;
    struct vector one = *v;
    if (v->type == VT_NULL || (v->form == VF_CONST && vector_is_null(v, 0))) {
        fill_keys(out, n, null_code);
        return YODA_OK;
    }
    if (v->form == VF_CONST) { /* one value is enough */
        one.form = VF_FLAT;
        one.count = 1;
    }
    if (lane->kind == LANE_INT)
        TRY(int_codes(lane, &one, scratch, out, err));
    else if (lane->kind == LANE_ISO)
        TRY(iso_codes(lane, &one, scratch, out, err));
    else if (lane->kind == LANE_IDS)
        TRY(id_codes(lane, &one, cache, scratch, out, err));
    else
        fill_keys(out, one.count, JOIN_NO_KEY);
    for (uint32_t i = 0; i < one.count; i++)
        out[i] = out[i] < lane->span ? out[i] : JOIN_NO_KEY;
    if (v->form == VF_CONST)
        fill_keys(out, n, out[0]);
    else
        for (uint32_t i = 0; v->nulls && i < n; i++)
            out[i] = bit_get(v->nulls, i) ? null_code : out[i];
    return YODA_OK;
}

/* ---- Lanes from the build side -------------------------------------------------------------- */

/* Bounds of a column of numbers; false where one of them is not whole. */
static yoda_status whole_bounds(const struct join_rows *rows, uint32_t column,
                                struct arena *scratch, struct join_lane *lane, bool *whole,
                                yoda_error *err)
{
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (uint32_t first = 0; first < rows->rows; first += VECTOR_ROWS) {
        uint32_t left = rows->rows - first, n = left < VECTOR_ROWS ? left : VECTOR_ROWS;
        struct vector v, flat;
        join_rows_slice(rows, column, first, n, &v);
        TRY(vector_flatten(&v, scratch, &flat, err));
        for (uint32_t i = 0; i < n; i++) {
            if (flat.nulls && bit_get(flat.nulls, i))
                continue;
            struct number_form number = number_at(&flat, i);
            if (number.is_real) {
                *whole = false;
                return YODA_OK;
            }
            low = number.bits < low ? number.bits : low;
            high = number.bits > high ? number.bits : high;
        }
        arena_reset(scratch);
    }
    lane->low = low;
    lane->span = low > high ? 0 : (uint64_t)high - (uint64_t)low + 1; /* 2^64 is 0, too */
    *whole = low > high || (lane->span <= JOIN_DOMAIN_MAX && lane->span != 0);
    return YODA_OK;
}

static yoda_status add_ids(struct join_ids *ids, const struct vector *flat, yoda_error *err)
{
    uint32_t id;
    for (uint32_t i = 0; i < flat->count; i++) {
        if (flat->nulls && bit_get(flat->nulls, i))
            continue;
        if (is_bytes(flat->type)) {
            struct strref ref = ((const struct strref *)flat->data)[i];
            TRY(join_ids_add(ids, ref.ptr, ref.size, &id, err));
        } else {
            struct number_form number = number_at(flat, i);
            TRY(join_ids_add(ids, (const char *)&number, sizeof number, &id, err));
        }
    }
    return YODA_OK;
}

/* Number the different values. A dictionary has them all, and some more that do no harm. */
static yoda_status number_values(const struct join_rows *rows, uint32_t column,
                                 struct arena *scratch, struct join_ids *ids, yoda_error *err)
{
    const struct vector *whole = &rows->columns[column].vector;
    if (whole->form == VF_DICT) {
        struct vector values = {.type = whole->type, .form = VF_FLAT, .count = whole->dict->count,
                                .data = whole->dict->values};
        return add_ids(ids, &values, err);
    }
    for (uint32_t first = 0; first < rows->rows; first += VECTOR_ROWS) {
        uint32_t left = rows->rows - first;
        struct vector v, flat;
        arena_reset(scratch);
        join_rows_slice(rows, column, first, left < VECTOR_ROWS ? left : VECTOR_ROWS, &v);
        TRY(vector_flatten(&v, scratch, &flat, err));
        TRY(add_ids(ids, &flat, err));
    }
    return YODA_OK;
}

static yoda_status lane_init(struct join_lane *lane, const struct join_rows *rows, uint32_t column,
                             struct arena *scratch, yoda_error *err)
{
    const struct join_column *c = &rows->columns[column];
    const struct vector *v = &c->vector;
    bool whole = false;
    if (v->type == VT_NULL)
        return YODA_OK; /* LANE_NONE, span 0 */
    if (v->form == VF_ISO || (v->form == VF_CODES && v->scale == 0)) {
        lane->kind = v->form == VF_ISO ? LANE_ISO : LANE_INT;
        lane->iso_kind = v->iso_kind;
        lane->low = c->low;
        lane->span = (uint64_t)c->high - (uint64_t)c->low + 1;
        if (lane->span != 0 && lane->span <= JOIN_DOMAIN_MAX)
            return YODA_OK;
    } else if (!is_bytes(v->type)) {
        TRY(whole_bounds(rows, column, scratch, lane, &whole, err));
    }
    lane->kind = whole ? LANE_INT : LANE_IDS;
    if (whole)
        return YODA_OK;
    TRY(number_values(rows, column, scratch, &lane->ids, err));
    lane->span = lane->ids.count;
    return YODA_OK;
}

/* ---- All lanes ------------------------------------------------------------------------------ */

static yoda_status combine(const struct join_coder *coder, const struct vector *keys, uint32_t n,
                           struct join_cache *caches, struct arena *scratch, uint64_t *out,
                           yoda_error *err)
{
    const struct join_lane *lanes = coder->lanes;
    if (coder->lane_count == 0) {
        fill_keys(out, n, 0);
        return YODA_OK;
    }
    TRY(join_lane_codes(&lanes[0], &keys[0], n, caches, scratch, out, err));
    if (coder->lane_count == 1)
        return YODA_OK;
    uint64_t *codes = arena_alloc(scratch, (n + 8) * sizeof *codes);
    if (!codes)
        return run_nomem(err, "joining");
    for (uint32_t k = 1; k < coder->lane_count; k++) {
        TRY(join_lane_codes(&lanes[k], &keys[k], n, caches ? &caches[k] : NULL, scratch, codes,
                            err));
        uint64_t stride = lanes[k].stride;
        for (uint32_t i = 0; i < n; i++) {
            uint64_t sum = out[i] + codes[i] * stride;
            out[i] = out[i] == JOIN_NO_KEY || codes[i] == JOIN_NO_KEY ? JOIN_NO_KEY : sum;
        }
    }
    return YODA_OK;
}

/* The lanes' codes side by side, [n][lane_count]; *ok[i]: row i can match. */
static yoda_status tuple_codes(const struct join_coder *coder, const struct vector *keys,
                               uint32_t n, struct join_cache *caches, struct arena *scratch,
                               uint64_t **out, yoda_error *err)
{
    uint32_t count = coder->lane_count;
    uint64_t *codes = arena_alloc(scratch, (n + 8) * sizeof *codes);
    uint64_t *tuples = arena_alloc(scratch, ((size_t)n * count + 8) * sizeof *tuples);
    if (!codes || !tuples)
        return run_nomem(err, "joining");
    for (uint32_t k = 0; k < count; k++) {
        TRY(join_lane_codes(&coder->lanes[k], &keys[k], n, caches ? &caches[k] : NULL, scratch,
                            codes, err));
        for (uint32_t i = 0; i < n; i++)
            tuples[(size_t)i * count + k] = codes[i];
    }
    *out = tuples;
    return YODA_OK;
}

static bool tuple_matches(const uint64_t *tuple, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++)
        if (tuple[k] == JOIN_NO_KEY)
            return false;
    return true;
}

yoda_status join_coder_keys(const struct join_coder *coder, const struct vector *keys, uint32_t n,
                            struct join_cache *caches, struct arena *scratch, uint64_t *out,
                            yoda_error *err)
{
    uint64_t *tuples = NULL;
    uint32_t count = coder->lane_count, size = count * (uint32_t)sizeof *tuples;
    if (!coder->by_tuple)
        return combine(coder, keys, n, caches, scratch, out, err);
    TRY(tuple_codes(coder, keys, n, caches, scratch, &tuples, err));
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t *tuple = tuples + (size_t)i * count;
        uint32_t id = tuple_matches(tuple, count)
                          ? join_ids_find(&coder->tuples, (const char *)tuple, size)
                          : UINT32_MAX;
        out[i] = id == UINT32_MAX ? JOIN_NO_KEY : id;
    }
    return YODA_OK;
}

static yoda_status slice_keys(const struct join_rows *rows, const uint32_t *columns,
                              uint32_t count, uint32_t first, uint32_t n, struct arena *scratch,
                              struct vector **out, yoda_error *err)
{
    struct vector *keys = row_set_columns(scratch, count, n);
    if (!keys)
        return run_nomem(err, "building a join");
    for (uint32_t k = 0; k < count; k++)
        join_rows_slice(rows, columns[k], first, n, &keys[k]);
    *out = keys;
    return YODA_OK;
}

yoda_status join_coder_rows(const struct join_coder *coder, const struct join_rows *rows,
                            const uint32_t *columns, uint32_t first, uint32_t n,
                            struct arena *scratch, uint64_t *out, yoda_error *err)
{
    struct vector *keys = NULL;
    TRY(slice_keys(rows, columns, coder->lane_count, first, n, scratch, &keys, err));
    return join_coder_keys(coder, keys, n, NULL, scratch, out, err);
}

static yoda_status number_tuples(struct join_coder *coder, const struct join_rows *rows,
                                 const uint32_t *columns, struct arena *scratch, yoda_error *err)
{
    uint32_t count = coder->lane_count, size = count * (uint32_t)sizeof(uint64_t), id;
    for (uint32_t first = 0; first < rows->rows; first += VECTOR_ROWS) {
        uint32_t left = rows->rows - first, n = left < VECTOR_ROWS ? left : VECTOR_ROWS;
        struct vector *keys = NULL;
        uint64_t *tuples = NULL;
        arena_reset(scratch);
        TRY(slice_keys(rows, columns, count, first, n, scratch, &keys, err));
        TRY(tuple_codes(coder, keys, n, NULL, scratch, &tuples, err));
        for (uint32_t i = 0; i < n; i++) {
            const uint64_t *tuple = tuples + (size_t)i * count;
            if (tuple_matches(tuple, count))
                TRY(join_ids_add(&coder->tuples, (const char *)tuple, size, &id, err));
        }
    }
    coder->by_tuple = true;
    coder->domain = coder->tuples.count;
    return YODA_OK;
}

static yoda_status make_lanes(struct join_coder *coder, const struct join_rows *rows,
                              const uint32_t *columns, struct arena *scratch, yoda_error *err)
{
    uint128 domain = 1;
    for (uint32_t k = 0; k < coder->lane_count; k++) {
        struct join_lane *lane = &coder->lanes[k];
        arena_reset(scratch);
        TRY(lane_init(lane, rows, columns[k], scratch, err));
        lane->stride = (uint64_t)domain;
        domain *= (uint128)lane->span + lane->null_safe;
        if (domain > JOIN_DOMAIN_MAX)
            domain = (uint128)JOIN_DOMAIN_MAX + 1; /* stays above whatever follows, or 0 */
    }
    coder->domain = (uint64_t)domain;
    return domain > JOIN_DOMAIN_MAX ? number_tuples(coder, rows, columns, scratch, err) : YODA_OK;
}

yoda_status join_coder_init(struct join_coder *coder, const struct join_rows *rows,
                            const uint32_t *columns, const bool *null_safe, uint32_t count,
                            struct run *run, struct arena *arena, yoda_error *err)
{
    struct mem_budget *budget = run->context->budget;
    *coder = (struct join_coder){.lane_count = count};
    coder->lanes = arena_array(arena, struct join_lane, count);
    if (!coder->lanes) {
        coder->lane_count = 0;
        return run_nomem(err, "building a join");
    }
    join_ids_init(&coder->tuples, budget);
    for (uint32_t k = 0; k < count; k++) {
        coder->lanes[k].null_safe = null_safe[k];
        join_ids_init(&coder->lanes[k].ids, budget);
    }
    struct arena scratch;
    arena_init(&scratch, budget);
    yoda_status status = make_lanes(coder, rows, columns, &scratch, err);
    arena_deinit(&scratch);
    return status;
}

void join_coder_deinit(struct join_coder *coder)
{
    for (uint32_t k = 0; coder->lanes && k < coder->lane_count; k++)
        join_ids_deinit(&coder->lanes[k].ids);
    join_ids_deinit(&coder->tuples);
}
