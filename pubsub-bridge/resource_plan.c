#include "pubsub-bridge/resource_plan.h"

#include <grpc/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pubsub-bridge/pubsub.pb-c.h"
#include "pubsub-bridge/resource.h"
#include "topology/steps.h"
#include "topology/value.h"

enum { LETTERS_SIZE = WEFT_RESOURCE_NAME_MAX + 32, DETAIL_SIZE = 2048 };

/* What Pub/Sub has where nothing is set. */
enum { USUAL_ACK_DEADLINE = 10, USUAL_RETENTION = 7 * 86400 };

static const char retention[] = "retention", ack_deadline[] = "ack_deadline", ordering[] = "ordering";
static const char exactly_once[] = "exactly_once", dead_letters[] = "dead_letters";

struct looking {
    struct weft_topology_plan *plan;
    const struct weft_admin *admin;
};

/* ---- Looking */

/* *found is NULL when there is none; it lasts as long as the arena is not reset. */
static int find(const struct weft_admin *admin, const char *method, const ProtobufCMessage *request, const char *name,
                const ProtobufCMessageDescriptor *type, ProtobufCMessage **found, struct weft_error *err)
{
    struct weft_error why = {0};
    struct weft_bytes reply;
    int code = GRPC_STATUS_OK;
    *found = NULL;
    if (weft_admin_call(admin, method, request, name, &reply, &code, &why) != 0) {
        if (code == GRPC_STATUS_NOT_FOUND)
            return 0;
        *err = why;
        return -1;
    }
    ProtobufCAllocator allocator = weft_arena_allocator(admin->arena);
    *found = protobuf_c_message_unpack(type, &allocator, reply.size, reply.data);
    return *found ? 0 : weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: the answer is none of Pub/Sub", name);
}

static int find_topic(const struct weft_admin *admin, const char *name, const Pubsub__Topic **found,
                      struct weft_error *err)
{
    Pubsub__GetTopicRequest request = PUBSUB__GET_TOPIC_REQUEST__INIT;
    ProtobufCMessage *message;
    request.topic = (char *)(uintptr_t)name;
    int result = find(admin, "Publisher/GetTopic", &request.base, name, &pubsub__topic__descriptor, &message, err);
    *found = (const Pubsub__Topic *)(const void *)message;
    return result;
}

static int find_subscription(const struct weft_admin *admin, const char *name, const Pubsub__Subscription **found,
                             struct weft_error *err)
{
    Pubsub__GetSubscriptionRequest request = PUBSUB__GET_SUBSCRIPTION_REQUEST__INIT;
    ProtobufCMessage *message;
    request.subscription = (char *)(uintptr_t)name;
    int result = find(admin, "Subscriber/GetSubscription", &request.base, name, &pubsub__subscription__descriptor,
                      &message, err);
    *found = (const Pubsub__Subscription *)(const void *)message;
    return result;
}

/* ---- Comparing */

/* A setting as text, as it is shown: NULL where there is none. */
struct difference {
    const char *setting;
    const char *live, *usual, *declared;
    const char *obstacle; /* why it cannot be changed, or NULL */
    bool loses;           /* messages */
};

static int plan_setting(struct weft_topology_plan *plan, struct weft_topology_step step,
                        const struct difference *difference, struct weft_error *err)
{
    const char *now = difference->live ? difference->live : difference->usual;
    step.kind = step.kind == WEFT_STEP_PUBSUB_TOPIC ? WEFT_STEP_PUBSUB_TOPIC_SETTING : WEFT_STEP_SUBSCRIPTION_SETTING;
    step.setting = difference->setting;
    step.from = (char *)(uintptr_t)now; /* a step copies its texts */
    step.to = (char *)(uintptr_t)difference->declared;
    step.verdict = WEFT_STEP_DRIFT;
    if (!difference->declared) {
        bool usual = !now || (difference->usual && strcmp(now, difference->usual) == 0);
        return usual ? 0 : weft_plan_add(plan, step, err, "set there and not declared");
    }
    if (now && strcmp(now, difference->declared) == 0)
        return 0;
    step.verdict = difference->obstacle ? WEFT_STEP_REFUSED : WEFT_STEP_CHANGE;
    if (difference->obstacle || !difference->loses)
        return weft_plan_add(plan, step, err, "%s", difference->obstacle ? difference->obstacle : "");
    if (weft_plan_allows(plan, WEFT_ALLOW_RETENTION, step.name))
        return weft_plan_add(plan, step, err, "messages that are kept now are deleted, as allowed");
    step.verdict = WEFT_STEP_REFUSED;
    return weft_plan_add(plan, step, err, "messages that are kept now would be deleted; --allow %s:%s does it",
                         WEFT_ALLOW_RETENTION, step.name);
}

/* NULL for 0. */
static const char *show_duration(int64_t seconds, char text[WEFT_DURATION_SIZE])
{
    weft_value_show_duration(seconds, text);
    return seconds ? text : NULL;
}

static const char *show_letters(const char *topic, int attempts, char text[LETTERS_SIZE])
{
    snprintf(text, LETTERS_SIZE, "%s after %d attempts", topic, attempts);
    return text;
}

static const char *show_choice(enum weft_topology_choice choice)
{
    static const char *const words[] = {NULL, "false", "true"};
    return words[choice];
}

/* "retention 7d, ordering true". first is before it, or "". */
static void describe(char *text, size_t size, const char *first, const struct difference *settings, size_t count)
{
    FILE *out = fmemopen(text, size, "w");
    const char *separator = first[0] ? ", " : "";
    if (!out)
        return;
    fputs(first, out);
    for (size_t i = 0; i < count; i++)
        if (settings[i].declared) {
            fprintf(out, "%s%s %s", separator, settings[i].setting, settings[i].declared);
            separator = ", ";
        }
    fclose(out);
}

/* ---- Topics */

static int plan_topic(const struct looking *looking, size_t index, struct weft_error *err)
{
    const struct weft_topology_pubsub_topic *topic = &looking->plan->topology->pubsub_topics[index];
    struct weft_topology_step step = {.kind = WEFT_STEP_PUBSUB_TOPIC, .name = topic->name, .declared = index};
    char live[WEFT_DURATION_SIZE], declared[WEFT_DURATION_SIZE], text[DETAIL_SIZE] = "";
    const Pubsub__Topic *found;
    if (find_topic(looking->admin, topic->name, &found, err) != 0)
        return -1;
    const Pubsub__Duration *kept = found ? found->message_retention_duration : NULL;
    const struct difference setting = {
        .setting = retention,
        .live = show_duration(kept ? kept->seconds : 0, live),
        .declared = show_duration(topic->retention_s, declared),
        .loses = kept && topic->retention_s < kept->seconds,
    };
    size_t before = looking->plan->count;
    if (found && plan_setting(looking->plan, step, &setting, err) != 0)
        return -1;
    if (looking->plan->count > before)
        return 0;
    describe(text, sizeof text, "", &setting, 1);
    step.verdict = found ? WEFT_STEP_UNCHANGED : WEFT_STEP_CREATE;
    return weft_plan_add(looking->plan, step, err, "%s", text);
}

/* ---- Subscriptions */

enum { SETTINGS = 5 };

/* The texts that the settings of a subscription point at. */
struct texts {
    char live_deadline[WEFT_DURATION_SIZE], usual_deadline[WEFT_DURATION_SIZE], deadline[WEFT_DURATION_SIZE];
    char live_retention[WEFT_DURATION_SIZE], usual_retention[WEFT_DURATION_SIZE], retention[WEFT_DURATION_SIZE];
    char live_letters[LETTERS_SIZE], letters[LETTERS_SIZE];
};

/* live may be NULL. */
static void compare(const struct weft_topology_subscription *declared, const Pubsub__Subscription *live,
                    struct texts *texts, struct difference settings[SETTINGS])
{
    static const Pubsub__Subscription none = PUBSUB__SUBSCRIPTION__INIT;
    const Pubsub__Subscription *now = live ? live : &none;
    const Pubsub__DeadLetterPolicy *letters = now->dead_letter_policy;
    int64_t kept = now->message_retention_duration ? now->message_retention_duration->seconds : USUAL_RETENTION;
    settings[0] = (struct difference){
        .setting = ack_deadline,
        .live = show_duration(now->ack_deadline_seconds, texts->live_deadline),
        .usual = show_duration(USUAL_ACK_DEADLINE, texts->usual_deadline),
        .declared = show_duration(declared->ack_deadline_s, texts->deadline),
    };
    settings[1] = (struct difference){
        .setting = retention,
        .live = show_duration(kept, texts->live_retention),
        .usual = show_duration(USUAL_RETENTION, texts->usual_retention),
        .declared = show_duration(declared->retention_s, texts->retention),
        .loses = declared->retention_s < kept,
    };
    settings[2] = (struct difference){
        .setting = ordering,
        .live = show_choice(now->enable_message_ordering ? WEFT_YES : WEFT_NO),
        .usual = show_choice(WEFT_NO),
        .declared = show_choice(declared->ordering),
        .obstacle =
            "it is decided once, when a subscription is made: declare another subscription, or delete this one, "
            "and with it what it still holds",
    };
    settings[3] = (struct difference){
        .setting = exactly_once,
        .live = show_choice(now->enable_exactly_once_delivery ? WEFT_YES : WEFT_NO),
        .usual = show_choice(WEFT_NO),
        .declared = show_choice(declared->exactly_once),
    };
    settings[4] = (struct difference){
        .setting = dead_letters,
        .live = letters ? show_letters(letters->dead_letter_topic,
                                       letters->max_delivery_attempts ? letters->max_delivery_attempts : 5,
                                       texts->live_letters)
                        : NULL,
        .declared = declared->dead_letters
                        ? show_letters(declared->dead_letters, declared->max_attempts, texts->letters)
                        : NULL,
    };
}

/* A topic that the file does not declare has to be there already: *missing. */
static int check_topic(const struct looking *looking, const char *name, bool *missing, struct weft_error *err)
{
    const Pubsub__Topic *found;
    *missing = false;
    if (!name || weft_topology_pubsub_topic(looking->plan->topology, name))
        return 0;
    struct weft_error why = {0};
    int result = find_topic(looking->admin, name, &found, &why);
    /* That of another project need not be visible; the service itself will see it. */
    if (result != 0 && why.class == WEFT_ERROR_REFUSED)
        return 0;
    if (result != 0)
        *err = why;
    *missing = result == 0 && !found;
    return result;
}

static int plan_topic_of(const struct looking *looking, struct weft_topology_step step,
                         const struct weft_topology_subscription *declared, const Pubsub__Subscription *live,
                         struct weft_error *err)
{
    step.kind = WEFT_STEP_SUBSCRIPTION_SETTING;
    step.verdict = WEFT_STEP_REFUSED;
    step.setting = "topic";
    step.from = live->topic;
    step.to = declared->topic;
    if (live->detached)
        return weft_plan_add(looking->plan, step, err,
                             "it has been detached from its topic and gets nothing: delete it, and `weft topology "
                             "apply` makes it anew");
    if (strcmp(live->topic, WEFT_RESOURCE_DELETED_TOPIC) == 0)
        return weft_plan_add(looking->plan, step, err,
                             "its topic has been deleted: delete the subscription too, and `weft topology apply` makes "
                             "it anew");
    if (strcmp(live->topic, declared->topic) == 0)
        return 0;
    return weft_plan_add(looking->plan, step, err,
                         "a subscription keeps its topic: declare another subscription, or delete this one, and with "
                         "it what it still holds");
}

/* What is set there and no file of weft's can declare. */
static int plan_drift(const struct looking *looking, struct weft_topology_step step, const Pubsub__Subscription *live,
                      struct weft_error *err)
{
    char expires[WEFT_DURATION_SIZE];
    const Pubsub__Duration *ttl = live->expiration_policy ? live->expiration_policy->ttl : NULL;
    step.kind = WEFT_STEP_SUBSCRIPTION_SETTING;
    step.verdict = WEFT_STEP_DRIFT;
    step.setting = "filter";
    step.from = live->filter;
    if (live->filter[0] && weft_plan_add(looking->plan, step, err, "set there: what it leaves out never comes") != 0)
        return -1;
    step.setting = "expiration";
    step.from = (char *)(uintptr_t)show_duration(ttl ? ttl->seconds : 0, expires);
    return step.from ? weft_plan_add(looking->plan, step, err, "without a reader for so long it is deleted") : 0;
}

/* Where it is missing, or nothing is different. */
static int plan_whole(const struct looking *looking, struct weft_topology_step step,
                      const struct difference settings[SETTINGS], const char *missing, struct weft_error *err)
{
    const struct weft_topology_subscription *declared = &looking->plan->topology->subscriptions[step.declared];
    char text[DETAIL_SIZE] = "", first[LETTERS_SIZE];
    if (missing) {
        step.verdict = WEFT_STEP_REFUSED;
        return weft_plan_add(looking->plan, step, err, "there is no topic %s: declare it, or make it", missing);
    }
    snprintf(first, sizeof first, "topic %s", declared->topic);
    describe(text, sizeof text, first, settings, SETTINGS);
    return weft_plan_add(looking->plan, step, err, "%s", text);
}

static int plan_subscription(const struct looking *looking, size_t index, struct weft_error *err)
{
    const struct weft_topology_subscription *declared = &looking->plan->topology->subscriptions[index];
    struct weft_topology_step step = {.kind = WEFT_STEP_SUBSCRIPTION, .name = declared->name, .declared = index};
    struct difference settings[SETTINGS];
    struct texts texts;
    const Pubsub__Subscription *live;
    bool no_topic = false, no_letters = false;
    if (find_subscription(looking->admin, declared->name, &live, err) != 0)
        return -1;
    compare(declared, live, &texts, settings);
    if ((!live && check_topic(looking, declared->topic, &no_topic, err) != 0) ||
        check_topic(looking, declared->dead_letters, &no_letters, err) != 0)
        return -1;
    const char *missing = no_topic ? declared->topic : no_letters ? declared->dead_letters : NULL;
    if (!live) {
        step.verdict = WEFT_STEP_CREATE;
        return plan_whole(looking, step, settings, missing, err);
    }
    size_t before = looking->plan->count;
    if (plan_topic_of(looking, step, declared, live, err) != 0)
        return -1;
    for (size_t i = 0; i < SETTINGS; i++) {
        if (settings[i].setting == dead_letters && no_letters)
            settings[i].obstacle = "there is no such topic: declare it, or make it";
        if (plan_setting(looking->plan, step, &settings[i], err) != 0)
            return -1;
    }
    if (plan_drift(looking, step, live, err) != 0)
        return -1;
    return looking->plan->count > before ? 0 : plan_whole(looking, step, settings, NULL, err);
}

struct weft_topology_plan *weft_resource_plan_new(const struct weft_topology *topology,
                                                  const struct weft_topology_allowed *allowed,
                                                  const struct weft_admin *admin, struct weft_error *err)
{
    struct weft_topology_plan *plan = calloc(1, sizeof *plan);
    if (!plan) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    plan->topology = topology;
    plan->allowed = allowed;
    const struct looking looking = {plan, admin};
    int result = weft_plan_check_allowed(topology, allowed, err);
    for (size_t i = 0; i < topology->pubsub_topic_count && result == 0; i++) {
        weft_arena_reset(admin->arena);
        result = plan_topic(&looking, i, err);
    }
    for (size_t i = 0; i < topology->subscription_count && result == 0; i++) {
        weft_arena_reset(admin->arena);
        result = plan_subscription(&looking, i, err);
    }
    if (result == 0)
        return plan;
    weft_topology_plan_destroy(plan);
    return NULL;
}

/* ---- Making */

/* What a message of Pub/Sub needs beside itself. */
struct parts {
    Pubsub__Duration retention;
    Pubsub__DeadLetterPolicy letters;
    Pubsub__ExpirationPolicy never; /* without a time to live */
};

static Pubsub__Duration *put_duration(Pubsub__Duration *part, int64_t seconds)
{
    *part = (Pubsub__Duration)PUBSUB__DURATION__INIT;
    part->seconds = seconds;
    return seconds ? part : NULL;
}

static Pubsub__Topic put_topic(const struct weft_topology_pubsub_topic *declared, struct parts *parts)
{
    Pubsub__Topic topic = PUBSUB__TOPIC__INIT;
    topic.name = declared->name;
    topic.message_retention_duration = put_duration(&parts->retention, declared->retention_s);
    return topic;
}

static Pubsub__Subscription put_subscription(const struct weft_topology_subscription *declared, struct parts *parts)
{
    Pubsub__Subscription subscription = PUBSUB__SUBSCRIPTION__INIT;
    subscription.name = declared->name;
    subscription.topic = declared->topic;
    subscription.ack_deadline_seconds = (int32_t)declared->ack_deadline_s;
    subscription.message_retention_duration = put_duration(&parts->retention, declared->retention_s);
    subscription.enable_message_ordering = declared->ordering == WEFT_YES;
    subscription.enable_exactly_once_delivery = declared->exactly_once == WEFT_YES;
    parts->letters = (Pubsub__DeadLetterPolicy)PUBSUB__DEAD_LETTER_POLICY__INIT;
    parts->letters.dead_letter_topic = declared->dead_letters;
    parts->letters.max_delivery_attempts = declared->max_attempts;
    subscription.dead_letter_policy = declared->dead_letters ? &parts->letters : NULL;
    /* The service's own default is 31 days without a reader, and then all is lost. */
    parts->never = (Pubsub__ExpirationPolicy)PUBSUB__EXPIRATION_POLICY__INIT;
    subscription.expiration_policy = &parts->never;
    return subscription;
}

static char *field_of(const char *setting)
{
    static const struct {
        const char *setting;
        char field[32];
    } fields[] = {
        {retention, "message_retention_duration"},
        {ack_deadline, "ack_deadline_seconds"},
        {exactly_once, "enable_exactly_once_delivery"},
        {dead_letters, "dead_letter_policy"},
    };
    size_t i = 0;
    while (strcmp(fields[i].setting, setting) != 0)
        i++;
    return (char *)(uintptr_t)fields[i].field;
}

/* One call for a new topic or subscription, or for all settings of one. with is the struct weft_admin. */
static int execute(struct weft_topology_plan *plan, struct weft_topology_step *steps, size_t count, void *with,
                   struct weft_error *err)
{
    const struct weft_admin *admin = with;
    bool of_topic = steps->kind == WEFT_STEP_PUBSUB_TOPIC || steps->kind == WEFT_STEP_PUBSUB_TOPIC_SETTING;
    char *paths[SETTINGS];
    struct parts parts;
    Pubsub__FieldMask mask = PUBSUB__FIELD_MASK__INIT;
    Pubsub__UpdateTopicRequest update_topic = PUBSUB__UPDATE_TOPIC_REQUEST__INIT;
    Pubsub__UpdateSubscriptionRequest update_subscription = PUBSUB__UPDATE_SUBSCRIPTION_REQUEST__INIT;
    Pubsub__Topic topic;
    Pubsub__Subscription subscription;
    const char *method;
    const ProtobufCMessage *request;
    mask.paths = paths;
    for (; weft_step_is_setting(steps) && mask.n_paths < count; mask.n_paths++)
        paths[mask.n_paths] = field_of(steps[mask.n_paths].setting);
    if (of_topic) {
        topic = put_topic(&plan->topology->pubsub_topics[steps->declared], &parts);
        update_topic.topic = &topic;
        update_topic.update_mask = &mask;
        method = mask.n_paths ? "Publisher/UpdateTopic" : "Publisher/CreateTopic";
        request = mask.n_paths ? &update_topic.base : &topic.base;
    } else {
        subscription = put_subscription(&plan->topology->subscriptions[steps->declared], &parts);
        update_subscription.subscription = &subscription;
        update_subscription.update_mask = &mask;
        method = mask.n_paths ? "Subscriber/UpdateSubscription" : "Subscriber/CreateSubscription";
        request = mask.n_paths ? &update_subscription.base : &subscription.base;
    }
    struct weft_error why = {0};
    struct weft_bytes reply;
    int code = GRPC_STATUS_OK;
    weft_arena_reset(admin->arena);
    /* What is there already was made by somebody else meanwhile, or by a call of ours that seemed to fail. */
    if (weft_admin_call(admin, method, request, steps->name, &reply, &code, &why) == 0 ||
        code == GRPC_STATUS_ALREADY_EXISTS)
        return 0;
    *err = why;
    return weft_error_prefix(err, mask.n_paths ? "changing" : "creating");
}

int weft_resource_plan_execute(struct weft_topology_plan *plan, const struct weft_admin *admin,
                               void (*done)(const struct weft_topology_step *step, void *arg), void *arg,
                               struct weft_error *err)
{
    return weft_plan_walk(plan, plan->count, execute, (void *)(uintptr_t)admin, done, arg, err);
}
