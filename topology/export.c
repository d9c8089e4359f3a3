#include "topology/export.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/atomic_file.h"
#include "schemas/registry.h"
#include "schemas/registry_settings.h"
#include "streams/client.h"
#include "streams/live_config.h"
#include "topology/topic_settings.h"

enum { PATH_SIZE = 4096, SUBJECT_SIZE = 300 };

struct exporting {
    const struct weft_export *export;
    struct weft_client *client;
    struct weft_registry *registry; /* NULL where no schemas are wanted */
    int timeout_ms;
    FILE *out;
};

static bool is_meant(const struct weft_export *export, const char *topic)
{
    for (size_t i = 0; i < export->pattern_count; i++)
        if (fnmatch(export->patterns[i], topic, 0) == 0)
            return true;
    return export->pattern_count == 0 && topic[0] != '_';
}

/* A value as YAML reads it back. */
static void print_value(FILE *out, const char *value)
{
    bool plain = isalnum((unsigned char)value[0]) || (value[0] == '-' && isdigit((unsigned char)value[1]));
    for (const char *p = value; *p; p++)
        plain = plain && (isalnum((unsigned char)*p) || strchr("._,/-", *p));
    if (!plain)
        fputc('"', out);
    for (const char *p = value; *p; p++) {
        if (*p == '$')
            fputc('$', out); /* or else the environment would be asked */
        else if (*p == '"' || *p == '\\')
            fputc('\\', out);
        if (iscntrl((unsigned char)*p))
            fprintf(out, "\\x%02x", (unsigned char)*p);
        else
            fputc(*p, out);
    }
    if (!plain)
        fputc('"', out);
}

static bool is_known(const char *setting)
{
    static const char *const known[] = {
#define NAME(member, name, kind) name,
        WEFT_TOPIC_SETTINGS(NAME)
#undef NAME
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], setting) == 0)
            return true;
    return false;
}

/* What is set for the topic; what is so by default stays away. */
static int print_config(const struct exporting *exporting, const char *topic, struct weft_error *err)
{
    struct weft_live_config live;
    bool begun = false;
    if (weft_live_config_read(exporting->client, topic, exporting->timeout_ms, &live, err) != 0)
        return weft_error_prefix(err, "topic %s", topic);
    for (size_t i = 0; i < live.count; i++) {
        const struct weft_live_setting *setting = &live.list[i];
        if (!setting->set || !setting->value)
            continue;
        bool usable = is_known(setting->name) && setting->value[0];
        if (usable && !begun)
            fputs("    config:\n", exporting->out);
        begun = begun || usable;
        fprintf(exporting->out, "%s%s: ", usable ? "      " : "    # weft cannot declare this: ", setting->name);
        print_value(exporting->out, setting->value);
        fputc('\n', exporting->out);
    }
    weft_live_config_clear(&live);
    return 0;
}

static int print_topic(const struct exporting *exporting, const struct rd_kafka_metadata_topic *topic,
                       struct weft_error *err)
{
    fputs("  - name: ", exporting->out);
    print_value(exporting->out, topic->topic);
    fprintf(exporting->out, "\n    partitions: %d\n", topic->partition_cnt);
    if (topic->partition_cnt && topic->partitions[0].replica_cnt)
        fprintf(exporting->out, "    replication: %d\n", topic->partitions[0].replica_cnt);
    return print_config(exporting, topic->topic, err);
}

/* The schema in a file, as people write it. */
static int write_schema(const char *path, const char *schema, struct weft_error *err)
{
    json_t *parsed = json_loads(schema, JSON_DECODE_ANY, NULL);
    char *text = parsed ? json_dumps(parsed, JSON_INDENT(2) | JSON_ENCODE_ANY) : NULL;
    json_decref(parsed);
    if (!text)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the registry's schema for %s is not JSON", path);
    size_t length = strlen(text);
    text[length] = '\n';
    int result = weft_atomic_file_write(path, text, length + 1, err);
    free(text);
    return result;
}

static int print_schema(const struct exporting *exporting, const char *topic, const char *part, bool *begun,
                        struct weft_error *err)
{
    char subject[SUBJECT_SIZE], path[PATH_SIZE], level[WEFT_REGISTRY_LEVEL_SIZE] = "";
    struct weft_registry_schema latest = {0};
    bool found;
    snprintf(subject, sizeof subject, "%s-%s", topic, part);
    snprintf(path, sizeof path, "%s/%s.avsc", exporting->export->schema_folder, subject);
    if (weft_registry_latest(exporting->registry, subject, &latest, &found, err) != 0)
        return -1;
    int result = 0;
    if (found && (write_schema(path, latest.schema, err) != 0 ||
                  weft_registry_get_compatibility(exporting->registry, subject, level, err) != 0))
        result = -1;
    if (found && result == 0) {
        fprintf(exporting->out, "%s  - subject: ", *begun ? "" : "\nschemas:\n");
        print_value(exporting->out, subject);
        fputs("\n    file: ", exporting->out);
        print_value(exporting->out, path);
        if (level[0])
            fprintf(exporting->out, "\n    compatibility: %s", level);
        fputc('\n', exporting->out);
        *begun = true;
    }
    weft_registry_schema_clear(&latest);
    return result;
}

static int by_name(const void *a, const void *b)
{
    const struct rd_kafka_metadata_topic *const *first = a, *const *second = b;
    return strcmp((*first)->topic, (*second)->topic);
}

static int print_all(const struct exporting *exporting, const struct rd_kafka_metadata_topic **topics, size_t count,
                     struct weft_error *err)
{
    bool begun = false;
    fputs("topology: ", exporting->out);
    print_value(exporting->out, exporting->export->name);
    fputs("\n", exporting->out);
    for (size_t i = 0; i < count && exporting->registry; i++)
        if (print_schema(exporting, topics[i]->topic, "key", &begun, err) != 0 ||
            print_schema(exporting, topics[i]->topic, "value", &begun, err) != 0)
            return -1;
    fputs("\ntopics:\n", exporting->out);
    for (size_t i = 0; i < count; i++)
        if (print_topic(exporting, topics[i], err) != 0)
            return -1;
    return 0;
}

static int export_topics(const struct exporting *exporting, struct weft_error *err)
{
    const struct rd_kafka_metadata *metadata;
    size_t count = 0;
    int result = -1;
    if (weft_client_metadata(exporting->client, true, NULL, exporting->timeout_ms, &metadata, err) != 0)
        return -1;
    const struct rd_kafka_metadata_topic **topics = calloc((size_t)metadata->topic_cnt + 1, sizeof *topics);
    for (int i = 0; topics && i < metadata->topic_cnt; i++)
        if (is_meant(exporting->export, metadata->topics[i].topic))
            topics[count++] = &metadata->topics[i];
    if (!topics)
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    else if (!count)
        weft_error_set(err, WEFT_ERROR_CONFIG, "the cluster has no topic%s",
                       exporting->export->pattern_count ? " that matches --topics" : " but Kafka's own");
    else {
        qsort(topics, count, sizeof *topics, by_name);
        result = print_all(exporting, topics, count, err);
    }
    free(topics);
    rd_kafka_metadata_destroy(metadata);
    return result;
}

int weft_topology_export(const struct weft_export *export, const struct weft_settings *settings, struct weft_log *log,
                         FILE *out, struct weft_error *err)
{
    const struct weft_client_options options = {.role = WEFT_KAFKA_ADMIN};
    char *text = NULL;
    size_t size = 0;
    int result = -1;
    struct exporting exporting = {.export = export,
                                  .timeout_ms = (int)weft_settings_integer(settings, "startup.timeout")};
    if (export->schema_folder && mkdir(export->schema_folder, 0777) != 0 && errno != EEXIST)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s", export->schema_folder, strerror(errno));
    exporting.out = open_memstream(&text, &size);
    if (!exporting.out)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    if (export->schema_folder && !(exporting.registry = weft_registry_from_settings(settings, err)))
        goto out;
    exporting.client = weft_client_new(settings, &options, log, err);
    if (exporting.client)
        result = export_topics(&exporting, err);
out:
    if (fclose(exporting.out) != 0 && result == 0)
        result = weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    if (result == 0)
        fwrite(text, 1, size, out);
    free(text);
    weft_client_destroy(exporting.client);
    weft_registry_destroy(exporting.registry);
    return result;
}
