#include "streams/consumer.h"

#include <string.h>

#include "base/clock.h"

int weft_consumer_subscribe(struct weft_client *client, const char *topic, struct weft_error *err)
{
    /* Polling for messages serves the client's other events, too: faults and statistics would pile up. */
    rd_kafka_poll_set_consumer(weft_client_handle(client));
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(weft_client_handle(client), topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return code ? weft_client_fail(client, code, "subscribing", err) : 0;
}

int weft_consumer_committed(struct weft_client *client, rd_kafka_topic_partition_list_t *list, int timeout_ms,
                            struct weft_error *err)
{
    enum { PAUSE_MS = 100 };
    int64_t deadline = weft_clock_ms() + timeout_ms;
    for (;;) {
        int64_t left = deadline - weft_clock_ms();
        rd_kafka_resp_err_t code =
            rd_kafka_committed(weft_client_handle(client), list, left > PAUSE_MS ? (int)left : PAUSE_MS);
        for (int i = 0; !code && i < list->cnt; i++)
            code = list->elems[i].err;
        if (!code)
            return 0;
        if (weft_kafka_error_class(code) != WEFT_ERROR_UNAVAILABLE || weft_client_refused(client) ||
            weft_clock_ms() >= deadline)
            return weft_client_fail(client, code, "asking for the group's committed offsets", err);
        weft_clock_sleep_ms(PAUSE_MS);
    }
}

void weft_consumer_assign(struct weft_client *client, rd_kafka_topic_partition_list_t *partitions,
                          const atomic_bool *stop)
{
    enum { ASK_MS = 30000, SLICE_MS = 1000 };
    const int64_t deadline_ms = weft_clock_ms() + ASK_MS;
    char reset[16] = "";
    size_t size = sizeof reset;
    struct weft_error err = {0};
    while (weft_consumer_committed(client, partitions, SLICE_MS, &err) != 0) {
        if (atomic_load(stop) || err.class != WEFT_ERROR_UNAVAILABLE || weft_clock_ms() >= deadline_ms)
            goto out; /* the library asks, and says what is the matter */
        weft_log(weft_client_log(client), WEFT_LOG_WARN, "kafka.assigned", "%s", err.message);
    }
    rd_kafka_conf_get(rd_kafka_conf(weft_client_handle(client)), "auto.offset.reset", reset, &size);
    for (int i = 0; i < partitions->cnt && strcmp(reset, "error") != 0; i++)
        if (partitions->elems[i].offset < 0)
            partitions->elems[i].offset = RD_KAFKA_OFFSET_BEGINNING;
out:
    rd_kafka_assign(weft_client_handle(client), partitions);
}

int weft_consumer_pause(struct weft_client *client, bool paused, struct weft_error *err)
{
    rd_kafka_topic_partition_list_t *assignment;
    rd_kafka_resp_err_t code = rd_kafka_assignment(weft_client_handle(client), &assignment);
    if (code)
        return weft_client_fail(client, code, "pausing", err);
    if (paused)
        rd_kafka_pause_partitions(weft_client_handle(client), assignment);
    else
        rd_kafka_resume_partitions(weft_client_handle(client), assignment);
    rd_kafka_topic_partition_list_destroy(assignment);
    return 0;
}

int weft_consumer_seek(struct weft_client *client, rd_kafka_topic_partition_list_t *list, struct weft_error *err)
{
    /* The library's time-out of this call is a thousand times too short before 2.1, so none. */
    rd_kafka_error_t *error = rd_kafka_seek_partitions(weft_client_handle(client), list, -1);
    if (error) {
        weft_client_fail(client, rd_kafka_error_code(error), "going back", err);
        rd_kafka_error_destroy(error);
        return -1;
    }
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_resp_err_t code = list->elems[i].err;
        if (code && code != RD_KAFKA_RESP_ERR__STATE && code != RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
            return weft_client_fail(client, code, "going back", err);
    }
    return 0;
}
