#include "streams/client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/clock.h"
#include "streams/partitioner.h"

enum {
    REASON_SIZE = 384,
    REPEAT_MS = 10000,
    FAULT_MS = 30000, /* a fault that is older explains nothing any more */
};

#define STATISTICS_MS "1000"

struct weft_client {
    rd_kafka_t *handle;
    struct weft_client_options options;
    struct weft_log *log;
    char *servers;
    bool faulty_scram;    /* see has_faulty_scram */
    pthread_mutex_t lock; /* for what follows: the library calls back on several threads */
    rd_kafka_resp_err_t fault;
    char reason[REASON_SIZE];
    int64_t fault_ms;
    int64_t logged_ms;
    bool reached; /* the cluster has answered, now or to another client of this process */
};

enum weft_error_class weft_kafka_error_class(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED: return WEFT_ERROR_REFUSED;
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID: return WEFT_ERROR_FENCED;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__INVALID_ARG: return WEFT_ERROR_CONFIG;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: return WEFT_ERROR_CONFLICT;
    case RD_KAFKA_RESP_ERR__BAD_MSG: return WEFT_ERROR_CORRUPT;
    case RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE: return WEFT_ERROR_INTERNAL;
    default: return WEFT_ERROR_UNAVAILABLE;
    }
}

bool weft_kafka_is_passing(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION: /* what the client was told by a broker that was just starting */
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT: return true;
    default: return false;
    }
}

/* Faults that a repeated attempt meets again. Reports of a lost connection are overwritten by them, not they by it. */
static bool is_refusal(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL;
}

/* With the lock held. A client that was refused once, amid a broker's restart, may have been let in long since. */
static rd_kafka_resp_err_t recent_fault(const struct weft_client *client)
{
    return weft_clock_ms() - client->fault_ms < FAULT_MS ? client->fault : RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void on_error(rd_kafka_t *handle, int code, const char *reason, void *arg)
{
    struct weft_client *client = arg;
    char fatal[REASON_SIZE];
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        code = rd_kafka_fatal_error(handle, fatal, sizeof fatal);
        reason = fatal;
    }
    /* With TLS 1.3 a broker refuses our certificate when the handshake is over: reported as a lost connection. */
    if (code == RD_KAFKA_RESP_ERR__TRANSPORT && strstr(reason, "SSL alert number"))
        code = RD_KAFKA_RESP_ERR__SSL;
    pthread_mutex_lock(&client->lock);
    /* That all brokers are down says less than why the last of them is. */
    bool known = code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && recent_fault(client);
    if (is_refusal(code) || (!known && !is_refusal(recent_fault(client)))) {
        client->fault = code;
        client->fault_ms = weft_clock_ms();
        snprintf(client->reason, sizeof client->reason, "%s", reason);
    }
    /* The library reports every attempt to connect; a line now and then is enough. Before the cluster has been reached
     * at all, the call that tries to reach it says what is wrong. */
    int64_t now = weft_clock_ms();
    bool quiet = !client->reached || (client->logged_ms && now - client->logged_ms < REPEAT_MS);
    if (!quiet)
        client->logged_ms = now;
    pthread_mutex_unlock(&client->lock);
    weft_log(client->log, quiet ? WEFT_LOG_DEBUG : WEFT_LOG_WARN, "kafka.error", "%s: %s", rd_kafka_err2name(code),
             reason);
}

static void on_log(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
    struct weft_client *client = rd_kafka_opaque(handle);
    /* What matters of these comes as errors from calls and callbacks too. */
    enum weft_log_level as = level <= LOG_ERR ? WEFT_LOG_WARN : WEFT_LOG_DEBUG;
    if (strcmp(facility, "FAIL") == 0 || strcmp(facility, "ERROR") == 0)
        as = WEFT_LOG_DEBUG;
    if (client)
        weft_log(client->log, as, "kafka.log", "%s: %s", facility, text);
}

static void on_rebalance(rd_kafka_t *handle, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *partitions,
                         void *arg)
{
    struct weft_client *client = arg;
    client->options.rebalance(handle, code, partitions, client->options.arg);
}

static void on_delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *arg)
{
    struct weft_client *client = arg;
    client->options.delivered(handle, message, client->options.arg);
}

static int on_statistics(rd_kafka_t *handle, char *json, size_t size, void *arg)
{
    struct weft_client *client = arg;
    (void)handle;
    (void)size;
    weft_client_statistics_give(client->options.statistics, json);
    return 1; /* the text is ours now */
}

static int set_option(rd_kafka_conf_t *conf, const char *name, const char *value, struct weft_error *err)
{
    char reason[REASON_SIZE];
    if (!value || rd_kafka_conf_set(conf, name, value, reason, sizeof reason) == RD_KAFKA_CONF_OK)
        return 0;
    return weft_error_set(err, WEFT_ERROR_CONFIG, "%s=%s: %s", name, value, reason);
}

/* Before 2.6.1 the library repeats its nonce in SCRAM's last message (librdkafka's pull request 4895), which Kafka 4
 * does not let pass: a right password is refused as a wrong one is. */
static bool has_faulty_scram(const rd_kafka_conf_t *conf)
{
    char mechanism[64];
    size_t size = sizeof mechanism;
    return rd_kafka_version() < 0x02060100 &&
           rd_kafka_conf_get(conf, "sasl.mechanisms", mechanism, &size) == RD_KAFKA_CONF_OK &&
           strncmp(mechanism, "SCRAM-", strlen("SCRAM-")) == 0;
}

static bool is_named(const struct weft_settings *settings)
{
    return weft_settings_text(settings, "client.id") || weft_settings_text(settings, "consumer.client.id") ||
           weft_settings_text(settings, "producer.client.id");
}

static int set_overrides(rd_kafka_conf_t *conf, const char *const (*overrides)[2], struct weft_error *err)
{
    for (; overrides && (*overrides)[0]; overrides++)
        if (set_option(conf, (*overrides)[0], (*overrides)[1], err) != 0)
            return -1;
    return 0;
}

struct weft_client *weft_client_new(const struct weft_settings *settings, const struct weft_client_options *options,
                                    struct weft_log *log, struct weft_error *err)
{
    char reason[REASON_SIZE];
    struct weft_client *client = calloc(1, sizeof *client);
    if (!client) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&client->lock, NULL);
    client->options = *options;
    client->log = log;
    /* A processor's clients are made after its topics have been found. */
    client->reached = options->role == WEFT_KAFKA_SOURCE || options->role == WEFT_KAFKA_SINK;
    rd_kafka_conf_t *conf = weft_kafka_conf(settings, options->role, err);
    if (!conf)
        goto fail;
    client->servers = strdup(weft_kafka_servers(settings));
    if (!client->servers) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto fail;
    }
    if (set_option(conf, "transactional.id", options->transactional_id, err) != 0 ||
        set_option(conf, "group.id", options->group_id, err) != 0 ||
        set_option(conf, "group.instance.id", options->group_instance_id, err) != 0 ||
        set_option(conf, "isolation.level", options->isolation_level, err) != 0 ||
        set_overrides(conf, options->overrides, err) != 0 ||
        set_option(conf, "client.id", is_named(settings) ? NULL : options->client_id, err) != 0)
        goto fail;
    if (options->role == WEFT_KAFKA_SINK)
        rd_kafka_topic_conf_set_partitioner_cb(rd_kafka_conf_get_default_topic_conf(conf), weft_partitioner);
    client->faulty_scram = has_faulty_scram(conf);
    rd_kafka_conf_set_opaque(conf, client);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    if (options->statistics) {
        rd_kafka_conf_set_stats_cb(conf, on_statistics);
        if (set_option(conf, "statistics.interval.ms", STATISTICS_MS, err) != 0)
            goto fail;
    }
    if (options->rebalance)
        rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    if (options->delivered)
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
    bool producer = options->role == WEFT_KAFKA_SINK || options->role == WEFT_KAFKA_SENDER;
    client->handle = rd_kafka_new(producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    if (!client->handle) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "Kafka client: %s", reason);
        goto fail;
    }
    return client;
fail:
    if (conf)
        rd_kafka_conf_destroy(conf);
    weft_client_destroy(client);
    return NULL;
}

void weft_client_destroy(struct weft_client *client)
{
    if (!client)
        return;
    if (client->handle)
        rd_kafka_destroy_flags(client->handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    pthread_mutex_destroy(&client->lock);
    free(client->servers);
    free(client);
}

rd_kafka_t *weft_client_handle(const struct weft_client *client)
{
    return client->handle;
}

struct weft_log *weft_client_log(const struct weft_client *client)
{
    return client->log;
}

int64_t weft_client_transaction_deadline_ms(const struct weft_client *client)
{
    char text[24] = "";
    size_t size = sizeof text;
    rd_kafka_conf_get(rd_kafka_conf(client->handle), "transaction.timeout.ms", text, &size);
    return strtoll(text, NULL, 10) * 2 / 3;
}

bool weft_client_refused(struct weft_client *client)
{
    pthread_mutex_lock(&client->lock);
    bool refused = is_refusal(recent_fault(client));
    pthread_mutex_unlock(&client->lock);
    return refused;
}

const char *weft_kafka_remedy(rd_kafka_resp_err_t code)
{
    enum weft_error_class class = weft_kafka_error_class(code);
    if (class == WEFT_ERROR_FENCED)
        return ": another has taken over, because it has the same name (give each instance its own with --instance "
               "NAME) "
               "or because this one was away for longer than transaction.timeout.ms (start it again)";
    if (class != WEFT_ERROR_REFUSED)
        return "";
    switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
        return ": check sasl.mechanisms, sasl.username and sasl.password";
    case RD_KAFKA_RESP_ERR__SSL:
        return ": check security.protocol, ssl.ca.location, ssl.certificate.location and the names in the certificates";
    default: return ": the user needs a further right there (an ACL)";
    }
}

int weft_client_fail(struct weft_client *client, rd_kafka_resp_err_t code, const char *what, struct weft_error *err)
{
    char reason[REASON_SIZE] = "";
    if (code == RD_KAFKA_RESP_ERR__FATAL) /* a later call says only that there was a fatal error before */
        code = rd_kafka_fatal_error(client->handle, reason, sizeof reason);
    pthread_mutex_lock(&client->lock);
    bool timed_out = code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
                     code == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    if (timed_out && recent_fault(client)) {
        code = client->fault;
        snprintf(reason, sizeof reason, "%s", client->reason);
    }
    pthread_mutex_unlock(&client->lock);
    enum weft_error_class class = weft_kafka_error_class(code);
    if (class == WEFT_ERROR_REFUSED)
        return weft_error_set(err, class, "%s: refused by %s: %s%s%s", what, client->servers,
                              reason[0] ? reason : rd_kafka_err2str(code), weft_kafka_remedy(code),
                              code == RD_KAFKA_RESP_ERR__AUTHENTICATION && client->faulty_scram
                                  ? "; Kafka 4 refuses SCRAM from a librdkafka older than 2.6.1, which this is, even "
                                    "with a right password"
                                  : "");
    if (timed_out)
        return weft_error_set(err, class,
                              "%s: no broker answers at %s (%s): is it running, is bootstrap.servers right?", what,
                              client->servers, reason[0] ? reason : rd_kafka_err2str(code));
    return weft_error_set(err, class, "%s: %s%s", what, reason[0] ? reason : rd_kafka_err2str(code),
                          weft_kafka_remedy(code));
}

static int describe_topic(struct weft_client *client, const struct rd_kafka_metadata_topic *topic, int *count,
                          struct weft_error *err)
{
    if (topic->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || topic->err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "topic %s does not exist on %s: declare it in the topology and run `weft topology apply`",
                              topic->topic, client->servers);
    if (topic->err) {
        char what[300];
        snprintf(what, sizeof what, "topic %s", topic->topic);
        return weft_client_fail(client, topic->err, what, err);
    }
    *count = topic->partition_cnt;
    pthread_mutex_lock(&client->lock);
    client->reached = true;
    pthread_mutex_unlock(&client->lock);
    return 0;
}

int weft_client_metadata(struct weft_client *client, bool all, rd_kafka_topic_t *only, int timeout_ms,
                         const struct rd_kafka_metadata **metadata, struct weft_error *err)
{
    enum { SLICE_MS = 500, PAUSE_MS = 20 };
    int64_t deadline = weft_clock_ms() + timeout_ms;
    for (;;) {
        /* Short slices, with the callbacks served between, so that a refusal ends the wait. */
        rd_kafka_resp_err_t code = rd_kafka_metadata(client->handle, all, only, metadata, SLICE_MS);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            return 0;
        rd_kafka_poll(client->handle, 0);
        if (weft_client_refused(client) || weft_clock_ms() >= deadline)
            return weft_client_fail(client, code, "asking the cluster about its topics", err);
        weft_clock_sleep_ms(PAUSE_MS);
    }
}

int weft_client_partition_count(struct weft_client *client, const char *topic, int timeout_ms, int *count,
                                struct weft_error *err)
{
    enum { PAUSE_MS = 20, NEW_TOPIC_MS = 2000 };
    int result = -1;
    int64_t now = weft_clock_ms(), deadline = now + timeout_ms;
    /* A topic that has just been made is not known to every broker at once. */
    int64_t unknown_deadline = now + (timeout_ms < NEW_TOPIC_MS ? timeout_ms : NEW_TOPIC_MS);
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client->handle, topic, NULL);
    if (!handle)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "'%s' is no name for a topic: %s", topic,
                              rd_kafka_err2str(rd_kafka_last_error()));
    for (;;) {
        const struct rd_kafka_metadata *metadata;
        int64_t left_ms = deadline - weft_clock_ms();
        if (weft_client_metadata(client, false, handle, left_ms > 0 ? (int)left_ms : 0, &metadata, err) != 0)
            break;
        rd_kafka_resp_err_t code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR__BAD_MSG;
        now = weft_clock_ms();
        bool waits = (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART && now < unknown_deadline) ||
                     (code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE && now < deadline);
        if (!waits)
            result = code == RD_KAFKA_RESP_ERR__BAD_MSG
                         ? weft_client_fail(client, code, "asking the cluster about its topics", err)
                         : describe_topic(client, &metadata->topics[0], count, err);
        rd_kafka_metadata_destroy(metadata);
        if (!waits)
            break;
        weft_clock_sleep_ms(PAUSE_MS);
    }
    rd_kafka_topic_destroy(handle);
    return result;
}

bool weft_client_lacks_topic(struct weft_client *client, const char *const *topics, size_t count, int timeout_ms,
                             struct weft_error *err)
{
    int partitions;
    for (size_t i = 0; i < count; i++)
        if (topics[i] && weft_client_partition_count(client, topics[i], timeout_ms, &partitions, err) != 0)
            return err->class == WEFT_ERROR_CONFIG;
    return false;
}
