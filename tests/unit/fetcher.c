#include "streams/fetcher.h"

#include "support/suite.h"

enum { VERSION_WITHOUT_NEED = 0x02020000 };

static rd_kafka_t *consumer(void)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "queued.min.messages", "80", reason, sizeof reason);
    rd_kafka_conf_set(conf, "queued.max.messages.kbytes", "8", reason, sizeof reason);
    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    ck_assert_msg(handle != NULL, "%s", reason);
    return handle;
}

START_TEST(the_fetcher_may_sleep_when_an_eighth_of_the_queue_has_been_taken)
{
    struct weft_fetcher fetcher;
    rd_kafka_t *handle = consumer();
    const bool needed = rd_kafka_version() < VERSION_WITHOUT_NEED;
    weft_fetcher_init(&fetcher, handle);
    ck_assert(!weft_fetcher_sleeps(&fetcher, 9, 0));
    ck_assert(weft_fetcher_sleeps(&fetcher, 1, 0) == needed);
    weft_fetcher_init(&fetcher, handle);
    ck_assert(!weft_fetcher_sleeps(&fetcher, 1, 1023));
    ck_assert(weft_fetcher_sleeps(&fetcher, 1, 1) == needed);
    rd_kafka_destroy(handle);
}
END_TEST

START_TEST(once_woken_it_counts_anew)
{
    struct weft_fetcher fetcher;
    rd_kafka_t *handle = consumer();
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
    weft_fetcher_init(&fetcher, handle);
    weft_fetcher_sleeps(&fetcher, 10, 1024);
    weft_fetcher_wake(&fetcher, none);
    ck_assert(!weft_fetcher_sleeps(&fetcher, 9, 1023));
    rd_kafka_topic_partition_list_destroy(none);
    rd_kafka_destroy(handle);
}
END_TEST

SUITE("fetcher", TEST(the_fetcher_may_sleep_when_an_eighth_of_the_queue_has_been_taken),
      TEST(once_woken_it_counts_anew))
