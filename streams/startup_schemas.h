/* What the registry knows of a processor's schemas, and whether the model takes the images that come. */
#ifndef WEFT_STREAMS_STARTUP_SCHEMAS_H
#define WEFT_STREAMS_STARTUP_SCHEMAS_H

#include "base/log.h"
#include "base/settings.h"
#include "model/network.h"
#include "streams/processor_settings.h"
#include "streams/startup_report.h"

/* Adds the checks registry, schema.source, schema.sink, with a shadow schema.shadow, and model.input, which reads the
 * source's latest requests. model NULL: it cannot be loaded; source_readable false: there is nothing to read. */
void weft_startup_check_schemas(const struct weft_settings *settings, const struct weft_processor_names *names,
                                const struct weft_network_info *model, bool source_readable, struct weft_log *log,
                                struct weft_startup_report *report);

#endif
