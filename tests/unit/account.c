#include "streams/account.h"

#include "support/suite.h"

enum { PARTITIONS = 2 };

static const struct weft_answer_place a_result = {WEFT_ANSWER_RESULT, 0, 100};
static const struct weft_answer_place a_letter = {WEFT_ANSWER_DEAD_LETTER, 0, 200};

/* Partition 0 with requests at [10, 20) except at 15, of a source that begins at 5 and ends at 30; partition 1 empty.
 */
static struct weft_account *ten(void)
{
    struct weft_error err = {0};
    const struct weft_account_partition range = {.start = 5, .from = 10, .to = 20, .end = 30};
    const struct weft_account_partition empty = {0};
    struct weft_account *account = weft_account_new(PARTITIONS, &err);
    ck_assert_ptr_nonnull(account);
    ck_assert_int_eq(weft_account_open(account, 0, &range, &err), 0);
    ck_assert_int_eq(weft_account_open(account, 1, &empty, &err), 0);
    for (int64_t offset = 8; offset < 22; offset++)
        if (offset != 15)
            weft_account_request(account, 0, offset);
    return account;
}

static void answer(struct weft_account *account, int64_t offset)
{
    weft_account_answer(account, 0, offset, &a_result, false);
}

static void answer_all(struct weft_account *account)
{
    for (int64_t offset = 10; offset < 20; offset++)
        if (offset != 15)
            answer(account, offset);
}

START_TEST(each_request_with_one_answer_balances)
{
    struct weft_account *account = ten();
    ck_assert_uint_eq(weft_account_missing(account), 9);
    answer_all(account);
    ck_assert_uint_eq(weft_account_missing(account), 0);
    weft_account_close(account);
    const struct weft_account_counts *total = weft_account_total(account);
    ck_assert_uint_eq(total->requests, 9);
    ck_assert_uint_eq(total->results, 9);
    ck_assert(weft_account_balances(account));
    weft_account_destroy(account);
}
END_TEST

START_TEST(requests_without_an_answer_are_missing_and_the_first_are_named)
{
    size_t count;
    struct weft_account *account = ten();
    answer(account, 10);
    answer(account, 12);
    weft_account_close(account);
    const struct weft_account_offender *list = weft_account_offenders(account, WEFT_ACCOUNT_MISSING, &count);
    ck_assert_uint_eq(weft_account_total(account)->missing, 7);
    ck_assert_uint_eq(count, 7);
    ck_assert_int_eq(list[0].offset, 11);
    ck_assert_int_eq(list[1].offset, 13);
    ck_assert(!weft_account_balances(account));
    weft_account_destroy(account);
}
END_TEST

START_TEST(a_result_and_dead_letters_for_one_request_are_too_many)
{
    size_t count;
    struct weft_account *account = ten();
    answer_all(account);
    weft_account_answer(account, 0, 12, &a_letter, false);
    weft_account_answer(account, 0, 12, &a_letter, false);
    weft_account_close(account);
    const struct weft_account_offender *list = weft_account_offenders(account, WEFT_ACCOUNT_DUPLICATED, &count);
    ck_assert_uint_eq(weft_account_total(account)->duplicated, 2);
    ck_assert_uint_eq(weft_account_total(account)->dead_letters, 2);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(list[0].offset, 12);
    ck_assert_int_eq(list[0].answer.kind, WEFT_ANSWER_DEAD_LETTER);
    ck_assert_int_eq(list[0].answer.offset, 200);
    weft_account_destroy(account);
}
END_TEST

START_TEST(an_answer_to_what_is_no_request_is_unexpected)
{
    struct weft_account *account = ten();
    answer_all(account);
    answer(account, 15);                                  /* a gap */
    answer(account, 30);                                  /* behind the end */
    answer(account, -1);                                  /* nowhere */
    weft_account_answer(account, 7, 3, &a_result, false); /* no such partition */
    weft_account_answer(account, INT32_MIN, 3, &a_result, true);
    weft_account_close(account);
    ck_assert_uint_eq(weft_account_total(account)->unexpected, 5);
    weft_account_destroy(account);
}
END_TEST

START_TEST(answers_outside_of_the_range_are_passed_over)
{
    struct weft_account *account = ten();
    answer_all(account);
    answer(account, 9);
    answer(account, 20);
    answer(account, 29);
    weft_account_answer(account, 0, 31, &a_result, true);
    weft_account_close(account);
    ck_assert(weft_account_balances(account));
    ck_assert_uint_eq(weft_account_total(account)->results, 9);
    weft_account_destroy(account);
}
END_TEST

START_TEST(an_answer_to_a_request_that_retention_took_is_counted_apart)
{
    struct weft_account *account = ten();
    answer_all(account);
    answer(account, 4);
    weft_account_close(account);
    ck_assert(weft_account_balances(account));
    ck_assert_uint_eq(weft_account_total(account)->expired, 1);
    weft_account_destroy(account);
}
END_TEST

START_TEST(retention_that_moves_on_meanwhile_takes_requests_out_of_the_account)
{
    struct weft_account *account = ten();
    weft_account_expire(account, 0, 13);
    ck_assert_uint_eq(weft_account_missing(account), 6);
    answer_all(account);
    weft_account_close(account);
    ck_assert(weft_account_balances(account));
    ck_assert_int_eq(weft_account_partition(account, 0)->from, 13);
    ck_assert_uint_eq(weft_account_total(account)->requests, 6);
    ck_assert_uint_eq(weft_account_total(account)->expired, 3);
    weft_account_destroy(account);
}
END_TEST

START_TEST(retention_may_take_the_whole_range)
{
    int64_t first, last;
    struct weft_account *account = ten();
    weft_account_expire(account, 0, 25);
    ck_assert(!weft_account_gaps(account, 0, &first, &last));
    answer_all(account);
    weft_account_close(account);
    ck_assert(weft_account_balances(account));
    ck_assert_uint_eq(weft_account_total(account)->requests, 0);
    weft_account_destroy(account);
}
END_TEST

START_TEST(what_was_aborted_is_told_apart_from_what_nobody_sees)
{
    int64_t first, last;
    struct weft_error err = {0};
    const struct weft_account_partition range = {.from = 0, .to = 8, .end = 8};
    struct weft_account *account = weft_account_new(1, &err);
    ck_assert_int_eq(weft_account_open(account, 0, &range, &err), 0);
    weft_account_request(account, 0, 0);
    weft_account_request(account, 0, 1);
    weft_account_request(account, 0, 6);
    ck_assert(weft_account_gaps(account, 0, &first, &last));
    ck_assert_int_eq(first, 2);
    ck_assert_int_eq(last, 7);
    /* As an uncommitted reader sees them, the request among them, too; the marker at 5 nobody sees. */
    for (int64_t offset = 2; offset < 8; offset++)
        if (offset != 5)
            weft_account_aborted(account, 0, offset);
    weft_account_close(account);
    ck_assert_uint_eq(weft_account_total(account)->aborted, 4);
    ck_assert_uint_eq(weft_account_total(account)->unseen, 1);
    weft_account_destroy(account);
}
END_TEST

START_TEST(an_answer_to_a_request_that_compaction_took_is_counted_apart)
{
    struct weft_account *account = ten();
    weft_account_compacted(account);
    answer_all(account);
    answer(account, 15);
    weft_account_close(account);
    const struct weft_account_counts *total = weft_account_total(account);
    ck_assert(weft_account_balances(account));
    ck_assert_uint_eq(total->compacted, 1);
    ck_assert_uint_eq(total->requests, 9);
    ck_assert_uint_eq(total->results, 9);
    ck_assert_uint_eq(total->unseen, 1);
    weft_account_destroy(account);
}
END_TEST

START_TEST(compaction_excuses_neither_a_second_answer_nor_one_to_what_never_was_a_request)
{
    size_t count;
    struct weft_account *account = ten();
    weft_account_aborted(account, 0, 15);
    weft_account_compacted(account);
    answer_all(account);
    answer(account, 15); /* aborted, and still there */
    answer(account, 30); /* behind the end */
    weft_account_close(account);
    ck_assert_uint_eq(weft_account_total(account)->unexpected, 2);
    ck_assert_uint_eq(weft_account_total(account)->compacted, 0);
    weft_account_destroy(account);

    account = ten();
    weft_account_compacted(account);
    answer_all(account);
    answer(account, 15);
    weft_account_answer(account, 0, 15, &a_letter, false);
    weft_account_close(account);
    const struct weft_account_offender *list = weft_account_offenders(account, WEFT_ACCOUNT_DUPLICATED, &count);
    ck_assert_uint_eq(weft_account_total(account)->duplicated, 1);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(list[0].offset, 15);
    ck_assert_int_eq(list[0].answer.offset, 200);
    weft_account_destroy(account);
}
END_TEST

START_TEST(a_request_that_is_named_twice_is_one_request)
{
    struct weft_account *account = ten();
    weft_account_request(account, 0, 10);
    answer_all(account);
    weft_account_request(account, 0, 10);
    weft_account_close(account);
    ck_assert_uint_eq(weft_account_total(account)->requests, 9);
    ck_assert(weft_account_balances(account));
    weft_account_destroy(account);
}
END_TEST

START_TEST(only_the_first_offenders_are_kept_and_all_are_counted)
{
    size_t count;
    struct weft_error err = {0};
    const struct weft_account_partition range = {.from = 0, .to = 100, .end = 100};
    struct weft_account *account = weft_account_new(1, &err);
    ck_assert_int_eq(weft_account_open(account, 0, &range, &err), 0);
    for (int64_t offset = 0; offset < 50; offset++)
        weft_account_request(account, 0, offset);
    for (int64_t offset = 50; offset < 100; offset++)
        answer(account, offset);
    weft_account_close(account);
    ck_assert_uint_eq(weft_account_total(account)->missing, 50);
    ck_assert_uint_eq(weft_account_total(account)->unexpected, 50);
    weft_account_offenders(account, WEFT_ACCOUNT_MISSING, &count);
    ck_assert_uint_eq(count, WEFT_ACCOUNT_OFFENDERS_MAX);
    weft_account_offenders(account, WEFT_ACCOUNT_UNEXPECTED, &count);
    ck_assert_uint_eq(count, WEFT_ACCOUNT_OFFENDERS_MAX);
    weft_account_destroy(account);
}
END_TEST

SUITE("account", TEST(each_request_with_one_answer_balances),
      TEST(requests_without_an_answer_are_missing_and_the_first_are_named),
      TEST(a_result_and_dead_letters_for_one_request_are_too_many), TEST(an_answer_to_what_is_no_request_is_unexpected),
      TEST(answers_outside_of_the_range_are_passed_over),
      TEST(an_answer_to_a_request_that_retention_took_is_counted_apart),
      TEST(retention_that_moves_on_meanwhile_takes_requests_out_of_the_account),
      TEST(retention_may_take_the_whole_range), TEST(what_was_aborted_is_told_apart_from_what_nobody_sees),
      TEST(an_answer_to_a_request_that_compaction_took_is_counted_apart),
      TEST(compaction_excuses_neither_a_second_answer_nor_one_to_what_never_was_a_request),
      TEST(a_request_that_is_named_twice_is_one_request), TEST(only_the_first_offenders_are_kept_and_all_are_counted))
