#include "streams/reader.h"

#include <stdlib.h>

#include "streams/client.h"
#include "streams/fetcher.h"
#include "streams/offset_query.h"

enum { ASK_TIMEOUT_MS = 10000 };

/* The library's older consumer API: it alone reads without a group, so that a reader on a shared cluster needs no right
 * on any group. */
struct weft_reader {
    struct weft_client *client;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
    rd_kafka_message_t *message; /* the one given out */
    int partition_count;
    bool *started; /* of each partition */
    struct weft_fetcher fetcher;
};

static struct weft_reader *open_reader(const struct weft_settings *settings, enum weft_kafka_role role,
                                       const char *topic, struct weft_log *log, struct weft_error *err)
{
    struct weft_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    const struct weft_client_options options = {.role = role};
    reader->client = weft_client_new(settings, &options, log, err);
    if (!reader->client)
        goto fail;
    int timeout_ms = (int)weft_settings_integer(settings, "startup.timeout");
    if (weft_client_partition_count(reader->client, topic, timeout_ms, &reader->partition_count, err) != 0)
        goto fail;
    rd_kafka_t *handle = weft_client_handle(reader->client);
    weft_fetcher_init(&reader->fetcher, handle);
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

struct weft_reader *weft_reader_new(const struct weft_settings *settings, const char *topic, struct weft_log *log,
                                    struct weft_error *err)
{
    return open_reader(settings, WEFT_KAFKA_READER, topic, log, err);
}

struct weft_reader *weft_reader_new_uncommitted(const struct weft_settings *settings, const char *topic,
                                                struct weft_log *log, struct weft_error *err)
{
    /* A reader of results may not be told to see what is uncommitted; the other role leaves it open. */
    static const char *const options[][2] = {
        {"isolation.level", "read_uncommitted"}, {"auto.offset.reset", "earliest"}, {"enable.partition.eof", "true"}};
    struct weft_settings *copy = weft_settings_copy(settings, err);
    struct weft_reader *reader = NULL;
    if (!copy)
        return NULL;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (weft_settings_set(copy, WEFT_RANK_OPTION, "reader", options[i][0], options[i][1], err) != 0)
            goto out;
    reader = open_reader(copy, WEFT_KAFKA_ADMIN, topic, log, err);
out:
    weft_settings_destroy(copy);
    return reader;
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
    return weft_offset_range(reader->client, rd_kafka_topic_name(reader->topic), partition, ASK_TIMEOUT_MS, first, end,
                             err);
}

int weft_reader_at_time(struct weft_reader *reader, int32_t partition, int64_t time_ms, int64_t *offset,
                        struct weft_error *err)
{
    const char *topic = rd_kafka_topic_name(reader->topic);
    if (weft_offset_query(reader->client, topic, partition, time_ms, ASK_TIMEOUT_MS, offset, err) != 0)
        return -1;
    if (*offset >= 0)
        return 0;
    return weft_offset_query(reader->client, topic, partition, RD_KAFKA_OFFSET_END, ASK_TIMEOUT_MS, offset, err);
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

static void wake_fetcher(struct weft_reader *reader)
{
    rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new(reader->partition_count);
    for (int32_t p = 0; p < reader->partition_count; p++)
        if (reader->started[p])
            rd_kafka_topic_partition_list_add(partitions, rd_kafka_topic_name(reader->topic), p);
    weft_fetcher_wake(&reader->fetcher, partitions);
    rd_kafka_topic_partition_list_destroy(partitions);
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
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (weft_fetcher_sleeps(&reader->fetcher, 1, reader->message->len))
            wake_fetcher(reader);
        return WEFT_READER_MESSAGE;
    }
    if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return WEFT_READER_END;
    if (weft_kafka_is_passing(code))
        return WEFT_READER_NOTHING;
    weft_client_fail(reader->client, code, "reading", err);
    weft_error_prefix(err, "%s partition %d", rd_kafka_topic_name(reader->topic), (int)reader->message->partition);
    return WEFT_READER_FAILED;
}

rd_kafka_message_t *weft_reader_take(struct weft_reader *reader)
{
    rd_kafka_message_t *message = reader->message;
    reader->message = NULL;
    return message;
}
