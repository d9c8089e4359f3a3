/* What a Kafka client's own statistics say, as metrics: round trips, queues, bytes, brokers reached.
 *
 * The client's thread only hands the library's text over, once a second; whoever wants the figures reads it then. */
#ifndef WEFT_STREAMS_CLIENT_STATISTICS_H
#define WEFT_STREAMS_CLIENT_STATISTICS_H

#include <stdbool.h>

#include "base/metrics.h"

struct weft_client_statistics;

/* NULL when memory is short. */
struct weft_client_statistics *weft_client_statistics_new(void);
void weft_client_statistics_destroy(struct weft_client_statistics *statistics); /* accepts NULL */

/* Takes the library's JSON, from malloc, in place of the former. Any thread. */
void weft_client_statistics_give(struct weft_client_statistics *statistics, char *json);

/* Adds what is known to the page; labels, ended by a name NULL and at most WEFT_CLIENT_LABELS_MAX, name the client. */
enum { WEFT_CLIENT_LABELS_MAX = 4 };
void weft_client_statistics_write(struct weft_client_statistics *statistics, struct weft_metrics_page *page,
                                  const struct weft_label *labels);

/* Whether the client has no connection to any broker. False too while nothing is known. */
bool weft_client_statistics_cut_off(struct weft_client_statistics *statistics);

#endif
