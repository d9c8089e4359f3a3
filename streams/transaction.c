#include "streams/transaction.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "streams/deadletter.h"
#include "streams/partitioner.h"

enum {
    CALL_TIMEOUT_MS = 5000,
    ABORT_DEADLINE_MS = 30000,
    FLUSH_TIMEOUT_MS = 30000,
};

struct weft_transactor {
    struct weft_transactor_config config;
    struct weft_client *client;
    rd_kafka_t *handle;
    rd_kafka_topic_t *sink, *dead_letters;
    int64_t deadline_ms;             /* how long the calls of one transaction may be repeated */
    rd_kafka_resp_err_t undelivered; /* first failed delivery of the transaction at hand */
    char undelivered_topic[256];
};

static void on_delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *arg)
{
    (void)handle;
    struct weft_transactor *transactor = arg;
    /* Messages that an abort throws away are reported too; they are no fault of their own. */
    bool purged = message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
    if (!message->err || purged || transactor->undelivered)
        return;
    transactor->undelivered = message->err;
    snprintf(transactor->undelivered_topic, sizeof transactor->undelivered_topic, "%s",
             rd_kafka_topic_name(message->rkt));
}

/* Repeating calls for longer than the broker keeps the transaction open would be in vain. */
static int64_t transaction_deadline_ms(rd_kafka_t *handle)
{
    char text[24] = "";
    size_t size = sizeof text;
    rd_kafka_conf_get(rd_kafka_conf(handle), "transaction.timeout.ms", text, &size);
    return strtoll(text, NULL, 10) * 2 / 3;
}

struct weft_transactor *weft_transactor_new(const struct weft_transactor_config *config, struct weft_error *err)
{
    struct weft_transactor *transactor = calloc(1, sizeof *transactor);
    if (!transactor) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    transactor->config = *config;
    const struct weft_client_options options = {
        .role = WEFT_KAFKA_SINK,
        .transactional_id = config->at_least_once ? NULL : config->transactional_id,
        .delivered = on_delivered,
        .arg = transactor,
    };
    transactor->client = weft_client_new(config->settings, &options, config->log, err);
    if (!transactor->client)
        goto fail;
    transactor->handle = weft_client_handle(transactor->client);
    transactor->deadline_ms = transaction_deadline_ms(transactor->handle);
    transactor->sink = rd_kafka_topic_new(transactor->handle, config->sink, NULL);
    transactor->dead_letters = rd_kafka_topic_new(transactor->handle, config->dead_letters, NULL);
    if (!transactor->sink || !transactor->dead_letters) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "topics %s, %s: %s", config->sink, config->dead_letters,
                       rd_kafka_err2str(rd_kafka_last_error()));
        goto fail;
    }
    return transactor;
fail:
    weft_transactor_destroy(transactor);
    return NULL;
}

void weft_transactor_destroy(struct weft_transactor *transactor)
{
    if (!transactor)
        return;
    if (transactor->sink)
        rd_kafka_topic_destroy(transactor->sink);
    if (transactor->dead_letters)
        rd_kafka_topic_destroy(transactor->dead_letters);
    weft_client_destroy(transactor->client);
    free(transactor);
}

static void step(struct weft_transactor *transactor, const char *call)
{
    if (transactor->config.step)
        transactor->config.step(call, transactor->config.arg);
}

enum weft_verdict weft_transactor_claim(struct weft_transactor *transactor, struct weft_error *err)
{
    if (transactor->config.at_least_once)
        return WEFT_VERDICT_DONE;
    step(transactor, "init_transactions");
    rd_kafka_error_t *error = rd_kafka_init_transactions(transactor->handle, CALL_TIMEOUT_MS);
    enum weft_verdict verdict = weft_verdict(error, "claiming the transactional id", err);
    rd_kafka_poll(transactor->handle, 0);
    return verdict == WEFT_VERDICT_ABORT ? WEFT_VERDICT_FATAL : verdict;
}

void weft_transactor_poll(struct weft_transactor *transactor)
{
    rd_kafka_poll(transactor->handle, 0);
}

/* The request's headers to be kept, or NULL when there are none. The caller owns them. */
static rd_kafka_headers_t *copy_headers(const rd_kafka_message_t *request)
{
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(request, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return NULL;
    return rd_kafka_headers_copy(headers);
}

/* Queues one record; headers are taken, also on failure. A full queue is waited for. */
static rd_kafka_resp_err_t produce(struct weft_transactor *transactor, rd_kafka_topic_t *topic,
                                   const rd_kafka_message_t *request, const void *value, size_t size,
                                   rd_kafka_headers_t *headers, int64_t deadline_ms)
{
    for (;;) {
        void *hint = weft_partition_hint(request->partition);
        void *key = request->key, *bytes = (void *)(uintptr_t)value;
        rd_kafka_resp_err_t code =
            headers
                ? rd_kafka_producev(transactor->handle, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                    RD_KAFKA_V_KEY(key, request->key_len), RD_KAFKA_V_VALUE(bytes, size),
                                    RD_KAFKA_V_OPAQUE(hint), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END)
                : rd_kafka_producev(transactor->handle, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                    RD_KAFKA_V_KEY(key, request->key_len), RD_KAFKA_V_VALUE(bytes, size),
                                    RD_KAFKA_V_OPAQUE(hint), RD_KAFKA_V_END);
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && weft_clock_ms() < deadline_ms) {
            rd_kafka_poll(transactor->handle, 10);
            continue;
        }
        if (code && headers)
            rd_kafka_headers_destroy(headers);
        return code;
    }
}

static rd_kafka_resp_err_t produce_dead_letter(struct weft_transactor *transactor, const rd_kafka_message_t *request,
                                               const char *error_class, const char *reason, int64_t deadline_ms)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    /* With its reason a request that was near the limit is beyond it: as much of its value is kept as fits. */
    for (size_t kept = request->len; code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE; kept /= 2) {
        rd_kafka_headers_t *headers = copy_headers(request);
        if (!headers)
            headers = rd_kafka_headers_new(8);
        weft_deadletter_describe(headers, request, kept, error_class, reason, transactor->config.processor);
        code = produce(transactor, transactor->dead_letters, request, request->payload, kept, headers, deadline_ms);
        if (kept == 0)
            break;
    }
    return code;
}

static rd_kafka_resp_err_t produce_answer(struct weft_transactor *transactor, const rd_kafka_message_t *request,
                                          const struct weft_scorer_answer *answer, int64_t deadline_ms)
{
    if (!answer->bytes)
        return produce_dead_letter(transactor, request, answer->error_class, answer->reason, deadline_ms);
    rd_kafka_headers_t *headers = copy_headers(request);
    if (headers) /* it speaks of the request's schema, and the result has a frame of its own */
        rd_kafka_header_remove(headers, WEFT_FRAME_HEADER);
    rd_kafka_resp_err_t code =
        produce(transactor, transactor->sink, request, answer->bytes, answer->size, headers, deadline_ms);
    if (code != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return code;
    return produce_dead_letter(transactor, request, weft_error_class_name(WEFT_ERROR_CORRUPT),
                               "the result with the request's key and headers is larger than message.max.bytes",
                               deadline_ms);
}

static enum weft_verdict produce_batch(struct weft_transactor *transactor, const struct weft_batch *batch,
                                       int64_t deadline_ms, struct weft_error *err)
{
    step(transactor, "produce");
    for (size_t i = 0; i < batch->count; i++) {
        rd_kafka_resp_err_t code = produce_answer(transactor, batch->messages[i], &batch->answers[i], deadline_ms);
        if (!code)
            continue;
        char what[256];
        snprintf(what, sizeof what, "writing the answer to %s partition %d offset %lld", batch->requests[i].topic,
                 (int)batch->requests[i].partition, (long long)batch->requests[i].offset);
        weft_client_fail(transactor->client, code, what, err);
        if (code == RD_KAFKA_RESP_ERR__FENCED)
            return WEFT_VERDICT_FENCED;
        return code == RD_KAFKA_RESP_ERR__FATAL ? WEFT_VERDICT_FATAL : WEFT_VERDICT_ABORT;
    }
    return WEFT_VERDICT_DONE;
}

/* A call of the transaction, repeated while it asks for that and there is time. What is neither fatal nor retriable is
 * answered with an abort: begun afresh, the batch loses nothing. */
static enum weft_verdict settle(rd_kafka_error_t *error, const char *what, int64_t deadline_ms, struct weft_error *err)
{
    bool fatal = error && rd_kafka_error_is_fatal(error);
    enum weft_verdict verdict = weft_verdict(error, what, err);
    if (verdict == WEFT_VERDICT_FATAL && !fatal)
        return WEFT_VERDICT_ABORT;
    if (verdict == WEFT_VERDICT_RETRY && weft_clock_ms() >= deadline_ms)
        return WEFT_VERDICT_ABORT;
    return verdict;
}

static enum weft_verdict send_offsets(struct weft_transactor *transactor, const struct weft_batch *batch,
                                      rd_kafka_t *consumer, int64_t deadline_ms, struct weft_error *err)
{
    rd_kafka_topic_partition_list_t *offsets = weft_batch_next_offsets(batch);
    /* Taken now: its generation is what fences a member that the group has given up. */
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(consumer);
    enum weft_verdict verdict = WEFT_VERDICT_RETRY;
    while (verdict == WEFT_VERDICT_RETRY) {
        step(transactor, "send_offsets_to_transaction");
        verdict = settle(rd_kafka_send_offsets_to_transaction(transactor->handle, offsets, group, CALL_TIMEOUT_MS),
                         "adding the offsets to the transaction", deadline_ms, err);
    }
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(offsets);
    return verdict;
}

static enum weft_verdict commit(struct weft_transactor *transactor, int64_t deadline_ms, struct weft_error *err)
{
    enum weft_verdict verdict = WEFT_VERDICT_RETRY;
    while (verdict == WEFT_VERDICT_RETRY) {
        step(transactor, "commit_transaction");
        verdict =
            settle(rd_kafka_commit_transaction(transactor->handle, CALL_TIMEOUT_MS), "committing", deadline_ms, err);
    }
    if (verdict == WEFT_VERDICT_ABORT && transactor->undelivered) {
        /* The commit only says that something was not delivered; this is what. */
        char what[300];
        snprintf(what, sizeof what, "writing to %s", transactor->undelivered_topic);
        weft_client_fail(transactor->client, transactor->undelivered, what, err);
    } else if (verdict == WEFT_VERDICT_ABORT && err->class == WEFT_ERROR_REFUSED) {
        weft_error_prefix(err, "writing to %s or %s", transactor->config.sink, transactor->config.dead_letters);
    }
    return verdict;
}

static enum weft_verdict abort_transaction(struct weft_transactor *transactor, struct weft_error *err)
{
    int64_t deadline_ms = weft_clock_ms() + ABORT_DEADLINE_MS;
    enum weft_verdict verdict = WEFT_VERDICT_RETRY;
    while (verdict == WEFT_VERDICT_RETRY && weft_clock_ms() < deadline_ms) {
        step(transactor, "abort_transaction");
        struct weft_error why = {0};
        verdict = weft_verdict(rd_kafka_abort_transaction(transactor->handle, CALL_TIMEOUT_MS), "aborting", &why);
        if (verdict != WEFT_VERDICT_DONE)
            *err = why;
    }
    if (verdict == WEFT_VERDICT_DONE)
        return WEFT_VERDICT_ABORT;
    return verdict == WEFT_VERDICT_FENCED ? WEFT_VERDICT_FENCED : WEFT_VERDICT_FATAL;
}

/* The loop without transactions: written, acknowledged, then the offsets committed. */
static enum weft_verdict run_at_least_once(struct weft_transactor *transactor, const struct weft_batch *batch,
                                           rd_kafka_t *consumer, struct weft_error *err)
{
    enum weft_verdict verdict = produce_batch(transactor, batch, weft_clock_ms() + FLUSH_TIMEOUT_MS, err);
    if (verdict != WEFT_VERDICT_DONE)
        return WEFT_VERDICT_FATAL;
    rd_kafka_resp_err_t code = rd_kafka_flush(transactor->handle, FLUSH_TIMEOUT_MS);
    if (!code)
        code = transactor->undelivered;
    if (!code) {
        rd_kafka_topic_partition_list_t *offsets = weft_batch_next_offsets(batch);
        code = rd_kafka_commit(consumer, offsets, 0);
        rd_kafka_topic_partition_list_destroy(offsets);
    }
    if (!code)
        return WEFT_VERDICT_DONE;
    weft_client_fail(transactor->client, code, "writing the batch", err);
    return WEFT_VERDICT_FATAL;
}

enum weft_verdict weft_transactor_run(struct weft_transactor *transactor, const struct weft_batch *batch,
                                      rd_kafka_t *consumer, struct weft_error *err)
{
    int64_t deadline_ms = weft_clock_ms() + transactor->deadline_ms;
    transactor->undelivered = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (transactor->config.at_least_once)
        return run_at_least_once(transactor, batch, consumer, err);
    step(transactor, "begin_transaction");
    enum weft_verdict verdict = weft_verdict(rd_kafka_begin_transaction(transactor->handle), "beginning", err);
    if (verdict != WEFT_VERDICT_DONE)
        return verdict == WEFT_VERDICT_FENCED ? verdict : WEFT_VERDICT_FATAL;
    verdict = produce_batch(transactor, batch, deadline_ms, err);
    if (verdict == WEFT_VERDICT_DONE && atomic_load(transactor->config.abort)) {
        weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "aborted on request");
        verdict = WEFT_VERDICT_ABORT;
    }
    /* Only the group's generation would tell the broker that these requests are another member's by now. */
    if (verdict == WEFT_VERDICT_DONE && rd_kafka_assignment_lost(consumer)) {
        weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "the partitions were lost");
        verdict = WEFT_VERDICT_ABORT;
    }
    if (verdict == WEFT_VERDICT_DONE)
        verdict = send_offsets(transactor, batch, consumer, deadline_ms, err);
    if (verdict == WEFT_VERDICT_DONE)
        verdict = commit(transactor, deadline_ms, err);
    return verdict == WEFT_VERDICT_ABORT ? abort_transaction(transactor, err) : verdict;
}
