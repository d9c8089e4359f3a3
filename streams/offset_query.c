#include "streams/offset_query.h"

#include "base/clock.h"

enum { SLICE_MS = 5000, PAUSE_MS = 50 };

/* The topic was seen before, so a broker that does not know it has only just started. */
static bool is_unknown(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

int weft_offset_query(struct weft_client *client, const char *topic, int32_t partition, int64_t when, int timeout_ms,
                      int64_t *offset, struct weft_error *err)
{
    rd_kafka_t *handle = weft_client_handle(client);
    for (int64_t deadline_ms = weft_clock_ms() + timeout_ms;;) {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_t *asked = rd_kafka_topic_partition_list_add(list, topic, partition);
        asked->offset = when;
        /* rd_kafka_query_watermark_offsets would be the nearer call, but does not keep its time-out while the leader is
         * away. */
        rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(handle, list, SLICE_MS);
        if (!code)
            code = asked->err;
        *offset = asked->offset;
        rd_kafka_topic_partition_list_destroy(list);
        if (!code)
            return 0;
        rd_kafka_poll(handle, 0);
        const bool passes = weft_kafka_is_passing(code) || is_unknown(code);
        if (!passes || weft_client_refused(client) || weft_clock_ms() >= deadline_ms) {
            weft_client_fail(client, code, "asking for the range of offsets", err);
            return weft_error_prefix(err, "%s partition %d", topic, (int)partition);
        }
        weft_clock_sleep_ms(PAUSE_MS);
    }
}

int weft_offset_range(struct weft_client *client, const char *topic, int32_t partition, int timeout_ms, int64_t *first,
                      int64_t *end, struct weft_error *err)
{
    if (weft_offset_query(client, topic, partition, RD_KAFKA_OFFSET_BEGINNING, timeout_ms, first, err) != 0)
        return -1;
    return weft_offset_query(client, topic, partition, RD_KAFKA_OFFSET_END, timeout_ms, end, err);
}
