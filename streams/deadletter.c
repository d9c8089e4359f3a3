#include "streams/deadletter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RANGE_SIZE = 2 * 20 }; /* "first-last,", as text */

static const char class_header[] = "weft.error.class";
static const char message_header[] = "weft.error.message";
static const char topic_header[] = "weft.source.topic";
static const char partition_header[] = "weft.source.partition";
static const char offset_header[] = "weft.source.offset";
static const char timestamp_header[] = "weft.source.timestamp";
static const char processor_header[] = "weft.processor";
static const char size_header[] = "weft.value.size";
static const char attempt_header[] = "weft.redrive.attempt";
static const char receipt_header[] = "weft.redriven";

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

bool weft_deadletter_cut(struct weft_deadletter_part *part)
{
    if (part->bare)
        return false;
    part->bare = part->size == 0;
    part->size /= 2;
    return true;
}

rd_kafka_headers_t *weft_deadletter_headers(const rd_kafka_message_t *request, const struct weft_deadletter_part *part,
                                            const char *error_class, const char *reason, const char *processor)
{
    rd_kafka_headers_t *kept = NULL, *headers;
    bool keeps = !part->bare && rd_kafka_message_headers(request, &kept) == RD_KAFKA_RESP_ERR_NO_ERROR;
    headers = keeps ? rd_kafka_headers_copy(kept) : rd_kafka_headers_new(8);
    add_text(headers, class_header, error_class);
    add_text(headers, message_header, reason);
    add_text(headers, topic_header, rd_kafka_topic_name(request->rkt));
    add_number(headers, partition_header, request->partition);
    add_number(headers, offset_header, request->offset);
    add_number(headers, timestamp_header, rd_kafka_message_timestamp(request, NULL));
    add_text(headers, processor_header, processor);
    if (part->bare || part->size < request->len)
        add_number(headers, size_header, (int64_t)request->len);
    return headers;
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

static struct weft_text get_text(const rd_kafka_headers_t *headers, const char *name)
{
    const void *value;
    size_t size;
    if (rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR || !value)
        return (struct weft_text){0};
    return (struct weft_text){value, size};
}

void weft_deadletter_read(const rd_kafka_headers_t *headers, struct weft_deadletter *letter)
{
    *letter = (struct weft_deadletter){.partition = -1, .offset = -1, .timestamp_ms = -1, .value_size = -1};
    if (!headers)
        return;
    int64_t number;
    letter->error_class = get_text(headers, class_header);
    letter->reason = get_text(headers, message_header);
    letter->processor = get_text(headers, processor_header);
    letter->topic = get_text(headers, topic_header);
    if (get_number(headers, partition_header, INT32_MAX, &number))
        letter->partition = (int32_t)number;
    if (get_number(headers, offset_header, INT64_MAX, &number))
        letter->offset = number;
    if (get_number(headers, timestamp_header, INT64_MAX, &number))
        letter->timestamp_ms = number;
    if (get_number(headers, size_header, INT64_MAX, &number))
        letter->value_size = number;
    if (get_number(headers, attempt_header, INT32_MAX - 1, &number))
        letter->attempt = (int32_t)number;
    letter->has_source = letter->topic.size > 0 && letter->partition >= 0 && letter->offset >= 0;
}

bool weft_deadletter_source(const rd_kafka_message_t *letter, const char **topic, size_t *topic_size,
                            int32_t *partition, int64_t *offset)
{
    rd_kafka_headers_t *headers;
    struct weft_deadletter read;
    if (rd_kafka_message_headers(letter, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    weft_deadletter_read(headers, &read);
    *topic = read.topic.at;
    *topic_size = read.topic.size;
    *partition = read.partition;
    *offset = read.offset;
    return read.has_source;
}

rd_kafka_headers_t *weft_deadletter_original(const rd_kafka_headers_t *headers, int32_t attempt)
{
    static const char *const added[] = {class_header,     message_header, topic_header,
                                        partition_header, offset_header,  timestamp_header,
                                        processor_header, size_header,    attempt_header};
    rd_kafka_headers_t *original = rd_kafka_headers_copy(headers);
    for (size_t i = 0; original && i < sizeof added / sizeof *added; i++)
        rd_kafka_header_remove(original, added[i]);
    if (original)
        add_number(original, attempt_header, attempt);
    return original;
}

bool weft_deadletter_is_receipt(const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;
    return rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
           rd_kafka_header_get_last(headers, receipt_header, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_headers_t *weft_deadletter_receipt(const int64_t *offsets, size_t count)
{
    char *text = malloc(count * RANGE_SIZE + 1);
    rd_kafka_headers_t *headers = rd_kafka_headers_new(1);
    size_t size = 0, next;
    for (size_t i = 0; text && i < count; i = next) {
        for (next = i + 1; next < count && offsets[next] == offsets[next - 1] + 1;)
            next++;
        size += (size_t)snprintf(text + size, RANGE_SIZE + 1, "%s%" PRId64, i ? "," : "", offsets[i]);
        if (next > i + 1)
            size += (size_t)snprintf(text + size, RANGE_SIZE + 1, "-%" PRId64, offsets[next - 1]);
    }
    bool added = text && headers && !rd_kafka_header_add(headers, receipt_header, -1, text, (ssize_t)size);
    free(text);
    if (added || !headers)
        return headers;
    rd_kafka_headers_destroy(headers);
    return NULL;
}

/* Reads digits and moves behind them. */
static bool take_offset(struct weft_text *text, int64_t *offset)
{
    size_t used = 0;
    for (*offset = 0; used < text->size && text->at[used] >= '0' && text->at[used] <= '9'; used++) {
        int digit = text->at[used] - '0';
        if (*offset > (INT64_MAX - digit) / 10)
            return false;
        *offset = *offset * 10 + digit;
    }
    if (used == 0) /* perhaps there is no text at all */
        return false;
    text->at += used;
    text->size -= used;
    return true;
}

static bool take_mark(struct weft_text *text, char mark)
{
    if (text->size == 0 || *text->at != mark)
        return false;
    text->at++;
    text->size--;
    return true;
}

int weft_deadletter_read_receipt(const rd_kafka_headers_t *headers,
                                 void (*each)(int64_t first, int64_t last, void *arg), void *arg,
                                 struct weft_error *err)
{
    int64_t first, last;
    struct weft_text text = get_text(headers, receipt_header);
    do {
        bool good = take_offset(&text, &first);
        last = first;
        if (good && take_mark(&text, '-'))
            good = take_offset(&text, &last);
        if (!good || last < first)
            return weft_error_set(err, WEFT_ERROR_CORRUPT, "the receipt's header %s is no list of offsets",
                                  receipt_header);
        each(first, last, arg);
    } while (take_mark(&text, ','));
    if (text.size > 0)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the receipt's header %s is no list of offsets", receipt_header);
    return 0;
}
