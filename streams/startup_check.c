#include "streams/startup_check.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "streams/admin.h"
#include "streams/client.h"
#include "streams/processor_settings.h"
#include "streams/serving.h"
#include "streams/startup_rights.h"
#include "streams/startup_schemas.h"

enum {
    SLICE_MS = 1000,   /* of the wait for a broker, so that a stop is seen */
    REMIND_MS = 10000, /* between lines that say what is waited for */
    ANSWER_MS = 5000,  /* for a broker that has answered before */
    PAUSE_MS = 100,
    STRATEGIES_SIZE = 256,
};

struct checking {
    const struct weft_startup_config *config;
    struct weft_startup_report *report;
    struct weft_processor_names names;
    char instance[WEFT_NAME_SIZE];
    char strategies[STRATEGIES_SIZE]; /* the consumer's partition.assignment.strategy */
    struct weft_client *client;       /* NULL: none could be made */
    bool reached;                     /* a broker has answered */
};

/* What the clients will be made of, and what the consumer says of its strategy. */
static void check_settings(struct checking *checking)
{
    static const enum weft_kafka_role roles[] = {WEFT_KAFKA_SOURCE, WEFT_KAFKA_SINK};
    struct weft_error err = {0};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        size_t size = sizeof checking->strategies;
        rd_kafka_conf_t *conf = weft_kafka_conf(checking->config->settings, roles[i], &err);
        if (!conf)
            goto failed;
        if (roles[i] == WEFT_KAFKA_SOURCE)
            rd_kafka_conf_get(conf, "partition.assignment.strategy", checking->strategies, &size);
        rd_kafka_conf_destroy(conf);
    }
    const struct weft_client_options options = {.role = WEFT_KAFKA_ADMIN};
    checking->client = weft_client_new(checking->config->settings, &options, checking->config->log, &err);
    if (!checking->client)
        goto failed;
    weft_startup_note(checking->report, "settings", WEFT_CHECK_OK, "the Kafka clients take them");
    return;
failed:
    weft_startup_fail(checking->report, "settings", true, &err);
}

/* Gives a lease of the models, which the caller returns, or none. */
static struct weft_serving *check_models(struct checking *checking, struct weft_serving_lease *lease)
{
    struct weft_error err = {0};
    struct weft_serving *serving = weft_serving_from_settings(checking->config->settings, checking->config->log, &err);
    if (!serving) {
        weft_startup_fail(checking->report, "model", true, &err);
        return NULL;
    }
    *lease = weft_serving_take(serving);
    const struct weft_network_info *info = weft_network_info(lease->networks[WEFT_SERVING_MAIN]);
    weft_startup_note(checking->report, "model", WEFT_CHECK_OK, "%s%s%s: images of %zux%zux%zu, %zu classes, %s%s%s",
                      info->name, info->version[0] ? " " : "", info->version, info->channels, info->height, info->width,
                      info->class_count, info->self_test ? "self-test passed" : "its file has no self-test",
                      lease->networks[WEFT_SERVING_CANARY] ? "; the canary's fits" : "",
                      lease->networks[WEFT_SERVING_SHADOW] ? "; the shadow's fits" : "");
    return serving;
}

/* Waits for a broker. */
static int check_brokers(struct checking *checking, struct weft_error *err)
{
    const struct weft_startup_config *config = checking->config;
    const int64_t deadline_ms = weft_clock_ms() + weft_settings_integer(config->settings, "startup.timeout");
    struct weft_error why = {0};
    for (int64_t reminded_ms = 0;;) {
        const struct rd_kafka_metadata *metadata;
        const int64_t left_ms = deadline_ms - weft_clock_ms();
        if (weft_client_metadata(checking->client, false, NULL, left_ms < SLICE_MS ? (int)left_ms : SLICE_MS, &metadata,
                                 &why) == 0) {
            weft_startup_note(checking->report, "brokers", WEFT_CHECK_OK, "%d broker%s at %s", metadata->broker_cnt,
                              metadata->broker_cnt == 1 ? "" : "s", weft_kafka_servers(config->settings));
            rd_kafka_metadata_destroy(metadata);
            checking->reached = true;
            return 0;
        }
        if (config->stopped && config->stopped(config->arg))
            return weft_error_set(err, WEFT_ERROR_NONE, "stopped");
        if (why.class != WEFT_ERROR_UNAVAILABLE || weft_clock_ms() >= deadline_ms) {
            weft_startup_fail(checking->report, "brokers", true, &why);
            return 0;
        }
        if (!reminded_ms || weft_clock_ms() - reminded_ms >= REMIND_MS) {
            reminded_ms = weft_clock_ms();
            weft_log(config->log, WEFT_LOG_WARN, "startup.brokers", "waiting for up to %lld s more: %s",
                     (long long)(deadline_ms - reminded_ms + 999) / 1000, why.message);
        }
    }
}

/* Gives the number of its partitions, 0 where it is not known. */
static int check_topic(struct checking *checking, const char *name, const char *topic)
{
    struct weft_error err = {0};
    int count = 0;
    if (weft_client_partition_count(checking->client, topic, ANSWER_MS, &count, &err) != 0) {
        weft_startup_fail(checking->report, name, true, &err);
        return 0;
    }
    weft_startup_note(checking->report, name, WEFT_CHECK_OK, "%s has %d partition%s", topic, count,
                      count == 1 ? "" : "s");
    return count;
}

static void check_partitions(struct checking *checking, int source, int sink)
{
    struct weft_error err = {0};
    if (sink >= source) {
        weft_startup_note(checking->report, "topic.partitions", WEFT_CHECK_OK,
                          "results have as many partitions as requests, or more");
        return;
    }
    weft_error_set(&err, WEFT_ERROR_CONFIG,
                   "%s has %d partitions and %s %d: results cannot keep the partition of their requests, give the sink "
                   "as many",
                   checking->names.source, source, checking->names.sink, sink);
    weft_startup_fail(checking->report, "topic.partitions", false, &err);
}

/* Whether the list, separated by commas, has the word. */
static bool lists(const char *list, const char *word)
{
    const size_t length = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p += length)
        if ((p == list || p[-1] == ',') && (p[length] == ',' || !p[length]))
            return true;
    return false;
}

/* A topic other than the source that the member reads, or NULL. */
static const char *foreign_topic(const rd_kafka_MemberDescription_t *member, const char *source)
{
    const rd_kafka_MemberAssignment_t *assignment = rd_kafka_MemberDescription_assignment(member);
    const rd_kafka_topic_partition_list_t *list = assignment ? rd_kafka_MemberAssignment_partitions(assignment) : NULL;
    for (int i = 0; list && i < list->cnt; i++)
        if (strcmp(list->elems[i].topic, source) != 0)
            return list->elems[i].topic;
    return NULL;
}

static void judge_group(struct checking *checking, const rd_kafka_ConsumerGroupDescription_t *group)
{
    const struct weft_processor_names *names = &checking->names;
    const size_t members = rd_kafka_ConsumerGroupDescription_member_count(group);
    const char *strategy = rd_kafka_ConsumerGroupDescription_partition_assignor(group);
    struct weft_error err = {0};
    for (size_t i = 0; i < members; i++) {
        const rd_kafka_MemberDescription_t *member = rd_kafka_ConsumerGroupDescription_member(group, i);
        const char *topic = foreign_topic(member, names->source);
        if (!topic)
            continue;
        weft_error_set(&err, WEFT_ERROR_CONFLICT,
                       "group %s is used by others: %s at %s reads %s there: choose another with group.id",
                       names->group, rd_kafka_MemberDescription_client_id(member),
                       rd_kafka_MemberDescription_host(member), topic);
        weft_startup_fail(checking->report, "group", true, &err);
        return;
    }
    if (members > 0 && strategy && strategy[0] && !lists(checking->strategies, strategy)) {
        weft_error_set(&err, WEFT_ERROR_CONFLICT,
                       "group %s: its members divide the partitions by '%s', this one by '%s': set "
                       "partition.assignment.strategy, or choose another group with group.id",
                       names->group, strategy, checking->strategies);
        weft_startup_fail(checking->report, "group", true, &err);
        return;
    }
    weft_startup_note(checking->report, "group", WEFT_CHECK_OK, "%s has %zu member%s", names->group, members,
                      members == 1 ? "" : "s");
}

/* False when it has to be asked again: its coordinator moves, or is just being chosen. */
static bool ask_for_group(struct checking *checking, bool last)
{
    const char *name = checking->names.group;
    bool answered = true;
    struct weft_error why = {0};
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    const char *text = why.message;
    const rd_kafka_ConsumerGroupDescription_t *group = NULL;
    struct weft_admin admin = weft_admin_begin(checking->client, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, ANSWER_MS);
    rd_kafka_DescribeConsumerGroups(weft_client_handle(checking->client), &name, 1, admin.options, admin.queue);
    if (weft_admin_wait(&admin, "describing it", &why) == 0) {
        size_t count = 0;
        const rd_kafka_ConsumerGroupDescription_t **groups = rd_kafka_DescribeConsumerGroups_result_groups(
            rd_kafka_event_DescribeConsumerGroups_result(admin.event), &count);
        group = count ? groups[0] : NULL;
        const rd_kafka_error_t *fault = group ? rd_kafka_ConsumerGroupDescription_error(group) : NULL;
        code = fault ? rd_kafka_error_code(fault) : RD_KAFKA_RESP_ERR_NO_ERROR;
        text = fault ? rd_kafka_error_string(fault) : "no answer";
        why.class = weft_kafka_error_class(code);
    }
    if (!code && group) {
        judge_group(checking, group);
    } else if (code == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) {
        weft_startup_note(checking->report, "group", WEFT_CHECK_OK, "%s is not there yet", name);
    } else if (code == RD_KAFKA_RESP_ERR__INVALID_ARG) {
        /* The library's word for a group of another kind, such as Kafka Connect's. */
        struct weft_error err = {0};
        weft_error_set(&err, WEFT_ERROR_CONFLICT, "group %s: %s: choose another with group.id", name, text);
        weft_startup_fail(checking->report, "group", true, &err);
    } else if (last || why.class != WEFT_ERROR_UNAVAILABLE) {
        weft_startup_note(checking->report, "group", WEFT_CHECK_UNKNOWN, "group %s: %s", name, text);
    } else {
        answered = false;
    }
    weft_admin_end(&admin);
    return answered;
}

static void check_group(struct checking *checking)
{
    const int64_t deadline_ms = weft_clock_ms() + 2 * ANSWER_MS;
    while (!ask_for_group(checking, weft_clock_ms() >= deadline_ms))
        weft_clock_sleep_ms(PAUSE_MS);
}

/* Gives whether the source is there. */
static bool check_cluster(struct checking *checking)
{
    const struct weft_processor_names *names = &checking->names;
    const int source = check_topic(checking, "topic.source", names->source);
    const int sink = check_topic(checking, "topic.sink", names->sink);
    const int dead = check_topic(checking, "topic.dead_letters", names->dead_letters);
    const bool complete =
        source && sink && dead && (!names->shadow[0] || check_topic(checking, "topic.shadow", names->shadow));
    if (source && sink)
        check_partitions(checking, source, sink);
    check_group(checking);
    if (complete)
        weft_startup_check_rights(checking->config->settings, names, checking->instance, checking->config->log,
                                  checking->report);
    else
        weft_startup_note(checking->report, "right", WEFT_CHECK_UNKNOWN, "not tried without all topics");
    return source > 0;
}

int weft_startup_check(const struct weft_startup_config *config, struct weft_startup_report *report,
                       struct weft_error *err)
{
    struct checking checking = {.config = config, .report = report};
    struct weft_error why = {0};
    struct weft_serving_lease lease = {0};
    bool source = false;
    int result = 0;
    *report = (struct weft_startup_report){0};
    const bool named = weft_processor_names(config->settings, config->processor, &checking.names, &why) == 0 &&
                       weft_processor_instance(config->settings, checking.instance, &why) == 0;
    if (!named)
        weft_startup_fail(report, "names", true, &why);
    check_settings(&checking);
    struct weft_serving *serving = check_models(&checking, &lease);
    if (checking.client)
        result = check_brokers(&checking, err);
    if (result == 0 && named) {
        if (checking.reached)
            source = check_cluster(&checking);
        else
            weft_startup_note(report, "cluster", WEFT_CHECK_UNKNOWN, "topics, group and rights: not without a broker");
        weft_startup_check_schemas(config->settings, &checking.names,
                                   serving ? weft_network_info(lease.networks[WEFT_SERVING_MAIN]) : NULL, source,
                                   config->log, report);
    }
    weft_serving_return(&lease);
    weft_serving_destroy(serving);
    weft_client_destroy(checking.client);
    return result;
}
