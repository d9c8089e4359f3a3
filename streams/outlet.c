#include "streams/outlet.h"

#include <stdint.h>
#include <string.h>

size_t weft_outlet_record_size(size_t key_size, size_t value_size, const rd_kafka_headers_t *headers)
{
    size_t size = key_size + value_size, value_length;
    const char *name;
    const void *value;
    for (size_t i = 0; headers && !rd_kafka_header_get_all(headers, i, &name, &value, &value_length); i++)
        size += strlen(name) + value_length;
    return size;
}

void weft_outlet_init(struct weft_outlet *outlet, rd_kafka_topic_t *topic)
{
    *outlet = (struct weft_outlet){.topic = topic, .record_max = SIZE_MAX, .batch_max = SIZE_MAX};
}

void weft_outlet_clear(struct weft_outlet *outlet)
{
    if (outlet->topic)
        rd_kafka_topic_destroy(outlet->topic);
}

bool weft_outlet_is_full(const struct weft_outlet *outlet, size_t size)
{
    return outlet->queued > 0 && (size > outlet->batch_max || outlet->queued > outlet->batch_max - size);
}

void weft_outlet_refused(struct weft_outlet *outlet, size_t size)
{
    outlet->refused_count++;
    outlet->refused_size += size;
}

bool weft_outlet_learn(struct weft_outlet *outlet, struct weft_error *err)
{
    size_t count = outlet->refused_count, size = outlet->refused_size;
    if (count == 0 && !outlet->refused_keyless)
        return false;
    const char *topic = rd_kafka_topic_name(outlet->topic);
    outlet->refused_count = outlet->refused_size = 0;
    if (outlet->refused_keyless) {
        outlet->refused_keyless = false;
        outlet->needs_key = true;
        weft_error_set(
            err, WEFT_ERROR_UNAVAILABLE,
            "%s refused a record without a key (its cleanup.policy is compact): none such is sent there again", topic);
        return true;
    }
    if (count == 1) {
        outlet->record_max = size > 0 ? size - 1 : 0;
        weft_error_set(
            err, WEFT_ERROR_UNAVAILABLE,
            "%s refused a record of %zu bytes (its max.message.bytes): none of that size is sent there again", topic,
            size);
        return true;
    }
    /* They may have been in batches for several partitions, so this is often more than one batch was. */
    if (size > outlet->batch_max)
        size = outlet->batch_max;
    outlet->batch_max = size / 2;
    weft_error_set(err, WEFT_ERROR_UNAVAILABLE,
                   "%s refused %zu records together (its max.message.bytes): %zu bytes at once from now on", topic,
                   count, outlet->batch_max);
    return true;
}

void weft_outlets_failed(struct weft_outlet *outlets, size_t count, const rd_kafka_message_t *message)
{
    const bool too_large = message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    const bool keyless = message->err == RD_KAFKA_RESP_ERR_INVALID_RECORD && !message->key;
    if (!too_large && !keyless)
        return;
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_message_headers(message, &headers);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_topic_t *topic = outlets[i].topic;
        /* By name, as a report may carry another handle of the topic than ours. */
        if (!topic || strcmp(rd_kafka_topic_name(topic), rd_kafka_topic_name(message->rkt)) != 0)
            continue;
        outlets[i].refused_keyless |= keyless;
        if (too_large)
            weft_outlet_refused(&outlets[i], weft_outlet_record_size(message->key_len, message->len, headers));
    }
}

void weft_outlets_flushed(struct weft_outlet *outlets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        outlets[i].queued = 0;
}

bool weft_outlets_learn(struct weft_outlet *outlets, size_t count, struct weft_error *err)
{
    bool learned = false;
    for (size_t i = 0; i < count; i++)
        learned |= weft_outlet_learn(&outlets[i], err);
    return learned;
}
