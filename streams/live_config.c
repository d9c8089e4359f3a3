#include "streams/live_config.h"

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
