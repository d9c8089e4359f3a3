/* Calls over gRPC, for one thread: it starts calls, and serves what comes back in weft_rpc_serve, from which all
 * callbacks come. Nothing is locked, as nothing is shared.
 *
 *     weft_rpc_call(rpc, "/google.pubsub.v1.Publisher/Publish", &request.base, 60000, on_published, batch, &err);
 *     while (...)
 *         weft_rpc_serve(rpc, 100);
 */
#ifndef WEFT_BRIDGE_RPC_H
#define WEFT_BRIDGE_RPC_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "pubsub-bridge/credentials.h"
#include "pubsub-bridge/record.h"

struct weft_rpc;
struct weft_rpc_stream;

/* How a call ended. What it points at is valid during the callback. */
struct weft_rpc_outcome {
    int code;                  /* grpc_status_code; 0 is OK */
    const char *message;       /* the server's words; "" where it has none */
    struct weft_bytes reply;   /* of a unary call that is OK; data is NULL otherwise */
    struct weft_bytes details; /* the trailer grpc-status-details-bin; data is NULL where there is none */
};

typedef void weft_rpc_done(const struct weft_rpc_outcome *outcome, void *arg);

struct weft_rpc_stream_events {
    void (*received)(struct weft_bytes message, void *arg);
    void (*sent)(void *arg); /* another message may be sent */
    weft_rpc_done *ended;    /* the last event; the stream is gone after it */
};

/* Does not connect: the first call does. */
struct weft_rpc *weft_rpc_new(const struct weft_pubsub_address *address, struct weft_error *err);

/* Cancels what is under way, calls back for it, and frees. Accepts NULL. */
void weft_rpc_destroy(struct weft_rpc *rpc);

/* For how long the service has been away: not connected although that was tried, a unary call without an answer, or all
 * of them failing in passing. 0: it is not, or nobody has asked. */
int64_t weft_rpc_away_ms(struct weft_rpc *rpc);

/* How many calls have failed, streams that were ended as failures among them. */
uint64_t weft_rpc_failures(const struct weft_rpc *rpc);

/* Starts a unary call, waiting for a connection as long as timeout_ms lasts. The request is packed at once. -1 with
 * *err filled when it could not be started: done is not called then. */
int weft_rpc_call(struct weft_rpc *rpc, const char *method, const ProtobufCMessage *request, int timeout_ms,
                  weft_rpc_done *done, void *arg, struct weft_error *err);

/* The same, but where no connection can be made it ends with what is the matter with it. */
int weft_rpc_ask(struct weft_rpc *rpc, const char *method, const ProtobufCMessage *request, int timeout_ms,
                 weft_rpc_done *done, void *arg, struct weft_error *err);

/* Serves for up to timeout_ms until something has been served, then what else waits. Gives how many events. */
int weft_rpc_serve(struct weft_rpc *rpc, int timeout_ms);

/* Opens a stream in both directions; first is its first message. */
struct weft_rpc_stream *weft_rpc_stream_open(struct weft_rpc *rpc, const char *method, const ProtobufCMessage *first,
                                             const struct weft_rpc_stream_events *events, void *arg,
                                             struct weft_error *err);

/* Sends one more message; not before the one before has been sent. */
void weft_rpc_stream_send(struct weft_rpc_stream *stream, const ProtobufCMessage *message);

/* Asks for the next message: to be called once for each that is wanted, after the one before has been received. Who
 * does not ask is not sent more than the connection holds: that is the back-pressure. */
void weft_rpc_stream_receive(struct weft_rpc_stream *stream);

/* Ends the stream soon: by itself once all that was sent has gone out (half-close), or at once. */
void weft_rpc_stream_close(struct weft_rpc_stream *stream);
void weft_rpc_stream_cancel(struct weft_rpc_stream *stream);

#endif
