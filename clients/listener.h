/* Reads the results of a topic as they are committed, without a group.
 *
 *     struct weft_listener *listener = weft_listener_new(settings, registry, "res_predict", false, log, &err);
 *     while ((event = weft_listener_next(listener, 100, &answer, &err)) != WEFT_LISTENER_FAILED)
 *         if (event == WEFT_LISTENER_RESULT)
 *             weft_statistics_add(statistics, &answer.result, answer.timestamp_ms, &err);
 *
 * For one thread. */
#ifndef WEFT_CLIENTS_LISTENER_H
#define WEFT_CLIENTS_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "schemas/registry.h"
#include "schemas/result.h"

struct weft_listener;

enum weft_listener_event {
    WEFT_LISTENER_FAILED,     /* *err is filled; listening cannot go on */
    WEFT_LISTENER_NOTHING,    /* nothing has come in the time given, or nothing that concerns the caller */
    WEFT_LISTENER_RESULT,     /* *answer is filled */
    WEFT_LISTENER_UNREADABLE, /* a record that is no result; *err says where it stands and why */
};

struct weft_answer {
    struct weft_result result; /* points into the record, valid until the next call */
    const void *key;           /* of the record, NULL where there is none */
    size_t key_size;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms; /* of the record, -1 where there is none */
};

/* Starts at the beginning of every partition, or at what is its end when this returns. Asks the registry a question, so
 * that a wrong address is noticed at once. registry is borrowed and must outlive the listener; log is borrowed and may
 * be NULL. */
struct weft_listener *weft_listener_new(const struct weft_settings *settings, struct weft_registry *registry,
                                        const char *topic, bool from_beginning, struct weft_log *log,
                                        struct weft_error *err);
void weft_listener_destroy(struct weft_listener *listener); /* accepts NULL */

enum weft_listener_event weft_listener_next(struct weft_listener *listener, int timeout_ms, struct weft_answer *answer,
                                            struct weft_error *err);

#endif
