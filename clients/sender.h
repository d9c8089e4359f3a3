/* Sends requests to a topic: idempotent, and each delivery is confirmed or counted as failed, with its reason.
 *
 *     struct weft_sender *sender = weft_sender_new(settings, registry, &options, log, &err);
 *     weft_sender_send(sender, &request, 1000, &err);
 *     while (weft_sender_flush(sender, 100) > 0) ...
 *     weft_sender_counts(sender)->delivered
 *
 * For one thread. */
#ifndef WEFT_CLIENTS_SENDER_H
#define WEFT_CLIENTS_SENDER_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "schemas/registry.h"
#include "schemas/request.h"

enum weft_sender_key {
    WEFT_SENDER_KEY_NONE,
    WEFT_SENDER_KEY_ID,
    WEFT_SENDER_KEY_LABEL, /* in decimal; none where the request has no label */
};

struct weft_sender_header {
    const char *name, *value;
};

struct weft_sender_options {
    const char *topic;
    enum weft_sender_key key;
    const struct weft_sender_header *headers; /* of every record; copied */
    size_t header_count;
};

enum { WEFT_SENDER_REASONS_MAX = 16 };

struct weft_sender_counts {
    uint64_t sent; /* handed over; each becomes delivered or failed in time */
    uint64_t delivered;
    uint64_t failed;
    struct {
        rd_kafka_resp_err_t code;
        uint64_t count;
    } reasons[WEFT_SENDER_REASONS_MAX]; /* of failed; the last takes all that find no room */
    size_t reason_count;
};

struct weft_sender;

/* Connects, looks the topic up (startup.timeout), and finds the id of our request's schema in the topic's subject: it
 * is registered there if auto.register.schemas is set. registry is used here only; log is borrowed and may be NULL. */
struct weft_sender *weft_sender_new(const struct weft_settings *settings, struct weft_registry *registry,
                                    const struct weft_sender_options *options, struct weft_log *log,
                                    struct weft_error *err);

/* What was not delivered is given up. Accepts NULL. */
void weft_sender_destroy(struct weft_sender *sender);

/* Hands a request over, which is copied. Gives 1; 0 when so many are under way already that none could be taken for
 * timeout_ms; -1 when no further can ever be. A request that the client refuses by itself, as too large, counts as
 * failed. */
int weft_sender_send(struct weft_sender *sender, const struct weft_request *request, int timeout_ms,
                     struct weft_error *err);

/* Sleeps up to timeout_ms while deliveries are counted. */
void weft_sender_wait(struct weft_sender *sender, int timeout_ms);

/* Waits up to timeout_ms for all deliveries; gives how many are still open. -1 when the cluster refuses us, so that
 * waiting is of no use. */
int64_t weft_sender_flush(struct weft_sender *sender, int timeout_ms, struct weft_error *err);

/* Gives up what is open and counts it as failed. */
void weft_sender_give_up(struct weft_sender *sender);

/* Valid as long as the sender. */
const struct weft_sender_counts *weft_sender_counts(const struct weft_sender *sender);

#endif
