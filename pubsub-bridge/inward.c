#include "pubsub-bridge/inward.h"

#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pubsub-bridge/delivery.h"
#include "pubsub-bridge/kafka_place.h"
#include "pubsub-bridge/resource.h"
#include "pubsub-bridge/retry.h"
#include "pubsub-bridge/subscriber.h"
#include "pubsub-bridge/translation.h"
#include "streams/client.h"
#include "streams/consumer.h"
#include "streams/reader.h"

enum {
    STANDBY_MS = 200, /* how long to wait for ownership at once: bounds how fast a stop is seen */
    PULL_MS = 50,     /* how long to wait for messages before Kafka is asked whether we are still the owner */
    CLOSE_MS = 5000,  /* for acknowledging and giving back at the end */
    BATCH_BYTES = 8 << 20,
    PLACE_SIZE = 400,
};

struct weft_inward {
    struct weft_inward_config config;
    const char *subscription, *topic;
    char from[PLACE_SIZE], to[PLACE_SIZE];
    struct weft_client *client; /* the member of the group, which only tells who owns the bridge */
    rd_kafka_t *consumer;
    struct weft_translation *translation; /* of JSON; NULL: bytes go as they are */
    bool owner;

    /* While it is the owner: */
    struct weft_rpc *rpc;
    struct weft_subscriber *subscriber;
    struct weft_delivery *delivery;
    struct weft_ledger *ledger;
    struct weft_received *batch[WEFT_LEDGER_BATCH_MAX];
    size_t batch_count;
    int failures; /* transactions in a row that were not committed */

    struct weft_bridge_figures past; /* of ownerships that are over, and the repeats of all */
};

static const char *name_of(const struct weft_inward *inward)
{
    return inward->config.bridge->name;
}

static bool stopping(const struct weft_inward *inward)
{
    return atomic_load(inward->config.stop);
}

/* ---- What it tells */

/* Figures of an ownership are those of what it is made of, and would go with it. */
static struct weft_bridge_figures figures_of(const struct weft_inward *inward)
{
    struct weft_bridge_figures figures = inward->past;
    if (inward->rpc) {
        figures.failed_calls += weft_rpc_failures(inward->rpc);
        figures.pubsub_away_ms = weft_rpc_away_ms(inward->rpc);
    }
    if (inward->subscriber) {
        struct weft_subscriber_counts counts;
        weft_subscriber_counts(inward->subscriber, &counts);
        figures.received += counts.received;
        figures.acknowledged += counts.acknowledged;
        figures.messages = counts.items;
        figures.bytes = counts.bytes;
        figures.oldest_ms = counts.oldest_ms;
    }
    if (inward->delivery) {
        struct weft_delivery_counts counts;
        weft_delivery_counts(inward->delivery, &counts);
        figures.sent += counts.sent;
        figures.dead_letters += counts.dead_letters;
        figures.loops += counts.loops;
        figures.aborts += counts.aborts;
    }
    return figures;
}

static void tell(struct weft_inward *inward)
{
    weft_bridge_metrics_moves(inward->config.metrics);
    if (!weft_bridge_metrics_due(inward->config.metrics))
        return;
    const struct weft_bridge_figures figures = figures_of(inward);
    weft_bridge_metrics_tell(inward->config.metrics, &figures);
}

/* What an ownership has come to stays when it ends. */
static void keep_figures(struct weft_inward *inward)
{
    inward->past = figures_of(inward);
    inward->past.messages = inward->past.bytes = 0;
    inward->past.oldest_ms = inward->past.pubsub_away_ms = 0;
}

/* ---- Ownership */

static void on_rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
                         void *arg)
{
    struct weft_inward *inward = arg;
    if (code != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        inward->owner = false;
        weft_bridge_metrics_phase(inward->config.metrics, WEFT_PHASE_JOINING);
        rd_kafka_assign(consumer, NULL);
        return;
    }
    inward->owner = list->cnt > 0;
    weft_bridge_metrics_phase(inward->config.metrics, inward->owner ? WEFT_PHASE_TAKING_OVER : WEFT_PHASE_STANDBY);
    rd_kafka_assign(consumer, list);
    rd_kafka_pause_partitions(consumer, list); /* it tells who is the owner; what is in it another client reads */
    weft_log(inward->config.log, WEFT_LOG_INFO, "bridge.owner", "%s: %s", name_of(inward),
             inward->owner ? "this instance takes over" : "another instance is at work, this one waits");
}

/* Serves the group. -1 when it cannot go on. */
static int poll_group(struct weft_inward *inward, int timeout_ms, struct weft_error *err)
{
    tell(inward);
    rd_kafka_message_t *message = rd_kafka_consumer_poll(inward->consumer, timeout_ms);
    if (!message)
        return 0;
    rd_kafka_resp_err_t code = message->err;
    rd_kafka_message_destroy(message);
    if (code == RD_KAFKA_RESP_ERR__FATAL || weft_kafka_error_class(code) == WEFT_ERROR_REFUSED)
        return weft_client_fail(inward->client, code, inward->config.ledger, err);
    return 0;
}

/* ---- The ledger */

static int read_ledger(struct weft_inward *inward, struct weft_error *err)
{
    struct weft_reader *reader =
        weft_reader_new(inward->config.settings, inward->config.ledger, inward->config.log, err);
    int result = reader ? weft_reader_start(reader, 0, RD_KAFKA_OFFSET_BEGINNING, err) : -1;
    for (bool more = true; result == 0 && more && !stopping(inward);) {
        const rd_kafka_message_t *message;
        switch (weft_reader_next(reader, STANDBY_MS, &message, err)) {
        case WEFT_READER_FAILED: result = -1; break;
        case WEFT_READER_NOTHING: result = poll_group(inward, 0, err); break;
        case WEFT_READER_MESSAGE: result = weft_ledger_read(inward->ledger, message->payload, message->len, err); break;
        case WEFT_READER_END: more = false; break;
        }
    }
    if (result != 0)
        weft_error_prefix(err, "ledger %s", inward->config.ledger);
    weft_reader_destroy(reader);
    return result;
}

/* ---- The owner's work */

/* While Kafka is waited for, leases are extended and the answers to acknowledgements taken. */
static bool on_waiting(void *arg)
{
    struct weft_inward *inward = arg;
    struct weft_error ignored; /* it comes again from the next pump */
    tell(inward);
    weft_rpc_serve(inward->rpc, 0);
    weft_subscriber_pump(inward->subscriber, &ignored);
    return !stopping(inward);
}

static int make_delivery(struct weft_inward *inward, struct weft_error *err)
{
    const struct weft_delivery_config delivery = {
        .settings = inward->config.settings,
        .transactional_id = inward->config.group,
        .bridge = name_of(inward),
        .source = inward->subscription,
        .topic = inward->topic,
        .ledger_topic = inward->config.ledger,
        .dead_letters = inward->config.dead_letters,
        .from = inward->from,
        .to = inward->to,
        .translation = inward->translation,
        .stop_on_unmappable = inward->config.bridge->stop,
        .waiting = on_waiting,
        .arg = inward,
        .log = inward->config.log,
        .statistics = weft_bridge_metrics_producer(inward->config.metrics),
    };
    inward->delivery = weft_delivery_new(&delivery, err);
    return inward->delivery ? 0 : -1;
}

static int make_subscriber(struct weft_inward *inward, struct weft_error *err)
{
    const struct weft_settings *settings = inward->config.settings;
    const struct weft_subscriber_config subscriber = {
        .rpc = inward->rpc,
        .subscription = inward->subscription,
        .streams = (int)weft_settings_integer(settings, "pull.streams"),
        .ack_deadline_s = (int)(weft_settings_integer(settings, "ack.deadline") / 1000),
        .items_max = (size_t)weft_settings_integer(settings, "outstanding.messages"),
        .bytes_max = (size_t)weft_settings_integer(settings, "outstanding.bytes"),
        .log = inward->config.log,
    };
    inward->subscriber = weft_subscriber_new(&subscriber, err);
    return inward->subscriber ? 0 : -1;
}

/* Fences a former owner, then reads what it has written, then pulls. */
static int begin(struct weft_inward *inward, struct weft_error *err)
{
    if (!inward->rpc)
        inward->rpc = weft_rpc_new(inward->config.address, err);
    if (!inward->rpc || make_delivery(inward, err) != 0)
        return -1;
    enum weft_verdict verdict = WEFT_VERDICT_RETRY;
    while (verdict == WEFT_VERDICT_RETRY && inward->owner && !stopping(inward)) {
        verdict = weft_delivery_claim(inward->delivery, err);
        if (poll_group(inward, 0, err) != 0)
            return -1;
    }
    if (verdict == WEFT_VERDICT_RETRY)
        return 0; /* no longer wanted */
    if (verdict != WEFT_VERDICT_DONE)
        return -1;
    inward->ledger = weft_ledger_new();
    if (!inward->ledger)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    if (read_ledger(inward, err) != 0 || make_subscriber(inward, err) != 0)
        return -1;
    if (inward->owner)
        weft_bridge_metrics_phase(inward->config.metrics, WEFT_PHASE_WORKING);
    return 0;
}

static void end(struct weft_inward *inward)
{
    if (inward->subscriber)
        weft_subscriber_close(inward->subscriber, CLOSE_MS);
    inward->batch_count = 0;
    keep_figures(inward);
    weft_rpc_destroy(inward->rpc); /* first: calls that end now speak of the subscriber */
    weft_subscriber_destroy(inward->subscriber);
    weft_delivery_destroy(inward->delivery);
    weft_ledger_destroy(inward->ledger);
    inward->rpc = NULL;
    inward->delivery = NULL;
    inward->ledger = NULL;
    inward->subscriber = NULL;
}

static int by_identity(const void *a, const void *b)
{
    return strcmp(((const struct weft_received *)a)->identity, ((const struct weft_received *)b)->identity);
}

static void keep(void *node)
{
    (void)node;
}

/* Takes what has come, but for what has been written before: that is acknowledged at once. What has come twice is in
 * the batch once, and its repeats are acknowledged with it, as an acknowledgement is of the message and not of its
 * delivery: they hang on the first. */
static void gather(struct weft_inward *inward)
{
    void *seen = NULL;
    size_t bytes = 0;
    struct weft_received *received;
    while (inward->batch_count < WEFT_LEDGER_BATCH_MAX && bytes < BATCH_BYTES &&
           (received = weft_subscriber_next(inward->subscriber)) != NULL) {
        if (weft_ledger_holds(inward->ledger, received->identity)) {
            inward->past.repeats++;
            weft_subscriber_ack(inward->subscriber, received);
            continue;
        }
        struct weft_received **first = tsearch(received, &seen, by_identity);
        if (first && *first != received) {
            inward->past.repeats++;
            received->next = (*first)->next;
            (*first)->next = received;
            continue;
        }
        bytes += received->message->data.len;
        inward->batch[inward->batch_count++] = received;
    }
    tdestroy(seen, keep);
}

static void acknowledge(struct weft_inward *inward, struct weft_received *received)
{
    while (received) {
        struct weft_received *next = received->next;
        weft_subscriber_ack(inward->subscriber, received);
        received = next;
    }
}

static void note_arrival(struct weft_inward *inward, const Pubsub__Message *message)
{
    const Pubsub__Timestamp *time = message->publish_time;
    if (time)
        weft_bridge_metrics_arrived(inward->config.metrics, time->seconds * 1000 + time->nanos / 1000000);
}

/* After an aborted transaction, tends leases until the next. */
static void back_off(struct weft_inward *inward, const struct weft_error *why)
{
    int64_t wait_ms = inward->failures > 0 ? weft_retry_wait_ms(inward->failures, (uint32_t)weft_clock_ns()) : 0;
    weft_log(inward->config.log, WEFT_LOG_WARN, "bridge.aborted", "%s: %zu messages are tried again in %lld ms: %s",
             name_of(inward), inward->batch_count, (long long)wait_ms, why->message);
    for (int64_t until_ms = weft_clock_ms() + wait_ms; weft_clock_ms() < until_ms && !stopping(inward);) {
        weft_rpc_serve(inward->rpc, PULL_MS);
        on_waiting(inward);
    }
}

/* Writes the batch, and acknowledges it. What was not written stays the batch. */
static int deliver(struct weft_inward *inward, struct weft_error *err)
{
    const Pubsub__Message *messages[WEFT_LEDGER_BATCH_MAX];
    const char *identities[WEFT_LEDGER_BATCH_MAX];
    size_t count = inward->batch_count;
    for (size_t i = 0; i < count; i++) {
        messages[i] = inward->batch[i]->message;
        identities[i] = inward->batch[i]->identity;
    }
    weft_bridge_metrics_writes(inward->config.metrics, true);
    enum weft_verdict verdict = weft_delivery_run(inward->delivery, messages, identities, &count, inward->ledger, err);
    weft_bridge_metrics_writes(inward->config.metrics, false);
    switch (verdict) {
    case WEFT_VERDICT_DONE:
        for (size_t i = 0; i < count; i++) {
            note_arrival(inward, inward->batch[i]->message);
            acknowledge(inward, inward->batch[i]);
        }
        inward->batch_count -= count;
        memmove(inward->batch, inward->batch + count, inward->batch_count * sizeof *inward->batch);
        inward->failures = 0;
        return 0;
    case WEFT_VERDICT_ABORT:
    case WEFT_VERDICT_ADAPT:
        inward->failures = verdict == WEFT_VERDICT_ABORT ? inward->failures + 1 : 0;
        back_off(inward, err);
        return 0;
    case WEFT_VERDICT_FENCED: err->class = WEFT_ERROR_FENCED; return -1;
    default: return -1;
    }
}

static int step(struct weft_inward *inward, struct weft_error *err)
{
    weft_rpc_serve(inward->rpc, inward->batch_count > 0 ? 0 : PULL_MS);
    weft_delivery_serve(inward->delivery);
    if (weft_subscriber_pump(inward->subscriber, err) != 0)
        return -1;
    if (inward->batch_count == 0)
        gather(inward);
    return inward->batch_count > 0 ? deliver(inward, err) : 0;
}

/* One turn: as the owner, or as one who waits. */
static int turn(struct weft_inward *inward, struct weft_error *err)
{
    bool working = inward->subscriber != NULL;
    if (poll_group(inward, working ? 0 : STANDBY_MS, err) != 0)
        return -1;
    if (inward->owner && working)
        return step(inward, err);
    if (inward->delivery) /* of an ownership that is over, or that ended before it had begun */
        end(inward);
    return inward->owner ? begin(inward, err) : 0;
}

int weft_inward_run(struct weft_inward *inward, struct weft_error *err)
{
    int result = 0;
    if (weft_consumer_subscribe(inward->client, inward->config.ledger, err) != 0)
        return -1;
    weft_bridge_metrics_phase(inward->config.metrics, WEFT_PHASE_JOINING);
    while (result == 0 && !stopping(inward))
        result = turn(inward, err);
    end(inward);
    rd_kafka_consumer_close(inward->consumer);
    return result;
}

/* ---- Beginning and end */

struct weft_inward *weft_inward_new(const struct weft_inward_config *config, struct weft_error *err)
{
    struct weft_inward *inward = calloc(1, sizeof *inward);
    if (!inward) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    inward->config = *config;
    inward->subscription = config->bridge->from.name;
    inward->topic = config->bridge->to.name;
    const struct weft_client_options options = {.role = WEFT_KAFKA_SOURCE,
                                                .group_id = config->group,
                                                .rebalance = on_rebalance,
                                                .arg = inward,
                                                .statistics = weft_bridge_metrics_consumer(config->metrics)};
    int partitions;
    char topic[WEFT_RESOURCE_NAME_MAX];
    weft_bridge_metrics_awaits(config->metrics, "Pub/Sub has not answered yet");
    inward->rpc = weft_rpc_new(config->address, err);
    if (!inward->rpc ||
        weft_resource_topic_of(inward->rpc, inward->subscription, topic, sizeof topic, config->stop, err) != 0)
        goto fail;
    weft_bridge_metrics_awaits(config->metrics, "no broker has answered yet");
    inward->client = weft_client_new(config->settings, &options, config->log, err);
    if (!inward->client)
        goto fail;
    inward->consumer = weft_client_handle(inward->client);
    if (weft_kafka_partitions(inward->client, config->ledger, config->stop, &partitions, err) != 0 ||
        weft_kafka_place(inward->client, inward->topic, config->stop, inward->to, sizeof inward->to, err) != 0)
        goto fail;
    if (partitions != 1) {
        weft_error_set(err, WEFT_ERROR_CONFIG,
                       "the ledger %s has %d partitions, and must have 1: its owner is that of the bridge",
                       config->ledger, partitions);
        goto fail;
    }
    weft_bridge_metrics_awaits(config->metrics, "the schema registry has not answered yet");
    const struct weft_translation_config translation = {config->bridge, config->settings, config->stop, config->log};
    if (config->bridge->json && !(inward->translation = weft_translation_new(&translation, err)))
        goto fail;
    snprintf(inward->from, sizeof inward->from, "pubsub:%s", topic);
    return inward;
fail:
    weft_inward_destroy(inward);
    return NULL;
}

void weft_inward_destroy(struct weft_inward *inward)
{
    if (!inward)
        return;
    end(inward);
    weft_translation_destroy(inward->translation);
    weft_client_destroy(inward->client);
    free(inward);
}
