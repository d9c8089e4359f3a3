#include "clients/origin.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "streams/message.h"
#include "streams/reader.h"

enum { TOPIC_SIZE = 250 }; /* Kafka's limit is 249 */

struct weft_origin {
    const struct weft_settings *settings;
    struct weft_log *log;
    struct weft_request_reader *requests;
    struct weft_reader *reader; /* of topic, or NULL */
    char topic[TOPIC_SIZE];
};

struct weft_origin *weft_origin_new(const struct weft_settings *settings, struct weft_registry *registry,
                                    struct weft_log *log, struct weft_error *err)
{
    struct weft_origin *origin = calloc(1, sizeof *origin);
    if (!origin) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    origin->settings = settings;
    origin->log = log;
    origin->requests = weft_request_reader_new(registry, err);
    if (!origin->requests) {
        weft_origin_destroy(origin);
        return NULL;
    }
    return origin;
}

void weft_origin_destroy(struct weft_origin *origin)
{
    if (!origin)
        return;
    weft_reader_destroy(origin->reader);
    weft_request_reader_destroy(origin->requests);
    free(origin);
}

static int open_topic(struct weft_origin *origin, struct weft_text topic, struct weft_error *err)
{
    if (topic.size == 0 || topic.size >= TOPIC_SIZE || memchr(topic.at, '\0', topic.size))
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the result names no topic that it came from");
    if (origin->reader && strlen(origin->topic) == topic.size && memcmp(origin->topic, topic.at, topic.size) == 0)
        return 0;
    weft_reader_destroy(origin->reader);
    memcpy(origin->topic, topic.at, topic.size);
    origin->topic[topic.size] = '\0';
    origin->reader = weft_reader_new(origin->settings, origin->topic, origin->log, err);
    return origin->reader ? 0 : -1;
}

static int fetch(struct weft_origin *origin, int32_t partition, int64_t offset, int timeout_ms,
                 struct weft_request *request, struct weft_error *err)
{
    int64_t first, end;
    if (partition < 0 || partition >= weft_reader_partition_count(origin->reader))
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "there is no such partition");
    if (weft_reader_range(origin->reader, partition, &first, &end, err) != 0)
        return -1;
    if (offset < first || offset >= end)
        return weft_error_set(err, WEFT_ERROR_UNAVAILABLE,
                              "the partition now holds offsets from %" PRId64 " to %" PRId64 " only", first, end);
    if (weft_reader_start(origin->reader, partition, offset, err) != 0)
        return -1;
    int rc = -1;
    for (int64_t left, deadline = weft_clock_ms() + timeout_ms; (left = deadline - weft_clock_ms()) > 0;) {
        const rd_kafka_message_t *message;
        enum weft_reader_event event = weft_reader_next(origin->reader, (int)left, &message, err);
        if (event == WEFT_READER_FAILED)
            goto out;
        if (event != WEFT_READER_MESSAGE || message->partition != partition)
            continue; /* may be left of a fetch before this one */
        if (message->offset == offset) {
            struct weft_frame frame;
            if (weft_message_frame(message, &frame, err) == 0)
                rc = weft_request_read_frame(origin->requests, &frame, request, err);
            goto out;
        }
        if (message->offset > offset)
            break;
    }
    weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "the record could not be read");
out:
    weft_reader_stop(origin->reader, partition);
    return rc;
}

int weft_origin_fetch(struct weft_origin *origin, const struct weft_result *result, int timeout_ms,
                      struct weft_request *request, struct weft_error *err)
{
    if (open_topic(origin, result->source_topic, err) != 0)
        return -1;
    if (fetch(origin, result->source_partition, result->source_offset, timeout_ms, request, err) == 0)
        return 0;
    return weft_error_prefix(err, "%s partition %" PRId32 " offset %" PRId64, origin->topic, result->source_partition,
                             result->source_offset);
}
