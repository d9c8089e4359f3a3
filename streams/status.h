/* The status endpoint of a process that runs processors: what they tell of themselves, behind base/status_server.
 *
 *     struct weft_status *status = weft_status_new(settings, log, &err);
 *     weft_status_add(status, "predict", settings, &err);
 *     weft_status_start(status, &err);
 *     config.metrics = weft_status_processor(status, 0);
 *     ... weft_processor_start(&config, &err) ...
 *
 * Without the setting status.listen there is nothing to listen at: weft_status_processor gives NULL, and nothing is
 * measured. */
#ifndef WEFT_STREAMS_STATUS_H
#define WEFT_STREAMS_STATUS_H

#include <stddef.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "streams/processor_metrics.h"

struct weft_status;

/* settings are the process's; they and the log are borrowed. */
struct weft_status *weft_status_new(const struct weft_settings *settings, struct weft_log *log, struct weft_error *err);

/* Adds a processor, before the start; name and settings are borrowed, the metrics belong to the status. */
int weft_status_add(struct weft_status *status, const char *name, const struct weft_settings *settings,
                    struct weft_error *err);

/* The index-th that was added, or NULL where there is no endpoint. */
struct weft_processor_metrics *weft_status_processor(struct weft_status *status, size_t index);

/* Begins to answer; nothing where there is no endpoint. WEFT_ERROR_CONFIG for an address that cannot be used. */
int weft_status_start(struct weft_status *status, struct weft_error *err);

/* Says that the watchdog lives. From the first time on, to be called every few seconds. */
void weft_status_beat(struct weft_status *status);

/* Ends the answers first. After the processors are gone. Accepts NULL. */
void weft_status_destroy(struct weft_status *status);

#endif
