/* statement_split.c -- finds where statements end. */
#include "statement_split.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

enum token {
    TOKEN_SEMI,
    TOKEN_OTHER,
    TOKEN_EXPLAIN,
    TOKEN_CREATE,
    TOKEN_TEMP,
    TOKEN_TRIGGER,
    TOKEN_END
};
enum state { START, NORMAL, EXPLAIN, CREATE, TRIGGER, TRIGGER_SEMI, TRIGGER_END };

/* White space never changes the state and has no column. */
static const unsigned char next_state[7][7] = {
    /*                SEMI          OTHER    EXPLAIN  CREATE   TEMP     TRIGGER  END */
    [START] =        {START,        NORMAL,  EXPLAIN, CREATE,  NORMAL,  NORMAL,  NORMAL},
    [NORMAL] =       {START,        NORMAL,  NORMAL,  NORMAL,  NORMAL,  NORMAL,  NORMAL},
    [EXPLAIN] =      {START,        EXPLAIN, NORMAL,  CREATE,  NORMAL,  NORMAL,  NORMAL},
    [CREATE] =       {START,        NORMAL,  NORMAL,  NORMAL,  CREATE,  TRIGGER, NORMAL},
    [TRIGGER] =      {TRIGGER_SEMI, TRIGGER, TRIGGER, TRIGGER, TRIGGER, TRIGGER, TRIGGER},
    [TRIGGER_SEMI] = {TRIGGER_SEMI, TRIGGER, TRIGGER, TRIGGER, TRIGGER, TRIGGER, TRIGGER_END},
    [TRIGGER_END] =  {START,        TRIGGER, TRIGGER, TRIGGER, TRIGGER, TRIGGER, TRIGGER},
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static enum token word_token(const char *word, size_t size)
{
    static const struct {
        const char *word;
        enum token token;
    } words[] = {{"explain", TOKEN_EXPLAIN}, {"create", TOKEN_CREATE},   {"temp", TOKEN_TEMP},
                 {"temporary", TOKEN_TEMP},  {"trigger", TOKEN_TRIGGER}, {"end", TOKEN_END}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i].word) == size && strncasecmp(words[i].word, word, size) == 0)
            return words[i].token;
    return TOKEN_OTHER;
}

/* The character that closes what opens at text[at], or 0. */
static char opened_by(const char *text, size_t at, size_t size)
{
    char c = text[at], after = at + 1 < size ? text[at + 1] : 0;
    if (c == '\'' || c == '"' || c == '`')
        return c;
    if (c == '[')
        return ']';
    if (c == '-' && after == '-')
        return '\n';
    return c == '/' && after == '*' ? '*' : 0;
}

/* Step over what split->open closes; false when the text ends first. */
static bool close_open(struct statement_split *split, const char *text, size_t size)
{
    while (split->position < size) {
        size_t at = split->position++;
        if (text[at] != split->open)
            continue;
        if (split->open == '*') {
            if (at + 1 >= size || text[at + 1] != '/')
                continue;
            split->position++;
        }
        split->open = 0;
        return true;
    }
    return false;
}

/* Step over one token that is neither space, quoted nor comment. */
static enum token plain_token(struct statement_split *split, const char *text, size_t size)
{
    assert(split->position < size && !split->open);
    size_t start = split->position++;
    if (text[start] == ';')
        return TOKEN_SEMI;
    if (!is_word(text[start]))
        return TOKEN_OTHER;
    while (split->position < size && is_word(text[split->position]))
        split->position++;
    return word_token(text + start, split->position - start);
}

bool statement_split_next(struct statement_split *split, const char *text, size_t size, size_t *end)
{
    assert(split->position <= size && split->state <= TRIGGER_END);
    while (split->position < size) {
        if (split->open) {
            if (!close_open(split, text, size))
                return false;
            continue;
        }
        if (is_space(text[split->position])) {
            split->position++;
            continue;
        }
        enum token token = TOKEN_OTHER;
        split->open = opened_by(text, split->position, size);
        if (split->open == '*' || split->open == '\n') {
            split->position += 2;
            continue; /* a comment counts as white space */
        }
        if (split->open)
            split->position++;
        else
            token = plain_token(split, text, size);
        split->state = next_state[split->state][token];
        if (token == TOKEN_SEMI && split->state == START) {
            *end = split->position;
            assert(text[*end - 1] == ';');
            return true;
        }
    }
    return false;
}

size_t statement_split_blank(const char *text, size_t size)
{
    struct statement_split split = {0};
    while (split.position < size) {
        char open = opened_by(text, split.position, size);
        if (open == '*' || open == '\n') {
            split.open = open;
            split.position += 2;
            if (!close_open(&split, text, size))
                return size;
        } else if (is_space(text[split.position])) {
            split.position++;
        } else {
            break;
        }
    }
    assert(split.position <= size);
    return split.position;
}
