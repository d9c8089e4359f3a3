/* What a processor tells of itself: who it is, what its start waits for, its models, and what its workers tell.
 *
 * Made before the processor starts and destroyed after it has gone, so that whoever asks needs neither the processor
 * nor its locks. The functions of the processor accept NULL and then do nothing. */
#ifndef WEFT_STREAMS_PROCESSOR_METRICS_H
#define WEFT_STREAMS_PROCESSOR_METRICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/metrics.h"
#include "base/settings.h"
#include "model/network.h"
#include "streams/worker_metrics.h"

struct weft_processor_metrics;

/* name and settings are borrowed. */
struct weft_processor_metrics *weft_processor_metrics_new(const char *name, const struct weft_settings *settings,
                                                          struct weft_error *err);
void weft_processor_metrics_destroy(struct weft_processor_metrics *metrics); /* accepts NULL */

/* For the processor. what: what its start waits for, in words, a constant; NULL once it has started. */
void weft_processor_metrics_awaits(struct weft_processor_metrics *metrics, const char *what);
/* The model that serves in a role ("main", "canary", "shadow", a constant) from now on. */
void weft_processor_metrics_model(struct weft_processor_metrics *metrics, const char *role,
                                  const struct weft_network_info *info);
/* index from 0 to the setting workers, exclusively; valid until the metrics are destroyed. */
struct weft_worker_metrics *weft_processor_metrics_worker(struct weft_processor_metrics *metrics, int index);

const char *weft_processor_metrics_name(const struct weft_processor_metrics *metrics);

/* For whoever asks, in any thread. Not ready: the reason, in words. */
bool weft_processor_metrics_ready(struct weft_processor_metrics *metrics, char *reason, size_t size);
void weft_processor_metrics_write(struct weft_processor_metrics *metrics, struct weft_metrics_page *page);
json_t *weft_processor_metrics_info(struct weft_processor_metrics *metrics); /* a new reference */

#endif
