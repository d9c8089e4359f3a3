/* A topic that is written to, and what it takes, as far as that has shown.
 *
 * A broker refuses a batch of records that is larger than the topic's max.message.bytes, all its records alike, and
 * says neither which of them is at fault nor what would fit; asking for the topic's configuration needs a right of its
 * own. So the outlet learns from refusals: of several records together, that fewer have to go at once; of one alone,
 * that one of its size is not to be tried again; and of one without a key, that a compacted topic takes none such.
 * Sizes are those before compression. */
#ifndef WEFT_STREAMS_OUTLET_H
#define WEFT_STREAMS_OUTLET_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct weft_outlet {
    rd_kafka_topic_t *topic;            /* owned */
    size_t record_max, batch_max;       /* bytes */
    bool needs_key;                     /* of each record */
    size_t queued;                      /* bytes since the queue was last flushed */
    size_t refused_count, refused_size; /* records, bytes: refused as too large since the last weft_outlet_learn */
    bool refused_keyless;               /* likewise, a record without a key as not valid */
};

/* The bytes of key, value and headers (may be NULL). */
size_t weft_outlet_record_size(size_t key_size, size_t value_size, const rd_kafka_headers_t *headers);

/* Takes the topic, which may be NULL: then nothing is written to it, and it learns nothing. */
void weft_outlet_init(struct weft_outlet *outlet, rd_kafka_topic_t *topic);
void weft_outlet_clear(struct weft_outlet *outlet);

/* Whether the queue has to be flushed before a record of this size is put into it. */
bool weft_outlet_is_full(const struct weft_outlet *outlet, size_t size);

/* To be told of every record of its topic that was refused as too large. */
void weft_outlet_refused(struct weft_outlet *outlet, size_t size);

/* Draws the conclusion from what was refused. Gives false when nothing was; else *err says what will be different. */
bool weft_outlet_learn(struct weft_outlet *outlet, struct weft_error *err);

/* For the outlets of one producer. To be told of every delivery that failed: what was refused is noted at the outlet of
 * its topic. */
void weft_outlets_failed(struct weft_outlet *outlets, size_t count, const rd_kafka_message_t *message);

/* Nothing is queued any more. */
void weft_outlets_flushed(struct weft_outlet *outlets, size_t count);

/* Whether any of them has learned something. */
bool weft_outlets_learn(struct weft_outlet *outlets, size_t count, struct weft_error *err);

#endif
