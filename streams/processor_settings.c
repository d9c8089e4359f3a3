#include "streams/processor_settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model/builtin.h"

const struct weft_setting weft_processor_settings[] = {
    {"source", WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false, "topic of the requests"},
    {"sink", WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false, "topic of the results"},
    {"dead.letters", WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false,
     "topic of the requests that cannot be answered; without it <source>.dead"},
    {"model", WEFT_SETTING_TEXT, WEFT_BUILTIN_DEFAULT, 0, 0, NULL, false,
     "the network: an ONNX file, or builtin:NAME for one of those in the program (`weft model list`)"},
    {"canary.model", WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false,
     "a second network, which answers in the place of the first for canary.percent of the keys"},
    {"canary.percent", WEFT_SETTING_INTEGER, "10", 0, 100, NULL, false,
     "share of the keys, always the same ones, that canary.model answers"},
    {"shadow.model", WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false,
     "a network that scores every request once more, into a topic of its own"},
    {"shadow.results", WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false,
     "topic of the results of shadow.model; without it <sink>.shadow"},
    {"workers", WEFT_SETTING_INTEGER, "1", 1, 256, NULL, false,
     "worker threads, each with its own consumer, producer and network workspace"},
    {"instance", WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false,
     "name of this instance, the same after a restart and different from every other's; without it the host's name"},
    {"batch.max", WEFT_SETTING_INTEGER, "5000", 1, 50000, NULL, false, "most requests in one transaction"},
    {"commit.interval.min", WEFT_SETTING_DURATION, "10ms", 0, 10000, NULL, false,
     "least time between two commits of a worker, which bounds the broker's load"},
    {"startup.timeout", WEFT_SETTING_DURATION, "20s", 100, 600000, NULL, false,
     "how long to wait for the brokers at start"},
    {"progress.deadline", WEFT_SETTING_DURATION, "60s", 1000, 3600000, NULL, false,
     "a worker that makes no progress for this long ends the process with status 3"},
    {"shutdown.timeout", WEFT_SETTING_DURATION, "8s", 100, 600000, NULL, false,
     "how long a stop may take before the process leaves all the same"},
    {"ready.lag.max", WEFT_SETTING_INTEGER, "100000", 0, INT64_MAX, NULL, false,
     "more unanswered requests than this, over the instance's partitions, and /readyz says lagging; 0: never"},
    {"auto.register.schemas", WEFT_SETTING_BOOL, "true", 0, 0, NULL, false,
     "register our schema where the registry does not have it"},
    {NULL, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false, NULL},
};

/* name from the settings, or else fallback (NULL: it has to be set). */
static int read_name(const struct weft_settings *settings, const char *processor, const char *name,
                     const char *fallback, char *out, struct weft_error *err)
{
    const char *value = weft_settings_text(settings, name);
    if (!value)
        value = fallback;
    if (!value)
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "processor %s: %s is not set: give it in the topology file or as -X %s=...", processor,
                              name, name);
    if (snprintf(out, WEFT_NAME_SIZE, "%s", value) < WEFT_NAME_SIZE)
        return 0;
    return weft_error_set(err, WEFT_ERROR_CONFIG, "processor %s: %s is longer than %d bytes", processor, name,
                          WEFT_NAME_SIZE - 1);
}

int weft_processor_names(const struct weft_settings *settings, const char *processor,
                         struct weft_processor_names *names, struct weft_error *err)
{
    char dead_letters[WEFT_NAME_SIZE + 8], group[WEFT_NAME_SIZE + 8], shadow[WEFT_NAME_SIZE + 8];
    if (read_name(settings, processor, "source", NULL, names->source, err) != 0 ||
        read_name(settings, processor, "sink", NULL, names->sink, err) != 0)
        return -1;
    snprintf(dead_letters, sizeof dead_letters, "%s.dead", names->source);
    if (read_name(settings, processor, "dead.letters", dead_letters, names->dead_letters, err) != 0)
        return -1;
    names->shadow[0] = '\0';
    snprintf(shadow, sizeof shadow, "%s.shadow", names->sink);
    if (weft_settings_text(settings, "shadow.model") &&
        read_name(settings, processor, "shadow.results", shadow, names->shadow, err) != 0)
        return -1;
    snprintf(group, sizeof group, "weft-%s", processor);
    const char *of_consumer = weft_settings_text(settings, "consumer.group.id");
    if (read_name(settings, processor, of_consumer ? "consumer.group.id" : "group.id", group, names->group, err) != 0)
        return -1;
    const char *topics[] = {names->source, names->sink, names->dead_letters, names->shadow};
    for (size_t i = 1; i < sizeof topics / sizeof *topics; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(topics[i], topics[k]) == 0)
                return weft_error_set(
                    err, WEFT_ERROR_CONFIG, "processor %s: source, sink%s dead.letters%s must be %s different topics",
                    processor, names->shadow[0] ? "," : " and", names->shadow[0] ? " and shadow.results" : "",
                    names->shadow[0] ? "four" : "three");
    return 0;
}

int weft_processor_instance(const struct weft_settings *settings, char instance[WEFT_NAME_SIZE], struct weft_error *err)
{
    const char *name = weft_settings_text(settings, "instance");
    instance[0] = instance[WEFT_NAME_SIZE - 1] = '\0';
    if (name)
        snprintf(instance, WEFT_NAME_SIZE, "%s", name);
    else if (gethostname(instance, WEFT_NAME_SIZE - 1) != 0)
        instance[0] = '\0';
    return instance[0] ? 0
                       : weft_error_set(err, WEFT_ERROR_CONFIG,
                                        "the host has no name: name this instance with -X instance=...");
}
