#include "pubsub-bridge/kafka_record.h"

static struct weft_bytes bytes_of(const void *data, size_t size)
{
    return (struct weft_bytes){data, data ? size : 0};
}

bool weft_kafka_record(const rd_kafka_message_t *message, struct weft_arena *arena, struct weft_record *record)
{
    rd_kafka_timestamp_type_t type;
    int64_t timestamp_ms = rd_kafka_message_timestamp(message, &type);
    *record = (struct weft_record){
        .topic = rd_kafka_topic_name(message->rkt),
        .partition = message->partition,
        .offset = message->offset,
        .timestamp_ms = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : timestamp_ms,
        .key = bytes_of(message->key, message->key_len),
        .value = bytes_of(message->payload, message->len),
    };
    rd_kafka_headers_t *list;
    if (rd_kafka_message_headers(message, &list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    size_t count = rd_kafka_header_cnt(list);
    struct weft_record_header *headers = weft_arena_take(arena, count * sizeof *headers);
    if (!headers)
        return false;
    for (size_t i = 0; i < count; i++) {
        const void *value;
        size_t size;
        rd_kafka_header_get_all(list, i, &headers[i].name, &value, &size);
        headers[i].value = bytes_of(value, size);
    }
    record->headers = headers;
    record->header_count = count;
    return true;
}

rd_kafka_headers_t *weft_kafka_headers(const struct weft_record *record)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count);
    for (size_t i = 0; headers && i < record->header_count; i++) {
        const struct weft_record_header *header = &record->headers[i];
        /* -1 for the name's length: it ends with a zero byte. A null value has no data and the length 0. */
        rd_kafka_header_add(headers, header->name, -1, header->value.data, (ssize_t)header->value.size);
    }
    return headers;
}
