/* What a bridge tells of itself while it works: counts, times, the phase it is in, and how far it is behind.
 *
 * Made before the bridge starts and destroyed after it has gone. The bridge's thread tells, the status endpoint's
 * thread asks. The functions of the bridge accept NULL and then do nothing: that is how a process without an endpoint
 * runs. */
#ifndef WEFT_BRIDGE_METRICS_H
#define WEFT_BRIDGE_METRICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/metrics.h"
#include "streams/client_statistics.h"
#include "streams/lag.h"
#include "topology/topology.h"

struct weft_bridge_metrics;

enum weft_bridge_phase {
    WEFT_PHASE_STARTING,
    WEFT_PHASE_JOINING,     /* the group has not said yet what is this instance's */
    WEFT_PHASE_STANDBY,     /* inward: another instance is at work */
    WEFT_PHASE_TAKING_OVER, /* inward: fences the former owner, reads the ledger */
    WEFT_PHASE_WORKING,     /* outward also without a partition, where there are more instances than these */
    WEFT_PHASE_REGISTRY,    /* outward: holds a record whose schema the registry does not give */
    WEFT_PHASE_FENCED,
    WEFT_PHASE_FAILED,
    WEFT_PHASE_STOPPED,
};

/* Counted from the bridge's start on, and where it stands now. */
struct weft_bridge_figures {
    uint64_t received;     /* what came, also what came again */
    uint64_t sent;         /* what the other side has for good */
    uint64_t acknowledged; /* inward messages; outward records before the offset last committed */
    uint64_t repeats;      /* recognised as written before, inward */
    uint64_t loops;        /* ended, as they had been where they would have gone */
    uint64_t dead_letters;
    uint64_t failed_calls, aborts; /* tried again: calls of Pub/Sub, transactions of Kafka */
    size_t messages, bytes;        /* under way: received, and neither done with nor given back */
    int64_t oldest_ms;             /* for how long the first of them has been; 0 where none is */
    int64_t pubsub_away_ms;        /* weft_rpc_away_ms */
};

/* What is declared of the bridge is borrowed. */
struct weft_bridge_metrics *weft_bridge_metrics_new(const struct weft_topology_bridge *declared);
void weft_bridge_metrics_destroy(struct weft_bridge_metrics *metrics); /* accepts NULL */

/* For the bridge. */
/* what: what its start waits for, a constant. */
void weft_bridge_metrics_awaits(struct weft_bridge_metrics *metrics, const char *what);
void weft_bridge_metrics_phase(struct weft_bridge_metrics *metrics, enum weft_bridge_phase phase);
/* It has been told to stop. Any thread. */
void weft_bridge_metrics_stopping(struct weft_bridge_metrics *metrics);
/* Its thread lives; to be called every few seconds once it has started, or figures to be told. */
void weft_bridge_metrics_moves(struct weft_bridge_metrics *metrics);
/* Whether figures are to be told again: not where there is nobody to be told, nor all the time. */
bool weft_bridge_metrics_due(const struct weft_bridge_metrics *metrics);
void weft_bridge_metrics_tell(struct weft_bridge_metrics *metrics, const struct weft_bridge_figures *figures);
/* A transaction begins, or has ended. */
void weft_bridge_metrics_writes(struct weft_bridge_metrics *metrics, bool writes);
/* A message or record of this timestamp (ms since 1970) has arrived where it goes to. */
void weft_bridge_metrics_arrived(struct weft_bridge_metrics *metrics, int64_t timestamp_ms);

/* For the bridge's clients; NULL where metrics is. */
struct weft_client_statistics *weft_bridge_metrics_consumer(struct weft_bridge_metrics *metrics);
struct weft_client_statistics *weft_bridge_metrics_producer(struct weft_bridge_metrics *metrics);
struct weft_lag *weft_bridge_metrics_lag(struct weft_bridge_metrics *metrics); /* outward */

/* For whoever asks, in any thread. */
const char *weft_bridge_metrics_name(const struct weft_bridge_metrics *metrics);

/* Whether it does its work, or stands by: an instance that would take over at once is as it should be, and a rolling
 * update may go on. The reason is also given for a standby, and is "" for one that works. */
bool weft_bridge_metrics_ready(struct weft_bridge_metrics *metrics, char *reason, size_t size);

/* Fenced, or failed: it takes the process with it, which is said before what others wait for. */
bool weft_bridge_metrics_over(struct weft_bridge_metrics *metrics);

/* For how long its thread has not moved, once it has started. */
int64_t weft_bridge_metrics_silent_ms(struct weft_bridge_metrics *metrics);

void weft_bridge_metrics_write(struct weft_bridge_metrics *metrics, struct weft_metrics_page *page);
json_t *weft_bridge_metrics_info(struct weft_bridge_metrics *metrics); /* a new reference */

#endif
