#include "pubsub-bridge/rpc.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pubsub-bridge/retry.h"

enum {
    RECEIVE_MAX = 24 << 20,
    RECONNECT_MIN_MS = 200, /* the library goes from the one to the other by itself */
    RECONNECT_MAX_MS = 2000,
    KEEPALIVE_MS = 300000, /* more often is answered with GOAWAY too_many_pings */
    STATUS_TEXT_MAX = 512,
};

/* What a completion queue gives back. */
struct op {
    void (*complete)(struct op *op, bool ok);
};

/* A call under way, unary or a stream, so that it can be cancelled when all ends. */
struct pending {
    struct weft_rpc *rpc;
    struct pending *next, **at;
    grpc_call *call;
    int64_t since_ms; /* of a unary call; 0 for a stream, which may well be silent */
    grpc_metadata_array initial, trailing;
    grpc_status_code status;
    grpc_slice details;
};

struct weft_rpc {
    grpc_channel *channel;
    grpc_completion_queue *queue;
    struct pending *pending;
    uint64_t failures;
    int64_t failing_ms, disconnected_ms; /* since when; 0: it is not */
};

struct unary {
    struct op op;
    struct pending pending;
    grpc_byte_buffer *reply;
    weft_rpc_done *done;
    void *arg;
};

struct weft_rpc_stream {
    struct op status_op, send_op, receive_op, close_op;
    struct pending pending;
    grpc_byte_buffer *received;
    struct weft_rpc_stream_events events;
    void *arg;
    int outstanding; /* ops that have not come back */
    bool sending, over;
};

#define OF(type, member, pointer) ((struct type *)(void *)((char *)(pointer)-offsetof(struct type, member)))

static void enlist(struct weft_rpc *rpc, struct pending *pending, grpc_call *call)
{
    pending->rpc = rpc;
    pending->call = call;
    grpc_metadata_array_init(&pending->initial);
    grpc_metadata_array_init(&pending->trailing);
    pending->next = rpc->pending;
    pending->at = &rpc->pending;
    if (pending->next)
        pending->next->at = &pending->next;
    rpc->pending = pending;
}

static void delist(struct pending *pending)
{
    *pending->at = pending->next;
    if (pending->next)
        pending->next->at = pending->at;
    grpc_metadata_array_destroy(&pending->initial);
    grpc_metadata_array_destroy(&pending->trailing);
    grpc_slice_unref(pending->details);
    grpc_call_unref(pending->call);
}

struct weft_rpc *weft_rpc_new(const struct weft_pubsub_address *address, struct weft_error *err)
{
    struct weft_rpc *rpc = calloc(1, sizeof *rpc);
    if (!rpc) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    grpc_init();
    grpc_channel_credentials *credentials = weft_credentials_new(address, err);
    if (!credentials) {
        weft_rpc_destroy(rpc);
        return NULL;
    }
    grpc_arg settings[] = {
        {GRPC_ARG_INTEGER, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, {.integer = RECEIVE_MAX}},
        {GRPC_ARG_INTEGER, GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, {.integer = RECONNECT_MIN_MS}},
        {GRPC_ARG_INTEGER, GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, {.integer = RECONNECT_MIN_MS}},
        {GRPC_ARG_INTEGER, GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, {.integer = RECONNECT_MAX_MS}},
        {GRPC_ARG_INTEGER, GRPC_ARG_KEEPALIVE_TIME_MS, {.integer = KEEPALIVE_MS}},
        {GRPC_ARG_STRING, GRPC_ARG_PRIMARY_USER_AGENT_STRING, {.string = "weft-bridge/" WEFT_VERSION}},
    };
    const grpc_channel_args args = {sizeof settings / sizeof *settings, settings};
    rpc->channel = grpc_channel_create(address->endpoint, credentials, &args);
    grpc_channel_credentials_release(credentials);
    rpc->queue = grpc_completion_queue_create_for_next(NULL);
    return rpc;
}

void weft_rpc_destroy(struct weft_rpc *rpc)
{
    if (!rpc)
        return;
    for (struct pending *pending = rpc->pending; pending; pending = pending->next)
        grpc_call_cancel(pending->call, NULL);
    while (rpc->pending)
        weft_rpc_serve(rpc, 1000);
    if (rpc->channel)
        grpc_channel_destroy(rpc->channel);
    if (rpc->queue) {
        grpc_completion_queue_shutdown(rpc->queue);
        while (grpc_completion_queue_next(rpc->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
               GRPC_QUEUE_SHUTDOWN)
            ;
        grpc_completion_queue_destroy(rpc->queue);
    }
    grpc_shutdown_blocking();
    free(rpc);
}

int weft_rpc_serve(struct weft_rpc *rpc, int timeout_ms)
{
    gpr_timespec until = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(timeout_ms, GPR_TIMESPAN));
    for (int served = 0;; served++) {
        grpc_event event = grpc_completion_queue_next(rpc->queue, until, NULL);
        if (event.type != GRPC_OP_COMPLETE)
            return served;
        struct op *op = event.tag;
        op->complete(op, event.success);
        until = gpr_inf_past(GPR_CLOCK_MONOTONIC);
    }
}

/* ---- How the service fares */

static void note_end(struct weft_rpc *rpc, int code, bool unary)
{
    if (code != GRPC_STATUS_OK && code != GRPC_STATUS_CANCELLED)
        rpc->failures++;
    if (!unary || code == GRPC_STATUS_CANCELLED)
        return;
    /* Any other refusal is an answer. */
    bool passing = code != GRPC_STATUS_OK && weft_retry_wanted(WEFT_CALL_PUBLISH, code, 1);
    rpc->failing_ms = !passing ? 0 : rpc->failing_ms ? rpc->failing_ms : weft_clock_ms();
}

int64_t weft_rpc_away_ms(struct weft_rpc *rpc)
{
    int64_t now_ms = weft_clock_ms(), since_ms = now_ms;
    grpc_connectivity_state state = grpc_channel_check_connectivity_state(rpc->channel, 0);
    if (state == GRPC_CHANNEL_READY || state == GRPC_CHANNEL_IDLE)
        rpc->disconnected_ms = 0;
    else if (!rpc->disconnected_ms)
        rpc->disconnected_ms = now_ms;
    if (rpc->disconnected_ms)
        since_ms = rpc->disconnected_ms;
    if (rpc->failing_ms && rpc->failing_ms < since_ms)
        since_ms = rpc->failing_ms;
    for (const struct pending *pending = rpc->pending; pending; pending = pending->next)
        if (pending->since_ms && pending->since_ms < since_ms)
            since_ms = pending->since_ms;
    return now_ms - since_ms;
}

uint64_t weft_rpc_failures(const struct weft_rpc *rpc)
{
    return rpc->failures;
}

/* ---- Messages */

static grpc_byte_buffer *pack(const ProtobufCMessage *message)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));
    protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

/* The buffer's bytes in one piece, to be unreferenced; the buffer is destroyed. */
static grpc_slice unpack(grpc_byte_buffer **buffer)
{
    grpc_slice all = grpc_empty_slice();
    grpc_byte_buffer_reader reader;
    if (grpc_byte_buffer_reader_init(&reader, *buffer)) {
        all = grpc_byte_buffer_reader_readall(&reader);
        grpc_byte_buffer_reader_destroy(&reader);
    }
    grpc_byte_buffer_destroy(*buffer);
    *buffer = NULL;
    return all;
}

static struct weft_bytes slice_bytes(const grpc_slice *slice)
{
    return (struct weft_bytes){GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice)};
}

static struct weft_bytes status_details(const struct pending *pending)
{
    for (size_t i = 0; i < pending->trailing.count; i++)
        if (grpc_slice_str_cmp(pending->trailing.metadata[i].key, "grpc-status-details-bin") == 0)
            return slice_bytes(&pending->trailing.metadata[i].value);
    return (struct weft_bytes){0};
}

/* text holds the message. */
static struct weft_rpc_outcome outcome_of(const struct pending *pending, char text[STATUS_TEXT_MAX])
{
    struct weft_bytes message = slice_bytes(&pending->details);
    size_t size = message.size < STATUS_TEXT_MAX - 1 ? message.size : STATUS_TEXT_MAX - 1;
    memcpy(text, message.data, size);
    text[size] = '\0';
    return (struct weft_rpc_outcome){(int)pending->status, text, {0}, status_details(pending)};
}

static grpc_call *create_call(struct weft_rpc *rpc, const char *method, gpr_timespec deadline)
{
    return grpc_channel_create_call(rpc->channel, NULL, GRPC_PROPAGATE_DEFAULTS, rpc->queue,
                                    grpc_slice_from_static_string(method), NULL, deadline, NULL);
}

static int not_started(const char *method, grpc_call_error code, struct weft_error *err)
{
    return weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: %s", method, grpc_call_error_to_string(code));
}

/* ---- Unary calls */

static void on_unary(struct op *op, bool ok)
{
    struct unary *unary = OF(unary, op, op);
    char text[STATUS_TEXT_MAX];
    struct weft_rpc_outcome outcome = outcome_of(&unary->pending, text);
    grpc_slice reply = unary->reply ? unpack(&unary->reply) : grpc_empty_slice();
    (void)ok; /* a batch that receives the status never fails; the status tells */
    if (outcome.code == GRPC_STATUS_OK)
        outcome.reply = slice_bytes(&reply);
    note_end(unary->pending.rpc, outcome.code, true);
    unary->done(&outcome, unary->arg);
    grpc_slice_unref(reply);
    delist(&unary->pending);
    free(unary);
}

/* flags: of the initial metadata. */
static int start_unary(struct weft_rpc *rpc, const char *method, const ProtobufCMessage *request, int timeout_ms,
                       uint32_t flags, weft_rpc_done *done, void *arg, struct weft_error *err)
{
    struct unary *unary = calloc(1, sizeof *unary);
    if (!unary)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    gpr_timespec deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(timeout_ms, GPR_TIMESPAN));
    *unary = (struct unary){.op.complete = on_unary, .done = done, .arg = arg};
    enlist(rpc, &unary->pending, create_call(rpc, method, deadline));
    unary->pending.since_ms = weft_clock_ms();
    unary->pending.details = grpc_empty_slice();
    grpc_byte_buffer *message = pack(request);
    const grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA, .flags = flags},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = message},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &unary->pending.initial},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &unary->reply},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &unary->pending.trailing,
                                        .status = &unary->pending.status,
                                        .status_details = &unary->pending.details}},
    };
    grpc_call_error code = grpc_call_start_batch(unary->pending.call, ops, sizeof ops / sizeof *ops, &unary->op, NULL);
    grpc_byte_buffer_destroy(message);
    if (code == GRPC_CALL_OK)
        return 0;
    delist(&unary->pending);
    free(unary);
    return not_started(method, code, err);
}

int weft_rpc_call(struct weft_rpc *rpc, const char *method, const ProtobufCMessage *request, int timeout_ms,
                  weft_rpc_done *done, void *arg, struct weft_error *err)
{
    return start_unary(rpc, method, request, timeout_ms, GRPC_INITIAL_METADATA_WAIT_FOR_READY, done, arg, err);
}

int weft_rpc_ask(struct weft_rpc *rpc, const char *method, const ProtobufCMessage *request, int timeout_ms,
                 weft_rpc_done *done, void *arg, struct weft_error *err)
{
    return start_unary(rpc, method, request, timeout_ms, 0, done, arg, err);
}

/* ---- Streams */

/* An op of the stream has come back; after the last the stream is gone. */
static void settle(struct weft_rpc_stream *stream)
{
    if (--stream->outstanding > 0 || !stream->over)
        return;
    char text[STATUS_TEXT_MAX];
    struct weft_rpc_outcome outcome = outcome_of(&stream->pending, text);
    note_end(stream->pending.rpc, outcome.code, false);
    stream->events.ended(&outcome, stream->arg);
    delist(&stream->pending);
    free(stream);
}

static void on_status(struct op *op, bool ok)
{
    struct weft_rpc_stream *stream = OF(weft_rpc_stream, status_op, op);
    (void)ok;
    stream->over = true;
    settle(stream);
}

static void on_sent(struct op *op, bool ok)
{
    struct weft_rpc_stream *stream = OF(weft_rpc_stream, send_op, op);
    stream->sending = false;
    if (ok && !stream->over && stream->events.sent)
        stream->events.sent(stream->arg);
    settle(stream);
}

static void on_received(struct op *op, bool ok)
{
    struct weft_rpc_stream *stream = OF(weft_rpc_stream, receive_op, op);
    (void)ok; /* at the end of the stream it is true and there is no message */
    if (stream->received) {
        grpc_slice message = unpack(&stream->received);
        stream->events.received(slice_bytes(&message), stream->arg);
        grpc_slice_unref(message);
    }
    settle(stream);
}

static void on_closed(struct op *op, bool ok)
{
    (void)ok;
    settle(OF(weft_rpc_stream, close_op, op));
}

/* After a failed start the stream's status, which always comes, says what was wrong. */
static void start(struct weft_rpc_stream *stream, const grpc_op *ops, size_t count, struct op *op)
{
    if (grpc_call_start_batch(stream->pending.call, ops, count, op, NULL) == GRPC_CALL_OK)
        stream->outstanding++;
    else
        grpc_call_cancel(stream->pending.call, NULL);
}

static void start_sending(struct weft_rpc_stream *stream, const ProtobufCMessage *message, bool first)
{
    grpc_byte_buffer *buffer = pack(message);
    const grpc_op ops[] = {
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = buffer},
        {.op = GRPC_OP_SEND_INITIAL_METADATA, .flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY},
    };
    stream->sending = true;
    start(stream, ops, first ? 2 : 1, &stream->send_op);
    grpc_byte_buffer_destroy(buffer);
}

struct weft_rpc_stream *weft_rpc_stream_open(struct weft_rpc *rpc, const char *method, const ProtobufCMessage *first,
                                             const struct weft_rpc_stream_events *events, void *arg,
                                             struct weft_error *err)
{
    struct weft_rpc_stream *stream = calloc(1, sizeof *stream);
    if (!stream) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    *stream = (struct weft_rpc_stream){
        .status_op.complete = on_status,
        .send_op.complete = on_sent,
        .receive_op.complete = on_received,
        .close_op.complete = on_closed,
        .events = *events,
        .arg = arg,
    };
    enlist(rpc, &stream->pending, create_call(rpc, method, gpr_inf_future(GPR_CLOCK_MONOTONIC)));
    stream->pending.details = grpc_empty_slice();
    const grpc_op status = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
                            .data.recv_status_on_client = {.trailing_metadata = &stream->pending.trailing,
                                                           .status = &stream->pending.status,
                                                           .status_details = &stream->pending.details}};
    grpc_call_error code = grpc_call_start_batch(stream->pending.call, &status, 1, &stream->status_op, NULL);
    if (code != GRPC_CALL_OK) {
        delist(&stream->pending);
        free(stream);
        not_started(method, code, err);
        return NULL;
    }
    stream->outstanding = 1;
    start_sending(stream, first, true);
    const grpc_op initial = {.op = GRPC_OP_RECV_INITIAL_METADATA,
                             .data.recv_initial_metadata.recv_initial_metadata = &stream->pending.initial};
    start(stream, &initial, 1, &stream->close_op);
    weft_rpc_stream_receive(stream);
    return stream;
}

void weft_rpc_stream_send(struct weft_rpc_stream *stream, const ProtobufCMessage *message)
{
    if (!stream->over)
        start_sending(stream, message, false);
}

void weft_rpc_stream_receive(struct weft_rpc_stream *stream)
{
    const grpc_op receive = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &stream->received};
    if (!stream->over)
        start(stream, &receive, 1, &stream->receive_op);
}

void weft_rpc_stream_close(struct weft_rpc_stream *stream)
{
    const grpc_op close = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    if (!stream->over)
        start(stream, &close, 1, &stream->close_op);
}

void weft_rpc_stream_cancel(struct weft_rpc_stream *stream)
{
    grpc_call_cancel(stream->pending.call, NULL);
}
