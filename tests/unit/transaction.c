#include "streams/transaction.h"

#include <stdatomic.h>
#include <string.h>

#include "streams/deadletter.h"
#include "support/mock_cluster.h"
#include "support/suite.h"

enum { REQUESTS = 6, POLL_MS = 10000, COMMIT_MS = 5500 /* more than CALL_TIMEOUT_MS of transaction.c */ };

/* A transactor, a consumer that is member of nothing, and a batch of REQUESTS records of topic "in", read from the mock
 * cluster; half of them answered with results, half with dead letters. */
struct fixture {
    struct mock_cluster *mock;
    struct weft_transactor *transactor;
    struct weft_client *consumer;
    rd_kafka_topic_t *source;
    struct weft_batch batch;
    atomic_bool abort;
    struct weft_error err;
};

static void set_up_on(struct fixture *f, struct mock_cluster *mock)
{
    *f = (struct fixture){.mock = mock};
    const struct weft_client_options consumer = {.role = WEFT_KAFKA_SOURCE, .group_id = "group"};
    f->consumer = weft_client_new(mock_cluster_settings(f->mock), &consumer, NULL, &f->err);
    ck_assert_msg(f->consumer != NULL, "%s", f->err.message);
    const struct weft_transactor_config config = {
        .settings = mock_cluster_settings(f->mock),
        .transactional_id = "group-instance-0",
        .processor = "predict",
        .sink = "out",
        .dead_letters = "in.dead",
        .abort = &f->abort,
    };
    f->transactor = weft_transactor_new(&config, &f->err);
    ck_assert_msg(f->transactor != NULL, "%s", f->err.message);
    ck_assert_int_eq(weft_batch_init(&f->batch, REQUESTS), 0);
    mock_cluster_fill(f->mock, "in", REQUESTS);
    f->source = rd_kafka_topic_new(weft_client_handle(f->consumer), "in", NULL);
    ck_assert_int_eq(rd_kafka_consume_start(f->source, 0, RD_KAFKA_OFFSET_BEGINNING), 0);
    while (f->batch.count < REQUESTS) {
        rd_kafka_message_t *message = rd_kafka_consume(f->source, 0, POLL_MS);
        ck_assert_ptr_nonnull(message);
        ck_assert_int_eq(message->err, RD_KAFKA_RESP_ERR_NO_ERROR);
        weft_batch_add(&f->batch, message);
    }
    for (size_t i = 0; i < REQUESTS; i++)
        f->batch.answers[i] = i % 2 ? (struct weft_scorer_answer){.bytes = (const uint8_t *)"result", .size = 6}
                                    : (struct weft_scorer_answer){.error_class = "corrupt", .reason = "a reason"};
}

static void set_up(struct fixture *f)
{
    set_up_on(f, mock_cluster_new());
}

static void tear_down(struct fixture *f)
{
    weft_batch_destroy(&f->batch);
    rd_kafka_consume_stop(f->source, 0);
    rd_kafka_topic_destroy(f->source);
    weft_transactor_destroy(f->transactor);
    weft_client_destroy(f->consumer);
    mock_cluster_destroy(f->mock);
}

static enum weft_verdict claim(struct fixture *f)
{
    enum weft_verdict verdict = WEFT_VERDICT_RETRY;
    for (int i = 0; i < 10 && verdict == WEFT_VERDICT_RETRY; i++)
        verdict = weft_transactor_claim(f->transactor, &f->err);
    return verdict;
}

static enum weft_verdict run(struct fixture *f)
{
    return weft_transactor_run(f->transactor, &f->batch, weft_client_handle(f->consumer), &f->err);
}

/* The library's first transaction after a refused batch fails too, as its sequence numbers have a gap. */
static enum weft_verdict run_again(struct fixture *f)
{
    enum weft_verdict verdict = run(f);
    return verdict == WEFT_VERDICT_ABORT ? run(f) : verdict;
}

static void expect(struct fixture *f, enum weft_verdict got, enum weft_verdict wanted)
{
    ck_assert_msg(got == wanted, "%s instead of %s: %s", weft_verdict_name(got), weft_verdict_name(wanted),
                  f->err.message);
}

START_TEST(results_and_dead_letters_are_written_in_one_transaction)
{
    struct fixture f;
    set_up(&f);
    expect(&f, claim(&f), WEFT_VERDICT_DONE);
    expect(&f, run(&f), WEFT_VERDICT_DONE);
    ck_assert_int_eq(mock_cluster_count(f.mock, "out"), REQUESTS / 2);
    ck_assert_int_eq(mock_cluster_count(f.mock, "in.dead"), REQUESTS / 2);
    tear_down(&f);
}
END_TEST

START_TEST(a_coordinator_that_is_loading_is_asked_again)
{
    struct fixture f;
    set_up(&f);
    mock_cluster_fail(f.mock, MOCK_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, 2);
    expect(&f, claim(&f), WEFT_VERDICT_DONE);
    mock_cluster_fail(f.mock, MOCK_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, 2);
    mock_cluster_fail(f.mock, MOCK_END_TXN, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, 2);
    expect(&f, run(&f), WEFT_VERDICT_DONE);
    tear_down(&f);
}
END_TEST

START_TEST(an_unknown_member_aborts_and_the_next_transaction_works)
{
    struct fixture f;
    set_up(&f);
    expect(&f, claim(&f), WEFT_VERDICT_DONE);
    mock_cluster_fail(f.mock, MOCK_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, 1);
    expect(&f, run(&f), WEFT_VERDICT_ABORT);
    ck_assert_ptr_nonnull(strstr(f.err.message, "adding the offsets"));
    expect(&f, run(&f), WEFT_VERDICT_DONE);
    tear_down(&f);
}
END_TEST

START_TEST(a_fenced_producer_ends_though_the_library_calls_it_abortable)
{
    struct fixture f;
    set_up(&f);
    expect(&f, claim(&f), WEFT_VERDICT_DONE);
    mock_cluster_fail(f.mock, MOCK_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, 1);
    expect(&f, run(&f), WEFT_VERDICT_FENCED);
    ck_assert_int_eq(f.err.class, WEFT_ERROR_FENCED);
    tear_down(&f);
}
END_TEST

START_TEST(a_producer_fenced_at_the_commit_ends)
{
    struct fixture f;
    set_up(&f);
    expect(&f, claim(&f), WEFT_VERDICT_DONE);
    mock_cluster_fail(f.mock, MOCK_END_TXN, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, 1);
    expect(&f, run(&f), WEFT_VERDICT_FENCED);
    tear_down(&f);
}
END_TEST

START_TEST(a_missing_right_on_the_transactional_id_is_fatal_and_named)
{
    struct fixture f;
    set_up(&f);
    mock_cluster_fail(f.mock, MOCK_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 1);
    expect(&f, claim(&f), WEFT_VERDICT_FATAL);
    ck_assert_int_eq(f.err.class, WEFT_ERROR_REFUSED);
    tear_down(&f);
}
END_TEST

START_TEST(a_batch_that_its_topic_refuses_as_too_large_is_sent_in_smaller_ones)
{
    struct fixture f;
    set_up(&f);
    expect(&f, claim(&f), WEFT_VERDICT_DONE);
    mock_cluster_fail(f.mock, MOCK_PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 1);
    expect(&f, run(&f), WEFT_VERDICT_ADAPT);
    ck_assert_ptr_nonnull(strstr(f.err.message, "refused 3 records together"));
    expect(&f, run_again(&f), WEFT_VERDICT_DONE);
    tear_down(&f);
}
END_TEST

START_TEST(a_result_that_its_topic_refuses_becomes_a_dead_letter)
{
    struct fixture f;
    set_up(&f);
    expect(&f, claim(&f), WEFT_VERDICT_DONE);
    while (f.batch.count > 1)
        rd_kafka_message_destroy(f.batch.messages[--f.batch.count]);
    f.batch.answers[0] = f.batch.answers[1]; /* a result */
    mock_cluster_fail(f.mock, MOCK_PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 1);
    expect(&f, run(&f), WEFT_VERDICT_ADAPT);
    ck_assert_ptr_nonnull(strstr(f.err.message, "refused a record"));
    expect(&f, run_again(&f), WEFT_VERDICT_DONE);
    ck_assert_ptr_null(f.batch.answers[0].bytes);
    ck_assert_str_eq(f.batch.answers[0].error_class, "corrupt");
    ck_assert_int_eq(mock_cluster_count(f.mock, "in.dead"), 1);
    tear_down(&f);
}
END_TEST

START_TEST(a_dead_letter_that_had_to_leave_its_key_behind_says_so_though_its_value_is_empty)
{
    struct fixture f;
    rd_kafka_headers_t *headers;
    struct weft_deadletter says;
    static char key[2 << 20]; /* more than message.max.bytes */
    struct mock_cluster *mock = mock_cluster_new();
    mock_cluster_set(mock, "message.max.bytes=1000000");
    set_up_on(&f, mock);
    expect(&f, claim(&f), WEFT_VERDICT_DONE);
    rd_kafka_message_t *request = f.batch.messages[0];
    request->payload = NULL;
    request->len = 0;
    request->key = key;
    request->key_len = sizeof key;
    expect(&f, run(&f), WEFT_VERDICT_DONE);

    rd_kafka_topic_t *topic = rd_kafka_topic_new(weft_client_handle(f.consumer), "in.dead", NULL);
    ck_assert_int_eq(rd_kafka_consume_start(topic, 0, RD_KAFKA_OFFSET_BEGINNING), 0);
    rd_kafka_message_t *letter = rd_kafka_consume(topic, 0, POLL_MS);
    ck_assert_ptr_nonnull(letter);
    ck_assert_int_eq(rd_kafka_message_headers(letter, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
    weft_deadletter_read(headers, &says);
    ck_assert_int_eq(says.offset, request->offset);
    ck_assert_uint_eq(letter->key_len, 0);
    ck_assert_int_eq(says.value_size, 0);
    rd_kafka_message_destroy(letter);
    rd_kafka_consume_stop(topic, 0);
    rd_kafka_topic_destroy(topic);
    tear_down(&f);
}
END_TEST

START_TEST(a_commit_that_takes_longer_than_one_call_waits_is_waited_for)
{
    struct fixture f;
    set_up(&f);
    expect(&f, claim(&f), WEFT_VERDICT_DONE);
    mock_cluster_delay(f.mock, MOCK_END_TXN, COMMIT_MS);
    expect(&f, run(&f), WEFT_VERDICT_DONE);
    expect(&f, run(&f), WEFT_VERDICT_DONE);
    tear_down(&f);
}
END_TEST

START_TEST(a_transaction_is_aborted_when_it_is_told_to)
{
    struct fixture f;
    set_up(&f);
    expect(&f, claim(&f), WEFT_VERDICT_DONE);
    atomic_store(&f.abort, true);
    expect(&f, run(&f), WEFT_VERDICT_ABORT);
    tear_down(&f);
}
END_TEST

SUITE("transaction", TEST(results_and_dead_letters_are_written_in_one_transaction),
      TEST(a_coordinator_that_is_loading_is_asked_again), TEST(an_unknown_member_aborts_and_the_next_transaction_works),
      TEST(a_fenced_producer_ends_though_the_library_calls_it_abortable), TEST(a_producer_fenced_at_the_commit_ends),
      TEST(a_missing_right_on_the_transactional_id_is_fatal_and_named),
      TEST(a_batch_that_its_topic_refuses_as_too_large_is_sent_in_smaller_ones),
      TEST(a_result_that_its_topic_refuses_becomes_a_dead_letter),
      TEST(a_dead_letter_that_had_to_leave_its_key_behind_says_so_though_its_value_is_empty),
      TEST(a_commit_that_takes_longer_than_one_call_waits_is_waited_for),
      TEST(a_transaction_is_aborted_when_it_is_told_to))
