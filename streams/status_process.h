/* What the status endpoint of every program says of its process: versions, start, memory, settings. */
#ifndef WEFT_STREAMS_STATUS_PROCESS_H
#define WEFT_STREAMS_STATUS_PROCESS_H

#include <jansson.h>
#include <stdint.h>

#include "base/metrics.h"
#include "base/settings.h"

/* started_ms is of the wall clock. */
void weft_status_write_process(struct weft_metrics_page *page, int64_t started_ms);

/* A new reference. The list of what the process runs is taken, under its name. */
json_t *weft_status_info(const char *program, int64_t started_ms, const struct weft_settings *settings,
                         const char *name, json_t *list);

#endif
