#include "streams/worker_metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "streams/lag.h"

enum { CLASSES_MAX = 8 };

/* Seconds: from what a stage takes with one request to what a request waits for when nobody was there for an hour. */
static const double time_bounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                     0.5,    1,       2.5,    5,     10,     30,    60,   300,   1800, 3600};
static const double batch_bounds[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000};

enum {
    TIME_BOUNDS = sizeof time_bounds / sizeof *time_bounds,
    BATCH_BOUNDS = sizeof batch_bounds / sizeof *batch_bounds
};
_Static_assert((int)TIME_BOUNDS <= (int)WEFT_HISTOGRAM_BOUNDS_MAX, "bounds of times");

/* The calls that the watchdog is told of. What is not here (an abort, a way back) is no stage of a batch that comes
 * through. */
static const struct {
    const char *call;
    enum weft_stage stage;
} stages_of_calls[] = {
    {"poll", WEFT_STAGE_WAIT},
    {"wait for the registry", WEFT_STAGE_WAIT},
    {"score", WEFT_STAGE_SCORE},
    {"begin_transaction", WEFT_STAGE_PRODUCE},
    {"produce", WEFT_STAGE_PRODUCE},
    {"flush", WEFT_STAGE_PRODUCE},
    {"send_offsets_to_transaction", WEFT_STAGE_COMMIT},
    {"commit_transaction", WEFT_STAGE_COMMIT},
};

static const char *const stage_names[WEFT_STAGES] = {"wait", "decode", "score", "produce", "commit"};
static const char *const state_names[WEFT_WORKER_STATES] = {"starting", "joining", "working", "registry_away",
                                                            "fenced",   "failed",  "stopped"};

struct by_class {
    _Atomic(const char *) class; /* a constant; NULL: free */
    struct weft_counter count;
};

struct weft_worker_metrics {
    struct weft_lag *lag;
    struct weft_client_statistics *consumer, *producer;
    atomic_int state;
    _Atomic(const char *) call;
    atomic_int_fast64_t since_ms;
    struct weft_counter requests, results, commits, aborts;
    struct by_class dead_letters[CLASSES_MAX];
    struct weft_histogram batch, latency, stages[WEFT_STAGES];

    /* The worker's own. */
    enum weft_stage stage; /* WEFT_STAGES: none */
    int64_t stage_since_ns;
    int64_t stage_ns[WEFT_STAGES]; /* of the batch at hand */
};

struct weft_worker_metrics *weft_worker_metrics_new(const char *topic)
{
    struct weft_worker_metrics *metrics = calloc(1, sizeof *metrics);
    if (!metrics)
        return NULL;
    metrics->stage = WEFT_STAGES;
    metrics->lag = weft_lag_new(topic);
    metrics->consumer = weft_client_statistics_new();
    metrics->producer = weft_client_statistics_new();
    if (!metrics->lag || !metrics->consumer || !metrics->producer) {
        weft_worker_metrics_destroy(metrics);
        return NULL;
    }
    /* Known from the start, so that the first dead letter shows as an increase. */
    atomic_store(&metrics->dead_letters[0].class, weft_error_class_name(WEFT_ERROR_CORRUPT));
    weft_histogram_init(&metrics->batch, batch_bounds, BATCH_BOUNDS);
    weft_histogram_init(&metrics->latency, time_bounds, TIME_BOUNDS);
    for (size_t i = 0; i < WEFT_STAGES; i++)
        weft_histogram_init(&metrics->stages[i], time_bounds, TIME_BOUNDS);
    weft_worker_metrics_step(metrics, "start");
    return metrics;
}

void weft_worker_metrics_destroy(struct weft_worker_metrics *metrics)
{
    if (!metrics)
        return;
    weft_lag_destroy(metrics->lag);
    weft_client_statistics_destroy(metrics->consumer);
    weft_client_statistics_destroy(metrics->producer);
    free(metrics);
}

struct weft_client_statistics *weft_worker_metrics_consumer(struct weft_worker_metrics *metrics)
{
    return metrics ? metrics->consumer : NULL;
}

struct weft_client_statistics *weft_worker_metrics_producer(struct weft_worker_metrics *metrics)
{
    return metrics ? metrics->producer : NULL;
}

static enum weft_stage stage_of(const char *call)
{
    for (size_t i = 0; i < sizeof stages_of_calls / sizeof *stages_of_calls; i++)
        if (strcmp(stages_of_calls[i].call, call) == 0)
            return stages_of_calls[i].stage;
    return WEFT_STAGES;
}

/* Gives the time since the last change of stage to the stage that ends now. */
static int64_t change_stage(struct weft_worker_metrics *metrics, enum weft_stage stage)
{
    int64_t now = weft_clock_ns();
    if (metrics->stage != WEFT_STAGES)
        metrics->stage_ns[metrics->stage] += now - metrics->stage_since_ns;
    metrics->stage = stage;
    metrics->stage_since_ns = now;
    return now;
}

void weft_worker_metrics_step(struct weft_worker_metrics *metrics, const char *call)
{
    if (!metrics)
        return;
    const char *former = atomic_load(&metrics->call);
    int64_t now = change_stage(metrics, stage_of(call));
    if (former && strcmp(former, call) == 0)
        return;
    atomic_store(&metrics->since_ms, now / 1000000);
    atomic_store(&metrics->call, call);
}

void weft_worker_metrics_state(struct weft_worker_metrics *metrics, enum weft_worker_state state)
{
    if (metrics)
        atomic_store(&metrics->state, (int)state);
}

void weft_worker_metrics_assigned(struct weft_worker_metrics *metrics, const rd_kafka_topic_partition_list_t *list)
{
    if (!metrics)
        return;
    weft_lag_assigned(metrics->lag, list);
    weft_worker_metrics_state(metrics, WEFT_WORKER_WORKING);
}

void weft_worker_metrics_revoked(struct weft_worker_metrics *metrics)
{
    if (!metrics)
        return;
    weft_lag_revoked(metrics->lag);
    weft_worker_metrics_state(metrics, WEFT_WORKER_JOINING);
}

/* What the batch says of where its partitions stand: at its requests, or behind them once they are committed. Runs of
 * one partition are long. */
static void note_offsets(struct weft_worker_metrics *metrics, const struct weft_batch *batch, bool committed)
{
    const struct weft_scorer_request *requests = batch->requests;
    for (size_t i = 0; i < batch->count; i++) {
        if (!committed && (i == 0 || requests[i - 1].partition != requests[i].partition))
            weft_lag_begins(metrics->lag, requests[i].partition, requests[i].offset);
        if (committed && (i + 1 == batch->count || requests[i + 1].partition != requests[i].partition))
            weft_lag_done(metrics->lag, requests[i].partition, requests[i].offset + 1);
    }
}

void weft_worker_metrics_gathered(struct weft_worker_metrics *metrics, const struct weft_batch *batch)
{
    if (!metrics || batch->count == 0)
        return;
    weft_counter_add(&metrics->requests, batch->count);
    note_offsets(metrics, batch, false);
}

void weft_worker_metrics_scored(struct weft_worker_metrics *metrics, int64_t network_ns)
{
    if (!metrics)
        return;
    change_stage(metrics, WEFT_STAGES);
    int64_t *stage_ns = metrics->stage_ns;
    stage_ns[WEFT_STAGE_DECODE] = stage_ns[WEFT_STAGE_SCORE] - network_ns;
    stage_ns[WEFT_STAGE_SCORE] = network_ns;
    if (atomic_load(&metrics->state) == WEFT_WORKER_REGISTRY)
        weft_worker_metrics_state(metrics, WEFT_WORKER_WORKING);
}

static void count_dead_letter(struct weft_worker_metrics *metrics, const char *class)
{
    for (size_t i = 0; i < CLASSES_MAX; i++) {
        struct by_class *one = &metrics->dead_letters[i];
        const char *known = atomic_load(&one->class);
        if (!known)
            atomic_store(&one->class, class);
        if (!known || strcmp(known, class) == 0) {
            weft_counter_add(&one->count, 1);
            return;
        }
    }
}

void weft_worker_metrics_committed(struct weft_worker_metrics *metrics, const struct weft_batch *batch)
{
    if (!metrics)
        return;
    change_stage(metrics, WEFT_STAGES);
    int64_t now_ms = weft_clock_wall_ms();
    uint64_t results = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->answers[i].bytes)
            results++;
        else
            count_dead_letter(metrics, batch->answers[i].error_class);
        int64_t timestamp_ms = batch->requests[i].timestamp_ms;
        /* The sender's clock may be ahead of ours. */
        if (timestamp_ms >= 0)
            weft_histogram_observe(&metrics->latency,
                                   timestamp_ms < now_ms ? (double)(now_ms - timestamp_ms) * 1e-3 : 0);
    }
    weft_counter_add(&metrics->results, results);
    weft_counter_add(&metrics->commits, 1);
    weft_histogram_observe(&metrics->batch, (double)batch->count);
    for (size_t i = 0; i < WEFT_STAGES; i++) {
        weft_histogram_observe(&metrics->stages[i], (double)metrics->stage_ns[i] * 1e-9);
        metrics->stage_ns[i] = 0;
    }
    note_offsets(metrics, batch, true);
}

void weft_worker_metrics_aborted(struct weft_worker_metrics *metrics)
{
    if (!metrics)
        return;
    weft_counter_add(&metrics->aborts, 1);
    memset(metrics->stage_ns, 0, sizeof metrics->stage_ns);
}

void weft_worker_metrics_look(struct weft_worker_metrics *metrics, rd_kafka_t *consumer, bool paused)
{
    if (metrics)
        weft_lag_look(metrics->lag, consumer, paused);
}

void weft_worker_metrics_view(struct weft_worker_metrics *metrics, struct weft_worker_view *view)
{
    *view = (struct weft_worker_view){
        .state = (enum weft_worker_state)atomic_load(&metrics->state),
        .call = atomic_load(&metrics->call),
        .cut_off = weft_client_statistics_cut_off(metrics->consumer),
        .lag = weft_lag_total(metrics->lag),
    };
    enum weft_stage stage = stage_of(view->call);
    if (stage != WEFT_STAGE_WAIT && stage != WEFT_STAGE_SCORE)
        view->asking_ms = weft_clock_ms() - atomic_load(&metrics->since_ms);
}

static void write_counts(struct weft_worker_metrics *metrics, struct weft_metrics_page *page,
                         const struct weft_label *labels)
{
    const struct {
        const struct weft_counter *counter;
        const char *name, *help;
    } counts[] = {
        {&metrics->requests, "weft_requests_total", "Requests read; those read again after an abort count again."},
        {&metrics->results, "weft_results_total", "Results committed."},
        {&metrics->commits, "weft_commits_total", "Transactions committed."},
        {&metrics->aborts, "weft_aborts_total", "Transactions aborted."},
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        weft_metric_sample(weft_metrics_family(page, counts[i].name, WEFT_METRIC_COUNTER, counts[i].help), labels,
                           (double)weft_counter_value(counts[i].counter));
    struct weft_metric *dead = weft_metrics_family(page, "weft_dead_letters_total", WEFT_METRIC_COUNTER,
                                                   "Dead letters committed, by the class of their fault.");
    for (size_t i = 0; i < CLASSES_MAX; i++) {
        const char *class = atomic_load(&metrics->dead_letters[i].class);
        const struct weft_label with_class[] = {labels[0], labels[1], {"class", class}, {NULL, NULL}};
        if (class)
            weft_metric_sample(dead, with_class, (double)weft_counter_value(&metrics->dead_letters[i].count));
    }
}

static void write_state(struct weft_worker_metrics *metrics, struct weft_metrics_page *page,
                        const struct weft_label *labels)
{
    struct weft_metric *family = weft_metrics_family(page, "weft_worker_state", WEFT_METRIC_GAUGE,
                                                     "1 for the state that the worker is in, 0 for the others.");
    int state = atomic_load(&metrics->state);
    for (int i = 0; i < WEFT_WORKER_STATES; i++) {
        const struct weft_label with_state[] = {labels[0], labels[1], {"state", state_names[i]}, {NULL, NULL}};
        weft_metric_sample(family, with_state, i == state);
    }
}

static void write_lag(struct weft_worker_metrics *metrics, struct weft_metrics_page *page,
                      const struct weft_label *labels)
{
    struct weft_metric *family =
        weft_metrics_family(page, "weft_lag_requests", WEFT_METRIC_GAUGE,
                            "Requests of a partition that are not answered yet: its end less the committed offset.");
    weft_lag_write(metrics->lag, family, labels);
}

static void write_clients(struct weft_worker_metrics *metrics, struct weft_metrics_page *page,
                          const struct weft_label *labels)
{
    const struct weft_label consumer[] = {labels[0], labels[1], {"client", "consumer"}, {NULL, NULL}};
    const struct weft_label producer[] = {labels[0], labels[1], {"client", "producer"}, {NULL, NULL}};
    weft_client_statistics_write(metrics->consumer, page, consumer);
    weft_client_statistics_write(metrics->producer, page, producer);
}

/* One histogram for all workers: each of its own would be a hundred lines more of the page. */
static void write_histograms(struct weft_worker_metrics *const *workers, size_t count, const char *processor,
                             struct weft_metrics_page *page)
{
    const struct weft_histogram **parts = calloc(count ? count : 1, sizeof *parts);
    if (!parts || count == 0)
        goto out;
    const struct weft_label labels[] = {{"processor", processor}, {NULL, NULL}};
    for (size_t i = 0; i < count; i++)
        parts[i] = &workers[i]->batch;
    weft_metric_histogram(
        weft_metrics_family(page, "weft_batch_requests", WEFT_METRIC_HISTOGRAM, "Requests in a committed transaction."),
        labels, parts, count);
    for (size_t i = 0; i < count; i++)
        parts[i] = &workers[i]->latency;
    weft_metric_histogram(weft_metrics_family(page, "weft_request_latency_seconds", WEFT_METRIC_HISTOGRAM,
                                              "From a request's timestamp to the commit of its answer."),
                          labels, parts, count);
    for (size_t stage = 0; stage < WEFT_STAGES; stage++) {
        const struct weft_label of_stage[] = {{"processor", processor}, {"stage", stage_names[stage]}, {NULL, NULL}};
        for (size_t i = 0; i < count; i++)
            parts[i] = &workers[i]->stages[stage];
        weft_metric_histogram(weft_metrics_family(page, "weft_stage_duration_seconds", WEFT_METRIC_HISTOGRAM,
                                                  "What a worker's time went into, for each committed transaction."),
                              of_stage, parts, count);
    }
out:
    free(parts);
}

void weft_worker_metrics_write(struct weft_worker_metrics *const *workers, size_t count, const char *processor,
                               struct weft_metrics_page *page)
{
    for (size_t i = 0; i < count; i++) {
        char number[16];
        snprintf(number, sizeof number, "%zu", i);
        const struct weft_label labels[] = {{"processor", processor}, {"worker", number}, {NULL, NULL}};
        write_counts(workers[i], page, labels);
        write_state(workers[i], page, labels);
        write_lag(workers[i], page, labels);
        write_clients(workers[i], page, labels);
    }
    write_histograms(workers, count, processor, page);
}

const char *weft_worker_state_name(enum weft_worker_state state)
{
    return state_names[state];
}
