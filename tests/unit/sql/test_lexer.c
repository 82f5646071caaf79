/*
 * test_lexer.c -- token kinds and extents, and that any bytes at all come to an end.
 */
#include "test.h"

#include "sql/lexer.h"

static void expect(const char *sql, const enum token_kind *kinds, const char *const *texts,
                   size_t count)
{
    struct lexer lexer;
    lexer_init(&lexer, sql, (uint32_t)strlen(sql));
    for (size_t i = 0; i < count; i++) {
        struct token token = lexer_next(&lexer);
        if (token.kind != kinds[i] || token.end - token.start != strlen(texts[i]) ||
            memcmp(sql + token.start, texts[i], strlen(texts[i])) != 0)
            fail_msg("%s: token %zu is %d '%.*s'", sql, i, (int)token.kind,
                     (int)(token.end - token.start), sql + token.start);
    }
    assert_int_equal(lexer_next(&lexer).kind, TOKEN_EOF);
    assert_int_equal(lexer_next(&lexer).kind, TOKEN_EOF);
}
#define ONE(sql, kind) expect(sql, (const enum token_kind[]){kind}, (const char *const[]){sql}, 1)

static void test_single(void **state)
{
    (void)state;
    ONE("select", TOKEN_SELECT);
    ONE("SELECTx", TOKEN_ID);
    ONE("cUrReNt_TiMeStAmP", TOKEN_CURRENT_TIMESTAMP);
    ONE("x", TOKEN_ID);
    ONE("a$b", TOKEN_ID);
    ONE("\xC3\xA9", TOKEN_ID);
    ONE("'it''s'", TOKEN_STRING);
    ONE("\"a\"\"b\"", TOKEN_ID);
    ONE("[a b]", TOKEN_ID);
    ONE("`a`", TOKEN_ID);
    ONE("12", TOKEN_INTEGER);
    ONE("0x1F", TOKEN_INTEGER);
    ONE("1.5e-3", TOKEN_REAL);
    ONE("5.", TOKEN_REAL);
    ONE(".5", TOKEN_REAL);
    ONE("1e5", TOKEN_REAL);
    ONE("x'0a'", TOKEN_BLOB);
    ONE("?12", TOKEN_VARIABLE);
    ONE("$a::b(c)", TOKEN_VARIABLE);
    ONE("->>", TOKEN_ARROW2);
    ONE("->", TOKEN_ARROW);
    ONE("==", TOKEN_EQ);
    ONE("<>", TOKEN_NE);
    ONE("||", TOKEN_CONCAT);
}

static void test_illegal(void **state)
{
    (void)state;
    ONE("12x", TOKEN_ILLEGAL);
    ONE("1e", TOKEN_ILLEGAL);
    ONE("x'0'", TOKEN_ILLEGAL);
    ONE("x'0g'", TOKEN_ILLEGAL);
    ONE("x'00", TOKEN_ILLEGAL);
    ONE("'abc", TOKEN_ILLEGAL);
    ONE("\"abc", TOKEN_ILLEGAL);
    ONE("[abc", TOKEN_ILLEGAL);
    ONE("!", TOKEN_ILLEGAL);
    ONE("@", TOKEN_ILLEGAL);
    ONE("$a(b", TOKEN_ILLEGAL);
}

static void test_blanks(void **state)
{
    (void)state;
    static const enum token_kind kinds[] = {TOKEN_ID, TOKEN_ID};
    static const char *const texts[] = {"a", "b"};
    expect("a -- x\nb", kinds, texts, 2);
    expect("\xEF\xBB\xBF"
           "a/* x **/b",
           kinds, texts, 2);
    expect("a\t\r\n\fb /* no end", kinds, texts, 2);
    struct lexer lexer;
    lexer_init(&lexer, "a\0b", 3);
    assert_int_equal(lexer_next(&lexer).kind, TOKEN_ID);
    assert_int_equal(lexer_next(&lexer).kind, TOKEN_EOF);
}

static void test_any_bytes(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    static const char bytes[] = "'\"`[]xX0159.eE+-*/?$@:#()ab_ \n;,<>=!|&~%\x80\xEF\xBB\xBF\x01";
    for (int round = 0; round < 20000; round++) {
        uint32_t size = (uint32_t)(test_random(&seed) % 24);
        char *text = malloc(size + 1u); /* exact size: the sanitizer sees a read past it */
        assert_non_null(text);
        for (uint32_t i = 0; i < size; i++)
            text[i] = bytes[test_random(&seed) % (sizeof bytes - 1)];
        char *exact = size ? realloc(text, size) : text;
        struct lexer lexer;
        lexer_init(&lexer, exact, size);
        uint32_t at = 0;
        for (;;) {
            struct token token = lexer_next(&lexer);
            assert_true(token.start >= at && token.end >= token.start && token.end <= size);
            at = token.end;
            if (token.kind == TOKEN_EOF)
                break;
        }
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_illegal),
        cmocka_unit_test(test_blanks),
        cmocka_unit_test(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
