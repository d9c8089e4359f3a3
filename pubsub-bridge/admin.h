/* Calls about what there is at Pub/Sub: one at a time, waited for, and repeated while the service is away. */
#ifndef WEFT_BRIDGE_ADMIN_H
#define WEFT_BRIDGE_ADMIN_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"
#include "pubsub-bridge/arena.h"
#include "pubsub-bridge/rpc.h"

/* Who asks, and how long. */
struct weft_admin {
    struct weft_rpc *rpc;
    struct weft_arena *arena; /* for the answers */
    const atomic_bool *stop;  /* ends the waiting; NULL: nobody does */
    int64_t patience_ms;      /* for each call; 0: without end */
};

/* reply is in the arena. method is "Publisher/GetTopic", or the whole path where it is not Pub/Sub's own; what is the
 * name that it is about. -1 with *err when there is no answer, or a failure that waiting does not change; then *code is
 * its status. */
int weft_admin_call(const struct weft_admin *admin, const char *method, const ProtobufCMessage *request,
                    const char *what, struct weft_bytes *reply, int *code, struct weft_error *err);

#endif
