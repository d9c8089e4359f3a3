/* A scripted Pub/Sub server in a thread of the test, for what no emulator shows: calls are answered with the statuses
 * it was told, in order.
 *
 *     const struct pubsub_answer script[] = {{GRPC_STATUS_UNAVAILABLE}, {GRPC_STATUS_OK}};
 *     struct pubsub_stub *stub = pubsub_stub_start(script, 2);
 *     ... pubsub_stub_address(stub) ...
 *     pubsub_stub_stop(stub);
 *
 * After the last answer all calls succeed. */
#ifndef WEFT_TESTS_SUPPORT_PUBSUB_STUB_H
#define WEFT_TESTS_SUPPORT_PUBSUB_STUB_H

#include <stddef.h>

#include "pubsub-bridge/credentials.h"

struct pubsub_stub;

struct pubsub_answer {
    int code;              /* of grpc/status.h */
    const char *id, *fate; /* of one acknowledgement, told in the status's details: "TRANSIENT_...", or NULL */
};

/* The answers are borrowed. */
struct pubsub_stub *pubsub_stub_start(const struct pubsub_answer *answers, size_t count);
struct weft_pubsub_address pubsub_stub_address(const struct pubsub_stub *stub);

/* How many calls have been answered, and of one the data of its messages or its acknowledgement ids, joined by spaces.
 */
size_t pubsub_stub_count(struct pubsub_stub *stub);
const char *pubsub_stub_request(struct pubsub_stub *stub, size_t index);

void pubsub_stub_stop(struct pubsub_stub *stub);

#endif
