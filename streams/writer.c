#include "streams/writer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/path_name.h"
#include "streams/deadletter.h"
#include "streams/outlet.h"
#include "streams/partitioner.h"

enum { ASK_TIMEOUT_MS = 5000 };

enum { SINK, DEAD_LETTERS, SHADOW, OUTLETS };

struct weft_writer {
    struct weft_writer_config config;
    rd_kafka_t *handle;
    struct weft_outlet outlets[OUTLETS]; /* without a shadow that one has no topic */
    rd_kafka_resp_err_t undelivered;     /* first failed delivery since weft_writer_begin */
    char undelivered_topic[256];
};

struct weft_writer *weft_writer_new(const struct weft_writer_config *config, struct weft_error *err)
{
    struct weft_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    writer->config = *config;
    writer->handle = weft_client_handle(config->client);
    const char *topics[OUTLETS] = {config->sink, config->dead_letters, config->shadow};
    for (int i = 0; i < OUTLETS; i++) {
        if (!topics[i])
            continue;
        weft_outlet_init(&writer->outlets[i], rd_kafka_topic_new(writer->handle, topics[i], NULL));
        if (writer->outlets[i].topic)
            continue;
        weft_error_set(err, WEFT_ERROR_CONFIG, "topic %s: %s", topics[i], rd_kafka_err2str(rd_kafka_last_error()));
        weft_writer_destroy(writer);
        return NULL;
    }
    return writer;
}

void weft_writer_destroy(struct weft_writer *writer)
{
    if (!writer)
        return;
    for (int i = 0; i < OUTLETS; i++)
        weft_outlet_clear(&writer->outlets[i]);
    free(writer);
}

void weft_writer_delivered(struct weft_writer *writer, const rd_kafka_message_t *message)
{
    /* Messages that an abort throws away are reported too; they are no fault of their own. */
    bool purged = message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
    if (!message->err || purged)
        return;
    weft_outlets_failed(writer->outlets, OUTLETS, message);
    if (writer->undelivered)
        return;
    writer->undelivered = message->err;
    snprintf(writer->undelivered_topic, sizeof writer->undelivered_topic, "%s", rd_kafka_topic_name(message->rkt));
}

void weft_writer_begin(struct weft_writer *writer)
{
    writer->undelivered = RD_KAFKA_RESP_ERR_NO_ERROR;
    weft_outlets_flushed(writer->outlets, OUTLETS);
}

static void step(const struct weft_writer *writer, const char *call)
{
    if (writer->config.step)
        writer->config.step(call, writer->config.arg);
}

/* Sends what is queued and waits until it has been delivered; _STATE, as from any call of a transaction that has
 * failed, when something was not. */
static rd_kafka_resp_err_t flush(struct weft_writer *writer, int64_t deadline_ms)
{
    int64_t left_ms = deadline_ms - weft_clock_ms();
    step(writer, "flush");
    rd_kafka_resp_err_t code = rd_kafka_flush(writer->handle, left_ms > 0 ? (int)left_ms : 0);
    weft_outlets_flushed(writer->outlets, OUTLETS);
    step(writer, "produce");
    return !code && writer->undelivered ? RD_KAFKA_RESP_ERR__STATE : code;
}

/* What is written for a request: its key or none, a result's value or its own, headers or NULL. */
struct record {
    const void *key, *value;
    size_t key_size, size;
    rd_kafka_headers_t *headers; /* owned */
};

/* Queues the record; its headers are taken, also on failure. A full queue is waited for. */
static rd_kafka_resp_err_t produce(struct weft_writer *writer, int number, const struct record *record,
                                   int32_t source_partition, int64_t deadline_ms)
{
    struct weft_outlet *outlet = &writer->outlets[number];
    rd_kafka_headers_t *headers = record->headers;
    void *hint = weft_partition_hint(source_partition);
    void *key = (void *)(uintptr_t)record->key, *value = (void *)(uintptr_t)record->value;
    size_t size = weft_outlet_record_size(record->key_size, record->size, headers);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (size > outlet->record_max)
        code = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    else if (outlet->needs_key && !record->key)
        code = RD_KAFKA_RESP_ERR_INVALID_RECORD;
    else if (weft_outlet_is_full(outlet, size))
        code = flush(writer, deadline_ms);
    while (!code) {
        rd_kafka_t *handle = writer->handle;
        code = headers
                   ? rd_kafka_producev(handle, RD_KAFKA_V_RKT(outlet->topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                       RD_KAFKA_V_KEY(key, record->key_size), RD_KAFKA_V_VALUE(value, record->size),
                                       RD_KAFKA_V_OPAQUE(hint), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END)
                   : rd_kafka_producev(handle, RD_KAFKA_V_RKT(outlet->topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                       RD_KAFKA_V_KEY(key, record->key_size), RD_KAFKA_V_VALUE(value, record->size),
                                       RD_KAFKA_V_OPAQUE(hint), RD_KAFKA_V_END);
        if (!code) {
            outlet->queued += size;
            return code;
        }
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && weft_clock_ms() < deadline_ms) {
            rd_kafka_poll(handle, 10);
            code = RD_KAFKA_RESP_ERR_NO_ERROR;
        }
    }
    if (headers)
        rd_kafka_headers_destroy(headers);
    return code;
}

/* With its reason a request that was near a limit is beyond it: as much of it is kept as fits. */
static rd_kafka_resp_err_t produce_dead_letter(struct weft_writer *writer, const rd_kafka_message_t *request,
                                               const char *error_class, const char *reason, int64_t deadline_ms)
{
    rd_kafka_resp_err_t code;
    struct weft_deadletter_part part = {.size = request->len};
    do {
        const struct record record = {
            .key = part.bare ? NULL : request->key,
            .key_size = part.bare ? 0 : request->key_len,
            .value = request->payload,
            .size = part.size,
            .headers = weft_deadletter_headers(request, &part, error_class, reason, writer->config.processor),
        };
        code = produce(writer, DEAD_LETTERS, &record, request->partition, deadline_ms);
    } while (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && weft_deadletter_cut(&part));
    return code;
}

/* The request's headers to be kept, or NULL when there are none. The caller owns them. */
static rd_kafka_headers_t *copy_headers(const rd_kafka_message_t *request)
{
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(request, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return NULL;
    return rd_kafka_headers_copy(headers);
}

static rd_kafka_resp_err_t produce_result(struct weft_writer *writer, int outlet, const rd_kafka_message_t *request,
                                          const uint8_t *bytes, size_t size, int64_t deadline_ms)
{
    struct record record = {
        .key = request->key,
        .key_size = request->key_len,
        .value = bytes,
        .size = size,
        .headers = copy_headers(request),
    };
    if (record.headers) {
        /* It speaks of the request's schema, and the result has a frame of its own. */
        rd_kafka_header_remove(record.headers, WEFT_FRAME_HEADER);
        /* The result has not been where the request has been, and may go there. */
        rd_kafka_header_remove(record.headers, WEFT_PATH_NAME);
    }
    return produce(writer, outlet, &record, request->partition, deadline_ms);
}

/* Why a topic does not take a result of this request; NULL where it is not for what it holds. */
static const char *objection(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        return "the result with the request's key and headers is larger than message.max.bytes, or than the "
               "max.message.bytes of its topic";
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
        return "the request has no key, and so has the result, whose topic has cleanup.policy=compact and takes none "
               "such";
    default: return NULL;
    }
}

static rd_kafka_resp_err_t produce_shadow(struct weft_writer *writer, const rd_kafka_message_t *request,
                                          const struct weft_scorer_answer *answer, int64_t deadline_ms)
{
    rd_kafka_resp_err_t code =
        produce_result(writer, SHADOW, request, answer->shadow, answer->shadow_size, deadline_ms);
    if (!objection(code))
        return code;
    /* The request has its answer; what is only for comparison must not take it away. */
    weft_log(weft_client_log(writer->config.client), WEFT_LOG_WARN, "transaction.shadow",
             "no shadow result for partition %d offset %lld: %s", (int)request->partition, (long long)request->offset,
             objection(code));
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* A result that its topic does not take is replaced by the reason, in the batch too, which is counted later. */
static rd_kafka_resp_err_t produce_answer(struct weft_writer *writer, const rd_kafka_message_t *request,
                                          struct weft_scorer_answer *answer, int64_t deadline_ms)
{
    if (answer->bytes) {
        rd_kafka_resp_err_t code = produce_result(writer, SINK, request, answer->bytes, answer->size, deadline_ms);
        if (!code && answer->shadow)
            return produce_shadow(writer, request, answer, deadline_ms);
        if (!objection(code))
            return code;
        *answer = (struct weft_scorer_answer){
            .error_class = weft_error_class_name(WEFT_ERROR_CORRUPT),
            .reason = objection(code),
        };
    }
    return produce_dead_letter(writer, request, answer->error_class, answer->reason, deadline_ms);
}

bool weft_writer_lacks_topic(const struct weft_writer *writer, struct weft_error *err)
{
    const char *topics[OUTLETS] = {writer->config.sink, writer->config.dead_letters, writer->config.shadow};
    return weft_client_lacks_topic(writer->config.client, topics, OUTLETS, ASK_TIMEOUT_MS, err);
}

/* That a topic is unknown the library also says of one that is made again meanwhile. */
static void explain(const struct weft_writer *writer, rd_kafka_resp_err_t code, const char *what,
                    struct weft_error *err)
{
    const bool unknown = code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
                         code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if ((unknown || code == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT) && weft_writer_lacks_topic(writer, err))
        return;
    weft_client_fail(writer->config.client, code, what, err);
    if (unknown)
        err->class = WEFT_ERROR_UNAVAILABLE;
}

static void explain_answer(const struct weft_writer *writer, rd_kafka_resp_err_t code,
                           const struct weft_scorer_request *request, struct weft_error *err)
{
    char what[256];
    switch (code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        weft_error_set(err, WEFT_ERROR_CONFIG,
                       "%s does not even take the reason why a request could not be answered: raise its "
                       "max.message.bytes",
                       writer->config.dead_letters);
        return;
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
        weft_error_set(err, WEFT_ERROR_CONFIG,
                       "%s takes no dead letter of a request without a key: let its cleanup.policy be delete",
                       writer->config.dead_letters);
        return;
    default:
        snprintf(what, sizeof what, "writing the answer to %s partition %d offset %lld", request->topic,
                 (int)request->partition, (long long)request->offset);
        explain(writer, code, what, err);
    }
}

rd_kafka_resp_err_t weft_writer_write(struct weft_writer *writer, const struct weft_batch *batch, int64_t deadline_ms,
                                      struct weft_error *err)
{
    step(writer, "produce");
    for (size_t i = 0; i < batch->count; i++) {
        rd_kafka_resp_err_t code = produce_answer(writer, batch->messages[i], &batch->answers[i], deadline_ms);
        if (code && code != RD_KAFKA_RESP_ERR__STATE)
            explain_answer(writer, code, &batch->requests[i], err);
        if (code)
            return code;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

bool weft_writer_failed(const struct weft_writer *writer, struct weft_error *err)
{
    char what[300];
    if (!writer->undelivered)
        return false;
    snprintf(what, sizeof what, "writing to %s", writer->undelivered_topic);
    explain(writer, writer->undelivered, what, err);
    return true;
}

bool weft_writer_learn(struct weft_writer *writer, struct weft_error *err)
{
    return weft_outlets_learn(writer->outlets, OUTLETS, err);
}
