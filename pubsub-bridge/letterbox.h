/* Where the dead letters of a bridge to Pub/Sub go: a topic of Kafka, one by one and outside of transactions.
 *
 * What the topic does not take is cut until it does (see streams/deadletter.h). */
#ifndef WEFT_BRIDGE_LETTERBOX_H
#define WEFT_BRIDGE_LETTERBOX_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "streams/client.h"

struct weft_letterbox;

struct weft_letterbox_config {
    const struct weft_settings *settings; /* borrowed, as all is */
    const char *topic;
    const char *bridge;                        /* its name */
    struct weft_client_statistics *statistics; /* may be NULL */
    /* A letter has been written, or never will be: why is NULL, or says what is the matter. Called from
     * weft_letterbox_serve and weft_letterbox_destroy. */
    void (*written)(void *letter, const struct weft_error *why, void *arg);
    void *arg;
    struct weft_log *log;
};

struct weft_letterbox_counts {
    size_t letters, bytes; /* on their way, and what their records hold */
};

struct weft_letterbox *weft_letterbox_new(const struct weft_letterbox_config *config, struct weft_error *err);
/* Letters that are on their way may be written or not, which written is told. Accepts NULL. */
void weft_letterbox_destroy(struct weft_letterbox *box);

/* Sends the record with the reason on its way; letter is what written will be told, and until then the record is
 * borrowed. -1 when memory is short. */
int weft_letterbox_put(struct weft_letterbox *box, const rd_kafka_message_t *record, const struct weft_error *why,
                       void *letter, struct weft_error *err);

void weft_letterbox_counts(const struct weft_letterbox *box, struct weft_letterbox_counts *counts);

/* Sends what waits, and tells what has been written. */
void weft_letterbox_serve(struct weft_letterbox *box);

#endif
