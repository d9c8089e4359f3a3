/* Writes a batch of Pub/Sub's messages to Kafka and the ledger, in one transaction. */
#ifndef WEFT_BRIDGE_DELIVERY_H
#define WEFT_BRIDGE_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "pubsub-bridge/ledger.h"
#include "pubsub-bridge/pubsub.pb-c.h"
#include "pubsub-bridge/translation.h"
#include "streams/client_statistics.h"
#include "streams/verdict.h"

struct weft_delivery;

struct weft_delivery_config {
    const struct weft_settings *settings; /* borrowed, as all is */
    const char *transactional_id;
    const char *bridge, *source;                     /* names, for dead letters: source is the subscription */
    const char *topic, *ledger_topic, *dead_letters; /* Kafka's */
    const char *from, *to;                           /* places, for the messages' path (path.h) */
    const struct weft_translation *translation;      /* of what messages hold; NULL: they hold what Kafka is to hold */
    int stop_on_unmappable;                          /* instead of writing dead letters */
    struct weft_client_statistics *statistics;       /* of the producer; may be NULL */
    /* Called now and then while Kafka is waited for; false: do not wait any longer. */
    bool (*waiting)(void *arg);
    void *arg;
    struct weft_log *log;
};

struct weft_delivery_counts {
    uint64_t sent, dead_letters, loops, aborts;
};

struct weft_delivery *weft_delivery_new(const struct weft_delivery_config *config, struct weft_error *err);
void weft_delivery_destroy(struct weft_delivery *delivery); /* accepts NULL */

/* Claims the transactional id: fences a former owner and ends its open transaction. To be called until it no longer
 * gives RETRY. */
enum weft_verdict weft_delivery_claim(struct weft_delivery *delivery, struct weft_error *err);

/* Serves the producer's events while nothing is written: they would pile up. */
void weft_delivery_serve(struct weft_delivery *delivery);

/* Writes up to WEFT_LEDGER_BATCH_MAX messages, none of whose identities the ledger holds, and tells the ledger. DONE:
 * for good, the first *count of them, which is all but where one is looked for that the broker rejects. ABORT: nothing
 * of it happened, the same are to be tried again; ADAPT: at once, as it will go another way. FENCED: another owner has
 * taken over. FATAL: this delivery is of no more use. */
enum weft_verdict weft_delivery_run(struct weft_delivery *delivery, const Pubsub__Message *const *messages,
                                    const char *const *identities, size_t *count, struct weft_ledger *ledger,
                                    struct weft_error *err);

void weft_delivery_counts(const struct weft_delivery *delivery, struct weft_delivery_counts *counts);

#endif
