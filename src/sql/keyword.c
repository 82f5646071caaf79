/*
 * keyword.c -- keyword lookup: a binary search over the sorted list.
 */
#include "sql/keyword.h"

#include "base/str.h"

#include <string.h>

#define KEYWORD_FIRST ((size_t)TOKEN_ABORT)
#define KEYWORD_SIZE_MAX 17 /* CURRENT_TIMESTAMP */

struct keyword {
    const char *word;
    enum keyword_class class;
};

static const struct keyword keywords[] = {
#define KEYWORD_ROW(word, class) {#word, class},
    KEYWORD_LIST(KEYWORD_ROW)
#undef KEYWORD_ROW
};
static_assert(COUNT_OF(keywords) == (size_t)TOKEN_COUNT - KEYWORD_FIRST, "one token per keyword");

static void fold_upper(const char *text, size_t size, char out[KEYWORD_SIZE_MAX + 1])
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        out[i] = (char)(c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c);
    }
    out[size] = '\0';
}

enum token_kind keyword_find(const char *text, size_t size)
{
    if (size < 2 || size > KEYWORD_SIZE_MAX)
        return TOKEN_ID;
    char folded[KEYWORD_SIZE_MAX + 1];
    fold_upper(text, size, folded);
    size_t low = 0, high = COUNT_OF(keywords);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *word = keywords[middle].word;
        int order = folded[0] - word[0];
        if (order == 0)
            order = strcmp(folded, word);
        if (order == 0)
            return (enum token_kind)(KEYWORD_FIRST + middle);
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return TOKEN_ID;
}

enum keyword_class keyword_class_of(enum token_kind kind)
{
    ASSERT(kind < TOKEN_COUNT);
    if ((size_t)kind < KEYWORD_FIRST)
        return KEYWORD_RESERVED;
    return keywords[(size_t)kind - KEYWORD_FIRST].class;
}
