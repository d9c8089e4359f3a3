#include "pubsub-bridge/letterbox.h"

#include <stdlib.h>

#include "streams/deadletter.h"

struct weft_letterbox {
    struct weft_letterbox_config config;
    struct weft_client *client;
    rd_kafka_t *producer;
    rd_kafka_topic_t *topic;
    size_t open;
};

static void on_delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *arg)
{
    struct weft_letterbox *box = arg;
    struct weft_error why = {0};
    (void)producer;
    box->open--;
    if (message->err)
        weft_client_fail(box->client, message->err, "writing a dead letter", &why);
    box->config.written(message->_private, message->err ? &why : NULL, box->config.arg);
}

struct weft_letterbox *weft_letterbox_new(const struct weft_letterbox_config *config, struct weft_error *err)
{
    struct weft_letterbox *box = calloc(1, sizeof *box);
    if (!box) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    box->config = *config;
    const struct weft_client_options options = {
        .role = WEFT_KAFKA_SENDER, .delivered = on_delivered, .arg = box, .statistics = config->statistics};
    box->client = weft_client_new(config->settings, &options, config->log, err);
    if (!box->client) {
        free(box);
        return NULL;
    }
    box->producer = weft_client_handle(box->client);
    box->topic = rd_kafka_topic_new(box->producer, config->topic, NULL);
    return box;
}

void weft_letterbox_destroy(struct weft_letterbox *box)
{
    if (!box)
        return;
    rd_kafka_topic_destroy(box->topic);
    weft_client_destroy(box->client);
    free(box);
}

int weft_letterbox_put(struct weft_letterbox *box, const rd_kafka_message_t *record, const struct weft_error *why,
                       void *letter, struct weft_error *err)
{
    rd_kafka_headers_t *kept = NULL, *headers;
    headers = rd_kafka_message_headers(record, &kept) ? rd_kafka_headers_new(8) : rd_kafka_headers_copy(kept);
    weft_deadletter_describe(headers, record, true, weft_error_class_name(why->class), why->message,
                             box->config.bridge);
    rd_kafka_resp_err_t code =
        rd_kafka_producev(box->producer, RD_KAFKA_V_RKT(box->topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_KEY(record->key, record->key_len), RD_KAFKA_V_VALUE(record->payload, record->len),
                          RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(letter), RD_KAFKA_V_END);
    if (code) {
        rd_kafka_headers_destroy(headers);
        return weft_client_fail(box->client, code, "writing a dead letter", err);
    }
    box->open++;
    return 0;
}

size_t weft_letterbox_open(const struct weft_letterbox *box)
{
    return box->open;
}

void weft_letterbox_serve(struct weft_letterbox *box)
{
    if (box->open > 0)
        rd_kafka_poll(box->producer, 0);
}
