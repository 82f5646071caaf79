/*
 * arrow_children_tmpl.h -- the children of a struct ArrowSchema or ArrowArray, which is T; functions
 * are named _TN. Included by arrow_export.c.
 *
 * The structs of all children are one block: a consumer that moves a child out copies it and clears
 * its release, so the block lives and dies with the parent.
 */
#define CHILDREN_CAT_(a, b) a##_##b
#define CHILDREN_CAT(a, b) CHILDREN_CAT_(a, b)

static void CHILDREN_CAT(release_children, TN)(struct T *parent)
{
    for (int64_t i = 0; i < parent->n_children; i++)
        if (parent->children[i]->release)
            parent->children[i]->release(parent->children[i]);
    if (parent->n_children > 0)
        mem_free(parent->children[0]);
    mem_free(parent->children);
}

/* Give a parent without children zeroed ones. */
static yoda_status CHILDREN_CAT(add_children, TN)(struct T *parent, int64_t count, yoda_error *err)
{
    ASSERT(parent->n_children == 0 && !parent->children);
    if (count == 0)
        return YODA_OK;
    struct T *block = mem_calloc((size_t)count, sizeof *block);
    parent->children = mem_calloc((size_t)count, sizeof *parent->children);
    if (!block || !parent->children) {
        mem_free(block);
        return fail_nomem(err, (size_t)count * sizeof *block);
    }
    for (int64_t i = 0; i < count; i++)
        parent->children[i] = &block[i];
    parent->n_children = count;
    return YODA_OK;
}

#undef CHILDREN_CAT
#undef CHILDREN_CAT_
#undef T
#undef TN
