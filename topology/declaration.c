#include "topology/declaration.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/builtin.h"
#include "schemas/schema_file.h"
#include "topology/value.h"

enum { PARTITIONS_MAX = 10000, REPLICATION_MAX = 32767, WORKERS_MAX = 256, WHAT_SIZE = 640, PATH_SIZE = 128 };

/* What Pub/Sub allows (https://cloud.google.com/pubsub/docs/subscription-properties), in seconds. */
enum {
    ACK_DEADLINE_MIN = 10,
    ACK_DEADLINE_MAX = 600,
    RETENTION_MIN = 600,
    RETENTION_MAX = 31 * 86400,
    ATTEMPTS_MIN = 5,
    ATTEMPTS_MAX = 100,
};

/* Everything that a declaration needs, and which one it is. */
struct reading {
    const struct weft_document *document;
    struct weft_topology *topology;
    struct weft_faults *faults;
    const char *list; /* "topics", "pubsub/topics" */
    size_t index;
    int line; /* of the declaration */
};

static char *copy(const struct reading *reading, const char *text)
{
    char *own = text ? strdup(text) : NULL;
    if (text && !own)
        reading->faults->incomplete = true;
    return own;
}

/* An array of count and one more, so that none is NULL. */
static void *array(const struct reading *reading, size_t count, size_t size)
{
    void *items = calloc(count + 1, size);
    if (!items)
        reading->faults->incomplete = true;
    return items;
}

/* The line of a key of the declaration. */
static int line_of(const struct reading *reading, const char *key)
{
    return weft_document_line(reading->document, "%s/%zu/%s", reading->list, reading->index, key);
}

static bool check_name(const struct reading *reading, int line, const char *what, const char *name)
{
    char why[WHAT_SIZE + WEFT_KAFKA_NAME_MAX];
    if (weft_value_is_name(name, why, sizeof why))
        return true;
    weft_faults_add(reading->faults, line, "%s %s", what, why);
    return false;
}

/* text may be NULL: not given, 0. owner is "topic requests". */
static int read_between(const struct reading *reading, const char *owner, const char *key, const char *text, int min,
                        int max)
{
    int64_t value;
    if (!text)
        return 0;
    if (weft_value_whole(text, &value) && value >= min && value <= max)
        return (int)value;
    weft_faults_add(reading->faults, line_of(reading, key), "%s: %s is '%s': it must be a whole number from %d to %d",
                    owner, key, text, min, max);
    return 0;
}

static int read_whole(const struct reading *reading, const char *owner, const char *key, const char *text, int max)
{
    return read_between(reading, owner, key, text, 1, max);
}

/* Seconds; likewise. */
static int64_t read_duration(const struct reading *reading, const char *owner, const char *key, const char *text,
                             int64_t min, int64_t max)
{
    char least[WEFT_DURATION_SIZE], most[WEFT_DURATION_SIZE];
    int64_t ms;
    if (!text)
        return 0;
    if (weft_value_duration(text, &ms) && ms % 1000 == 0 && ms / 1000 >= min && ms / 1000 <= max)
        return ms / 1000;
    weft_value_show_duration(min, least);
    weft_value_show_duration(max, most);
    weft_faults_add(
        reading->faults, line_of(reading, key),
        "%s: %s is '%s': it must be a duration from %s to %s, of whole seconds; a number alone means milliseconds",
        owner, key, text, least, most);
    return 0;
}

/* The index of text among the words, 0 when it is not given. */
static int read_word(const struct reading *reading, const char *owner, const char *key, const char *text,
                     const char *const *words, const char *wanted)
{
    if (!text)
        return 0;
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    weft_faults_add(reading->faults, line_of(reading, key), "%s: %s is '%s': it must be %s", owner, key, text, wanted);
    return 0;
}

static enum weft_topology_choice read_choice(const struct reading *reading, const char *owner, const char *key,
                                             const char *text)
{
    static const char *const words[] = {"false", "true", NULL};
    if (!text)
        return WEFT_UNSAID;
    return read_word(reading, owner, key, text, words, "true or false") ? WEFT_YES : WEFT_NO;
}

/* The path as seen from where weft runs; the caller frees it. */
static char *resolve(const struct reading *reading, const char *path)
{
    const char *topology_path = reading->topology->path, *slash = strrchr(topology_path, '/');
    char *resolved = NULL;
    if (path[0] == '/' || !slash)
        return copy(reading, path);
    if (asprintf(&resolved, "%.*s/%s", (int)(slash - topology_path), topology_path, path) < 0) {
        reading->faults->incomplete = true;
        return NULL;
    }
    return resolved;
}

static void read_references(const struct reading *reading, const char *owner, const struct weft_document_schema *from,
                            struct weft_topology_schema *to)
{
    to->references = array(reading, from->references_count, sizeof *to->references);
    for (unsigned i = 0; to->references && i < from->references_count; i++) {
        const struct weft_document_reference *reference = &from->references[i];
        char key[PATH_SIZE];
        to->references[to->reference_count++] = (struct weft_topology_reference){
            .name = copy(reading, reference->name), .subject = copy(reading, reference->subject)};
        snprintf(key, sizeof key, "references/%u/version", i);
        to->references[i].version = read_whole(reading, owner, key, reference->version, INT32_MAX);
        snprintf(key, sizeof key, "references/%u", i);
        if (!reference->name[0] || !reference->subject[0])
            weft_faults_add(reading->faults, line_of(reading, key), "%s: a reference has an empty %s", owner,
                            reference->name[0] ? "subject" : "name");
    }
}

static void read_schema(const struct reading *reading, const struct weft_document_schema *from,
                        struct weft_topology_schema *to)
{
    static const char *const levels[] = {"BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE",
                                         "FULL",     "FULL_TRANSITIVE",     "NONE",    NULL};
    struct weft_error err = {0};
    char owner[WHAT_SIZE];
    to->line = reading->line;
    to->subject = copy(reading, from->subject);
    to->compatibility = copy(reading, from->compatibility);
    snprintf(owner, sizeof owner, "subject %s", from->subject);
    if (!from->subject[0])
        weft_faults_add(reading->faults, line_of(reading, "subject"), "subject of a schema is empty");
    for (const char *p = from->subject; *p; p++)
        if (iscntrl((unsigned char)*p)) {
            weft_faults_add(reading->faults, line_of(reading, "subject"),
                            "the name of a subject has control characters");
            break;
        }
    read_word(reading, owner, "compatibility", from->compatibility, levels,
              "BACKWARD, FORWARD, FULL, one of these with _TRANSITIVE, or NONE");
    read_references(reading, owner, from, to);
    if (!from->file[0]) {
        weft_faults_add(reading->faults, line_of(reading, "file"), "%s: file is empty", owner);
        return;
    }
    to->file = resolve(reading, from->file);
    to->text = to->file ? weft_schema_file_read(to->file, &err) : NULL;
    if (to->file && !to->text)
        weft_faults_add(reading->faults, line_of(reading, "file"), "%s: %s", owner, err.message);
}

static void read_config(const struct reading *reading, const struct weft_document_config *from,
                        struct weft_topology_topic *to)
{
    static const struct {
        const char *name;
        size_t offset; /* in struct weft_document_config */
        enum weft_value_kind kind;
    } fields[] = {
#define FIELD(member, name, kind) {name, offsetof(struct weft_document_config, member), WEFT_VALUE_##kind},
        WEFT_TOPIC_SETTINGS(FIELD)
#undef FIELD
    };
    enum { COUNT = sizeof fields / sizeof *fields };
    to->config = array(reading, COUNT, sizeof *to->config);
    for (size_t i = 0; to->config && i < COUNT; i++) {
        const char *text, *wanted;
        memcpy(&text, (const char *)from + fields[i].offset, sizeof text);
        if (!text)
            continue;
        char *value = weft_value_for_kafka(fields[i].kind, text, &wanted);
        if (value)
            to->config[to->config_count++] = (struct weft_topology_config){fields[i].name, value};
        else
            weft_faults_add(
                reading->faults,
                weft_document_line(reading->document, "topics/%zu/config/%s", reading->index, fields[i].name),
                "topic %s: %s is '%s': it must be %s", to->name, fields[i].name, text, wanted);
    }
}

static void read_topic(const struct reading *reading, const struct weft_document_topic *from,
                       struct weft_topology_topic *to)
{
    char owner[WHAT_SIZE];
    snprintf(owner, sizeof owner, "topic %s", from->name);
    to->line = reading->line;
    to->name = copy(reading, from->name);
    check_name(reading, line_of(reading, "name"), "the name of a topic", from->name);
    to->partitions = read_whole(reading, owner, "partitions", from->partitions, PARTITIONS_MAX);
    to->replication = read_whole(reading, owner, "replication", from->replication, REPLICATION_MAX);
    if (from->config && to->name)
        read_config(reading, from->config, to);
}

/* The name of a topic under a key of a processor or a bridge. */
static char *read_topic_name(const struct reading *reading, const char *owner, const char *key, const char *name)
{
    char what[WHAT_SIZE + PATH_SIZE];
    if (!name)
        return NULL;
    snprintf(what, sizeof what, "%s: %s", owner, key);
    check_name(reading, line_of(reading, key), what, name);
    return copy(reading, name);
}

/* A file, or builtin:NAME; NULL where nothing is said. */
static char *read_model(const struct reading *reading, const char *owner, const char *key, const char *model)
{
    if (!model)
        return NULL;
    if (!model[0])
        weft_faults_add(reading->faults, line_of(reading, key), "%s: %s is empty", owner, key);
    return weft_builtin_is(model) ? copy(reading, model) : resolve(reading, model);
}

static void read_processor(const struct reading *reading, const struct weft_document_processor *from,
                           struct weft_topology_processor *to)
{
    char owner[WHAT_SIZE];
    snprintf(owner, sizeof owner, "processor %s", from->name);
    to->line = reading->line;
    to->name = copy(reading, from->name);
    /* Group and transactional ids are made of it. */
    check_name(reading, line_of(reading, "name"), "the name of a processor", from->name);
    to->source = read_topic_name(reading, owner, "source", from->source);
    to->sink = read_topic_name(reading, owner, "sink", from->sink);
    to->dead_letters = read_topic_name(reading, owner, "dead_letters", from->dead_letters);
    if (!from->dead_letters && asprintf(&to->dead_letters, "%s.dead", from->source) < 0) {
        to->dead_letters = NULL;
        reading->faults->incomplete = true;
    }
    to->model = read_model(reading, owner, "model", from->model);
    to->workers = read_whole(reading, owner, "workers", from->workers, WORKERS_MAX);
    to->shadow = read_model(reading, owner, "shadow", from->shadow);
    to->shadow_results = read_topic_name(reading, owner, "shadow_results", from->shadow_results);
    if (from->shadow_results && !from->shadow)
        weft_faults_add(reading->faults, line_of(reading, "shadow_results"),
                        "%s: shadow_results without shadow: name the model that scores along", owner);
    if (from->shadow && !from->shadow_results && asprintf(&to->shadow_results, "%s.shadow", from->sink) < 0) {
        to->shadow_results = NULL;
        reading->faults->incomplete = true;
    }
    if (!from->canary)
        return;
    to->canary = read_model(reading, owner, "canary/model", from->canary->model);
    to->canary_percent = read_whole(reading, owner, "canary/percent", from->canary->percent, 100);
}

/* A name of Pub/Sub's, of one kind ("topics"). what is "bridge out: to/pubsub". */
static char *read_resource(const struct reading *reading, const char *what, const char *key, const char *name,
                           const char *kind)
{
    char why[WHAT_SIZE];
    if (!weft_value_is_resource(name, kind, why, sizeof why))
        weft_faults_add(reading->faults, line_of(reading, key), "%s %s", what, why);
    return copy(reading, name);
}

/* key is "from", with subscriptions, or "to", with topics. */
static void read_end(const struct reading *reading, const char *owner, const char *key,
                     const struct weft_document_end *from, struct weft_topology_end *to)
{
    const char *kind = strcmp(key, "from") == 0 ? "subscriptions" : "topics";
    char inner[PATH_SIZE], what[WHAT_SIZE + PATH_SIZE];
    if (!from->kafka == !from->pubsub) {
        weft_faults_add(reading->faults, line_of(reading, key), "%s: %s must be {kafka: TOPIC} or {pubsub: NAME}",
                        owner, key);
        return;
    }
    to->pubsub = from->pubsub;
    snprintf(inner, sizeof inner, "%s/%s", key, to->pubsub ? "pubsub" : "kafka");
    if (!to->pubsub) {
        to->name = read_topic_name(reading, owner, inner, from->kafka);
        return;
    }
    snprintf(what, sizeof what, "%s: %s", owner, inner);
    to->name = read_resource(reading, what, inner, from->pubsub, kind);
}

static void read_bridge(const struct reading *reading, const struct weft_document_bridge *from,
                        struct weft_topology_bridge *to)
{
    static const char *const orders[] = {"none", "key", "partition", NULL};
    static const char *const formats[] = {"raw", "json", NULL};
    static const char *const unmappable[] = {"dead_letter", "stop", NULL};
    char owner[WHAT_SIZE];
    snprintf(owner, sizeof owner, "bridge %s", from->name);
    to->line = reading->line;
    to->name = copy(reading, from->name);
    check_name(reading, line_of(reading, "name"), "the name of a bridge", from->name);
    read_end(reading, owner, "from", from->from, &to->from);
    read_end(reading, owner, "to", from->to, &to->to);
    if (to->from.name && to->to.name && to->from.pubsub == to->to.pubsub)
        weft_faults_add(reading->faults, reading->line, "%s: one end must be kafka and the other pubsub", owner);
    to->order =
        (enum weft_topology_order)read_word(reading, owner, "order", from->order, orders, "key, partition or none");
    to->json = read_word(reading, owner, "format", from->format, formats, "json or raw");
    to->stop = read_word(reading, owner, "on_unmappable", from->on_unmappable, unmappable, "dead_letter or stop");
    to->dead_letters = read_topic_name(reading, owner, "dead_letters", from->dead_letters);
}

static void read_pubsub_topic(const struct reading *reading, const struct weft_document_pubsub_topic *from,
                              struct weft_topology_pubsub_topic *to)
{
    char owner[WHAT_SIZE];
    snprintf(owner, sizeof owner, "Pub/Sub topic %s", from->name);
    to->line = reading->line;
    to->name = read_resource(reading, "the name of a Pub/Sub topic", "name", from->name, "topics");
    to->retention_s = read_duration(reading, owner, "retention", from->retention, RETENTION_MIN, RETENTION_MAX);
}

static void read_subscription(const struct reading *reading, const struct weft_document_subscription *from,
                              struct weft_topology_subscription *to)
{
    const struct weft_document_dead_letters *letters = from->dead_letters;
    char owner[WHAT_SIZE], what[WHAT_SIZE + PATH_SIZE];
    snprintf(owner, sizeof owner, "subscription %s", from->name);
    to->line = reading->line;
    to->name = read_resource(reading, "the name of a subscription", "name", from->name, "subscriptions");
    snprintf(what, sizeof what, "%s: topic", owner);
    to->topic = read_resource(reading, what, "topic", from->topic, "topics");
    to->ack_deadline_s =
        read_duration(reading, owner, "ack_deadline", from->ack_deadline, ACK_DEADLINE_MIN, ACK_DEADLINE_MAX);
    to->retention_s = read_duration(reading, owner, "retention", from->retention, RETENTION_MIN, RETENTION_MAX);
    to->ordering = read_choice(reading, owner, "ordering", from->ordering);
    to->exactly_once = read_choice(reading, owner, "exactly_once", from->exactly_once);
    if (!letters)
        return;
    snprintf(what, sizeof what, "%s: dead_letters/topic", owner);
    to->dead_letters = read_resource(reading, what, "dead_letters/topic", letters->topic, "topics");
    to->max_attempts = letters->max_attempts ? read_between(reading, owner, "dead_letters/max_attempts",
                                                            letters->max_attempts, ATTEMPTS_MIN, ATTEMPTS_MAX)
                                             : ATTEMPTS_MIN;
}

/* For each entry of a list of the document: reads it to its place in the topology. */
#define READ_ALL(path, from, what, read)                                                                               \
    do {                                                                                                               \
        topology->what##s = array(&reading, from##_count, sizeof *topology->what##s);                                  \
        topology->what##_count = topology->what##s ? from##_count : 0;                                                 \
        reading.list = path;                                                                                           \
        for (reading.index = 0; reading.index < topology->what##_count; reading.index++) {                             \
            reading.line = weft_document_line(document, "%s/%zu", reading.list, reading.index);                        \
            read(&reading, &from[reading.index], &topology->what##s[reading.index]);                                   \
        }                                                                                                              \
    } while (0)

void weft_declaration_read(const struct weft_document *document, struct weft_topology *topology,
                           struct weft_faults *faults)
{
    const struct weft_document_content *content = weft_document_content(document);
    struct reading reading = {.document = document, .topology = topology, .faults = faults};
    int line = weft_document_line(document, "topology");
    topology->name = copy(&reading, content->topology);
    check_name(&reading, line, "the name of the topology", content->topology);
    if (content->cluster) {
        topology->cluster_id = copy(&reading, content->cluster->id);
        if (!content->cluster->id[0])
            weft_faults_add(faults, weft_document_line(document, "cluster/id"),
                            "cluster: id is empty: leave it out where any cluster will do");
    }
    READ_ALL("schemas", content->schemas, schema, read_schema);
    READ_ALL("topics", content->topics, topic, read_topic);
    READ_ALL("processors", content->processors, processor, read_processor);
    READ_ALL("bridges", content->bridges, bridge, read_bridge);
    if (content->pubsub) {
        READ_ALL("pubsub/topics", content->pubsub->topics, pubsub_topic, read_pubsub_topic);
        READ_ALL("pubsub/subscriptions", content->pubsub->subscriptions, subscription, read_subscription);
    }
    if (!topology->schema_count && !topology->topic_count && !topology->processor_count && !topology->bridge_count &&
        !topology->pubsub_topic_count && !topology->subscription_count)
        weft_faults_add(faults, line,
                        "topology %s declares no schemas, no topics, no processors, no bridges and nothing of Pub/Sub",
                        content->topology);
}
