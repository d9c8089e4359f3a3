#include "pubsub-bridge/subscriber.h"

#include <grpc/status.h>
#include <stdio.h>
#include <string.h>

#include "support/pubsub_stub.h"
#include "support/suite.h"

enum { HELD_MAX = 1000, TIMEOUT_MS = 60000 };

struct fixture {
    struct pubsub_stub *stub;
    struct weft_rpc *rpc;
    struct weft_subscriber *subscriber;
    struct weft_received *held[HELD_MAX];
    size_t count;
    struct weft_error err;
};

struct script {
    const struct pubsub_stream *streams;
    size_t stream_count;
    const struct pubsub_answer *answers;
    size_t answer_count;
    size_t items_max;   /* 0: as many as there are */
    int ack_deadline_s; /* 0: so long that nothing is extended */
};

static void begin(struct fixture *f, const struct script *script)
{
    *f = (struct fixture){.stub = pubsub_stub_start_streams(script->streams, script->stream_count, script->answers,
                                                            script->answer_count)};
    struct weft_pubsub_address address = pubsub_stub_address(f->stub);
    f->rpc = weft_rpc_new(&address, &f->err);
    ck_assert_msg(f->rpc != NULL, "%s", f->err.message);
    const struct weft_subscriber_config config = {
        .rpc = f->rpc,
        .subscription = "projects/p/subscriptions/s",
        .streams = 1,
        .ack_deadline_s = script->ack_deadline_s ? script->ack_deadline_s : 600,
        .items_max = script->items_max ? script->items_max : HELD_MAX,
        .bytes_max = 64 << 20,
    };
    f->subscriber = weft_subscriber_new(&config, &f->err);
    ck_assert_ptr_nonnull(f->subscriber);
}

static void end(struct fixture *f)
{
    weft_rpc_destroy(f->rpc);
    weft_subscriber_destroy(f->subscriber);
    pubsub_stub_stop(f->stub);
}

/* One round of what a bridge does: takes what has come. */
static int turn(struct fixture *f)
{
    struct weft_received *received;
    int result = weft_subscriber_pump(f->subscriber, &f->err);
    weft_rpc_serve(f->rpc, 10);
    while ((received = weft_subscriber_next(f->subscriber)) != NULL) {
        ck_assert_uint_lt(f->count, HELD_MAX);
        f->held[f->count++] = received;
    }
    return result;
}

/* Until so many messages have come; 0, or -1 when it cannot go on. */
static int await(struct fixture *f, size_t count)
{
    int result = 0;
    while (result == 0 && f->count < count)
        result = turn(f);
    return result;
}

static struct weft_subscriber_counts counts_of(const struct fixture *f)
{
    struct weft_subscriber_counts counts;
    weft_subscriber_counts(f->subscriber, &counts);
    return counts;
}

static void ack_all(struct fixture *f)
{
    for (size_t i = 0; i < f->count; i++)
        weft_subscriber_ack(f->subscriber, f->held[i]);
    f->count = 0;
    while (counts_of(f).items > 0)
        ck_assert_int_eq(turn(f), 0);
}

/* How many requests have been this one. */
static size_t count_requests(struct fixture *f, const char *text)
{
    size_t count = 0;
    for (size_t i = 0; i < pubsub_stub_count(f->stub); i++)
        count += strcmp(pubsub_stub_request(f->stub, i), text) == 0;
    return count;
}

/* A stream that ends half-way so: what it brought stays, and another brings the rest. */
static void check_opened_again(int code)
{
    const struct pubsub_stream streams[] = {{.responses = 1, .messages = 2, .then = PUBSUB_ENDS, .code = code},
                                            {.responses = 2, .messages = 1, .then = PUBSUB_STAYS}};
    struct fixture f;
    begin(&f, &(struct script){.streams = streams, .stream_count = 2});
    ck_assert_int_eq(await(&f, 4), 0);
    ck_assert_uint_eq(pubsub_stub_streams(f.stub), 2);
    for (int i = 0; i < 4; i++) {
        char id[16];
        snprintf(id, sizeof id, "m%d", i + 1);
        ck_assert_str_eq(f.held[i]->message->message_id, id);
    }
    ack_all(&f);
    ck_assert_uint_eq(counts_of(&f).acknowledged, 4);
    end(&f);
}

START_TEST(a_stream_that_ends_in_good_order_is_opened_again)
{
    check_opened_again(GRPC_STATUS_OK);
}
END_TEST

START_TEST(a_stream_that_breaks_half_way_is_opened_again)
{
    static const int codes[] = {GRPC_STATUS_DEADLINE_EXCEEDED, GRPC_STATUS_RESOURCE_EXHAUSTED, GRPC_STATUS_ABORTED,
                                GRPC_STATUS_INTERNAL, GRPC_STATUS_UNAVAILABLE};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        check_opened_again(codes[i]);
}
END_TEST

START_TEST(a_stream_that_breaks_again_and_again_is_opened_again)
{
    const struct pubsub_stream broken = {.then = PUBSUB_ENDS, .code = GRPC_STATUS_UNAVAILABLE};
    const struct pubsub_stream streams[] = {broken, broken, broken, broken, {.responses = 1, .messages = 1}};
    struct fixture f;
    begin(&f, &(struct script){.streams = streams, .stream_count = 5});
    ck_assert_int_eq(await(&f, 1), 0);
    ck_assert_uint_eq(pubsub_stub_streams(f.stub), 5);
    end(&f);
}
END_TEST

START_TEST(what_opening_again_does_not_mend_is_an_error)
{
    static const struct {
        int code;
        enum weft_error_class class;
        const char *message;
    } cases[] = {
        {GRPC_STATUS_NOT_FOUND, WEFT_ERROR_CONFIG,
         "projects/p/subscriptions/s: there is none (as the script says): make it with `weft topology apply`"},
        {GRPC_STATUS_PERMISSION_DENIED, WEFT_ERROR_REFUSED,
         "projects/p/subscriptions/s: not permitted (as the script says): docs/bridge.md lists the roles needed"},
        {GRPC_STATUS_UNAUTHENTICATED, WEFT_ERROR_REFUSED,
         "projects/p/subscriptions/s: the credentials were refused (as the script says)"},
        {GRPC_STATUS_FAILED_PRECONDITION, WEFT_ERROR_CONFIG,
         "projects/p/subscriptions/s: not possible as it is set up (as the script says)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct pubsub_stream stream = {.responses = 1, .messages = 1, .then = PUBSUB_ENDS, .code = cases[i].code};
        struct fixture f;
        begin(&f, &(struct script){.streams = &stream, .stream_count = 1});
        ck_assert_int_eq(await(&f, HELD_MAX), -1);
        ck_assert_int_eq(f.err.class, cases[i].class);
        ck_assert_str_eq(f.err.message, cases[i].message);
        ck_assert_uint_eq(pubsub_stub_streams(f.stub), 1);
        end(&f);
    }
}
END_TEST

#define UNKNOWN                                                                                                        \
    {                                                                                                                  \
        .then = PUBSUB_ENDS, .code = GRPC_STATUS_UNKNOWN                                                               \
    }

START_TEST(a_fault_that_nobody_knows_is_tried_some_times)
{
    const struct pubsub_stream streams[] = {UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN};
    struct fixture f;
    begin(&f, &(struct script){.streams = streams, .stream_count = 5});
    ck_assert_int_eq(await(&f, 1), -1);
    ck_assert_int_eq(f.err.class, WEFT_ERROR_UNAVAILABLE);
    ck_assert_uint_eq(pubsub_stub_streams(f.stub), 5);
    end(&f);
}
END_TEST

START_TEST(faults_of_streams_that_lived_for_long_do_not_add_up)
{
    const struct pubsub_stream lived = {.then = PUBSUB_ENDS, .code = GRPC_STATUS_UNKNOWN, .after_ms = 5100};
    const struct pubsub_stream streams[] = {UNKNOWN, UNKNOWN, UNKNOWN, lived,
                                            UNKNOWN, UNKNOWN, UNKNOWN, {.responses = 1, .messages = 1}};
    struct fixture f;
    begin(&f, &(struct script){.streams = streams, .stream_count = 8});
    ck_assert_int_eq(await(&f, 1), 0);
    ck_assert_uint_eq(pubsub_stub_streams(f.stub), 8);
    end(&f);
}
END_TEST

static const struct pubsub_stream three = {.responses = 1, .messages = 3, .then = PUBSUB_STAYS};

START_TEST(an_acknowledgement_that_fails_in_passing_is_sent_until_it_is_confirmed)
{
    static const struct pubsub_answer answers[] = {
        {GRPC_STATUS_FAILED_PRECONDITION, "a2", "TRANSIENT_FAILURE_UNORDERED_ACK_ID"},
        {GRPC_STATUS_FAILED_PRECONDITION, "a2", "TRANSIENT_FAILURE_SERVICE_UNAVAILABLE"}};
    struct fixture f;
    begin(&f, &(struct script){.streams = &three, .stream_count = 1, .answers = answers, .answer_count = 2});
    ck_assert_int_eq(await(&f, 3), 0);
    ack_all(&f);
    ck_assert_uint_eq(counts_of(&f).acknowledged, 3);
    ck_assert_uint_eq(pubsub_stub_count(f.stub), 3);
    ck_assert_str_eq(pubsub_stub_request(f.stub, 0), "a1 a2 a3");
    ck_assert_str_eq(pubsub_stub_request(f.stub, 2), "a2");
    end(&f);
}
END_TEST

START_TEST(an_acknowledgement_that_came_too_late_is_not_counted_and_not_repeated)
{
    static const struct pubsub_answer answers[] = {
        {GRPC_STATUS_FAILED_PRECONDITION, "a3", "PERMANENT_FAILURE_INVALID_ACK_ID"}};
    struct fixture f;
    begin(&f, &(struct script){.streams = &three, .stream_count = 1, .answers = answers, .answer_count = 1});
    ck_assert_int_eq(await(&f, 3), 0);
    ack_all(&f);
    ck_assert_uint_eq(counts_of(&f).acknowledged, 2);
    ck_assert_uint_eq(pubsub_stub_count(f.stub), 1);
    end(&f);
}
END_TEST

START_TEST(a_response_larger_than_the_librarys_default_is_taken)
{
    const struct pubsub_stream stream = {.responses = 1, .messages = 9, .size = 1 << 20, .then = PUBSUB_STAYS};
    struct fixture f;
    begin(&f, &(struct script){.streams = &stream, .stream_count = 1});
    ck_assert_int_eq(await(&f, 9), 0);
    ck_assert_uint_eq(f.held[8]->message->data.len, 1 << 20);
    ck_assert_uint_gt(counts_of(&f).bytes, 9 << 20);
    end(&f);
}
END_TEST

START_TEST(leases_are_extended_until_the_work_is_done)
{
    struct fixture f;
    begin(&f, &(struct script){.streams = &three, .stream_count = 1, .ack_deadline_s = 2});
    ck_assert_int_eq(await(&f, 3), 0);
    while (count_requests(&f, "2: a1 a2 a3") < 2)
        ck_assert_int_eq(turn(&f), 0);
    weft_subscriber_ack(f.subscriber, f.held[0]);
    while (count_requests(&f, "2: a2 a3") < 2)
        ck_assert_int_eq(turn(&f), 0);
    ck_assert_uint_eq(count_requests(&f, "a1"), 1);
    end(&f);
}
END_TEST

START_TEST(no_more_is_taken_than_there_is_room_for)
{
    const struct pubsub_stream stream = {.responses = 6, .messages = 1, .then = PUBSUB_STAYS};
    struct fixture f;
    begin(&f, &(struct script){.streams = &stream, .stream_count = 1, .items_max = 2});
    for (size_t taken = 0; taken < 6; taken += f.count) {
        f.count = 0;
        ck_assert_int_eq(await(&f, 2), 0);
        for (int i = 0; i < 10; i++) /* turns in which nothing may come */
            ck_assert_int_eq(turn(&f), 0);
        ck_assert_uint_eq(f.count, 2);
        for (size_t i = 0; i < f.count; i++)
            weft_subscriber_ack(f.subscriber, f.held[i]);
    }
    end(&f);
}
END_TEST

START_TEST(what_is_not_done_is_given_back_at_the_end)
{
    struct fixture f;
    begin(&f, &(struct script){.streams = &three, .stream_count = 1});
    ck_assert_int_eq(await(&f, 3), 0);
    weft_subscriber_ack(f.subscriber, f.held[1]);
    weft_subscriber_close(f.subscriber, TIMEOUT_MS);
    ck_assert_uint_eq(pubsub_stub_count(f.stub), 2);
    ck_assert_uint_eq(count_requests(&f, "a2"), 1);
    ck_assert_uint_eq(count_requests(&f, "0: a1 a3"), 1);
    ck_assert_uint_eq(counts_of(&f).items, 0);
    end(&f);
}
END_TEST

START_TEST(what_is_on_its_way_at_the_end_is_given_back_too)
{
    const struct pubsub_stream stream = {.responses = 3, .messages = 1, .then = PUBSUB_STAYS};
    struct fixture f;
    begin(&f, &(struct script){.streams = &stream, .stream_count = 1, .items_max = 1});
    ck_assert_int_eq(await(&f, 1), 0);
    weft_subscriber_close(f.subscriber, TIMEOUT_MS);
    ck_assert_uint_eq(pubsub_stub_count(f.stub), 1);
    ck_assert_str_eq(pubsub_stub_request(f.stub, 0), "0: a2 a3 a1");
    end(&f);
}
END_TEST

START_TEST(a_stream_that_does_not_end_is_cancelled)
{
    const struct pubsub_stream stream = {.responses = 1, .messages = 1, .then = PUBSUB_IS_DEAF};
    struct fixture f;
    begin(&f, &(struct script){.streams = &stream, .stream_count = 1});
    ck_assert_int_eq(await(&f, 1), 0);
    weft_subscriber_close(f.subscriber, TIMEOUT_MS / 10);
    ck_assert_uint_eq(count_requests(&f, "0: a1"), 1);
    end(&f);
}
END_TEST

START_TEST(a_stream_that_never_came_about_is_not_waited_for)
{
    struct fixture f;
    begin(&f, &(struct script){0});
    pubsub_stub_stop(f.stub);
    ck_assert_int_eq(turn(&f), 0);
    weft_subscriber_close(f.subscriber, INT32_MAX); /* a fourth of it would outlast the test */
    ck_assert_uint_eq(counts_of(&f).items, 0);
    weft_rpc_destroy(f.rpc);
    weft_subscriber_destroy(f.subscriber);
}
END_TEST

START_TEST(at_the_end_nobody_waits_for_a_server_that_is_not_there)
{
    struct fixture f;
    begin(&f, &(struct script){.streams = &three, .stream_count = 1});
    ck_assert_int_eq(await(&f, 3), 0);
    pubsub_stub_stop(f.stub);
    weft_subscriber_close(f.subscriber, 200);
    ck_assert_uint_eq(counts_of(&f).items, 3);
    weft_rpc_destroy(f.rpc);
    weft_subscriber_destroy(f.subscriber);
}
END_TEST

SUITE("subscriber", TEST(a_stream_that_ends_in_good_order_is_opened_again),
      TEST(a_stream_that_breaks_half_way_is_opened_again), TEST(a_stream_that_breaks_again_and_again_is_opened_again),
      TEST(what_opening_again_does_not_mend_is_an_error), TEST(a_fault_that_nobody_knows_is_tried_some_times),
      TEST(faults_of_streams_that_lived_for_long_do_not_add_up),
      TEST(an_acknowledgement_that_fails_in_passing_is_sent_until_it_is_confirmed),
      TEST(an_acknowledgement_that_came_too_late_is_not_counted_and_not_repeated),
      TEST(a_response_larger_than_the_librarys_default_is_taken), TEST(leases_are_extended_until_the_work_is_done),
      TEST(no_more_is_taken_than_there_is_room_for), TEST(what_is_not_done_is_given_back_at_the_end),
      TEST(what_is_on_its_way_at_the_end_is_given_back_too), TEST(a_stream_that_does_not_end_is_cancelled),
      TEST(a_stream_that_never_came_about_is_not_waited_for),
      TEST(at_the_end_nobody_waits_for_a_server_that_is_not_there))
