/* Where the frame of a Kafka message's value stands: before the body, or in a header (schemas/framing.h). */
#ifndef WEFT_STREAMS_MESSAGE_H
#define WEFT_STREAMS_MESSAGE_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>

#include "base/error.h"
#include "schemas/framing.h"

/* The frame's bytes where they stand in a header, of which the last counts; NULL where there is none. They are the
 * message's. */
const void *weft_message_frame_header(const rd_kafka_message_t *message, size_t *size);

/* Reads the frame, wherever it stands; it points into the message. Errors as weft_frame_read_header. */
int weft_message_frame(const rd_kafka_message_t *message, struct weft_frame *frame, struct weft_error *err);

#endif
