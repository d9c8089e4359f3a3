#include "pubsub-bridge/subscriber.h"

#include <grpc/status.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pubsub-bridge/arena.h"
#include "pubsub-bridge/leases.h"
#include "pubsub-bridge/retry.h"

enum {
    KEEPALIVE_MS = 30000, /* an idle stream is cut by what lies between */
    STEADY_MS = 5000,     /* a stream that has lived so long did not fail to open */
};

/* What one message of a stream has brought; freed with the last of it. */
struct response {
    struct weft_arena *arena;
    size_t open;
};

struct held {
    struct weft_received received;
    struct response *response;
    const char *ack_id;
    size_t size;
    int64_t since_ms, leased_ms;
    struct held *newer, **at; /* of those under lease, the oldest first */
    struct held *next;        /* of those that wait for the caller */
};

struct stream {
    struct weft_subscriber *subscriber;
    struct weft_rpc_stream *rpc; /* NULL while it is closed */
    bool paused;                 /* not asked for more, as there is no room */
    int failures;                /* in a row */
    int64_t open_ms;             /* when it is to be opened again, or was opened */
    int64_t sent_ms;
    bool sending, brought; /* brought: any message */
};

struct weft_subscriber {
    struct weft_subscriber_config config;
    struct stream *streams;
    struct held *oldest, **newest; /* under lease */
    struct held *first, **last;    /* of these, those that wait for the caller */
    size_t items, bytes;
    struct weft_leases *leases;
    int64_t leases_ms; /* when leases were last looked at */
    uint64_t received;
    unsigned random;
    bool closing;
    struct weft_error failure;
};

/* ---- What is held */

static void free_response(struct response *response)
{
    weft_arena_destroy(response->arena);
    free(response);
}

static void drop(struct weft_subscriber *subscriber, struct held *held)
{
    *held->at = held->newer;
    if (held->newer)
        held->newer->at = held->at;
    else
        subscriber->newest = held->at;
    subscriber->items--;
    subscriber->bytes -= held->size;
    struct response *response = held->response;
    if (--response->open == 0)
        free_response(response);
}

/* Its id, and the time of its publication: ids come again when a topic is made anew. NULL when memory is short. */
static const char *identity_of(const Pubsub__Message *message, struct weft_arena *arena)
{
    const Pubsub__Timestamp none = PUBSUB__TIMESTAMP__INIT,
                            *time = message->publish_time ? message->publish_time : &none;
    size_t size = strlen(message->message_id) + 40;
    char *identity = weft_arena_take(arena, size);
    if (identity)
        snprintf(identity, size, "%s@%" PRId64 ".%" PRId32, message->message_id, time->seconds, time->nanos);
    return identity;
}

static void hold(struct weft_subscriber *subscriber, struct response *response, const Pubsub__ReceivedMessage *from,
                 struct held *held)
{
    int64_t now = weft_clock_ms();
    const char *identity = identity_of(from->message, response->arena);
    if (!identity)
        return; /* it comes again when its lease ends */
    *held = (struct held){
        .received = {.message = from->message, .identity = identity},
        .response = response,
        .ack_id = from->ack_id,
        .size = pubsub__message__get_packed_size(from->message),
        .since_ms = now,
        .leased_ms = now,
        .at = subscriber->newest,
    };
    *subscriber->newest = held;
    subscriber->newest = &held->newer;
    *subscriber->last = held;
    subscriber->last = &held->next;
    subscriber->items++;
    subscriber->bytes += held->size;
    subscriber->received++;
    response->open++;
}

/* All that a message of the stream has brought, or nothing of it: then it comes again when its lease ends. At the end
 * it is given back. */
static void take(struct weft_subscriber *subscriber, struct weft_bytes bytes)
{
    struct response *response = calloc(1, sizeof *response);
    struct weft_arena *arena = response ? weft_arena_new() : NULL;
    if (!arena) {
        free(response);
        return;
    }
    response->arena = arena;
    ProtobufCAllocator allocator = weft_arena_allocator(arena);
    const Pubsub__StreamingPullResponse *list =
        pubsub__streaming_pull_response__unpack(&allocator, bytes.size, bytes.data);
    size_t count = list ? list->n_received_messages : 0;
    for (size_t i = 0; subscriber->closing && i < count; i++)
        weft_leases_release(subscriber->leases, list->received_messages[i]->ack_id, NULL);
    struct held *held = subscriber->closing ? NULL : weft_arena_take(arena, count * sizeof *held);
    response->open = 1; /* until all have been taken */
    for (size_t i = 0; held && i < count; i++)
        if (list->received_messages[i]->message)
            hold(subscriber, response, list->received_messages[i], &held[i]);
    if (--response->open == 0)
        free_response(response);
}

struct weft_received *weft_subscriber_next(struct weft_subscriber *subscriber)
{
    struct held *held = subscriber->first;
    if (!held)
        return NULL;
    subscriber->first = held->next;
    if (!subscriber->first)
        subscriber->last = &subscriber->first;
    return &held->received;
}

/* ---- Streams */

static bool has_room(const struct weft_subscriber *subscriber)
{
    /* What is not yet known to be acknowledged counts: a successor must recognise all of it (ledger.h). */
    return subscriber->items + weft_leases_open(subscriber->leases) < subscriber->config.items_max &&
           subscriber->bytes < subscriber->config.bytes_max;
}

static void on_received(struct weft_bytes message, void *arg)
{
    struct stream *stream = arg;
    stream->failures = 0;
    stream->brought = true;
    take(stream->subscriber, message);
    stream->paused = !stream->subscriber->closing && !has_room(stream->subscriber);
    if (!stream->paused)
        weft_rpc_stream_receive(stream->rpc);
}

static void on_sent(void *arg)
{
    struct stream *stream = arg;
    stream->sending = false;
    if (stream->subscriber->closing)
        weft_rpc_stream_close(stream->rpc);
}

static void on_ended(const struct weft_rpc_outcome *outcome, void *arg)
{
    struct stream *stream = arg;
    struct weft_subscriber *subscriber = stream->subscriber;
    stream->rpc = NULL;
    if (subscriber->closing)
        return;
    /* The service ends each stream now and then, also one that brought nothing. */
    if (weft_clock_ms() - stream->open_ms >= STEADY_MS)
        stream->failures = 0;
    stream->failures++;
    if (!weft_retry_wanted(WEFT_CALL_PULL, outcome->code, stream->failures)) {
        if (subscriber->failure.class == WEFT_ERROR_NONE)
            weft_retry_fail(outcome->code, outcome->message, subscriber->config.subscription, &subscriber->failure);
        return;
    }
    int64_t wait_ms = weft_retry_wait_ms(stream->failures, (uint32_t)rand_r(&subscriber->random));
    stream->open_ms = weft_clock_ms() + wait_ms;
    weft_log(subscriber->config.log, stream->failures > 1 ? WEFT_LOG_WARN : WEFT_LOG_DEBUG, "bridge.stream",
             "%s: %s (status %d): opened again in %lld ms", subscriber->config.subscription, outcome->message,
             outcome->code, (long long)wait_ms);
}

static int open_stream(struct stream *stream, struct weft_error *err)
{
    static const struct weft_rpc_stream_events events = {.received = on_received, .sent = on_sent, .ended = on_ended};
    const struct weft_subscriber_config *config = &stream->subscriber->config;
    Pubsub__StreamingPullRequest request = PUBSUB__STREAMING_PULL_REQUEST__INIT;
    request.subscription = (char *)(uintptr_t)config->subscription;
    request.stream_ack_deadline_seconds = config->ack_deadline_s;
    /* The service's own limit, beside ours, which it may ignore. */
    request.max_outstanding_messages = (int64_t)config->items_max / config->streams;
    request.max_outstanding_bytes = (int64_t)config->bytes_max / config->streams;
    stream->sending = true;
    stream->paused = stream->brought = false;
    stream->open_ms = stream->sent_ms = weft_clock_ms();
    stream->rpc = weft_rpc_stream_open(config->rpc, "/google.pubsub.v1.Subscriber/StreamingPull", &request.base,
                                       &events, stream, err);
    return stream->rpc ? 0 : -1;
}

static int tend_stream(struct stream *stream, int64_t now, struct weft_error *err)
{
    if (!stream->rpc)
        return now >= stream->open_ms ? open_stream(stream, err) : 0;
    if (stream->paused && has_room(stream->subscriber)) {
        stream->paused = false;
        weft_rpc_stream_receive(stream->rpc);
    }
    if (!stream->sending && now - stream->sent_ms >= KEEPALIVE_MS) {
        Pubsub__StreamingPullRequest nothing = PUBSUB__STREAMING_PULL_REQUEST__INIT;
        stream->sending = true;
        stream->sent_ms = now;
        weft_rpc_stream_send(stream->rpc, &nothing.base);
    }
    return 0;
}

/* ---- Leases and acknowledgements */

static int extend_leases(struct weft_subscriber *subscriber, int64_t now, struct weft_error *err)
{
    int64_t age_ms = (int64_t)subscriber->config.ack_deadline_s * 1000 / 2;
    if (now - subscriber->leases_ms < age_ms / 4)
        return 0;
    subscriber->leases_ms = now;
    for (struct held *held = subscriber->oldest; held; held = held->newer) {
        if (now - held->leased_ms < age_ms)
            continue;
        held->leased_ms = now;
        if (weft_leases_extend(subscriber->leases, held->ack_id, err) != 0)
            return -1;
    }
    return 0;
}

void weft_subscriber_ack(struct weft_subscriber *subscriber, struct weft_received *received)
{
    struct held *held = (struct held *)received;
    /* Out of memory: its lease ends, it comes again, and is known by then. */
    weft_leases_ack(subscriber->leases, held->ack_id, NULL);
    drop(subscriber, held);
}

void weft_subscriber_release(struct weft_subscriber *subscriber, struct weft_received *received)
{
    struct held *held = (struct held *)received;
    weft_leases_release(subscriber->leases, held->ack_id, NULL);
    drop(subscriber, held);
}

int weft_subscriber_pump(struct weft_subscriber *subscriber, struct weft_error *err)
{
    int64_t now = weft_clock_ms();
    if (subscriber->failure.class != WEFT_ERROR_NONE) {
        *err = subscriber->failure;
        return -1;
    }
    for (int i = 0; !subscriber->closing && i < subscriber->config.streams; i++)
        if (tend_stream(&subscriber->streams[i], now, err) != 0)
            return -1;
    if (extend_leases(subscriber, now, err) != 0)
        return -1;
    return weft_leases_pump(subscriber->leases, now, err);
}

/* ---- Beginning and end */

struct weft_subscriber *weft_subscriber_new(const struct weft_subscriber_config *config, struct weft_error *err)
{
    const struct weft_leases_config leases = {
        .rpc = config->rpc,
        .subscription = config->subscription,
        .ack_deadline_s = config->ack_deadline_s,
        .log = config->log,
    };
    struct weft_subscriber *subscriber = calloc(1, sizeof *subscriber);
    if (!subscriber) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    subscriber->config = *config;
    subscriber->newest = &subscriber->oldest;
    subscriber->last = &subscriber->first;
    subscriber->random = (unsigned)weft_clock_ms();
    subscriber->streams = calloc((size_t)config->streams, sizeof *subscriber->streams);
    subscriber->leases = subscriber->streams ? weft_leases_new(&leases, err) : NULL;
    if (!subscriber->leases) {
        weft_subscriber_destroy(subscriber);
        return NULL;
    }
    for (int i = 0; i < config->streams; i++)
        subscriber->streams[i].subscriber = subscriber;
    return subscriber;
}

void weft_subscriber_destroy(struct weft_subscriber *subscriber)
{
    if (!subscriber)
        return;
    while (subscriber->oldest)
        drop(subscriber, subscriber->oldest);
    weft_leases_destroy(subscriber->leases);
    free(subscriber->streams);
    free(subscriber);
}

static size_t count_open(const struct weft_subscriber *subscriber)
{
    size_t open = 0;
    for (int i = 0; i < subscriber->config.streams; i++)
        open += subscriber->streams[i].rpc != NULL;
    return open;
}

/* Ends our side of each stream and reads what is on its way; nothing is given back before its end, as it could be
 * delivered to the same stream again. */
static void drain_streams(struct weft_subscriber *subscriber, int64_t until_ms)
{
    for (int i = 0; i < subscriber->config.streams; i++) {
        struct stream *stream = &subscriber->streams[i];
        if (!stream->rpc)
            continue;
        if (!stream->sending)
            weft_rpc_stream_close(stream->rpc);
        else if (!stream->brought) /* it is not even connected */
            weft_rpc_stream_cancel(stream->rpc);
        if (stream->paused)
            weft_rpc_stream_receive(stream->rpc);
        stream->paused = false;
    }
    while (count_open(subscriber) > 0 && weft_clock_ms() < until_ms)
        weft_rpc_serve(subscriber->config.rpc, 20);
    for (int i = 0; i < subscriber->config.streams; i++)
        if (subscriber->streams[i].rpc)
            weft_rpc_stream_cancel(subscriber->streams[i].rpc);
}

void weft_subscriber_close(struct weft_subscriber *subscriber, int timeout_ms)
{
    int64_t now_ms = weft_clock_ms(), until_ms = now_ms + timeout_ms;
    subscriber->closing = true;
    drain_streams(subscriber, now_ms + timeout_ms / 4);
    subscriber->first = NULL;
    subscriber->last = &subscriber->first;
    while (subscriber->oldest)
        weft_subscriber_release(subscriber, &subscriber->oldest->received);
    struct weft_error ignored;
    while (weft_leases_open(subscriber->leases) > 0 && weft_clock_ms() < until_ms &&
           weft_leases_pump(subscriber->leases, weft_clock_ms(), &ignored) == 0)
        weft_rpc_serve(subscriber->config.rpc, 20);
}

void weft_subscriber_counts(const struct weft_subscriber *subscriber, struct weft_subscriber_counts *counts)
{
    *counts = (struct weft_subscriber_counts){
        .received = subscriber->received,
        .acknowledged = weft_leases_acknowledged(subscriber->leases),
        .items = subscriber->items + weft_leases_open(subscriber->leases),
        .bytes = subscriber->bytes,
        .oldest_ms = subscriber->oldest ? weft_clock_ms() - subscriber->oldest->since_ms : 0,
    };
}
