/* Counts whole numbers in buckets as wide as 1/32 of what they count: percentiles of an endless stream in constant
 * memory, at most 3 % too high and exact below 64. (The layout is that of HdrHistogram, with 5 bits of precision.) */
#ifndef WEFT_CLIENTS_HISTOGRAM_H
#define WEFT_CLIENTS_HISTOGRAM_H

#include <stdint.h>

/* 64 buckets of one number each, then 32 for each of the 57 powers of two from 2^6 to 2^62. */
enum { WEFT_HISTOGRAM_BUCKETS = 64 + 57 * 32 };

/* All zero is an empty histogram. */
struct weft_histogram {
    uint64_t count;
    int64_t max;
    uint64_t buckets[WEFT_HISTOGRAM_BUCKETS];
};

/* A negative value counts as 0. */
void weft_histogram_add(struct weft_histogram *histogram, int64_t value);

/* The least value that percent (0..100) of all are not above, rounded up to its bucket's end but never above max;
 * 0 for an empty histogram. */
int64_t weft_histogram_percentile(const struct weft_histogram *histogram, double percent);

#endif
