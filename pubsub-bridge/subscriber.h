/* Pulls from one subscription, holds the leases of what it has given out, and acknowledges it.
 *
 *     while ((received = weft_subscriber_next(subscriber)) != NULL) ... keep it ...
 *     ... the work on it is done, for good ...
 *     weft_subscriber_ack(subscriber, received);
 *
 * One thread, that of its rpc. Acknowledgements are calls of their own with an answer, for subscriptions with
 * exactly-once delivery and for others alike. */
#ifndef WEFT_BRIDGE_SUBSCRIBER_H
#define WEFT_BRIDGE_SUBSCRIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "pubsub-bridge/pubsub.pb-c.h"
#include "pubsub-bridge/rpc.h"

struct weft_subscriber;

/* A message under lease; it is the subscriber's, and valid until it is acknowledged or released. */
struct weft_received {
    const Pubsub__Message *message;
    const char *identity;       /* tells it from all others, and its repeats are of the same */
    struct weft_received *next; /* the caller's, to keep lists of them */
};

struct weft_subscriber_config {
    struct weft_rpc *rpc;     /* borrowed, as all is */
    const char *subscription; /* projects/P/subscriptions/S */
    int streams;
    int ack_deadline_s;          /* of a lease, 10 to 600; extended after half of it */
    size_t items_max, bytes_max; /* under lease; nothing more is asked for beyond it */
    struct weft_log *log;
};

/* Pulls from the first pump on. */
struct weft_subscriber *weft_subscriber_new(const struct weft_subscriber_config *config, struct weft_error *err);
void weft_subscriber_destroy(struct weft_subscriber *subscriber); /* after its rpc; accepts NULL */

/* The next message that has come, or NULL. */
struct weft_received *weft_subscriber_next(struct weft_subscriber *subscriber);

/* Done with: it is to be acknowledged. */
void weft_subscriber_ack(struct weft_subscriber *subscriber, struct weft_received *received);

/* Given back, to be delivered again at once. */
void weft_subscriber_release(struct weft_subscriber *subscriber, struct weft_received *received);

/* Opens streams, extends leases, sends acknowledgements: to be called after serving the rpc, at least once a second.
 * -1 with *err once pulling cannot go on: no such subscription, no right. */
int weft_subscriber_pump(struct weft_subscriber *subscriber, struct weft_error *err);

/* Ends the streams and gives all back that is not done with; serves the rpc until all is acknowledged and given back,
 * or the time is over. */
void weft_subscriber_close(struct weft_subscriber *subscriber, int timeout_ms);

struct weft_subscriber_counts {
    uint64_t received, acknowledged;
    size_t items, bytes; /* under lease; items also while their acknowledgement has no answer yet */
    int64_t oldest_ms;   /* how long the oldest has been under lease; 0 where none is */
};

void weft_subscriber_counts(const struct weft_subscriber *subscriber, struct weft_subscriber_counts *counts);

#endif
