/* A record of Kafka on its way to Pub/Sub: from its reading until its offset may be committed. */
#ifndef WEFT_BRIDGE_OUTGOING_H
#define WEFT_BRIDGE_OUTGOING_H

#include <librdkafka/rdkafka.h>

#include "pubsub-bridge/arena.h"
#include "pubsub-bridge/lanes.h"
#include "pubsub-bridge/pubsub.pb-c.h"
#include "pubsub-bridge/record.h"
#include "pubsub-bridge/translation.h"

struct weft_outgoing {
    struct weft_lane_item lane; /* the first member, so that the one is the other */
    rd_kafka_message_t *message;
    unsigned assignment;    /* the number of that by which it was read */
    struct weft_bytes json; /* its value in JSON, owned; data is NULL where it goes as it is */
};

/* record is what the message holds. Takes the message, unless memory is short: NULL. */
struct weft_outgoing *weft_outgoing_new(rd_kafka_message_t *message, const struct weft_record *record,
                                        unsigned assignment);
void weft_outgoing_destroy(struct weft_outgoing *outgoing); /* accepts NULL */

/* Makes the value JSON, if it is not null. Errors are those of weft_translation_to_json. */
int weft_outgoing_translate(struct weft_outgoing *outgoing, struct weft_translation *translation,
                            const struct weft_record *record, struct weft_error *err);

/* The message that it becomes, in the arena; place is where it comes from. NULL with an error when Pub/Sub cannot hold
 * it. */
Pubsub__Message *weft_outgoing_seal(const struct weft_outgoing *outgoing, const char *place,
                                    enum weft_topology_order order, struct weft_arena *arena, struct weft_error *err);

#endif
