#include "clients/listener.h"

#include <inttypes.h>
#include <stdlib.h>

#include "schemas/subject.h"
#include "streams/message.h"
#include "streams/reader.h"

struct weft_listener {
    const char *topic; /* the caller's */
    struct weft_reader *reader;
    struct weft_result_reader *results;
    float probabilities[WEFT_RESULT_CLASSES_MAX];
};

static int ask_registry(struct weft_registry *registry, const char *topic, struct weft_error *err)
{
    char subject[WEFT_SUBJECT_SIZE];
    bool found;
    struct weft_registry_schema schema = {0};
    if (weft_subject_name(registry, topic, weft_result_schema, subject, err) != 0)
        return -1;
    int rc = weft_registry_latest(registry, subject, &schema, &found, err);
    weft_registry_schema_clear(&schema);
    return rc;
}

static int start(struct weft_listener *listener, bool from_beginning, struct weft_error *err)
{
    for (int p = 0; p < weft_reader_partition_count(listener->reader); p++) {
        int64_t first, offset = RD_KAFKA_OFFSET_BEGINNING;
        /* The end is looked up here: RD_KAFKA_OFFSET_END would be looked up some time later, and what comes in between
         * would be missed. */
        if (!from_beginning && weft_reader_range(listener->reader, p, &first, &offset, err) != 0)
            return -1;
        if (weft_reader_start(listener->reader, p, offset, err) != 0)
            return -1;
    }
    return 0;
}

struct weft_listener *weft_listener_new(const struct weft_settings *settings, struct weft_registry *registry,
                                        const char *topic, bool from_beginning, struct weft_log *log,
                                        struct weft_error *err)
{
    struct weft_listener *listener = calloc(1, sizeof *listener);
    if (!listener) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    listener->topic = topic;
    listener->reader = weft_reader_new(settings, topic, log, err);
    if (!listener->reader || ask_registry(registry, topic, err) != 0)
        goto fail;
    listener->results = weft_result_reader_new(registry, err);
    if (!listener->results || start(listener, from_beginning, err) != 0)
        goto fail;
    return listener;
fail:
    weft_listener_destroy(listener);
    return NULL;
}

void weft_listener_destroy(struct weft_listener *listener)
{
    if (!listener)
        return;
    weft_result_reader_destroy(listener->results);
    weft_reader_destroy(listener->reader);
    free(listener);
}

enum weft_listener_event weft_listener_next(struct weft_listener *listener, int timeout_ms, struct weft_answer *answer,
                                            struct weft_error *err)
{
    const rd_kafka_message_t *message;
    switch (weft_reader_next(listener->reader, timeout_ms, &message, err)) {
    case WEFT_READER_FAILED: return WEFT_LISTENER_FAILED;
    case WEFT_READER_NOTHING:
    case WEFT_READER_END: return WEFT_LISTENER_NOTHING;
    case WEFT_READER_MESSAGE: break;
    }
    rd_kafka_timestamp_type_t type;
    *answer = (struct weft_answer){
        .key = message->key,
        .key_size = message->key_len,
        .partition = message->partition,
        .offset = message->offset,
        .timestamp_ms = rd_kafka_message_timestamp(message, &type),
    };
    struct weft_frame frame;
    if (weft_message_frame(message, &frame, err) == 0 &&
        weft_result_read_frame(listener->results, &frame, &answer->result, listener->probabilities, err) == 0)
        return WEFT_LISTENER_RESULT;
    weft_error_prefix(err, "%s partition %" PRId32 " offset %" PRId64, listener->topic, message->partition,
                      message->offset);
    return err->class == WEFT_ERROR_CORRUPT ? WEFT_LISTENER_UNREADABLE : WEFT_LISTENER_FAILED;
}
