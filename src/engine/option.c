/* option.c -- the table of options, and its text forms. */
#include "engine/option.h"

#include "base/str.h"
#include "olap/column/vector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define INTEGER(field, initial, least, most, help)                                                 \
    {                                                                                              \
#field, OPTION_INTEGER, offsetof(struct options, field), least, most, initial, NULL, help  \
    }
#define BOOLEAN(field, initial, help)                                                              \
    {                                                                                              \
#field, OPTION_BOOLEAN, offsetof(struct options, field), 0, 1, initial, NULL, help         \
    }
#define DAY_MS 86400000

static const struct option_info table[] = {
    INTEGER(read_pool_size, "4", 1, 64, "SQLite connections kept open for reading"),
    INTEGER(busy_timeout_ms, "5000", 0, DAY_MS,
            "how long a call waits for a lock before YODA_BUSY"),
    {"synchronous", OPTION_CHOICE, offsetof(struct options, synchronous), 0, 1, "normal",
     "normal|full",
     "SQLite's PRAGMA synchronous of the write connection; full survives power loss"},
    INTEGER(threads, "0", 0, 256, "threads of one analytical query; 0: one per CPU"),
    INTEGER(memory_limit_mb, "0", 0, INT64_C(1) << 30,
            "memory for columns, queries and results; 0: half of the machine's"),
    INTEGER(sync_interval_ms, "50", 0, DAY_MS,
            "period of the background sync; 0: only when a query or yoda_sync asks"),
    INTEGER(sync_batch_size, "100000", 1, 100000000, "log entries read at a time by a sync"),
    BOOLEAN(prune_after_sync, "true",
            "remove log entries that the columnar side no longer needs; false: never"),
    INTEGER(max_staleness_ms, "0", 0, DAY_MS,
            "how old an analytical snapshot may be; 0: every earlier commit is seen"),
    {"olap_path", OPTION_TEXT, offsetof(struct options, olap_path), 0, 0, "", NULL,
     "directory of the columnar files; empty: the database's name with -yoda added"},
    BOOLEAN(olap_in_memory, "false", "keep the columns in memory only and copy them at each open"),
    INTEGER(checkpoint_interval_ms, "30000", 1, DAY_MS,
            "longest time between checkpoints while there are changes"),
    INTEGER(checkpoint_events, "1000000", 1, INT64_MAX,
            "changes after which a checkpoint is written"),
    BOOLEAN(columnar, "true", "false: keep no columns, answer everything from SQLite"),
    INTEGER(max_in_flight, "10000", 1, 1000000,
            "submitted operations accepted and not yet drained; over it YODA_BUSY"),
    INTEGER(inline_us, "300", 0, 100000,
            "microseconds between two drains for submits to run small things themselves; 0: never"),
    INTEGER(statement_cache, "64", 0, 10000, "prepared statements kept per connection"),
    INTEGER(compact_deleted_percent, "25", 1, 100,
            "rewrite a segment when this share of its rows is deleted"),
    {"router", OPTION_CHOICE, offsetof(struct options, router), 0, 1, "cost", "cost|columns_first",
     "what both sides can answer: the one estimated cheaper, or columns"},
    {"spill_directory", OPTION_TEXT, offsetof(struct options, spill_directory), 0, 0, "auto", NULL,
     "directory for what queries cannot keep in memory; auto: beside the columnar files; empty: "
     "they fail instead"},
    BOOLEAN(debug_pruning, "true", "false: read what zone maps rule out, too; changes no answer"),
    BOOLEAN(debug_codes, "true", "false: decode everything a scan reads; changes no answer"),
    INTEGER(debug_vector_rows, "0", 0, VECTOR_ROWS,
            "rows handled at a time; 0: as many as fit; changes no answer"),
    INTEGER(debug_spill_after_kb, "0", 0, INT64_C(1) << 40,
            "memory of one operator before it spills; 0: by memory_limit_mb; changes no answer"),
};

size_t option_count(void)
{
    return COUNT_OF(table);
}

const struct option_info *option_at(size_t i)
{
    ASSERT(i < COUNT_OF(table));
    return &table[i];
}

static const struct option_info *find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static bool parse_integer(const char *text, int64_t *out)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    *out = number;
    bool digits = (text[0] >= '0' && text[0] <= '9') || text[0] == '-';
    return digits && errno == 0 && end != text && *end == 0;
}

static bool parse_boolean(const char *text, int64_t *out)
{
    static const char *const words[2][4] = {{"false", "0", "off", "no"},
                                            {"true", "1", "on", "yes"}};
    for (size_t i = 0; i < 8; i++)
        if (name_equal(text, words[i / 4][i % 4])) {
            *out = (int64_t)(i / 4);
            return true;
        }
    return false;
}

/* Which of "a|b|c" is text? */
static bool parse_choice(const char *choices, const char *text, int64_t *out)
{
    size_t size = strlen(text);
    *out = 0;
    for (const char *at = choices;; (*out)++) {
        size_t n = strcspn(at, "|");
        if (ascii_equal_nocase(at, n, text, size))
            return true;
        if (at[n] == 0)
            return false;
        at += n + 1;
    }
}

static yoda_status set_text(const struct option_info *info, char **field, const char *text,
                            yoda_error *err)
{
    if (strlen(text) >= OPTION_TEXT_MAX)
        return fail(err, YODA_MISUSE, "option %s: longer than %d bytes", info->name,
                    OPTION_TEXT_MAX - 1);
    char *copy = text[0] ? mem_strdup(text) : NULL;
    if (text[0] && !copy)
        return fail_nomem(err, strlen(text) + 1);
    mem_free(*field);
    *field = copy;
    return YODA_OK;
}

static yoda_status set(struct options *out, const struct option_info *info, const char *text,
                       yoda_error *err)
{
    char *field = (char *)out + info->offset, range[64];
    int64_t number = 0;
    bool valid = false;
    switch (info->kind) {
    case OPTION_TEXT:
        return set_text(info, (char **)(void *)field, text, err);
    case OPTION_INTEGER:
        valid = parse_integer(text, &number) && number >= info->least && number <= info->most;
        break;
    case OPTION_BOOLEAN:
        valid = parse_boolean(text, &number);
        break;
    case OPTION_CHOICE:
        valid = parse_choice(info->choices, text, &number);
        break;
    }
    option_range_text(info, range);
    if (!valid)
        return fail(err, YODA_MISUSE, "option %s: \"%.64s\" is not in %s", info->name, text, range);
    if (info->kind == OPTION_BOOLEAN)
        *(bool *)(void *)field = number != 0;
    else
        *(int64_t *)(void *)field = number;
    return YODA_OK;
}

yoda_status options_parse(struct options *out, const yoda_option *options, size_t count,
                          yoda_error *err)
{
    *out = (struct options){0};
    yoda_status status = YODA_OK;
    for (size_t i = 0; i < COUNT_OF(table) && status == YODA_OK; i++)
        status = set(out, &table[i], table[i].initial, err);
    for (size_t i = 0; i < count && status == YODA_OK; i++) {
        const char *name = options[i].name, *value = options[i].value;
        const struct option_info *info = name ? find(name) : NULL;
        if (!info)
            status = fail(err, YODA_MISUSE, "unknown option \"%.64s\"", name ? name : "(null)");
        else if (!value)
            status = fail(err, YODA_MISUSE, "option %s has no value", name);
        else
            status = set(out, info, value, err);
    }
    if (status != YODA_OK)
        options_deinit(out);
    return status;
}

void options_deinit(struct options *options)
{
    mem_free(options->olap_path);
    mem_free(options->spill_directory);
    options->olap_path = options->spill_directory = NULL;
}

const char *option_type_name(const struct option_info *info)
{
    static const char *const names[] = {"integer", "boolean", "choice", "text"};
    return names[info->kind];
}

void option_range_text(const struct option_info *info, char out[64])
{
    if (info->kind == OPTION_INTEGER && info->most == INT64_MAX)
        snprintf(out, 64, "%lld or more", (long long)info->least);
    else if (info->kind == OPTION_INTEGER)
        snprintf(out, 64, "%lld .. %lld", (long long)info->least, (long long)info->most);
    else if (info->kind == OPTION_BOOLEAN)
        snprintf(out, 64, "true|false");
    else
        snprintf(out, 64, "%s", info->choices ? info->choices : "any text");
}

static void choice_text(const char *choices, int64_t index, char out[OPTION_TEXT_MAX])
{
    const char *at = choices;
    for (; index > 0; index--)
        at += strcspn(at, "|") + 1;
    snprintf(out, OPTION_TEXT_MAX, "%.*s", (int)strcspn(at, "|"), at);
}

void option_value_text(const struct options *options, const struct option_info *info,
                       char out[OPTION_TEXT_MAX])
{
    const char *field = (const char *)options + info->offset;
    switch (info->kind) {
    case OPTION_INTEGER:
        snprintf(out, OPTION_TEXT_MAX, "%lld", (long long)*(const int64_t *)(const void *)field);
        break;
    case OPTION_BOOLEAN:
        snprintf(out, OPTION_TEXT_MAX, "%s", *(const bool *)(const void *)field ? "true" : "false");
        break;
    case OPTION_CHOICE:
        choice_text(info->choices, *(const int64_t *)(const void *)field, out);
        break;
    case OPTION_TEXT: {
        const char *text = *(char *const *)(const void *)field;
        snprintf(out, OPTION_TEXT_MAX, "%s", text ? text : "");
        break;
    }
    }
}
