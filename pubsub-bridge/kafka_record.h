/* What librdkafka has read as a plain record, and back. */
#ifndef WEFT_BRIDGE_KAFKA_RECORD_H
#define WEFT_BRIDGE_KAFKA_RECORD_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "pubsub-bridge/arena.h"
#include "pubsub-bridge/record.h"

/* The record points into the message; the list of its headers is in the arena. False when memory is short. */
bool weft_kafka_record(const rd_kafka_message_t *message, struct weft_arena *arena, struct weft_record *record);

/* The record's headers for the library; the caller owns them. NULL when memory is short. */
rd_kafka_headers_t *weft_kafka_headers(const struct weft_record *record);

#endif
