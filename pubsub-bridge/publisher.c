#include "pubsub-bridge/publisher.h"

#include <grpc/status.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pubsub-bridge/retry.h"

enum { CALL_TIMEOUT_MS = 60000 };

struct weft_publisher {
    struct weft_publisher_config config;
    struct weft_lanes *lanes;
    struct weft_arena *arena;
    unsigned random;           /* rand_r's state: for jitter */
    struct weft_error failure; /* for good */
    uint64_t published, refused, repeated;
};

/* A call under way. */
struct publish {
    struct weft_publisher *publisher;
    struct weft_lane_batch *batch;
};

struct weft_publisher *weft_publisher_new(const struct weft_publisher_config *config, struct weft_error *err)
{
    struct weft_publisher *publisher = calloc(1, sizeof *publisher);
    if (publisher) {
        publisher->config = *config;
        publisher->random = (unsigned)weft_clock_ms();
        publisher->lanes = weft_lanes_new(&config->limits);
        publisher->arena = weft_arena_new();
        if (publisher->lanes && publisher->arena)
            return publisher;
    }
    weft_publisher_destroy(publisher, NULL);
    weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    return NULL;
}

void weft_publisher_destroy(struct weft_publisher *publisher, void (*drop)(struct weft_lane_item *item))
{
    if (!publisher)
        return;
    weft_lanes_destroy(publisher->lanes, drop);
    weft_arena_destroy(publisher->arena);
    free(publisher);
}

int weft_publisher_add(struct weft_publisher *publisher, const char *ordering_key, struct weft_lane_item *item,
                       struct weft_error *err)
{
    if (weft_lanes_add(publisher->lanes, ordering_key, strlen(ordering_key), item))
        return 0;
    return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
}

/* The call did not do; its batch goes again later, or item by item, or all ends. */
static void on_failed(struct weft_publisher *publisher, struct weft_lane_batch *batch, int code, const char *message)
{
    if (weft_retry_wanted(WEFT_CALL_PUBLISH, code, batch->attempts)) {
        int64_t wait_ms = weft_retry_wait_ms(batch->attempts, (uint32_t)rand_r(&publisher->random));
        weft_log(publisher->config.log, WEFT_LOG_WARN, "bridge.publish",
                 "%s: %s (status %d): %zu messages are sent again in %lld ms", publisher->config.topic, message, code,
                 batch->count, (long long)wait_ms);
        publisher->repeated += batch->count;
        weft_lanes_put_back(publisher->lanes, batch, weft_clock_ms() + wait_ms);
        return;
    }
    struct weft_error why = {0};
    weft_retry_fail(code, message, publisher->config.topic, &why);
    if (why.class == WEFT_ERROR_CORRUPT && batch->count == 1) {
        struct weft_lane_item *item = batch->items[0];
        weft_lanes_done(publisher->lanes, batch);
        publisher->refused++;
        publisher->config.events.refused(item, &why, publisher->config.arg);
        return;
    }
    if (why.class == WEFT_ERROR_CORRUPT && weft_lanes_split(publisher->lanes, batch))
        return;
    if (publisher->failure.class == WEFT_ERROR_NONE)
        publisher->failure = why;
    /* Kept, as nothing is done with until Pub/Sub has it. */
    weft_lanes_put_back(publisher->lanes, batch, INT64_MAX);
}

/* Whether the answer names as many messages as were sent. */
static bool answers_all(const struct weft_rpc_outcome *outcome, size_t count, struct weft_arena *arena)
{
    ProtobufCAllocator allocator = weft_arena_allocator(arena);
    weft_arena_reset(arena);
    const Pubsub__PublishResponse *response =
        pubsub__publish_response__unpack(&allocator, outcome->reply.size, outcome->reply.data);
    return response && response->n_message_ids == count;
}

static void on_published(const struct weft_rpc_outcome *outcome, void *arg)
{
    struct publish *publish = arg;
    struct weft_publisher *publisher = publish->publisher;
    struct weft_lane_batch *batch = publish->batch;
    free(publish);
    if (outcome->code != GRPC_STATUS_OK) {
        on_failed(publisher, batch, outcome->code, outcome->message);
        return;
    }
    if (!answers_all(outcome, batch->count, publisher->arena)) {
        on_failed(publisher, batch, GRPC_STATUS_INTERNAL, "the answer does not name what was published");
        return;
    }
    publisher->published += batch->count;
    for (size_t i = 0; i < batch->count; i++)
        publisher->config.events.published(batch->items[i], publisher->config.arg);
    weft_lanes_done(publisher->lanes, batch);
}

/* Asks for the messages of the batch, from which those leave that are none. -1 when memory is short. */
static int collect(struct weft_publisher *publisher, struct weft_lane_batch *batch, Pubsub__Message **messages)
{
    for (size_t i = 0; i < batch->count;) {
        struct weft_error why = {0};
        struct weft_lane_item *item = batch->items[i];
        messages[i] = publisher->config.events.message(item, publisher->arena, publisher->config.arg, &why);
        if (messages[i]) {
            i++;
            continue;
        }
        if (why.class == WEFT_ERROR_INTERNAL)
            return -1;
        weft_lanes_drop(publisher->lanes, batch, i);
        if (why.class == WEFT_ERROR_NONE) {
            publisher->config.events.published(item, publisher->config.arg);
        } else {
            publisher->refused++;
            publisher->config.events.refused(item, &why, publisher->config.arg);
        }
    }
    return 0;
}

static int send_batch(struct weft_publisher *publisher, struct weft_lane_batch *batch, struct weft_error *err)
{
    weft_arena_reset(publisher->arena);
    struct publish *publish = malloc(sizeof *publish);
    Pubsub__Message **messages = weft_arena_take(publisher->arena, batch->count * sizeof *messages);
    if (!publish || !messages || collect(publisher, batch, messages) != 0) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto fail;
    }
    if (batch->count == 0) {
        free(publish);
        weft_lanes_done(publisher->lanes, batch);
        return 0;
    }
    *publish = (struct publish){publisher, batch};
    Pubsub__PublishRequest request = PUBSUB__PUBLISH_REQUEST__INIT;
    request.topic = (char *)(uintptr_t)publisher->config.topic;
    request.messages = messages;
    request.n_messages = batch->count;
    if (weft_rpc_call(publisher->config.rpc, "/google.pubsub.v1.Publisher/Publish", &request.base, CALL_TIMEOUT_MS,
                      on_published, publish, err) == 0)
        return 0;
fail:
    free(publish);
    weft_lanes_put_back(publisher->lanes, batch, INT64_MAX);
    return -1;
}

int weft_publisher_pump(struct weft_publisher *publisher, struct weft_error *err)
{
    struct weft_lane_batch *batch;
    while (publisher->failure.class == WEFT_ERROR_NONE &&
           (batch = weft_lanes_take(publisher->lanes, weft_clock_ms())) != NULL)
        if (send_batch(publisher, batch, &publisher->failure) != 0)
            break;
    if (publisher->failure.class == WEFT_ERROR_NONE)
        return 0;
    *err = publisher->failure;
    return -1;
}

int weft_publisher_wait_ms(const struct weft_publisher *publisher, int max_ms)
{
    int64_t wait_ms = weft_lanes_due_ms(publisher->lanes) - weft_clock_ms();
    return wait_ms < 0 ? 0 : wait_ms < max_ms ? (int)wait_ms : max_ms;
}

void weft_publisher_counts(const struct weft_publisher *publisher, struct weft_publisher_counts *counts)
{
    *counts = (struct weft_publisher_counts){
        .published = publisher->published,
        .refused = publisher->refused,
        .repeated = publisher->repeated,
        .items = weft_lanes_items(publisher->lanes),
        .bytes = weft_lanes_bytes(publisher->lanes),
    };
}
