/* The networks that a processor serves with: shared by its workers, and replaced while they work.
 *
 * One answers; a canary may answer for a share of the keys; a shadow may score along for comparison. When the file of
 * one has changed, the thread that calls weft_serving_watch loads the new network beside the old one and tries it. Each
 * worker goes over to it between two transactions, and the last one that leaves the old network frees it. A new network
 * that cannot serve is named in the log and the old one stays.
 *
 * All take images of one size. Main and canary answer into one topic: they have the same classes, in the same order,
 * and so has whatever replaces them. A shadow may have others. */
#ifndef WEFT_STREAMS_SERVING_H
#define WEFT_STREAMS_SERVING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "model/network.h"

enum weft_serving_role { WEFT_SERVING_MAIN, WEFT_SERVING_CANARY, WEFT_SERVING_SHADOW, WEFT_SERVING_ROLES };

struct weft_serving;

/* paths are files or builtin:NAME, NULL where there is no canary or shadow; they and the log are borrowed. Loads and
 * tries all. WEFT_ERROR_CONFIG for what cannot serve. */
struct weft_serving *weft_serving_new(const char *const paths[WEFT_SERVING_ROLES], struct weft_log *log,
                                      struct weft_error *err);
/* As the settings model, canary.model and shadow.model say. */
struct weft_serving *weft_serving_from_settings(const struct weft_settings *settings, struct weft_log *log,
                                                struct weft_error *err);
/* Accepts NULL. After all leases have been returned. */
void weft_serving_destroy(struct weft_serving *serving);

/* To be called several times a second, by one thread: loads what has changed. */
void weft_serving_watch(struct weft_serving *serving);

/* The next watch loads all files, whether they have changed or not. */
void weft_serving_reload(struct weft_serving *serving);

/* The networks that a worker uses: what was served at one moment. {0}: none. */
struct weft_serving_lease {
    struct weft_served *served[WEFT_SERVING_ROLES]; /* NULL where there is none */
    const struct weft_network *networks[WEFT_SERVING_ROLES];
    uint64_t generation;
};

/* Whether something else is served by now. Cheap. */
bool weft_serving_changed(struct weft_serving *serving, const struct weft_serving_lease *lease);

/* What is served at present; to be returned once nothing uses it. */
struct weft_serving_lease weft_serving_take(struct weft_serving *serving);
void weft_serving_return(struct weft_serving_lease *lease);

#endif
