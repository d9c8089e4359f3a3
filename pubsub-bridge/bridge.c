#include "pubsub-bridge/bridge.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "pubsub-bridge/inward.h"
#include "pubsub-bridge/outward.h"
#include "topology/bridge_names.h"

struct weft_bridge {
    struct weft_bridge_config config;
    pthread_t thread;
    struct weft_bridge_names names;
    struct weft_error failure; /* written before ended, read after */
    atomic_bool stop, ended;
};

static int run_inward(struct weft_bridge *bridge, struct weft_error *err)
{
    const struct weft_inward_config config = {
        .bridge = bridge->config.declared,
        .settings = bridge->config.settings,
        .address = bridge->config.address,
        .group = bridge->names.group,
        .ledger = bridge->names.group, /* the topic is named as the group is */
        .dead_letters = bridge->names.dead_letters,
        .stop = &bridge->stop,
        .log = bridge->config.log,
        .metrics = bridge->config.metrics,
    };
    struct weft_inward *inward = weft_inward_new(&config, err);
    int result = inward ? weft_inward_run(inward, err) : -1;
    weft_inward_destroy(inward);
    return result;
}

static int run_outward(struct weft_bridge *bridge, struct weft_error *err)
{
    const struct weft_outward_config config = {
        .bridge = bridge->config.declared,
        .settings = bridge->config.settings,
        .address = bridge->config.address,
        .group = bridge->names.group,
        .dead_letters = bridge->names.dead_letters,
        .stop = &bridge->stop,
        .log = bridge->config.log,
        .metrics = bridge->config.metrics,
    };
    struct weft_outward *outward = weft_outward_new(&config, err);
    int result = outward ? weft_outward_run(outward, err) : -1;
    weft_outward_destroy(outward);
    return result;
}

/* How it ended, for those who look before the process has gone. */
static void tell_end(struct weft_bridge *bridge)
{
    enum weft_error_class class = bridge->failure.class;
    weft_bridge_metrics_phase(bridge->config.metrics, class == WEFT_ERROR_NONE     ? WEFT_PHASE_STOPPED
                                                      : class == WEFT_ERROR_FENCED ? WEFT_PHASE_FENCED
                                                                                   : WEFT_PHASE_FAILED);
}

static void *run(void *arg)
{
    struct weft_bridge *bridge = arg;
    struct weft_error err = {0};
    int result = bridge->config.declared->from.pubsub ? run_inward(bridge, &err) : run_outward(bridge, &err);
    if (result != 0 && !atomic_load(&bridge->stop))
        bridge->failure = err;
    tell_end(bridge);
    atomic_store(&bridge->ended, true);
    return NULL;
}

struct weft_bridge *weft_bridge_start(const struct weft_bridge_config *config, struct weft_error *err)
{
    struct weft_bridge *bridge = calloc(1, sizeof *bridge);
    if (!bridge) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    bridge->config = *config;
    weft_bridge_names(config->declared, &bridge->names);
    if (pthread_create(&bridge->thread, NULL, run, bridge) == 0)
        return bridge;
    free(bridge);
    weft_error_set(err, WEFT_ERROR_INTERNAL, "no thread could be started");
    return NULL;
}

enum weft_bridge_state weft_bridge_watch(struct weft_bridge *bridge, struct weft_error *err)
{
    if (!atomic_load(&bridge->ended))
        return WEFT_BRIDGE_RUNNING;
    if (bridge->failure.class == WEFT_ERROR_NONE)
        return WEFT_BRIDGE_ENDED;
    *err = bridge->failure;
    return WEFT_BRIDGE_FAILED;
}

void weft_bridge_stop(struct weft_bridge *bridge)
{
    weft_bridge_metrics_stopping(bridge->config.metrics);
    atomic_store(&bridge->stop, true);
}

void weft_bridge_destroy(struct weft_bridge *bridge)
{
    if (!bridge)
        return;
    weft_bridge_stop(bridge);
    pthread_join(bridge->thread, NULL);
    free(bridge);
}
