#include "streams/status_process.h"

#include <librdkafka/rdkafka.h>
#include <time.h>

void weft_status_write_process(struct weft_metrics_page *page, int64_t started_ms)
{
    const struct weft_label build[] = {{"version", WEFT_VERSION}, {"librdkafka", rd_kafka_version_str()}, {NULL, NULL}};
    weft_metric_sample(
        weft_metrics_family(page, "weft_build_info", WEFT_METRIC_GAUGE, "1, for the versions that its labels name."),
        build, 1);
    weft_metric_sample(weft_metrics_family(page, "process_start_time_seconds", WEFT_METRIC_GAUGE,
                                           "When the process started, in seconds since 1970."),
                       NULL, (double)started_ms * 1e-3);
    weft_metrics_process(page);
}

/* The names of what is set and the places where; values stay inside, as some are secret. */
static int add_setting(const char *name, const char *value, const char *where, void *arg, struct weft_error *err)
{
    (void)value;
    (void)err;
    if (where)
        json_object_set_new(arg, name, json_string(where));
    return 0;
}

json_t *weft_status_info(const char *program, int64_t started_ms, const struct weft_settings *settings,
                         const char *name, json_t *list)
{
    struct weft_error err = {0};
    char started[32];
    const time_t seconds = (time_t)(started_ms / 1000);
    struct tm utc;
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
    json_t *set = json_object();
    weft_settings_show(settings, add_setting, set, &err);
    return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o}", "program", program, "version", WEFT_VERSION, "librdkafka",
                     rd_kafka_version_str(), "started", started, name, list, "settings", set);
}
