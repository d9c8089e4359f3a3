#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "streams/deadletter.h"
#include "streams/redrive.h"
#include "support/suite.h"

static void add(rd_kafka_headers_t *headers, const char *name, const char *value)
{
    ck_assert_int_eq(rd_kafka_header_add(headers, name, -1, value, -1), RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* Those of a dead letter from requests 3:41, with a header of the request's own. */
static rd_kafka_headers_t *letter_headers(void)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    add(headers, "trace", "abc");
    add(headers, "weft.error.class", "corrupt");
    add(headers, "weft.error.message", "the image has 3 bytes");
    add(headers, "weft.source.topic", "requests");
    add(headers, "weft.source.partition", "3");
    add(headers, "weft.source.offset", "41");
    add(headers, "weft.source.timestamp", "1700000000000");
    add(headers, "weft.processor", "predict");
    return headers;
}

static void expect_text(struct weft_text text, const char *wanted)
{
    ck_assert_uint_eq(text.size, strlen(wanted));
    ck_assert_int_eq(memcmp(text.at, wanted, text.size), 0);
}

/* The letter with one header more, as it is judged for topic "requests" with three attempts allowed. */
static enum weft_redrive_fate judge_with(const char *name, const char *value, bool redriven)
{
    rd_kafka_headers_t *headers = letter_headers();
    struct weft_letter letter = {.headers = headers, .redriven = redriven};
    if (name)
        add(headers, name, value);
    weft_deadletter_read(headers, &letter.says);
    enum weft_redrive_fate fate = weft_redrive_judge(&letter, "requests", 3);
    rd_kafka_headers_destroy(headers);
    return fate;
}

START_TEST(a_dead_letter_says_why_and_where_from)
{
    struct weft_deadletter says;
    rd_kafka_headers_t *headers = letter_headers();
    weft_deadletter_read(headers, &says);
    expect_text(says.error_class, "corrupt");
    expect_text(says.reason, "the image has 3 bytes");
    expect_text(says.processor, "predict");
    expect_text(says.topic, "requests");
    ck_assert(says.has_source);
    ck_assert_int_eq(says.partition, 3);
    ck_assert_int_eq(says.offset, 41);
    ck_assert_int_eq(says.timestamp_ms, 1700000000000);
    ck_assert_int_eq(says.value_size, -1);
    ck_assert_int_eq(says.attempt, 0);
    rd_kafka_headers_destroy(headers);
}
END_TEST

START_TEST(of_a_letter_too_large_the_value_is_halved_and_key_and_headers_go_last)
{
    struct weft_deadletter_part part = {.size = 5};
    for (size_t size = 2;; size /= 2) {
        ck_assert(weft_deadletter_cut(&part));
        ck_assert_uint_eq(part.size, size);
        ck_assert(!part.bare);
        if (size == 0)
            break;
    }
    ck_assert(weft_deadletter_cut(&part));
    ck_assert(part.bare);
    ck_assert(!weft_deadletter_cut(&part));
}
END_TEST

START_TEST(what_others_wrote_into_the_headers_is_not_believed)
{
    struct weft_deadletter says;
    static const char *const wrong[] = {"", "x", "-1", "4 ", "99999999999999999999999", "2147483648"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        rd_kafka_headers_t *headers = letter_headers();
        add(headers, "weft.source.partition", wrong[i]);
        add(headers, "weft.redrive.attempt", wrong[i]);
        weft_deadletter_read(headers, &says);
        ck_assert(!says.has_source);
        ck_assert_int_eq(says.attempt, 0);
        rd_kafka_headers_destroy(headers);
    }
    weft_deadletter_read(NULL, &says);
    ck_assert(!says.has_source);
    ck_assert_uint_eq(says.reason.size, 0);
}
END_TEST

START_TEST(the_original_has_its_own_headers_and_the_attempt)
{
    const char *name;
    const void *value;
    size_t size;
    rd_kafka_headers_t *headers = letter_headers();
    add(headers, "weft.redrive.attempt", "1");
    add(headers, "weft.value.size", "10");
    add(headers, "weft.error.class", "corrupt");
    rd_kafka_headers_t *original = weft_deadletter_original(headers, 2);
    ck_assert_uint_eq(rd_kafka_header_cnt(original), 2);
    ck_assert_int_eq(rd_kafka_header_get_all(original, 0, &name, &value, &size), RD_KAFKA_RESP_ERR_NO_ERROR);
    ck_assert_str_eq(name, "trace");
    ck_assert_int_eq(rd_kafka_header_get_all(original, 1, &name, &value, &size), RD_KAFKA_RESP_ERR_NO_ERROR);
    ck_assert_str_eq(name, "weft.redrive.attempt");
    ck_assert_int_eq(memcmp(value, "2", size), 0);
    rd_kafka_headers_destroy(original);
    rd_kafka_headers_destroy(headers);
}
END_TEST

struct ranges {
    char text[256];
};

static void append(int64_t first, int64_t last, void *arg)
{
    struct ranges *ranges = arg;
    size_t length = strlen(ranges->text);
    snprintf(ranges->text + length, sizeof ranges->text - length, "[%" PRId64 " %" PRId64 "]", first, last);
}

START_TEST(a_receipt_names_the_offsets_that_it_was_written_for)
{
    struct ranges ranges = {""};
    struct weft_error err = {0};
    static const int64_t offsets[] = {0, 4, 5, 6, 9, 11, 12, INT64_MAX - 1, INT64_MAX};
    rd_kafka_headers_t *receipt = weft_deadletter_receipt(offsets, sizeof offsets / sizeof *offsets);
    ck_assert_int_eq(weft_deadletter_read_receipt(receipt, append, &ranges, &err), 0);
    ck_assert_str_eq(ranges.text, "[0 0][4 6][9 9][11 12][9223372036854775806 9223372036854775807]");
    rd_kafka_headers_destroy(receipt);
}
END_TEST

START_TEST(a_receipt_that_cannot_be_read_is_an_error)
{
    static const char *const wrong[] = {"", ",", "5-", "5-4", "-5", "5,", "5 ", "5-6-7", "9223372036854775808"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct ranges ranges = {""};
        struct weft_error err = {0};
        rd_kafka_headers_t *headers = rd_kafka_headers_new(1);
        add(headers, "weft.redriven", wrong[i]);
        ck_assert_msg(weft_deadletter_read_receipt(headers, append, &ranges, &err) == -1, "'%s'", wrong[i]);
        ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
        rd_kafka_headers_destroy(headers);
    }
}
END_TEST

START_TEST(a_whole_letter_of_the_topic_is_sent)
{
    ck_assert_int_eq(judge_with(NULL, NULL, false), WEFT_REDRIVE_SEND);
    ck_assert_int_eq(judge_with("weft.redrive.attempt", "2", false), WEFT_REDRIVE_SEND);
}
END_TEST

START_TEST(a_letter_that_was_sent_is_not_sent_again)
{
    ck_assert_int_eq(judge_with(NULL, NULL, true), WEFT_REDRIVE_DONE);
}
END_TEST

START_TEST(a_letter_that_was_cut_is_refused)
{
    ck_assert_int_eq(judge_with("weft.value.size", "1000000", false), WEFT_REDRIVE_CUT);
    ck_assert_int_eq(judge_with("weft.value.size", "0", false), WEFT_REDRIVE_CUT);
}
END_TEST

START_TEST(a_letter_that_keeps_coming_back_is_refused)
{
    ck_assert_int_eq(judge_with("weft.redrive.attempt", "3", false), WEFT_REDRIVE_ATTEMPTS);
}
END_TEST

START_TEST(a_letter_of_another_topic_or_of_none_is_refused)
{
    ck_assert_int_eq(judge_with("weft.source.topic", "request", false), WEFT_REDRIVE_ELSEWHERE);
    ck_assert_int_eq(judge_with("weft.source.offset", "?", false), WEFT_REDRIVE_NO_SOURCE);
}
END_TEST

START_TEST(the_filter_compares_class_and_processor)
{
    struct weft_deadletter says;
    rd_kafka_headers_t *headers = letter_headers();
    weft_deadletter_read(headers, &says);
    ck_assert(weft_letters_match(&(struct weft_letters_filter){0}, &says));
    ck_assert(weft_letters_match(&(struct weft_letters_filter){.error_class = "corrupt"}, &says));
    ck_assert(!weft_letters_match(&(struct weft_letters_filter){.error_class = "corrup"}, &says));
    ck_assert(
        !weft_letters_match(&(struct weft_letters_filter){.error_class = "corrupt", .processor = "other"}, &says));
    rd_kafka_headers_destroy(headers);
}
END_TEST

SUITE("deadletters", TEST(a_dead_letter_says_why_and_where_from),
      TEST(of_a_letter_too_large_the_value_is_halved_and_key_and_headers_go_last),
      TEST(what_others_wrote_into_the_headers_is_not_believed), TEST(the_original_has_its_own_headers_and_the_attempt),
      TEST(a_receipt_names_the_offsets_that_it_was_written_for), TEST(a_receipt_that_cannot_be_read_is_an_error),
      TEST(a_whole_letter_of_the_topic_is_sent), TEST(a_letter_that_was_sent_is_not_sent_again),
      TEST(a_letter_that_was_cut_is_refused), TEST(a_letter_that_keeps_coming_back_is_refused),
      TEST(a_letter_of_another_topic_or_of_none_is_refused), TEST(the_filter_compares_class_and_processor))
