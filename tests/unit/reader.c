#include "streams/reader.h"

#include "support/mock_cluster.h"
#include "support/suite.h"

enum { RECORDS = 7 };

/* A reader of topic "in" of a mock cluster, which has RECORDS records in partition 0. */
struct fixture {
    struct mock_cluster *mock;
    struct weft_reader *reader;
    int64_t first, end;
    struct weft_error err;
};

static void set_up(struct fixture *f)
{
    *f = (struct fixture){.mock = mock_cluster_new()};
    mock_cluster_fill(f->mock, "in", RECORDS);
    f->reader = weft_reader_new(mock_cluster_settings(f->mock), "in", NULL, &f->err);
    ck_assert_msg(f->reader != NULL, "%s", f->err.message);
}

static void tear_down(struct fixture *f)
{
    weft_reader_destroy(f->reader);
    mock_cluster_destroy(f->mock);
}

START_TEST(a_range_is_asked_for_again_where_a_broker_does_not_know_the_topic_yet)
{
    struct fixture f;
    set_up(&f);
    mock_cluster_fail(f.mock, MOCK_LIST_OFFSETS, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, 2);
    ck_assert_msg(weft_reader_range(f.reader, 0, &f.first, &f.end, &f.err) == 0, "%s", f.err.message);
    ck_assert_int_eq(f.first, 0);
    ck_assert_int_eq(f.end, RECORDS);
    tear_down(&f);
}
END_TEST

START_TEST(a_range_that_is_refused_is_a_failure_at_once)
{
    struct fixture f;
    set_up(&f);
    mock_cluster_fail(f.mock, MOCK_LIST_OFFSETS, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1);
    ck_assert_int_eq(weft_reader_range(f.reader, 0, &f.first, &f.end, &f.err), -1);
    ck_assert_int_eq(f.err.class, WEFT_ERROR_REFUSED);
    ck_assert_int_eq(weft_reader_range(f.reader, 0, &f.first, &f.end, &f.err), 0);
    tear_down(&f);
}
END_TEST

START_TEST(all_records_are_read_however_often_the_fetcher_is_woken)
{
    /* A queue of eight records: its fetcher may sleep after each. */
    struct fixture f;
    struct weft_settings *settings;
    const rd_kafka_message_t *message;
    enum weft_reader_event event;
    int records = 0;
    set_up(&f);
    weft_reader_destroy(f.reader);
    settings = weft_settings_copy(mock_cluster_settings(f.mock), &f.err);
    ck_assert_int_eq(weft_settings_set_option(settings, "queued.min.messages=8", &f.err), 0);
    f.reader = weft_reader_new(settings, "in", NULL, &f.err);
    ck_assert_msg(f.reader != NULL, "%s", f.err.message);
    ck_assert_int_eq(weft_reader_start(f.reader, 0, RD_KAFKA_OFFSET_BEGINNING, &f.err), 0);
    while ((event = weft_reader_next(f.reader, 100, &message, &f.err)) != WEFT_READER_END) {
        ck_assert_msg(event != WEFT_READER_FAILED, "%s", f.err.message);
        records += event == WEFT_READER_MESSAGE;
    }
    ck_assert_int_eq(records, RECORDS);
    weft_settings_destroy(settings);
    tear_down(&f);
}
END_TEST

SUITE("reader", TEST(a_range_is_asked_for_again_where_a_broker_does_not_know_the_topic_yet),
      TEST(a_range_that_is_refused_is_a_failure_at_once), TEST(all_records_are_read_however_often_the_fetcher_is_woken))
