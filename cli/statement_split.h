/*
 * statement_split.h -- finds where statements end in text that arrives line by line.
 *
 * A semicolon ends a statement unless it stands in quotes ('', "", ``, []), in a comment, or inside
 * CREATE TRIGGER, which ends with "; END ;". The scan remembers where it stopped, so a statement of
 * a million lines is read once.
 *
 * Source   the state table of sqlite3_complete() in SQLite's documentation and complete.c
 */
#ifndef YODA_CLI_STATEMENT_SPLIT_H
#define YODA_CLI_STATEMENT_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

struct statement_split {
    size_t position; /* bytes of the text already scanned                           */
    char open;       /* the closing character awaited: ' " ` ] * (block), \n; or 0  */
    unsigned state;  /* of the trigger automaton                                    */
};

/*
 * Scan on; true when a statement ends, with *end one past its semicolon; call again for the next.
 * Text is added in whole lines.
 */
bool statement_split_next(struct statement_split *split, const char *text, size_t size,
                          size_t *end);
/* Return the bytes of white space and comments in front of the first token. */
size_t statement_split_blank(const char *text, size_t size);

#endif
