#include "streams/client_statistics.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct weft_client_statistics {
    pthread_mutex_t lock;
    char *json; /* the last, or NULL */
};

struct weft_client_statistics *weft_client_statistics_new(void)
{
    struct weft_client_statistics *statistics = calloc(1, sizeof *statistics);
    if (statistics)
        pthread_mutex_init(&statistics->lock, NULL);
    return statistics;
}

void weft_client_statistics_destroy(struct weft_client_statistics *statistics)
{
    if (!statistics)
        return;
    pthread_mutex_destroy(&statistics->lock);
    free(statistics->json);
    free(statistics);
}

void weft_client_statistics_give(struct weft_client_statistics *statistics, char *json)
{
    pthread_mutex_lock(&statistics->lock);
    char *former = statistics->json;
    statistics->json = json;
    pthread_mutex_unlock(&statistics->lock);
    free(former);
}

/* NULL when there are none yet; the caller owns the reference. */
static json_t *parse(struct weft_client_statistics *statistics)
{
    pthread_mutex_lock(&statistics->lock);
    json_t *parsed = statistics->json ? json_loads(statistics->json, 0, NULL) : NULL;
    pthread_mutex_unlock(&statistics->lock);
    return parsed;
}

static bool is_up(const json_t *broker)
{
    const char *state = json_string_value(json_object_get(broker, "state"));
    /* UPDATE: connected, and asking for the versions of requests anew. */
    return state && (strcmp(state, "UP") == 0 || strcmp(state, "UPDATE") == 0);
}

/* Figures of the client as a whole (of the library's STATISTICS.md). */
static const struct {
    const char *field, *name;
    enum weft_metric_type type;
    const char *help;
} client_figures[] = {
    {"tx", "weft_kafka_requests_total", WEFT_METRIC_COUNTER, "Requests sent to brokers by a Kafka client."},
    {"tx_bytes", "weft_kafka_sent_bytes_total", WEFT_METRIC_COUNTER, "Bytes sent to brokers by a Kafka client."},
    {"rx_bytes", "weft_kafka_received_bytes_total", WEFT_METRIC_COUNTER,
     "Bytes received from brokers by a Kafka client."},
};

/* Figures of each broker that the client is connected to. */
static const struct {
    const char *window, *field, *name;
    double scale;
    const char *help;
} broker_figures[] = {
    {"rtt", "avg", "weft_kafka_round_trip_average_seconds", 1e-6,
     "Average time of a request to a broker and back, over the last second; a consumer's fetches wait for records."},
    {"rtt", "p99", "weft_kafka_round_trip_p99_seconds", 1e-6,
     "99th percentile of the time of a request to a broker and back, over the last second."},
    {NULL, "waitresp_cnt", "weft_kafka_requests_in_flight", 1, "Requests to a broker that are not answered yet."},
    {NULL, "outbuf_cnt", "weft_kafka_requests_waiting", 1, "Requests to a broker that are not sent yet."},
};

static void write_brokers(const json_t *all, struct weft_metrics_page *page, const struct weft_label *labels,
                          size_t label_count)
{
    struct weft_label of_broker[WEFT_CLIENT_LABELS_MAX + 2];
    memcpy(of_broker, labels, label_count * sizeof *labels);
    const char *name;
    json_t *broker;
    double up = 0;
    json_object_foreach(json_object_get(all, "brokers"), name, broker)
    {
        up += is_up(broker);
        /* The addresses given to begin with, and the group's coordinator, are brokers that have a number too. */
        bool numbered = json_integer_value(json_object_get(broker, "nodeid")) >= 0 && !strstr(name, "Coordinator");
        if (!numbered || !is_up(broker))
            continue;
        of_broker[label_count] = (struct weft_label){"broker", name};
        of_broker[label_count + 1] = (struct weft_label){NULL, NULL};
        for (size_t i = 0; i < sizeof broker_figures / sizeof *broker_figures; i++) {
            const json_t *from = broker_figures[i].window ? json_object_get(broker, broker_figures[i].window) : broker;
            struct weft_metric *family =
                weft_metrics_family(page, broker_figures[i].name, WEFT_METRIC_GAUGE, broker_figures[i].help);
            weft_metric_sample(family, of_broker,
                               json_number_value(json_object_get(from, broker_figures[i].field)) *
                                   broker_figures[i].scale);
        }
    }
    weft_metric_sample(weft_metrics_family(page, "weft_kafka_connections", WEFT_METRIC_GAUGE,
                                           "Connections of a Kafka client to brokers."),
                       labels, up);
}

/* A producer counts what it has not delivered yet, a consumer keeps a queue for each partition. */
static void write_queue(const json_t *all, struct weft_metrics_page *page, const struct weft_label *labels)
{
    double messages = json_number_value(json_object_get(all, "msg_cnt"));
    double bytes = json_number_value(json_object_get(all, "msg_size"));
    const char *key;
    json_t *topic, *partition;
    json_object_foreach(json_object_get(all, "topics"), key, topic)
    {
        const char *number;
        json_object_foreach(json_object_get(topic, "partitions"), number, partition)
        {
            messages += json_number_value(json_object_get(partition, "fetchq_cnt"));
            bytes += json_number_value(json_object_get(partition, "fetchq_size"));
        }
    }
    weft_metric_sample(weft_metrics_family(page, "weft_kafka_queue_messages", WEFT_METRIC_GAUGE,
                                           "Messages in a Kafka client's queue: fetched and not yet read, or written "
                                           "and not yet delivered."),
                       labels, messages);
    weft_metric_sample(weft_metrics_family(page, "weft_kafka_queue_bytes", WEFT_METRIC_GAUGE,
                                           "Bytes of the messages in a Kafka client's queue."),
                       labels, bytes);
}

void weft_client_statistics_write(struct weft_client_statistics *statistics, struct weft_metrics_page *page,
                                  const struct weft_label *labels)
{
    json_t *all = parse(statistics);
    if (!all)
        return;
    size_t label_count = 0;
    while (labels[label_count].name)
        label_count++;
    for (size_t i = 0; i < sizeof client_figures / sizeof *client_figures; i++)
        weft_metric_sample(
            weft_metrics_family(page, client_figures[i].name, client_figures[i].type, client_figures[i].help), labels,
            json_number_value(json_object_get(all, client_figures[i].field)));
    write_queue(all, page, labels);
    write_brokers(all, page, labels, label_count);
    json_decref(all);
}

bool weft_client_statistics_cut_off(struct weft_client_statistics *statistics)
{
    json_t *all = parse(statistics), *broker;
    bool cut_off = all;
    const char *name;
    json_object_foreach(json_object_get(all, "brokers"), name, broker) cut_off = cut_off && !is_up(broker);
    json_decref(all);
    return cut_off;
}
