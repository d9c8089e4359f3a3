/* The envelope: a Kafka record as a Pub/Sub message and back, bit by bit. Knows neither client.
 *
 * The value is the message's data. All else is in attributes, readable where it can be read:
 *
 *     kafka.topic, kafka.partition, kafka.offset, kafka.timestamp (ms)   always: they tell a repeat
 *     kafka.key           the key, if it is text; otherwise kafka.key.base64
 *     kafka.value         "null" for a null value, which no data can tell from an empty one
 *     NAME                a header whose name and value are text and whose name comes once
 *     kafka.headers       all headers in their order: NAME (the value is in the attribute of that name), NAME=BASE64,
 *                         or NAME~ for a null; names percent-encoded, separated by commas
 *     weft.path           where the message has been (path.h)
 *
 * Text is UTF-8 without zero bytes. What is longer than one attribute may be goes on in NAME.1, NAME.2 and so on.
 * docs/bridge.md explains it to those who write such messages themselves. */
#ifndef WEFT_BRIDGE_ENVELOPE_H
#define WEFT_BRIDGE_ENVELOPE_H

#include "base/error.h"
#include "pubsub-bridge/arena.h"
#include "pubsub-bridge/pubsub.pb-c.h"
#include "pubsub-bridge/record.h"

/* Pub/Sub's limits: https://cloud.google.com/pubsub/quotas#resource_limits */
enum {
    WEFT_PUBSUB_MESSAGE_MAX = 9900000, /* of 10 MB a request, which also names the topic */
    WEFT_PUBSUB_ATTRIBUTES_MAX = 100,
    WEFT_PUBSUB_NAME_MAX = 256, /* bytes of an attribute's name, its value, an ordering key */
    WEFT_PUBSUB_VALUE_MAX = 1024,
    WEFT_PUBSUB_ORDERING_KEY_MAX = 1024,
};

/* The message for a record; place is where the record lies, for its path. The message and what it points at live in
 * the arena, or are the record's. WEFT_ERROR_CORRUPT: Pub/Sub cannot hold it, *err says why. */
Pubsub__Message *weft_envelope_seal(const struct weft_record *record, const char *place, struct weft_arena *arena,
                                    struct weft_error *err);

/* The record in a message; place is the topic that the message came from, for its path. One that was never a Kafka
 * record gives what is natural: its ordering key as key, its attributes as headers, its time of publication as
 * timestamp. Topic NULL, partition and offset -1 where the message tells none. WEFT_ERROR_CORRUPT: attributes of ours
 * that nobody of ours has written. */
int weft_envelope_open(const Pubsub__Message *message, const char *place, struct weft_arena *arena,
                       struct weft_record *record, struct weft_error *err);

/* The message's attribute of this name, or NULL. */
const char *weft_envelope_attribute(const Pubsub__Message *message, const char *name);

/* The value of the record's last header of this name; data is NULL where there is none. */
struct weft_bytes weft_record_header_value(const struct weft_record *record, const char *name);

#endif
