#include "streams/transaction.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "streams/failpoint.h"
#include "streams/writer.h"

enum {
    CALL_TIMEOUT_MS = 5000,
    RETRY_PAUSE_MS = 10, /* for calls that want to be repeated and come back at once */
    FLUSH_TIMEOUT_MS = 30000,
    TAKE_BACK_MS = 1000,
};

struct weft_transactor {
    struct weft_transactor_config config;
    struct weft_client *client;
    rd_kafka_t *handle;
    struct weft_writer *writer;
    int64_t deadline_ms; /* how long the calls of one transaction may be repeated */
};

static void on_delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *arg)
{
    (void)handle;
    weft_writer_delivered(((struct weft_transactor *)arg)->writer, message);
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
    transactor->writer = weft_writer_new(&(struct weft_writer_config){.client = transactor->client,
                                                                      .processor = config->processor,
                                                                      .sink = config->sink,
                                                                      .dead_letters = config->dead_letters,
                                                                      .shadow = config->shadow,
                                                                      .step = config->step,
                                                                      .arg = config->arg},
                                         err);
    if (!transactor->writer)
        goto fail;
    return transactor;
fail:
    weft_transactor_destroy(transactor);
    return NULL;
}

void weft_transactor_destroy(struct weft_transactor *transactor)
{
    if (!transactor)
        return;
    weft_writer_destroy(transactor->writer);
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

/* After _STATE, which only says that the transaction had failed before. */
static void explain(struct weft_transactor *transactor, struct weft_error *err)
{
    char what[600];
    if (weft_writer_failed(transactor->writer, err))
        return;
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

static enum weft_verdict write_batch(struct weft_transactor *transactor, const struct weft_batch *batch,
                                     int64_t deadline_ms, struct weft_error *err)
{
    switch (weft_writer_write(transactor->writer, batch, deadline_ms, err)) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: return WEFT_VERDICT_DONE;
    case RD_KAFKA_RESP_ERR__STATE: explain(transactor, err); return WEFT_VERDICT_ABORT;
    case RD_KAFKA_RESP_ERR__FATAL: return err->class == WEFT_ERROR_FENCED ? WEFT_VERDICT_FENCED : WEFT_VERDICT_FATAL;
    default: return err->class == WEFT_ERROR_FENCED ? WEFT_VERDICT_FENCED : take_back(transactor);
    }
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
        if (verdict == WEFT_VERDICT_RETRY && weft_clock_ms() >= deadline_ms &&
            weft_writer_lacks_topic(transactor->writer, err))
            return WEFT_VERDICT_FATAL;
    }
    /* The commit itself only says that something was not delivered. */
    if (verdict == WEFT_VERDICT_ABORT && !weft_writer_failed(transactor->writer, err) &&
        err->class == WEFT_ERROR_REFUSED)
        weft_error_prefix(err, "writing to %s or %s", transactor->config.sink, transactor->config.dead_letters);
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
    return weft_writer_learn(transactor->writer, err) ? WEFT_VERDICT_ADAPT : WEFT_VERDICT_ABORT;
}

/* The loop without transactions: written, acknowledged, then the offsets committed. */
static enum weft_verdict run_at_least_once(struct weft_transactor *transactor, const struct weft_batch *batch,
                                           rd_kafka_t *consumer, struct weft_error *err)
{
    weft_writer_begin(transactor->writer);
    enum weft_verdict verdict = write_batch(transactor, batch, weft_clock_ms() + FLUSH_TIMEOUT_MS, err);
    if (verdict != WEFT_VERDICT_DONE)
        return WEFT_VERDICT_FATAL;
    rd_kafka_resp_err_t code = rd_kafka_flush(transactor->handle, FLUSH_TIMEOUT_MS);
    if (!code && weft_writer_failed(transactor->writer, err))
        return WEFT_VERDICT_FATAL;
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
    weft_writer_begin(transactor->writer);
    step(transactor, "begin_transaction");
    enum weft_verdict verdict = weft_verdict(rd_kafka_begin_transaction(transactor->handle), "beginning", err);
    if (verdict != WEFT_VERDICT_DONE)
        return verdict == WEFT_VERDICT_FENCED ? verdict : WEFT_VERDICT_FATAL;
    WEFT_FAILPOINT("begun");
    verdict = write_batch(transactor, batch, deadline_ms, err);
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
