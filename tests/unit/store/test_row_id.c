/*
 * test_row_id.c -- segment numbers of a table: all of them, exhaustion, reuse; places give theirs
 * back.
 */
#include "test.h"

#include "olap/store/segment.h"

static void test_exhaustion(void **state)
{
    struct row_numbers *numbers = NULL;
    yoda_error err;
    uint32_t number = 0;
    YODA_UNUSED(state);
    OK(row_numbers_create(&numbers, &err));
    for (uint32_t i = 0; i < ROW_ID_NUMBERS; i++) {
        OK(row_numbers_take(numbers, &number, &err));
        assert_int_equal(number, i);
    }
    FAILS(YODA_TOO_BIG, row_numbers_take(numbers, &number, &err));
    row_numbers_give(numbers, 12345);
    OK(row_numbers_take(numbers, &number, &err));
    assert_int_equal(number, 12345);
    assert_int_not_equal(row_id_make(ROW_ID_NUMBERS - 1, SEGMENT_ROWS - 1), ROW_ID_NONE);
    row_numbers_release(numbers);
}

static void test_places(void **state)
{
    struct row_numbers *numbers = NULL;
    struct segment_place *a = NULL, *b = NULL, *c = NULL;
    yoda_error err;
    YODA_UNUSED(state);
    OK(row_numbers_create(&numbers, &err));
    OK(segment_place_create(numbers, 10, &a, &err));
    OK(segment_place_create(numbers, 11, &b, &err));
    segment_place_release(segment_place_acquire(a));
    row_numbers_release(numbers); /* the places keep it */
    assert_int_equal(b->number, 1);
    segment_place_release(a);
    OK(segment_place_create(b->numbers, 12, &c, &err));
    assert_int_equal(c->number, 0);
    segment_place_release(b);
    segment_place_release(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exhaustion),
        cmocka_unit_test(test_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
