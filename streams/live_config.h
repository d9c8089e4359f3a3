/* The settings that a topic has on the cluster. */
#ifndef WEFT_STREAMS_LIVE_CONFIG_H
#define WEFT_STREAMS_LIVE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "streams/client.h"

struct weft_live_setting {
    char *name, *value; /* value is NULL where the cluster hides it */
    bool set;           /* for this topic, rather than for the broker or by default */
};

struct weft_live_config {
    struct weft_live_setting *list;
    size_t count;
};

int weft_live_config_read(struct weft_client *client, const char *topic, int timeout_ms,
                          struct weft_live_config *config, struct weft_error *err);
void weft_live_config_clear(struct weft_live_config *config);

/* NULL: the cluster knows no such setting. */
const struct weft_live_setting *weft_live_config_find(const struct weft_live_config *config, const char *name);

#endif
