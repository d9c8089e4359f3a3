/* A scripted Pub/Sub server in a thread of the test, for what no emulator shows: calls are answered with the statuses
 * it was told, in order, and streams of StreamingPull do as they were told.
 *
 *     const struct pubsub_answer script[] = {{GRPC_STATUS_UNAVAILABLE}, {GRPC_STATUS_OK}};
 *     struct pubsub_stub *stub = pubsub_stub_start(script, 2);
 *     ... pubsub_stub_address(stub) ...
 *     pubsub_stub_stop(stub);
 *
 * After the last answer all calls succeed, and after the last stream all stay open and silent. */
#ifndef WEFT_TESTS_SUPPORT_PUBSUB_STUB_H
#define WEFT_TESTS_SUPPORT_PUBSUB_STUB_H

#include <stddef.h>

#include "pubsub-bridge/credentials.h"

struct pubsub_stub;

struct pubsub_answer {
    int code;              /* of grpc/status.h */
    const char *id, *fate; /* of one acknowledgement, told in the status's details: "TRANSIENT_...", or NULL */
};

/* Messages have the ids m1, m2, ... and are to be acknowledged as a1, a2, ..., counted over all streams. */
struct pubsub_stream {
    size_t responses; /* that it brings at once */
    size_t messages;  /* of each */
    size_t size;      /* bytes of each message's data */
    enum {
        PUBSUB_ENDS,    /* with code, when all responses are sent */
        PUBSUB_STAYS,   /* until the client closes its side, and then OK */
        PUBSUB_IS_DEAF, /* until the client cancels it */
    } then;
    int code;
    int after_ms; /* before it ends so */
};

/* The answers, and the streams, are borrowed. */
struct pubsub_stub *pubsub_stub_start(const struct pubsub_answer *answers, size_t count);
struct pubsub_stub *pubsub_stub_start_streams(const struct pubsub_stream *streams, size_t count,
                                              const struct pubsub_answer *answers, size_t answer_count);
struct weft_pubsub_address pubsub_stub_address(const struct pubsub_stub *stub);

/* How many calls but streams have been answered, and of one: the data of its messages or its acknowledgement ids,
 * joined by spaces and, where it changed their deadline, after that: "60: a1 a2". What is too long is cut. */
size_t pubsub_stub_count(struct pubsub_stub *stub);
const char *pubsub_stub_request(struct pubsub_stub *stub, size_t index);
size_t pubsub_stub_request_size(struct pubsub_stub *stub, size_t index); /* bytes, as sent */

/* How many streams have been opened. */
size_t pubsub_stub_streams(struct pubsub_stub *stub);

void pubsub_stub_stop(struct pubsub_stub *stub);

#endif
