#include "topology/topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/check.h"
#include "topology/declaration.h"
#include "topology/document.h"

struct weft_topology *weft_topology_check(const char *path, struct weft_faults *faults, struct weft_error *err)
{
    struct weft_document *document = weft_document_read(path, faults, err);
    struct weft_topology *topology = document ? calloc(1, sizeof *topology) : NULL;
    if (!topology || !(topology->path = strdup(path))) {
        faults->incomplete = faults->incomplete || document;
        goto fail;
    }
    weft_declaration_read(document, topology, faults);
    /* Without memory names may be missing. */
    if (!faults->incomplete)
        weft_check_references(document, topology, faults);
    if (faults->count || faults->incomplete)
        goto fail;
    weft_document_destroy(document);
    return topology;
fail:
    weft_faults_sort(faults);
    weft_faults_report(faults, path, err);
    weft_topology_destroy(topology);
    weft_document_destroy(document);
    return NULL;
}

struct weft_topology *weft_topology_load(const char *path, struct weft_error *err)
{
    struct weft_faults faults = {0};
    struct weft_topology *topology = weft_topology_check(path, &faults, err);
    weft_faults_clear(&faults);
    return topology;
}

void weft_topology_destroy(struct weft_topology *topology)
{
    if (!topology)
        return;
    for (size_t i = 0; i < topology->schema_count; i++) {
        struct weft_topology_schema *schema = &topology->schemas[i];
        free(schema->subject);
        free(schema->file);
        free(schema->text);
        free(schema->compatibility);
        for (size_t r = 0; r < schema->reference_count; r++) {
            free(schema->references[r].name);
            free(schema->references[r].subject);
        }
        free(schema->references);
    }
    for (size_t i = 0; i < topology->topic_count; i++) {
        struct weft_topology_topic *topic = &topology->topics[i];
        for (size_t c = 0; c < topic->config_count; c++)
            free(topic->config[c].value);
        free(topic->config);
        free(topic->name);
    }
    for (size_t i = 0; i < topology->processor_count; i++) {
        struct weft_topology_processor *processor = &topology->processors[i];
        free(processor->name);
        free(processor->source);
        free(processor->sink);
        free(processor->dead_letters);
        free(processor->model);
        free(processor->shadow);
        free(processor->shadow_results);
        free(processor->canary);
    }
    for (size_t i = 0; i < topology->bridge_count; i++) {
        struct weft_topology_bridge *bridge = &topology->bridges[i];
        free(bridge->name);
        free(bridge->from.name);
        free(bridge->to.name);
        free(bridge->dead_letters);
    }
    for (size_t i = 0; i < topology->pubsub_topic_count; i++)
        free(topology->pubsub_topics[i].name);
    for (size_t i = 0; i < topology->subscription_count; i++) {
        free(topology->subscriptions[i].name);
        free(topology->subscriptions[i].topic);
        free(topology->subscriptions[i].dead_letters);
    }
    free(topology->schemas);
    free(topology->topics);
    free(topology->processors);
    free(topology->bridges);
    free(topology->pubsub_topics);
    free(topology->subscriptions);
    free(topology->cluster_id);
    free(topology->path);
    free(topology->name);
    free(topology);
}

const struct weft_topology_processor *weft_topology_processor(const struct weft_topology *topology, const char *name,
                                                              struct weft_error *err)
{
    char names[WEFT_ERROR_MESSAGE_MAX / 2] = "";
    if (!name && topology->processor_count == 1)
        return &topology->processors[0];
    for (size_t i = 0; i < topology->processor_count; i++) {
        const struct weft_topology_processor *processor = &topology->processors[i];
        if (name && strcmp(processor->name, name) == 0)
            return processor;
        size_t length = strlen(names);
        snprintf(names + length, sizeof names - length, "%s%s", i ? ", " : "", processor->name);
    }
    if (!topology->processor_count)
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s declares no processor", topology->path);
    else if (name)
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s declares no processor %s: it has %s", topology->path, name, names);
    else
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s declares several processors: name one of %s", topology->path, names);
    return NULL;
}

const struct weft_topology_bridge *weft_topology_bridge(const struct weft_topology *topology, const char *name,
                                                        struct weft_error *err)
{
    for (size_t i = 0; i < topology->bridge_count; i++)
        if (strcmp(topology->bridges[i].name, name) == 0)
            return &topology->bridges[i];
    weft_error_set(err, WEFT_ERROR_CONFIG, "%s declares no bridge %s", topology->path, name);
    return NULL;
}

const struct weft_topology_schema *weft_topology_schema(const struct weft_topology *topology, const char *subject)
{
    for (size_t i = 0; i < topology->schema_count; i++)
        if (strcmp(topology->schemas[i].subject, subject) == 0)
            return &topology->schemas[i];
    return NULL;
}

const struct weft_topology_topic *weft_topology_topic(const struct weft_topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->topic_count; i++)
        if (strcmp(topology->topics[i].name, name) == 0)
            return &topology->topics[i];
    return NULL;
}

const struct weft_topology_pubsub_topic *weft_topology_pubsub_topic(const struct weft_topology *topology,
                                                                    const char *name)
{
    for (size_t i = 0; i < topology->pubsub_topic_count; i++)
        if (strcmp(topology->pubsub_topics[i].name, name) == 0)
            return &topology->pubsub_topics[i];
    return NULL;
}

const struct weft_topology_subscription *weft_topology_subscription(const struct weft_topology *topology,
                                                                    const char *name)
{
    for (size_t i = 0; i < topology->subscription_count; i++)
        if (strcmp(topology->subscriptions[i].name, name) == 0)
            return &topology->subscriptions[i];
    return NULL;
}

int weft_topology_settings(const struct weft_topology_processor *processor, const char *path,
                           struct weft_settings *settings, struct weft_error *err)
{
    char where[WEFT_ERROR_MESSAGE_MAX / 2], workers[16], percent[16];
    snprintf(where, sizeof where, "%s:%d", path, processor->line);
    snprintf(workers, sizeof workers, "%d", processor->workers);
    snprintf(percent, sizeof percent, "%d", processor->canary_percent);
    const struct {
        const char *name, *value;
    } values[] = {
        {"source", processor->source},
        {"sink", processor->sink},
        {"dead.letters", processor->dead_letters},
        {"model", processor->model},
        {"workers", processor->workers ? workers : NULL},
        {"shadow.model", processor->shadow},
        {"shadow.results", processor->shadow_results},
        {"canary.model", processor->canary},
        {"canary.percent", processor->canary ? percent : NULL},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (values[i].value &&
            weft_settings_set(settings, WEFT_RANK_TOPOLOGY, where, values[i].name, values[i].value, err) != 0)
            return -1;
    return 0;
}
