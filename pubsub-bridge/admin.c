#include "pubsub-bridge/admin.h"

#include <grpc/status.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"
#include "pubsub-bridge/retry.h"

enum { CALL_TIMEOUT_MS = 5000 /* bounds how fast a stop is seen */, SERVE_MS = 100, METHOD_SIZE = 100 };

struct answer {
    struct weft_arena *arena;
    bool over;
    int code;
    char message[256];
    struct weft_bytes reply; /* in the arena */
};

static void on_answer(const struct weft_rpc_outcome *outcome, void *arg)
{
    struct answer *answer = arg;
    answer->over = true;
    answer->code = outcome->code;
    snprintf(answer->message, sizeof answer->message, "%s", outcome->message);
    if (outcome->reply.data)
        answer->reply = (struct weft_bytes){
            (uint8_t *)weft_arena_text(answer->arena, outcome->reply.data, outcome->reply.size), outcome->reply.size};
}

static bool is_over(const struct weft_admin *admin, int64_t end_ms)
{
    return (admin->stop && atomic_load(admin->stop)) || weft_clock_ms() >= end_ms;
}

/* gRPC makes a lost connection anew only while it is served. */
static void wait_a_little(const struct weft_admin *admin, int attempt, int64_t end_ms)
{
    int64_t until_ms = weft_clock_ms() + weft_retry_wait_ms(attempt, (uint32_t)weft_clock_ns());
    while (weft_clock_ms() < until_ms && !is_over(admin, end_ms))
        weft_rpc_serve(admin->rpc, SERVE_MS);
}

int weft_admin_call(const struct weft_admin *admin, const char *method, const ProtobufCMessage *request,
                    const char *what, struct weft_bytes *reply, int *code, struct weft_error *err)
{
    char path[METHOD_SIZE];
    snprintf(path, sizeof path, "%s%s", method[0] == '/' ? "" : "/google.pubsub.v1.", method);
    const int64_t end_ms = admin->patience_ms ? weft_clock_ms() + admin->patience_ms : INT64_MAX;
    for (int attempt = 1;; attempt++) {
        struct answer answer = {.arena = admin->arena};
        int64_t left_ms = end_ms - weft_clock_ms();
        int timeout_ms = left_ms > CALL_TIMEOUT_MS ? CALL_TIMEOUT_MS : left_ms > 1 ? (int)left_ms : 1;
        if (weft_rpc_ask(admin->rpc, path, request, timeout_ms, on_answer, &answer, err) != 0)
            return -1;
        while (!answer.over)
            weft_rpc_serve(admin->rpc, SERVE_MS);
        *reply = answer.reply;
        *code = answer.code;
        if (answer.code == GRPC_STATUS_OK)
            return answer.reply.data ? 0 : weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        bool away =
            answer.code == GRPC_STATUS_DEADLINE_EXCEEDED || weft_retry_wanted(WEFT_CALL_ADMIN, answer.code, attempt);
        if (!away || is_over(admin, end_ms))
            return weft_retry_fail(answer.code, answer.message, what, err);
        wait_a_little(admin, attempt, end_ms);
    }
}
