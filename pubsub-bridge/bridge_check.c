#include "pubsub-bridge/bridge_check.h"

#include <grpc/status.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "pubsub-bridge/admin.h"
#include "pubsub-bridge/bridge.h"
#include "pubsub-bridge/pubsub.pb-c.h"
#include "pubsub-bridge/resource.h"
#include "streams/client.h"
#include "streams/live_config.h"
#include "topology/bridge_names.h"
#include "topology/value.h"

enum { ANSWER_MS = 3000 };

struct checking {
    const struct weft_bridge_check *check;
    struct weft_startup_report *all;
    struct weft_client *client; /* NULL: none could be made */
    struct weft_rpc *rpc;       /* likewise */
    struct weft_arena *arena;
    bool reached;                  /* a broker has answered */
    struct weft_error pubsub_away; /* NONE: it is not */
};

/* One that is away is waited for. */
static void fail(struct weft_startup_report *report, const char *name, const struct weft_error *why)
{
    weft_startup_fail(report, name, why->class != WEFT_ERROR_UNAVAILABLE, why);
}

/* ---- What all need */

static void check_settings(struct checking *checking)
{
    static const enum weft_kafka_role roles[] = {WEFT_KAFKA_SOURCE, WEFT_KAFKA_SINK, WEFT_KAFKA_SENDER};
    const struct weft_client_options options = {.role = WEFT_KAFKA_ADMIN};
    struct weft_error err = {0};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        rd_kafka_conf_t *conf = weft_kafka_conf(checking->check->settings, roles[i], &err);
        if (!conf)
            goto failed;
        rd_kafka_conf_destroy(conf);
    }
    checking->client = weft_client_new(checking->check->settings, &options, checking->check->log, &err);
    if (!checking->client)
        goto failed;
    weft_startup_note(checking->all, "settings", WEFT_CHECK_OK, "the Kafka clients take them");
    return;
failed:
    fail(checking->all, "settings", &err);
}

static void check_credentials(struct checking *checking)
{
    const struct weft_pubsub_address *address = checking->check->address;
    struct weft_error err = {0};
    checking->rpc = weft_rpc_new(address, &err);
    if (!checking->rpc)
        fail(checking->all, "credentials", &err);
    else if (address->plain)
        weft_startup_note(checking->all, "credentials", WEFT_CHECK_OK, "none: %s is an emulator", address->endpoint);
    else
        weft_startup_note(checking->all, "credentials", WEFT_CHECK_OK, "%s",
                          address->credentials_file ? address->credentials_file : "application-default");
}

static void check_brokers(struct checking *checking)
{
    const struct rd_kafka_metadata *metadata;
    struct weft_error err = {0};
    if (!checking->client)
        return;
    if (weft_client_metadata(checking->client, false, NULL, ANSWER_MS, &metadata, &err) != 0) {
        fail(checking->all, "brokers", &err);
        return;
    }
    weft_startup_note(checking->all, "brokers", WEFT_CHECK_OK, "%d broker%s at %s", metadata->broker_cnt,
                      metadata->broker_cnt == 1 ? "" : "s", weft_kafka_servers(checking->check->settings));
    rd_kafka_metadata_destroy(metadata);
    checking->reached = true;
}

/* ---- Pub/Sub */

/* Asks; the answer is valid until the next. Gives the status, -1 where there is none, and remembers who is away. */
static int ask(struct checking *checking, const char *method, const ProtobufCMessage *request, const char *what,
               struct weft_bytes *reply, struct weft_error *err)
{
    const struct weft_admin admin = {.rpc = checking->rpc, .arena = checking->arena, .patience_ms = ANSWER_MS};
    int code = -1;
    weft_arena_reset(checking->arena);
    if (weft_admin_call(&admin, method, request, what, reply, &code, err) == 0)
        return GRPC_STATUS_OK;
    if (err->class == WEFT_ERROR_UNAVAILABLE)
        checking->pubsub_away = *err;
    return code;
}

/* Rights of Google's roles, of which the service tells those that are ours. An emulator knows none. */
static void check_permission(struct checking *checking, struct weft_startup_report *report, const char *resource,
                             const char *permission, const char *role)
{
    char *wanted = (char *)(uintptr_t)permission;
    struct weft_bytes reply;
    struct weft_error err = {0};
    Pubsub__TestIamPermissionsRequest request = PUBSUB__TEST_IAM_PERMISSIONS_REQUEST__INIT;
    request.resource = (char *)(uintptr_t)resource;
    request.permissions = &wanted;
    request.n_permissions = 1;
    int code = ask(checking, "/google.iam.v1.IAMPolicy/TestIamPermissions", &request.base, resource, &reply, &err);
    if (code == GRPC_STATUS_UNIMPLEMENTED)
        return;
    if (code != GRPC_STATUS_OK) {
        weft_startup_note(report, "right.pubsub", WEFT_CHECK_UNKNOWN, "%s: not found out: %s", permission, err.message);
        return;
    }
    ProtobufCAllocator allocator = weft_arena_allocator(checking->arena);
    const Pubsub__TestIamPermissionsResponse *granted =
        pubsub__test_iam_permissions_response__unpack(&allocator, reply.size, reply.data);
    for (size_t i = 0; granted && i < granted->n_permissions; i++)
        if (strcmp(granted->permissions[i], permission) == 0) {
            weft_startup_note(report, "right.pubsub", WEFT_CHECK_OK, "%s is granted", permission);
            return;
        }
    weft_error_set(&err, WEFT_ERROR_REFUSED, "%s: %s is not granted: give the bridge's account the role %s", resource,
                   permission, role);
    fail(report, "right.pubsub", &err);
}

/* What is published in order should come in order; it would not, and nobody would be told. */
static void check_order(struct checking *checking, struct weft_startup_report *report,
                        const Pubsub__Subscription *subscription)
{
    const struct weft_topology *topology = checking->check->topology;
    for (size_t i = 0; !subscription->enable_message_ordering && i < topology->bridge_count; i++) {
        const struct weft_topology_bridge *other = &topology->bridges[i];
        struct weft_error err = {0};
        if (!other->to.pubsub || other->order == WEFT_ORDER_NONE || strcmp(other->to.name, subscription->topic) != 0)
            continue;
        weft_error_set(&err, WEFT_ERROR_CONFIG,
                       "bridge %s publishes in order to %s, and the subscription does not keep it: that cannot be "
                       "changed, make another one with ordering",
                       other->name, subscription->topic);
        weft_startup_fail(report, "subscription.order", false, &err);
        return;
    }
}

static void judge_subscription(struct checking *checking, struct weft_startup_report *report, const char *name,
                               const Pubsub__Subscription *found)
{
    struct weft_error err = {0};
    char kept[WEFT_DURATION_SIZE] = "";
    if (!found)
        weft_error_set(&err, WEFT_ERROR_CORRUPT, "%s: the answer is no subscription", name);
    else if (strcmp(found->topic, WEFT_RESOURCE_DELETED_TOPIC) == 0)
        weft_error_set(&err, WEFT_ERROR_CONFIG, "%s: its topic has been deleted: nothing comes any more", name);
    else if (found->detached)
        weft_error_set(&err, WEFT_ERROR_CONFIG, "%s has been detached from its topic: nothing comes any more", name);
    if (err.class != WEFT_ERROR_NONE) {
        fail(report, "subscription", &err);
        return;
    }
    if (found->message_retention_duration)
        weft_value_show_duration(found->message_retention_duration->seconds, kept);
    weft_startup_note(report, "subscription", WEFT_CHECK_OK, "%s of %s%s%s%s%s", name, found->topic,
                      kept[0] ? ", keeps what waits for " : "", kept, found->enable_message_ordering ? ", ordered" : "",
                      found->enable_exactly_once_delivery ? ", exactly-once delivery" : "");
    check_order(checking, report, found);
}

static void check_subscription(struct checking *checking, struct weft_startup_report *report, const char *name)
{
    Pubsub__GetSubscriptionRequest request = PUBSUB__GET_SUBSCRIPTION_REQUEST__INIT;
    struct weft_bytes reply;
    struct weft_error err = {0};
    request.subscription = (char *)(uintptr_t)name;
    if (ask(checking, "Subscriber/GetSubscription", &request.base, name, &reply, &err) != GRPC_STATUS_OK) {
        fail(report, "subscription", &err);
        return;
    }
    ProtobufCAllocator allocator = weft_arena_allocator(checking->arena);
    judge_subscription(checking, report, name, pubsub__subscription__unpack(&allocator, reply.size, reply.data));
    check_permission(checking, report, name, "pubsub.subscriptions.consume", "roles/pubsub.subscriber");
}

static void check_topic(struct checking *checking, struct weft_startup_report *report, const char *name)
{
    Pubsub__GetTopicRequest request = PUBSUB__GET_TOPIC_REQUEST__INIT;
    struct weft_bytes reply;
    struct weft_error err = {0};
    request.topic = (char *)(uintptr_t)name;
    int code = ask(checking, "Publisher/GetTopic", &request.base, name, &reply, &err);
    if (code == GRPC_STATUS_OK)
        weft_startup_note(report, "topic.pubsub", WEFT_CHECK_OK, "%s is there", name);
    else if (code == GRPC_STATUS_PERMISSION_DENIED) /* who may publish need not be allowed to look */
        weft_startup_note(report, "topic.pubsub", WEFT_CHECK_UNKNOWN, "%s", err.message);
    else
        fail(report, "topic.pubsub", &err);
    if (code == GRPC_STATUS_OK || code == GRPC_STATUS_PERMISSION_DENIED)
        check_permission(checking, report, name, "pubsub.topics.publish", "roles/pubsub.publisher");
}

static void check_pubsub(struct checking *checking, struct weft_startup_report *report,
                         const struct weft_topology_bridge *bridge)
{
    const char *name = bridge->from.pubsub ? "subscription" : "topic.pubsub";
    if (!checking->rpc)
        weft_startup_note(report, name, WEFT_CHECK_UNKNOWN, "not looked at without credentials");
    else if (checking->pubsub_away.class != WEFT_ERROR_NONE)
        weft_startup_note(report, name, WEFT_CHECK_UNKNOWN, "not looked at: Pub/Sub does not answer");
    else if (bridge->from.pubsub)
        check_subscription(checking, report, bridge->from.name);
    else
        check_topic(checking, report, bridge->to.name);
}

/* ---- Kafka */

/* Gives the number of its partitions, 0 where it is not known. */
static int check_kafka_topic(struct checking *checking, struct weft_startup_report *report, const char *name,
                             const char *topic)
{
    struct weft_error err = {0};
    int count = 0;
    if (weft_client_partition_count(checking->client, topic, ANSWER_MS, &count, &err) != 0) {
        fail(report, name, &err);
        return 0;
    }
    weft_startup_note(report, name, WEFT_CHECK_OK, "%s has %d partition%s", topic, count, count == 1 ? "" : "s");
    return count;
}

/* One partition, so that it has one owner; compacted, so that it forgets nothing. */
static void check_ledger(struct checking *checking, struct weft_startup_report *report, const char *ledger)
{
    struct weft_error err = {0};
    struct weft_live_config config = {0};
    const int count = check_kafka_topic(checking, report, "ledger", ledger);
    if (count == 0)
        return;
    if (count > 1) {
        weft_error_set(&err, WEFT_ERROR_CONFIG,
                       "the ledger %s has %d partitions, and must have 1: its owner is that of the bridge", ledger,
                       count);
        fail(report, "ledger.partitions", &err);
    }
    if (weft_live_config_read(checking->client, ledger, ANSWER_MS, &config, &err) != 0) {
        weft_startup_note(report, "ledger.cleanup", WEFT_CHECK_UNKNOWN, "not found out: %s", err.message);
        return;
    }
    const struct weft_live_setting *policy = weft_live_config_find(&config, "cleanup.policy");
    if (policy && policy->value && strcmp(policy->value, "compact") != 0) {
        weft_error_set(&err, WEFT_ERROR_CONFIG,
                       "the ledger %s has cleanup.policy=%s, and would forget what has been written: set it to compact",
                       ledger, policy->value);
        fail(report, "ledger.cleanup", &err);
    } else {
        weft_startup_note(report, "ledger.cleanup", WEFT_CHECK_OK, "it is compacted");
    }
    weft_live_config_clear(&config);
}

static void check_kafka(struct checking *checking, struct weft_startup_report *report,
                        const struct weft_topology_bridge *bridge)
{
    struct weft_bridge_names names;
    weft_bridge_names(bridge, &names);
    if (!checking->reached) {
        weft_startup_note(report, "topics", WEFT_CHECK_UNKNOWN, "Kafka's are not looked at without a broker");
        return;
    }
    if (bridge->from.pubsub) {
        check_kafka_topic(checking, report, "topic.sink", bridge->to.name);
        check_ledger(checking, report, names.group);
    } else {
        check_kafka_topic(checking, report, "topic.source", bridge->from.name);
    }
    if (!bridge->stop)
        check_kafka_topic(checking, report, "topic.dead_letters", names.dead_letters);
}

void weft_bridge_check(const struct weft_bridge_check *check, struct weft_startup_report *reports)
{
    struct checking checking = {.check = check, .all = &reports[0], .arena = weft_arena_new()};
    memset(reports, 0, (check->count + 1) * sizeof *reports);
    check_settings(&checking);
    check_credentials(&checking);
    check_brokers(&checking);
    for (size_t i = 0; i < check->count; i++) {
        check_pubsub(&checking, &reports[i + 1], check->bridges[i]);
        check_kafka(&checking, &reports[i + 1], check->bridges[i]);
    }
    if (checking.pubsub_away.class != WEFT_ERROR_NONE)
        fail(checking.all, "pubsub", &checking.pubsub_away);
    else if (checking.rpc)
        weft_startup_note(checking.all, "pubsub", WEFT_CHECK_OK, "%s answers", check->address->endpoint);
    weft_rpc_destroy(checking.rpc);
    weft_client_destroy(checking.client);
    weft_arena_destroy(checking.arena);
}

const char *weft_bridge_check_awaits(const struct weft_startup_report *reports, size_t count)
{
    for (size_t i = 0; i <= count; i++)
        for (size_t k = 0; k < reports[i].count; k++) {
            const struct weft_check *check = &reports[i].checks[k];
            if (check->outcome == WEFT_CHECK_FAILED && check->class == WEFT_ERROR_UNAVAILABLE)
                return strcmp(check->name, "pubsub") == 0 ? "Pub/Sub has not answered yet"
                                                          : "no broker has answered yet";
        }
    return NULL;
}
