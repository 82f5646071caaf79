/*
 * group_direct.c -- direct slots: keys whose codes have a small domain need no hash.
 *
 *   slot = ((code 1) * (domain 2 + 1) + code 2) * ... ; NULL is code `domain`
 *
 * Several slots may be one group: texts that are folded (GROUP_FOLD) or decimals of two scales.
 *
 * The array is worth its clearing while the same dictionaries and bases come again, as they do
 * within a segment; a large domain is used only from the second batch with the same signature on.
 */
#include "olap/exec/group_table.h"

#include "base/hash.h"
#include "olap/kernel/kernel.h"

#include <string.h>

#define DOMAIN_AT_ONCE 4096u /* cleared without thinking twice */

/* A constant adds no slots; its signature is its value (texts: their 128-bit hash). */
static void sign_constant(const struct vector *v, struct group_signature *out)
{
    out->iso_kind = vector_is_null(v, 0);
    out->scale = v->reals && bit_get(v->reals, 0);
    out->code_width = 0;
    if (out->iso_kind) {
        out->base = 0;
    } else if (v->type == VT_TEXT || v->type == VT_BLOB) {
        const struct strref *ref = v->data;
        struct hash128 hash = hash_bytes128(ref->ptr, ref->size, 0);
        out->dict_id = hash.low;
        out->base = (int64_t)hash.high;
    } else {
        out->base = *(const int64_t *)v->data;
    }
}

static bool sign(const struct vector *v, struct group_signature *out)
{
    *out = (struct group_signature){.type = (uint8_t)v->type, .form = (uint8_t)v->form,
                                    .code_width = v->code_width, .base = v->base};
    if (v->type == VT_NULL) {
        out->domain = 0;
        return true;
    }
    switch (v->form) {
    case VF_CONST:
        sign_constant(v, out);
        return true;
    case VF_DICT:
        out->dict = v->dict;
        out->dict_id = v->dict->id;
        out->domain = v->dict->count;
        return true;
    case VF_CODES:
    case VF_ISO:
        out->scale = v->form == VF_CODES ? v->scale : 0;
        out->iso_kind = v->form == VF_ISO ? v->iso_kind : 0;
        out->domain = v->code_width == 1 ? 256 : 65536;
        return v->code_width <= 2;
    case VF_BITS:
        out->domain = 2;
        return true;
    default:
        return false;
    }
}

static bool same(const struct group_signature *a, const struct group_signature *b)
{
    return a->dict == b->dict && a->dict_id == b->dict_id && a->base == b->base &&
           a->domain == b->domain && a->type == b->type && a->form == b->form &&
           a->code_width == b->code_width && a->scale == b->scale && a->iso_kind == b->iso_kind;
}

static void add_codes(const struct vector *v, uint32_t rows, uint32_t step, uint32_t *slots)
{
    switch (v->form == VF_BITS ? 0 : v->code_width) {
    case 0:
        for (uint32_t i = 0; i < rows; i++)
            slots[i] = slots[i] * step + bit_get(v->data, i);
        break;
    case 1:
        for (uint32_t i = 0; i < rows; i++)
            slots[i] = slots[i] * step + ((const uint8_t *)v->data)[i];
        break;
    case 2:
        for (uint32_t i = 0; i < rows; i++)
            slots[i] = slots[i] * step + ((const uint16_t *)v->data)[i];
        break;
    default:
        for (uint32_t i = 0; i < rows; i++)
            slots[i] = slots[i] * step + ((const uint32_t *)v->data)[i];
    }
}

static void add_key(const struct vector *v, uint32_t domain, uint32_t rows, uint32_t *slots)
{
    uint32_t step = domain + 1;
    if (v->type == VT_NULL || v->form == VF_CONST)
        return; /* step is 1, code 0 */
    if (!v->nulls) {
        add_codes(v, rows, step, slots);
        return;
    }
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t code;
        if (bit_get(v->nulls, i))
            code = domain;
        else if (v->form == VF_BITS)
            code = bit_get(v->data, i);
        else if (v->code_width == 1)
            code = ((const uint8_t *)v->data)[i];
        else if (v->code_width == 2)
            code = ((const uint16_t *)v->data)[i];
        else
            code = ((const uint32_t *)v->data)[i];
        slots[i] = slots[i] * step + code;
    }
}

/* Does the array stand for these vectors? Otherwise note them for the next batch. */
static bool adopt(struct group_table *table, const struct vector *keys, uint32_t *domain_out)
{
    uint64_t domain = 1;
    bool known = true;
    for (uint32_t k = 0; k < table->key_count; k++) {
        struct group_signature signature;
        if (!sign(&keys[k], &signature))
            return false;
        if (!same(&signature, &table->signatures[k])) {
            table->signatures[k] = signature;
            known = false;
            table->direct_domain = 0;
        }
        domain *= (uint64_t)signature.domain + 1;
        if (domain > GROUP_DOMAIN_MAX)
            return false;
    }
    *domain_out = (uint32_t)domain;
    return known || domain <= DOMAIN_AT_ONCE;
}

bool group_direct_adopt(struct group_table *table, const struct vector *keys)
{
    uint32_t domain;
    if (!adopt(table, keys, &domain))
        return false;
    if (!table->direct) {
        table->direct = mem_alloc(GROUP_DOMAIN_MAX * sizeof *table->direct);
        if (!table->direct)
            return false;
    }
    if (table->direct_domain != domain) {
        for (uint32_t i = 0; i < domain; i++)
            table->direct[i] = UINT32_MAX;
        table->direct_domain = domain;
    }
    return true;
}

/* Ids that fit bytes, by a table in registers. */
static bool byte_ids(const struct group_table *table, const uint8_t *codes, uint32_t rows,
                     uint32_t *ids)
{
    uint8_t bytes[256];
    uint32_t domain = table->direct_domain < 256 ? table->direct_domain : 256;
    for (uint32_t i = 0; i < domain; i++)
        bytes[i] = (uint8_t)table->direct[i]; /* not known: UINT8_MAX */
    memset(bytes + domain, UINT8_MAX, 256 - domain);
    return kernels()->map_u8(codes, rows, bytes, ids);
}

bool group_direct_ids(const struct group_table *table, const struct vector *keys, uint32_t rows,
                      uint32_t *ids)
{
    const struct vector *v = &keys[0];
    const uint32_t *direct = table->direct;
    uint32_t most = 0; /* UINT32_MAX: not known */
    bool coded = v->form == VF_DICT || v->form == VF_CODES || v->form == VF_ISO;
    if (table->key_count != 1 || v->type == VT_NULL || !coded || v->nulls || v->code_width > 2)
        return false;
    if (v->code_width == 1 && table->count < UINT8_MAX)
        return byte_ids(table, v->data, rows, ids);
    if (v->code_width == 1) {
        const uint8_t *codes = v->data;
        for (uint32_t i = 0; i < rows; i++) {
            ids[i] = direct[codes[i]];
            most = ids[i] > most ? ids[i] : most;
        }
    } else {
        const uint16_t *codes = v->data;
        for (uint32_t i = 0; i < rows; i++) {
            ids[i] = direct[codes[i]];
            most = ids[i] > most ? ids[i] : most;
        }
    }
    return most != UINT32_MAX;
}

void group_direct_slots(const struct group_table *table, const struct vector *keys, uint32_t rows,
                        uint32_t *slots)
{
    memset(slots, 0, rows * sizeof *slots);
    for (uint32_t k = 0; k < table->key_count; k++)
        add_key(&keys[k], table->signatures[k].domain, rows, slots);
}
