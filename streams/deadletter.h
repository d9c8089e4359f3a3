/* Dead letters: requests that cannot be answered, kept as they came together with the reason.
 *
 * A dead letter has the request's key, value and headers, and the headers weft.error.class, weft.error.message,
 * weft.source.topic, .partition, .offset, .timestamp and weft.processor; weft.value.size when only a part of the value
 * could be kept. A request that was a dead letter before may have older ones of the same names: the last of a name
 * counts.
 *
 * A dead letter that was sent back to its source (see streams/redrive.h) carries weft.redrive.attempt there, which it
 * keeps when it becomes a dead letter again. That it was sent is written down in its own partition as a receipt: a
 * record with the header weft.redriven, which lists offsets ("4-9,12"). Being younger than the letters it speaks of, a
 * receipt outlives them whatever the topic's retention. */
#ifndef WEFT_STREAMS_DEADLETTER_H
#define WEFT_STREAMS_DEADLETTER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "schemas/result.h"

/* How much of a request goes along in its letter. */
struct weft_deadletter_part {
    size_t size; /* bytes of its value */
    bool bare;   /* neither its key nor its headers */
};

/* For a letter that is too large: half of the value, and when nothing of that is left neither key nor headers. False
 * when there is no less. */
bool weft_deadletter_cut(struct weft_deadletter_part *part);

/* The headers of a letter: the request's, if they go along, and those that say where it stood and why it is a dead
 * letter. The caller owns them. */
rd_kafka_headers_t *weft_deadletter_headers(const rd_kafka_message_t *request, const struct weft_deadletter_part *part,
                                            const char *error_class, const char *reason, const char *processor);

/* What a dead letter says of itself. Texts point into the headers and have no size where nothing is said. */
struct weft_deadletter {
    struct weft_text error_class, reason, processor;
    struct weft_text topic; /* of the request, as the partition, offset and timestamp */
    int32_t partition;      /* -1 where nothing is said, as with the others */
    int64_t offset, timestamp_ms;
    int64_t value_size; /* of the whole value where only a part was kept; else -1 */
    int32_t attempt;    /* how often it was redriven before it became this dead letter */
    bool has_source;    /* topic, partition and offset are known */
};

/* headers may be NULL. */
void weft_deadletter_read(const rd_kafka_headers_t *headers, struct weft_deadletter *letter);

/* Where the request of a dead letter stood. topic points into the message. False when it does not say, or wrongly. */
bool weft_deadletter_source(const rd_kafka_message_t *letter, const char **topic, size_t *topic_size,
                            int32_t *partition, int64_t *offset);

/* The headers of the request that a letter was, with the attempt that sending it is; the caller owns them. NULL when
 * memory is short. */
rd_kafka_headers_t *weft_deadletter_original(const rd_kafka_headers_t *headers, int32_t attempt);

/* Whether a record among the dead letters is a receipt. */
bool weft_deadletter_is_receipt(const rd_kafka_message_t *message);

/* The headers of a receipt for count offsets, ascending; the caller owns them. NULL when memory is short. */
rd_kafka_headers_t *weft_deadletter_receipt(const int64_t *offsets, size_t count);

/* Calls each with the ranges [first, last] of a receipt's list. WEFT_ERROR_CORRUPT when it is none. */
int weft_deadletter_read_receipt(const rd_kafka_headers_t *headers,
                                 void (*each)(int64_t first, int64_t last, void *arg), void *arg,
                                 struct weft_error *err);

#endif
