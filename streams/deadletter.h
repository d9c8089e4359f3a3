/* Dead letters: requests that cannot be answered, kept as they came together with the reason.
 *
 * A dead letter has the request's key, value and headers, and the headers weft.error.class, weft.error.message,
 * weft.source.topic, .partition, .offset, .timestamp and weft.processor; weft.value.size when only a part of the value
 * could be kept. A request that was a dead letter before has
 * older ones of the same names: the last of a name counts. */
#ifndef WEFT_STREAMS_DEADLETTER_H
#define WEFT_STREAMS_DEADLETTER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Adds the headers that say where the request stood and why it is a dead letter; kept is how many bytes of its value go
 * along. */
void weft_deadletter_describe(rd_kafka_headers_t *headers, const rd_kafka_message_t *request, size_t kept,
                              const char *error_class, const char *reason, const char *processor);

/* Where the request of a dead letter stood. topic points into the message. False when it does not say, or wrongly. */
bool weft_deadletter_source(const rd_kafka_message_t *letter, const char **topic, size_t *topic_size,
                            int32_t *partition, int64_t *offset);

#endif
