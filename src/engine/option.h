/*
 * option.h -- the one table of options: yoda_open, yoda_inspect and docs/options.md read it.
 */
#ifndef YODA_ENGINE_OPTION_H
#define YODA_ENGINE_OPTION_H

#include "base/mem.h"

struct options {
    int64_t read_pool_size, busy_timeout_ms, synchronous, threads, memory_limit_mb;
    int64_t sync_interval_ms, sync_batch_size, max_staleness_ms;
    int64_t checkpoint_interval_ms, checkpoint_events, statement_cache, compact_deleted_percent;
    int64_t router, max_in_flight, inline_us, debug_vector_rows, debug_spill_after_kb;
    bool prune_after_sync, olap_in_memory, columnar, debug_pruning, debug_codes;
    char *olap_path, *spill_directory; /* mem_free; NULL: empty */
};
enum { SYNCHRONOUS_NORMAL = 0, SYNCHRONOUS_FULL = 1 };
enum { ROUTER_COST = 0, ROUTER_COLUMNS_FIRST = 1 };

enum option_kind { OPTION_INTEGER, OPTION_BOOLEAN, OPTION_CHOICE, OPTION_TEXT };

struct option_info {
    const char *name;
    enum option_kind kind;
    size_t offset;       /* into struct options */
    int64_t least, most; /* OPTION_INTEGER; OPTION_CHOICE: 0 .. count - 1 */
    const char *initial; /* the default, as text */
    const char *choices; /* OPTION_CHOICE: "normal|full" */
    const char *help;
};

size_t option_count(void);
const struct option_info *option_at(size_t i);

/* Defaults first, then options [count]. Errors: YODA_MISUSE naming option, value and range. */
YODA_MUST_CHECK yoda_status options_parse(struct options *out, const yoda_option *options,
                                          size_t count, yoda_error *err);
void options_deinit(struct options *options);

#define OPTION_TEXT_MAX 4096
const char *option_type_name(const struct option_info *info);
/* Write the range ("1 .. 64", "normal|full", "true|false", "any text") and the value as text. */
void option_range_text(const struct option_info *info, char out[64]);
void option_value_text(const struct options *options, const struct option_info *info,
                       char out[OPTION_TEXT_MAX]);

#endif
