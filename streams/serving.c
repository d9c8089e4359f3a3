#include "streams/serving.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file_watch.h"
#include "model/builtin.h"
#include "model/self_test.h"

/* A network, and how many use it: the serving itself and each lease. */
struct weft_served {
    struct weft_network *network;
    atomic_int users;
};

struct weft_serving {
    struct weft_log *log;
    const char *paths[WEFT_SERVING_ROLES];
    struct weft_file_watch watches[WEFT_SERVING_ROLES];
    pthread_mutex_t lock; /* for served */
    struct weft_served *served[WEFT_SERVING_ROLES];
    atomic_uint_fast64_t generation; /* counts the changes, from 1 */
    bool reload;
};

static const char *const setting_names[WEFT_SERVING_ROLES] = {"model", "canary.model", "shadow.model"};

static void leave(struct weft_served *served)
{
    if (!served || atomic_fetch_sub(&served->users, 1) > 1)
        return;
    weft_network_destroy(served->network);
    free(served);
}

static int check_image(const struct weft_network_info *info, const struct weft_network_info *main,
                       struct weft_error *err)
{
    if (info->channels == main->channels && info->height == main->height && info->width == main->width)
        return 0;
    return weft_error_set(err, WEFT_ERROR_CONFIG, "it takes images of %zux%zux%zu, and %zux%zux%zu are served",
                          info->channels, info->height, info->width, main->channels, main->height, main->width);
}

static int check_classes(const struct weft_network_info *info, const struct weft_network_info *main,
                         struct weft_error *err)
{
    if (info->class_count != main->class_count)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "it has %zu classes, and %zu are served", info->class_count,
                              main->class_count);
    for (size_t i = 0; i < info->class_count; i++)
        if (strcmp(info->labels[i], main->labels[i]) != 0)
            return weft_error_set(err, WEFT_ERROR_CONFIG, "its class %zu is called %s, and %s is served", i,
                                  info->labels[i], main->labels[i]);
    return 0;
}

/* Loads the role's file and tries the network. main: what it has to agree with, or NULL for the first one. */
static struct weft_served *load(const struct weft_serving *serving, enum weft_serving_role role,
                                const struct weft_served *main, struct weft_error *err)
{
    const char *path = serving->paths[role];
    struct weft_served *served = malloc(sizeof *served);
    if (!served) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    atomic_init(&served->users, 1);
    served->network = weft_network_load(path, err);
    if (!served->network)
        goto fail;
    const struct weft_network_info *info = weft_network_info(served->network);
    if (weft_self_test(served->network, err) != 0 ||
        (main && check_image(info, weft_network_info(main->network), err) != 0) ||
        (main && role != WEFT_SERVING_SHADOW && check_classes(info, weft_network_info(main->network), err) != 0)) {
        weft_error_prefix(err, "model %s", path);
        goto fail;
    }
    return served;
fail:
    leave(served);
    return NULL;
}

struct weft_serving *weft_serving_new(const char *const paths[WEFT_SERVING_ROLES], struct weft_log *log,
                                      struct weft_error *err)
{
    struct weft_serving *serving = calloc(1, sizeof *serving);
    if (!serving) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&serving->lock, NULL);
    atomic_init(&serving->generation, 1);
    serving->log = log;
    for (int role = 0; role < WEFT_SERVING_ROLES; role++) {
        serving->paths[role] = paths[role];
        if (!paths[role])
            continue;
        /* Before it is read, so that a change meanwhile is seen. */
        weft_file_watch_begin(&serving->watches[role], paths[role]);
        serving->served[role] =
            load(serving, (enum weft_serving_role)role, role ? serving->served[WEFT_SERVING_MAIN] : NULL, err);
        if (!serving->served[role]) {
            weft_serving_destroy(serving);
            return NULL;
        }
    }
    return serving;
}

struct weft_serving *weft_serving_from_settings(const struct weft_settings *settings, struct weft_log *log,
                                                struct weft_error *err)
{
    const char *paths[WEFT_SERVING_ROLES];
    for (int role = 0; role < WEFT_SERVING_ROLES; role++)
        paths[role] = weft_settings_text(settings, setting_names[role]);
    return weft_serving_new(paths, log, err);
}

void weft_serving_destroy(struct weft_serving *serving)
{
    if (!serving)
        return;
    for (int role = 0; role < WEFT_SERVING_ROLES; role++)
        leave(serving->served[role]);
    pthread_mutex_destroy(&serving->lock);
    free(serving);
}

/* Loads the role's file and serves it from now on, if it can. */
static void replace(struct weft_serving *serving, enum weft_serving_role role)
{
    struct weft_error err = {0};
    struct weft_served *old = serving->served[role];
    const struct weft_network_info *info, *old_info = weft_network_info(old->network);
    struct weft_served *new = load(serving, role, serving->served[WEFT_SERVING_MAIN], &err);
    if (!new) {
        weft_log(serving->log, WEFT_LOG_ERROR, "model.refused", "%s: %s: %s %s stays", setting_names[role], err.message,
                 old_info->name, old_info->version);
        return;
    }
    info = weft_network_info(new->network);
    if (strcmp(info->sha256, old_info->sha256) == 0) {
        weft_log(serving->log, WEFT_LOG_INFO, "model.unchanged", "%s: %s holds what is served already",
                 setting_names[role], serving->paths[role]);
        leave(new);
        return;
    }
    weft_log(serving->log, WEFT_LOG_INFO, "model.changed", "%s: %s %s (sha256 %.12s) replaces %s %s (%.12s)",
             setting_names[role], info->name, info->version, info->sha256, old_info->name, old_info->version,
             old_info->sha256);
    pthread_mutex_lock(&serving->lock);
    serving->served[role] = new;
    atomic_fetch_add(&serving->generation, 1);
    pthread_mutex_unlock(&serving->lock);
    leave(old);
}

void weft_serving_watch(struct weft_serving *serving)
{
    const bool reload = serving->reload;
    serving->reload = false;
    for (int role = 0; role < WEFT_SERVING_ROLES; role++) {
        const char *path = serving->paths[role];
        if (!path || weft_builtin_is(path))
            continue;
        if (reload)
            weft_file_watch_begin(&serving->watches[role], path);
        if (reload || weft_file_watch_changed(&serving->watches[role], weft_clock_ms()))
            replace(serving, (enum weft_serving_role)role);
    }
}

void weft_serving_reload(struct weft_serving *serving)
{
    serving->reload = true;
}

bool weft_serving_changed(struct weft_serving *serving, const struct weft_serving_lease *lease)
{
    return atomic_load_explicit(&serving->generation, memory_order_relaxed) != lease->generation;
}

struct weft_serving_lease weft_serving_take(struct weft_serving *serving)
{
    struct weft_serving_lease lease = {0};
    pthread_mutex_lock(&serving->lock);
    lease.generation = atomic_load(&serving->generation);
    for (int role = 0; role < WEFT_SERVING_ROLES; role++) {
        lease.served[role] = serving->served[role];
        if (!lease.served[role])
            continue;
        atomic_fetch_add(&lease.served[role]->users, 1);
        lease.networks[role] = lease.served[role]->network;
    }
    pthread_mutex_unlock(&serving->lock);
    return lease;
}

void weft_serving_return(struct weft_serving_lease *lease)
{
    for (int role = 0; role < WEFT_SERVING_ROLES; role++)
        leave(lease->served[role]);
    *lease = (struct weft_serving_lease){0};
}
