#include "clients/sender.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "schemas/subject.h"
#include "streams/client.h"

/* Deliveries are counted after this many requests: often enough to keep the library's queue of reports short. */
enum { POLL_EVERY = 256 };

/* The fields of a record, in the order in which they are given to the library; headers follow. */
enum { FIELD_TOPIC, FIELD_FLAGS, FIELD_VALUE, FIELD_KEY, FIELD_HEADERS };

struct weft_sender {
    struct weft_client *client;
    rd_kafka_topic_t *topic;
    enum weft_sender_key key;
    uint32_t schema_id;
    rd_kafka_vu_t *fields;
    size_t field_count;
    char *header_text; /* names and values, which fields point to */
    uint8_t *buffer;   /* holds the encoded request */
    size_t buffer_size;
    unsigned since_poll;
    struct weft_sender_counts counts;
};

static void count_failure(struct weft_sender_counts *counts, rd_kafka_resp_err_t code)
{
    size_t i = 0;
    while (i < counts->reason_count && counts->reasons[i].code != code)
        i++;
    if (i == WEFT_SENDER_REASONS_MAX)
        i--;
    else if (i == counts->reason_count)
        counts->reasons[counts->reason_count++].code = code;
    counts->reasons[i].count++;
    counts->failed++;
}

static void on_delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *arg)
{
    (void)handle;
    struct weft_sender *sender = arg;
    if (message->err)
        count_failure(&sender->counts, message->err);
    else
        sender->counts.delivered++;
}

static int prepare_fields(struct weft_sender *sender, const struct weft_sender_options *options, struct weft_error *err)
{
    size_t text_size = 1;
    for (size_t i = 0; i < options->header_count; i++)
        text_size += strlen(options->headers[i].name) + strlen(options->headers[i].value) + 2;
    sender->field_count = FIELD_HEADERS + options->header_count;
    sender->fields = calloc(sender->field_count, sizeof *sender->fields);
    sender->header_text = malloc(text_size);
    if (!sender->fields || !sender->header_text)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    sender->fields[FIELD_TOPIC].vtype = RD_KAFKA_VTYPE_RKT;
    sender->fields[FIELD_TOPIC].u.rkt = sender->topic;
    sender->fields[FIELD_FLAGS].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    sender->fields[FIELD_FLAGS].u.i = RD_KAFKA_MSG_F_COPY;
    sender->fields[FIELD_VALUE].vtype = RD_KAFKA_VTYPE_VALUE;
    sender->fields[FIELD_KEY].vtype = RD_KAFKA_VTYPE_KEY;
    char *text = sender->header_text;
    for (size_t i = 0; i < options->header_count; i++) {
        rd_kafka_vu_t *field = &sender->fields[FIELD_HEADERS + i];
        field->vtype = RD_KAFKA_VTYPE_HEADER;
        field->u.header.name = text;
        text = stpcpy(text, options->headers[i].name) + 1;
        field->u.header.val = text;
        field->u.header.size = (ssize_t)strlen(options->headers[i].value);
        text = stpcpy(text, options->headers[i].value) + 1;
    }
    return 0;
}

struct weft_sender *weft_sender_new(const struct weft_settings *settings, struct weft_registry *registry,
                                    const struct weft_sender_options *options, struct weft_log *log,
                                    struct weft_error *err)
{
    struct weft_sender *sender = calloc(1, sizeof *sender);
    if (!sender) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    sender->key = options->key;
    const struct weft_client_options client = {.role = WEFT_KAFKA_SENDER, .delivered = on_delivered, .arg = sender};
    sender->client = weft_client_new(settings, &client, log, err);
    if (!sender->client)
        goto fail;
    int partitions;
    int timeout_ms = (int)weft_settings_integer(settings, "startup.timeout");
    if (weft_client_partition_count(sender->client, options->topic, timeout_ms, &partitions, err) != 0 ||
        weft_subject_schema_id(registry, options->topic, weft_request_schema,
                               weft_settings_bool(settings, "auto.register.schemas"), &sender->schema_id, err) != 0)
        goto fail;
    sender->topic = rd_kafka_topic_new(weft_client_handle(sender->client), options->topic, NULL);
    if (!sender->topic) {
        weft_client_fail(sender->client, rd_kafka_last_error(), options->topic, err);
        goto fail;
    }
    if (prepare_fields(sender, options, err) != 0)
        goto fail;
    return sender;
fail:
    weft_sender_destroy(sender);
    return NULL;
}

void weft_sender_destroy(struct weft_sender *sender)
{
    if (!sender)
        return;
    if (sender->topic) {
        weft_sender_give_up(sender);
        rd_kafka_topic_destroy(sender->topic);
    }
    weft_client_destroy(sender->client);
    free(sender->fields);
    free(sender->header_text);
    free(sender->buffer);
    free(sender);
}

static int encode(struct weft_sender *sender, const struct weft_request *request, struct weft_error *err)
{
    size_t size = weft_request_write(request, sender->schema_id, sender->buffer, sender->buffer_size);
    if (size > sender->buffer_size) {
        uint8_t *larger = realloc(sender->buffer, size);
        if (!larger)
            return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for a request of %zu bytes", size);
        sender->buffer = larger;
        sender->buffer_size = size;
        weft_request_write(request, sender->schema_id, sender->buffer, sender->buffer_size);
    }
    sender->fields[FIELD_VALUE].u.mem.ptr = sender->buffer;
    sender->fields[FIELD_VALUE].u.mem.size = size;
    return 0;
}

static int fail_if_refused(struct weft_sender *sender, struct weft_error *err)
{
    if (!weft_client_refused(sender->client))
        return 0;
    return weft_client_fail(sender->client, RD_KAFKA_RESP_ERR__AUTHENTICATION, rd_kafka_topic_name(sender->topic), err);
}

int weft_sender_send(struct weft_sender *sender, const struct weft_request *request, int timeout_ms,
                     struct weft_error *err)
{
    rd_kafka_t *handle = weft_client_handle(sender->client);
    char label[16];
    if (encode(sender, request, err) != 0)
        return -1;
    rd_kafka_vu_t *key = &sender->fields[FIELD_KEY];
    if (sender->key == WEFT_SENDER_KEY_ID) {
        key->u.mem.ptr = (void *)(uintptr_t)request->id; /* copied, not changed */
        key->u.mem.size = request->id_size;
    } else if (sender->key == WEFT_SENDER_KEY_LABEL && request->has_label) {
        key->u.mem.ptr = label;
        key->u.mem.size = (size_t)snprintf(label, sizeof label, "%" PRId32, request->label);
    } else {
        key->u.mem.ptr = NULL;
        key->u.mem.size = 0;
    }
    if (++sender->since_poll >= POLL_EVERY) {
        sender->since_poll = 0;
        rd_kafka_poll(handle, 0);
    }
    for (int64_t deadline = weft_clock_ms() + timeout_ms;;) {
        rd_kafka_error_t *error = rd_kafka_produceva(handle, sender->fields, sender->field_count);
        rd_kafka_resp_err_t code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
        rd_kafka_error_destroy(error);
        if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
            count_failure(&sender->counts, code);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
            sender->counts.sent++;
            return 1;
        }
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return weft_client_fail(sender->client, code, rd_kafka_topic_name(sender->topic), err);
        int64_t left = deadline - weft_clock_ms();
        if (left <= 0)
            return fail_if_refused(sender, err);
        rd_kafka_poll(handle, left < 10 ? (int)left : 10);
    }
}

void weft_sender_wait(struct weft_sender *sender, int timeout_ms)
{
    rd_kafka_poll(weft_client_handle(sender->client), timeout_ms);
}

int64_t weft_sender_flush(struct weft_sender *sender, int timeout_ms, struct weft_error *err)
{
    rd_kafka_t *handle = weft_client_handle(sender->client);
    if (rd_kafka_flush(handle, timeout_ms) == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    if (fail_if_refused(sender, err) != 0)
        return -1;
    return (int64_t)(sender->counts.sent - sender->counts.delivered - sender->counts.failed);
}

void weft_sender_give_up(struct weft_sender *sender)
{
    enum { REPORTS_MS = 5000 };
    rd_kafka_t *handle = weft_client_handle(sender->client);
    rd_kafka_purge(handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(handle, REPORTS_MS); /* serves the reports of what was purged */
}

const struct weft_sender_counts *weft_sender_counts(const struct weft_sender *sender)
{
    return &sender->counts;
}
