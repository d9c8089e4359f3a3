#include "pubsub-bridge/resource.h"

#include <grpc/status.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "pubsub-bridge/arena.h"
#include "pubsub-bridge/pubsub.pb-c.h"
#include "pubsub-bridge/retry.h"

enum { CALL_TIMEOUT_MS = 5000 /* bounds how fast a stop is seen */, SERVE_MS = 100 };

/* One lookup, which its owner waits for. */
struct lookup {
    struct weft_arena *arena;
    bool over;
    int code;
    char message[256];
    struct weft_bytes reply; /* in the arena */
};

static void on_answer(const struct weft_rpc_outcome *outcome, void *arg)
{
    struct lookup *lookup = arg;
    lookup->over = true;
    lookup->code = outcome->code;
    snprintf(lookup->message, sizeof lookup->message, "%s", outcome->message);
    if (!outcome->reply.data)
        return;
    lookup->reply = (struct weft_bytes){
        (uint8_t *)weft_arena_text(lookup->arena, outcome->reply.data, outcome->reply.size), outcome->reply.size};
}

/* Calls until there is an answer that waiting does not change. */
static int look_up(struct weft_rpc *rpc, const char *method, const ProtobufCMessage *request, const char *what,
                   const atomic_bool *stop, struct lookup *lookup, struct weft_error *err)
{
    for (int attempt = 1;; attempt++) {
        lookup->over = false;
        if (weft_rpc_call(rpc, method, request, CALL_TIMEOUT_MS, on_answer, lookup, err) != 0)
            return -1;
        while (!lookup->over)
            weft_rpc_serve(rpc, SERVE_MS);
        if (lookup->code == GRPC_STATUS_OK)
            return lookup->reply.data ? 0 : weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        bool away =
            lookup->code == GRPC_STATUS_DEADLINE_EXCEEDED || weft_retry_wanted(WEFT_CALL_ADMIN, lookup->code, attempt);
        if (!away || atomic_load(stop))
            return weft_retry_fail(lookup->code, lookup->message, what, err);
        int64_t until_ms = weft_clock_ms() + weft_retry_wait_ms(attempt, (uint32_t)weft_clock_ns());
        while (weft_clock_ms() < until_ms && !atomic_load(stop))
            weft_clock_sleep_ms(SERVE_MS);
    }
}

int weft_resource_topic_of(struct weft_rpc *rpc, const char *subscription, char *topic, size_t size,
                           const atomic_bool *stop, struct weft_error *err)
{
    struct lookup lookup = {.arena = weft_arena_new()};
    Pubsub__GetSubscriptionRequest request = PUBSUB__GET_SUBSCRIPTION_REQUEST__INIT;
    request.subscription = (char *)(uintptr_t)subscription;
    int result = -1;
    if (!lookup.arena) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto out;
    }
    if (look_up(rpc, "/google.pubsub.v1.Subscriber/GetSubscription", &request.base, subscription, stop, &lookup, err) !=
        0)
        goto out;
    ProtobufCAllocator allocator = weft_arena_allocator(lookup.arena);
    const Pubsub__Subscription *found = pubsub__subscription__unpack(&allocator, lookup.reply.size, lookup.reply.data);
    if (!found || strlen(found->topic) >= size)
        weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: the answer is no subscription", subscription);
    else if (strcmp(found->topic, "_deleted-topic_") == 0)
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s: its topic has been deleted: nothing comes any more", subscription);
    else
        result = 0;
    if (result == 0)
        snprintf(topic, size, "%s", found->topic);
out:
    weft_arena_destroy(lookup.arena);
    return result;
}

int weft_resource_topic(struct weft_rpc *rpc, const char *topic, const atomic_bool *stop, struct weft_error *err)
{
    struct lookup lookup = {.arena = weft_arena_new()};
    Pubsub__GetTopicRequest request = PUBSUB__GET_TOPIC_REQUEST__INIT;
    request.topic = (char *)(uintptr_t)topic;
    int result = lookup.arena
                     ? look_up(rpc, "/google.pubsub.v1.Publisher/GetTopic", &request.base, topic, stop, &lookup, err)
                     : weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    weft_arena_destroy(lookup.arena);
    return result;
}
