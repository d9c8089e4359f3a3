#include "pubsub-bridge/offsets.h"

#include <stdlib.h>
#include <string.h>

/* A ring of the records from the first that is open on. */
struct weft_offsets {
    struct entry {
        int64_t offset, read_ms;
        bool done;
    } * ring;
    size_t capacity; /* a power of two */
    size_t first, count, open;
    int64_t next;
    uint64_t passed;
};

enum { CAPACITY_FIRST = 256 };

struct weft_offsets *weft_offsets_new(void)
{
    struct weft_offsets *offsets = calloc(1, sizeof *offsets);
    if (!offsets)
        return NULL;
    *offsets = (struct weft_offsets){
        .ring = malloc(CAPACITY_FIRST * sizeof *offsets->ring), .capacity = CAPACITY_FIRST, .next = -1};
    if (offsets->ring)
        return offsets;
    free(offsets);
    return NULL;
}

void weft_offsets_destroy(struct weft_offsets *offsets)
{
    if (!offsets)
        return;
    free(offsets->ring);
    free(offsets);
}

static struct entry *at(const struct weft_offsets *offsets, size_t index)
{
    return &offsets->ring[(offsets->first + index) & (offsets->capacity - 1)];
}

static bool grow(struct weft_offsets *offsets)
{
    struct entry *ring = malloc(2 * offsets->capacity * sizeof *ring);
    if (!ring)
        return false;
    for (size_t i = 0; i < offsets->count; i++)
        ring[i] = *at(offsets, i);
    free(offsets->ring);
    offsets->ring = ring;
    offsets->capacity *= 2;
    offsets->first = 0;
    return true;
}

bool weft_offsets_read(struct weft_offsets *offsets, int64_t offset, int64_t now_ms)
{
    if (offsets->count == offsets->capacity && !grow(offsets))
        return false;
    if (offsets->next < 0)
        offsets->next = offset;
    *at(offsets, offsets->count++) = (struct entry){.offset = offset, .read_ms = now_ms};
    offsets->open++;
    return true;
}

void weft_offsets_done(struct weft_offsets *offsets, int64_t offset)
{
    size_t low = 0, high = offsets->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (at(offsets, middle)->offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == offsets->count || at(offsets, low)->offset != offset || at(offsets, low)->done)
        return;
    at(offsets, low)->done = true;
    offsets->open--;
    for (; offsets->count > 0 && at(offsets, 0)->done; offsets->count--) {
        offsets->next = at(offsets, 0)->offset + 1;
        offsets->passed++;
        offsets->first = (offsets->first + 1) & (offsets->capacity - 1);
    }
}

size_t weft_offsets_open(const struct weft_offsets *offsets)
{
    return offsets->open;
}

int64_t weft_offsets_next(const struct weft_offsets *offsets)
{
    return offsets->next;
}

uint64_t weft_offsets_passed(const struct weft_offsets *offsets)
{
    return offsets->passed;
}

int64_t weft_offsets_oldest_ms(const struct weft_offsets *offsets)
{
    return offsets->count ? at(offsets, 0)->read_ms : INT64_MAX;
}
