#include "streams/processor_metrics.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "streams/processor_settings.h"
#include "support/suite.h"

/* What the library gives, cut to what is read of it. */
static const char connected[] =
    "{\"tx\":12,\"tx_bytes\":3400,\"rx_bytes\":560,\"msg_cnt\":0,\"msg_size\":0,\"brokers\":{"
    "\"127.0.0.1:9092/bootstrap\":{\"nodeid\":-1,\"state\":\"INIT\"},"
    "\"127.0.0.1:9092/1\":{\"nodeid\":1,\"state\":\"UP\",\"waitresp_cnt\":2,\"outbuf_cnt\":0,"
    "\"rtt\":{\"avg\":1500,\"p99\":20000,\"cnt\":4}},"
    "\"GroupCoordinator\":{\"nodeid\":1,\"state\":\"UP\"}},"
    "\"topics\":{\"requests\":{\"partitions\":{\"0\":{\"fetchq_cnt\":3,\"fetchq_size\":300},"
    "\"-1\":{\"fetchq_cnt\":0,\"fetchq_size\":0}}}}}";
static const char cut_off[] = "{\"brokers\":{\"127.0.0.1:9092/1\":{\"nodeid\":1,\"state\":\"DOWN\"},"
                              "\"GroupCoordinator\":{\"nodeid\":1,\"state\":\"TRY_CONNECT\"}}}";

struct fixture {
    struct weft_settings *settings;
    struct weft_processor_metrics *metrics;
};

/* A processor with two workers. */
static struct fixture set_up(void)
{
    static const struct weft_setting *const tables[] = {weft_processor_settings, NULL};
    struct weft_error err = {0};
    struct fixture fixture = {.settings = weft_settings_new(tables, NULL, &err)};
    static const char *const options[] = {"source=requests", "sink=results", "workers=2", "ready.lag.max=100"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        ck_assert_int_eq(weft_settings_set_option(fixture.settings, options[i], &err), 0);
    fixture.metrics = weft_processor_metrics_new("predict", fixture.settings, &err);
    ck_assert_msg(fixture.metrics != NULL, "%s", err.message);
    return fixture;
}

static void tear_down(struct fixture *fixture)
{
    weft_processor_metrics_destroy(fixture->metrics);
    weft_settings_destroy(fixture->settings);
}

static struct weft_worker_metrics *worker(const struct fixture *fixture, int index)
{
    return weft_processor_metrics_worker(fixture->metrics, index);
}

static void set_states(struct fixture *fixture, enum weft_worker_state first, enum weft_worker_state second)
{
    weft_processor_metrics_awaits(fixture->metrics, NULL);
    weft_worker_metrics_state(worker(fixture, 0), first);
    weft_worker_metrics_state(worker(fixture, 1), second);
}

static void assert_reason(const struct fixture *fixture, const char *beginning)
{
    char reason[256] = "";
    ck_assert(!weft_processor_metrics_ready(fixture->metrics, reason, sizeof reason));
    ck_assert_msg(strncmp(reason, beginning, strlen(beginning)) == 0, "'%s' does not begin with '%s'", reason,
                  beginning);
}

static char *render(const struct fixture *fixture)
{
    size_t size;
    struct weft_metrics_page *page = weft_metrics_page_new();
    weft_processor_metrics_write(fixture->metrics, page);
    char *text = weft_metrics_page_text(page, &size);
    weft_metrics_page_destroy(page);
    ck_assert_ptr_nonnull(text);
    return text;
}

static void assert_line(const char *text, const char *line)
{
    char wanted[256];
    snprintf(wanted, sizeof wanted, "\n%s\n", line);
    ck_assert_msg(strstr(text, wanted) != NULL, "no line '%s' in:\n%s", line, text);
}

static void give(struct weft_client_statistics *statistics, const char *json)
{
    weft_client_statistics_give(statistics, strdup(json));
}

START_TEST(it_is_ready_when_all_workers_work)
{
    char reason[256];
    struct fixture fixture = set_up();
    assert_reason(&fixture, "starting");
    set_states(&fixture, WEFT_WORKER_WORKING, WEFT_WORKER_WORKING);
    ck_assert(weft_processor_metrics_ready(fixture.metrics, reason, sizeof reason));
    tear_down(&fixture);
}
END_TEST

START_TEST(each_reason_not_to_be_ready_is_named)
{
    struct fixture fixture = set_up();
    set_states(&fixture, WEFT_WORKER_WORKING, WEFT_WORKER_JOINING);
    assert_reason(&fixture, "joining: worker 1");
    set_states(&fixture, WEFT_WORKER_REGISTRY, WEFT_WORKER_WORKING);
    assert_reason(&fixture, "registry away: worker 0");
    set_states(&fixture, WEFT_WORKER_STOPPED, WEFT_WORKER_WORKING);
    assert_reason(&fixture, "stopping: worker 0");
    set_states(&fixture, WEFT_WORKER_WORKING, WEFT_WORKER_WORKING);
    give(weft_worker_metrics_consumer(worker(&fixture, 1)), cut_off);
    assert_reason(&fixture, "broker away: worker 1");
    give(weft_worker_metrics_consumer(worker(&fixture, 1)), connected);
    char reason[256];
    ck_assert(weft_processor_metrics_ready(fixture.metrics, reason, sizeof reason));
    tear_down(&fixture);
}
END_TEST

START_TEST(that_a_worker_is_fenced_comes_before_what_others_wait_for)
{
    struct fixture fixture = set_up();
    set_states(&fixture, WEFT_WORKER_JOINING, WEFT_WORKER_FENCED);
    assert_reason(&fixture, "fenced: another instance has taken the place of worker 1");
    tear_down(&fixture);
}
END_TEST

START_TEST(what_a_client_says_becomes_metrics)
{
    struct fixture fixture = set_up();
    give(weft_worker_metrics_consumer(worker(&fixture, 0)), connected);
    char *text = render(&fixture);
    static const char of[] = "{processor=\"predict\",worker=\"0\",client=\"consumer\"";
    static const char *const wanted[][2] = {
        {"weft_kafka_requests_total", "} 12"},
        {"weft_kafka_sent_bytes_total", "} 3400"},
        {"weft_kafka_received_bytes_total", "} 560"},
        {"weft_kafka_queue_messages", "} 3"},
        {"weft_kafka_queue_bytes", "} 300"},
        {"weft_kafka_connections", "} 2"},
        {"weft_kafka_round_trip_average_seconds", ",broker=\"127.0.0.1:9092/1\"} 0.0015"},
        {"weft_kafka_round_trip_p99_seconds", ",broker=\"127.0.0.1:9092/1\"} 0.02"},
        {"weft_kafka_requests_in_flight", ",broker=\"127.0.0.1:9092/1\"} 2"},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        char line[256];
        snprintf(line, sizeof line, "%s%s%s", wanted[i][0], of, wanted[i][1]);
        assert_line(text, line);
    }
    free(text);
    tear_down(&fixture);
}
END_TEST

START_TEST(what_is_no_json_says_nothing_and_breaks_nothing)
{
    struct fixture fixture = set_up();
    set_states(&fixture, WEFT_WORKER_WORKING, WEFT_WORKER_WORKING);
    static const char *const odd[] = {"", "{", "[]", "{\"brokers\":7,\"topics\":[1]}", "{\"brokers\":{\"a\":null}}"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        give(weft_worker_metrics_consumer(worker(&fixture, 0)), odd[i]);
        free(render(&fixture));
    }
    tear_down(&fixture);
}
END_TEST

/* Three requests of partition 2, from offset 10, the last of them a dead letter. */
static void answer_batch(struct weft_worker_metrics *metrics)
{
    rd_kafka_message_t *messages[3] = {0};
    struct weft_scorer_request requests[3];
    struct weft_scorer_answer answers[3] = {{.bytes = (const uint8_t *)"r"},
                                            {.bytes = (const uint8_t *)"r"},
                                            {.error_class = "corrupt", .reason = "short"}};
    for (int i = 0; i < 3; i++)
        requests[i] = (struct weft_scorer_request){.topic = "requests", .partition = 2, .offset = 10 + i};
    const struct weft_batch batch = {
        .messages = messages, .requests = requests, .answers = answers, .count = 3, .capacity = 3};
    static const char *const calls[] = {
        "poll", "score", "begin_transaction", "produce", "send_offsets_to_transaction", "commit_transaction"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        weft_worker_metrics_step(metrics, calls[i]);
        if (i == 0)
            weft_worker_metrics_gathered(metrics, &batch);
        if (i == 1)
            weft_worker_metrics_scored(metrics, 0);
    }
    weft_worker_metrics_committed(metrics, &batch);
}

START_TEST(a_batch_counts_its_answers_its_stages_and_its_latency)
{
    struct fixture fixture = set_up();
    answer_batch(worker(&fixture, 0));
    answer_batch(worker(&fixture, 1));
    weft_worker_metrics_aborted(worker(&fixture, 1));
    char *text = render(&fixture);
    assert_line(text, "weft_requests_total{processor=\"predict\",worker=\"0\"} 3");
    assert_line(text, "weft_results_total{processor=\"predict\",worker=\"0\"} 2");
    assert_line(text, "weft_dead_letters_total{processor=\"predict\",worker=\"0\",class=\"corrupt\"} 1");
    assert_line(text, "weft_commits_total{processor=\"predict\",worker=\"1\"} 1");
    assert_line(text, "weft_aborts_total{processor=\"predict\",worker=\"1\"} 1");
    assert_line(text, "weft_batch_requests_sum{processor=\"predict\"} 6");
    assert_line(text, "weft_batch_requests_bucket{processor=\"predict\",le=\"2\"} 0");
    assert_line(text, "weft_batch_requests_bucket{processor=\"predict\",le=\"5\"} 2");
    assert_line(text, "weft_request_latency_seconds_count{processor=\"predict\"} 6");
    /* Since 1970. */
    assert_line(text, "weft_request_latency_seconds_bucket{processor=\"predict\",le=\"3600\"} 0");
    static const char *const stages[] = {"wait", "decode", "score", "produce", "commit"};
    for (size_t i = 0; i < 5; i++) {
        char line[128];
        snprintf(line, sizeof line, "weft_stage_duration_seconds_count{processor=\"predict\",stage=\"%s\"} 2",
                 stages[i]);
        assert_line(text, line);
    }
    free(text);
    tear_down(&fixture);
}
END_TEST

START_TEST(waiting_for_a_queue_to_be_sent_is_a_part_of_producing)
{
    struct fixture fixture = set_up();
    static const char *const calls[] = {"poll", "score", "produce", "flush", "send_offsets_to_transaction"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        weft_worker_metrics_step(worker(&fixture, 0), calls[i]);
        if (strcmp(calls[i], "flush") == 0)
            weft_clock_sleep_ms(6);
    }
    weft_worker_metrics_committed(worker(&fixture, 0), &(const struct weft_batch){0});
    char *text = render(&fixture);
    assert_line(text, "weft_stage_duration_seconds_count{processor=\"predict\",stage=\"produce\"} 1");
    assert_line(text, "weft_stage_duration_seconds_bucket{processor=\"predict\",stage=\"produce\",le=\"0.005\"} 0");
    free(text);
    tear_down(&fixture);
}
END_TEST

START_TEST(the_model_that_serves_last_is_the_one_that_is_named)
{
    struct fixture fixture = set_up();
    const struct weft_network_info old = {.name = "a", .version = "1", .sha256 = "00"};
    const struct weft_network_info new = {.name = "b", .version = "2", .sha256 = "11"};
    weft_processor_metrics_model(fixture.metrics, "main", &old);
    weft_processor_metrics_model(fixture.metrics, "main", &new);
    weft_processor_metrics_model(fixture.metrics, "canary", &old);
    char *text = render(&fixture);
    assert_line(text, "weft_model_info{processor=\"predict\",role=\"main\",name=\"b\",version=\"2\",sha256=\"11\"} 1");
    assert_line(text,
                "weft_model_info{processor=\"predict\",role=\"canary\",name=\"a\",version=\"1\",sha256=\"00\"} 1");
    ck_assert_ptr_null(strstr(text, "role=\"main\",name=\"a\""));
    free(text);
    tear_down(&fixture);
}
END_TEST

SUITE("processor_metrics", TEST(it_is_ready_when_all_workers_work), TEST(each_reason_not_to_be_ready_is_named),
      TEST(that_a_worker_is_fenced_comes_before_what_others_wait_for), TEST(what_a_client_says_becomes_metrics),
      TEST(what_is_no_json_says_nothing_and_breaks_nothing),
      TEST(a_batch_counts_its_answers_its_stages_and_its_latency),
      TEST(waiting_for_a_queue_to_be_sent_is_a_part_of_producing),
      TEST(the_model_that_serves_last_is_the_one_that_is_named))
