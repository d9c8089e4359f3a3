/* A square window that moves over an image with steps of one stride. */
#ifndef WEFT_MODEL_TRAIN_WINDOW_H
#define WEFT_MODEL_TRAIN_WINDOW_H

#include <stddef.h>

struct weft_window {
    size_t kernel, stride, padding;
};

/* Output side of a window over size pixels; 0 when it does not fit once. */
static inline size_t weft_window_steps(struct weft_window window, size_t size)
{
    const size_t padded = size + 2 * window.padding;
    return padded < window.kernel ? 0 : (padded - window.kernel) / window.stride + 1;
}

/* What of the window lies inside: pixels first..last-1, the first of them under the window's pixel skipped. */
struct weft_window_part {
    size_t first, last, skipped;
};

static inline struct weft_window_part weft_window_part(struct weft_window window, size_t step, size_t size)
{
    const size_t begin = step * window.stride, end = begin + window.kernel; /* in the padded image */
    if (end <= window.padding || begin >= size + window.padding)
        return (struct weft_window_part){0};
    const size_t skipped = begin < window.padding ? window.padding - begin : 0;
    const size_t last = end - window.padding;
    return (struct weft_window_part){begin + skipped - window.padding, last < size ? last : size, skipped};
}

#endif
