#include "pubsub-bridge/resource.h"

#include <stdio.h>
#include <string.h>

#include "pubsub-bridge/admin.h"
#include "pubsub-bridge/pubsub.pb-c.h"

/* Calls without an end but for stop, with an arena for the answer that the caller destroys. */
static int look_up(struct weft_rpc *rpc, const char *method, const ProtobufCMessage *request, const char *what,
                   const atomic_bool *stop, struct weft_arena **arena, struct weft_bytes *reply, struct weft_error *err)
{
    int code;
    *arena = weft_arena_new();
    if (!*arena)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    const struct weft_admin admin = {.rpc = rpc, .arena = *arena, .stop = stop};
    return weft_admin_call(&admin, method, request, what, reply, &code, err);
}

int weft_resource_topic_of(struct weft_rpc *rpc, const char *subscription, char *topic, size_t size,
                           const atomic_bool *stop, struct weft_error *err)
{
    struct weft_arena *arena;
    struct weft_bytes reply;
    Pubsub__GetSubscriptionRequest request = PUBSUB__GET_SUBSCRIPTION_REQUEST__INIT;
    request.subscription = (char *)(uintptr_t)subscription;
    int result = -1;
    if (look_up(rpc, "Subscriber/GetSubscription", &request.base, subscription, stop, &arena, &reply, err) != 0)
        goto out;
    ProtobufCAllocator allocator = weft_arena_allocator(arena);
    const Pubsub__Subscription *found = pubsub__subscription__unpack(&allocator, reply.size, reply.data);
    if (!found || strlen(found->topic) >= size)
        weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: the answer is no subscription", subscription);
    else if (strcmp(found->topic, WEFT_RESOURCE_DELETED_TOPIC) == 0)
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s: its topic has been deleted: nothing comes any more", subscription);
    else
        result = 0;
    if (result == 0)
        snprintf(topic, size, "%s", found->topic);
out:
    weft_arena_destroy(arena);
    return result;
}

int weft_resource_topic(struct weft_rpc *rpc, const char *topic, const atomic_bool *stop, struct weft_error *err)
{
    struct weft_arena *arena;
    struct weft_bytes reply;
    Pubsub__GetTopicRequest request = PUBSUB__GET_TOPIC_REQUEST__INIT;
    request.topic = (char *)(uintptr_t)topic;
    int result = look_up(rpc, "Publisher/GetTopic", &request.base, topic, stop, &arena, &reply, err);
    weft_arena_destroy(arena);
    return result;
}
