/* Fetches the request that a result names as its source: topic, partition, offset. */
#ifndef WEFT_CLIENTS_ORIGIN_H
#define WEFT_CLIENTS_ORIGIN_H

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "schemas/registry.h"
#include "schemas/request.h"
#include "schemas/result.h"

struct weft_origin;

/* settings and registry are borrowed and must outlive it; log is borrowed and may be NULL. Connects at the first fetch.
 */
struct weft_origin *weft_origin_new(const struct weft_settings *settings, struct weft_registry *registry,
                                    struct weft_log *log, struct weft_error *err);
void weft_origin_destroy(struct weft_origin *origin); /* accepts NULL */

/* Reads the one record. request points into it and is valid until the next call. WEFT_ERROR_UNAVAILABLE when it does
 * not come within timeout_ms, as when it has been deleted since. */
int weft_origin_fetch(struct weft_origin *origin, const struct weft_result *result, int timeout_ms,
                      struct weft_request *request, struct weft_error *err);

#endif
