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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pubsub-bridge/pubsub.pb-c.h"

enum { REQUESTS_MAX = 100, TEXT_MAX = 1000 };

struct pubsub_stub {
    const struct pubsub_answer *answers;
    size_t answer_count;
    char address[32];
    grpc_server *server;
    grpc_completion_queue *queue;
    pthread_t thread;
    atomic_size_t count; /* requests before it are not written any more */
    char requests[REQUESTS_MAX][TEXT_MAX];
};

/* Waits for the one operation that is under way. Gives its tag. */
static void *wait(struct pubsub_stub *stub)
{
    grpc_event event = grpc_completion_queue_next(stub->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    return event.tag;
}

static void append(char text[TEXT_MAX], const void *bytes, size_t size)
{
    size_t length = strlen(text);
    snprintf(text + length, TEXT_MAX - length, "%s%.*s", length ? " " : "", (int)size, (const char *)bytes);
}

/* Writes down what was asked; gives the answer of a call that succeeds. */
static grpc_slice serve(const char *method, const uint8_t *bytes, size_t size, char text[TEXT_MAX])
{
    if (strstr(method, "/Publish")) {
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
    Pubsub__AcknowledgeRequest *request = pubsub__acknowledge_request__unpack(NULL, size, bytes);
    for (size_t i = 0; i < request->n_ack_ids; i++)
        append(text, request->ack_ids[i], strlen(request->ack_ids[i]));
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

static void answer_call(struct pubsub_stub *stub, grpc_call *call, const char *method)
{
    static const struct pubsub_answer success = {.code = GRPC_STATUS_OK};
    size_t index = atomic_load(&stub->count);
    const struct pubsub_answer *answer = index < stub->answer_count ? &stub->answers[index] : &success;
    grpc_byte_buffer *request = NULL;
    const grpc_op receive = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &request};
    grpc_call_start_batch(call, &receive, 1, call, NULL);
    wait(stub);
    ck_assert(request && index < REQUESTS_MAX);
    grpc_byte_buffer_reader reader;
    grpc_byte_buffer_reader_init(&reader, request);
    grpc_slice bytes = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    grpc_byte_buffer_destroy(request);
    grpc_slice reply = serve(method, GRPC_SLICE_START_PTR(bytes), GRPC_SLICE_LENGTH(bytes), stub->requests[index]);
    grpc_slice_unref(bytes);
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&reply, 1);
    grpc_metadata trailer = {.key = grpc_slice_from_static_string("grpc-status-details-bin"),
                             .value = answer->id ? details_of(answer) : grpc_empty_slice()};
    grpc_slice said = grpc_slice_from_static_string("as the script says");
    int cancelled;
    grpc_op ops[4] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_RECV_CLOSE_ON_SERVER, .data.recv_close_on_server.cancelled = &cancelled},
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
         .data.send_status_from_server = {.trailing_metadata_count = answer->id ? 1 : 0,
                                          .trailing_metadata = &trailer,
                                          .status = (grpc_status_code)answer->code,
                                          .status_details = &said}},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = message},
    };
    atomic_store(&stub->count, index + 1);
    grpc_call_start_batch(call, ops, answer->code == GRPC_STATUS_OK ? 4 : 3, call, NULL);
    wait(stub);
    grpc_byte_buffer_destroy(message);
    grpc_slice_unref(reply);
    grpc_slice_unref(trailer.value);
    grpc_call_unref(call);
}

static void *run(void *arg)
{
    struct pubsub_stub *stub = arg;
    for (;;) {
        grpc_call *call = NULL;
        grpc_call_details details;
        grpc_metadata_array metadata;
        grpc_call_details_init(&details);
        grpc_metadata_array_init(&metadata);
        grpc_server_request_call(stub->server, &call, &details, &metadata, stub->queue, stub->queue, &details);
        void *tag = wait(stub);
        if (call) {
            char *method = grpc_slice_to_c_string(details.method);
            answer_call(stub, call, method);
            gpr_free(method);
        }
        grpc_call_details_destroy(&details);
        grpc_metadata_array_destroy(&metadata);
        if (tag == stub || !call)
            return NULL;
    }
}

struct pubsub_stub *pubsub_stub_start(const struct pubsub_answer *answers, size_t count)
{
    struct pubsub_stub *stub = calloc(1, sizeof *stub);
    ck_assert_ptr_nonnull(stub);
    stub->answers = answers;
    stub->answer_count = count;
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
    ck_assert_int_eq(pthread_create(&stub->thread, NULL, run, stub), 0);
    return stub;
}

struct weft_pubsub_address pubsub_stub_address(const struct pubsub_stub *stub)
{
    return (struct weft_pubsub_address){.endpoint = stub->address, .plain = true};
}

size_t pubsub_stub_count(struct pubsub_stub *stub)
{
    return atomic_load(&stub->count);
}

const char *pubsub_stub_request(struct pubsub_stub *stub, size_t index)
{
    ck_assert_uint_lt(index, pubsub_stub_count(stub));
    return stub->requests[index];
}

void pubsub_stub_stop(struct pubsub_stub *stub)
{
    /* The call that is waited for ends without one, before or after the server has shut down. */
    grpc_server_shutdown_and_notify(stub->server, stub->queue, stub);
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
