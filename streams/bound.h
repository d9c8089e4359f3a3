/* Where a part of a topic begins or ends, as people say it:
 *
 *     beginning, end                  of what the topic holds
 *     1200                            this offset, in every partition
 *     0:1200,3:800                    an offset of each partition that is named; the others are left out
 *     2026-03-01T12:00:00Z            the first record as late as that; a date alone is its first moment
 *
 * Times without a zone are UTC. Knows no Kafka. */
#ifndef WEFT_STREAMS_BOUND_H
#define WEFT_STREAMS_BOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { WEFT_BOUND_SIZE = 512 };

enum weft_bound_kind { WEFT_BOUND_BEGINNING, WEFT_BOUND_END, WEFT_BOUND_OFFSET, WEFT_BOUND_LIST, WEFT_BOUND_TIME };

struct weft_bound {
    enum weft_bound_kind kind;
    int64_t value; /* the offset; the time in milliseconds since 1970 */
    char text[WEFT_BOUND_SIZE];
};

/* WEFT_ERROR_USAGE for what is none of these; option names it in the message. */
int weft_bound_parse(const char *text, const char *option, struct weft_bound *bound, struct weft_error *err);

/* Whether the bound speaks of the partition; *offset is filled for those of kind OFFSET and LIST. */
bool weft_bound_offset(const struct weft_bound *bound, int32_t partition, int64_t *offset);

/* What the cluster says of a partition: the offsets [first, end) are there; at_from and at_to are those of the bounds'
 * times, where they are times. */
struct weft_bound_partition {
    int64_t first, end;
    int64_t at_from, at_to;
};

/* The offsets [*from, *to) of the partition that lie between the bounds and are there, and how many that were asked for
 * are not: taken by retention. With a time it is not known how old those were, so these are all that are gone. False
 * when the partition is left out. */
bool weft_bound_range(const struct weft_bound *begin, const struct weft_bound *end, int32_t partition,
                      const struct weft_bound_partition *live, int64_t *from, int64_t *to, int64_t *deleted);

#endif
