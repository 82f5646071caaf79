/*
 * test_api_options_doc.c -- docs/options.md says what yoda_inspect(YODA_INSPECT_OPTIONS) says.
 *
 * With YODA_UPDATE_DOCS set, the page is written instead of compared.
 */
#include "test.h"

static const char heading[] =
    "# Options\n\nName and value pairs for `yoda_open`, `-o name=value` for the shell. Made "
    "from the "
    "engine's own table;\n`yoda_inspect(YODA_INSPECT_OPTIONS)` gives the same with the values in "
    "use.\n\n| option | type | default | range | what |\n|---|---|---|---|---|\n";

static size_t column_named(const yoda_result *r, const char *name)
{
    for (size_t c = 0; c < yoda_result_column_count(r); c++)
        if (!strcmp(yoda_result_column_name(r, c), name))
            return c;
    fail_msg("no column %s", name);
    return 0;
}

static void put_cell(FILE *out, const yoda_result *r, const char *name)
{
    size_t size = 0;
    const char *text = yoda_result_bytes(r, column_named(r, name), &size);
    fputs(" ", out);
    for (size_t i = 0; text && i < size; i++) {
        if (text[i] == '|')
            fputc('\\', out);
        fputc(text[i], out);
    }
    fputs(" |", out);
}

static void write_page(FILE *out)
{
    static const char *const columns[] = {"type", "default", "range", "help"};
    yoda_engine *db;
    yoda_result *r;
    yoda_error err;
    OK(yoda_open(":memory:", NULL, 0, &db, &err));
    OK(yoda_inspect(db, YODA_INSPECT_OPTIONS, NULL, &r, &err));
    fputs(heading, out);
    while (yoda_result_next(r)) {
        size_t size;
        const char *name = yoda_result_bytes(r, column_named(r, "name"), &size);
        fprintf(out, "| `%.*s` |", (int)size, name);
        for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
            put_cell(out, r, columns[i]);
        fputc('\n', out);
    }
    yoda_result_close(r);
    yoda_close(db);
}

static void test_page_is_the_table(void **state)
{
    (void)state;
    char *made = NULL, *found = NULL;
    size_t size = 0, found_size = 0;
    FILE *out = open_memstream(&made, &size);
    write_page(out);
    fclose(out);
    if (getenv("YODA_UPDATE_DOCS")) {
        FILE *page = fopen(YODA_OPTIONS_PAGE, "w");
        assert_non_null(page);
        assert_int_equal(fwrite(made, 1, size, page), size);
        fclose(page);
    }
    FILE *page = fopen(YODA_OPTIONS_PAGE, "r");
    assert_non_null(page);
    ssize_t n = getdelim(&found, &found_size, 0, page);
    fclose(page);
    assert_int_equal(n, size);
    assert_memory_equal(found, made, size);
    free(made);
    free(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_page_is_the_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
