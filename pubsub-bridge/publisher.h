/* Publishes items to one topic: in batches, in order within a lane, again where that helps.
 *
 * What Pub/Sub may have stored although the call failed is sent again: at least once. */
#ifndef WEFT_BRIDGE_PUBLISHER_H
#define WEFT_BRIDGE_PUBLISHER_H

#include "base/error.h"
#include "base/log.h"
#include "pubsub-bridge/arena.h"
#include "pubsub-bridge/lanes.h"
#include "pubsub-bridge/pubsub.pb-c.h"
#include "pubsub-bridge/rpc.h"

struct weft_publisher;

struct weft_publisher_events {
    /* The item's message, in the arena. NULL with *err: WEFT_ERROR_CORRUPT when it cannot be one, and refused comes
     * next; WEFT_ERROR_NONE when nobody wants it any more, and published comes next. */
    Pubsub__Message *(*message)(struct weft_lane_item *item, struct weft_arena *arena, void *arg,
                                struct weft_error *err);
    /* Each item ends with one of these, and is the caller's again. */
    void (*published)(struct weft_lane_item *item, void *arg);
    void (*refused)(struct weft_lane_item *item, const struct weft_error *why, void *arg);
};

struct weft_publisher_config {
    struct weft_rpc *rpc; /* borrowed, as all is */
    const char *topic;    /* projects/P/topics/T */
    struct weft_lanes_limits limits;
    struct weft_publisher_events events;
    void *arg;
    struct weft_log *log;
};

struct weft_publisher *weft_publisher_new(const struct weft_publisher_config *config, struct weft_error *err);

/* After its rpc. Gives the items that have not ended to drop. Accepts NULL. */
void weft_publisher_destroy(struct weft_publisher *publisher, void (*drop)(struct weft_lane_item *item));

/* Takes the item on, into the lane of this ordering key ("" for none). */
int weft_publisher_add(struct weft_publisher *publisher, const char *ordering_key, struct weft_lane_item *item,
                       struct weft_error *err);

/* Starts what may start; to be called after adding, and after serving the rpc. -1 with *err once publishing cannot go
 * on: no such topic, no right. */
int weft_publisher_pump(struct weft_publisher *publisher, struct weft_error *err);

/* How long the rpc may be served before there is something to start, at most max_ms. */
int weft_publisher_wait_ms(const struct weft_publisher *publisher, int max_ms);

struct weft_publisher_counts {
    uint64_t published, refused, repeated; /* messages; repeated: sent more than once */
    size_t items, bytes;                   /* taken on and not ended */
};

void weft_publisher_counts(const struct weft_publisher *publisher, struct weft_publisher_counts *counts);

#endif
