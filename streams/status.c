#include "streams/status.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/status_server.h"
#include "streams/status_process.h"

enum { BEAT_MS = 10000 };

struct weft_status {
    const struct weft_settings *settings;
    struct weft_log *log;
    const char *address; /* NULL: no endpoint */
    struct weft_status_server *server;
    struct weft_processor_metrics **processors;
    size_t count;
    int64_t started_ms;          /* wall clock */
    atomic_int_fast64_t beat_ms; /* 0: the watchdog has not begun */
};

struct weft_status *weft_status_new(const struct weft_settings *settings, struct weft_log *log, struct weft_error *err)
{
    struct weft_status *status = calloc(1, sizeof *status);
    if (!status) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    status->settings = settings;
    status->log = log;
    status->address = weft_settings_text(settings, "status.listen");
    status->started_ms = weft_clock_wall_ms();
    return status;
}

int weft_status_add(struct weft_status *status, const char *name, const struct weft_settings *settings,
                    struct weft_error *err)
{
    if (!status->address)
        return 0;
    struct weft_processor_metrics **grown =
        realloc(status->processors, (status->count + 1) * sizeof *status->processors);
    if (!grown)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    status->processors = grown;
    grown[status->count] = weft_processor_metrics_new(name, settings, err);
    if (!grown[status->count])
        return -1;
    status->count++;
    return 0;
}

struct weft_processor_metrics *weft_status_processor(struct weft_status *status, size_t index)
{
    return index < status->count ? status->processors[index] : NULL;
}

void weft_status_beat(struct weft_status *status)
{
    atomic_store(&status->beat_ms, weft_clock_ms());
}

static void write_metrics(struct weft_metrics_page *page, void *arg)
{
    const struct weft_status *status = arg;
    weft_status_write_process(page, status->started_ms);
    for (size_t i = 0; i < status->count; i++)
        weft_processor_metrics_write(status->processors[i], page);
}

static bool healthy(char *reason, void *arg)
{
    const struct weft_status *status = arg;
    int64_t beat_ms = atomic_load(&status->beat_ms), silent_ms = weft_clock_ms() - beat_ms;
    if (beat_ms == 0 || silent_ms < BEAT_MS)
        return true;
    snprintf(reason, WEFT_STATUS_REASON_SIZE, "the watchdog has not looked for %lld s", (long long)silent_ms / 1000);
    return false;
}

static bool ready(char *reason, void *arg)
{
    const struct weft_status *status = arg;
    for (size_t i = 0; i < status->count; i++) {
        char why[WEFT_STATUS_REASON_SIZE - 128];
        if (weft_processor_metrics_ready(status->processors[i], why, sizeof why))
            continue;
        snprintf(reason, WEFT_STATUS_REASON_SIZE, "processor %s: %s",
                 weft_processor_metrics_name(status->processors[i]), why);
        return false;
    }
    return true;
}

static json_t *info(void *arg)
{
    const struct weft_status *status = arg;
    json_t *processors = json_array();
    for (size_t i = 0; i < status->count; i++)
        json_array_append_new(processors, weft_processor_metrics_info(status->processors[i]));
    return weft_status_info("weft", status->started_ms, status->settings, "processors", processors);
}

int weft_status_start(struct weft_status *status, struct weft_error *err)
{
    const struct weft_status_source source = {
        .metrics = write_metrics, .healthy = healthy, .ready = ready, .info = info, .arg = status};
    if (!status->address)
        return 0;
    status->server = weft_status_server_start(status->address, &source, status->log, err);
    return status->server ? 0 : -1;
}

void weft_status_destroy(struct weft_status *status)
{
    if (!status)
        return;
    weft_status_server_stop(status->server);
    for (size_t i = 0; i < status->count; i++)
        weft_processor_metrics_destroy(status->processors[i]);
    free(status->processors);
    free(status);
}
