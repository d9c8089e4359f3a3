#include "pubsub-bridge/leases.h"

#include <grpc/status.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pubsub-bridge/arena.h"
#include "pubsub-bridge/pubsub.pb-c.h"
#include "pubsub-bridge/retry.h"

enum {
    IDS_MAX = 1000, /* of a call; ids have about 200 bytes, and a request may have 512 KiB */
    BYTES_MAX = 400 << 10,
    FLUSH_MS = 20, /* how long ids wait for company */
    CALL_TIMEOUT_MS = 10000,
};

enum kind { ACK, EXTEND, RELEASE, KINDS };

/* Ids that go in one call. */
struct call {
    struct weft_leases *leases;
    struct call *next; /* of those that wait to be sent */
    struct weft_arena *arena;
    enum kind kind;
    int attempts;
    int64_t due_ms, stale_ms; /* when it is to be sent, and from when on in vain */
    size_t count, bytes;
    char *ids[IDS_MAX];
};

struct weft_leases {
    struct weft_leases_config config;
    struct call *filling[KINDS]; /* NULL: none */
    struct call *waiting;        /* full, or to be sent again */
    size_t open;
    uint64_t acknowledged;
    unsigned random;
    struct weft_error failure;
};

struct weft_leases *weft_leases_new(const struct weft_leases_config *config, struct weft_error *err)
{
    struct weft_leases *leases = calloc(1, sizeof *leases);
    if (!leases) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    leases->config = *config;
    leases->random = (unsigned)weft_clock_ms();
    return leases;
}

static void free_call(struct call *call)
{
    if (!call)
        return;
    weft_arena_destroy(call->arena);
    free(call);
}

void weft_leases_destroy(struct weft_leases *leases)
{
    if (!leases)
        return;
    for (int kind = 0; kind < KINDS; kind++)
        free_call(leases->filling[kind]);
    while (leases->waiting) {
        struct call *next = leases->waiting->next;
        free_call(leases->waiting);
        leases->waiting = next;
    }
    free(leases);
}

static struct call *new_call(struct weft_leases *leases, enum kind kind, int64_t due_ms)
{
    struct call *call = malloc(sizeof *call);
    struct weft_arena *arena = call ? weft_arena_new() : NULL;
    if (!arena) {
        free(call);
        return NULL;
    }
    call->leases = leases;
    call->next = NULL;
    call->arena = arena;
    call->kind = kind;
    call->attempts = 0;
    call->due_ms = due_ms;
    /* After half a lease the holder extends it again: more than two calls for one lease would only pile up. */
    call->stale_ms = kind == EXTEND ? due_ms + (int64_t)leases->config.ack_deadline_s * 1000 / 2 : INT64_MAX;
    call->count = call->bytes = 0;
    return call;
}

static void make_wait(struct weft_leases *leases, struct call *call)
{
    call->next = leases->waiting;
    leases->waiting = call;
}

/* Puts an id into the call that is being filled. */
static int add(struct weft_leases *leases, enum kind kind, const char *ack_id, struct weft_error *err)
{
    size_t size = strlen(ack_id);
    struct call **filling = &leases->filling[kind];
    if (*filling && ((*filling)->count == IDS_MAX || (*filling)->bytes + size > BYTES_MAX)) {
        (*filling)->due_ms = 0;
        make_wait(leases, *filling);
        *filling = NULL;
    }
    if (!*filling)
        *filling = new_call(leases, kind, weft_clock_ms() + FLUSH_MS);
    char *id = *filling ? weft_arena_text((*filling)->arena, ack_id, size) : NULL;
    if (!id)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    (*filling)->ids[(*filling)->count++] = id;
    (*filling)->bytes += size;
    if (kind != EXTEND)
        leases->open++;
    return 0;
}

int weft_leases_ack(struct weft_leases *leases, const char *ack_id, struct weft_error *err)
{
    return add(leases, ACK, ack_id, err);
}

int weft_leases_extend(struct weft_leases *leases, const char *ack_id, struct weft_error *err)
{
    return add(leases, EXTEND, ack_id, err);
}

int weft_leases_release(struct weft_leases *leases, const char *ack_id, struct weft_error *err)
{
    return add(leases, RELEASE, ack_id, err);
}

/* ---- Answers */

/* Keeps of the call's ids those that the details of its status call passing failures, and counts those that they call
 * lasting ones; the others were dealt with. -1 when the details say nothing of single ids. */
static int keep_transient(struct call *call, struct weft_bytes details, size_t *lost)
{
    ProtobufCAllocator allocator = weft_arena_allocator(call->arena);
    const Pubsub__Status *status = pubsub__status__unpack(&allocator, details.size, details.data);
    const Pubsub__ErrorInfo *info = NULL;
    for (size_t i = 0; status && i < status->n_details && !info; i++) {
        const Pubsub__Any *any = status->details[i];
        if (strstr(any->type_url, "google.rpc.ErrorInfo"))
            info = pubsub__error_info__unpack(&allocator, any->value.len, any->value.data);
    }
    if (!info || info->n_metadata == 0)
        return -1;
    size_t kept = 0;
    *lost = 0;
    for (size_t i = 0; i < info->n_metadata; i++) {
        const Pubsub__Attribute *failed = info->metadata[i];
        if (strncmp(failed->value, "TRANSIENT_", 10) != 0) {
            ++*lost;
            continue;
        }
        for (size_t k = kept; k < call->count; k++) {
            if (strcmp(call->ids[k], failed->name) != 0)
                continue;
            char *id = call->ids[k];
            call->ids[k] = call->ids[kept];
            call->ids[kept++] = id;
            break;
        }
    }
    call->count = kept;
    return 0;
}

static void settle(struct weft_leases *leases, const struct call *call, size_t count)
{
    if (call->kind != EXTEND)
        leases->open -= count;
}

static void send_again(struct call *call)
{
    struct weft_leases *leases = call->leases;
    call->due_ms = weft_clock_ms() + weft_retry_wait_ms(call->attempts, (uint32_t)rand_r(&leases->random));
    make_wait(leases, call);
}

static void on_answer(const struct weft_rpc_outcome *outcome, void *arg)
{
    struct call *call = arg;
    struct weft_leases *leases = call->leases;
    size_t count = call->count, lost;
    if (outcome->code == GRPC_STATUS_OK) {
        if (call->kind == ACK)
            leases->acknowledged += count;
        settle(leases, call, count);
        free_call(call);
        return;
    }
    if (outcome->details.data && keep_transient(call, outcome->details, &lost) == 0) {
        if (call->kind == ACK && lost <= count - call->count)
            leases->acknowledged += count - call->count - lost;
        settle(leases, call, count - call->count);
        if (call->count > 0)
            send_again(call);
        else
            free_call(call);
        return;
    }
    if (weft_retry_wanted(WEFT_CALL_ACKNOWLEDGE, outcome->code, call->attempts)) {
        send_again(call);
        return;
    }
    struct weft_error why = {0};
    weft_retry_fail(outcome->code, outcome->message, leases->config.subscription, &why);
    if (why.class != WEFT_ERROR_CORRUPT && leases->failure.class == WEFT_ERROR_NONE)
        leases->failure = why;
    /* Ids that are none any more: their messages come again. */
    weft_log(leases->config.log, WEFT_LOG_WARN, "bridge.lease", "%s (%zu leases)", why.message, count);
    settle(leases, call, count);
    free_call(call);
}

/* ---- Calls */

static int send_call(struct call *call, struct weft_error *err)
{
    const struct weft_leases_config *config = &call->leases->config;
    char *subscription = (char *)(uintptr_t)config->subscription;
    call->attempts++;
    if (call->kind == ACK) {
        Pubsub__AcknowledgeRequest request = PUBSUB__ACKNOWLEDGE_REQUEST__INIT;
        request.subscription = subscription;
        request.ack_ids = call->ids;
        request.n_ack_ids = call->count;
        return weft_rpc_call(config->rpc, "/google.pubsub.v1.Subscriber/Acknowledge", &request.base, CALL_TIMEOUT_MS,
                             on_answer, call, err);
    }
    Pubsub__ModifyAckDeadlineRequest request = PUBSUB__MODIFY_ACK_DEADLINE_REQUEST__INIT;
    request.subscription = subscription;
    request.ack_deadline_seconds = call->kind == EXTEND ? config->ack_deadline_s : 0;
    request.ack_ids = call->ids;
    request.n_ack_ids = call->count;
    return weft_rpc_call(config->rpc, "/google.pubsub.v1.Subscriber/ModifyAckDeadline", &request.base, CALL_TIMEOUT_MS,
                         on_answer, call, err);
}

static int send_or_keep(struct weft_leases *leases, struct call *call, struct weft_error *err)
{
    if (send_call(call, err) == 0)
        return 0;
    make_wait(leases, call);
    return -1;
}

int weft_leases_pump(struct weft_leases *leases, int64_t now_ms, struct weft_error *err)
{
    for (int kind = 0; kind < KINDS; kind++) {
        struct call *call = leases->filling[kind];
        if (!call || now_ms < call->due_ms)
            continue;
        leases->filling[kind] = NULL;
        if (send_or_keep(leases, call, err) != 0)
            return -1;
    }
    for (struct call **at = &leases->waiting; *at;) {
        struct call *call = *at;
        if (now_ms < call->due_ms && now_ms < call->stale_ms) {
            at = &call->next;
            continue;
        }
        *at = call->next;
        if (now_ms >= call->stale_ms) {
            free_call(call);
            continue;
        }
        if (send_or_keep(leases, call, err) != 0)
            return -1;
    }
    if (leases->failure.class == WEFT_ERROR_NONE)
        return 0;
    *err = leases->failure;
    return -1;
}

size_t weft_leases_open(const struct weft_leases *leases)
{
    return leases->open;
}

uint64_t weft_leases_acknowledged(const struct weft_leases *leases)
{
    return leases->acknowledged;
}
