/* What there is at Pub/Sub: topics and subscriptions, looked up. */
#ifndef WEFT_BRIDGE_RESOURCE_H
#define WEFT_BRIDGE_RESOURCE_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/error.h"
#include "pubsub-bridge/rpc.h"

enum { WEFT_RESOURCE_NAME_MAX = 384 };

/* What a subscription has for its topic when that has been deleted. */
#define WEFT_RESOURCE_DELETED_TOPIC "_deleted-topic_"

/* The topic of a subscription, projects/P/topics/T. Waits for the service until stop is set. WEFT_ERROR_CONFIG when
 * there is no such subscription, or its topic has been deleted. */
int weft_resource_topic_of(struct weft_rpc *rpc, const char *subscription, char *topic, size_t size,
                           const atomic_bool *stop, struct weft_error *err);

/* Whether the topic is there: 0, or -1 with *err. Waits likewise. */
int weft_resource_topic(struct weft_rpc *rpc, const char *topic, const atomic_bool *stop, struct weft_error *err);

#endif
