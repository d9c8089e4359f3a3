#include "streams/reader.h"

#include <stdlib.h>

#include "streams/client.h"

enum { RANGE_TIMEOUT_MS = 10000 };

/* The library's older consumer API: it alone reads without a group, so that a reader on a shared cluster needs no right
 * on any group. */
struct weft_reader {
    struct weft_client *client;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
    rd_kafka_message_t *message; /* the one given out */
    int partition_count;
    bool *started; /* of each partition */
};

struct weft_reader *weft_reader_new(const struct weft_settings *settings, const char *topic, struct weft_log *log,
                                    struct weft_error *err)
{
    struct weft_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    const struct weft_client_options options = {.role = WEFT_KAFKA_READER};
    reader->client = weft_client_new(settings, &options, log, err);
    if (!reader->client)
        goto fail;
    int timeout_ms = (int)weft_settings_integer(settings, "startup.timeout");
    if (weft_client_partition_count(reader->client, topic, timeout_ms, &reader->partition_count, err) != 0)
        goto fail;
    rd_kafka_t *handle = weft_client_handle(reader->client);
    reader->topic = rd_kafka_topic_new(handle, topic, NULL);
    reader->queue = rd_kafka_queue_new(handle);
    reader->started = calloc((size_t)reader->partition_count, sizeof *reader->started);
    if (!reader->topic || !reader->queue || !reader->started) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto fail;
    }
    return reader;
fail:
    weft_reader_destroy(reader);
    return NULL;
}

void weft_reader_destroy(struct weft_reader *reader)
{
    if (!reader)
        return;
    for (int32_t p = 0; reader->started && p < reader->partition_count; p++)
        weft_reader_stop(reader, p);
    if (reader->message)
        rd_kafka_message_destroy(reader->message);
    if (reader->queue)
        rd_kafka_queue_destroy(reader->queue);
    if (reader->topic)
        rd_kafka_topic_destroy(reader->topic);
    weft_client_destroy(reader->client);
    free(reader->started);
    free(reader);
}

int weft_reader_partition_count(const struct weft_reader *reader)
{
    return reader->partition_count;
}

int weft_reader_range(struct weft_reader *reader, int32_t partition, int64_t *first, int64_t *end,
                      struct weft_error *err)
{
    /* With read_committed the library asks for the last stable offset as the end. */
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(weft_client_handle(reader->client), rd_kafka_topic_name(reader->topic),
                                         partition, first, end, RANGE_TIMEOUT_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    weft_client_fail(reader->client, code, "asking for the range of offsets", err);
    return weft_error_prefix(err, "%s partition %d", rd_kafka_topic_name(reader->topic), (int)partition);
}

int weft_reader_start(struct weft_reader *reader, int32_t partition, int64_t offset, struct weft_error *err)
{
    if (rd_kafka_consume_start_queue(reader->topic, partition, offset, reader->queue) == -1)
        return weft_client_fail(reader->client, rd_kafka_last_error(), "starting to read", err);
    reader->started[partition] = true;
    return 0;
}

void weft_reader_stop(struct weft_reader *reader, int32_t partition)
{
    if (reader->started[partition])
        rd_kafka_consume_stop(reader->topic, partition);
    reader->started[partition] = false;
}

/* Faults that the library mends by itself, as it reconnects. */
static bool is_passing(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT: return true;
    default: return false;
    }
}

enum weft_reader_event weft_reader_next(struct weft_reader *reader, int timeout_ms, const rd_kafka_message_t **message,
                                        struct weft_error *err)
{
    if (reader->message)
        rd_kafka_message_destroy(reader->message);
    reader->message = rd_kafka_consume_queue(reader->queue, timeout_ms);
    *message = reader->message;
    if (!reader->message) {
        rd_kafka_poll(weft_client_handle(reader->client), 0);
        if (!weft_client_refused(reader->client))
            return WEFT_READER_NOTHING;
        weft_client_fail(reader->client, RD_KAFKA_RESP_ERR__AUTHENTICATION, rd_kafka_topic_name(reader->topic), err);
        return WEFT_READER_FAILED;
    }
    rd_kafka_resp_err_t code = reader->message->err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return WEFT_READER_MESSAGE;
    if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return WEFT_READER_END;
    if (is_passing(code))
        return WEFT_READER_NOTHING;
    weft_client_fail(reader->client, code, "reading", err);
    weft_error_prefix(err, "%s partition %d", rd_kafka_topic_name(reader->topic), (int)reader->message->partition);
    return WEFT_READER_FAILED;
}
