#include "support/pubsub_stub.h"

#include <check.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pubsub-bridge/pubsub.pb-c.h"

enum { REQUESTS_MAX = 200, TEXT_MAX = 1000 };

struct request {
    char text[TEXT_MAX];
    size_t size;
};

struct pubsub_stub {
    const struct pubsub_answer *answers;
    size_t answer_count;
    const struct pubsub_stream *streams;
    size_t stream_count;
    char address[32];
    grpc_server *server;
    grpc_completion_queue *queue;
    pthread_t thread;
    size_t messages;      /* that streams have brought */
    size_t calls;         /* under way */
    struct call *waiting; /* streams that are to end later */
    atomic_size_t opened; /* streams */
    atomic_size_t count;  /* requests before it are not written any more */
    struct request requests[REQUESTS_MAX];
};

/* What the completion queue gives back. */
struct op {
    void (*complete)(struct op *op, bool ok);
    struct call *call;
};

struct call {
    struct pubsub_stub *stub;
    grpc_call *grpc;
    grpc_call_details details;
    grpc_metadata_array metadata;
    struct op arrived, begun, received, sent, cancelled;
    grpc_byte_buffer *message;
    int outstanding; /* ops that have not come back; the call goes with the last */
    int was_cancelled;
    bool closed; /* by the client, on its side */
    bool sending, ending;
    grpc_metadata trailer;
    const struct pubsub_stream *stream; /* NULL: of a unary call */
    size_t responses;                   /* sent */
    bool waiting;                       /* for its end */
    gpr_timespec end_at;
    struct call *next; /* of those that wait */
};

static void settle(struct call *call)
{
    if (--call->outstanding > 0)
        return;
    if (call->grpc)
        grpc_call_unref(call->grpc);
    grpc_slice_unref(call->trailer.value);
    grpc_call_details_destroy(&call->details);
    grpc_metadata_array_destroy(&call->metadata);
    call->stub->calls--;
    free(call);
}

static void start(struct call *call, const grpc_op *ops, size_t count, struct op *op)
{
    ck_assert_int_eq(grpc_call_start_batch(call->grpc, ops, count, op, NULL), GRPC_CALL_OK);
    call->outstanding++;
}

static void receive(struct call *call)
{
    const grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &call->message};
    start(call, &op, 1, &call->received);
}

/* Ends the call, with a message before where there is one. */
static void end(struct call *call, int code, grpc_byte_buffer *message)
{
    grpc_slice said = grpc_slice_from_static_string("as the script says");
    bool details = GRPC_SLICE_LENGTH(call->trailer.value) > 0;
    const grpc_op ops[] = {
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
         .data.send_status_from_server = {.trailing_metadata_count = details ? 1 : 0,
                                          .trailing_metadata = &call->trailer,
                                          .status = (grpc_status_code)code,
                                          .status_details = &said}},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = message},
    };
    call->ending = true;
    start(call, ops, message ? 2 : 1, &call->sent);
}

static void append(char text[TEXT_MAX], const void *bytes, size_t size)
{
    size_t length = strlen(text);
    snprintf(text + length, TEXT_MAX - length, "%s%.*s", length ? " " : "", (int)size, (const char *)bytes);
}

/* ---- Calls with one answer */

static void append_ids(char text[TEXT_MAX], char **ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        append(text, ids[i], strlen(ids[i]));
}

static grpc_slice publish(const uint8_t *bytes, size_t size, char text[TEXT_MAX])
{
    Pubsub__PublishRequest *request = pubsub__publish_request__unpack(NULL, size, bytes);
    Pubsub__PublishResponse response = PUBSUB__PUBLISH_RESPONSE__INIT;
    char *ids[REQUESTS_MAX], id[] = "id";
    for (size_t i = 0; i < request->n_messages && i < REQUESTS_MAX; i++) {
        append(text, request->messages[i]->data.data, request->messages[i]->data.len);
        ids[response.n_message_ids++] = id;
    }
    response.message_ids = ids;
    grpc_slice reply = grpc_slice_malloc(pubsub__publish_response__get_packed_size(&response));
    pubsub__publish_response__pack(&response, GRPC_SLICE_START_PTR(reply));
    pubsub__publish_request__free_unpacked(request, NULL);
    return reply;
}

/* Writes down what was asked; gives the answer of a call that succeeds. */
static grpc_slice serve(grpc_slice method, const uint8_t *bytes, size_t size, char text[TEXT_MAX])
{
    if (grpc_slice_str_cmp(method, "/google.pubsub.v1.Publisher/Publish") == 0)
        return publish(bytes, size, text);
    if (grpc_slice_str_cmp(method, "/google.pubsub.v1.Subscriber/ModifyAckDeadline") == 0) {
        Pubsub__ModifyAckDeadlineRequest *request = pubsub__modify_ack_deadline_request__unpack(NULL, size, bytes);
        snprintf(text, TEXT_MAX, "%d:", request->ack_deadline_seconds);
        append_ids(text, request->ack_ids, request->n_ack_ids);
        pubsub__modify_ack_deadline_request__free_unpacked(request, NULL);
        return grpc_empty_slice();
    }
    Pubsub__AcknowledgeRequest *request = pubsub__acknowledge_request__unpack(NULL, size, bytes);
    append_ids(text, request->ack_ids, request->n_ack_ids);
    pubsub__acknowledge_request__free_unpacked(request, NULL);
    return grpc_empty_slice();
}

/* https://cloud.google.com/pubsub/docs/exactly-once-delivery: an ErrorInfo with the ids and their fates. */
static grpc_slice details_of(const struct pubsub_answer *answer)
{
    Pubsub__Attribute fate = PUBSUB__ATTRIBUTE__INIT, *fates[] = {&fate};
    Pubsub__ErrorInfo info = PUBSUB__ERROR_INFO__INIT;
    Pubsub__Any any = PUBSUB__ANY__INIT, *anys[] = {&any};
    Pubsub__Status status = PUBSUB__STATUS__INIT;
    uint8_t packed[TEXT_MAX];
    char type[] = "type.googleapis.com/google.rpc.ErrorInfo";
    fate.name = (char *)(uintptr_t)answer->id;
    fate.value = (char *)(uintptr_t)answer->fate;
    info.metadata = fates;
    info.n_metadata = 1;
    any.type_url = type;
    any.value = (ProtobufCBinaryData){pubsub__error_info__pack(&info, packed), packed};
    status.code = answer->code;
    status.details = anys;
    status.n_details = 1;
    grpc_slice all = grpc_slice_malloc(pubsub__status__get_packed_size(&status));
    pubsub__status__pack(&status, GRPC_SLICE_START_PTR(all));
    return all;
}

static void answer(struct call *call, grpc_slice bytes)
{
    static const struct pubsub_answer success = {.code = GRPC_STATUS_OK};
    struct pubsub_stub *stub = call->stub;
    size_t index = atomic_load(&stub->count);
    const struct pubsub_answer *answer = index < stub->answer_count ? &stub->answers[index] : &success;
    ck_assert_uint_lt(index, REQUESTS_MAX);
    struct request *request = &stub->requests[index];
    request->size = GRPC_SLICE_LENGTH(bytes);
    grpc_slice reply = serve(call->details.method, GRPC_SLICE_START_PTR(bytes), request->size, request->text);
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&reply, 1);
    grpc_slice_unref(reply);
    if (answer->id)
        call->trailer.value = details_of(answer);
    /* First, so that who has the answer finds it counted. */
    atomic_store(&stub->count, index + 1);
    end(call, answer->code, answer->code == GRPC_STATUS_OK ? message : NULL);
    grpc_byte_buffer_destroy(message);
}

/* ---- Streams */

/* Room for a response of many messages. */
struct response {
    Pubsub__StreamingPullResponse all;
    struct entry {
        char id[16], ack_id[16];
        Pubsub__Message message;
        Pubsub__ReceivedMessage received;
    } * entries;
    Pubsub__ReceivedMessage **list;
    uint8_t *data;
};

/* The next response of the stream. */
static grpc_byte_buffer *bring(struct call *call)
{
    const struct pubsub_stream *stream = call->stream;
    struct response response = {
        .all = PUBSUB__STREAMING_PULL_RESPONSE__INIT,
        .entries = calloc(stream->messages, sizeof *response.entries),
        .list = calloc(stream->messages, sizeof *response.list),
        .data = calloc(1, stream->size + 1),
    };
    ck_assert(response.entries && response.list && response.data);
    for (size_t i = 0; i < stream->messages; i++) {
        struct entry *entry = &response.entries[i];
        size_t number = ++call->stub->messages;
        snprintf(entry->id, sizeof entry->id, "m%zu", number);
        snprintf(entry->ack_id, sizeof entry->ack_id, "a%zu", number);
        pubsub__message__init(&entry->message);
        entry->message.message_id = entry->id;
        entry->message.data = (ProtobufCBinaryData){stream->size, response.data};
        pubsub__received_message__init(&entry->received);
        entry->received.ack_id = entry->ack_id;
        entry->received.message = &entry->message;
        response.list[i] = &entry->received;
    }
    response.all.received_messages = response.list;
    response.all.n_received_messages = stream->messages;
    grpc_slice slice = grpc_slice_malloc(pubsub__streaming_pull_response__get_packed_size(&response.all));
    pubsub__streaming_pull_response__pack(&response.all, GRPC_SLICE_START_PTR(slice));
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    free(response.entries);
    free(response.list);
    free(response.data);
    return buffer;
}

/* Sends the next response, or does what is to be done after the last. */
static void go_on(struct call *call)
{
    const struct pubsub_stream *stream = call->stream;
    if (call->responses < stream->responses) {
        call->responses++;
        call->sending = true;
        grpc_byte_buffer *message = bring(call);
        const grpc_op op = {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = message};
        start(call, &op, 1, &call->sent);
        grpc_byte_buffer_destroy(message);
    } else if (call->closed && stream->then == PUBSUB_STAYS) {
        end(call, GRPC_STATUS_OK, NULL);
    } else if (stream->then == PUBSUB_ENDS && !call->waiting) {
        call->end_at = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(stream->after_ms, GPR_TIMESPAN));
        call->next = call->stub->waiting;
        call->stub->waiting = call;
        call->waiting = true;
        call->outstanding++;
    }
}

/* Ends the streams whose time has come, or all; gives the time of the next. */
static gpr_timespec end_streams(struct pubsub_stub *stub, bool all)
{
    gpr_timespec next = gpr_inf_future(GPR_CLOCK_MONOTONIC), now = gpr_now(GPR_CLOCK_MONOTONIC);
    for (struct call **at = &stub->waiting; *at;) {
        struct call *call = *at;
        if (!all && gpr_time_cmp(call->end_at, now) > 0) {
            next = gpr_time_min(next, call->end_at);
            at = &call->next;
            continue;
        }
        *at = call->next;
        end(call, call->stream->code, NULL);
        settle(call);
    }
    return next;
}

static void open_stream(struct call *call)
{
    static const struct pubsub_stream silent = {.then = PUBSUB_STAYS};
    struct pubsub_stub *stub = call->stub;
    size_t index = atomic_fetch_add(&stub->opened, 1);
    call->stream = index < stub->stream_count ? &stub->streams[index] : &silent;
    go_on(call);
    receive(call);
}

/* ---- All calls */

static void on_received(struct op *op, bool ok)
{
    struct call *call = op->call;
    (void)ok;
    if (!call->message) {
        call->closed = true;
        if (call->stream && !call->sending && !call->ending)
            go_on(call);
        settle(call);
        return;
    }
    grpc_slice bytes = grpc_empty_slice();
    grpc_byte_buffer_reader reader;
    if (grpc_byte_buffer_reader_init(&reader, call->message)) {
        bytes = grpc_byte_buffer_reader_readall(&reader);
        grpc_byte_buffer_reader_destroy(&reader);
    }
    grpc_byte_buffer_destroy(call->message);
    call->message = NULL;
    if (call->stream)
        receive(call); /* the client goes on to say that it is there */
    else if (grpc_slice_str_cmp(call->details.method, "/google.pubsub.v1.Subscriber/StreamingPull") == 0)
        open_stream(call);
    else
        answer(call, bytes);
    grpc_slice_unref(bytes);
    settle(call);
}

static void on_sent(struct op *op, bool ok)
{
    struct call *call = op->call;
    call->sending = false;
    if (ok && call->stream && !call->ending)
        go_on(call);
    settle(call);
}

static void on_cancelled(struct op *op, bool ok)
{
    (void)ok;
    settle(op->call);
}

static void request_call(struct pubsub_stub *stub);

static void on_arrived(struct op *op, bool ok)
{
    struct call *call = op->call;
    if (ok) {
        const grpc_op begin = {.op = GRPC_OP_SEND_INITIAL_METADATA};
        const grpc_op close = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                               .data.recv_close_on_server.cancelled = &call->was_cancelled};
        request_call(call->stub);
        start(call, &begin, 1, &call->begun);
        start(call, &close, 1, &call->cancelled);
        receive(call);
    }
    settle(call);
}

static void on_begun(struct op *op, bool ok)
{
    (void)ok;
    settle(op->call);
}

static void request_call(struct pubsub_stub *stub)
{
    struct call *call = calloc(1, sizeof *call);
    ck_assert_ptr_nonnull(call);
    *call = (struct call){.stub = stub,
                          .outstanding = 1,
                          .arrived = {on_arrived, call},
                          .begun = {on_begun, call},
                          .received = {on_received, call},
                          .sent = {on_sent, call},
                          .cancelled = {on_cancelled, call}};
    call->trailer.key = grpc_slice_from_static_string("grpc-status-details-bin");
    call->trailer.value = grpc_empty_slice();
    grpc_call_details_init(&call->details);
    grpc_metadata_array_init(&call->metadata);
    stub->calls++;
    grpc_server_request_call(stub->server, &call->grpc, &call->details, &call->metadata, stub->queue, stub->queue,
                             &call->arrived);
}

/* Until the server has shut down, of which the tag is the stub, and the last call is gone. */
static void *run(void *arg)
{
    struct pubsub_stub *stub = arg;
    bool over = false;
    while (!over || stub->calls > 0) {
        grpc_event event = grpc_completion_queue_next(stub->queue, end_streams(stub, over), NULL);
        struct op *op = event.tag;
        if (event.type != GRPC_OP_COMPLETE)
            continue;
        if (event.tag == stub)
            over = true;
        else
            op->complete(op, event.success);
    }
    return NULL;
}

struct pubsub_stub *pubsub_stub_start_streams(const struct pubsub_stream *streams, size_t count,
                                              const struct pubsub_answer *answers, size_t answer_count)
{
    struct pubsub_stub *stub = calloc(1, sizeof *stub);
    ck_assert_ptr_nonnull(stub);
    stub->answers = answers;
    stub->answer_count = answer_count;
    stub->streams = streams;
    stub->stream_count = count;
    grpc_init();
    grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
    stub->server = grpc_server_create(NULL, NULL);
    stub->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(stub->server, stub->queue, NULL);
    int port = grpc_server_add_http2_port(stub->server, "127.0.0.1:0", credentials);
    grpc_server_credentials_release(credentials);
    ck_assert_int_gt(port, 0);
    snprintf(stub->address, sizeof stub->address, "127.0.0.1:%d", port);
    grpc_server_start(stub->server);
    request_call(stub);
    ck_assert_int_eq(pthread_create(&stub->thread, NULL, run, stub), 0);
    return stub;
}

struct pubsub_stub *pubsub_stub_start(const struct pubsub_answer *answers, size_t count)
{
    return pubsub_stub_start_streams(NULL, 0, answers, count);
}

struct weft_pubsub_address pubsub_stub_address(const struct pubsub_stub *stub)
{
    return (struct weft_pubsub_address){.endpoint = stub->address, .plain = true};
}

size_t pubsub_stub_count(struct pubsub_stub *stub)
{
    return atomic_load(&stub->count);
}

static const struct request *request_of(struct pubsub_stub *stub, size_t index)
{
    ck_assert_uint_lt(index, pubsub_stub_count(stub));
    return &stub->requests[index];
}

const char *pubsub_stub_request(struct pubsub_stub *stub, size_t index)
{
    return request_of(stub, index)->text;
}

size_t pubsub_stub_request_size(struct pubsub_stub *stub, size_t index)
{
    return request_of(stub, index)->size;
}

size_t pubsub_stub_streams(struct pubsub_stub *stub)
{
    return atomic_load(&stub->opened);
}

void pubsub_stub_stop(struct pubsub_stub *stub)
{
    grpc_server_shutdown_and_notify(stub->server, stub->queue, stub);
    grpc_server_cancel_all_calls(stub->server);
    pthread_join(stub->thread, NULL);
    grpc_completion_queue_shutdown(stub->queue);
    while (grpc_completion_queue_next(stub->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
           GRPC_QUEUE_SHUTDOWN)
        ;
    grpc_server_destroy(stub->server);
    grpc_completion_queue_destroy(stub->queue);
    grpc_shutdown_blocking();
    free(stub);
}
