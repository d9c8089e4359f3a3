/* How far a partition may be committed: up to the first record that is not done with. Records may be done with in any
 * order. */
#ifndef WEFT_BRIDGE_OFFSETS_H
#define WEFT_BRIDGE_OFFSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weft_offsets;

struct weft_offsets *weft_offsets_new(void);             /* of one partition; NULL when memory is short */
void weft_offsets_destroy(struct weft_offsets *offsets); /* accepts NULL */

/* A record that has been read, now; offsets grow, not always by one. False when memory is short. */
bool weft_offsets_read(struct weft_offsets *offsets, int64_t offset, int64_t now_ms);

/* A record that is done with: one that was read, once. */
void weft_offsets_done(struct weft_offsets *offsets, int64_t offset);

/* How many have been read and are not done with. */
size_t weft_offsets_open(const struct weft_offsets *offsets);

/* The offset to commit, that of the next record to be read after a restart; -1 when nothing has been read yet. */
int64_t weft_offsets_next(const struct weft_offsets *offsets);

/* How many of those that have been read lie before it. */
uint64_t weft_offsets_passed(const struct weft_offsets *offsets);

/* When the record there was read; INT64_MAX where none is open. */
int64_t weft_offsets_oldest_ms(const struct weft_offsets *offsets);

#endif
