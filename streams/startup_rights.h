/* Which rights the cluster grants a processor, found out by using them in transactions that are aborted.
 *
 * Kafka has no question for that which a librdkafka before 2.3 could ask. The transactional id is one that no worker
 * has (<group>-<instance>-check), so no instance is fenced; the records are never sent, only announced to the
 * transaction's coordinator, which checks the right to write; the offset is thrown away with its transaction. What is
 * left are the marks of aborted transactions, one offset in a partition of each topic written to. */
#ifndef WEFT_STREAMS_STARTUP_RIGHTS_H
#define WEFT_STREAMS_STARTUP_RIGHTS_H

#include "base/log.h"
#include "base/settings.h"
#include "streams/processor_settings.h"
#include "streams/startup_report.h"

/* The topics must be there. Adds the checks right.transactions, right.group, right.source, right.sink,
 * right.dead_letters and, with a shadow, right.shadow. */
void weft_startup_check_rights(const struct weft_settings *settings, const struct weft_processor_names *names,
                               const char *instance, struct weft_log *log, struct weft_startup_report *report);

#endif
