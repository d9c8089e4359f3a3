/* What waits to be published, in lanes: within a lane in order, lanes beside one another. Pure: knows neither gRPC nor
 * Kafka.
 *
 * A batch that fails is put back and given out again before anything that follows in its lane, which is how a failed
 * ordering key is resent in order and then goes on. */
#ifndef WEFT_BRIDGE_LANES_H
#define WEFT_BRIDGE_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weft_lanes;

/* To be embedded in what is published. */
struct weft_lane_item {
    struct weft_lane_item *next;
    size_t size; /* bytes, about */
};

struct weft_lane_batch {
    struct weft_lane *lane;
    struct weft_lane_batch *next; /* of those to be given out again */
    int64_t due_ms;
    int attempts; /* how often it has been given out */
    size_t bytes, count;
    struct weft_lane_item *items[]; /* in order */
};

struct weft_lanes_limits {
    size_t batch_items, batch_bytes; /* of one batch; an item that is larger has a batch of its own */
    size_t lane_batches;             /* of one lane out at once: 1 keeps its order */
    size_t batches;                  /* of all lanes */
};

struct weft_lanes *weft_lanes_new(const struct weft_lanes_limits *limits);

/* Gives the items that are left to drop, which may be NULL. No batch may be out but those put back. Accepts NULL. */
void weft_lanes_destroy(struct weft_lanes *lanes, void (*drop)(struct weft_lane_item *item));

/* Puts an item at the end of the lane of this key. False when memory is short. */
bool weft_lanes_add(struct weft_lanes *lanes, const void *key, size_t key_size, struct weft_lane_item *item);

/* The next batch that may be sent, or NULL: nothing waits, or what waits must wait on. */
struct weft_lane_batch *weft_lanes_take(struct weft_lanes *lanes, int64_t now_ms);

/* The batch goes without its item of this index, which is done with. */
void weft_lanes_drop(struct weft_lanes *lanes, struct weft_lane_batch *batch, size_t index);

/* The batch is done with, and freed. */
void weft_lanes_done(struct weft_lanes *lanes, struct weft_lane_batch *batch);

/* The batch is to be given out again at due_ms, and nothing of its lane before it. */
void weft_lanes_put_back(struct weft_lanes *lanes, struct weft_lane_batch *batch, int64_t due_ms);

/* The batch's items are to be given out again at once, each in a batch of its own: to find the one that cannot be
 * published. False when memory is short; the batch is whole then, and still out. */
bool weft_lanes_split(struct weft_lanes *lanes, struct weft_lane_batch *batch);

size_t weft_lanes_items(const struct weft_lanes *lanes); /* waiting and out */
size_t weft_lanes_bytes(const struct weft_lanes *lanes);
size_t weft_lanes_out(const struct weft_lanes *lanes); /* batches */

/* When the first batch that waits is due; INT64_MAX where none waits. */
int64_t weft_lanes_due_ms(const struct weft_lanes *lanes);

#endif
