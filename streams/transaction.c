#include "streams/transaction.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/path_name.h"
#include "streams/deadletter.h"
#include "streams/failpoint.h"
#include "streams/outlet.h"
#include "streams/partitioner.h"

enum {
    CALL_TIMEOUT_MS = 5000,
    RETRY_PAUSE_MS = 10, /* for calls that want to be repeated and come back at once */
    FLUSH_TIMEOUT_MS = 30000,
    TAKE_BACK_MS = 1000,
};

enum { SINK, DEAD_LETTERS, SHADOW, OUTLETS };

struct weft_transactor {
    struct weft_transactor_config config;
    struct weft_client *client;
    rd_kafka_t *handle;
    struct weft_outlet outlets[OUTLETS]; /* without a shadow that one has no topic */
    int64_t deadline_ms;                 /* how long the calls of one transaction may be repeated */
    rd_kafka_resp_err_t undelivered;     /* first failed delivery of the transaction at hand */
    char undelivered_topic[256];
};

static void on_delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *arg)
{
    (void)handle;
    struct weft_transactor *transactor = arg;
    /* Messages that an abort throws away are reported too; they are no fault of their own. */
    bool purged = message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
    if (!message->err || purged)
        return;
    weft_outlets_failed(transactor->outlets, OUTLETS, message);
    if (transactor->undelivered)
        return;
    transactor->undelivered = message->err;
    snprintf(transactor->undelivered_topic, sizeof transactor->undelivered_topic, "%s",
             rd_kafka_topic_name(message->rkt));
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
        .statistics = config->statistics,
    };
    transactor->client = weft_client_new(config->settings, &options, config->log, err);
    if (!transactor->client)
        goto fail;
    transactor->handle = weft_client_handle(transactor->client);
    transactor->deadline_ms = weft_client_transaction_deadline_ms(transactor->client);
    const char *topics[OUTLETS] = {config->sink, config->dead_letters, config->shadow};
    for (int i = 0; i < OUTLETS; i++) {
        if (!topics[i])
            continue;
        weft_outlet_init(&transactor->outlets[i], rd_kafka_topic_new(transactor->handle, topics[i], NULL));
        if (transactor->outlets[i].topic)
            continue;
        weft_error_set(err, WEFT_ERROR_CONFIG, "topic %s: %s", topics[i], rd_kafka_err2str(rd_kafka_last_error()));
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
    for (int i = 0; i < OUTLETS; i++)
        weft_outlet_clear(&transactor->outlets[i]);
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

/* Sends what is queued and waits until it has been delivered; _STATE, as from any call of a transaction that has
 * failed, when something was not. */
static rd_kafka_resp_err_t flush(struct weft_transactor *transactor, int64_t deadline_ms)
{
    int64_t left_ms = deadline_ms - weft_clock_ms();
    step(transactor, "flush");
    rd_kafka_resp_err_t code = rd_kafka_flush(transactor->handle, left_ms > 0 ? (int)left_ms : 0);
    weft_outlets_flushed(transactor->outlets, OUTLETS);
    step(transactor, "produce");
    return !code && transactor->undelivered ? RD_KAFKA_RESP_ERR__STATE : code;
}

/* What is written for a request: its key or none, a result's value or its own, headers or NULL. */
struct record {
    const void *key, *value;
    size_t key_size, size;
    rd_kafka_headers_t *headers; /* owned */
};

/* Queues the record; its headers are taken, also on failure. A full queue is waited for. */
static rd_kafka_resp_err_t produce(struct weft_transactor *transactor, struct weft_outlet *outlet,
                                   const struct record *record, int32_t source_partition, int64_t deadline_ms)
{
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
        code = flush(transactor, deadline_ms);
    while (!code) {
        rd_kafka_t *handle = transactor->handle;
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
static rd_kafka_resp_err_t produce_dead_letter(struct weft_transactor *transactor, const rd_kafka_message_t *request,
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
            .headers = weft_deadletter_headers(request, &part, error_class, reason, transactor->config.processor),
        };
        code = produce(transactor, &transactor->outlets[DEAD_LETTERS], &record, request->partition, deadline_ms);
    } while (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && weft_deadletter_cut(&part));
    return code;
}

static rd_kafka_resp_err_t produce_result(struct weft_transactor *transactor, int outlet,
                                          const rd_kafka_message_t *request, const uint8_t *bytes, size_t size,
                                          int64_t deadline_ms)
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
    return produce(transactor, &transactor->outlets[outlet], &record, request->partition, deadline_ms);
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

static rd_kafka_resp_err_t produce_shadow(struct weft_transactor *transactor, const rd_kafka_message_t *request,
                                          const struct weft_scorer_answer *answer, int64_t deadline_ms)
{
    rd_kafka_resp_err_t code =
        produce_result(transactor, SHADOW, request, answer->shadow, answer->shadow_size, deadline_ms);
    if (!objection(code))
        return code;
    /* The request has its answer; what is only for comparison must not take it away. */
    weft_log(transactor->config.log, WEFT_LOG_WARN, "transaction.shadow",
             "no shadow result for partition %d offset %lld: %s", (int)request->partition, (long long)request->offset,
             objection(code));
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* A result that its topic does not take is replaced by the reason, in the batch too, which is counted later. */
static rd_kafka_resp_err_t produce_answer(struct weft_transactor *transactor, const rd_kafka_message_t *request,
                                          struct weft_scorer_answer *answer, int64_t deadline_ms)
{
    if (answer->bytes) {
        rd_kafka_resp_err_t code = produce_result(transactor, SINK, request, answer->bytes, answer->size, deadline_ms);
        if (!code && answer->shadow)
            return produce_shadow(transactor, request, answer, deadline_ms);
        if (!objection(code))
            return code;
        *answer = (struct weft_scorer_answer){
            .error_class = weft_error_class_name(WEFT_ERROR_CORRUPT),
            .reason = objection(code),
        };
    }
    return produce_dead_letter(transactor, request, answer->error_class, answer->reason, deadline_ms);
}

/* The library waits for a topic that was deleted as it does for one that is just being made, and only says that time
 * was up, or never even that. */
static bool topic_is_gone(struct weft_transactor *transactor, struct weft_error *err)
{
    const char *topics[] = {transactor->config.sink, transactor->config.dead_letters, transactor->config.shadow};
    return weft_client_lacks_topic(transactor->client, topics, OUTLETS, CALL_TIMEOUT_MS, err);
}

/* For a write that failed. That a topic is unknown the library also says of one that is made again meanwhile. */
static void fail_write(struct weft_transactor *transactor, rd_kafka_resp_err_t code, const char *what,
                       struct weft_error *err)
{
    const bool unknown = code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
                         code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if ((unknown || code == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT) && topic_is_gone(transactor, err))
        return;
    weft_client_fail(transactor->client, code, what, err);
    if (unknown)
        err->class = WEFT_ERROR_UNAVAILABLE;
}

static void fail_undelivered(struct weft_transactor *transactor, struct weft_error *err)
{
    char what[300];
    snprintf(what, sizeof what, "writing to %s", transactor->undelivered_topic);
    fail_write(transactor, transactor->undelivered, what, err);
}

/* After _STATE, which only says that the transaction had failed before. */
static void explain(struct weft_transactor *transactor, struct weft_error *err)
{
    char what[600];
    if (transactor->undelivered) {
        fail_undelivered(transactor, err);
        return;
    }
    /* Asked to begin another, the library refuses that with the reason why the one at hand has failed. */
    snprintf(what, sizeof what, "writing to %s or %s", transactor->config.sink, transactor->config.dead_letters);
    weft_verdict(rd_kafka_begin_transaction(transactor->handle), what, err);
}

/* For an abort that no failed call has asked for. What has been produced is delivered first: an abort that overtakes
 * the registration of its partitions is refused, and ends the producer
 * (https://github.com/confluentinc/librdkafka/issues/4849). */
static enum weft_verdict take_back(struct weft_transactor *transactor)
{
    step(transactor, "flush");
    rd_kafka_flush(transactor->handle, TAKE_BACK_MS);
    return WEFT_VERDICT_ABORT;
}

static enum weft_verdict produce_batch(struct weft_transactor *transactor, const struct weft_batch *batch,
                                       int64_t deadline_ms, struct weft_error *err)
{
    step(transactor, "produce");
    for (size_t i = 0; i < batch->count; i++) {
        rd_kafka_resp_err_t code = produce_answer(transactor, batch->messages[i], &batch->answers[i], deadline_ms);
        if (!code)
            continue;
        if (code == RD_KAFKA_RESP_ERR__STATE) {
            explain(transactor, err);
            return WEFT_VERDICT_ABORT;
        }
        if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
            weft_error_set(err, WEFT_ERROR_CONFIG,
                           "%s does not even take the reason why a request could not be answered: raise its "
                           "max.message.bytes",
                           transactor->config.dead_letters);
            return take_back(transactor);
        }
        if (code == RD_KAFKA_RESP_ERR_INVALID_RECORD) {
            weft_error_set(err, WEFT_ERROR_CONFIG,
                           "%s takes no dead letter of a request without a key: let its cleanup.policy be delete",
                           transactor->config.dead_letters);
            return take_back(transactor);
        }
        char what[256];
        snprintf(what, sizeof what, "writing the answer to %s partition %d offset %lld", batch->requests[i].topic,
                 (int)batch->requests[i].partition, (long long)batch->requests[i].offset);
        fail_write(transactor, code, what, err);
        if (err->class == WEFT_ERROR_FENCED)
            return WEFT_VERDICT_FENCED;
        return code == RD_KAFKA_RESP_ERR__FATAL ? WEFT_VERDICT_FATAL : take_back(transactor);
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
    if (verdict == WEFT_VERDICT_RETRY)
        weft_clock_sleep_ms(RETRY_PAUSE_MS);
    return verdict;
}

static enum weft_verdict send_offsets(struct weft_transactor *transactor,
                                      const rd_kafka_topic_partition_list_t *offsets,
                                      const rd_kafka_consumer_group_metadata_t *group, int64_t deadline_ms,
                                      struct weft_error *err)
{
    enum weft_verdict verdict = WEFT_VERDICT_RETRY;
    while (verdict == WEFT_VERDICT_RETRY) {
        step(transactor, "send_offsets_to_transaction");
        rd_kafka_error_t *error =
            rd_kafka_send_offsets_to_transaction(transactor->handle, offsets, group, CALL_TIMEOUT_MS);
        const bool failed_before = error && rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__STATE;
        verdict = settle(error, "adding the offsets to the transaction", deadline_ms, err);
        if (failed_before && verdict == WEFT_VERDICT_ABORT)
            explain(transactor, err);
    }
    return verdict;
}

static enum weft_verdict send_batch_offsets(struct weft_transactor *transactor, const struct weft_batch *batch,
                                            rd_kafka_t *consumer, int64_t deadline_ms, struct weft_error *err)
{
    rd_kafka_topic_partition_list_t *offsets = weft_batch_next_offsets(batch);
    /* Taken now: its generation is what fences a member that the group has given up. */
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(consumer);
    enum weft_verdict verdict = send_offsets(transactor, offsets, group, deadline_ms, err);
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(offsets);
    return verdict;
}

/* A commit or abort that has timed out goes on in the background, and no other call is allowed before it has come to
 * its end: it is asked for that again for as long as it takes. That is one step, which the watchdog bounds. */
static enum weft_verdict commit(struct weft_transactor *transactor, int64_t deadline_ms, struct weft_error *err)
{
    enum weft_verdict verdict = WEFT_VERDICT_RETRY;
    step(transactor, "commit_transaction");
    while (verdict == WEFT_VERDICT_RETRY) {
        verdict =
            settle(rd_kafka_commit_transaction(transactor->handle, CALL_TIMEOUT_MS), "committing", INT64_MAX, err);
        if (verdict == WEFT_VERDICT_RETRY && weft_clock_ms() >= deadline_ms && topic_is_gone(transactor, err))
            return WEFT_VERDICT_FATAL;
    }
    if (verdict == WEFT_VERDICT_ABORT && transactor->undelivered) {
        fail_undelivered(transactor, err); /* the commit only says that something was not delivered */
    } else if (verdict == WEFT_VERDICT_ABORT && err->class == WEFT_ERROR_REFUSED) {
        weft_error_prefix(err, "writing to %s or %s", transactor->config.sink, transactor->config.dead_letters);
    }
    return verdict;
}

static enum weft_verdict abort_transaction(struct weft_transactor *transactor, struct weft_error *err)
{
    enum weft_verdict verdict = WEFT_VERDICT_RETRY;
    step(transactor, "abort_transaction");
    while (verdict == WEFT_VERDICT_RETRY) {
        struct weft_error why = {0};
        verdict = weft_verdict(rd_kafka_abort_transaction(transactor->handle, CALL_TIMEOUT_MS), "aborting", &why);
        if (verdict != WEFT_VERDICT_DONE)
            *err = why;
        if (verdict == WEFT_VERDICT_RETRY)
            weft_clock_sleep_ms(RETRY_PAUSE_MS);
    }
    if (verdict != WEFT_VERDICT_DONE)
        return verdict == WEFT_VERDICT_FENCED ? WEFT_VERDICT_FENCED : WEFT_VERDICT_FATAL;
    /* After the abort, as by then every delivery has been reported. */
    return weft_outlets_learn(transactor->outlets, OUTLETS, err) ? WEFT_VERDICT_ADAPT : WEFT_VERDICT_ABORT;
}

/* The loop without transactions: written, acknowledged, then the offsets committed. */
static enum weft_verdict run_at_least_once(struct weft_transactor *transactor, const struct weft_batch *batch,
                                           rd_kafka_t *consumer, struct weft_error *err)
{
    transactor->undelivered = RD_KAFKA_RESP_ERR_NO_ERROR;
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

/* Begins, and writes the batch; ABORT when it is to be aborted. */
static enum weft_verdict begin(struct weft_transactor *transactor, const struct weft_batch *batch, int64_t deadline_ms,
                               struct weft_error *err)
{
    transactor->undelivered = RD_KAFKA_RESP_ERR_NO_ERROR;
    weft_outlets_flushed(transactor->outlets, OUTLETS);
    step(transactor, "begin_transaction");
    enum weft_verdict verdict = weft_verdict(rd_kafka_begin_transaction(transactor->handle), "beginning", err);
    if (verdict != WEFT_VERDICT_DONE)
        return verdict == WEFT_VERDICT_FENCED ? verdict : WEFT_VERDICT_FATAL;
    WEFT_FAILPOINT("begun");
    verdict = produce_batch(transactor, batch, deadline_ms, err);
    WEFT_FAILPOINT("produced");
    if (verdict == WEFT_VERDICT_DONE && atomic_load(transactor->config.abort)) {
        weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "aborted on request");
        verdict = take_back(transactor);
    }
    return verdict;
}

/* Commits when all has gone well so far, or aborts. */
static enum weft_verdict end(struct weft_transactor *transactor, enum weft_verdict verdict, int64_t deadline_ms,
                             struct weft_error *err)
{
    WEFT_FAILPOINT("offsets");
    if (verdict == WEFT_VERDICT_DONE)
        verdict = commit(transactor, deadline_ms, err);
    WEFT_FAILPOINT("committed");
    return verdict == WEFT_VERDICT_ABORT ? abort_transaction(transactor, err) : verdict;
}

enum weft_verdict weft_transactor_run(struct weft_transactor *transactor, const struct weft_batch *batch,
                                      rd_kafka_t *consumer, struct weft_error *err)
{
    int64_t deadline_ms = weft_clock_ms() + transactor->deadline_ms;
    if (transactor->config.at_least_once)
        return run_at_least_once(transactor, batch, consumer, err);
    enum weft_verdict verdict = begin(transactor, batch, deadline_ms, err);
    /* Only the group's generation would tell the broker that these requests are another member's by now. */
    if (verdict == WEFT_VERDICT_DONE && rd_kafka_assignment_lost(consumer)) {
        weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "the partitions were lost");
        verdict = take_back(transactor);
    }
    if (verdict == WEFT_VERDICT_DONE)
        verdict = send_batch_offsets(transactor, batch, consumer, deadline_ms, err);
    return end(transactor, verdict, deadline_ms, err);
}

enum weft_verdict weft_transactor_run_for(struct weft_transactor *transactor, const struct weft_batch *batch,
                                          const char *group_id, const rd_kafka_topic_partition_list_t *offsets,
                                          struct weft_error *err)
{
    int64_t deadline_ms = weft_clock_ms() + transactor->deadline_ms;
    enum weft_verdict verdict = begin(transactor, batch, deadline_ms, err);
    if (verdict == WEFT_VERDICT_DONE) {
        rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata_new(group_id);
        verdict = send_offsets(transactor, offsets, group, deadline_ms, err);
        rd_kafka_consumer_group_metadata_destroy(group);
    }
    return end(transactor, verdict, deadline_ms, err);
}
