/*
 * delete_bitmap.c -- copy-on-write delete bitmaps and their packed form.
 */
#include "olap/store/delete_bitmap.h"

#include "base/bytes.h"
#include "base/hash.h"

#include <inttypes.h>
#include <lz4.h>

#define PACK_HEADER 16u
#define PACK_LIST 1
#define PACK_LZ4 2
#define WORDS_SIZE (DELETE_BITMAP_WORDS * sizeof(uint64_t))

yoda_status delete_bitmap_create(const struct delete_bitmap *from, struct mem_budget *budget,
                                 struct delete_bitmap **out, yoda_error *err)
{
    *out = NULL;
    TRY(mem_budget_charge(budget, sizeof **out, err));
    struct delete_bitmap *bitmap = from ? mem_alloc(sizeof *bitmap) : mem_calloc(1, sizeof *bitmap);
    if (!bitmap) {
        mem_budget_release(budget, sizeof *bitmap);
        return fail_nomem(err, sizeof *bitmap);
    }
    atomic_init(&bitmap->refs, 1);
    bitmap->budget = budget;
    bitmap->count = from ? from->count : 0;
    if (from)
        memcpy(bitmap->words, from->words, WORDS_SIZE);
    *out = bitmap;
    return YODA_OK;
}

struct delete_bitmap *delete_bitmap_acquire(struct delete_bitmap *bitmap)
{
    if (bitmap)
        atomic_fetch_add_explicit(&bitmap->refs, 1, memory_order_relaxed);
    return bitmap;
}

void delete_bitmap_release(struct delete_bitmap *bitmap)
{
    if (!bitmap || atomic_fetch_sub_explicit(&bitmap->refs, 1, memory_order_acq_rel) != 1)
        return;
    mem_budget_release(bitmap->budget, sizeof *bitmap);
    mem_free(bitmap);
}

static uint64_t pack_checksum(const uint8_t *data, size_t size, uint64_t segment_id)
{
    ASSERT(size >= PACK_HEADER);
    uint64_t head = hash_bytes(data, 8, segment_id);
    return hash_bytes(data + PACK_HEADER, size - PACK_HEADER, head);
}

static uint32_t write_list(const uint64_t *words, uint8_t *out)
{
    uint32_t n = 0;
    for (uint32_t w = 0; w < DELETE_BITMAP_WORDS; w++)
        for (uint64_t rest = words[w]; rest; rest &= rest - 1)
            bytes_store_u32(out + 4 * (size_t)n++, w * 64 + bits_lowest(rest));
    return n * 4;
}

yoda_status delete_bitmap_pack(const uint64_t *words, uint32_t count, uint64_t segment_id,
                               void **out, uint32_t *size, yoda_error *err)
{
    ASSERT(count > 0 && count == bitmap_count(words, SEGMENT_ROWS));
    *out = NULL;
    *size = 0;
    size_t bound = (size_t)LZ4_compressBound((int)WORDS_SIZE);
    uint8_t *data = mem_alloc(PACK_HEADER + bound);
    if (!data)
        return fail_nomem(err, PACK_HEADER + bound);
    memset(data, 0, PACK_HEADER);
    uint32_t payload = (uint32_t)LZ4_compress_default(
        (const char *)words, (char *)data + PACK_HEADER, (int)WORDS_SIZE, (int)bound);
    data[0] = PACK_LZ4;
    if (payload == 0 || count <= payload / 4) {
        data[0] = PACK_LIST;
        payload = write_list(words, data + PACK_HEADER);
    }
    bytes_store_u32(data + 4, count);
    bytes_store_u64(data + 8, pack_checksum(data, PACK_HEADER + payload, segment_id));
    *out = data;
    *size = PACK_HEADER + payload;
    return YODA_OK;
}

static bool read_list(const uint8_t *data, uint32_t size, uint32_t rows, uint64_t *words)
{
    if (size % 4)
        return false;
    uint64_t least = 0;
    for (uint32_t at = 0; at < size; at += 4) {
        uint32_t row = bytes_load_u32(data + at);
        if (row < least || row >= rows)
            return false;
        bit_set(words, row);
        least = (uint64_t)row + 1;
    }
    return true;
}

static bool read_lz4(const uint8_t *data, uint32_t size, uint32_t rows, uint64_t *words)
{
    if (size > (uint32_t)LZ4_compressBound((int)WORDS_SIZE) ||
        LZ4_decompress_safe((const char *)data, (char *)words, (int)size, (int)WORDS_SIZE) !=
            (int)WORDS_SIZE)
        return false;
    return bitmap_count(words, rows) == bitmap_count(words, SEGMENT_ROWS);
}

static bool unpack(const uint8_t *data, uint32_t size, uint32_t rows, uint64_t segment_id,
                   struct delete_bitmap *bitmap)
{
    if (size < PACK_HEADER || bytes_load_u64(data + 8) != pack_checksum(data, size, segment_id) ||
        data[1] || data[2] || data[3])
        return false;
    const uint8_t *payload = data + PACK_HEADER;
    uint32_t payload_size = size - PACK_HEADER;
    bool valid = data[0] == PACK_LIST  ? read_list(payload, payload_size, rows, bitmap->words)
                 : data[0] == PACK_LZ4 ? read_lz4(payload, payload_size, rows, bitmap->words)
                                       : false;
    bitmap->count = bytes_load_u32(data + 4);
    return valid && bitmap->count > 0 && bitmap->count == bitmap_count(bitmap->words, SEGMENT_ROWS);
}

yoda_status delete_bitmap_unpack(const void *data, uint32_t size, uint32_t rows,
                                 uint64_t segment_id, struct mem_budget *budget,
                                 struct delete_bitmap **out, yoda_error *err)
{
    ASSERT(rows <= SEGMENT_ROWS);
    struct delete_bitmap *bitmap = NULL;
    *out = NULL;
    TRY(delete_bitmap_create(NULL, budget, &bitmap, err));
    if (!unpack(data, size, rows, segment_id, bitmap)) {
        delete_bitmap_release(bitmap);
        return fail(err, YODA_CORRUPT, "segment %" PRIu64 ": the delete bitmap is damaged",
                    segment_id);
    }
    *out = bitmap;
    return YODA_OK;
}
