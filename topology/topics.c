#include "topology/topics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { REASON_SIZE = 256, SLICE_MS = 500, PAUSE_MS = 50 };

/* The library's metadata about the topics that the client has handles for. Waits in short slices, with the callbacks
 * served between, so that a refused password ends it. */
static const struct rd_kafka_metadata *ask(struct weft_client *client, int timeout_ms, struct weft_error *err)
{
    int64_t deadline = weft_clock_ms() + timeout_ms;
    for (;;) {
        const struct rd_kafka_metadata *metadata;
        rd_kafka_t *handle = weft_client_handle(client);
        rd_kafka_resp_err_t code = rd_kafka_metadata(handle, 0, NULL, &metadata, SLICE_MS);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            return metadata;
        rd_kafka_poll(handle, 0);
        if (weft_client_refused(client) || weft_clock_ms() >= deadline) {
            weft_client_fail(client, code, "asking the cluster about its topics", err);
            return NULL;
        }
        weft_clock_sleep_ms(PAUSE_MS);
    }
}

static int read_topic(const struct rd_kafka_metadata_topic *topic, struct weft_live_topic *live, struct weft_error *err)
{
    *live = (struct weft_live_topic){.ready = topic->partition_cnt > 0};
    if (topic->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || topic->err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        return 0;
    if (topic->err && topic->err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
        return weft_error_set(err, weft_kafka_error_class(topic->err), "topic %s: %s", topic->topic,
                              rd_kafka_err2str(topic->err));
    live->partitions = topic->partition_cnt;
    for (int i = 0; i < topic->partition_cnt; i++)
        live->ready = live->ready && topic->partitions[i].leader >= 0;
    live->replication = topic->partition_cnt ? topic->partitions[0].replica_cnt : 0;
    return 0;
}

int weft_topics_look(struct weft_client *client, const struct weft_topology *topology, int timeout_ms,
                     struct weft_live_topic *live, struct weft_error *err)
{
    int result = -1;
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t **handles = calloc(topology->topic_count + 1, sizeof *handles);
    if (!handles)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < topology->topic_count; i++) {
        handles[i] = rd_kafka_topic_new(weft_client_handle(client), topology->topics[i].name, NULL);
        if (!handles[i]) {
            weft_error_set(err, WEFT_ERROR_CONFIG, "topic %s: %s", topology->topics[i].name,
                           rd_kafka_err2str(rd_kafka_last_error()));
            goto out;
        }
    }
    metadata = ask(client, timeout_ms, err);
    if (!metadata)
        goto out;
    for (size_t i = 0; i < topology->topic_count; i++) {
        live[i] = (struct weft_live_topic){0};
        for (int t = 0; t < metadata->topic_cnt; t++)
            if (strcmp(metadata->topics[t].topic, topology->topics[i].name) == 0 &&
                read_topic(&metadata->topics[t], &live[i], err) != 0)
                goto out;
    }
    result = 0;
out:
    if (metadata)
        rd_kafka_metadata_destroy(metadata);
    for (size_t i = 0; i < topology->topic_count && handles[i]; i++)
        rd_kafka_topic_destroy(handles[i]);
    free(handles);
    return result;
}

int weft_topics_await(struct weft_client *client, const struct weft_topology *topology, int timeout_ms,
                      struct weft_error *err)
{
    int64_t deadline = weft_clock_ms() + timeout_ms;
    struct weft_live_topic *live = calloc(topology->topic_count + 1, sizeof *live);
    if (!live)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    int result = -1;
    for (;;) {
        if (weft_topics_look(client, topology, timeout_ms, live, err) != 0)
            break;
        size_t ready = 0;
        while (ready < topology->topic_count && live[ready].ready)
            ready++;
        if (ready == topology->topic_count) {
            result = 0;
            break;
        }
        if (weft_clock_ms() >= deadline) {
            weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "topic %s is created, but %s after %d ms: look at the brokers",
                           topology->topics[ready].name,
                           live[ready].partitions ? "a partition has no leader" : "the cluster does not show it",
                           timeout_ms);
            break;
        }
        weft_clock_sleep_ms(PAUSE_MS);
    }
    free(live);
    return result;
}

/* Waits for the answer to an admin request and gives its event, which the caller destroys. */
static rd_kafka_event_t *await_answer(struct weft_client *client, rd_kafka_queue_t *queue, int timeout_ms,
                                      const char *what, struct weft_error *err)
{
    /* The library's own time-out comes first; the second beyond it is for what it might forget. */
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms + 1000);
    rd_kafka_resp_err_t code = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    rd_kafka_poll(weft_client_handle(client), 0);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return event;
    weft_client_fail(client, code, what, err);
    if (event)
        rd_kafka_event_destroy(event);
    return NULL;
}

static rd_kafka_AdminOptions_t *new_options(struct weft_client *client, rd_kafka_admin_op_t operation, int timeout_ms)
{
    char reason[REASON_SIZE];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(weft_client_handle(client), operation);
    rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, reason, sizeof reason);
    return options;
}

static int creation_result(const rd_kafka_topic_result_t *result, struct weft_error *err)
{
    rd_kafka_resp_err_t code = rd_kafka_topic_result_error(result);
    const char *text = rd_kafka_topic_result_error_string(result);
    enum weft_error_class class = weft_kafka_error_class(code);
    switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: return 0;
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICA_ASSIGNMENT:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION: class = WEFT_ERROR_CONFLICT; break;
    default: break;
    }
    return weft_error_set(err, class, "%s", text ? text : rd_kafka_err2str(code));
}

int weft_topics_create(struct weft_client *client, const struct weft_topology_topic *topic, bool only_check,
                       int timeout_ms, struct weft_error *err)
{
    char reason[REASON_SIZE];
    int result = -1;
    int replication = topic->replication ? topic->replication : -1;
    rd_kafka_event_t *event = NULL;
    rd_kafka_NewTopic_t *new_topic =
        rd_kafka_NewTopic_new(topic->name, topic->partitions, replication, reason, sizeof reason);
    if (!new_topic)
        return weft_error_set(err, WEFT_ERROR_CONFLICT, "%s", reason);
    rd_kafka_AdminOptions_t *options = new_options(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout_ms);
    rd_kafka_AdminOptions_set_validate_only(options, only_check, reason, sizeof reason);
    rd_kafka_AdminOptions_set_operation_timeout(options, timeout_ms, reason, sizeof reason);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(weft_client_handle(client));
    for (size_t i = 0; i < topic->config_count; i++) {
        rd_kafka_resp_err_t code =
            rd_kafka_NewTopic_set_config(new_topic, topic->config[i].name, topic->config[i].value);
        if (code) {
            weft_error_set(err, WEFT_ERROR_CONFLICT, "%s: %s", topic->config[i].name, rd_kafka_err2str(code));
            goto out;
        }
    }
    rd_kafka_CreateTopics(weft_client_handle(client), &new_topic, 1, options, queue);
    event = await_answer(client, queue, timeout_ms, "creating a topic", err);
    if (!event)
        goto out;
    size_t count = 0;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    result = count == 1 ? creation_result(results[0], err)
                        : weft_error_set(err, WEFT_ERROR_CORRUPT, "the cluster's answer names %zu topics", count);
out:
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy(new_topic);
    return result;
}

/* Kafka gives 0.50 back as it was written. */
static bool same_value(const char *live, const char *declared)
{
    return strcmp(live, declared) == 0 || (strchr(declared, '.') && strtod(live, NULL) == strtod(declared, NULL));
}

static void compare(const rd_kafka_ConfigEntry_t **entries, size_t count, const struct weft_topology_topic *topic,
                    char *out, size_t size)
{
    for (size_t i = 0; i < topic->config_count; i++) {
        const char *live = "not known to the cluster";
        for (size_t e = 0; e < count; e++)
            if (strcmp(rd_kafka_ConfigEntry_name(entries[e]), topic->config[i].name) == 0)
                live = rd_kafka_ConfigEntry_value(entries[e]);
        if (live && same_value(live, topic->config[i].value))
            continue;
        size_t length = strlen(out);
        snprintf(out + length, size - length, "; %s is %s, declared %s", topic->config[i].name, live ? live : "hidden",
                 topic->config[i].value);
    }
}

int weft_topics_compare(struct weft_client *client, const struct weft_topology_topic *topic, int timeout_ms, char *out,
                        size_t size, struct weft_error *err)
{
    int result = -1;
    rd_kafka_event_t *event = NULL;
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic->name);
    if (!resource)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    rd_kafka_AdminOptions_t *options = new_options(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout_ms);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(weft_client_handle(client));
    rd_kafka_DescribeConfigs(weft_client_handle(client), &resource, 1, options, queue);
    event = await_answer(client, queue, timeout_ms, "asking for a topic's settings", err);
    if (!event)
        goto out;
    size_t count = 0, entry_count = 0;
    const rd_kafka_ConfigResource_t **resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count);
    rd_kafka_resp_err_t code = count == 1 ? rd_kafka_ConfigResource_error(resources[0]) : RD_KAFKA_RESP_ERR__BAD_MSG;
    if (code) {
        weft_client_fail(client, code, "asking for a topic's settings", err);
        goto out;
    }
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resources[0], &entry_count);
    compare(entries, entry_count, topic, out, size);
    result = 0;
out:
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(resource);
    return result;
}
