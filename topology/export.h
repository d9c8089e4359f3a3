/* A topology file made of what a cluster has, to start from. */
#ifndef WEFT_TOPOLOGY_EXPORT_H
#define WEFT_TOPOLOGY_EXPORT_H

#include <stdio.h>

#include "base/log.h"
#include "base/settings.h"

struct weft_export {
    const char *name;            /* of the topology */
    const char *const *patterns; /* of topics, as a shell has them; none: all but those that begin with '_' */
    size_t pattern_count;
    const char *schema_folder; /* the latest schemas of the topics' keys and values are written there; NULL: none */
};

/* Writes the file to out, and nothing before all has been asked for. WEFT_ERROR_CONFIG when no topic is meant. */
int weft_topology_export(const struct weft_export *export, const struct weft_settings *settings, struct weft_log *log,
                         FILE *out, struct weft_error *err);

#endif
