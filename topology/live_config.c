#include "topology/live_config.h"

#include <stdlib.h>
#include <string.h>

#include "streams/admin.h"

static int copy_entries(const rd_kafka_ConfigEntry_t **entries, size_t count, struct weft_live_config *config)
{
    config->list = calloc(count + 1, sizeof *config->list);
    if (!config->list)
        return -1;
    for (size_t i = 0; i < count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        struct weft_live_setting *setting = &config->list[config->count++];
        setting->name = strdup(rd_kafka_ConfigEntry_name(entries[i]));
        setting->value = value ? strdup(value) : NULL;
        setting->set = rd_kafka_ConfigEntry_source(entries[i]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG;
        if (!setting->name || (value && !setting->value))
            return -1;
    }
    return 0;
}

int weft_live_config_read(struct weft_client *client, const char *topic, int timeout_ms,
                          struct weft_live_config *config, struct weft_error *err)
{
    int result = -1;
    size_t count = 0, entry_count = 0;
    *config = (struct weft_live_config){0};
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    if (!resource)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    struct weft_admin admin = weft_admin_begin(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout_ms);
    rd_kafka_DescribeConfigs(weft_client_handle(client), &resource, 1, admin.options, admin.queue);
    if (weft_admin_wait(&admin, "asking for a topic's settings", err) != 0)
        goto out;
    const rd_kafka_ConfigResource_t **resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(admin.event), &count);
    if (count != 1) {
        weft_error_set(err, WEFT_ERROR_CORRUPT, "the cluster's answer is of %zu topics", count);
        goto out;
    }
    rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(resources[0]);
    if (code) {
        weft_client_fail(client, code, "asking for a topic's settings", err);
        goto out;
    }
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resources[0], &entry_count);
    result = copy_entries(entries, entry_count, config);
    if (result != 0) {
        weft_live_config_clear(config);
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    }
out:
    weft_admin_end(&admin);
    rd_kafka_ConfigResource_destroy(resource);
    return result;
}

void weft_live_config_clear(struct weft_live_config *config)
{
    for (size_t i = 0; i < config->count; i++) {
        free(config->list[i].name);
        free(config->list[i].value);
    }
    free(config->list);
    *config = (struct weft_live_config){0};
}

const struct weft_live_setting *weft_live_config_find(const struct weft_live_config *config, const char *name)
{
    for (size_t i = 0; i < config->count; i++)
        if (strcmp(config->list[i].name, name) == 0)
            return &config->list[i];
    return NULL;
}

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

int weft_live_config_change(struct weft_client *client, const char *topic, const struct weft_topology_config *changes,
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
