#include "pubsub-bridge/bridge_status.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/status_server.h"
#include "streams/status_process.h"

struct weft_bridge_status {
    const struct weft_settings *settings;
    struct weft_status_server *server;
    struct weft_bridge_metrics **bridges;
    size_t count; /* 0: no endpoint */
    int64_t started_ms, silent_max_ms;
};

static void write_metrics(struct weft_metrics_page *page, void *arg)
{
    const struct weft_bridge_status *status = arg;
    weft_status_write_process(page, status->started_ms);
    for (size_t i = 0; i < status->count; i++)
        weft_bridge_metrics_write(status->bridges[i], page);
}

static bool healthy(char *reason, void *arg)
{
    const struct weft_bridge_status *status = arg;
    for (size_t i = 0; i < status->count; i++) {
        int64_t silent_ms = weft_bridge_metrics_silent_ms(status->bridges[i]);
        if (silent_ms <= status->silent_max_ms)
            continue;
        snprintf(reason, WEFT_STATUS_REASON_SIZE, "bridge %s has not moved for %lld s",
                 weft_bridge_metrics_name(status->bridges[i]), (long long)silent_ms / 1000);
        return false;
    }
    return true;
}

/* The reason is that of the first bridge that is not ready, but for one that takes all others with it, or else of those
 * that stand by. */
static bool ready(char *reason, void *arg)
{
    const struct weft_bridge_status *status = arg;
    bool all = true;
    for (size_t i = 0; i < status->count; i++) {
        char why[WEFT_STATUS_REASON_SIZE - 300];
        bool one = weft_bridge_metrics_ready(status->bridges[i], why, sizeof why);
        bool over = weft_bridge_metrics_over(status->bridges[i]);
        if (over || (all && why[0] && (!one || !reason[0])))
            snprintf(reason, WEFT_STATUS_REASON_SIZE, "%sbridge %s: %s", one ? "ok, " : "",
                     weft_bridge_metrics_name(status->bridges[i]), why);
        all = all && one;
        if (over)
            break;
    }
    return all;
}

static json_t *info(void *arg)
{
    const struct weft_bridge_status *status = arg;
    json_t *bridges = json_array();
    for (size_t i = 0; i < status->count; i++)
        json_array_append_new(bridges, weft_bridge_metrics_info(status->bridges[i]));
    return weft_status_info("weft-bridge", status->started_ms, status->settings, "bridges", bridges);
}

struct weft_bridge_status *weft_bridge_status_start(const struct weft_topology_bridge *const *bridges, size_t count,
                                                    const struct weft_settings *settings, struct weft_log *log,
                                                    struct weft_error *err)
{
    const char *address = weft_settings_text(settings, "status.listen");
    struct weft_bridge_status *status = calloc(1, sizeof *status);
    if (!status)
        goto memory;
    if (!address)
        return status;
    status->settings = settings;
    status->started_ms = weft_clock_wall_ms();
    status->silent_max_ms = weft_settings_integer(settings, "progress.deadline");
    status->bridges = calloc(count, sizeof *status->bridges);
    if (!status->bridges)
        goto memory;
    for (; status->count < count; status->count++)
        if (!(status->bridges[status->count] = weft_bridge_metrics_new(bridges[status->count])))
            goto memory;
    const struct weft_status_source source = {
        .metrics = write_metrics, .healthy = healthy, .ready = ready, .info = info, .arg = status};
    status->server = weft_status_server_start(address, &source, log, err);
    if (status->server)
        return status;
    goto fail;
memory:
    weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
fail:
    weft_bridge_status_destroy(status);
    return NULL;
}

void weft_bridge_status_destroy(struct weft_bridge_status *status)
{
    if (!status)
        return;
    weft_status_server_stop(status->server);
    for (size_t i = 0; i < status->count; i++)
        weft_bridge_metrics_destroy(status->bridges[i]);
    free(status->bridges);
    free(status);
}

struct weft_bridge_metrics *weft_bridge_status_metrics(struct weft_bridge_status *status, size_t index)
{
    return index < status->count ? status->bridges[index] : NULL;
}

void weft_bridge_status_awaits(struct weft_bridge_status *status, const char *what)
{
    for (size_t i = 0; i < status->count; i++)
        weft_bridge_metrics_awaits(status->bridges[i], what);
}
