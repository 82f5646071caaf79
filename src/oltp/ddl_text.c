/*
 * ddl_text.c -- tokens of CREATE texts, by the rules of SQLite's tokenizer.
 */
#include "oltp/ddl_text.h"

#include "base/str.h"

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

static const char *skip_blank(const char *at, const char *end)
{
    while (at < end) {
        if (strchr(" \t\r\n\f", *at) && *at) {
            at++;
        } else if (end - at >= 2 && at[0] == '-' && at[1] == '-') {
            while (at < end && *at != '\n')
                at++;
        } else if (end - at >= 2 && at[0] == '/' && at[1] == '*') {
            at += 2;
            while (at < end && !(end - at >= 2 && at[0] == '*' && at[1] == '/'))
                at++;
            at = end - at >= 2 ? at + 2 : end;
        } else {
            break;
        }
    }
    return at;
}

/* Behind the closing quote; a doubled quote is one inside. */
static const char *skip_quoted(const char *at, const char *end)
{
    char close = *at == '[' ? ']' : *at;
    for (at++; at < end; at++) {
        if (*at != close)
            continue;
        if (close != ']' && end - at >= 2 && at[1] == close)
            at++;
        else
            return at + 1;
    }
    return end;
}

struct ddl_token ddl_token_next(const char **at, const char *end)
{
    const char *start = skip_blank(*at, end), *stop = start;
    enum ddl_token_kind kind = DDL_OTHER;
    if (start == end) {
        kind = DDL_END;
    } else if (*start == '"' || *start == '`' || *start == '[') {
        kind = DDL_QUOTED;
        stop = skip_quoted(start, end);
    } else if (*start == '\'') {
        kind = DDL_STRING;
        stop = skip_quoted(start, end);
    } else if (is_word(*start)) {
        kind = DDL_WORD;
        while (stop < end && is_word(*stop))
            stop++;
    } else {
        stop = start + 1;
    }
    *at = stop;
    return (struct ddl_token){kind, {start, (size_t)(stop - start)}};
}

/* Is the token this name, quotes taken off, ASCII case ignored? Strings count as names. */
static bool token_is_name(const struct ddl_token *token, const char *name)
{
    const char *at = token->span.text, *end = at + token->span.size;
    size_t size = strlen(name);
    if (token->kind == DDL_WORD)
        return ascii_equal_nocase(at, token->span.size, name, size);
    if (token->kind != DDL_QUOTED && token->kind != DDL_STRING)
        return false;
    char close = end[-1];
    for (at++, end--; at < end && size; at++, name++, size--) {
        if (ascii_lower(*at) != ascii_lower(*name))
            return false;
        if (close != ']' && *at == close)
            at++; /* doubled */
    }
    return at == end && size == 0;
}

static bool is_char(const struct ddl_token *token, char c)
{
    return token->kind == DDL_OTHER && token->span.text[0] == c;
}

static bool is_keyword(const struct ddl_token *token, const char *word)
{
    return token->kind == DDL_WORD && token_is_name(token, word);
}

/* Move behind the first top-level "("; false when there is none. */
static bool enter_parentheses(const char **at, const char *end)
{
    for (;;) {
        struct ddl_token token = ddl_token_next(at, end);
        if (token.kind == DDL_END)
            return false;
        if (is_char(&token, '('))
            return true;
    }
}

/*
 * Take one comma-separated item of the list that *at is inside of. *last tells that its ")" was
 * reached; *at is behind the comma or the ")".
 */
static bool list_item(const char **at, const char *end, struct ddl_span *out, bool *last)
{
    const char *start = skip_blank(*at, end), *stop = start;
    int depth = 0;
    for (;;) {
        struct ddl_token token = ddl_token_next(at, end);
        if (token.kind == DDL_END)
            return false;
        if (depth == 0 && (is_char(&token, ',') || is_char(&token, ')'))) {
            *last = is_char(&token, ')');
            *out = (struct ddl_span){start, (size_t)(stop - start)};
            return true;
        }
        depth += is_char(&token, '(') - is_char(&token, ')');
        stop = token.span.text + token.span.size;
    }
}

/* Take ASC or DESC off the end: a lone word behind something else. */
static void trim_direction(struct ddl_span *term)
{
    const char *at = term->text, *end = at + term->size;
    const char *before = at;
    struct ddl_token token = {DDL_END, {at, 0}}, next;
    while ((next = ddl_token_next(&at, end)).kind != DDL_END) {
        before = token.span.text + token.span.size;
        token = next;
    }
    if (before > term->text && (is_keyword(&token, "asc") || is_keyword(&token, "desc")))
        term->size = (size_t)(before - term->text);
}

bool ddl_index_term(const char *sql, size_t n, struct ddl_span *out)
{
    const char *at = sql, *end = sql + strlen(sql);
    bool last = false;
    if (!enter_parentheses(&at, end))
        return false;
    for (size_t i = 0; i <= n; i++)
        if (last || !list_item(&at, end, out, &last))
            return false;
    trim_direction(out);
    return out->size > 0;
}

bool ddl_index_where(const char *sql, struct ddl_span *out)
{
    const char *at = sql, *end = sql + strlen(sql);
    bool last = false;
    if (!enter_parentheses(&at, end))
        return false;
    while (!last)
        if (!list_item(&at, end, out, &last))
            return false;
    struct ddl_token token = ddl_token_next(&at, end);
    if (!is_keyword(&token, "where"))
        return false;
    const char *start = skip_blank(at, end), *stop = start;
    while ((token = ddl_token_next(&at, end)).kind != DDL_END && !is_char(&token, ';'))
        stop = token.span.text + token.span.size;
    *out = (struct ddl_span){start, (size_t)(stop - start)};
    return out->size > 0;
}

/* The expression of AS ( ) within one column definition, searched at its top level. */
static bool generated_of_item(struct ddl_span item, struct ddl_span *out)
{
    const char *at = item.text, *end = at + item.size;
    int depth = 0;
    for (;;) {
        struct ddl_token token = ddl_token_next(&at, end);
        if (token.kind == DDL_END)
            return false;
        depth += is_char(&token, '(') - is_char(&token, ')');
        if (depth != 0 || !is_keyword(&token, "as"))
            continue;
        token = ddl_token_next(&at, end);
        if (!is_char(&token, '('))
            return false;
        const char *start = at, *stop = at;
        for (depth = 1; depth > 0;) {
            stop = at;
            token = ddl_token_next(&at, end);
            if (token.kind == DDL_END)
                return false;
            depth += is_char(&token, '(') - is_char(&token, ')');
        }
        *out = (struct ddl_span){start, (size_t)(stop - start)};
        return true;
    }
}

bool ddl_generated_expr(const char *sql, const char *column, struct ddl_span *out)
{
    const char *at = sql, *end = sql + strlen(sql);
    bool last = false;
    if (!enter_parentheses(&at, end))
        return false;
    while (!last) {
        struct ddl_span item;
        if (!list_item(&at, end, &item, &last))
            return false;
        const char *first = item.text;
        struct ddl_token name = ddl_token_next(&first, item.text + item.size);
        if (token_is_name(&name, column))
            return generated_of_item(item, out);
    }
    return false;
}

bool ddl_mentions(const char *text, const char *name)
{
    const char *at = text, *end = text + strlen(text);
    for (;;) {
        struct ddl_token token = ddl_token_next(&at, end);
        if (token.kind == DDL_END)
            return false;
        if (token_is_name(&token, name))
            return true;
    }
}
