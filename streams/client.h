/* A Kafka client with weft's settings and log, which remembers what went wrong last.
 *
 * The library reports some faults (a wrong password, no broker at all) to a callback only and retries for ever; the
 * client keeps them, so that a call that times out can say why. */
#ifndef WEFT_STREAMS_CLIENT_H
#define WEFT_STREAMS_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "streams/client_statistics.h"
#include "streams/kafka_settings.h"

struct weft_client;

struct weft_client_options {
    enum weft_kafka_role role;
    const char *transactional_id;      /* SINK only */
    const char *group_id;              /* SOURCE only */
    const char *group_instance_id;     /* SOURCE only, may be NULL */
    const char *isolation_level;       /* where it is not the role's; may be NULL */
    const char *const (*overrides)[2]; /* settings and values that hold in any case; ends with NULL; may be NULL */
    const char *client_id;             /* names the client where no setting does; may be NULL */
    void (*rebalance)(rd_kafka_t *handle, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *partitions,
                      void *arg);                                                  /* SOURCE only */
    void (*delivered)(rd_kafka_t *handle, const rd_kafka_message_t *m, void *arg); /* producers, may be NULL */
    void *arg;                                                                     /* for the callbacks */
    struct weft_client_statistics *statistics; /* is given the library's, once a second; may be NULL */
};

/* log is borrowed and may be NULL. */
struct weft_client *weft_client_new(const struct weft_settings *settings, const struct weft_client_options *options,
                                    struct weft_log *log, struct weft_error *err);

/* Destroys the library's handle without closing a consumer first (see rd_kafka_consumer_close). Accepts NULL. */
void weft_client_destroy(struct weft_client *client);

rd_kafka_t *weft_client_handle(const struct weft_client *client);
struct weft_log *weft_client_log(const struct weft_client *client); /* may be NULL */

/* How long the calls of a transaction may be repeated: for longer than the broker keeps it open would be in vain. */
int64_t weft_client_transaction_deadline_ms(const struct weft_client *client);

/* What the cluster says of a topic: of `only`, or when that is NULL of all, or else of those that the client has
 * handles for. Waits for a broker up to timeout_ms, but not after a refused password or certificate. The caller
 * destroys *metadata. */
int weft_client_metadata(struct weft_client *client, bool all, rd_kafka_topic_t *only, int timeout_ms,
                         const struct rd_kafka_metadata **metadata, struct weft_error *err);

/* How many partitions the topic has. Waits for a broker up to timeout_ms, but not after a refused password or
 * certificate. WEFT_ERROR_CONFIG when there is no such topic, _UNAVAILABLE when no broker answers, _REFUSED when the
 * cluster refuses us; the message says what to do. */
int weft_client_partition_count(struct weft_client *client, const char *topic, int timeout_ms, int *count,
                                struct weft_error *err);

/* Whether one of the topics, some of which may be NULL, does not exist, which *err then says. */
bool weft_client_lacks_topic(struct weft_client *client, const char *const *topics, size_t count, int timeout_ms,
                             struct weft_error *err);

/* Fills *err for a failed call: code and what the library says, put after `what`, together with the last fault
 * that it reported to its callback where that explains more. Always returns -1. */
int weft_client_fail(struct weft_client *client, rd_kafka_resp_err_t code, const char *what, struct weft_error *err);

/* Whether the cluster has refused our credentials or certificate, which no waiting mends. */
bool weft_client_refused(struct weft_client *client);

/* What somebody can do about a refusal, to be put behind a message; "" for other codes. */
const char *weft_kafka_remedy(rd_kafka_resp_err_t code);

/* The class of a code of the library. */
enum weft_error_class weft_kafka_error_class(rd_kafka_resp_err_t code);

/* Whether the library mends the fault of a fetch or of a question by itself, as it reconnects. */
bool weft_kafka_is_passing(rd_kafka_resp_err_t code);

#endif
