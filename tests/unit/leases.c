#include "pubsub-bridge/leases.h"

#include <grpc/status.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "support/pubsub_stub.h"
#include "support/suite.h"

struct fixture {
    struct pubsub_stub *stub;
    struct weft_rpc *rpc;
    struct weft_leases *leases;
};

static struct fixture begin(const struct pubsub_answer *answers, size_t count)
{
    struct weft_error err = {0};
    struct fixture f = {.stub = pubsub_stub_start(answers, count)};
    struct weft_pubsub_address address = pubsub_stub_address(f.stub);
    f.rpc = weft_rpc_new(&address, &err);
    ck_assert_msg(f.rpc != NULL, "%s", err.message);
    const struct weft_leases_config config = {
        .rpc = f.rpc, .subscription = "projects/p/subscriptions/s", .ack_deadline_s = 60};
    f.leases = weft_leases_new(&config, &err);
    ck_assert_ptr_nonnull(f.leases);
    return f;
}

static void end(struct fixture *f)
{
    weft_rpc_destroy(f->rpc);
    weft_leases_destroy(f->leases);
    pubsub_stub_stop(f->stub);
}

/* Acknowledges the ids and waits until each has its answer; what pumping gave last. */
static int acknowledge(struct fixture *f, const char *const *ids, struct weft_error *err)
{
    int result = 0;
    for (; *ids; ids++)
        ck_assert_int_eq(weft_leases_ack(f->leases, *ids, err), 0);
    while (result == 0 && weft_leases_open(f->leases) > 0) {
        result = weft_leases_pump(f->leases, weft_clock_ms(), err);
        weft_rpc_serve(f->rpc, 10);
    }
    return result == 0 ? weft_leases_pump(f->leases, weft_clock_ms(), err) : result;
}

START_TEST(acknowledgements_go_together)
{
    struct weft_error err = {0};
    struct fixture f = begin(NULL, 0);
    ck_assert_int_eq(acknowledge(&f, (const char *[]){"a", "b", "c", NULL}, &err), 0);
    ck_assert_uint_eq(pubsub_stub_count(f.stub), 1);
    ck_assert_str_eq(pubsub_stub_request(f.stub, 0), "a b c");
    ck_assert_uint_eq(weft_leases_acknowledged(f.leases), 3);
    end(&f);
}
END_TEST

START_TEST(an_id_that_failed_in_passing_is_sent_again_alone)
{
    static const struct pubsub_answer script[] = {
        {GRPC_STATUS_INTERNAL, "b", "TRANSIENT_FAILURE_UNORDERED_ACK_ID"},
        {GRPC_STATUS_UNAVAILABLE, "b", "TRANSIENT_FAILURE_SERVICE_UNAVAILABLE"},
    };
    struct weft_error err = {0};
    struct fixture f = begin(script, 2);
    ck_assert_int_eq(acknowledge(&f, (const char *[]){"a", "b", "c", NULL}, &err), 0);
    ck_assert_uint_eq(pubsub_stub_count(f.stub), 3);
    ck_assert_str_eq(pubsub_stub_request(f.stub, 1), "b");
    ck_assert_str_eq(pubsub_stub_request(f.stub, 2), "b");
    end(&f);
}
END_TEST

START_TEST(an_id_that_came_too_late_is_forgotten)
{
    static const struct pubsub_answer script[] = {
        {GRPC_STATUS_FAILED_PRECONDITION, "a", "PERMANENT_FAILURE_INVALID_ACK_ID"}};
    struct weft_error err = {0};
    struct fixture f = begin(script, 1);
    ck_assert_int_eq(acknowledge(&f, (const char *[]){"a", "b", NULL}, &err), 0);
    ck_assert_uint_eq(pubsub_stub_count(f.stub), 1);
    end(&f);
}
END_TEST

START_TEST(what_was_acknowledged_beside_a_failure_counts)
{
    static const struct pubsub_answer script[] = {
        {GRPC_STATUS_FAILED_PRECONDITION, "a", "PERMANENT_FAILURE_INVALID_ACK_ID"}};
    struct weft_error err = {0};
    struct fixture f = begin(script, 1);
    ck_assert_int_eq(acknowledge(&f, (const char *[]){"a", "b", "c", NULL}, &err), 0);
    ck_assert_uint_eq(weft_leases_acknowledged(f.leases), 2);
    end(&f);
}
END_TEST

START_TEST(calls_that_fail_in_passing_are_made_again)
{
    static const struct pubsub_answer script[] = {{.code = GRPC_STATUS_DEADLINE_EXCEEDED},
                                                  {.code = GRPC_STATUS_RESOURCE_EXHAUSTED},
                                                  {.code = GRPC_STATUS_ABORTED},
                                                  {.code = GRPC_STATUS_INTERNAL},
                                                  {.code = GRPC_STATUS_UNAVAILABLE}};
    struct weft_error err = {0};
    struct fixture f = begin(script, 5);
    ck_assert_int_eq(acknowledge(&f, (const char *[]){"a", "b", NULL}, &err), 0);
    ck_assert_uint_eq(pubsub_stub_count(f.stub), 6);
    ck_assert_str_eq(pubsub_stub_request(f.stub, 5), "a b");
    end(&f);
}
END_TEST

/* Sends what is due by then, and waits until so many calls in all have been answered. */
static void pump_until(struct fixture *f, int64_t now_ms, size_t calls)
{
    struct weft_error err = {0};
    ck_assert_int_eq(weft_leases_pump(f->leases, now_ms, &err), 0);
    while (pubsub_stub_count(f->stub) < calls)
        weft_rpc_serve(f->rpc, 10);
    while (weft_rpc_failures(f->rpc) < calls)
        weft_rpc_serve(f->rpc, 10);
}

START_TEST(an_extension_is_sent_again_until_the_next_one_stands_for_it)
{
    static const struct pubsub_answer script[] = {
        {.code = GRPC_STATUS_UNAVAILABLE}, {.code = GRPC_STATUS_UNAVAILABLE}, {.code = GRPC_STATUS_UNAVAILABLE}};
    struct weft_error err = {0};
    struct fixture f = begin(script, 3);
    int64_t now_ms = weft_clock_ms();
    ck_assert_int_eq(weft_leases_extend(f.leases, "a", &err), 0);
    pump_until(&f, now_ms + 1000, 1);
    pump_until(&f, now_ms + 10000, 2);
    ck_assert_int_eq(weft_leases_pump(f.leases, now_ms + 40000, &err), 0); /* half of 60 s is over */
    ck_assert_int_eq(weft_leases_extend(f.leases, "b", &err), 0);
    pump_until(&f, now_ms + 50000, 3);
    ck_assert_str_eq(pubsub_stub_request(f.stub, 1), "60: a");
    ck_assert_str_eq(pubsub_stub_request(f.stub, 2), "60: b");
    end(&f);
}
END_TEST

START_TEST(a_subscription_that_is_gone_ends_it)
{
    static const struct pubsub_answer script[] = {{.code = GRPC_STATUS_NOT_FOUND}};
    struct weft_error err = {0};
    struct fixture f = begin(script, 1);
    ck_assert_int_eq(acknowledge(&f, (const char *[]){"a", NULL}, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.message, "projects/p/subscriptions/s"));
    end(&f);
}
END_TEST

START_TEST(no_request_is_larger_than_pubsub_takes)
{
    enum { IDS = 3000, ID_SIZE = 900, REQUEST_MAX = 512 << 10 };
    struct weft_error err = {0};
    char id[ID_SIZE + 1];
    struct fixture f = begin(NULL, 0);
    for (int i = 0; i < IDS; i++) {
        snprintf(id, sizeof id, "%0*d", ID_SIZE, i);
        ck_assert_int_eq(weft_leases_ack(f.leases, id, &err), 0);
    }
    ck_assert_int_eq(acknowledge(&f, (const char *[]){NULL}, &err), 0);
    ck_assert_uint_eq(weft_leases_acknowledged(f.leases), IDS);
    size_t all = 0;
    for (size_t i = 0; i < pubsub_stub_count(f.stub); i++) {
        ck_assert_uint_le(pubsub_stub_request_size(f.stub, i), REQUEST_MAX);
        all += pubsub_stub_request_size(f.stub, i);
    }
    ck_assert_uint_gt(all, IDS * ID_SIZE);
    end(&f);
}
END_TEST

SUITE("leases", TEST(acknowledgements_go_together), TEST(an_id_that_failed_in_passing_is_sent_again_alone),
      TEST(an_id_that_came_too_late_is_forgotten), TEST(what_was_acknowledged_beside_a_failure_counts),
      TEST(calls_that_fail_in_passing_are_made_again),
      TEST(an_extension_is_sent_again_until_the_next_one_stands_for_it), TEST(a_subscription_that_is_gone_ends_it),
      TEST(no_request_is_larger_than_pubsub_takes))
