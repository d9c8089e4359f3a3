#include "streams/worker.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "streams/batch.h"
#include "streams/client.h"
#include "streams/consumer.h"
#include "streams/fetcher.h"
#include "streams/scorer.h"
#include "streams/transaction.h"

enum {
    POLL_MS = 200,             /* how long to block for the first request: bounds how fast a stop is seen */
    ABORTS_MAX = 5,            /* in a row, before the worker gives up */
    ABORT_BACKOFF_MS = 100,    /* doubled with each abort in a row */
    REGISTRY_BACKOFF_MS = 250, /* doubled up to the maximum while the registry is away */
    REGISTRY_BACKOFF_MAX_MS = 4000,
    COMMITTED_TIMEOUT_MS = 30000,
    BATCH_BYTES_MAX = 16 << 20, /* of requests in one batch, however large they are */
};

struct weft_worker {
    struct weft_worker_config config;
    pthread_t thread;
    struct weft_client *client; /* the consumer */
    rd_kafka_t *consumer;
    struct weft_fetcher fetcher; /* the consumer's */
    struct weft_transactor *transactor;
    struct weft_scorer *scorer;
    struct weft_serving_lease lease; /* the networks that the scorer uses */
    struct weft_batch batch;
    int64_t commit_interval_ms;
    int64_t committed_ms; /* when the last transaction ended */
    int aborts_in_a_row;
    struct weft_error failure; /* written before leaving, read after */

    atomic_bool stop, abort, leaving, ended, in_transaction;
    _Atomic(const char *) call;
    atomic_size_t batch_count; /* the batch's, for others to see */
    atomic_int partitions;
    atomic_int_fast64_t progress_ms;
    atomic_uint_fast64_t results, dead_letters, commits, aborts;
};

/* Every step is progress; the watchdog looks at the time of the last one. */
static void on_step(const char *call, void *arg)
{
    struct weft_worker *worker = arg;
    atomic_store(&worker->call, call);
    atomic_store(&worker->batch_count, worker->batch.count);
    atomic_store(&worker->progress_ms, weft_clock_ms());
    weft_worker_metrics_step(worker->config.metrics, call);
}

static void on_tick(void *arg)
{
    on_step("score", arg);
}

static void on_rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *partitions,
                         void *arg)
{
    struct weft_worker *worker = arg;
    int index = worker->config.index;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        weft_log(worker->config.log, WEFT_LOG_INFO, "worker.assigned", "worker %d got %d partitions", index,
                 partitions->cnt);
        atomic_store(&worker->partitions, partitions->cnt);
        on_step("committed", worker);
        weft_consumer_assign(worker->client, partitions, &worker->stop);
        weft_worker_metrics_assigned(worker->config.metrics, partitions);
        return;
    }
    /* Nothing of the batch has been begun, as no transaction is open while the consumer is polled: whoever gets the
     * partitions reads these requests again. */
    bool lost = rd_kafka_assignment_lost(consumer);
    weft_log(worker->config.log, WEFT_LOG_INFO, "worker.revoked",
             "worker %d gave %d partitions back%s, %zu requests "
             "not begun",
             index, partitions->cnt, lost ? " (lost)" : "", worker->batch.count);
    weft_batch_clear(&worker->batch);
    atomic_store(&worker->partitions, 0);
    rd_kafka_assign(consumer, NULL);
    weft_worker_metrics_revoked(worker->config.metrics);
}

/* An event of the consumer that is not a request. Gives -1 when the worker cannot go on. */
static int on_consumer_error(struct weft_worker *worker, const rd_kafka_message_t *message, struct weft_error *err)
{
    rd_kafka_resp_err_t code = message->err;
    if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return 0;
    if (code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "reading %s: %s: auto.offset.reset=error stops here: set the "
                              "group's offsets, or auto.offset.reset=earliest",
                              worker->config.source, rd_kafka_message_errstr(message));
    if (code == RD_KAFKA_RESP_ERR__FATAL || weft_kafka_error_class(code) == WEFT_ERROR_REFUSED)
        return weft_client_fail(worker->client, code, worker->config.source, err);
    if (code == RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT || code == RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL)
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "joining group %s: %s: check session.timeout.ms and "
                              "partition.assignment.strategy",
                              worker->config.group, rd_kafka_message_errstr(message));
    /* The rest the library mends by itself, by connecting or joining anew. */
    weft_log(worker->config.log, WEFT_LOG_WARN, "worker.consumer", "worker %d: %s: %s", worker->config.index,
             rd_kafka_err2name(code), rd_kafka_message_errstr(message));
    return 0;
}

/* Polls once; a request goes into the batch. Gives 1 for a request, 0 for none, -1 for a failure. */
static int poll_once(struct weft_worker *worker, int timeout_ms, struct weft_error *err)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(worker->consumer, timeout_ms);
    if (!message)
        return 0;
    if (!message->err) {
        weft_batch_add(&worker->batch, message);
        return 1;
    }
    int result = on_consumer_error(worker, message, err);
    rd_kafka_message_destroy(message);
    return result;
}

/* Gathers what waits: blocks for the first request, then takes what is there, and goes on only until the interval
 * between commits has passed. May end with an empty batch. */
static int gather(struct weft_worker *worker, struct weft_error *err)
{
    on_step("poll", worker);
    if (worker->batch.count == 0 && poll_once(worker, POLL_MS, err) < 0)
        return -1;
    while (worker->batch.count > 0 && worker->batch.count < worker->batch.capacity &&
           worker->batch.bytes < BATCH_BYTES_MAX) {
        int64_t wait_ms = worker->committed_ms + worker->commit_interval_ms - weft_clock_ms();
        int got = poll_once(worker, 0, err);
        if (got == 0 && wait_ms > 0 && !atomic_load(&worker->stop))
            got = poll_once(worker, (int)wait_ms, err);
        else if (got == 0)
            return 0;
        if (got < 0)
            return -1;
    }
    return 0;
}

static void wake_fetcher(struct weft_worker *worker)
{
    rd_kafka_topic_partition_list_t *assignment = NULL;
    if (!weft_fetcher_sleeps(&worker->fetcher, worker->batch.count, worker->batch.bytes) ||
        rd_kafka_assignment(worker->consumer, &assignment) != 0)
        return;
    weft_fetcher_wake(&worker->fetcher, assignment);
    rd_kafka_topic_partition_list_destroy(assignment);
}

/* Keeps the batch while a schema cannot be had, and stays a member of the group meanwhile: with the partitions paused,
 * polling gives no request but serves rebalances (which may empty the batch). */
static int hold(struct weft_worker *worker, int64_t wait_ms, struct weft_error *err)
{
    int result = weft_consumer_pause(worker->client, true, err);
    int64_t until_ms = weft_clock_ms() + wait_ms;
    while (result == 0 && worker->batch.count > 0 && weft_clock_ms() < until_ms && !atomic_load(&worker->stop)) {
        on_step("wait for the registry", worker);
        result = poll_once(worker, POLL_MS, err);
        weft_worker_metrics_look(worker->config.metrics, worker->consumer, true);
    }
    return result < 0 ? -1 : weft_consumer_pause(worker->client, false, err);
}

/* Scores the batch, waiting for the registry for as long as it takes. May end with an empty batch. */
static int score(struct weft_worker *worker, struct weft_error *err)
{
    int64_t backoff_ms = REGISTRY_BACKOFF_MS;
    while (worker->batch.count > 0) {
        on_step("score", worker);
        struct weft_error why = {0};
        if (weft_scorer_score(worker->scorer, worker->batch.requests, worker->batch.count, worker->batch.answers,
                              &why) == 0) {
            weft_worker_metrics_scored(worker->config.metrics, weft_scorer_network_ns(worker->scorer));
            return 0;
        }
        if (why.class != WEFT_ERROR_UNAVAILABLE) {
            *err = why;
            return -1;
        }
        if (atomic_load(&worker->stop)) {
            weft_batch_clear(&worker->batch);
            return 0;
        }
        weft_worker_metrics_state(worker->config.metrics, WEFT_WORKER_REGISTRY);
        weft_log(worker->config.log, WEFT_LOG_WARN, "worker.registry", "worker %d holds %zu requests: %s",
                 worker->config.index, worker->batch.count, why.message);
        if (hold(worker, backoff_ms, err) != 0)
            return -1;
        if (atomic_load(&worker->stop))
            weft_batch_clear(&worker->batch);
        backoff_ms = backoff_ms * 2 < REGISTRY_BACKOFF_MAX_MS ? backoff_ms * 2 : REGISTRY_BACKOFF_MAX_MS;
    }
    return 0;
}

/* Goes back to the committed offsets of the batch's partitions, or to the batch's beginning where nothing has been
 * committed yet. */
static int rewind_batch(struct weft_worker *worker, struct weft_error *err)
{
    int result = -1;
    rd_kafka_topic_partition_list_t *first = weft_batch_first_offsets(&worker->batch);
    rd_kafka_topic_partition_list_t *back = rd_kafka_topic_partition_list_copy(first);
    on_step("committed", worker);
    if (weft_consumer_committed(worker->client, back, COMMITTED_TIMEOUT_MS, err) != 0)
        goto out;
    for (int i = 0; i < back->cnt; i++)
        if (back->elems[i].offset < 0)
            back->elems[i].offset = first->elems[i].offset;
    on_step("seek", worker);
    result = weft_consumer_seek(worker->client, back, err);
out:
    weft_batch_clear(&worker->batch);
    rd_kafka_topic_partition_list_destroy(first);
    rd_kafka_topic_partition_list_destroy(back);
    return result;
}

static void count_batch(struct weft_worker *worker)
{
    size_t dead = 0;
    for (size_t i = 0; i < worker->batch.count; i++)
        dead += worker->batch.answers[i].bytes == NULL;
    atomic_fetch_add(&worker->results, worker->batch.count - dead);
    atomic_fetch_add(&worker->dead_letters, dead);
    atomic_fetch_add(&worker->commits, 1);
    if (dead)
        weft_log(worker->config.log, WEFT_LOG_WARN, "worker.deadletters", "worker %d wrote %zu dead letters to %s",
                 worker->config.index, dead, worker->config.dead_letters);
}

/* Writes the scored batch, or goes back and waits a little after an abort. */
static int transact(struct weft_worker *worker, struct weft_error *err)
{
    struct weft_error why = {0};
    atomic_store(&worker->in_transaction, true);
    enum weft_verdict verdict = weft_transactor_run(worker->transactor, &worker->batch, worker->consumer, &why);
    atomic_store(&worker->in_transaction, false);
    worker->committed_ms = weft_clock_ms();
    if (verdict == WEFT_VERDICT_DONE) {
        worker->aborts_in_a_row = 0;
        count_batch(worker);
        weft_worker_metrics_committed(worker->config.metrics, &worker->batch);
        weft_batch_clear(&worker->batch);
        return 0;
    }
    if (verdict != WEFT_VERDICT_ABORT && verdict != WEFT_VERDICT_ADAPT) {
        *err = why;
        if (verdict == WEFT_VERDICT_FENCED)
            err->class = WEFT_ERROR_FENCED;
        return -1;
    }
    atomic_fetch_add(&worker->aborts, 1);
    weft_worker_metrics_aborted(worker->config.metrics);
    weft_log(worker->config.log, WEFT_LOG_WARN, "worker.aborted", "worker %d took %zu requests back: %s",
             worker->config.index, worker->batch.count, why.message);
    /* A right that is missing will be missing again, and so will what only a change of a topic mends. */
    if (why.class == WEFT_ERROR_REFUSED || why.class == WEFT_ERROR_CONFIG) {
        *err = why;
        return -1;
    }
    if (verdict == WEFT_VERDICT_ADAPT) {
        worker->aborts_in_a_row = 0;
        return rewind_batch(worker, err);
    }
    /* After some faults the next transaction fails too and the one after it works, so a few in a row are no reason to
     * give up. */
    if (++worker->aborts_in_a_row >= ABORTS_MAX) {
        weft_error_set(err, why.class, "%d transactions in a row were aborted, the last: %s", worker->aborts_in_a_row,
                       why.message);
        return -1;
    }
    if (rewind_batch(worker, err) != 0)
        return -1;
    if (!atomic_load(&worker->abort))
        weft_clock_sleep_ms((int64_t)ABORT_BACKOFF_MS << (worker->aborts_in_a_row - 1));
    return 0;
}

static int claim(struct weft_worker *worker, struct weft_error *err)
{
    enum weft_verdict verdict = WEFT_VERDICT_RETRY;
    while (!atomic_load(&worker->stop)) {
        verdict = weft_transactor_claim(worker->transactor, err);
        if (verdict != WEFT_VERDICT_RETRY)
            break;
        weft_log(worker->config.log, WEFT_LOG_WARN, "worker.claim", "worker %d: %s", worker->config.index,
                 err->message);
    }
    if (verdict == WEFT_VERDICT_DONE)
        err->class = WEFT_ERROR_NONE;
    return verdict == WEFT_VERDICT_DONE || atomic_load(&worker->stop) ? 0 : -1;
}

/* Goes over to the networks that are served now. Between two transactions, so that one batch has one model. */
static void follow_serving(struct weft_worker *worker)
{
    struct weft_error err = {0};
    if (!weft_serving_changed(worker->config.serving, &worker->lease))
        return;
    struct weft_serving_lease old = worker->lease, next = weft_serving_take(worker->config.serving);
    if (weft_scorer_replace(worker->scorer, next.networks[WEFT_SERVING_MAIN], next.networks[WEFT_SERVING_CANARY],
                            next.networks[WEFT_SERVING_SHADOW], &err) == 0) {
        worker->lease = next;
        weft_serving_return(&old);
        return;
    }
    weft_log(worker->config.log, WEFT_LOG_ERROR, "worker.model", "worker %d stays with the old model: %s",
             worker->config.index, err.message);
    worker->lease.generation = next.generation;
    weft_serving_return(&next);
}

static int work(struct weft_worker *worker, struct weft_error *err)
{
    /* Before joining: a predecessor's open transaction ends, and its offsets are settled when ours are fetched. */
    if (claim(worker, err) != 0 || weft_consumer_subscribe(worker->client, worker->config.source, err) != 0)
        return -1;
    while (!atomic_load(&worker->stop)) {
        weft_transactor_poll(worker->transactor);
        follow_serving(worker);
        if (gather(worker, err) != 0)
            return -1;
        weft_worker_metrics_gathered(worker->config.metrics, &worker->batch);
        weft_worker_metrics_look(worker->config.metrics, worker->consumer, false);
        wake_fetcher(worker);
        if (score(worker, err) != 0)
            return -1;
        if (worker->batch.count > 0 && transact(worker, err) != 0)
            return -1;
    }
    return 0;
}

static void *run(void *arg)
{
    struct weft_worker *worker = arg;
    struct weft_error err = {0};
    if (work(worker, &err) != 0)
        worker->failure = err;
    weft_worker_metrics_state(worker->config.metrics, worker->failure.class == WEFT_ERROR_NONE ? WEFT_WORKER_STOPPED
                                                      : worker->failure.class == WEFT_ERROR_FENCED
                                                          ? WEFT_WORKER_FENCED
                                                          : WEFT_WORKER_FAILED);
    weft_batch_clear(&worker->batch);
    atomic_store(&worker->leaving, true);
    /* A fenced instance must not wait for a group that is no longer its own. */
    if (worker->failure.class != WEFT_ERROR_FENCED) {
        on_step("consumer_close", worker);
        rd_kafka_consumer_close(worker->consumer);
    }
    /* Here, where it is watched: the library may wait for a broker that does not answer. */
    on_step("destroy the producer", worker);
    weft_transactor_destroy(worker->transactor);
    worker->transactor = NULL;
    on_step("destroy the consumer", worker);
    weft_client_destroy(worker->client);
    worker->client = NULL;
    on_step("end", worker);
    atomic_store(&worker->ended, true);
    return NULL;
}

static int make_clients(struct weft_worker *worker, struct weft_error *err)
{
    const struct weft_worker_config *config = &worker->config;
    char transactional_id[512], client_id[512], member[512];
    snprintf(transactional_id, sizeof transactional_id, "%s-%s-%d", config->group, config->instance, config->index);
    snprintf(client_id, sizeof client_id, "weft-%s-%d", config->instance, config->index);
    /* One static member for each worker: with one name for all they would fence each other. */
    const char *member_base = weft_settings_text(config->settings, "consumer.group.instance.id");
    if (!member_base)
        member_base = weft_settings_text(config->settings, "group.instance.id");
    if (member_base)
        snprintf(member, sizeof member, "%s-%d", member_base, config->index);
    const struct weft_client_options options = {
        .role = WEFT_KAFKA_SOURCE,
        .group_id = config->group,
        .group_instance_id = member_base ? member : NULL,
        .client_id = client_id,
        .rebalance = on_rebalance,
        .arg = worker,
        .statistics = weft_worker_metrics_consumer(config->metrics),
    };
    worker->client = weft_client_new(config->settings, &options, config->log, err);
    if (!worker->client)
        return -1;
    worker->consumer = weft_client_handle(worker->client);
    weft_fetcher_init(&worker->fetcher, worker->consumer);
    const struct weft_transactor_config transactor = {
        .settings = config->settings,
        .log = config->log,
        .transactional_id = transactional_id,
        .processor = config->processor,
        .sink = config->sink,
        .dead_letters = config->dead_letters,
        .shadow = config->shadow,
        .at_least_once = config->at_least_once,
        .abort = &worker->abort,
        .statistics = weft_worker_metrics_producer(config->metrics),
        .step = on_step,
        .arg = worker,
    };
    worker->transactor = weft_transactor_new(&transactor, err);
    return worker->transactor ? 0 : -1;
}

static void free_worker(struct weft_worker *worker)
{
    weft_batch_destroy(&worker->batch);
    weft_scorer_destroy(worker->scorer);
    weft_serving_return(&worker->lease);
    weft_transactor_destroy(worker->transactor);
    weft_client_destroy(worker->client);
    free(worker);
}

struct weft_worker *weft_worker_start(const struct weft_worker_config *config, struct weft_error *err)
{
    struct weft_worker *worker = calloc(1, sizeof *worker);
    if (!worker) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    worker->config = *config;
    worker->commit_interval_ms = weft_settings_integer(config->settings, "commit.interval.min");
    on_step("start", worker);
    worker->lease = weft_serving_take(config->serving);
    const struct weft_scorer_config scorer = {
        .network = worker->lease.networks[WEFT_SERVING_MAIN],
        .canary = worker->lease.networks[WEFT_SERVING_CANARY],
        .shadow = worker->lease.networks[WEFT_SERVING_SHADOW],
        .canary_percent = (int)weft_settings_integer(config->settings, "canary.percent"),
        .reader = config->reader,
        .result_schema_id = config->result_schema_id,
        .shadow_schema_id = config->shadow_schema_id,
        .tick = on_tick,
        .arg = worker,
    };
    if (weft_batch_init(&worker->batch, (size_t)weft_settings_integer(config->settings, "batch.max")) != 0) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto fail;
    }
    worker->scorer = weft_scorer_new(&scorer, err);
    if (!worker->scorer || make_clients(worker, err) != 0)
        goto fail;
    if (pthread_create(&worker->thread, NULL, run, worker) != 0) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "cannot start a thread");
        goto fail;
    }
    return worker;
fail:
    free_worker(worker);
    return NULL;
}

void weft_worker_stop(struct weft_worker *worker, bool abort)
{
    if (abort)
        atomic_store(&worker->abort, true);
    atomic_store(&worker->stop, true);
}

void weft_worker_status(struct weft_worker *worker, struct weft_worker_status *status)
{
    *status = (struct weft_worker_status){
        .leaving = atomic_load(&worker->leaving),
        .ended = atomic_load(&worker->ended),
        .call = atomic_load(&worker->call),
        .silent_ms = weft_clock_ms() - atomic_load(&worker->progress_ms),
        .batch = atomic_load(&worker->batch_count),
        .partitions = atomic_load(&worker->partitions),
        .in_transaction = atomic_load(&worker->in_transaction),
        .results = atomic_load(&worker->results),
        .dead_letters = atomic_load(&worker->dead_letters),
        .commits = atomic_load(&worker->commits),
        .aborts = atomic_load(&worker->aborts),
    };
    if (status->leaving)
        status->failure = worker->failure;
}

void weft_worker_destroy(struct weft_worker *worker)
{
    if (!worker)
        return;
    pthread_join(worker->thread, NULL);
    free_worker(worker);
}
