#include "topology/config_change.h"

#include <string.h>

#include "streams/admin.h"
#include "streams/live_config.h"

#if RD_KAFKA_VERSION >= 0x020200ff
enum { CHANGE_OPERATION = RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS };

static int fill(struct weft_client *client, const char *topic, const struct weft_topology_config *changes, size_t count,
                int timeout_ms, rd_kafka_ConfigResource_t *resource, struct weft_error *err)
{
    (void)client, (void)topic, (void)timeout_ms;
    for (size_t i = 0; i < count; i++) {
        rd_kafka_error_t *fault = rd_kafka_ConfigResource_add_incremental_config(
            resource, changes[i].name, RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET, changes[i].value);
        if (!fault)
            continue;
        weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: %s", changes[i].name, rd_kafka_error_string(fault));
        rd_kafka_error_destroy(fault);
        return -1;
    }
    return 0;
}

static void request(rd_kafka_t *handle, rd_kafka_ConfigResource_t *resource, struct weft_admin *admin)
{
    rd_kafka_IncrementalAlterConfigs(handle, &resource, 1, admin->options, admin->queue);
}

static const rd_kafka_ConfigResource_t **answers(const struct weft_admin *admin, size_t *count)
{
    return rd_kafka_IncrementalAlterConfigs_result_resources(
        rd_kafka_event_IncrementalAlterConfigs_result(admin->event), count);
}
#else
enum { CHANGE_OPERATION = RD_KAFKA_ADMIN_OP_ALTERCONFIGS };

static bool is_among(const char *name, const struct weft_topology_config *changes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(changes[i].name, name) == 0)
            return true;
    return false;
}

/* What this request does not name goes back to its default, so all that is set goes along. */
static int fill(struct weft_client *client, const char *topic, const struct weft_topology_config *changes, size_t count,
                int timeout_ms, rd_kafka_ConfigResource_t *resource, struct weft_error *err)
{
    struct weft_live_config live;
    int result = weft_live_config_read(client, topic, timeout_ms, &live, err);
    for (size_t i = 0; result == 0 && i < live.count; i++) {
        if (!live.list[i].set || is_among(live.list[i].name, changes, count))
            continue;
        if (live.list[i].value)
            rd_kafka_ConfigResource_set_config(resource, live.list[i].name, live.list[i].value);
        else
            result = weft_error_set(err, WEFT_ERROR_CONFLICT,
                                    "%s is set and hidden, and a change would lose it: change it otherwise",
                                    live.list[i].name);
    }
    for (size_t i = 0; result == 0 && i < count; i++)
        if (rd_kafka_ConfigResource_set_config(resource, changes[i].name, changes[i].value))
            result = weft_error_set(err, WEFT_ERROR_INTERNAL, "%s cannot be set", changes[i].name);
    weft_live_config_clear(&live);
    return result;
}

static void request(rd_kafka_t *handle, rd_kafka_ConfigResource_t *resource, struct weft_admin *admin)
{
    rd_kafka_AlterConfigs(handle, &resource, 1, admin->options, admin->queue);
}

static const rd_kafka_ConfigResource_t **answers(const struct weft_admin *admin, size_t *count)
{
    return rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(admin->event), count);
}
#endif

int weft_config_change(struct weft_client *client, const char *topic, const struct weft_topology_config *changes,
                       size_t count, bool only_check, int timeout_ms, struct weft_error *err)
{
    int result = -1;
    size_t answer_count = 0;
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    if (!resource)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    struct weft_admin admin = weft_admin_begin(client, (rd_kafka_admin_op_t)CHANGE_OPERATION, timeout_ms);
    if (fill(client, topic, changes, count, timeout_ms, resource, err) != 0)
        goto out;
    if (only_check)
        weft_admin_only_check(&admin);
    request(weft_client_handle(client), resource, &admin);
    if (weft_admin_wait(&admin, "changing a topic's settings", err) != 0)
        goto out;
    const rd_kafka_ConfigResource_t **resources = answers(&admin, &answer_count);
    result = answer_count == 1
                 ? weft_admin_verdict(rd_kafka_ConfigResource_error(resources[0]),
                                      rd_kafka_ConfigResource_error_string(resources[0]), err)
                 : weft_error_set(err, WEFT_ERROR_CORRUPT, "the cluster's answer is of %zu topics", answer_count);
out:
    weft_admin_end(&admin);
    rd_kafka_ConfigResource_destroy(resource);
    return result;
}
