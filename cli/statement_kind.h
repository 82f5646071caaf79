/*
 * statement_kind.h -- which call of the C API a statement belongs to, told by its first words.
 */
#ifndef YODA_CLI_STATEMENT_KIND_H
#define YODA_CLI_STATEMENT_KIND_H

enum statement_kind {
    STATEMENT_EMPTY,   /* white space, comments, a lone semicolon */
    STATEMENT_QUERY,   /* gives rows: yoda_query                  */
    STATEMENT_EXECUTE, /* everything else: yoda_execute           */
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK /* of the whole transaction; ROLLBACK TO is executed */
};

enum statement_kind statement_kind_of(const char *sql);

#endif
