#include "pubsub-bridge/publisher.h"

#include <grpc/status.h>
#include <stdio.h>
#include <string.h>

#include "support/pubsub_stub.h"
#include "support/suite.h"

struct item {
    struct weft_lane_item lane;
    char text[8];
};

struct fixture {
    struct pubsub_stub *stub;
    struct weft_rpc *rpc;
    struct weft_publisher *publisher;
    struct item items[20];
    size_t count, published;
    char refused[100]; /* texts, joined by spaces */
};

static Pubsub__Message *on_message(struct weft_lane_item *lane, struct weft_arena *arena, void *arg,
                                   struct weft_error *err)
{
    (void)arg;
    (void)err;
    struct item *item = (struct item *)lane;
    Pubsub__Message *message = weft_arena_take(arena, sizeof *message);
    pubsub__message__init(message);
    message->data = (ProtobufCBinaryData){strlen(item->text), (uint8_t *)item->text};
    return message;
}

static void on_published(struct weft_lane_item *lane, void *arg)
{
    (void)lane;
    ((struct fixture *)arg)->published++;
}

static void on_refused(struct weft_lane_item *lane, const struct weft_error *why, void *arg)
{
    (void)why;
    struct fixture *f = arg;
    size_t length = strlen(f->refused);
    snprintf(f->refused + length, sizeof f->refused - length, "%s ", ((struct item *)lane)->text);
}

static void begin(struct fixture *f, const struct pubsub_answer *answers, size_t count)
{
    struct weft_error err = {0};
    *f = (struct fixture){.stub = pubsub_stub_start(answers, count)};
    struct weft_pubsub_address address = pubsub_stub_address(f->stub);
    f->rpc = weft_rpc_new(&address, &err);
    ck_assert_msg(f->rpc != NULL, "%s", err.message);
    const struct weft_publisher_config config = {
        .rpc = f->rpc,
        .topic = "projects/p/topics/t",
        .limits = {.batch_items = 3, .batch_bytes = 1000, .lane_batches = 1, .batches = 4},
        .events = {.message = on_message, .published = on_published, .refused = on_refused},
        .arg = f,
    };
    f->publisher = weft_publisher_new(&config, &err);
    ck_assert_ptr_nonnull(f->publisher);
}

static void end(struct fixture *f)
{
    weft_rpc_destroy(f->rpc);
    weft_publisher_destroy(f->publisher, NULL);
    pubsub_stub_stop(f->stub);
}

/* Publishes so many items of one ordering key, named 1, 2, ...; what pumping gave last. */
static int publish(struct fixture *f, size_t count, struct weft_error *err)
{
    struct weft_publisher_counts counts;
    for (; f->count < count; f->count++) {
        struct item *item = &f->items[f->count];
        snprintf(item->text, sizeof item->text, "%zu", f->count + 1);
        item->lane.size = strlen(item->text);
        ck_assert_int_eq(weft_publisher_add(f->publisher, "key", &item->lane, err), 0);
    }
    for (;;) {
        if (weft_publisher_pump(f->publisher, err) != 0)
            return -1;
        weft_publisher_counts(f->publisher, &counts);
        if (counts.items == 0)
            return 0;
        weft_rpc_serve(f->rpc, weft_publisher_wait_ms(f->publisher, 10));
    }
}

START_TEST(a_key_whose_batch_failed_is_sent_again_in_order_and_goes_on)
{
    static const struct pubsub_answer script[] = {{.code = GRPC_STATUS_DEADLINE_EXCEEDED},
                                                  {.code = GRPC_STATUS_RESOURCE_EXHAUSTED},
                                                  {.code = GRPC_STATUS_ABORTED},
                                                  {.code = GRPC_STATUS_INTERNAL},
                                                  {.code = GRPC_STATUS_UNAVAILABLE}};
    struct weft_error err = {0};
    struct fixture f;
    begin(&f, script, 5);
    ck_assert_int_eq(publish(&f, 7, &err), 0);
    ck_assert_uint_eq(pubsub_stub_count(f.stub), 5 + 3);
    for (size_t i = 0; i <= 5; i++)
        ck_assert_str_eq(pubsub_stub_request(f.stub, i), "1 2 3");
    ck_assert_str_eq(pubsub_stub_request(f.stub, 6), "4 5 6");
    ck_assert_str_eq(pubsub_stub_request(f.stub, 7), "7");
    ck_assert_uint_eq(f.published, 7);
    end(&f);
}
END_TEST

START_TEST(of_a_batch_that_is_refused_only_the_message_at_fault_is)
{
    static const struct pubsub_answer script[] = {
        {.code = GRPC_STATUS_INVALID_ARGUMENT}, {.code = GRPC_STATUS_OK}, {.code = GRPC_STATUS_INVALID_ARGUMENT}};
    struct weft_error err = {0};
    struct fixture f;
    begin(&f, script, 3);
    ck_assert_int_eq(publish(&f, 4, &err), 0);
    ck_assert_str_eq(f.refused, "2 ");
    ck_assert_uint_eq(f.published, 3);
    ck_assert_uint_eq(pubsub_stub_count(f.stub), 5);
    ck_assert_str_eq(pubsub_stub_request(f.stub, 3), "3");
    ck_assert_str_eq(pubsub_stub_request(f.stub, 4), "4");
    end(&f);
}
END_TEST

START_TEST(a_code_of_unknown_cause_is_tried_some_times_only)
{
    static const struct pubsub_answer script[] = {{.code = GRPC_STATUS_UNKNOWN}, {.code = GRPC_STATUS_UNKNOWN},
                                                  {.code = GRPC_STATUS_UNKNOWN}, {.code = GRPC_STATUS_UNKNOWN},
                                                  {.code = GRPC_STATUS_UNKNOWN}, {.code = GRPC_STATUS_UNKNOWN}};
    struct weft_error err = {0};
    struct fixture f;
    begin(&f, script, 6);
    ck_assert_int_eq(publish(&f, 1, &err), -1);
    ck_assert_uint_eq(pubsub_stub_count(f.stub), 5);
    ck_assert_uint_eq(f.published, 0);
    end(&f);
}
END_TEST

START_TEST(a_topic_that_is_gone_or_forbidden_ends_it)
{
    static const struct pubsub_answer gone[] = {{.code = GRPC_STATUS_NOT_FOUND}},
                                      forbidden[] = {{.code = GRPC_STATUS_PERMISSION_DENIED}};
    struct weft_error err = {0};
    struct fixture f;
    begin(&f, gone, 1);
    ck_assert_int_eq(publish(&f, 1, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    end(&f);
    begin(&f, forbidden, 1);
    ck_assert_int_eq(publish(&f, 1, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_REFUSED);
    ck_assert_ptr_nonnull(strstr(err.message, "projects/p/topics/t"));
    end(&f);
}
END_TEST

SUITE("publisher", TEST(a_key_whose_batch_failed_is_sent_again_in_order_and_goes_on),
      TEST(of_a_batch_that_is_refused_only_the_message_at_fault_is),
      TEST(a_code_of_unknown_cause_is_tried_some_times_only), TEST(a_topic_that_is_gone_or_forbidden_ends_it))
