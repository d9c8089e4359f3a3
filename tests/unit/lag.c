#include "streams/lag.h"

#include "base/clock.h"
#include "streams/client.h"
#include "support/mock_cluster.h"
#include "support/suite.h"

enum { RECORDS = 7, LOOKS = 8, SLOW_MS = 300, LOOK_MS = 1000 };

/* A member of a group without commits, and what it knows of topic "in", which has RECORDS records in partition 0. */
struct fixture {
    struct mock_cluster *mock;
    struct weft_client *client;
    struct weft_lag *lag;
};

static void set_up(struct fixture *f)
{
    const struct weft_client_options options = {.role = WEFT_KAFKA_SOURCE, .group_id = "g"};
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    struct weft_error err;
    f->mock = mock_cluster_new();
    mock_cluster_fill(f->mock, "in", RECORDS);
    f->client = weft_client_new(mock_cluster_settings(f->mock), &options, NULL, &err);
    ck_assert_msg(f->client != NULL, "%s", err.message);
    rd_kafka_topic_partition_list_add(list, "in", 0);
    f->lag = weft_lag_new("in");
    weft_lag_assigned(f->lag, list);
    rd_kafka_topic_partition_list_destroy(list);
}

static void tear_down(struct fixture *f)
{
    weft_lag_destroy(f->lag);
    weft_client_destroy(f->client);
    mock_cluster_destroy(f->mock);
}

/* Looks until all records are known to wait, or as often as LOOKS; each answer takes so long. */
static void assert_becomes_known(struct fixture *f, int answer_ms)
{
    for (int look = 0; look < LOOKS && weft_lag_total(f->lag) == 0; look++) {
        if (answer_ms > 0)
            mock_cluster_delay(f->mock, MOCK_LIST_OFFSETS, answer_ms);
        weft_lag_look(f->lag, weft_client_handle(f->client), true);
        weft_clock_sleep_ms(LOOK_MS);
    }
    ck_assert_int_eq(weft_lag_total(f->lag), RECORDS);
}

START_TEST(the_ends_are_known_though_each_answer_takes_longer_than_the_first_question_waits)
{
    struct fixture f;
    set_up(&f);
    weft_lag_begins(f.lag, 0, 0);
    assert_becomes_known(&f, SLOW_MS);
    tear_down(&f);
}
END_TEST

START_TEST(of_a_partition_that_was_never_read_all_is_to_be_done)
{
    struct fixture f;
    set_up(&f);
    assert_becomes_known(&f, 0);
    tear_down(&f);
}
END_TEST

SUITE("lag", TEST(the_ends_are_known_though_each_answer_takes_longer_than_the_first_question_waits),
      TEST(of_a_partition_that_was_never_read_all_is_to_be_done))
