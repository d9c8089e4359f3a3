#include "topology/topology.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/schema_file.h"
#include "topology/document.h"

enum { KAFKA_NAME_MAX = 249, PARTITIONS_MAX = 10000, REPLICATION_MAX = 32767, WORKERS_MAX = 256 };

/* Everything that a check needs. */
struct loading {
    const struct weft_document *document;
    struct weft_topology *topology;
    struct weft_error *err;
};

static int fail(const struct loading *loading, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int fail(const struct loading *loading, int line, const char *format, ...)
{
    char text[WEFT_ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return weft_error_set(loading->err, WEFT_ERROR_CONFIG, "%s:%d: %s", loading->topology->path, line, text);
}

static int out_of_memory(const struct loading *loading)
{
    return weft_error_set(loading->err, WEFT_ERROR_INTERNAL, "out of memory");
}

/* Kafka's rule for names of topics, kept for our own names too: group and transactional ids are made of them. */
static int check_name(const struct loading *loading, int line, const char *what, const char *name)
{
    size_t length = strlen(name);
    if (length == 0)
        return fail(loading, line, "%s is empty", what);
    if (length > KAFKA_NAME_MAX)
        return fail(loading, line, "%s has %zu characters: Kafka allows %d", what, length, KAFKA_NAME_MAX);
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
            return fail(loading, line, "%s '%s': Kafka allows letters, digits, '.', '_' and '-' in names", what, name);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return fail(loading, line, "%s cannot be '%s'", what, name);
    return 0;
}

static bool parse_whole(const char *text, int64_t *number)
{
    char *end;
    if (!isdigit((unsigned char)text[text[0] == '-']))
        return false;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return !*end && !errno;
}

static int read_whole(const struct loading *loading, int line, const char *what, const char *text, int max, int *number)
{
    int64_t value;
    if (!parse_whole(text, &value) || value < 1 || value > max)
        return fail(loading, line, "%s is '%s': it must be a whole number from 1 to %d", what, text, max);
    *number = (int)value;
    return 0;
}

static bool parse_duration(const char *text, int64_t *ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    char digits[24];
    size_t length = strspn(text, "0123456789");
    if (parse_whole(text, ms))
        return true;
    if (length == 0 || length >= sizeof digits)
        return false;
    memcpy(digits, text, length);
    digits[length] = '\0';
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(text + length, units[i].name) == 0)
            return parse_whole(digits, ms) && !__builtin_mul_overflow(*ms, units[i].ms, ms);
    return false;
}

/* The path as seen from where weft runs; the caller frees it. */
static char *resolve(const char *topology_path, const char *path)
{
    const char *slash = strrchr(topology_path, '/');
    char *resolved = NULL;
    if (path[0] == '/' || !slash)
        return strdup(path);
    if (asprintf(&resolved, "%.*s/%s", (int)(slash - topology_path), topology_path, path) < 0)
        return NULL;
    return resolved;
}

static int load_schema(const struct loading *loading, size_t index, const struct weft_document_schema *from,
                       struct weft_topology_schema *to)
{
    static const char *const levels[] = {
        "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE", "NONE", NULL,
    };
    int line = to->line = weft_document_line(loading->document, "schemas/%zu", index);
    if (!from->subject[0] || !from->file[0])
        return fail(loading, line, "%s of a schema is empty", from->subject[0] ? "file" : "subject");
    for (const char *p = from->subject; *p; p++)
        if (iscntrl((unsigned char)*p))
            return fail(loading, line, "the name of a subject has control characters");
    for (size_t i = 0; i < index; i++)
        if (strcmp(loading->topology->schemas[i].subject, from->subject) == 0)
            return fail(loading, line, "subject %s is declared twice, before in line %d", from->subject,
                        loading->topology->schemas[i].line);
    if (from->compatibility) {
        const char *const *level = levels;
        while (*level && strcmp(*level, from->compatibility) != 0)
            level++;
        if (!*level)
            return fail(loading, weft_document_line(loading->document, "schemas/%zu/compatibility", index),
                        "compatibility of %s is '%s': it must be BACKWARD, FORWARD, FULL, one of these with "
                        "_TRANSITIVE, or NONE",
                        from->subject, from->compatibility);
        if (!(to->compatibility = strdup(from->compatibility)))
            return out_of_memory(loading);
    }
    to->subject = strdup(from->subject);
    to->file = resolve(loading->topology->path, from->file);
    if (!to->subject || !to->file)
        return out_of_memory(loading);
    to->text = weft_schema_file_read(to->file, loading->err);
    if (to->text)
        return 0;
    if (loading->err->class == WEFT_ERROR_CONFIG)
        weft_error_prefix(loading->err, "%s:%d: subject %s", loading->topology->path, line, to->subject);
    return -1;
}

enum value_kind { TEXT, BOOL, NUMBER, RATIO, DURATION };

struct config_field {
    const char *name;
    size_t offset; /* in struct weft_document_config */
    enum value_kind kind;
};

/* The value in the form that Kafka takes, or NULL with *wanted saying what it must be. */
static char *convert_value(enum value_kind kind, const char *text, const char **wanted)
{
    int64_t number = 0;
    char *end, *value = NULL;
    *wanted = "a value; leave it out for the default";
    switch (kind) {
    case TEXT: return text[0] ? strdup(text) : NULL;
    case BOOL:
        *wanted = "true or false";
        return strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ? strdup(text) : NULL;
    case RATIO:
        *wanted = "a number from 0 to 1";
        return isdigit((unsigned char)text[0]) && strtod(text, &end) <= 1 && !*end ? strdup(text) : NULL;
    case NUMBER:
        *wanted = "a whole number";
        if (!parse_whole(text, &number))
            return NULL;
        break;
    case DURATION:
        *wanted = "milliseconds, or a duration such as 12h or 7d";
        if (!parse_duration(text, &number))
            return NULL;
        break;
    }
    return asprintf(&value, "%" PRId64, number) < 0 ? NULL : value;
}

static int load_config(const struct loading *loading, size_t index, const struct weft_document_config *from,
                       struct weft_topology_topic *to)
{
    static const struct config_field fields[] = {
#define FIELD(member, name, kind) {name, offsetof(struct weft_document_config, member), kind},
        WEFT_TOPIC_SETTINGS(FIELD)
#undef FIELD
    };
    enum { COUNT = sizeof fields / sizeof *fields };
    to->config = calloc(COUNT, sizeof *to->config);
    if (!to->config)
        return out_of_memory(loading);
    for (size_t i = 0; i < COUNT; i++) {
        const char *text, *wanted;
        memcpy(&text, (const char *)from + fields[i].offset, sizeof text);
        if (!text)
            continue;
        char *value = convert_value(fields[i].kind, text, &wanted);
        if (!value)
            return fail(loading, weft_document_line(loading->document, "topics/%zu/config/%s", index, fields[i].name),
                        "topic %s: %s is '%s': it must be %s", to->name, fields[i].name, text, wanted);
        to->config[to->config_count++] = (struct weft_topology_config){fields[i].name, value};
    }
    return 0;
}

/* Kafka counts '.' and '_' as the same here, because its metrics do. */
static bool same_topic(const char *a, const char *b)
{
    for (; *a && (*a == *b || (strchr("._", *a) && *b && strchr("._", *b))); a++)
        b++;
    return !*a && !*b;
}

static int load_topic(const struct loading *loading, size_t index, const struct weft_document_topic *from,
                      struct weft_topology_topic *to)
{
    int line = to->line = weft_document_line(loading->document, "topics/%zu", index);
    if (check_name(loading, line, "the name of a topic", from->name) != 0)
        return -1;
    for (size_t i = 0; i < index; i++) {
        const struct weft_topology_topic *other = &loading->topology->topics[i];
        if (strcmp(other->name, from->name) == 0)
            return fail(loading, line, "topic %s is declared twice, before in line %d", from->name, other->line);
        if (same_topic(other->name, from->name))
            return fail(loading, line, "topic %s collides with %s in line %d: to Kafka '.' and '_' are the same",
                        from->name, other->name, other->line);
    }
    if (!(to->name = strdup(from->name)))
        return out_of_memory(loading);
    char what[KAFKA_NAME_MAX + 40];
    snprintf(what, sizeof what, "topic %s: partitions", to->name);
    line = weft_document_line(loading->document, "topics/%zu/partitions", index);
    if (read_whole(loading, line, what, from->partitions, PARTITIONS_MAX, &to->partitions) != 0)
        return -1;
    snprintf(what, sizeof what, "topic %s: replication", to->name);
    line = weft_document_line(loading->document, "topics/%zu/replication", index);
    if (from->replication && read_whole(loading, line, what, from->replication, REPLICATION_MAX, &to->replication) != 0)
        return -1;
    return from->config ? load_config(loading, index, from->config, to) : 0;
}

/* What a processor's topic must be: declared, where any are, and no other of the processor's own. */
static int check_topic(const struct loading *loading, const struct weft_topology_processor *processor, size_t index,
                       const char *key, const char *topic)
{
    const struct weft_topology *topology = loading->topology;
    int line = weft_document_line(loading->document, "processors/%zu/%s", index, key);
    char what[KAFKA_NAME_MAX + 40];
    snprintf(what, sizeof what, "processor %s: %s", processor->name, key);
    if (check_name(loading, line, what, topic) != 0)
        return -1;
    size_t i = 0;
    while (i < topology->topic_count && strcmp(topology->topics[i].name, topic) != 0)
        i++;
    if (topology->topic_count && i == topology->topic_count)
        return fail(loading, line, "%s is %s, which is not among the topics: declare it there", what, topic);
    return 0;
}

static int load_processor(const struct loading *loading, size_t index, const struct weft_document_processor *from,
                          struct weft_topology_processor *to)
{
    int line = to->line = weft_document_line(loading->document, "processors/%zu", index);
    if (check_name(loading, line, "the name of a processor", from->name) != 0)
        return -1;
    for (size_t i = 0; i < index; i++)
        if (strcmp(loading->topology->processors[i].name, from->name) == 0)
            return fail(loading, line, "processor %s is declared twice, before in line %d", from->name,
                        loading->topology->processors[i].line);
    if (!from->model[0])
        return fail(loading, line, "processor %s: model is empty", from->name);
    to->name = strdup(from->name);
    to->source = strdup(from->source);
    to->sink = strdup(from->sink);
    to->model = resolve(loading->topology->path, from->model);
    if (from->dead_letters)
        to->dead_letters = strdup(from->dead_letters);
    else if (asprintf(&to->dead_letters, "%s.dead", from->source) < 0)
        to->dead_letters = NULL;
    if (!to->name || !to->source || !to->sink || !to->model || !to->dead_letters)
        return out_of_memory(loading);
    if (check_topic(loading, to, index, "source", to->source) != 0 ||
        check_topic(loading, to, index, "sink", to->sink) != 0 ||
        check_topic(loading, to, index, "dead_letters", to->dead_letters) != 0)
        return -1;
    bool alike = strcmp(to->source, to->sink) == 0 || strcmp(to->source, to->dead_letters) == 0 ||
                 strcmp(to->sink, to->dead_letters) == 0;
    if (alike)
        return fail(loading, line, "processor %s: source, sink and dead_letters must be three different topics",
                    to->name);
    char what[KAFKA_NAME_MAX + 40];
    snprintf(what, sizeof what, "processor %s: workers", to->name);
    line = weft_document_line(loading->document, "processors/%zu/workers", index);
    return from->workers ? read_whole(loading, line, what, from->workers, WORKERS_MAX, &to->workers) : 0;
}

static int load_content(const struct loading *loading)
{
    const struct weft_document_content *content = weft_document_content(loading->document);
    struct weft_topology *topology = loading->topology;
    int line = weft_document_line(loading->document, "topology");
    if (check_name(loading, line, "the name of the topology", content->topology) != 0)
        return -1;
    topology->name = strdup(content->topology);
    topology->schemas = calloc(content->schemas_count + 1, sizeof *topology->schemas);
    topology->topics = calloc(content->topics_count + 1, sizeof *topology->topics);
    topology->processors = calloc(content->processors_count + 1, sizeof *topology->processors);
    if (!topology->name || !topology->schemas || !topology->topics || !topology->processors)
        return out_of_memory(loading); /* the counts are 0 as yet, as destroy needs them */
    topology->schema_count = content->schemas_count;
    topology->topic_count = content->topics_count;
    topology->processor_count = content->processors_count;
    for (size_t i = 0; i < topology->schema_count; i++)
        if (load_schema(loading, i, &content->schemas[i], &topology->schemas[i]) != 0)
            return -1;
    for (size_t i = 0; i < topology->topic_count; i++)
        if (load_topic(loading, i, &content->topics[i], &topology->topics[i]) != 0)
            return -1;
    for (size_t i = 0; i < topology->processor_count; i++)
        if (load_processor(loading, i, &content->processors[i], &topology->processors[i]) != 0)
            return -1;
    if (!topology->schema_count && !topology->topic_count && !topology->processor_count)
        return fail(loading, line, "topology %s declares no schemas, no topics and no processors", topology->name);
    return 0;
}

struct weft_topology *weft_topology_load(const char *path, struct weft_error *err)
{
    struct weft_error ignored;
    struct loading loading = {.err = err ? err : &ignored};
    struct weft_document *document = weft_document_read(path, loading.err);
    if (!document)
        return NULL;
    struct weft_topology *topology = calloc(1, sizeof *topology);
    loading.document = document;
    loading.topology = topology;
    if (!topology || !(topology->path = strdup(path)))
        out_of_memory(&loading);
    else if (load_content(&loading) == 0)
        goto out;
    weft_topology_destroy(topology);
    topology = NULL;
    /* A message quotes the file and must stay one line. */
    for (char *p = loading.err->message; *p; p++)
        if (iscntrl((unsigned char)*p))
            *p = '?';
out:
    weft_document_destroy(document);
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
    }
    free(topology->schemas);
    free(topology->topics);
    free(topology->processors);
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

int weft_topology_settings(const struct weft_topology_processor *processor, const char *path,
                           struct weft_settings *settings, struct weft_error *err)
{
    char where[WEFT_ERROR_MESSAGE_MAX / 2], workers[16];
    snprintf(where, sizeof where, "%s:%d", path, processor->line);
    snprintf(workers, sizeof workers, "%d", processor->workers);
    const struct {
        const char *name, *value;
    } values[] = {
        {"source", processor->source},
        {"sink", processor->sink},
        {"dead.letters", processor->dead_letters},
        {"model", processor->model},
        {"workers", processor->workers ? workers : NULL},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (values[i].value &&
            weft_settings_set(settings, WEFT_RANK_TOPOLOGY, where, values[i].name, values[i].value, err) != 0)
            return -1;
    return 0;
}
