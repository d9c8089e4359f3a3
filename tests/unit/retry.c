#include "pubsub-bridge/retry.h"

#include <grpc/status.h>
#include <string.h>

#include "support/suite.h"

enum { CALLS = WEFT_CALL_ADMIN + 1, CODES = GRPC_STATUS_UNAUTHENTICATED + 1 };

/* Of each call: by the number of the code A where it is always repeated, s where some times, . where never. */
static const char *const table[CALLS] = {
    [WEFT_CALL_PUBLISH] = ".ss.A...A.A..AA..",
    [WEFT_CALL_PULL] = "AAs.A...A.A..AA..",
    [WEFT_CALL_ACKNOWLEDGE] = "..s.A...A.A..AA..",
    [WEFT_CALL_ADMIN] = "..s.s.....A..sA..",
};

START_TEST(each_kind_of_call_is_repeated_after_the_codes_of_its_own)
{
    for (unsigned call = 0; call < CALLS; call++) {
        ck_assert_uint_eq(strlen(table[call]), CODES);
        for (int code = 0; code < CODES; code++) {
            const char wanted = table[call][code];
            const bool first = weft_retry_wanted(call, code, 1), fourth = weft_retry_wanted(call, code, 4),
                       fifth = weft_retry_wanted(call, code, 5), much_later = weft_retry_wanted(call, code, 1000000);
            ck_assert_msg(first == (wanted != '.') && fourth == first, "call %u code %d", call, code);
            ck_assert_msg(fifth == (wanted == 'A') && much_later == fifth, "call %u code %d", call, code);
        }
    }
}
END_TEST

START_TEST(a_code_that_nobody_knows_is_not_repeated)
{
    static const int codes[] = {-1, CODES, 31, 32, 33, 1 << 30};
    for (unsigned call = 0; call < CALLS; call++)
        for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
            ck_assert_msg(!weft_retry_wanted(call, codes[i], 1), "call %u code %d", call, codes[i]);
}
END_TEST

START_TEST(the_wait_doubles_up_to_a_minute_and_at_least_half_of_it_is_kept)
{
    static const struct {
        int attempt;
        int64_t most_ms;
    } waits[] = {{0, 100}, {1, 100}, {2, 200}, {3, 400}, {10, 51200}, {11, 60000}, {1000000, 60000}};
    static const uint32_t randoms[] = {0, 1, 12345, UINT32_MAX / 2, UINT32_MAX - 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        const int64_t most = waits[i].most_ms;
        for (size_t j = 0; j < sizeof randoms / sizeof *randoms; j++) {
            const int64_t wait = weft_retry_wait_ms(waits[i].attempt, randoms[j]);
            ck_assert_int_ge(wait, most / 2);
            ck_assert_int_le(wait, most);
        }
        ck_assert_int_eq(weft_retry_wait_ms(waits[i].attempt, 0), most / 2);
        ck_assert_int_eq(weft_retry_wait_ms(waits[i].attempt, (uint32_t)(most / 2)), most);
    }
}
END_TEST

START_TEST(what_failed_for_good_has_a_class_and_says_what_failed)
{
    static const struct {
        int code;
        enum weft_error_class class;
    } failures[] = {
        {GRPC_STATUS_NOT_FOUND, WEFT_ERROR_CONFIG},           {GRPC_STATUS_PERMISSION_DENIED, WEFT_ERROR_REFUSED},
        {GRPC_STATUS_UNAUTHENTICATED, WEFT_ERROR_REFUSED},    {GRPC_STATUS_INVALID_ARGUMENT, WEFT_ERROR_CORRUPT},
        {GRPC_STATUS_OUT_OF_RANGE, WEFT_ERROR_CORRUPT},       {GRPC_STATUS_ALREADY_EXISTS, WEFT_ERROR_CONFLICT},
        {GRPC_STATUS_FAILED_PRECONDITION, WEFT_ERROR_CONFIG}, {GRPC_STATUS_UNIMPLEMENTED, WEFT_ERROR_CONFIG},
        {GRPC_STATUS_UNAVAILABLE, WEFT_ERROR_UNAVAILABLE},    {99, WEFT_ERROR_UNAVAILABLE},
    };
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        struct weft_error err = {0};
        ck_assert_int_eq(weft_retry_fail(failures[i].code, "said so", "publishing to t", &err), -1);
        ck_assert_int_eq(err.class, failures[i].class);
        ck_assert_ptr_nonnull(strstr(err.message, "publishing to t: "));
    }
}
END_TEST

SUITE("retry", TEST(each_kind_of_call_is_repeated_after_the_codes_of_its_own),
      TEST(a_code_that_nobody_knows_is_not_repeated),
      TEST(the_wait_doubles_up_to_a_minute_and_at_least_half_of_it_is_kept),
      TEST(what_failed_for_good_has_a_class_and_says_what_failed))
