/*
 * gen_frag.h -- SQL text as a tree, so that a failing query can be made smaller.
 *
 * A fragment is a text or a row of fragments with a separator. Some may be left out (optional), of
 * some any part but the last may go (items), some may be replaced by a constant or by another
 * expression inside them (expression). The shrinker tries these and renders the tree again; what
 * SQLite then refuses is no smaller case.
 */
#ifndef YODA_GEN_FRAG_H
#define YODA_GEN_FRAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory of one schema or one query: freed as a whole. */
struct pool {
    struct pool_block *blocks;
};
void *pool_alloc(struct pool *pool, size_t size); /* zeroed; ends the program when there is none */
char *pool_print(struct pool *pool, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pool_clear(struct pool *pool);

struct frag {
    const char *text; /* a leaf */
    struct frag **kids;
    const char *separator; /* between kids that are there */
    size_t count, capacity;
    bool optional, items, expression; /* what the shrinker may do */
    bool dropped;
    const struct frag *replacement;
};

struct frag *frag_text(struct pool *pool, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct frag *frag_row(struct pool *pool, const char *separator);
/* Append a kid and return it. */
struct frag *frag_add(struct pool *pool, struct frag *row, struct frag *kid);
/*
 * Build from a template: each "@" takes the next fragment of the arguments.
 * frag_make(pool, "CASE WHEN @ THEN @ END", a, b)
 */
struct frag *frag_make(struct pool *pool, const char *format, ...);
/* The same, marked as an expression. */
struct frag *frag_expr(struct pool *pool, const char *format, ...);

char *frag_render(struct pool *pool, const struct frag *root);

/* Every fragment that is still to be seen, outer ones first; *out is from the pool. */
size_t frag_list(struct pool *pool, struct frag *root, struct frag ***out);

#endif
