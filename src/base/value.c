/*
 * value.c -- SQLite's rules for comparing values, and keys as bytes.
 *
 * Key form of one column: a tag byte (yoda_type), then
 *   NULL     nothing
 *   INTEGER  int64, little-endian; also every REAL that equals one, so -0.0 becomes 0
 *   REAL     the double's bits
 *   TEXT     uint32 length, bytes (folded or trimmed as the collation asks)
 *   BLOB     uint32 length, bytes
 * The length in front makes keys of several columns unambiguous when they are put together.
 *
 * Source  SQLite's sqlite3AffinityType (build.c), sqlite3IntFloatCompare and sqlite3MemCompare
 *         (vdbeaux.c), the built-in collations (main.c). NOCASE stops folding at a NUL there: of
 *         two texts that agree up to a common NUL, the shorter is less and equal lengths are equal.
 */
#include "base/value.h"

#include "base/bytes.h"
#include "base/str.h"

#define INT64_LIMIT 9223372036854775808.0 /* 2^63: the first double above every int64 */

static bool contains_nocase(const char *text, size_t length, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= length; i++)
        if (ascii_equal_nocase(text + i, n, word, n))
            return true;
    return false;
}

enum affinity affinity_of_declaration(const char *declared_type, size_t length)
{
    /* In SQLite's precedence: the first word that occurs anywhere decides. */
    static const struct {
        const char *word;
        enum affinity affinity;
    } rules[] = {
        {"INT", AFFINITY_INTEGER}, {"CHAR", AFFINITY_TEXT}, {"CLOB", AFFINITY_TEXT},
        {"TEXT", AFFINITY_TEXT},   {"BLOB", AFFINITY_BLOB}, {"REAL", AFFINITY_REAL},
        {"FLOA", AFFINITY_REAL},   {"DOUB", AFFINITY_REAL},
    };
    if (!declared_type || length == 0)
        return AFFINITY_BLOB;
    for (size_t i = 0; i < COUNT_OF(rules); i++)
        if (contains_nocase(declared_type, length, rules[i].word))
            return rules[i].affinity;
    return AFFINITY_NUMERIC;
}

static int size_compare(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int bytes_compare(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t n = a_size < b_size ? a_size : b_size;
    int order = n > 0 ? memcmp(a, b, n) : 0;
    return order != 0 ? order : size_compare(a_size, b_size);
}

static int nocase_compare(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t n = a_size < b_size ? a_size : b_size;
    for (size_t i = 0; i < n; i++) {
        unsigned char ca = (unsigned char)ascii_lower(a[i]), cb = (unsigned char)ascii_lower(b[i]);
        if (ca != cb)
            return ca < cb ? -1 : 1;
        if (ca == '\0')
            break;
    }
    return size_compare(a_size, b_size);
}

static size_t trimmed_size(const char *text, size_t size)
{
    while (size > 0 && text[size - 1] == ' ')
        size--;
    return size;
}

int text_compare(const char *a, size_t a_size, const char *b, size_t b_size, enum collation c)
{
    switch (c) {
    case COLLATE_NOCASE:
        return nocase_compare(a, a_size, b, b_size);
    case COLLATE_RTRIM:
        return bytes_compare(a, trimmed_size(a, a_size), b, trimmed_size(b, b_size));
    case COLLATE_BINARY:
        break;
    }
    return bytes_compare(a, a_size, b, b_size);
}

int int_real_compare(int64_t i, double r)
{
    if (r != r || r < -INT64_LIMIT) /* NaN is NULL and so less than any number */
        return 1;
    if (r >= INT64_LIMIT)
        return -1;
    int64_t whole = (int64_t)r;
    if (i != whole)
        return i < whole ? -1 : 1;
    /* Only a fraction is left to decide; where r has one, i is small enough to convert exactly. */
    double exact = (double)i;
    return (exact > r) - (exact < r);
}

static int number_compare(const struct value *a, const struct value *b)
{
    if (a->type == YODA_INTEGER)
        return b->type == YODA_INTEGER ? (a->i > b->i) - (a->i < b->i)
                                       : int_real_compare(a->i, b->r);
    return b->type == YODA_INTEGER ? -int_real_compare(b->i, a->r) : (a->r > b->r) - (a->r < b->r);
}

static int class_rank(uint8_t type)
{
    ASSERT(type >= YODA_INTEGER && type <= YODA_NULL);
    static const int8_t ranks[] = {
        [YODA_NULL] = 0, [YODA_INTEGER] = 1, [YODA_REAL] = 1, [YODA_TEXT] = 2, [YODA_BLOB] = 3};
    return ranks[type];
}

int value_compare(const struct value *a, const struct value *b, enum collation c)
{
    int a_rank = class_rank(a->type), b_rank = class_rank(b->type);
    if (a_rank != b_rank)
        return a_rank < b_rank ? -1 : 1;
    switch ((yoda_type)a->type) {
    case YODA_INTEGER:
    case YODA_REAL:
        return number_compare(a, b);
    case YODA_TEXT:
        return text_compare(a->p, a->size, b->p, b->size, c);
    case YODA_BLOB:
        return bytes_compare(a->p, a->size, b->p, b->size);
    case YODA_NULL:
        break;
    }
    return 0;
}

bool value_identical(const struct value *a, const struct value *b)
{
    if (a->type != b->type)
        return false;
    switch ((yoda_type)a->type) {
    case YODA_INTEGER:
        return a->i == b->i;
    case YODA_REAL:
        return memcmp(&a->r, &b->r, sizeof a->r) == 0;
    case YODA_TEXT:
    case YODA_BLOB:
        return a->size == b->size && (a->size == 0 || memcmp(a->p, b->p, a->size) == 0);
    case YODA_NULL:
        break;
    }
    return true;
}

size_t value_key_bound(const struct value *v)
{
    bool bytes = v->type == YODA_TEXT || v->type == YODA_BLOB;
    return 1 + (bytes ? sizeof(uint32_t) + (size_t)v->size : sizeof(uint64_t));
}

static size_t key_write_word(uint8_t *out, yoda_type tag, uint64_t word)
{
    out[0] = (uint8_t)tag;
    bytes_store_u64(out + 1, word);
    return 1 + sizeof word;
}

static size_t key_write_real(uint8_t *out, double r)
{
    if (r >= -INT64_LIMIT && r < INT64_LIMIT && (double)(int64_t)r == r)
        return key_write_word(out, YODA_INTEGER, (uint64_t)(int64_t)r);
    uint64_t bits;
    memcpy(&bits, &r, sizeof bits);
    return key_write_word(out, YODA_REAL, bits);
}

static size_t key_write_bytes(uint8_t *out, yoda_type tag, const char *p, size_t size)
{
    out[0] = (uint8_t)tag;
    bytes_store_u32(out + 1, (uint32_t)size);
    if (size > 0)
        memcpy(out + 5, p, size);
    return 5 + size;
}

/* Fold up to the first NUL; what follows it counts by its length alone and is written as zeros. */
static void key_fold(uint8_t *text, size_t size)
{
    size_t i = 0;
    for (; i < size && text[i] != 0; i++)
        text[i] = (uint8_t)ascii_lower((char)text[i]);
    memset(text + i, 0, size - i);
}

size_t value_key_write(const struct value *v, enum collation c, uint8_t *out)
{
    size_t size = v->size;
    switch ((yoda_type)v->type) {
    case YODA_INTEGER:
        return key_write_word(out, YODA_INTEGER, (uint64_t)v->i);
    case YODA_REAL:
        return key_write_real(out, v->r);
    case YODA_TEXT:
        if (c == COLLATE_RTRIM)
            size = trimmed_size(v->p, size);
        size = key_write_bytes(out, YODA_TEXT, v->p, size);
        if (c == COLLATE_NOCASE)
            key_fold(out + 5, size - 5);
        return size;
    case YODA_BLOB:
        return key_write_bytes(out, YODA_BLOB, v->p, size);
    case YODA_NULL:
        break;
    }
    out[0] = YODA_NULL;
    return 1;
}
