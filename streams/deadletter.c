#include "streams/deadletter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char class_header[] = "weft.error.class";
static const char message_header[] = "weft.error.message";
static const char topic_header[] = "weft.source.topic";
static const char partition_header[] = "weft.source.partition";
static const char offset_header[] = "weft.source.offset";
static const char timestamp_header[] = "weft.source.timestamp";
static const char processor_header[] = "weft.processor";
static const char size_header[] = "weft.value.size";

static void add_text(rd_kafka_headers_t *headers, const char *name, const char *text)
{
    rd_kafka_header_add(headers, name, -1, text, -1);
}

static void add_number(rd_kafka_headers_t *headers, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    add_text(headers, name, text);
}

void weft_deadletter_describe(rd_kafka_headers_t *headers, const rd_kafka_message_t *request, size_t kept,
                              const char *error_class, const char *reason, const char *processor)
{
    add_text(headers, class_header, error_class);
    add_text(headers, message_header, reason);
    add_text(headers, topic_header, rd_kafka_topic_name(request->rkt));
    add_number(headers, partition_header, request->partition);
    add_number(headers, offset_header, request->offset);
    add_number(headers, timestamp_header, rd_kafka_message_timestamp(request, NULL));
    add_text(headers, processor_header, processor);
    if (kept < request->len)
        add_number(headers, size_header, (int64_t)request->len);
}

static bool get_number(const rd_kafka_headers_t *headers, const char *name, int64_t max, int64_t *number)
{
    const void *value;
    size_t size;
    char text[24], *end;
    if (rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR || size == 0 ||
        size >= sizeof text)
        return false;
    memcpy(text, value, size);
    text[size] = '\0';
    *number = strtoll(text, &end, 10);
    return *end == '\0' && *number >= 0 && *number <= max;
}

bool weft_deadletter_source(const rd_kafka_message_t *letter, const char **topic, size_t *topic_size,
                            int32_t *partition, int64_t *offset)
{
    rd_kafka_headers_t *headers;
    const void *name;
    int64_t number;
    if (rd_kafka_message_headers(letter, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, topic_header, &name, topic_size) != RD_KAFKA_RESP_ERR_NO_ERROR || !name)
        return false;
    *topic = name;
    if (!get_number(headers, partition_header, INT32_MAX, &number) ||
        !get_number(headers, offset_header, INT64_MAX, offset))
        return false;
    *partition = (int32_t)number;
    return true;
}
