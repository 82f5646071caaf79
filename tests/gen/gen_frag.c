/* gen_frag.c -- building and rendering trees of SQL text. */
#include "gen_frag.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 65536

struct pool_block {
    struct pool_block *next;
    size_t used, size;
    _Alignas(16) unsigned char data[];
};

void *pool_alloc(struct pool *pool, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (!pool->blocks || pool->blocks->size - pool->blocks->used < size) {
        size_t bytes = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        struct pool_block *block = malloc(sizeof *block + bytes);
        if (!block)
            abort();
        block->next = pool->blocks;
        block->used = 0;
        block->size = bytes;
        pool->blocks = block;
    }
    void *p = pool->blocks->data + pool->blocks->used;
    pool->blocks->used += size;
    return memset(p, 0, size);
}

void pool_clear(struct pool *pool)
{
    while (pool->blocks) {
        struct pool_block *next = pool->blocks->next;
        free(pool->blocks);
        pool->blocks = next;
    }
}

static char *print_list(struct pool *pool, const char *format, va_list list)
{
    va_list again;
    assert(format);
    va_copy(again, list);
    int size = vsnprintf(NULL, 0, format, list);
    char *text = pool_alloc(pool, (size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}

char *pool_print(struct pool *pool, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    char *text = print_list(pool, format, list);
    va_end(list);
    return text;
}

/* ---- Building ---- */

struct frag *frag_text(struct pool *pool, const char *format, ...)
{
    struct frag *f = pool_alloc(pool, sizeof *f);
    va_list list;
    va_start(list, format);
    f->text = print_list(pool, format, list);
    va_end(list);
    return f;
}

struct frag *frag_row(struct pool *pool, const char *separator)
{
    struct frag *f = pool_alloc(pool, sizeof *f);
    f->separator = separator;
    return f;
}

struct frag *frag_add(struct pool *pool, struct frag *row, struct frag *kid)
{
    if (row->count == row->capacity) {
        row->capacity = row->capacity ? 2 * row->capacity : 4;
        struct frag **kids = pool_alloc(pool, row->capacity * sizeof *kids);
        if (row->count > 0)
            memcpy(kids, row->kids, row->count * sizeof *kids);
        row->kids = kids;
    }
    row->kids[row->count++] = kid;
    return kid;
}

static struct frag *make(struct pool *pool, const char *format, va_list list)
{
    struct frag *row = frag_row(pool, "");
    while (*format) {
        size_t n = strcspn(format, "@");
        if (n > 0)
            frag_add(pool, row, frag_text(pool, "%.*s", (int)n, format));
        format += n;
        if (*format == '@') {
            frag_add(pool, row, va_arg(list, struct frag *));
            format++;
        }
    }
    return row;
}

struct frag *frag_make(struct pool *pool, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    struct frag *f = make(pool, format, list);
    va_end(list);
    return f;
}

struct frag *frag_expr(struct pool *pool, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    struct frag *f = make(pool, format, list);
    va_end(list);
    f->expression = true;
    return f;
}

/* ---- Rendering ---- */

static size_t render(const struct frag *f, char *out)
{
    size_t size = 0;
    bool first = true;
    if (f->dropped)
        return 0;
    if (f->replacement)
        return render(f->replacement, out);
    if (f->text) {
        size = strlen(f->text);
        if (out)
            memcpy(out, f->text, size);
        return size;
    }
    for (size_t i = 0; i < f->count; i++) {
        if (f->kids[i]->dropped)
            continue;
        if (!first) {
            size_t n = strlen(f->separator);
            if (out)
                memcpy(out + size, f->separator, n);
            size += n;
        }
        first = false;
        size += render(f->kids[i], out ? out + size : NULL);
    }
    return size;
}

char *frag_render(struct pool *pool, const struct frag *root)
{
    size_t size = render(root, NULL);
    char *text = pool_alloc(pool, size + 1);
    render(root, text);
    return text;
}

static size_t list(struct frag *f, struct frag **out)
{
    size_t n = 0;
    if (f->dropped)
        return 0;
    while (f->replacement)
        f = (struct frag *)f->replacement;
    if (out)
        out[n] = f;
    n++;
    for (size_t i = 0; i < f->count; i++)
        n += list(f->kids[i], out ? out + n : NULL);
    return n;
}

size_t frag_list(struct pool *pool, struct frag *root, struct frag ***out)
{
    size_t n = list(root, NULL);
    *out = pool_alloc(pool, n * sizeof **out);
    list(root, *out);
    return n;
}
