/*
 * file_list.c -- committed segment files and their end.
 */
#include "olap/store/file_list.h"

#include "base/os.h"

yoda_status file_node_create(struct segment_place *place, uint32_t generation,
                             struct file_node **out, yoda_error *err)
{
    struct file_node *node = mem_calloc(1, sizeof *node);
    *out = node;
    if (!node)
        return fail_nomem(err, sizeof *node);
    node->place = segment_place_acquire(place);
    node->generation = generation;
    return YODA_OK;
}

void file_node_destroy(struct file_node *node)
{
    if (!node)
        return;
    segment_place_release(node->place);
    mem_free(node);
}

void file_list_add(struct file_list *list, struct file_node *node, uint32_t rows,
                   const struct segment_file_info *info)
{
    struct segment_place *place = node->place;
    ASSERT(node->generation > place->generation);
    place->generation = node->generation;
    place->file_rows = rows;
    place->file_checksum = info->checksum;
    place->node = node;
    atomic_store_explicit(&place->file_bytes, info->bytes, memory_order_relaxed);
    node->next = list->head;
    list->head = node;
}

/* Only this list holds the place, or the place has a newer file: nobody reads this one. */
static bool is_unused(const struct file_node *node)
{
    return node->place->node != node ||
           atomic_load_explicit(&node->place->refs, memory_order_acquire) == 1;
}

void file_node_unlink(const struct file_node *node, const char *directory)
{
    char *path = NULL;
    yoda_status status =
        segment_file_path(directory, node->place->id, node->generation, false, &path, NULL);
    if (status == YODA_OK)
        status = os_unlink(path, NULL);
    YODA_UNUSED(status); /* what stays is found by a sweep */
    mem_free(path);
}

void file_list_settle(struct file_list *list, const char *directory)
{
    for (struct file_node **at = &list->head; *at;) {
        struct file_node *node = *at;
        bool was_superseded = node->superseded;
        node->superseded = node->round != list->round;
        if (!was_superseded || !node->superseded || !is_unused(node)) {
            at = &node->next;
            continue;
        }
        *at = node->next;
        file_node_unlink(node, directory);
        if (node->place->node == node)
            node->place->node = NULL;
        file_node_destroy(node);
    }
}

bool file_list_has(const struct file_list *list, uint64_t segment_id, uint32_t generation)
{
    for (const struct file_node *node = list->head; node; node = node->next)
        if (node->place->id == segment_id && node->generation == generation)
            return true;
    return false;
}

void file_list_truncate(struct file_list *list, const struct file_node *head)
{
    while (list->head != head) {
        struct file_node *node = list->head;
        list->head = node->next;
        if (node->place->node == node)
            node->place->node = NULL;
        file_node_destroy(node);
    }
}

void file_list_deinit(struct file_list *list)
{
    file_list_truncate(list, NULL);
}
