#include "streams/worker.h"

#include <string.h>

#include "base/clock.h"
#include "support/mock_cluster.h"
#include "support/suite.h"

enum { REQUESTS = 5, LOOK_MS = 10 };

/* A worker at a mock cluster whose requests are none: each becomes a dead letter, and no registry is asked. */
struct fixture {
    struct mock_cluster *mock;
    struct weft_registry *registry;
    struct weft_request_reader *reader;
    struct weft_serving *serving;
    struct weft_worker *worker;
    struct weft_error err;
};

static void set_up(struct fixture *f)
{
    static const char *const models[WEFT_SERVING_ROLES] = {WEFT_SOURCE_DIR "/tests/data/models/trivial.onnx"};
    const struct weft_registry_config registry = {.url = "http://127.0.0.1:1"};
    *f = (struct fixture){.mock = mock_cluster_new()};
    f->registry = weft_registry_new(&registry, &f->err);
    f->reader = weft_request_reader_new(f->registry, &f->err);
    f->serving = weft_serving_new(models, NULL, &f->err);
    ck_assert_msg(f->serving != NULL, "%s", f->err.message);
    mock_cluster_fill(f->mock, "in", REQUESTS);
}

static void start(struct fixture *f)
{
    const struct weft_worker_config config = {
        .settings = mock_cluster_settings(f->mock),
        .serving = f->serving,
        .reader = f->reader,
        .processor = "predict",
        .source = "in",
        .sink = "out",
        .dead_letters = "in.dead",
        .group = "group",
        .instance = "instance",
    };
    f->worker = weft_worker_start(&config, &f->err);
    ck_assert_msg(f->worker != NULL, "%s", f->err.message);
}

static struct weft_worker_status await_end(struct fixture *f)
{
    struct weft_worker_status status;
    for (weft_worker_status(f->worker, &status); !status.ended; weft_worker_status(f->worker, &status))
        weft_clock_sleep_ms(LOOK_MS);
    return status;
}

static void tear_down(struct fixture *f)
{
    weft_worker_destroy(f->worker);
    weft_serving_destroy(f->serving);
    weft_request_reader_destroy(f->reader);
    weft_registry_destroy(f->registry);
    mock_cluster_destroy(f->mock);
}

START_TEST(aborts_in_a_row_are_spaced_out_and_end_the_worker)
{
    struct fixture f;
    set_up(&f);
    mock_cluster_fail(f.mock, MOCK_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, 100);
    int64_t begun_ms = weft_clock_ms();
    start(&f);
    struct weft_worker_status status = await_end(&f);
    ck_assert_uint_eq(status.aborts, 5);
    ck_assert_uint_eq(status.commits, 0);
    ck_assert_msg(strstr(status.failure.message, "5 transactions in a row were aborted") != NULL, "%s",
                  status.failure.message);
    ck_assert_int_ge(weft_clock_ms() - begun_ms, 100 + 200 + 400 + 800);
    tear_down(&f);
}
END_TEST

/* Until all requests have been answered; stops it, too. */
static struct weft_worker_status await_answers(struct fixture *f)
{
    struct weft_worker_status status;
    do {
        weft_clock_sleep_ms(LOOK_MS);
        weft_worker_status(f->worker, &status);
    } while (status.dead_letters < REQUESTS && !status.ended);
    weft_worker_stop(f->worker, false);
    status = await_end(f);
    ck_assert_msg(status.failure.class == WEFT_ERROR_NONE, "%s", status.failure.message);
    ck_assert_uint_eq(status.dead_letters, REQUESTS);
    return status;
}

START_TEST(after_fewer_aborts_the_work_goes_on)
{
    struct fixture f;
    set_up(&f);
    mock_cluster_fail(f.mock, MOCK_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, 3);
    start(&f);
    ck_assert_uint_eq(await_answers(&f).aborts, 3);
    tear_down(&f);
}
END_TEST

START_TEST(a_coordinator_that_moves_at_an_assignment_is_asked_again)
{
    struct fixture f;
    set_up(&f);
    mock_cluster_fail(f.mock, MOCK_OFFSET_FETCH, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, 3);
    start(&f);
    ck_assert_uint_eq(await_answers(&f).aborts, 0);
    tear_down(&f);
}
END_TEST

SUITE("worker", TEST(aborts_in_a_row_are_spaced_out_and_end_the_worker), TEST(after_fewer_aborts_the_work_goes_on),
      TEST(a_coordinator_that_moves_at_an_assignment_is_asked_again))
