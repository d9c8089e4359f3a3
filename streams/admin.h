/* One request to the administration of a cluster, and its answer.
 *
 *     struct weft_admin admin = weft_admin_begin(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout_ms);
 *     rd_kafka_CreateTopics(handle, &topic, 1, admin.options, admin.queue);
 *     if (weft_admin_wait(&admin, "creating a topic", err) == 0) ... admin.event ...
 *     weft_admin_end(&admin);
 */
#ifndef WEFT_STREAMS_ADMIN_H
#define WEFT_STREAMS_ADMIN_H

#include <stdbool.h>

#include "streams/client.h"

struct weft_admin {
    struct weft_client *client;
    int timeout_ms;
    rd_kafka_AdminOptions_t *options;
    rd_kafka_queue_t *queue;
    rd_kafka_event_t *event; /* NULL until there is an answer that is not an error as a whole */
};

struct weft_admin weft_admin_begin(struct weft_client *client, rd_kafka_admin_op_t operation, int timeout_ms);
void weft_admin_end(struct weft_admin *admin);

/* The cluster only says whether it would. For requests that change something. */
void weft_admin_only_check(struct weft_admin *admin);

int weft_admin_wait(struct weft_admin *admin, const char *what, struct weft_error *err);

/* Fills *err with what a broker says of one topic or setting: WEFT_ERROR_CONFLICT for what it does not accept,
 * _REFUSED for missing rights. text may be NULL. -1, or 0 when code is none. */
int weft_admin_verdict(rd_kafka_resp_err_t code, const char *text, struct weft_error *err);

#endif
