#include "pubsub-bridge/outward.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pubsub-bridge/assignment.h"
#include "pubsub-bridge/commits.h"
#include "pubsub-bridge/envelope.h"
#include "pubsub-bridge/kafka_place.h"
#include "pubsub-bridge/kafka_record.h"
#include "pubsub-bridge/letterbox.h"
#include "pubsub-bridge/ordering.h"
#include "pubsub-bridge/outgoing.h"
#include "pubsub-bridge/path.h"
#include "pubsub-bridge/publisher.h"
#include "pubsub-bridge/retry.h"
#include "pubsub-bridge/translation.h"
#include "streams/client.h"
#include "streams/consumer.h"

enum {
    IDLE_MS = 100,    /* how long to wait for the first record: bounds how fast a stop is seen */
    BUSY_MS = 5,      /* how long to wait for Pub/Sub before Kafka is polled again */
    FULL_MS = 1000,   /* how long to wait for room before the partitions are paused */
    DRAIN_MS = 60000, /* for what is under way when partitions are given back */
    STOP_MS = 6000,   /* for the same at the end */
    PLACE_SIZE = 400,
    HELD_ATTEMPTS_MAX = 7, /* beyond which the registry is not waited for longer: some 6 s */
};

struct weft_outward {
    struct weft_outward_config config;
    const char *source, *topic;
    struct weft_client *client;
    rd_kafka_t *consumer;
    struct weft_letterbox *letters;
    struct weft_rpc *rpc;
    struct weft_publisher *publisher;
    struct weft_arena *arena;             /* for one record while it is read */
    struct weft_translation *translation; /* to JSON; NULL: bytes go as they are */
    struct weft_outgoing *held;           /* whose schema the registry has not told yet; nothing is read meanwhile */
    int held_attempts;
    int64_t held_until_ms;
    char here[PLACE_SIZE], there[PLACE_SIZE];
    struct weft_assignment *assignment;
    bool paused;     /* the partitions are */
    int64_t full_ms; /* since when nothing more may be read, or 0 */
    size_t items_max, bytes_max;
    struct weft_commits *commits;
    int64_t stop_ms; /* when the stop was seen, or 0 */
    struct weft_error failure;
    struct weft_bridge_figures counts; /* of what is not counted elsewhere */
};

/* Not of a former assignment. */
static bool is_ours(const struct weft_outward *outward, const struct weft_outgoing *item)
{
    return item->assignment == weft_assignment_number(outward->assignment);
}

static void fail(struct weft_outward *outward, const struct weft_error *why)
{
    if (outward->failure.class == WEFT_ERROR_NONE)
        outward->failure = *why;
}

/* The record needs no more: its offset may be committed. */
static void finish(struct weft_outward *outward, struct weft_outgoing *item)
{
    weft_assignment_done(outward->assignment, item->assignment, item->message->partition, item->message->offset);
    weft_outgoing_destroy(item);
}

/* ---- Dead letters */

static void on_letter_written(void *letter, const struct weft_error *why, void *arg)
{
    struct weft_outward *outward = arg;
    if (!why) {
        outward->counts.dead_letters++;
        finish(outward, letter);
        return;
    }
    fail(outward, why);
    weft_outgoing_destroy(letter); /* not done with: it is read again */
}

/* A record that Pub/Sub cannot hold goes to the dead letters, or ends the bridge. */
static void on_refused(struct weft_lane_item *lane, const struct weft_error *why, void *arg)
{
    struct weft_outward *outward = arg;
    struct weft_outgoing *item = (struct weft_outgoing *)lane;
    rd_kafka_message_t *message = item->message;
    if (outward->config.bridge->stop) {
        struct weft_error err = *why;
        weft_error_prefix(&err, "%s partition %d offset %" PRId64, outward->source, (int)message->partition,
                          message->offset);
        fail(outward, &err);
        weft_outgoing_destroy(item);
        return;
    }
    struct weft_error err = {0};
    if (weft_letterbox_put(outward->letters, message, why, item, &err) == 0)
        return;
    fail(outward, &err);
    weft_outgoing_destroy(item);
}

/* ---- Publishing */

static void on_published(struct weft_lane_item *lane, void *arg)
{
    struct weft_outward *outward = arg;
    struct weft_outgoing *item = (struct weft_outgoing *)lane;
    if (is_ours(outward, item))
        weft_bridge_metrics_arrived(outward->config.metrics, rd_kafka_message_timestamp(item->message, NULL));
    finish(outward, item);
}

static Pubsub__Message *on_message(struct weft_lane_item *lane, struct weft_arena *arena, void *arg,
                                   struct weft_error *err)
{
    struct weft_outward *outward = arg;
    struct weft_outgoing *item = (struct weft_outgoing *)lane;
    if (!is_ours(outward, item))
        return NULL; /* another instance's by now */
    return weft_outgoing_seal(item, outward->here, outward->config.bridge->order, arena, err);
}

/* ---- Reading */

static void pause_reading(struct weft_outward *outward, bool paused)
{
    struct weft_error err = {0};
    if (paused != outward->paused && weft_consumer_pause(outward->client, paused, &err) == 0)
        outward->paused = paused;
}

static void hold(struct weft_outward *outward, struct weft_outgoing *item, const struct weft_error *why)
{
    if (outward->held_attempts < HELD_ATTEMPTS_MAX)
        outward->held_attempts++;
    weft_log(outward->config.log, WEFT_LOG_WARN, "bridge.registry",
             "%s: %s partition %d waits at offset %" PRId64 ": %s", outward->config.bridge->name, outward->source,
             (int)item->message->partition, item->message->offset, why->message);
    weft_bridge_metrics_phase(outward->config.metrics, WEFT_PHASE_REGISTRY);
    outward->held = item;
    outward->held_until_ms = weft_clock_ms() + weft_retry_wait_ms(outward->held_attempts, (uint32_t)weft_clock_ns());
}

/* Hands the item to the publisher, translated if need be, or holds it. */
static int hand_on(struct weft_outward *outward, struct weft_outgoing *item, const struct weft_record *record,
                   struct weft_error *err)
{
    struct weft_error why = {0};
    if (outward->translation && weft_outgoing_translate(item, outward->translation, record, &why) != 0) {
        if (why.class == WEFT_ERROR_UNAVAILABLE) {
            hold(outward, item, &why);
            return 0;
        }
        if (why.class == WEFT_ERROR_CORRUPT) {
            on_refused(&item->lane, &why, outward);
            return 0;
        }
        *err = why;
        weft_outgoing_destroy(item);
        return -1;
    }
    const char *key = weft_ordering_key(outward->config.bridge->order, record, outward->arena);
    if (key && weft_publisher_add(outward->publisher, key, &item->lane, err) == 0)
        return 0;
    weft_outgoing_destroy(item);
    return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
}

/* Tries the held item again when it is time. */
static int retry_held(struct weft_outward *outward, struct weft_error *err)
{
    struct weft_record record;
    struct weft_outgoing *item = outward->held;
    if (weft_clock_ms() < outward->held_until_ms)
        return 0;
    weft_arena_reset(outward->arena);
    if (!weft_kafka_record(item->message, outward->arena, &record))
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    outward->held = NULL;
    if (hand_on(outward, item, &record, err) != 0)
        return -1;
    if (outward->held)
        return 0;
    outward->held_attempts = 0;
    weft_bridge_metrics_phase(outward->config.metrics, WEFT_PHASE_WORKING);
    return 0;
}

/* It is read again by whom the partition goes to. */
static void drop_held(struct weft_outward *outward)
{
    if (!outward->held)
        return;
    weft_outgoing_destroy(outward->held);
    outward->held = NULL;
    outward->held_attempts = 0;
}

/* Takes the message on. */
static int take(struct weft_outward *outward, rd_kafka_message_t *message, struct weft_error *err)
{
    struct weft_record record;
    struct weft_outgoing *item = NULL;
    weft_arena_reset(outward->arena);
    if (weft_kafka_record(message, outward->arena, &record) &&
        weft_assignment_read(outward->assignment, message->partition, message->offset,
                             outward->config.metrics ? weft_clock_ms() : 0))
        item = weft_outgoing_new(message, &record, weft_assignment_number(outward->assignment));
    if (!item) {
        rd_kafka_message_destroy(message);
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    }
    outward->counts.received++;
    struct weft_bytes path = weft_record_header_value(&record, WEFT_PATH_NAME);
    if (weft_path_holds((const char *)path.data, path.size, outward->there)) {
        outward->counts.loops++;
        finish(outward, item); /* it has been there: the circle ends here */
        return 0;
    }
    return hand_on(outward, item, &record, err);
}

/* Polls once. Gives 1 for a record, 0 for none, -1 for a failure. */
static int poll_once(struct weft_outward *outward, int timeout_ms, struct weft_error *err)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(outward->consumer, timeout_ms);
    if (!message)
        return 0;
    if (!message->err)
        return take(outward, message, err) == 0 ? 1 : -1;
    rd_kafka_resp_err_t code = message->err;
    int result = 0;
    if (code == RD_KAFKA_RESP_ERR__FATAL || code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        weft_kafka_error_class(code) == WEFT_ERROR_REFUSED)
        result = weft_client_fail(outward->client, code, outward->source, err);
    else if (code != RD_KAFKA_RESP_ERR__PARTITION_EOF) /* the library mends the rest by itself */
        weft_log(outward->config.log, WEFT_LOG_WARN, "bridge.consumer", "%s: %s", outward->config.bridge->name,
                 rd_kafka_message_errstr(message));
    rd_kafka_message_destroy(message);
    return result;
}

/* ---- Running */

/* What has been read and is on its way to Pub/Sub or the dead letters. */
struct load {
    size_t items, bytes;
};

static struct load load_of(const struct weft_outward *outward)
{
    struct weft_publisher_counts messages;
    struct weft_letterbox_counts letters;
    weft_publisher_counts(outward->publisher, &messages);
    weft_letterbox_counts(outward->letters, &letters);
    return (struct load){messages.items + letters.letters, messages.bytes + letters.bytes};
}

static bool has_room(const struct weft_outward *outward)
{
    struct load load = load_of(outward);
    return load.items < outward->items_max && load.bytes < outward->bytes_max;
}

static void tell(struct weft_outward *outward)
{
    struct weft_bridge_metrics *metrics = outward->config.metrics;
    if (!weft_bridge_metrics_due(metrics))
        return;
    struct weft_publisher_counts counts;
    struct load load = load_of(outward);
    int64_t oldest_ms = weft_assignment_oldest_ms(outward->assignment);
    weft_publisher_counts(outward->publisher, &counts);
    struct weft_bridge_figures figures = outward->counts;
    figures.sent = counts.published;
    figures.acknowledged = weft_commits_count(outward->commits);
    figures.failed_calls = weft_rpc_failures(outward->rpc);
    figures.messages = load.items + (outward->held != NULL);
    figures.bytes = load.bytes;
    figures.oldest_ms = oldest_ms < INT64_MAX ? weft_clock_ms() - oldest_ms : 0;
    figures.pubsub_away_ms = weft_rpc_away_ms(outward->rpc);
    weft_bridge_metrics_tell(metrics, &figures);
    weft_lag_look(weft_bridge_metrics_lag(metrics), outward->consumer, outward->held || !has_room(outward));
}

/* Serves Pub/Sub and the dead letters; nothing is read. */
static int serve(struct weft_outward *outward, int timeout_ms, struct weft_error *err)
{
    tell(outward);
    if (weft_publisher_pump(outward->publisher, err) != 0)
        return -1;
    weft_rpc_serve(outward->rpc, weft_publisher_wait_ms(outward->publisher, timeout_ms));
    weft_letterbox_serve(outward->letters);
    weft_commits_serve(outward->commits, 0);
    if (outward->failure.class == WEFT_ERROR_NONE)
        return weft_publisher_pump(outward->publisher, err);
    *err = outward->failure;
    return -1;
}

/* Whether the time that a stop leaves is over. */
static bool is_late(struct weft_outward *outward)
{
    if (!outward->stop_ms && atomic_load(outward->config.stop))
        outward->stop_ms = weft_clock_ms();
    return outward->stop_ms && weft_clock_ms() - outward->stop_ms >= STOP_MS;
}

static void await_commit(struct weft_outward *outward, int64_t until_ms)
{
    while (weft_commits_serve(outward->commits, 0) && weft_clock_ms() < until_ms && !is_late(outward))
        weft_commits_serve(outward->commits, IDLE_MS);
}

/* Publishes what has been read, and commits it. */
static int drain(struct weft_outward *outward, struct weft_error *err)
{
    int64_t until_ms = weft_clock_ms() + DRAIN_MS;
    int result = 0;
    while (result == 0 && load_of(outward).items > 0 && weft_clock_ms() < until_ms && !is_late(outward))
        result = serve(outward, IDLE_MS, err);
    await_commit(outward, until_ms); /* which was of less, or fails */
    weft_commits_begin(outward->commits);
    await_commit(outward, until_ms);
    return result;
}

static void on_rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
                         void *arg)
{
    struct weft_outward *outward = arg;
    struct weft_error err = {0};
    const char *name = outward->config.bridge->name;
    struct weft_lag *lag = weft_bridge_metrics_lag(outward->config.metrics);
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        weft_log(outward->config.log, WEFT_LOG_INFO, "bridge.assigned", "%s got %d partitions", name, list->cnt);
        if (!weft_assignment_begin(outward->assignment, list)) {
            weft_error_set(&err, WEFT_ERROR_INTERNAL, "out of memory");
            fail(outward, &err);
        }
        if (lag)
            weft_lag_assigned(lag, list);
        weft_bridge_metrics_phase(outward->config.metrics, WEFT_PHASE_WORKING);
        weft_consumer_assign(outward->client, list, outward->config.stop);
        return;
    }
    /* What is under way ends here, or another instance's records could overtake it. Not so when the partitions are
     * another's already: then the less is sent the better. */
    bool lost = rd_kafka_assignment_lost(consumer);
    weft_log(outward->config.log, WEFT_LOG_INFO, "bridge.revoked", "%s gave %d partitions back%s", name, list->cnt,
             lost ? " (lost)" : "");
    if (!lost && drain(outward, &err) != 0)
        fail(outward, &err);
    pause_reading(outward, false);
    drop_held(outward);
    weft_assignment_end(outward->assignment);
    if (lag)
        weft_lag_revoked(lag);
    weft_bridge_metrics_phase(outward->config.metrics, WEFT_PHASE_JOINING);
    rd_kafka_assign(consumer, NULL);
}

/* Whether more may be read. Where it may not for long, the group is served by polling paused partitions; not at once,
 * as a pause throws away what the library has fetched. */
static bool may_read(struct weft_outward *outward)
{
    int64_t now_ms = weft_clock_ms();
    if (!outward->held && has_room(outward)) {
        outward->full_ms = 0;
        pause_reading(outward, false);
        return true;
    }
    if (!outward->full_ms)
        outward->full_ms = now_ms;
    pause_reading(outward, outward->held || now_ms - outward->full_ms >= FULL_MS);
    return false;
}

static int step(struct weft_outward *outward, struct weft_error *err)
{
    bool idle = load_of(outward).items == 0;
    if (outward->held && retry_held(outward, err) != 0)
        return -1;
    int got = may_read(outward) || outward->paused ? poll_once(outward, idle ? IDLE_MS : 0, err) : 0;
    while (got > 0 && !outward->held && has_room(outward))
        got = poll_once(outward, 0, err);
    if (got < 0 || serve(outward, idle ? 0 : BUSY_MS, err) != 0)
        return -1;
    if (weft_commits_due(outward->commits))
        weft_commits_begin(outward->commits);
    return 0;
}

int weft_outward_run(struct weft_outward *outward, struct weft_error *err)
{
    int result = 0;
    if (weft_consumer_subscribe(outward->client, outward->source, err) != 0)
        return -1;
    weft_bridge_metrics_phase(outward->config.metrics, WEFT_PHASE_JOINING);
    while (result == 0 && !atomic_load(outward->config.stop))
        result = step(outward, err);
    if (result == 0)
        result = drain(outward, err);
    /* The close would wait for what nobody answers: then the group hears of it by the session's time-out. */
    if (!weft_commits_serve(outward->commits, 0) && !is_late(outward))
        rd_kafka_consumer_close(outward->consumer);
    return result;
}

/* ---- Beginning and end */

static int make_clients(struct weft_outward *outward, struct weft_error *err)
{
    const struct weft_outward_config *config = &outward->config;
    const struct weft_client_options source = {.role = WEFT_KAFKA_SOURCE,
                                               .group_id = config->group,
                                               .rebalance = on_rebalance,
                                               .arg = outward,
                                               .statistics = weft_bridge_metrics_consumer(config->metrics)};
    const struct weft_letterbox_config letters = {.settings = config->settings,
                                                  .topic = config->dead_letters,
                                                  .bridge = config->bridge->name,
                                                  .statistics = weft_bridge_metrics_producer(config->metrics),
                                                  .written = on_letter_written,
                                                  .arg = outward,
                                                  .log = config->log};
    weft_bridge_metrics_awaits(config->metrics, "no broker has answered yet");
    outward->client = weft_client_new(config->settings, &source, config->log, err);
    outward->letters = outward->client ? weft_letterbox_new(&letters, err) : NULL;
    if (!outward->letters)
        return -1;
    outward->consumer = weft_client_handle(outward->client);
    outward->commits = weft_commits_new(&(struct weft_commits_config){.consumer = outward->consumer,
                                                                      .assignment = outward->assignment,
                                                                      .lag = weft_bridge_metrics_lag(config->metrics),
                                                                      .bridge = config->bridge->name,
                                                                      .log = config->log},
                                        err);
    if (!outward->commits)
        return -1;
    snprintf(outward->there, sizeof outward->there, "pubsub:%s", outward->topic);
    return weft_kafka_place(outward->client, outward->source, config->stop, outward->here, sizeof outward->here, err);
}

struct weft_outward *weft_outward_new(const struct weft_outward_config *config, struct weft_error *err)
{
    struct weft_outward *outward = calloc(1, sizeof *outward);
    if (!outward) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    outward->config = *config;
    outward->source = config->bridge->from.name;
    outward->topic = config->bridge->to.name;
    outward->items_max = (size_t)weft_settings_integer(config->settings, "outstanding.messages");
    outward->bytes_max = (size_t)weft_settings_integer(config->settings, "outstanding.bytes");
    outward->arena = weft_arena_new();
    outward->assignment = weft_assignment_new(outward->source);
    outward->rpc = weft_rpc_new(config->address, err);
    if (!outward->arena || !outward->assignment || !outward->rpc || make_clients(outward, err) != 0)
        goto fail;
    weft_bridge_metrics_awaits(config->metrics, "the schema registry has not answered yet");
    const struct weft_translation_config translation = {config->bridge, config->settings, config->stop, config->log};
    if (config->bridge->json && !(outward->translation = weft_translation_new(&translation, err)))
        goto fail;
    size_t calls = (size_t)weft_settings_integer(config->settings, "publish.calls");
    const struct weft_publisher_config publisher = {
        .rpc = outward->rpc,
        .topic = outward->topic,
        .limits = {.batch_items = (size_t)weft_settings_integer(config->settings, "publish.batch.messages"),
                   .batch_bytes = (size_t)weft_settings_integer(config->settings, "publish.batch.bytes"),
                   .lane_batches = config->bridge->order == WEFT_ORDER_NONE ? calls : 1,
                   .batches = calls},
        .events = {.message = on_message, .published = on_published, .refused = on_refused},
        .arg = outward,
        .log = config->log,
    };
    outward->publisher = weft_publisher_new(&publisher, err);
    if (outward->publisher)
        return outward;
fail:
    weft_outward_destroy(outward);
    return NULL;
}

static void drop(struct weft_lane_item *lane)
{
    weft_outgoing_destroy((struct weft_outgoing *)lane);
}

void weft_outward_destroy(struct weft_outward *outward)
{
    if (!outward)
        return;
    drop_held(outward);
    if (outward->assignment)
        weft_assignment_end(outward->assignment); /* so that calls that end now concern nobody */
    weft_rpc_destroy(outward->rpc);
    weft_publisher_destroy(outward->publisher, drop);
    weft_letterbox_destroy(outward->letters);
    weft_commits_destroy(outward->commits);
    weft_client_destroy(outward->client); /* when nobody has its messages any more */
    weft_translation_destroy(outward->translation);
    weft_assignment_destroy(outward->assignment);
    weft_arena_destroy(outward->arena);
    free(outward);
}
