/* What a processor needs before it can start, looked at all at once: settings, models, brokers, topics, rights, group,
 * registry, schemas. Every check is tried, whatever the others said, so that all that is wrong is seen together.
 *
 * Changes nothing that a reader of committed records could see, and disturbs no instance that runs: see
 * startup_rights.h. */
#ifndef WEFT_STREAMS_STARTUP_CHECK_H
#define WEFT_STREAMS_STARTUP_CHECK_H

#include <stdbool.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "streams/startup_report.h"

struct weft_startup_config {
    const char *processor;
    const struct weft_settings *settings; /* borrowed, as log is */
    struct weft_log *log;
    bool (*stopped)(void *arg); /* asked while a broker is waited for; may be NULL */
    void *arg;
};

/* Waits for a broker up to the setting startup.timeout, and says in the log at once what it waits for. -1 only when
 * stopped said so, with class NONE. */
int weft_startup_check(const struct weft_startup_config *config, struct weft_startup_report *report,
                       struct weft_error *err);

#endif
