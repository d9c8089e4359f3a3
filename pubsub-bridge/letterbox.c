#include "pubsub-bridge/letterbox.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "streams/deadletter.h"
#include "streams/outlet.h"

enum { PURGE_MS = 1000 };

struct letter {
    struct letter *next; /* of those that wait */
    const rd_kafka_message_t *record;
    void *name; /* the caller's, for it */
    size_t size;
    struct weft_deadletter_part part;
    enum weft_error_class class;
    char reason[];
};

struct weft_letterbox {
    struct weft_letterbox_config config;
    struct weft_client *client;
    rd_kafka_t *producer;
    struct weft_outlet outlet;
    struct letter *waiting, **waiting_last;
    size_t sent; /* given to the library, which has not told yet what became of them */
    struct weft_letterbox_counts counts;
};

static void enqueue(struct weft_letterbox *box, struct letter *letter)
{
    letter->next = NULL;
    *box->waiting_last = letter;
    box->waiting_last = &letter->next;
}

static void finish(struct weft_letterbox *box, struct letter *letter, const struct weft_error *why)
{
    box->counts.letters--;
    box->counts.bytes -= letter->size;
    box->config.written(letter->name, why, box->config.arg);
    free(letter);
}

static void on_delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *arg)
{
    struct weft_letterbox *box = arg;
    struct weft_error why = {0};
    (void)producer;
    box->sent--;
    if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
        weft_outlets_failed(&box->outlet, 1, message);
        enqueue(box, message->_private);
        return;
    }
    if (message->err)
        weft_client_fail(box->client, message->err, "writing a dead letter", &why);
    finish(box, message->_private, message->err ? &why : NULL);
}

struct weft_letterbox *weft_letterbox_new(const struct weft_letterbox_config *config, struct weft_error *err)
{
    struct weft_letterbox *box = calloc(1, sizeof *box);
    if (!box) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    box->config = *config;
    box->waiting_last = &box->waiting;
    const struct weft_client_options options = {
        .role = WEFT_KAFKA_SENDER, .delivered = on_delivered, .arg = box, .statistics = config->statistics};
    box->client = weft_client_new(config->settings, &options, config->log, err);
    if (!box->client) {
        free(box);
        return NULL;
    }
    box->producer = weft_client_handle(box->client);
    weft_outlet_init(&box->outlet, rd_kafka_topic_new(box->producer, config->topic, NULL));
    return box;
}

void weft_letterbox_destroy(struct weft_letterbox *box)
{
    const struct weft_error over = {.class = WEFT_ERROR_UNAVAILABLE, .message = "writing a dead letter: stopped"};
    if (!box)
        return;
    rd_kafka_purge(box->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(box->producer, PURGE_MS); /* tells what was purged */
    for (struct letter *letter = box->waiting, *next; letter; letter = next) {
        next = letter->next;
        finish(box, letter, &over);
    }
    weft_outlet_clear(&box->outlet);
    weft_client_destroy(box->client);
    free(box);
}

int weft_letterbox_put(struct weft_letterbox *box, const rd_kafka_message_t *record, const struct weft_error *why,
                       void *letter, struct weft_error *err)
{
    rd_kafka_headers_t *headers = NULL;
    size_t reason_size = strlen(why->message) + 1;
    struct letter *put = malloc(sizeof *put + reason_size);
    if (!put)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    rd_kafka_message_headers(record, &headers);
    *put = (struct letter){.record = record,
                           .name = letter,
                           .size = weft_outlet_record_size(record->key_len, record->len, headers),
                           .part = {.size = record->len},
                           .class = why->class};
    memcpy(put->reason, why->message, reason_size);
    box->counts.letters++;
    box->counts.bytes += put->size;
    enqueue(box, put);
    return 0;
}

/* Gives as much of the letter to the library as fits. _QUEUE_FULL where it has to wait. */
static rd_kafka_resp_err_t give(struct weft_letterbox *box, struct letter *letter)
{
    const rd_kafka_message_t *record = letter->record;
    struct weft_outlet *outlet = &box->outlet;
    rd_kafka_resp_err_t code;
    do {
        void *key = letter->part.bare ? NULL : record->key;
        size_t key_size = letter->part.bare ? 0 : record->key_len;
        rd_kafka_headers_t *headers = weft_deadletter_headers(
            record, &letter->part, weft_error_class_name(letter->class), letter->reason, box->config.bridge);
        size_t size = weft_outlet_record_size(key_size, letter->part.size, headers);
        code = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
        if (size <= outlet->record_max)
            code = weft_outlet_is_full(outlet, size)
                       ? RD_KAFKA_RESP_ERR__QUEUE_FULL
                       : rd_kafka_producev(box->producer, RD_KAFKA_V_RKT(outlet->topic),
                                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, key_size),
                                           RD_KAFKA_V_VALUE(record->payload, letter->part.size),
                                           RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(letter), RD_KAFKA_V_END);
        if (!code) {
            outlet->queued += size;
            return code;
        }
        rd_kafka_headers_destroy(headers);
    } while (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && weft_deadletter_cut(&letter->part));
    return code;
}

/* What was refused tells something once nothing is under way any more; until then nothing else is sent. */
static bool may_send(struct weft_letterbox *box)
{
    struct weft_error learned = {0};
    if (box->sent > 0)
        return box->outlet.refused_count == 0;
    weft_outlets_flushed(&box->outlet, 1);
    if (weft_outlet_learn(&box->outlet, &learned))
        weft_log(box->config.log, WEFT_LOG_WARN, "bridge.letters", "%s: %s", box->config.bridge, learned.message);
    return true;
}

void weft_letterbox_counts(const struct weft_letterbox *box, struct weft_letterbox_counts *counts)
{
    *counts = box->counts;
}

void weft_letterbox_serve(struct weft_letterbox *box)
{
    rd_kafka_poll(box->producer, 0);
    while (box->waiting && may_send(box)) {
        struct letter *letter = box->waiting;
        rd_kafka_resp_err_t code = give(box, letter);
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return;
        box->waiting = letter->next;
        if (!box->waiting)
            box->waiting_last = &box->waiting;
        if (!code) {
            box->sent++;
            continue;
        }
        struct weft_error why = {0};
        if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
            weft_error_set(&why, WEFT_ERROR_CONFIG,
                           "%s does not even take the reason why a record could not be published: raise its "
                           "max.message.bytes",
                           box->config.topic);
        else
            weft_client_fail(box->client, code, "writing a dead letter", &why);
        finish(box, letter, &why);
    }
}
