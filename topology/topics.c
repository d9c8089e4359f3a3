#include "topology/topics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "streams/admin.h"

enum { REASON_SIZE = 256, PAUSE_MS = 50 };

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
    if (weft_client_metadata(client, false, NULL, timeout_ms, &metadata, err) != 0)
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

static int topic_verdict(const rd_kafka_topic_result_t **results, size_t count, rd_kafka_resp_err_t harmless,
                         struct weft_error *err)
{
    if (count != 1)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the cluster's answer is of %zu topics", count);
    rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[0]);
    return code == harmless ? 0 : weft_admin_verdict(code, rd_kafka_topic_result_error_string(results[0]), err);
}

int weft_topics_create(struct weft_client *client, const struct weft_topology_topic *topic, bool only_check,
                       int timeout_ms, struct weft_error *err)
{
    char reason[REASON_SIZE];
    int result = -1;
    int replication = topic->replication ? topic->replication : -1;
    rd_kafka_NewTopic_t *new_topic =
        rd_kafka_NewTopic_new(topic->name, topic->partitions, replication, reason, sizeof reason);
    if (!new_topic)
        return weft_error_set(err, WEFT_ERROR_CONFLICT, "%s", reason);
    struct weft_admin admin = weft_admin_begin(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout_ms);
    if (only_check)
        weft_admin_only_check(&admin);
    for (size_t i = 0; i < topic->config_count; i++) {
        rd_kafka_resp_err_t code =
            rd_kafka_NewTopic_set_config(new_topic, topic->config[i].name, topic->config[i].value);
        if (code) {
            weft_error_set(err, WEFT_ERROR_CONFLICT, "%s: %s", topic->config[i].name, rd_kafka_err2str(code));
            goto out;
        }
    }
    rd_kafka_CreateTopics(weft_client_handle(client), &new_topic, 1, admin.options, admin.queue);
    if (weft_admin_wait(&admin, "creating a topic", err) != 0)
        goto out;
    size_t count = 0;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(admin.event), &count);
    result = topic_verdict(results, count, RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, err);
out:
    weft_admin_end(&admin);
    rd_kafka_NewTopic_destroy(new_topic);
    return result;
}

/* Whether the topic has as many partitions as declared by now. */
static bool is_grown(struct weft_client *client, const struct weft_topology_topic *topic, int timeout_ms)
{
    struct weft_error ignored;
    int count;
    return weft_client_partition_count(client, topic->name, timeout_ms, &count, &ignored) == 0 &&
           count == topic->partitions;
}

int weft_topics_grow(struct weft_client *client, const struct weft_topology_topic *topic, bool only_check,
                     int timeout_ms, struct weft_error *err)
{
    char reason[REASON_SIZE];
    rd_kafka_NewPartitions_t *partitions =
        rd_kafka_NewPartitions_new(topic->name, (size_t)topic->partitions, reason, sizeof reason);
    if (!partitions)
        return weft_error_set(err, WEFT_ERROR_CONFLICT, "%s", reason);
    struct weft_admin admin = weft_admin_begin(client, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, timeout_ms);
    if (only_check)
        weft_admin_only_check(&admin);
    rd_kafka_CreatePartitions(weft_client_handle(client), &partitions, 1, admin.options, admin.queue);
    int result = weft_admin_wait(&admin, "adding partitions to a topic", err);
    if (result == 0) {
        size_t count = 0;
        const rd_kafka_topic_result_t **results =
            rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(admin.event), &count);
        result = topic_verdict(results, count, RD_KAFKA_RESP_ERR_NO_ERROR, err);
        if (result != 0 && err->class == WEFT_ERROR_CONFLICT && is_grown(client, topic, timeout_ms))
            result = 0;
    }
    weft_admin_end(&admin);
    rd_kafka_NewPartitions_destroy(partitions);
    return result;
}
