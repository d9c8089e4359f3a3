/* A small HTTP endpoint that says how a process fares: /metrics, /healthz, /readyz and /info.
 *
 * It has one thread of its own, which asks the source and writes the answer; a slow or hostile client meets limits on
 * connections, memory and time, and nobody else. What the source says goes out as it is: never let it name a secret. */
#ifndef WEFT_BASE_STATUS_SERVER_H
#define WEFT_BASE_STATUS_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/settings.h"

enum { WEFT_STATUS_REASON_SIZE = 512 };

/* Called in the server's thread, one at a time; all are needed. A reason may also be given for a yes. */
struct weft_status_source {
    void (*metrics)(struct weft_metrics_page *page, void *arg);
    bool (*healthy)(char reason[WEFT_STATUS_REASON_SIZE], void *arg); /* false: to be killed and started again */
    bool (*ready)(char reason[WEFT_STATUS_REASON_SIZE], void *arg);   /* false: does no work at present */
    json_t *(*info)(void *arg);                                       /* a new reference */
    void *arg;
};

/* status.listen */
extern const struct weft_setting weft_status_server_settings[];

struct weft_status_server;

/* address: HOST:PORT, [IPV6]:PORT, or a port on the loopback interface; port 0 is any that is free. WEFT_ERROR_CONFIG
 * when that cannot be listened at. log is borrowed. */
struct weft_status_server *weft_status_server_start(const char *address, const struct weft_status_source *source,
                                                    struct weft_log *log, struct weft_error *err);

/* Where it listens: "http://127.0.0.1:9464". */
const char *weft_status_server_url(const struct weft_status_server *server);

/* No call of the source is under way any more when it returns. Accepts NULL. */
void weft_status_server_stop(struct weft_status_server *server);

#endif
