/* test_call.c -- registering calls, and where their cancellation arrives. */
#include "engine/call.h"

#include "base/os.h"
#include "test.h"

static void enters_and_leaves(void **state)
{
    struct calls calls;
    struct call a, b;
    yoda_error err;
    (void)state;
    calls_init(&calls);
    OK(calls_enter(&calls, &a, &err));
    OK(calls_enter(&calls, &b, &err));
    assert_false(calls_wait_empty(&calls, 1));
    calls_leave(&calls, &a);
    calls.state = CALLS_CLOSING;
    FAILS(YODA_CLOSED, calls_enter(&calls, &a, &err));
    calls_leave(&calls, &b);
    assert_true(calls_wait_empty(&calls, -1));
    calls_deinit(&calls);
}

static void cancels_what_is_inside(void **state)
{
    struct calls calls;
    struct call reader, writer, later;
    yoda_error err;
    (void)state;
    calls_init(&calls);
    OK(calls_enter(&calls, &reader, &err));
    OK(calls_enter(&calls, &writer, &err));
    OK(call_check(&reader, &err));
    calls_bind(&calls, &calls.writer, &writer);
    calls_cancel(&calls, false);
    assert_false(atomic_load(&calls.writer.flag));
    calls_cancel(&calls, true);
    assert_true(atomic_load(&calls.writer.flag));
    calls_unbind(&calls, &calls.writer);
    assert_false(atomic_load(&calls.writer.flag));
    FAILS(YODA_INTERRUPTED, call_check(&reader, &err));
    OK(calls_enter(&calls, &later, &err)); /* began after the interrupt: not its business */
    OK(call_check(&later, &err));
    calls_bind(&calls, &calls.capture, &writer); /* a flag follows its call into a slot */
    assert_true(atomic_load(&calls.capture.flag));
    calls_rebind(&calls, &calls.capture, &later);
    assert_false(atomic_load(&calls.capture.flag));
    calls_cancel_one(&calls, &later);
    assert_true(atomic_load(&calls.capture.flag));
    calls_unbind(&calls, &calls.capture);
    calls_leave(&calls, &later);
    calls_leave(&calls, &writer);
    calls_leave(&calls, &reader);
    calls_deinit(&calls);
}

/* A shutdown lets submitted writes have their turn; yoda_interrupt does not. */
static void lasting_calls(void **state)
{
    struct calls calls;
    struct call write, read;
    yoda_error err;
    (void)state;
    calls_init(&calls);
    OK(calls_enter_submitted(&calls, &write, true, &err));
    OK(calls_enter_submitted(&calls, &read, false, &err));
    calls_cancel(&calls, false);
    OK(call_check(&write, &err));
    FAILS(YODA_INTERRUPTED, call_check(&read, &err));
    calls_cancel(&calls, true);
    FAILS(YODA_INTERRUPTED, call_check(&write, &err));
    calls_leave(&calls, &read);
    calls_leave(&calls, &write);
    calls_deinit(&calls);
}

static void deadlines(void **state)
{
    struct call call = {.begin_ns = os_monotonic_ns()};
    yoda_error err;
    (void)state;
    assert_int_equal(call_wait_ms(&call, -1), -1);
    assert_int_equal(call_wait_ms(&call, 7), 7);
    assert_int_equal(call_end_status(&call, YODA_INTERRUPTED, &err), YODA_INTERRUPTED);
    call.deadline_ns = call.begin_ns - 1;
    assert_int_equal(call_wait_ms(&call, 0), 0);
    assert_int_equal(call_end_status(&call, YODA_INTERRUPTED, &err), YODA_TIMEOUT);
    assert_int_equal(call_end_status(&call, YODA_OK, &err), YODA_OK);
    atomic_store(&call.cancel, true);
    assert_int_equal(call_end_status(&call, YODA_INTERRUPTED, &err), YODA_INTERRUPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enters_and_leaves),
        cmocka_unit_test(cancels_what_is_inside),
        cmocka_unit_test(lasting_calls),
        cmocka_unit_test(deadlines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
