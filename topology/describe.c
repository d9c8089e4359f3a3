#include "topology/describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "schemas/registry_settings.h"
#include "schemas/subject.h"
#include "streams/admin.h"
#include "streams/offset_query.h"
#include "topology/acl.h"
#include "topology/guard.h"
#include "topology/topics.h"

struct describing {
    const struct weft_topology *topology;
    const struct weft_settings *settings;
    struct weft_description *description;
    struct weft_client *client;
    int timeout_ms;
};

/* Whether to ask again, after a pause: what has just been made is not known everywhere at once, the first group's
 * coordinator takes its time on a new cluster, and both move when a broker leaves. */
static bool ask_again(rd_kafka_resp_err_t code, int64_t deadline)
{
    enum { PAUSE_MS = 50 };
    switch (code) {
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR: weft_clock_sleep_ms(PAUSE_MS); return weft_clock_ms() < deadline;
    default: return false;
    }
}

static int describe_topics(const struct describing *describing, struct weft_error *err)
{
    const struct weft_topology *topology = describing->topology;
    struct weft_live_topic *live = calloc(topology->topic_count + 1, sizeof *live);
    if (!live)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    int result = weft_topics_look(describing->client, topology, describing->timeout_ms, live, err);
    for (size_t i = 0; i < topology->topic_count && result == 0; i++) {
        struct weft_described_topic *topic = &describing->description->topics[i];
        *topic = (struct weft_described_topic){live[i].partitions, live[i].replication, 0};
        for (int p = 0; p < topic->partitions && result == 0; p++) {
            int64_t first, end;
            result = weft_offset_range(describing->client, topology->topics[i].name, p, describing->timeout_ms, &first,
                                       &end, err);
            topic->records += result == 0 ? end - first : 0;
        }
    }
    free(live);
    return result;
}

/* *code: what the coordinator says instead of an answer. */
static int ask_group(const struct describing *describing, struct weft_described_group *group, rd_kafka_resp_err_t *code,
                     struct weft_error *err)
{
    const char *name = group->name;
    size_t count = 0;
    struct weft_admin admin =
        weft_admin_begin(describing->client, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, describing->timeout_ms);
    rd_kafka_DescribeConsumerGroups(weft_client_handle(describing->client), &name, 1, admin.options, admin.queue);
    int result = weft_admin_wait(&admin, "asking for a group", err);
    if (result == 0) {
        const rd_kafka_ConsumerGroupDescription_t **groups = rd_kafka_DescribeConsumerGroups_result_groups(
            rd_kafka_event_DescribeConsumerGroups_result(admin.event), &count);
        const rd_kafka_error_t *fault = count ? rd_kafka_ConsumerGroupDescription_error(groups[0]) : NULL;
        rd_kafka_consumer_group_state_t state =
            count ? rd_kafka_ConsumerGroupDescription_state(groups[0]) : RD_KAFKA_CONSUMER_GROUP_STATE_DEAD;
        *code = fault ? rd_kafka_error_code(fault) : RD_KAFKA_RESP_ERR_NO_ERROR;
        bool none = *code == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND || state == RD_KAFKA_CONSUMER_GROUP_STATE_DEAD;
        if (none)
            *code = RD_KAFKA_RESP_ERR_NO_ERROR;
        snprintf(group->state, sizeof group->state, "%s", none ? "none" : rd_kafka_consumer_group_state_name(state));
        group->members = count ? (int)rd_kafka_ConsumerGroupDescription_member_count(groups[0]) : 0;
    }
    weft_admin_end(&admin);
    return result;
}

static int describe_group(const struct describing *describing, struct weft_described_group *group,
                          struct weft_error *err)
{
    rd_kafka_resp_err_t code;
    int64_t deadline = weft_clock_ms() + describing->timeout_ms;
    do {
        if (ask_group(describing, group, &code, err) != 0)
            return -1;
    } while (ask_again(code, deadline));
    return code ? weft_client_fail(describing->client, code, "asking for a group", err) : 0;
}

/* What the partitions of the answer hold beyond the committed offsets; all of it where nothing is committed. */
static int sum_lag(const struct describing *describing, const rd_kafka_topic_partition_list_t *committed, int64_t *lag,
                   struct weft_error *err)
{
    *lag = 0;
    for (int i = 0; i < committed->cnt; i++) {
        const rd_kafka_topic_partition_t *partition = &committed->elems[i];
        int64_t first, end;
        if (partition->err)
            return weft_client_fail(describing->client, partition->err, "asking for the group's committed offsets",
                                    err);
        if (weft_offset_range(describing->client, partition->topic, partition->partition, describing->timeout_ms,
                              &first, &end, err) != 0)
            return -1;
        int64_t at = partition->offset > first ? partition->offset : first;
        *lag += end > at ? end - at : 0;
    }
    return 0;
}

static int describe_lag(const struct describing *describing, const char *source, struct weft_described_group *group,
                        struct weft_error *err)
{
    static const char what[] = "asking for the group's committed offsets";
    int partitions, result = -1;
    size_t count = 0;
    if (weft_client_partition_count(describing->client, source, describing->timeout_ms, &partitions, err) != 0)
        return -1;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    rd_kafka_topic_partition_list_add_range(list, source, 0, partitions - 1);
    rd_kafka_ListConsumerGroupOffsets_t *request = rd_kafka_ListConsumerGroupOffsets_new(group->name, list);
    struct weft_admin admin =
        weft_admin_begin(describing->client, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, describing->timeout_ms);
    rd_kafka_ListConsumerGroupOffsets(weft_client_handle(describing->client), &request, 1, admin.options, admin.queue);
    if (weft_admin_wait(&admin, what, err) != 0)
        goto out;
    const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(admin.event), &count);
    const rd_kafka_error_t *fault = count ? rd_kafka_group_result_error(groups[0]) : NULL;
    if (!count || fault)
        weft_client_fail(describing->client, fault ? rd_kafka_error_code(fault) : RD_KAFKA_RESP_ERR__BAD_MSG, what,
                         err);
    else
        result = sum_lag(describing, rd_kafka_group_result_partitions(groups[0]), &group->lag, err);
out:
    weft_admin_end(&admin);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    return result;
}

static bool exists(const struct describing *describing, const char *name)
{
    for (size_t i = 0; i < describing->topology->topic_count; i++)
        if (strcmp(describing->topology->topics[i].name, name) == 0)
            return describing->description->topics[i].partitions;
    return true; /* not declared here: the question for its partitions says what is wrong */
}

static int describe_processors(const struct describing *describing, struct weft_error *err)
{
    for (size_t i = 0; i < describing->topology->processor_count; i++) {
        const struct weft_topology_processor *processor = &describing->topology->processors[i];
        struct weft_described_group *group = &describing->description->groups[i];
        weft_topology_group(processor, describing->settings, group->name, sizeof group->name);
        if (describe_group(describing, group, err) != 0 ||
            (exists(describing, processor->source) && describe_lag(describing, processor->source, group, err) != 0))
            return weft_error_prefix(err, "processor %s", processor->name);
    }
    return 0;
}

static int describe_schemas(const struct describing *describing, struct weft_registry *registry, struct weft_error *err)
{
    for (size_t i = 0; i < describing->topology->schema_count; i++) {
        const struct weft_topology_schema *schema = &describing->topology->schemas[i];
        struct weft_described_schema *described = &describing->description->schemas[i];
        bool found;
        if (weft_registry_latest(registry, schema->subject, &described->latest, &found, err) != 0)
            return -1;
        if (!found)
            continue;
        described->current = weft_schema_same(described->latest.schema, schema->text);
        if (weft_registry_get_compatibility(registry, schema->subject, described->level, err) != 0)
            return -1;
    }
    return 0;
}

struct weft_description *weft_topology_describe(const struct weft_topology *topology,
                                                const struct weft_settings *settings, struct weft_log *log,
                                                struct weft_error *err)
{
    const struct weft_client_options options = {.role = WEFT_KAFKA_ADMIN};
    struct weft_registry *registry = NULL;
    int result = -1;
    struct weft_description *description = calloc(1, sizeof *description);
    struct describing describing = {topology, settings, description, NULL,
                                    (int)weft_settings_integer(settings, "startup.timeout")};
    if (!description || !(description->topics = calloc(topology->topic_count + 1, sizeof *description->topics)) ||
        !(description->groups = calloc(topology->processor_count + 1, sizeof *description->groups)) ||
        !(description->schemas = calloc(topology->schema_count + 1, sizeof *description->schemas))) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto out;
    }
    description->schema_count = topology->schema_count;
    if (topology->schema_count && !(registry = weft_registry_from_settings(settings, err)))
        goto out;
    if (topology->topic_count || topology->processor_count || topology->cluster_id) {
        describing.client = weft_client_new(settings, &options, log, err);
        if (!describing.client || weft_guard_cluster(topology, describing.client, describing.timeout_ms, err) != 0 ||
            describe_topics(&describing, err) != 0 || describe_processors(&describing, err) != 0)
            goto out;
    }
    result = describe_schemas(&describing, registry, err);
out:
    weft_client_destroy(describing.client);
    weft_registry_destroy(registry);
    if (result == 0)
        return description;
    weft_description_destroy(description);
    return NULL;
}

void weft_description_destroy(struct weft_description *description)
{
    if (!description)
        return;
    for (size_t i = 0; i < description->schema_count; i++)
        weft_registry_schema_clear(&description->schemas[i].latest);
    free(description->topics);
    free(description->groups);
    free(description->schemas);
    free(description);
}
