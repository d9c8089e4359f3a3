#include "topology/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAY_SIZE = 512 };

struct checking {
    const struct weft_document *document;
    const struct weft_topology *topology;
    struct weft_faults *faults;
};

enum kind { SCHEMA, TOPIC, PROCESSOR, BRIDGE, PUBSUB_TOPIC, SUBSCRIPTION, KINDS };

static const char *name_of(const struct weft_topology *topology, enum kind kind, size_t index, int *line)
{
    switch (kind) {
    case SCHEMA: *line = topology->schemas[index].line; return topology->schemas[index].subject;
    case TOPIC: *line = topology->topics[index].line; return topology->topics[index].name;
    case PROCESSOR: *line = topology->processors[index].line; return topology->processors[index].name;
    case BRIDGE: *line = topology->bridges[index].line; return topology->bridges[index].name;
    case PUBSUB_TOPIC: *line = topology->pubsub_topics[index].line; return topology->pubsub_topics[index].name;
    default: *line = topology->subscriptions[index].line; return topology->subscriptions[index].name;
    }
}

/* Kafka counts '.' and '_' as the same here, because its metrics do. */
static bool same_topic(const char *a, const char *b)
{
    for (; *a && (*a == *b || (strchr("._", *a) && *b && strchr("._", *b))); a++)
        b++;
    return !*a && !*b;
}

/* Whether the declaration has the name of an earlier one; says so. */
static bool is_repeated(const struct checking *checking, enum kind kind, size_t index, size_t earlier)
{
    static const char *const nouns[] = {"subject", "topic", "processor", "bridge", "Pub/Sub topic", "subscription"};
    int line, earlier_line;
    const char *name = name_of(checking->topology, kind, index, &line);
    const char *other = name_of(checking->topology, kind, earlier, &earlier_line);
    if (strcmp(name, other) == 0)
        weft_faults_add(checking->faults, line, "%s %s is declared twice, before in line %d", nouns[kind], name,
                        earlier_line);
    else if (kind == TOPIC && same_topic(name, other))
        weft_faults_add(checking->faults, line,
                        "topic %s collides with %s in line %d: to Kafka '.' and '_' are the same", name, other,
                        earlier_line);
    else
        return false;
    return true;
}

static void check_repeats(const struct checking *checking)
{
    const struct weft_topology *topology = checking->topology;
    const size_t counts[] = {topology->schema_count, topology->topic_count,        topology->processor_count,
                             topology->bridge_count, topology->pubsub_topic_count, topology->subscription_count};
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t i = 0; i < counts[kind]; i++)
            for (size_t earlier = 0; earlier < i; earlier++)
                if (is_repeated(checking, (enum kind)kind, i, earlier))
                    break;
}

/* A topic named by a processor or a bridge, under the path of its key, must be declared; where no topics are, somebody
 * else makes all of them. name may be NULL: none is named there. */
static void check_declared(const struct checking *checking, const char *owner, const char *owner_name, size_t index,
                           const char *key, const char *name)
{
    if (!name || !checking->topology->topic_count || weft_topology_topic(checking->topology, name))
        return;
    weft_faults_add(checking->faults, weft_document_line(checking->document, "%ss/%zu/%s", owner, index, key),
                    "%s %s: %s is %s, which is not among the topics: declare it there", owner, owner_name, key, name);
}

static void check_processor(const struct checking *checking, size_t index)
{
    const struct weft_topology_processor *processor = &checking->topology->processors[index];
    const struct weft_topology_topic *source = weft_topology_topic(checking->topology, processor->source);
    const struct weft_topology_topic *sink = weft_topology_topic(checking->topology, processor->sink);
    check_declared(checking, "processor", processor->name, index, "source", processor->source);
    check_declared(checking, "processor", processor->name, index, "sink", processor->sink);
    check_declared(checking, "processor", processor->name, index, "dead_letters", processor->dead_letters);
    check_declared(checking, "processor", processor->name, index, "shadow_results", processor->shadow_results);
    if (processor->shadow_results && (strcmp(processor->shadow_results, processor->source) == 0 ||
                                      strcmp(processor->shadow_results, processor->sink) == 0 ||
                                      strcmp(processor->shadow_results, processor->dead_letters) == 0))
        weft_faults_add(checking->faults, processor->line,
                        "processor %s: shadow_results must be a topic of its own, not source, sink or dead_letters",
                        processor->name);
    if (strcmp(processor->source, processor->sink) == 0 || strcmp(processor->source, processor->dead_letters) == 0 ||
        strcmp(processor->sink, processor->dead_letters) == 0)
        weft_faults_add(checking->faults, processor->line,
                        "processor %s: source, sink and dead_letters must be three different topics", processor->name);
    else if (source && sink && source->partitions && sink->partitions && source->partitions != sink->partitions)
        weft_faults_add(checking->faults, processor->line,
                        "processor %s: source %s has %d partitions and sink %s %d: a result goes where the key of its "
                        "request says, so both must have as many",
                        processor->name, source->name, source->partitions, sink->name, sink->partitions);
}

/* The same of what is at Pub/Sub. path is "pubsub/subscriptions", owner "subscription". */
static void check_at_pubsub(const struct checking *checking, const char *path, size_t index, const char *owner,
                            const char *owner_name, const char *key, const char *name, bool is_topic)
{
    const struct weft_topology *topology = checking->topology;
    if (!name || (is_topic ? !topology->pubsub_topic_count || weft_topology_pubsub_topic(topology, name)
                           : !topology->subscription_count || weft_topology_subscription(topology, name)))
        return;
    weft_faults_add(checking->faults, weft_document_line(checking->document, "%s/%zu/%s", path, index, key),
                    "%s %s: %s is %s, which is not among the %s of pubsub: declare it there", owner, owner_name, key,
                    name, is_topic ? "topics" : "subscriptions");
}

static void check_subscription(const struct checking *checking, size_t index)
{
    const struct weft_topology_subscription *subscription = &checking->topology->subscriptions[index];
    check_at_pubsub(checking, "pubsub/subscriptions", index, "subscription", subscription->name, "topic",
                    subscription->topic, true);
    check_at_pubsub(checking, "pubsub/subscriptions", index, "subscription", subscription->name, "dead_letters/topic",
                    subscription->dead_letters, true);
    if (subscription->dead_letters && strcmp(subscription->dead_letters, subscription->topic) == 0)
        weft_faults_add(checking->faults, subscription->line,
                        "subscription %s: dead_letters must be another topic than its own", subscription->name);
}

static void check_bridge(const struct checking *checking, size_t index)
{
    const struct weft_topology_bridge *bridge = &checking->topology->bridges[index];
    check_at_pubsub(checking, "bridges", index, "bridge", bridge->name, "from/pubsub",
                    bridge->from.pubsub ? bridge->from.name : NULL, false);
    check_at_pubsub(checking, "bridges", index, "bridge", bridge->name, "to/pubsub",
                    bridge->to.pubsub ? bridge->to.name : NULL, true);
    check_declared(checking, "bridge", bridge->name, index, "from/kafka",
                   bridge->from.pubsub ? NULL : bridge->from.name);
    check_declared(checking, "bridge", bridge->name, index, "to/kafka", bridge->to.pubsub ? NULL : bridge->to.name);
    check_declared(checking, "bridge", bridge->name, index, "dead_letters", bridge->dead_letters);
}

/* In the order of the file nothing is registered before what it refers to, and nothing can refer to itself. */
static void check_schema(const struct checking *checking, size_t index)
{
    const struct weft_topology_schema *schema = &checking->topology->schemas[index];
    for (size_t i = 0; i < schema->reference_count; i++) {
        const char *subject = schema->references[i].subject;
        const struct weft_topology_schema *other = weft_topology_schema(checking->topology, subject);
        int line = weft_document_line(checking->document, "schemas/%zu/references/%zu", index, i);
        if (other == schema)
            weft_faults_add(checking->faults, line, "subject %s refers to itself", schema->subject);
        else if (other > schema)
            weft_faults_add(checking->faults, line, "subject %s refers to %s, which comes after it: declare that first",
                            schema->subject, subject);
    }
}

static bool writes(const struct weft_topology_processor *processor, const char *topic)
{
    return strcmp(processor->sink, topic) == 0 || strcmp(processor->dead_letters, topic) == 0 ||
           (processor->shadow_results && strcmp(processor->shadow_results, topic) == 0);
}

/* Says the way: "req -> first -> mid -> second -> req". reached_from[i] is the processor that writes what i reads. */
static void report_cycle(const struct checking *checking, size_t first, size_t last, const size_t *reached_from)
{
    const struct weft_topology_processor *processors = checking->topology->processors;
    char way[WAY_SIZE], longer[WAY_SIZE];
    snprintf(way, sizeof way, "%s", processors[first].source);
    for (size_t i = last;; i = reached_from[i]) {
        snprintf(longer, sizeof longer, "%s -> %s -> %s", processors[i].source, processors[i].name, way);
        memcpy(way, longer, sizeof way);
        if (i == first)
            break;
    }
    weft_faults_add(checking->faults, processors[first].line,
                    "processor %s: what it writes comes back to its source: %s", processors[first].name, way);
}

/* Follows what the processor writes, breadth first. Only over later ones, so that each cycle is found once, at its
 * first processor. */
static void check_cycle(const struct checking *checking, size_t first)
{
    const struct weft_topology *topology = checking->topology;
    const struct weft_topology_processor *processors = topology->processors;
    size_t *reached_from = calloc(topology->processor_count, sizeof *reached_from);
    size_t *queue = calloc(topology->processor_count, sizeof *queue);
    bool *reached = calloc(topology->processor_count, sizeof *reached);
    if (!reached_from || !queue || !reached) {
        checking->faults->incomplete = true;
        goto out;
    }
    size_t head = 0, tail = 0;
    queue[tail++] = first;
    reached[first] = true;
    while (head < tail) {
        size_t at = queue[head++];
        /* That of one processor alone is among check_processor's faults. */
        if (at != first && writes(&processors[at], processors[first].source)) {
            report_cycle(checking, first, at, reached_from);
            break;
        }
        for (size_t i = first + 1; i < topology->processor_count; i++) {
            if (reached[i] || !writes(&processors[at], processors[i].source))
                continue;
            reached[i] = true;
            reached_from[i] = at;
            queue[tail++] = i;
        }
    }
out:
    free(reached_from);
    free(queue);
    free(reached);
}

void weft_check_references(const struct weft_document *document, const struct weft_topology *topology,
                           struct weft_faults *faults)
{
    const struct checking checking = {document, topology, faults};
    check_repeats(&checking);
    for (size_t i = 0; i < topology->schema_count; i++)
        check_schema(&checking, i);
    for (size_t i = 0; i < topology->processor_count; i++)
        check_processor(&checking, i);
    for (size_t i = 0; i < topology->processor_count; i++)
        check_cycle(&checking, i);
    for (size_t i = 0; i < topology->bridge_count; i++)
        check_bridge(&checking, i);
    for (size_t i = 0; i < topology->subscription_count; i++)
        check_subscription(&checking, i);
}
