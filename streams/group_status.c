#include "streams/group_status.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "schemas/registry_settings.h"
#include "schemas/result.h"
#include "streams/admin.h"
#include "streams/client.h"
#include "streams/consumer.h"
#include "streams/deadletter.h"
#include "streams/message.h"
#include "streams/offset_query.h"

enum { TIMEOUT_MS = 15000, FETCH_TIMEOUT_MS = 5000 };

struct reading {
    const struct weft_group_status_config *config;
    struct weft_group_status *status;
    struct weft_client *committed;   /* sees what is committed, and asks for the group */
    struct weft_client *uncommitted; /* sees everything */
    struct weft_registry *registry;
    struct weft_result_reader *results; /* NULL: results cannot be read, and so name no source */
};

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

static int read_members(struct reading *r, const rd_kafka_ConsumerGroupDescription_t *group, struct weft_error *err)
{
    struct weft_group_status *status = r->status;
    size_t count = rd_kafka_ConsumerGroupDescription_member_count(group);
    status->members = calloc(count ? count : 1, sizeof *status->members);
    if (!status->members)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    for (; status->member_count < count; status->member_count++) {
        const rd_kafka_MemberDescription_t *from =
            rd_kafka_ConsumerGroupDescription_member(group, status->member_count);
        struct weft_group_member *member = &status->members[status->member_count];
        member->id = copy(rd_kafka_MemberDescription_consumer_id(from));
        member->client = copy(rd_kafka_MemberDescription_client_id(from));
        member->host = copy(rd_kafka_MemberDescription_host(from));
        member->instance = copy(rd_kafka_MemberDescription_group_instance_id(from));
        if (!member->id || !member->client || !member->host)
            return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        const rd_kafka_MemberAssignment_t *assignment = rd_kafka_MemberDescription_assignment(from);
        const rd_kafka_topic_partition_list_t *list =
            assignment ? rd_kafka_MemberAssignment_partitions(assignment) : NULL;
        for (int i = 0; list && i < list->cnt; i++) {
            int32_t partition = list->elems[i].partition;
            if (strcmp(list->elems[i].topic, r->config->names->source) != 0 || partition < 0 ||
                partition >= status->partition_count)
                continue;
            status->partitions[partition].member = (int)status->member_count;
            member->partitions++;
        }
    }
    return 0;
}

static int read_description(struct reading *r, const rd_kafka_ConsumerGroupDescription_t *group, struct weft_error *err)
{
    const rd_kafka_error_t *error = rd_kafka_ConsumerGroupDescription_error(group);
    if (error) {
        weft_client_fail(r->committed, rd_kafka_error_code(error), r->config->names->group, err);
        return weft_error_prefix(err, "describing the group");
    }
    const rd_kafka_Node_t *node = rd_kafka_ConsumerGroupDescription_coordinator(group);
    struct weft_group_status *status = r->status;
    status->state = copy(rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(group)));
    status->assignor = copy(rd_kafka_ConsumerGroupDescription_partition_assignor(group));
    if (node && asprintf(&status->coordinator, "%s:%d", rd_kafka_Node_host(node), (int)rd_kafka_Node_port(node)) < 0)
        status->coordinator = NULL;
    if (!status->state)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    return read_members(r, group, err);
}

static int describe_group(struct reading *r, struct weft_error *err)
{
    int result = -1;
    const char *groups[] = {r->config->names->group};
    struct weft_admin admin = weft_admin_begin(r->committed, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, TIMEOUT_MS);
    rd_kafka_DescribeConsumerGroups(weft_client_handle(r->committed), groups, 1, admin.options, admin.queue);
    if (weft_admin_wait(&admin, "describing the group", err) == 0) {
        size_t count = 0;
        const rd_kafka_ConsumerGroupDescription_t **descriptions = rd_kafka_DescribeConsumerGroups_result_groups(
            rd_kafka_event_DescribeConsumerGroups_result(admin.event), &count);
        result = count == 1
                     ? read_description(r, descriptions[0], err)
                     : weft_error_set(err, WEFT_ERROR_INTERNAL, "the cluster described %zu groups, not one", count);
    }
    weft_admin_end(&admin);
    return result;
}

static int read_partitions(struct reading *r, struct weft_error *err)
{
    struct weft_group_status *status = r->status;
    const char *source = r->config->names->source;
    int count;
    int timeout_ms = (int)weft_settings_integer(r->config->settings, "startup.timeout");
    if (weft_client_partition_count(r->committed, source, timeout_ms, &count, err) != 0)
        return -1;
    status->partitions = calloc((size_t)count, sizeof *status->partitions);
    if (!status->partitions)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    status->partition_count = count;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    rd_kafka_topic_partition_list_add_range(list, source, 0, count - 1);
    int result = weft_consumer_committed(r->committed, list, TIMEOUT_MS, err);
    for (int32_t p = 0; result == 0 && p < count; p++) {
        struct weft_group_partition *partition = &status->partitions[p];
        /* Committed before its end, so that the lag is never less than it is. */
        result = weft_offset_range(r->uncommitted, source, p, TIMEOUT_MS, &partition->first, &partition->end, err);
        int64_t committed = list->elems[p].offset;
        partition->committed = committed >= 0 ? committed : -1;
        int64_t from = committed > partition->first ? committed : partition->first;
        partition->lag = partition->end > from ? partition->end - from : 0;
        partition->member = -1;
        status->lag += partition->lag;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return result;
}

static bool is_source(const struct reading *r, const char *topic, size_t size)
{
    const char *source = r->config->names->source;
    return size == strlen(source) && memcmp(topic, source, size) == 0;
}

/* Which request of the source the record answers, where it says so. */
static void read_request(const struct reading *r, struct weft_open_transaction *open, const rd_kafka_message_t *message)
{
    const struct weft_processor_names *names = r->config->names;
    struct weft_error err = {0};
    struct weft_frame frame;
    struct weft_result result;
    const char *topic;
    size_t size;
    int32_t partition;
    int64_t offset;
    if (open->topic == names->dead_letters) {
        if (!weft_deadletter_source(message, &topic, &size, &partition, &offset))
            return;
    } else {
        if (open->topic == names->source || !r->results || weft_message_frame(message, &frame, &err) != 0 ||
            weft_result_read_frame(r->results, &frame, &result, NULL, &err) != 0)
            return;
        topic = result.source_topic.at;
        size = result.source_topic.size;
        partition = result.source_partition;
        offset = result.source_offset;
    }
    if (!is_source(r, topic, size))
        return;
    open->source = partition;
    open->source_offset = offset;
    if (partition >= 0 && partition < r->status->partition_count)
        open->reader = r->status->partitions[partition].member;
}

/* Looks at the first record of the transaction, as an uncommitted reader sees it. */
static void look_at(struct reading *r, struct weft_open_transaction *open)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(weft_client_handle(r->uncommitted), open->topic, NULL);
    if (!topic || rd_kafka_consume_start(topic, open->partition, open->offset) != 0)
        goto out;
    rd_kafka_message_t *message = rd_kafka_consume(topic, open->partition, FETCH_TIMEOUT_MS);
    /* It may have been decided meanwhile, or deleted. */
    if (message && !message->err && message->offset == open->offset) {
        int64_t timestamp_ms = rd_kafka_message_timestamp(message, NULL), now_ms = weft_clock_wall_ms();
        if (timestamp_ms >= 0)
            open->open_ms = timestamp_ms < now_ms ? now_ms - timestamp_ms : 0;
        read_request(r, open, message);
    }
    if (message)
        rd_kafka_message_destroy(message);
    rd_kafka_consume_stop(topic, open->partition);
out:
    if (topic)
        rd_kafka_topic_destroy(topic);
}

/* A transaction is open where the last stable offset, the end of a read_committed reader, is not the end. */
static int find_open(struct reading *r, const char *topic, int64_t *records, struct weft_error *err)
{
    struct weft_group_status *status = r->status;
    int count;
    int timeout_ms = (int)weft_settings_integer(r->config->settings, "startup.timeout");
    if (weft_client_partition_count(r->committed, topic, timeout_ms, &count, err) != 0)
        return -1;
    for (int32_t p = 0; p < count; p++) {
        int64_t first, stable, end;
        if (weft_offset_range(r->committed, topic, p, TIMEOUT_MS, &first, &stable, err) != 0 ||
            weft_offset_range(r->uncommitted, topic, p, TIMEOUT_MS, &first, &end, err) != 0)
            return -1;
        *records += end - first;
        /* The end is asked for after the other: what has been committed between the two is told apart by asking again.
         */
        if (stable < end && weft_offset_range(r->committed, topic, p, TIMEOUT_MS, &first, &stable, err) != 0)
            return -1;
        if (stable >= end)
            continue;
        struct weft_open_transaction *grown =
            realloc(status->transactions, (status->transaction_count + 1) * sizeof *grown);
        if (!grown)
            return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        status->transactions = grown;
        grown[status->transaction_count] = (struct weft_open_transaction){
            .topic = topic,
            .partition = p,
            .offset = stable,
            .behind = end - stable,
            .open_ms = -1,
            .source = -1,
            .source_offset = -1,
            .reader = -1,
        };
        look_at(r, &grown[status->transaction_count++]);
    }
    return 0;
}

static int connect_clients(struct reading *r, struct weft_error *err)
{
    const struct weft_group_status_config *config = r->config;
    const struct weft_client_options committed = {.role = WEFT_KAFKA_READER, .group_id = config->names->group};
    const struct weft_client_options uncommitted = {.role = WEFT_KAFKA_ADMIN, .isolation_level = "read_uncommitted"};
    r->committed = weft_client_new(config->settings, &committed, config->log, err);
    r->uncommitted = r->committed ? weft_client_new(config->settings, &uncommitted, config->log, err) : NULL;
    if (!r->uncommitted)
        return -1;
    /* Only to say which request a transaction answers: without a registry that is left open. */
    struct weft_error ignored = {0};
    r->registry = weft_registry_once_from_settings(config->settings, &ignored);
    r->results = r->registry ? weft_result_reader_new(r->registry, &ignored) : NULL;
    return 0;
}

int weft_group_status_read(const struct weft_group_status_config *config, struct weft_group_status *status,
                           struct weft_error *err)
{
    *status = (struct weft_group_status){0};
    struct reading r = {.config = config, .status = status};
    const struct weft_processor_names *names = config->names;
    int64_t requests = 0, results = 0, shadows = 0;
    int result = -1;
    if (connect_clients(&r, err) == 0 && read_partitions(&r, err) == 0 && describe_group(&r, err) == 0 &&
        find_open(&r, names->source, &requests, err) == 0 && find_open(&r, names->sink, &results, err) == 0 &&
        (!names->shadow[0] || find_open(&r, names->shadow, &shadows, err) == 0) &&
        find_open(&r, names->dead_letters, &status->dead_letters, err) == 0)
        result = 0;
    for (int p = 0; p < status->partition_count; p++)
        status->unread += status->partitions[p].member == -1;
    weft_result_reader_destroy(r.results);
    weft_registry_destroy(r.registry);
    weft_client_destroy(r.committed);
    weft_client_destroy(r.uncommitted);
    return result;
}

void weft_group_status_clear(struct weft_group_status *status)
{
    for (size_t i = 0; i < status->member_count; i++) {
        free(status->members[i].id);
        free(status->members[i].client);
        free(status->members[i].host);
        free(status->members[i].instance);
    }
    free(status->members);
    free(status->partitions);
    free(status->transactions);
    free(status->state);
    free(status->assignor);
    free(status->coordinator);
    *status = (struct weft_group_status){0};
}
