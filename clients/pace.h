/* Spreads work evenly over time: when the next item of a steady rate is due. */
#ifndef WEFT_CLIENTS_PACE_H
#define WEFT_CLIENTS_PACE_H

#include <stdint.h>

struct weft_pace {
    double per_second; /* 0: no limit */
    int64_t started_ns;
};

/* Milliseconds to wait before the item number done (from 0), 0 when it is due within one. Items that come late do not
 * move those after them: the rate holds over the whole. */
static inline int weft_pace_wait_ms(const struct weft_pace *pace, uint64_t done, int64_t now_ns)
{
    if (pace->per_second <= 0)
        return 0;
    double wait_ms = (double)done / pace->per_second * 1e3 - (double)(now_ns - pace->started_ns) / 1e6;
    if (wait_ms < 1)
        return 0;
    return wait_ms > 3600e3 ? 3600000 : (int)wait_ms;
}

#endif
