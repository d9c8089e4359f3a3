#include "pubsub-bridge/lanes.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct weft_lane {
    struct weft_lane_item *first, **last;
    struct weft_lane_batch *redo, **redo_last; /* split ones, to be given out before the items */
    struct weft_lane *next_ready;
    size_t out; /* batches given out, those that wait to be given out again among them */
    bool ready; /* in the queue of lanes that may send */
    size_t key_size;
    const void *key; /* the lane's own bytes, but for a lane that is looked for */
    unsigned char bytes[];
};

struct weft_lanes {
    struct weft_lanes_limits limits;
    void *tree; /* of lanes by key */
    struct weft_lane *ready, **ready_last;
    struct weft_lane_batch *waiting; /* put back; the first due first */
    size_t items, bytes, out;
};

struct weft_lanes *weft_lanes_new(const struct weft_lanes_limits *limits)
{
    struct weft_lanes *lanes = calloc(1, sizeof *lanes);
    if (!lanes)
        return NULL;
    lanes->limits = *limits;
    lanes->ready_last = &lanes->ready;
    return lanes;
}

typedef void drop_fn(struct weft_lane_item *item);

static void free_batches(struct weft_lane_batch *batch, drop_fn *drop)
{
    while (batch) {
        struct weft_lane_batch *next = batch->next;
        for (size_t i = 0; drop && i < batch->count; i++)
            drop(batch->items[i]);
        free(batch);
        batch = next;
    }
}

static void free_lane(struct weft_lane *lane, drop_fn *drop)
{
    free_batches(lane->redo, drop);
    for (struct weft_lane_item *item = lane->first; item;) {
        struct weft_lane_item *next = item->next;
        if (drop)
            drop(item);
        item = next;
    }
    free(lane);
}

static int by_key(const void *a, const void *b)
{
    const struct weft_lane *x = a, *y = b;
    if (x->key_size != y->key_size)
        return x->key_size < y->key_size ? -1 : 1;
    return x->key_size ? memcmp(x->key, y->key, x->key_size) : 0;
}

void weft_lanes_destroy(struct weft_lanes *lanes, drop_fn *drop)
{
    if (!lanes)
        return;
    free_batches(lanes->waiting, drop);
    while (lanes->tree) {
        struct weft_lane *lane = *(struct weft_lane **)lanes->tree;
        tdelete(lane, &lanes->tree, by_key);
        free_lane(lane, drop);
    }
    free(lanes);
}

static struct weft_lane *lane_of(struct weft_lanes *lanes, const void *key, size_t key_size)
{
    const struct weft_lane wanted = {.key = key, .key_size = key_size};
    struct weft_lane **found = tfind(&wanted, &lanes->tree, by_key);
    if (found)
        return *found;
    struct weft_lane *lane = malloc(sizeof *lane + key_size);
    if (!lane)
        return NULL;
    *lane = (struct weft_lane){.key = lane->bytes, .key_size = key_size};
    lane->last = &lane->first;
    lane->redo_last = &lane->redo;
    if (key_size)
        memcpy(lane->bytes, key, key_size);
    if (tsearch(lane, &lanes->tree, by_key))
        return lane;
    free(lane);
    return NULL;
}

static void make_ready(struct weft_lanes *lanes, struct weft_lane *lane)
{
    if (lane->ready || lane->out >= lanes->limits.lane_batches || (!lane->first && !lane->redo))
        return;
    lane->ready = true;
    lane->next_ready = NULL;
    *lanes->ready_last = lane;
    lanes->ready_last = &lane->next_ready;
}

bool weft_lanes_add(struct weft_lanes *lanes, const void *key, size_t key_size, struct weft_lane_item *item)
{
    struct weft_lane *lane = lane_of(lanes, key, key_size);
    if (!lane)
        return false;
    item->next = NULL;
    *lane->last = item;
    lane->last = &item->next;
    lanes->items++;
    lanes->bytes += item->size;
    make_ready(lanes, lane);
    return true;
}

static struct weft_lane_batch *new_batch(struct weft_lane *lane, size_t count)
{
    struct weft_lane_batch *batch = malloc(sizeof *batch + count * sizeof *batch->items);
    if (batch)
        *batch = (struct weft_lane_batch){.lane = lane, .count = count};
    return batch;
}

/* The lane's next items, as many as a batch takes. */
static struct weft_lane_batch *fill_batch(const struct weft_lanes *lanes, struct weft_lane *lane)
{
    size_t count = 0, bytes = 0;
    for (struct weft_lane_item *item = lane->first; item && count < lanes->limits.batch_items; item = item->next) {
        bytes += item->size;
        if (count > 0 && bytes > lanes->limits.batch_bytes)
            break;
        count++;
    }
    struct weft_lane_batch *batch = new_batch(lane, count);
    for (size_t i = 0; batch && i < count; i++) {
        batch->items[i] = lane->first;
        batch->bytes += lane->first->size;
        lane->first = lane->first->next;
    }
    if (!lane->first)
        lane->last = &lane->first;
    return batch;
}

static struct weft_lane_batch *next_of_lane(const struct weft_lanes *lanes, struct weft_lane *lane)
{
    struct weft_lane_batch *batch = lane->redo;
    if (!batch)
        return fill_batch(lanes, lane);
    lane->redo = batch->next;
    if (!lane->redo)
        lane->redo_last = &lane->redo;
    return batch;
}

struct weft_lane_batch *weft_lanes_take(struct weft_lanes *lanes, int64_t now_ms)
{
    struct weft_lane_batch *batch = lanes->waiting;
    if (batch && batch->due_ms <= now_ms) {
        lanes->waiting = batch->next;
        batch->attempts++;
        return batch;
    }
    struct weft_lane *lane = lanes->ready;
    if (!lane || lanes->out >= lanes->limits.batches)
        return NULL;
    batch = next_of_lane(lanes, lane);
    if (!batch)
        return NULL;
    lanes->ready = lane->next_ready;
    if (!lanes->ready)
        lanes->ready_last = &lanes->ready;
    lane->ready = false;
    batch->attempts++;
    lane->out++;
    lanes->out++;
    make_ready(lanes, lane);
    return batch;
}

void weft_lanes_drop(struct weft_lanes *lanes, struct weft_lane_batch *batch, size_t index)
{
    lanes->bytes -= batch->items[index]->size;
    batch->bytes -= batch->items[index]->size;
    lanes->items--;
    batch->count--;
    memmove(batch->items + index, batch->items + index + 1, (batch->count - index) * sizeof *batch->items);
}

void weft_lanes_done(struct weft_lanes *lanes, struct weft_lane_batch *batch)
{
    struct weft_lane *lane = batch->lane;
    lanes->bytes -= batch->bytes;
    lanes->items -= batch->count;
    lanes->out--;
    lane->out--;
    free(batch);
    make_ready(lanes, lane);
    if (lane->ready || lane->out > 0)
        return;
    tdelete(lane, &lanes->tree, by_key);
    free(lane);
}

void weft_lanes_put_back(struct weft_lanes *lanes, struct weft_lane_batch *batch, int64_t due_ms)
{
    struct weft_lane_batch **at = &lanes->waiting;
    while (*at && (*at)->due_ms <= due_ms)
        at = &(*at)->next;
    batch->due_ms = due_ms;
    batch->next = *at;
    *at = batch;
}

bool weft_lanes_split(struct weft_lanes *lanes, struct weft_lane_batch *batch)
{
    struct weft_lane *lane = batch->lane;
    struct weft_lane_batch *singles = NULL, **last = &singles;
    for (size_t i = 0; i < batch->count; i++) {
        *last = new_batch(lane, 1);
        if (!*last)
            goto fail;
        (*last)->items[0] = batch->items[i];
        (*last)->bytes = batch->items[i]->size;
        last = &(*last)->next;
    }
    /* A lane in order has no other redo; in one without order it does not matter which comes first. */
    *lane->redo_last = singles;
    lane->redo_last = last;
    lane->out--;
    lanes->out--;
    free(batch);
    make_ready(lanes, lane);
    return true;
fail:
    free_batches(singles, NULL);
    return false;
}

size_t weft_lanes_items(const struct weft_lanes *lanes)
{
    return lanes->items;
}

size_t weft_lanes_bytes(const struct weft_lanes *lanes)
{
    return lanes->bytes;
}

size_t weft_lanes_out(const struct weft_lanes *lanes)
{
    return lanes->out;
}

int64_t weft_lanes_due_ms(const struct weft_lanes *lanes)
{
    return lanes->waiting ? lanes->waiting->due_ms : INT64_MAX;
}
