/*
 * function_text.c -- functions of text, as SQLite's func.c has them, byte by byte.
 *
 * Results that are part of an argument point into it. Some functions see text up to its first NUL,
 * some all of it: each says so where it is not the latter.
 */
#include "base/str.h"
#include "olap/exec/function.h"
#include "olap/exec/utf8_text.h"

#define TEXT_BYTES_MAX 1000000000u /* SQLITE_MAX_LENGTH */

static yoda_status text_alloc(struct function_row *row, size_t size, char **out)
{
    if (size > TEXT_BYTES_MAX)
        return fail(row->err, YODA_NOT_COLUMNAR, "text past a gigabyte");
    *out = arena_alloc(row->arena, size);
    return *out ? YODA_OK : fail_nomem(row->err, size);
}

/* Characters up to the first NUL. */
FUNCTION_SCALAR(length)
{
    YODA_UNUSED(row);
    YODA_UNUSED(count);
    if (args[0].type == YODA_BLOB) {
        *out = value_int(args[0].size);
        return YODA_OK;
    }
    const char *p = args[0].p, *end = p + utf8_c_size(p, args[0].size);
    int64_t n = 0;
    for (; p < end; n++)
        p = utf8_skip(p, end);
    *out = value_int(n);
    return YODA_OK;
}

FUNCTION_SCALAR(lower)
{
    char *text;
    YODA_UNUSED(count);
    TRY(text_alloc(row, args[0].size, &text));
    for (uint32_t i = 0; i < args[0].size; i++)
        text[i] = ascii_lower(args[0].p[i]);
    *out = value_text(text, args[0].size);
    return YODA_OK;
}

FUNCTION_SCALAR(upper)
{
    char *text;
    YODA_UNUSED(count);
    TRY(text_alloc(row, args[0].size, &text));
    for (uint32_t i = 0; i < args[0].size; i++) {
        char c = args[0].p[i];
        text[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
    *out = value_text(text, args[0].size);
    return YODA_OK;
}

static int64_t low_int(const struct value *v) /* sqlite3_value_int */
{
    return (int32_t)(uint32_t)(uint64_t)v->i;
}

/* Where a substring begins (from 0) and how long it is, of `length` characters. */
static void substr_range(int64_t from, int64_t n, int64_t length, int64_t *start, int64_t *size)
{
    bool backward = n < 0;
    if (backward)
        n = -n;
    if (from < 0) {
        from += length;
        if (from < 0) {
            n = n + from < 0 ? 0 : n + from;
            from = 0;
        }
    } else if (from > 0) {
        from--;
    } else if (n > 0) {
        n--;
    }
    if (backward) {
        from -= n;
        if (from < 0) {
            n += from;
            from = 0;
        }
    }
    *start = from;
    *size = n;
}

/* Characters up to the first NUL; a BLOB by bytes. */
FUNCTION_SCALAR(substr)
{
    YODA_UNUSED(row);
    int64_t from = low_int(&args[1]), n = count == 3 ? low_int(&args[2]) : TEXT_BYTES_MAX;
    const char *p = args[0].p;
    if (args[0].type == YODA_BLOB) {
        int64_t size = args[0].size;
        if (size == 0) { /* sqlite3_value_blob has no pointer for it */
            *out = value_null();
            return YODA_OK;
        }
        substr_range(from, n, size, &from, &n);
        if (from > size)
            from = size;
        *out = value_blob(p + from, (size_t)(n > size - from ? size - from : n));
        return YODA_OK;
    }
    const char *end = p + utf8_c_size(p, args[0].size);
    int64_t length = 0;
    if (from < 0)
        for (const char *q = p; q < end; length++)
            q = utf8_skip(q, end);
    substr_range(from, n, length, &from, &n);
    for (; p < end && from > 0; from--)
        p = utf8_skip(p, end);
    const char *start = p;
    for (; p < end && n > 0; n--)
        p = utf8_skip(p, end);
    *out = value_text(start, (size_t)(p - start));
    return YODA_OK;
}

/* Does one of the characters of set stand at the left (right) end of [p, end)? Its size, or 0. */
static size_t trim_one(const char *p, const char *end, const struct value *set, bool right)
{
    const char *c = set->p, *set_end = set->p + utf8_c_size(set->p, set->size);
    while (c < set_end) {
        const char *following = utf8_skip(c, set_end);
        size_t size = (size_t)(following - c);
        if (size <= (size_t)(end - p) && memcmp(right ? end - size : p, c, size) == 0)
            return size;
        c = following;
    }
    return 0;
}

FUNCTION_SCALAR(trim)
{
    char side = row->e->function->name[0]; /* l, r or t: both */
    struct value spaces = value_text(" ", 1);
    const struct value *set = count == 2 ? &args[1] : &spaces;
    const char *p = args[0].p, *end = p + args[0].size;
    size_t size;
    while (side != 'r' && p < end && (size = trim_one(p, end, set, false)) > 0)
        p += size;
    while (side != 'l' && p < end && (size = trim_one(p, end, set, true)) > 0)
        end -= size;
    *out = value_text(p, (size_t)(end - p));
    return YODA_OK;
}

static size_t find(const struct value *text, size_t from, const struct value *piece)
{
    if (piece->size > text->size)
        return SIZE_MAX;
    return kernels()->find_bytes(text->p, text->size, from, piece->p, piece->size);
}

/* Every occurrence from the left; a pattern that is empty or begins with NUL changes nothing. */
FUNCTION_SCALAR(replace)
{
    const struct value *text = &args[0], *from = &args[1], *to = &args[2];
    YODA_UNUSED(count);
    *out = args[0];
    if (text->type == YODA_NULL || from->type == YODA_NULL) {
        *out = value_null();
        return YODA_OK;
    }
    if (from->size == 0 || from->p[0] == 0)
        return YODA_OK;
    if (to->type == YODA_NULL) {
        *out = value_null();
        return YODA_OK;
    }
    uint64_t hits = 0;
    for (size_t at = 0; (at = find(text, at, from)) != SIZE_MAX; at += from->size)
        hits++;
    char *made, *w;
    size_t size = text->size - hits * from->size + hits * to->size, begin = 0, at;
    TRY(text_alloc(row, size, &made));
    w = made;
    while ((at = find(text, begin, from)) != SIZE_MAX) {
        memcpy(w, text->p + begin, at - begin);
        w += at - begin;
        if (to->size)
            memcpy(w, to->p, to->size);
        w += to->size;
        begin = at + from->size;
    }
    if (text->size > begin)
        memcpy(w, text->p + begin, text->size - begin);
    *out = value_text(made, size);
    return YODA_OK;
}

/* With an empty pattern the first argument comes back as it was, even a number. */
yoda_status function_replace_build(struct expr_builder *b, const struct function *f,
                                   const expr_ref *args, uint32_t count, expr_ref *out)
{
    ASSERT(count == 3);
    YODA_UNUSED(count);
    YODA_UNUSED(out);
    const struct expr *from = args[1];
    bool safe = from->kind == EXPR_CONST && from->constant.type == YODA_TEXT &&
                from->constant.size > 0 && from->constant.p[0] != 0;
    if (!safe && args[0]->type != VT_TEXT && args[0]->type != VT_NULL)
        return fail(b->err, YODA_NOT_COLUMNAR, "%s() of a value that is not text", f->name);
    return YODA_OK;
}

/* Characters (bytes where both are BLOBs) before the first occurrence, plus one. */
FUNCTION_SCALAR(instr)
{
    YODA_UNUSED(row);
    YODA_UNUSED(count);
    const struct value *piece = &args[1];
    bool text = args[0].type != YODA_BLOB || piece->type != YODA_BLOB;
    const char *p = args[0].p, *end = p + args[0].size;
    int64_t n = 1;
    while (piece->size > 0 && (size_t)(end - p) >= piece->size &&
           memcmp(p, piece->p, piece->size) != 0) {
        n++;
        do
            p++;
        while (text && p < end && ((uint8_t)*p & 0xc0) == 0x80);
    }
    *out = value_int((size_t)(end - p) >= piece->size ? n : 0);
    return YODA_OK;
}

FUNCTION_SCALAR(unicode)
{
    YODA_UNUSED(row);
    YODA_UNUSED(count);
    const char *p = args[0].p;
    uint32_t c = utf8_read(&p, p + args[0].size);
    *out = c ? value_int(c) : value_null();
    return YODA_OK;
}

static char *utf8_write(char *p, uint32_t c)
{
    if (c < 0x80) {
        *p++ = (char)c;
        return p;
    }
    if (c < 0x800) {
        *p++ = (char)(0xC0 + (c >> 6));
    } else if (c < 0x10000) {
        *p++ = (char)(0xE0 + (c >> 12));
        *p++ = (char)(0x80 + ((c >> 6) & 0x3F));
    } else {
        *p++ = (char)(0xF0 + (c >> 18));
        *p++ = (char)(0x80 + ((c >> 12) & 0x3F));
        *p++ = (char)(0x80 + ((c >> 6) & 0x3F));
    }
    *p++ = (char)(0x80 + (c & 0x3F));
    return p;
}

/* A NULL argument is code point 0. */
FUNCTION_SCALAR(char)
{
    char *text, *w;
    TRY(text_alloc(row, (size_t)count * 4, &text));
    w = text;
    for (uint32_t i = 0; i < count; i++) {
        int64_t c = args[i].type == YODA_NULL ? 0 : args[i].i;
        w = utf8_write(w, c < 0 || c > 0x10ffff ? 0xfffd : (uint32_t)c);
    }
    *out = value_text(text, (size_t)(w - text));
    return YODA_OK;
}

FUNCTION_SCALAR(hex)
{
    static const char digits[] = "0123456789ABCDEF";
    char *text;
    YODA_UNUSED(count);
    size_t size = args[0].type == YODA_NULL ? 0 : args[0].size;
    TRY(text_alloc(row, size * 2, &text));
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[(uint8_t)args[0].p[i] >> 4];
        text[2 * i + 1] = digits[(uint8_t)args[0].p[i] & 15];
    }
    *out = value_text(text, size * 2);
    return YODA_OK;
}
