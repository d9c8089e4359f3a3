/* What is told to a subscription of its leases: acknowledged, extended, given back; many in one call, and again where a
 * call fails.
 *
 * A subscription with exactly-once delivery answers for each acknowledgement: those that failed in passing are sent
 * again, those that came too late are forgotten, as their messages come again. */
#ifndef WEFT_BRIDGE_LEASES_H
#define WEFT_BRIDGE_LEASES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "pubsub-bridge/rpc.h"

struct weft_leases;

struct weft_leases_config {
    struct weft_rpc *rpc;     /* borrowed, as all is */
    const char *subscription; /* projects/P/subscriptions/S */
    int ack_deadline_s;
    struct weft_log *log;
};

struct weft_leases *weft_leases_new(const struct weft_leases_config *config, struct weft_error *err);
void weft_leases_destroy(struct weft_leases *leases); /* after its rpc; accepts NULL */

/* Each copies the id. -1 when memory is short. An extension that could not be made within half a lease is forgotten. */
int weft_leases_ack(struct weft_leases *leases, const char *ack_id, struct weft_error *err);
int weft_leases_extend(struct weft_leases *leases, const char *ack_id, struct weft_error *err);
int weft_leases_release(struct weft_leases *leases, const char *ack_id, struct weft_error *err);

/* Sends what is due. -1 with *err when it cannot go on: no such subscription, no right. */
int weft_leases_pump(struct weft_leases *leases, int64_t now_ms, struct weft_error *err);

/* How many acknowledgements and returns have no answer yet. */
size_t weft_leases_open(const struct weft_leases *leases);

uint64_t weft_leases_acknowledged(const struct weft_leases *leases);

#endif
