#include "pubsub-bridge/bridge_metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

enum {
    AWAY_MS = 5000, /* no answer of a service that is well takes this long */
    TELL_MS = 100,
    TEXT_SIZE = 256,
};

/* Seconds: from a message that is mirrored at once to one that has waited while nobody was there for an hour. */
static const double latency_bounds[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,    2.5,
                                        5,     10,   30,    60,   120, 300,  900, 1800, 3600};
enum { LATENCY_BOUNDS = sizeof latency_bounds / sizeof *latency_bounds };
_Static_assert((int)LATENCY_BOUNDS <= (int)WEFT_HISTOGRAM_BOUNDS_MAX, "bounds of times");

/* The phases, and between them what only the view of it all tells. */
enum state {
    STARTING,
    JOINING,
    STANDBY,
    TAKING_OVER,
    WORKING,
    REGISTRY_AWAY,
    PUBSUB_AWAY,
    KAFKA_AWAY,
    FENCED,
    FAILED,
    STOPPED,
    STATES,
};

static const char *const state_names[STATES] = {"starting", "joining",       "standby",     "taking_over",
                                                "working",  "registry_away", "pubsub_away", "kafka_away",
                                                "fenced",   "failed",        "stopped"};

struct weft_bridge_metrics {
    const struct weft_topology_bridge *declared;
    const char *direction;
    struct weft_client_statistics *consumer, *producer;
    struct weft_lag *lag; /* outward; NULL inward */
    _Atomic(const char *) awaits;
    atomic_int phase;
    atomic_bool stopping;
    atomic_int_fast64_t moved_ms;
    atomic_int_fast64_t writing_ms; /* since when it has been at a transaction; 0: it is not */
    struct weft_histogram latency;
    int64_t told_ms; /* the bridge's own */

    pthread_mutex_t lock; /* for the figures */
    struct weft_bridge_figures figures;
};

struct weft_bridge_metrics *weft_bridge_metrics_new(const struct weft_topology_bridge *declared)
{
    struct weft_bridge_metrics *metrics = calloc(1, sizeof *metrics);
    if (!metrics)
        return NULL;
    const bool inward = declared->from.pubsub;
    pthread_mutex_init(&metrics->lock, NULL);
    metrics->declared = declared;
    metrics->direction = inward ? "pubsub_to_kafka" : "kafka_to_pubsub";
    metrics->awaits = "nothing has been looked at yet";
    metrics->consumer = weft_client_statistics_new();
    metrics->producer = weft_client_statistics_new();
    metrics->lag = inward ? NULL : weft_lag_new(declared->from.name);
    weft_histogram_init(&metrics->latency, latency_bounds, LATENCY_BOUNDS);
    if (metrics->consumer && metrics->producer && (inward || metrics->lag))
        return metrics;
    weft_bridge_metrics_destroy(metrics);
    return NULL;
}

void weft_bridge_metrics_destroy(struct weft_bridge_metrics *metrics)
{
    if (!metrics)
        return;
    pthread_mutex_destroy(&metrics->lock);
    weft_client_statistics_destroy(metrics->consumer);
    weft_client_statistics_destroy(metrics->producer);
    weft_lag_destroy(metrics->lag);
    free(metrics);
}

/* ---- What the bridge tells */

void weft_bridge_metrics_awaits(struct weft_bridge_metrics *metrics, const char *what)
{
    if (metrics)
        atomic_store(&metrics->awaits, what);
}

void weft_bridge_metrics_moves(struct weft_bridge_metrics *metrics)
{
    if (metrics)
        atomic_store_explicit(&metrics->moved_ms, weft_clock_ms(), memory_order_relaxed);
}

void weft_bridge_metrics_phase(struct weft_bridge_metrics *metrics, enum weft_bridge_phase phase)
{
    if (!metrics)
        return;
    weft_bridge_metrics_moves(metrics);
    atomic_store(&metrics->phase, (int)phase);
}

void weft_bridge_metrics_stopping(struct weft_bridge_metrics *metrics)
{
    if (metrics)
        atomic_store(&metrics->stopping, true);
}

bool weft_bridge_metrics_due(const struct weft_bridge_metrics *metrics)
{
    return metrics && weft_clock_ms() - metrics->told_ms >= TELL_MS;
}

void weft_bridge_metrics_tell(struct weft_bridge_metrics *metrics, const struct weft_bridge_figures *figures)
{
    if (!metrics)
        return;
    weft_bridge_metrics_moves(metrics);
    metrics->told_ms = weft_clock_ms();
    pthread_mutex_lock(&metrics->lock);
    metrics->figures = *figures;
    pthread_mutex_unlock(&metrics->lock);
}

void weft_bridge_metrics_writes(struct weft_bridge_metrics *metrics, bool writes)
{
    if (metrics)
        atomic_store(&metrics->writing_ms, writes ? weft_clock_ms() : 0);
}

void weft_bridge_metrics_arrived(struct weft_bridge_metrics *metrics, int64_t timestamp_ms)
{
    if (!metrics || timestamp_ms < 0)
        return;
    int64_t age_ms = weft_clock_wall_ms() - timestamp_ms;
    /* The sender's clock may be ahead of ours. */
    weft_histogram_observe(&metrics->latency, age_ms > 0 ? (double)age_ms * 1e-3 : 0);
}

struct weft_client_statistics *weft_bridge_metrics_consumer(struct weft_bridge_metrics *metrics)
{
    return metrics ? metrics->consumer : NULL;
}

struct weft_client_statistics *weft_bridge_metrics_producer(struct weft_bridge_metrics *metrics)
{
    return metrics ? metrics->producer : NULL;
}

struct weft_lag *weft_bridge_metrics_lag(struct weft_bridge_metrics *metrics)
{
    return metrics ? metrics->lag : NULL;
}

/* ---- Who asks */

const char *weft_bridge_metrics_name(const struct weft_bridge_metrics *metrics)
{
    return metrics->declared->name;
}

static void copy_figures(struct weft_bridge_metrics *metrics, struct weft_bridge_figures *figures)
{
    pthread_mutex_lock(&metrics->lock);
    *figures = metrics->figures;
    pthread_mutex_unlock(&metrics->lock);
}

static enum state state_of_phase(int phase)
{
    static const enum state states[] = {
        [WEFT_PHASE_STARTING] = STARTING,       [WEFT_PHASE_JOINING] = JOINING, [WEFT_PHASE_STANDBY] = STANDBY,
        [WEFT_PHASE_TAKING_OVER] = TAKING_OVER, [WEFT_PHASE_WORKING] = WORKING, [WEFT_PHASE_REGISTRY] = REGISTRY_AWAY,
        [WEFT_PHASE_FENCED] = FENCED,           [WEFT_PHASE_FAILED] = FAILED,   [WEFT_PHASE_STOPPED] = STOPPED,
    };
    return states[phase];
}

/* The state, and what there is to say of it. */
static enum state describe(struct weft_bridge_metrics *metrics, char *reason, size_t size)
{
    enum state state = state_of_phase(atomic_load(&metrics->phase));
    struct weft_bridge_figures figures;
    copy_figures(metrics, &figures);
    reason[0] = '\0';
    switch (state) {
    case STARTING: snprintf(reason, size, "starting: %s", atomic_load(&metrics->awaits)); return state;
    case FENCED: snprintf(reason, size, "fenced: another instance has taken over"); return state;
    case FAILED: snprintf(reason, size, "it has failed"); return state;
    default: break;
    }
    if (state == STOPPED || atomic_load(&metrics->stopping)) {
        snprintf(reason, size, "stopping");
        return STOPPED;
    }
    const int64_t writing_ms = atomic_load(&metrics->writing_ms);
    const int64_t writes_ms = writing_ms ? weft_clock_ms() - writing_ms : 0;
    if (weft_client_statistics_cut_off(metrics->consumer)) {
        snprintf(reason, size, "broker away: it has no connection to any");
        return KAFKA_AWAY;
    }
    if (writes_ms > AWAY_MS) {
        snprintf(reason, size, "broker away: a transaction has taken %" PRId64 " s so far", writes_ms / 1000);
        return KAFKA_AWAY;
    }
    if (state != STANDBY && figures.pubsub_away_ms > AWAY_MS) {
        snprintf(reason, size, "Pub/Sub away: it has not answered for %" PRId64 " s", figures.pubsub_away_ms / 1000);
        return PUBSUB_AWAY;
    }
    switch (state) {
    case JOINING: snprintf(reason, size, "joining: its group has not said yet what it has to do"); break;
    case STANDBY: snprintf(reason, size, "standby: another instance is at work"); break;
    case TAKING_OVER: snprintf(reason, size, "taking over: it fences the former owner and reads the ledger"); break;
    case REGISTRY_AWAY: snprintf(reason, size, "registry away: it holds a record whose schema it does not know"); break;
    default: break;
    }
    return state;
}

bool weft_bridge_metrics_ready(struct weft_bridge_metrics *metrics, char *reason, size_t size)
{
    enum state state = describe(metrics, reason, size);
    return state == WORKING || state == STANDBY;
}

bool weft_bridge_metrics_over(struct weft_bridge_metrics *metrics)
{
    int phase = atomic_load(&metrics->phase);
    return phase == WEFT_PHASE_FENCED || phase == WEFT_PHASE_FAILED;
}

int64_t weft_bridge_metrics_silent_ms(struct weft_bridge_metrics *metrics)
{
    int phase = atomic_load(&metrics->phase);
    bool works = phase > WEFT_PHASE_STARTING && phase < WEFT_PHASE_FENCED && !atomic_load(&metrics->stopping);
    return works ? weft_clock_ms() - atomic_load(&metrics->moved_ms) : 0;
}

/* ---- The page */

static void write_counts(const struct weft_bridge_figures *figures, struct weft_metrics_page *page,
                         const struct weft_label *labels)
{
    const struct {
        const char *name, *help;
        enum weft_metric_type type;
        double value;
    } samples[] = {
        {"weft_bridge_received_total", "Messages or records received; what comes again counts again.",
         WEFT_METRIC_COUNTER, (double)figures->received},
        {"weft_bridge_sent_total", "Records committed in Kafka, or messages that Pub/Sub has confirmed.",
         WEFT_METRIC_COUNTER, (double)figures->sent},
        {"weft_bridge_acknowledged_total",
         "Messages acknowledged to Pub/Sub, or records of Kafka up to the committed offsets.", WEFT_METRIC_COUNTER,
         (double)figures->acknowledged},
        {"weft_bridge_repeats_total", "Messages of Pub/Sub that were recognised as received before.",
         WEFT_METRIC_COUNTER, (double)figures->repeats},
        {"weft_bridge_loops_total", "Messages or records that had come in a circle, and ended here.",
         WEFT_METRIC_COUNTER, (double)figures->loops},
        {"weft_bridge_outstanding_messages", "Messages or records received and not yet done with.", WEFT_METRIC_GAUGE,
         (double)figures->messages},
        {"weft_bridge_outstanding_bytes", "Bytes of the messages or records received and not yet done with.",
         WEFT_METRIC_GAUGE, (double)figures->bytes},
        {"weft_bridge_oldest_unacknowledged_seconds",
         "For how long the oldest message or record has been under way; 0 where none is.", WEFT_METRIC_GAUGE,
         (double)figures->oldest_ms * 1e-3},
    };
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        weft_metric_sample(weft_metrics_family(page, samples[i].name, samples[i].type, samples[i].help), labels,
                           samples[i].value);
}

static void write_classes(const struct weft_bridge_figures *figures, struct weft_metrics_page *page,
                          const struct weft_label *labels)
{
    /* Only what is corrupt becomes a dead letter: all else is waited for, or ends the bridge. */
    const struct weft_label corrupt[] = {
        labels[0], labels[1], {"class", weft_error_class_name(WEFT_ERROR_CORRUPT)}, {NULL, NULL}};
    weft_metric_sample(weft_metrics_family(page, "weft_bridge_dead_letters_total", WEFT_METRIC_COUNTER,
                                           "Dead letters written, by the class of their fault."),
                       corrupt, (double)figures->dead_letters);
    struct weft_metric *retries =
        weft_metrics_family(page, "weft_bridge_retries_total", WEFT_METRIC_COUNTER,
                            "What failed and is tried again: calls of Pub/Sub, transactions of Kafka.");
    const struct weft_label pubsub[] = {labels[0], labels[1], {"side", "pubsub"}, {NULL, NULL}};
    const struct weft_label kafka[] = {labels[0], labels[1], {"side", "kafka"}, {NULL, NULL}};
    weft_metric_sample(retries, pubsub, (double)figures->failed_calls);
    weft_metric_sample(retries, kafka, (double)figures->aborts);
}

static void write_state(struct weft_bridge_metrics *metrics, struct weft_metrics_page *page,
                        const struct weft_label *labels)
{
    char reason[TEXT_SIZE];
    const enum state state = describe(metrics, reason, sizeof reason);
    weft_metric_sample(weft_metrics_family(page, "weft_bridge_ready", WEFT_METRIC_GAUGE,
                                           "1 when the bridge works or stands by, 0 when /readyz says why not."),
                       labels, state == WORKING || state == STANDBY);
    struct weft_metric *family = weft_metrics_family(page, "weft_bridge_state", WEFT_METRIC_GAUGE,
                                                     "1 for the state that the bridge is in, 0 for the others.");
    for (int i = 0; i < STATES; i++) {
        const struct weft_label with_state[] = {labels[0], labels[1], {"state", state_names[i]}, {NULL, NULL}};
        weft_metric_sample(family, with_state, i == (int)state);
    }
}

void weft_bridge_metrics_write(struct weft_bridge_metrics *metrics, struct weft_metrics_page *page)
{
    const struct weft_label bridge = {"bridge", weft_bridge_metrics_name(metrics)};
    const struct weft_label direction = {"direction", metrics->direction};
    const struct weft_label labels[] = {bridge, direction, {NULL, NULL}};
    const struct weft_label consumer[] = {bridge, direction, {"client", "consumer"}, {NULL, NULL}};
    const struct weft_label producer[] = {bridge, direction, {"client", "producer"}, {NULL, NULL}};
    const struct weft_histogram *const latency = &metrics->latency;
    struct weft_bridge_figures figures;
    copy_figures(metrics, &figures);
    write_state(metrics, page, labels);
    write_counts(&figures, page, labels);
    write_classes(&figures, page, labels);
    if (metrics->lag)
        weft_lag_write(metrics->lag,
                       weft_metrics_family(page, "weft_bridge_lag_records", WEFT_METRIC_GAUGE,
                                           "Records of a partition that Pub/Sub does not have yet: its end less the "
                                           "first offset not done with."),
                       labels);
    weft_metric_histogram(
        weft_metrics_family(page, "weft_bridge_latency_seconds", WEFT_METRIC_HISTOGRAM,
                            "From the publishing of a message to its record's commit, or from a record's timestamp to "
                            "its message's confirmation."),
        labels, &latency, 1);
    weft_client_statistics_write(metrics->consumer, page, consumer);
    weft_client_statistics_write(metrics->producer, page, producer);
}

json_t *weft_bridge_metrics_info(struct weft_bridge_metrics *metrics)
{
    char reason[TEXT_SIZE];
    const struct weft_topology_bridge *declared = metrics->declared;
    const enum state state = describe(metrics, reason, sizeof reason);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:s*}", "name", declared->name, "direction", metrics->direction, "from",
                     declared->from.name, "to", declared->to.name, "state", state_names[state], "ready",
                     state == WORKING || state == STANDBY, "reason", reason[0] ? reason : NULL);
}
