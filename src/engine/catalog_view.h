/*
 * catalog_view.h -- what queries may know of the registered tables, without any lock.
 *
 * The capture's own list may change under the sync lease. After each change an immutable copy is
 * published; a query holds a reference while it plans.
 *
 * View and version belong together by this rule: take the view, pin the version, and check that
 * the view is still the newest. A table is READY in a view only after a version with it was
 * published, and a redefined table is COPYING in a view before any version has its new columns; so
 * a READY table found in both has the same columns in both. Views of the file (CREATE VIEW) are
 * answered only while capture_views_current says that these are the version's: see capture.h.
 */
#ifndef YODA_ENGINE_CATALOG_VIEW_H
#define YODA_ENGINE_CATALOG_VIEW_H

#include "cdc/capture.h"
#include "sql/sql.h"

struct view_key { /* columns that identify a row: the rowid, or a UNIQUE index without condition */
    uint32_t count;
    const uint32_t *columns; /* [count] */
};

struct view_table {
    uint32_t tid;
    const char *name;
    enum mirror_state state;
    const char *reason; /* why it cannot be read from columns; "" when READY */
    uint32_t column_count;
    const struct catalog_column *columns; /* [column_count], the hidden rowid last */
    int32_t rowid_column;
    uint32_t key_count;
    const struct view_key *keys;
    uint32_t index_count;
    const struct catalog_index *indexes; /* [index_count], the rowid first where there is one */
};

struct file_view { /* CREATE VIEW name ... */
    const char *name;
    struct catalog_view_def def;
};

struct catalog_view {
    _Atomic uint32_t refs;
    uint64_t signature; /* of the mirrors it was made from */
    struct arena arena;
    uint32_t table_count;
    struct view_table *tables;
    uint64_t views_hash; /* of the file's views; 0: none are known */
    size_t view_count;
    struct file_view *views; /* [view_count] */
};

/* A hash over everything a view takes from the mirrors (capture NULL: no tables). */
uint64_t catalog_view_signature(const struct capture *capture);
YODA_MUST_CHECK yoda_status catalog_view_create(const struct capture *capture,
                                                struct catalog_view **out, yoda_error *err);
struct catalog_view *catalog_view_acquire(struct catalog_view *view);
void catalog_view_release(struct catalog_view *view); /* NULL is fine */
const struct view_table *catalog_view_find(const struct catalog_view *view, const char *name);

/* The binder's catalog over one view and one pinned version; remembers which tables were asked for.
 */
struct view_binding {
    const struct catalog_view *view;
    const struct version *version; /* pinned after view */
    const struct capture *capture; /* NULL: no views are found */
    struct arena *arena; /* for the tables handed out and the reasons */
    uint32_t used_count;
    uint32_t used[16]; /* tids, the first ones */
};
struct catalog catalog_view_bind(struct view_binding *binding);

#endif
