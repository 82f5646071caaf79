/*
 * file_list.h -- the committed segment files, and which of them can go.
 *
 * A file that the newest committed manifest no longer names stays for one more committed
 * checkpoint, because a power cut may bring the manifest before back; and longer, while a segment
 * that loads from it is alive. Nodes are made before the commit, so settling cannot fail.
 */
#ifndef YODA_STORE_FILE_LIST_H
#define YODA_STORE_FILE_LIST_H

#include "olap/store/segment.h"

struct file_node {
    struct file_node *next;
    struct segment_place *place; /* a reference */
    uint32_t generation;
    uint64_t round;      /* last commit that named it      */
    bool superseded;     /* a later commit did not name it */
};

struct file_list {
    struct file_node *head;
    uint64_t round; /* commits so far */
};

YODA_MUST_CHECK yoda_status file_node_create(struct segment_place *place, uint32_t generation,
                                             struct file_node **out, yoda_error *err);
void file_node_destroy(struct file_node *node); /* NULL is fine */
/* Remove the file (best effort: what stays is found by a sweep). */
void file_node_unlink(const struct file_node *node, const char *directory);
/* Put a node (taken) in the list as the place's committed file. */
void file_list_add(struct file_list *list, struct file_node *node, uint32_t rows,
                   const struct segment_file_info *info);
/* After a commit: round has been raised, the named nodes carry it. Unlink what can go. */
void file_list_settle(struct file_list *list, const char *directory);
bool file_list_has(const struct file_list *list, uint64_t segment_id, uint32_t generation);
/* Drop the nodes added since `head` was the head; the files stay. */
void file_list_truncate(struct file_list *list, const struct file_node *head);
void file_list_deinit(struct file_list *list);

#endif
