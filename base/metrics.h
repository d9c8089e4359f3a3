/* Metrics: counters and histograms that threads keep while they work, and the page of them that a scraper reads, in
 * Prometheus's text format.
 *
 *     weft_counter_add(&metrics->results, count);                   in the one thread that writes it
 *     struct weft_metric *family = weft_metrics_family(page, "weft_results_total", WEFT_METRIC_COUNTER, "Results ...");
 *     weft_metric_sample(family, labels, weft_counter_value(&metrics->results));
 *
 * A counter or histogram has one writing thread; any thread may read it. Nothing locks. */
#ifndef WEFT_BASE_METRICS_H
#define WEFT_BASE_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed memory is a counter at 0. */
struct weft_counter {
    atomic_uint_fast64_t value;
};

static inline uint64_t weft_counter_value(const struct weft_counter *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

/* With one writer a plain load and store are enough; an atomic addition would cost ten times as much. */
static inline void weft_counter_add(struct weft_counter *counter, uint64_t n)
{
    atomic_store_explicit(&counter->value, weft_counter_value(counter) + n, memory_order_relaxed);
}

enum { WEFT_HISTOGRAM_BOUNDS_MAX = 24 };

struct weft_histogram {
    const double *bounds; /* upper bounds, ascending; borrowed */
    size_t bound_count;
    struct weft_counter buckets[WEFT_HISTOGRAM_BOUNDS_MAX + 1]; /* not cumulated; the last is beyond all bounds */
    _Atomic double sum;
};

/* bound_count is at most WEFT_HISTOGRAM_BOUNDS_MAX. */
void weft_histogram_init(struct weft_histogram *histogram, const double *bounds, size_t bound_count);
void weft_histogram_observe(struct weft_histogram *histogram, double value);

enum weft_metric_type { WEFT_METRIC_COUNTER, WEFT_METRIC_GAUGE, WEFT_METRIC_HISTOGRAM };

struct weft_label {
    const char *name, *value; /* name NULL ends a list */
};

struct weft_metrics_page;
struct weft_metric;

/* NULL when memory is short; what follows accepts that, and the text is then NULL. */
struct weft_metrics_page *weft_metrics_page_new(void);
void weft_metrics_page_destroy(struct weft_metrics_page *page);

/* The family of the name, begun where the page has none of it yet. name and help are borrowed for the page's life. */
struct weft_metric *weft_metrics_family(struct weft_metrics_page *page, const char *name, enum weft_metric_type type,
                                        const char *help);

/* labels may be NULL. */
void weft_metric_sample(struct weft_metric *metric, const struct weft_label *labels, double value);

/* One histogram: the sum of several with the same bounds, such as one a thread. count is at least 1. */
void weft_metric_histogram(struct weft_metric *metric, const struct weft_label *labels,
                           const struct weft_histogram *const *parts, size_t count);

/* What every process can say of itself, by the names that Prometheus's own clients use: CPU, memory, descriptors. */
void weft_metrics_process(struct weft_metrics_page *page);

/* The page as text, which the caller frees. */
char *weft_metrics_page_text(struct weft_metrics_page *page, size_t *size);

/* As the Content-Type of the text. */
#define WEFT_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

#endif
