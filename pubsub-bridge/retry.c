#include "pubsub-bridge/retry.h"

#include <grpc/status.h>
#include <string.h>

enum { WAIT_FIRST_MS = 100, WAIT_MAX_MS = 60000, DOUBTFUL_ATTEMPTS = 5 };

#define BIT(code) (1u << (code))

static const struct {
    unsigned always;   /* bits of codes that pass by themselves */
    unsigned doubtful; /* repeated DOUBTFUL_ATTEMPTS times */
} codes[] = {
    [WEFT_CALL_PUBLISH] = {BIT(GRPC_STATUS_DEADLINE_EXCEEDED) | BIT(GRPC_STATUS_RESOURCE_EXHAUSTED) |
                               BIT(GRPC_STATUS_ABORTED) | BIT(GRPC_STATUS_INTERNAL) | BIT(GRPC_STATUS_UNAVAILABLE),
                           BIT(GRPC_STATUS_CANCELLED) | BIT(GRPC_STATUS_UNKNOWN)},
    /* A stream also ends in good order, after some minutes. */
    [WEFT_CALL_PULL] = {BIT(GRPC_STATUS_OK) | BIT(GRPC_STATUS_CANCELLED) | BIT(GRPC_STATUS_DEADLINE_EXCEEDED) |
                            BIT(GRPC_STATUS_RESOURCE_EXHAUSTED) | BIT(GRPC_STATUS_ABORTED) | BIT(GRPC_STATUS_INTERNAL) |
                            BIT(GRPC_STATUS_UNAVAILABLE),
                        BIT(GRPC_STATUS_UNKNOWN)},
    [WEFT_CALL_ACKNOWLEDGE] = {BIT(GRPC_STATUS_DEADLINE_EXCEEDED) | BIT(GRPC_STATUS_RESOURCE_EXHAUSTED) |
                                   BIT(GRPC_STATUS_ABORTED) | BIT(GRPC_STATUS_INTERNAL) | BIT(GRPC_STATUS_UNAVAILABLE),
                               BIT(GRPC_STATUS_UNKNOWN)},
    [WEFT_CALL_ADMIN] = {BIT(GRPC_STATUS_UNAVAILABLE) | BIT(GRPC_STATUS_ABORTED),
                         BIT(GRPC_STATUS_DEADLINE_EXCEEDED) | BIT(GRPC_STATUS_UNKNOWN) | BIT(GRPC_STATUS_INTERNAL)},
};

bool weft_retry_wanted(enum weft_pubsub_call call, int code, int attempt)
{
    if (code < 0 || code > GRPC_STATUS_UNAUTHENTICATED)
        return false;
    return codes[call].always & BIT(code) || (codes[call].doubtful & BIT(code) && attempt < DOUBTFUL_ATTEMPTS);
}

int64_t weft_retry_wait_ms(int attempt, uint32_t random)
{
    int64_t most = WAIT_FIRST_MS;
    for (int i = 1; i < attempt && most < WAIT_MAX_MS; i++)
        most *= 2;
    if (most > WAIT_MAX_MS)
        most = WAIT_MAX_MS;
    return most / 2 + (int64_t)random % (most / 2 + 1);
}

/* gRPC says the same where TLS fails and where the server is too slow to answer in time. */
static const char *remedy(const char *message)
{
    return strstr(message, "handshake")
               ? ": nobody answers there in time, or, unless it is an emulator, TLS fails: check that pubsub.endpoint "
                 "is the "
                 "service, that its certificate is for that host, and that pubsub.ca.file, if set, holds who signed it"
               : "";
}

int weft_retry_fail(int code, const char *message, const char *what, struct weft_error *err)
{
    switch (code) {
    case GRPC_STATUS_NOT_FOUND:
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: there is none (%s): make it with `weft topology apply`",
                              what, message);
    case GRPC_STATUS_PERMISSION_DENIED:
        return weft_error_set(err, WEFT_ERROR_REFUSED, "%s: not permitted (%s): docs/bridge.md lists the roles needed",
                              what, message);
    case GRPC_STATUS_UNAUTHENTICATED:
        return weft_error_set(err, WEFT_ERROR_REFUSED, "%s: the credentials were refused (%s)", what, message);
    case GRPC_STATUS_INVALID_ARGUMENT:
    case GRPC_STATUS_OUT_OF_RANGE:
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: not accepted (%s)", what, message);
    case GRPC_STATUS_ALREADY_EXISTS: return weft_error_set(err, WEFT_ERROR_CONFLICT, "%s: exists already", what);
    case GRPC_STATUS_FAILED_PRECONDITION:
    case GRPC_STATUS_UNIMPLEMENTED:
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: not possible as it is set up (%s)", what, message);
    default:
        return weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "%s: %s (status %d)%s", what, message, code,
                              remedy(message));
    }
}
