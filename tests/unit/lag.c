#include "streams/lag.h"

#include "base/clock.h"
#include "streams/client.h"
#include "support/mock_cluster.h"
#include "support/suite.h"

enum { RECORDS = 7, LOOKS = 8, SLOW_MS = 300, LOOK_MS = 1000 };

START_TEST(the_ends_are_known_though_each_answer_takes_longer_than_the_first_question_waits)
{
    struct mock_cluster *mock = mock_cluster_new();
    struct weft_error err;
    const struct weft_client_options options = {.role = WEFT_KAFKA_SOURCE, .group_id = "g"};
    struct weft_client *client = weft_client_new(mock_cluster_settings(mock), &options, NULL, &err);
    ck_assert_msg(client != NULL, "%s", err.message);
    mock_cluster_fill(mock, "in", RECORDS);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, "in", 0);
    struct weft_lag *lag = weft_lag_new("in");
    weft_lag_assigned(lag, list);
    weft_lag_begins(lag, 0, 0);
    for (int look = 0; look < LOOKS && weft_lag_total(lag) == 0; look++) {
        mock_cluster_delay(mock, MOCK_LIST_OFFSETS, SLOW_MS);
        weft_lag_look(lag, weft_client_handle(client), true);
        weft_clock_sleep_ms(LOOK_MS);
    }
    ck_assert_int_eq(weft_lag_total(lag), RECORDS);
    weft_lag_destroy(lag);
    rd_kafka_topic_partition_list_destroy(list);
    weft_client_destroy(client);
    mock_cluster_destroy(mock);
}
END_TEST

SUITE("lag", TEST(the_ends_are_known_though_each_answer_takes_longer_than_the_first_question_waits))
