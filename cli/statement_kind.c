/*
 * statement_kind.c -- tells queries from the rest.
 *
 * WITH needs a look at the first of SELECT, VALUES, INSERT, ... outside parentheses. A PRAGMA reads
 * when it has no "=" and, with an argument in parentheses, is one of those that only report.
 */
#include "statement_kind.h"

#include "statement_split.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct words { /* a walk over the words and single characters of a statement */
    const char *at, *end;
    const char *word;
    size_t size;
};

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Step over a quoted name or text; its content is nobody's keyword. */
static void skip_quoted(struct words *words, char close)
{
    words->at++;
    while (words->at < words->end && *words->at != close)
        words->at++;
    if (words->at < words->end)
        words->at++;
}

static bool next_word(struct words *words)
{
    words->at += statement_split_blank(words->at, (size_t)(words->end - words->at));
    if (words->at >= words->end)
        return false;
    words->word = words->at;
    char c = *words->at;
    if (c == '\'' || c == '"' || c == '`' || c == '[')
        skip_quoted(words, c == '[' ? ']' : c);
    else if (!letter(c))
        words->at++;
    else
        while (words->at < words->end &&
               (letter(*words->at) || (*words->at >= '0' && *words->at <= '9')))
            words->at++;
    words->size = (size_t)(words->at - words->word);
    return true;
}

static bool is(const struct words *words, const char *text)
{
    return strlen(text) == words->size && strncasecmp(words->word, text, words->size) == 0;
}

static bool is_one_of(const struct words *words, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is(words, list[i]))
            return true;
    return false;
}

static enum statement_kind with_kind(struct words *words)
{
    static const char *const writes[] = {"insert", "update", "delete", "replace"};
    int depth = 0;
    while (next_word(words)) {
        depth += is(words, "(") ? 1 : is(words, ")") ? -1 : 0;
        if (depth == 0 && (is(words, "select") || is(words, "values")))
            return STATEMENT_QUERY;
        if (depth == 0 && is_one_of(words, writes, COUNT(writes)))
            return STATEMENT_EXECUTE;
    }
    return STATEMENT_QUERY;
}

static enum statement_kind pragma_kind(struct words *words)
{
    static const char *const acting[] = {"incremental_vacuum", "optimize", "shrink_memory",
                                         "wal_checkpoint"};
    static const char *const reporting[] = {
        "foreign_key_check", "foreign_key_list", "index_info", "index_list",  "index_xinfo",
        "integrity_check",   "quick_check",      "table_info", "table_list", "table_xinfo"};
    bool acts = false, reports = false;
    while (next_word(words)) {
        if (is(words, "="))
            return STATEMENT_EXECUTE;
        if (is(words, "("))
            return reports ? STATEMENT_QUERY : STATEMENT_EXECUTE;
        acts = acts || is_one_of(words, acting, COUNT(acting));
        reports = reports || is_one_of(words, reporting, COUNT(reporting));
    }
    return acts ? STATEMENT_EXECUTE : STATEMENT_QUERY;
}

static enum statement_kind rollback_kind(struct words *words)
{
    while (next_word(words))
        if (is(words, "to"))
            return STATEMENT_EXECUTE;
    return STATEMENT_ROLLBACK;
}

enum statement_kind statement_kind_of(const char *sql)
{
    struct words words = {.at = sql, .end = sql + strlen(sql)};
    do {
        if (!next_word(&words))
            return STATEMENT_EMPTY;
    } while (is(&words, ";"));
    if (is(&words, "select") || is(&words, "values") || is(&words, "explain"))
        return STATEMENT_QUERY;
    if (is(&words, "with"))
        return with_kind(&words);
    if (is(&words, "pragma"))
        return pragma_kind(&words);
    if (is(&words, "begin"))
        return STATEMENT_BEGIN;
    if (is(&words, "commit") || is(&words, "end"))
        return STATEMENT_COMMIT;
    return is(&words, "rollback") ? rollback_kind(&words) : STATEMENT_EXECUTE;
}
