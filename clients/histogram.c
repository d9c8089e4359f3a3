#include "clients/histogram.h"

#include <math.h>

static int bucket_of(uint64_t value)
{
    if (value < 64)
        return (int)value;
    int power = 63 - __builtin_clzll(value);
    return 64 + (power - 6) * 32 + (int)(value >> (power - 5) & 31);
}

static int64_t bucket_end(int bucket)
{
    if (bucket < 64)
        return bucket;
    int power = 6 + (bucket - 64) / 32;
    uint64_t after = (uint64_t)(32 + (bucket - 64) % 32 + 1) << (power - 5);
    return (int64_t)(after - 1);
}

void weft_histogram_add(struct weft_histogram *histogram, int64_t value)
{
    if (value < 0)
        value = 0;
    histogram->count++;
    histogram->buckets[bucket_of((uint64_t)value)]++;
    if (value > histogram->max)
        histogram->max = value;
}

int64_t weft_histogram_percentile(const struct weft_histogram *histogram, double percent)
{
    if (histogram->count == 0)
        return 0;
    double rank = ceil(percent / 100 * (double)histogram->count);
    uint64_t seen = 0;
    for (int i = 0; i < WEFT_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > 0 && (double)seen >= rank)
            return bucket_end(i) < histogram->max ? bucket_end(i) : histogram->max;
    }
    return histogram->max;
}
