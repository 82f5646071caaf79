/* fuzz_parse.c -- any text as SQL: the parser must survive it, and say either yes or why not. */
#include "base/arena.h"
#include "oltp/sqlite_conn.h"
#include "olap/exec/expr.h"
#include "sql/sql.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The parser folds literals with SQLite's own conversions, as an engine would have told it. */
static const struct number_text conversions = {
    .real_to_text = sqlite_real_to_text,
    .text_to_real = sqlite_text_to_real,
    .round_real = sqlite_round_real,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct ast_statement *statement = NULL;
    yoda_error err = {0};
    expr_set_number_text(&conversions);
    arena_init(&arena, NULL);
    yoda_status status = sql_parse((const char *)data, size, &arena, &statement, &err);
    if ((status == YODA_OK && !statement) || (status != YODA_OK && !err.message[0]))
        abort();
    arena_deinit(&arena);
    return 0;
}
