#include "pubsub-bridge/bridge_metrics.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "support/suite.h"

static const char cut_off[] = "{\"brokers\":{\"127.0.0.1:9092/1\":{\"nodeid\":1,\"state\":\"DOWN\"}}}";

static struct weft_bridge_metrics *new_inward(void)
{
    static char name[] = "in", from[] = "projects/p/subscriptions/s", to[] = "t";
    static const struct weft_topology_bridge declared = {.name = name, .from = {true, from}, .to = {false, to}};
    struct weft_bridge_metrics *metrics = weft_bridge_metrics_new(&declared);
    ck_assert_ptr_nonnull(metrics);
    return metrics;
}

static struct weft_bridge_metrics *new_outward(void)
{
    static char name[] = "out", from[] = "t", to[] = "projects/p/topics/t";
    static const struct weft_topology_bridge declared = {.name = name, .from = {false, from}, .to = {true, to}};
    struct weft_bridge_metrics *metrics = weft_bridge_metrics_new(&declared);
    ck_assert_ptr_nonnull(metrics);
    return metrics;
}

static char *render(struct weft_bridge_metrics *metrics)
{
    size_t size;
    struct weft_metrics_page *page = weft_metrics_page_new();
    weft_bridge_metrics_write(metrics, page);
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

static void assert_reason(struct weft_bridge_metrics *metrics, bool ready, const char *beginning)
{
    char reason[256];
    ck_assert_int_eq(weft_bridge_metrics_ready(metrics, reason, sizeof reason), ready);
    ck_assert_msg(strncmp(reason, beginning, strlen(beginning)) == 0, "'%s' does not begin with '%s'", reason,
                  beginning);
}

START_TEST(figures_become_metrics_of_the_bridge_and_its_direction)
{
    struct weft_bridge_metrics *metrics = new_inward();
    const struct weft_bridge_figures figures = {
        .received = 14,
        .sent = 7,
        .acknowledged = 11,
        .repeats = 3,
        .loops = 1,
        .dead_letters = 2,
        .failed_calls = 4,
        .aborts = 5,
        .messages = 6,
        .bytes = 800,
        .oldest_ms = 1500,
    };
    weft_bridge_metrics_tell(metrics, &figures);
    char *text = render(metrics);
    assert_line(text, "weft_bridge_received_total{bridge=\"in\",direction=\"pubsub_to_kafka\"} 14");
    assert_line(text, "weft_bridge_sent_total{bridge=\"in\",direction=\"pubsub_to_kafka\"} 7");
    assert_line(text, "weft_bridge_acknowledged_total{bridge=\"in\",direction=\"pubsub_to_kafka\"} 11");
    assert_line(text, "weft_bridge_repeats_total{bridge=\"in\",direction=\"pubsub_to_kafka\"} 3");
    assert_line(text, "weft_bridge_loops_total{bridge=\"in\",direction=\"pubsub_to_kafka\"} 1");
    assert_line(text,
                "weft_bridge_dead_letters_total{bridge=\"in\",direction=\"pubsub_to_kafka\",class=\"corrupt\"} 2");
    assert_line(text, "weft_bridge_retries_total{bridge=\"in\",direction=\"pubsub_to_kafka\",side=\"pubsub\"} 4");
    assert_line(text, "weft_bridge_retries_total{bridge=\"in\",direction=\"pubsub_to_kafka\",side=\"kafka\"} 5");
    assert_line(text, "weft_bridge_outstanding_messages{bridge=\"in\",direction=\"pubsub_to_kafka\"} 6");
    assert_line(text, "weft_bridge_outstanding_bytes{bridge=\"in\",direction=\"pubsub_to_kafka\"} 800");
    assert_line(text, "weft_bridge_oldest_unacknowledged_seconds{bridge=\"in\",direction=\"pubsub_to_kafka\"} 1.5");
    free(text);
    weft_bridge_metrics_destroy(metrics);
}
END_TEST

START_TEST(latency_is_of_what_arrives_and_never_negative)
{
    struct weft_bridge_metrics *metrics = new_outward();
    weft_bridge_metrics_arrived(metrics, 0);                            /* in 1970 */
    weft_bridge_metrics_arrived(metrics, weft_clock_wall_ms() + 60000); /* by a clock ahead of ours */
    weft_bridge_metrics_arrived(metrics, -1);                           /* of no time */
    char *text = render(metrics);
    assert_line(text, "weft_bridge_latency_seconds_count{bridge=\"out\",direction=\"kafka_to_pubsub\"} 2");
    assert_line(text,
                "weft_bridge_latency_seconds_bucket{bridge=\"out\",direction=\"kafka_to_pubsub\",le=\"0.005\"} 1");
    assert_line(text, "weft_bridge_latency_seconds_bucket{bridge=\"out\",direction=\"kafka_to_pubsub\",le=\"3600\"} 1");
    free(text);
    weft_bridge_metrics_destroy(metrics);
}
END_TEST

START_TEST(one_that_works_or_stands_by_is_ready)
{
    struct weft_bridge_metrics *metrics = new_inward();
    weft_bridge_metrics_phase(metrics, WEFT_PHASE_STANDBY);
    assert_reason(metrics, true, "standby: another instance");
    weft_bridge_metrics_phase(metrics, WEFT_PHASE_WORKING);
    assert_reason(metrics, true, "");
    char *text = render(metrics);
    assert_line(text, "weft_bridge_ready{bridge=\"in\",direction=\"pubsub_to_kafka\"} 1");
    assert_line(text, "weft_bridge_state{bridge=\"in\",direction=\"pubsub_to_kafka\",state=\"working\"} 1");
    assert_line(text, "weft_bridge_state{bridge=\"in\",direction=\"pubsub_to_kafka\",state=\"standby\"} 0");
    free(text);
    weft_bridge_metrics_destroy(metrics);
}
END_TEST

START_TEST(each_reason_not_to_be_ready_is_named)
{
    struct weft_bridge_metrics *metrics = new_inward();
    weft_bridge_metrics_awaits(metrics, "no broker has answered yet");
    assert_reason(metrics, false, "starting: no broker has answered yet");
    weft_bridge_metrics_phase(metrics, WEFT_PHASE_JOINING);
    assert_reason(metrics, false, "joining");
    weft_bridge_metrics_phase(metrics, WEFT_PHASE_TAKING_OVER);
    assert_reason(metrics, false, "taking over");
    weft_bridge_metrics_phase(metrics, WEFT_PHASE_REGISTRY);
    assert_reason(metrics, false, "registry away");
    weft_bridge_metrics_phase(metrics, WEFT_PHASE_WORKING);
    weft_bridge_metrics_tell(metrics, &(struct weft_bridge_figures){.pubsub_away_ms = 7000});
    assert_reason(metrics, false, "Pub/Sub away: it has not answered for 7 s");
    weft_client_statistics_give(weft_bridge_metrics_consumer(metrics), strdup(cut_off));
    assert_reason(metrics, false, "broker away");
    weft_bridge_metrics_stopping(metrics);
    assert_reason(metrics, false, "stopping");
    weft_bridge_metrics_phase(metrics, WEFT_PHASE_FENCED);
    assert_reason(metrics, false, "fenced: another instance");
    ck_assert(weft_bridge_metrics_over(metrics));
    weft_bridge_metrics_destroy(metrics);
}
END_TEST

START_TEST(a_moment_without_an_answer_is_not_away)
{
    struct weft_bridge_metrics *metrics = new_outward();
    weft_bridge_metrics_phase(metrics, WEFT_PHASE_WORKING);
    weft_bridge_metrics_tell(metrics, &(struct weft_bridge_figures){.pubsub_away_ms = 900});
    weft_bridge_metrics_writes(metrics, true);
    assert_reason(metrics, true, "");
    weft_bridge_metrics_destroy(metrics);
}
END_TEST

START_TEST(lag_is_the_end_less_what_is_done_with_where_both_are_known)
{
    struct weft_bridge_metrics *metrics = new_outward();
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, "t", 2);
    weft_lag_assigned(weft_bridge_metrics_lag(metrics), list);
    weft_lag_done(weft_bridge_metrics_lag(metrics), 2, 10);
    char *text = render(metrics);
    ck_assert_ptr_null(strstr(text, "weft_bridge_lag_records{"));
    free(text);
    rd_kafka_topic_partition_list_destroy(list);
    weft_bridge_metrics_destroy(metrics);
}
END_TEST

START_TEST(without_an_endpoint_nothing_is_told)
{
    weft_bridge_metrics_phase(NULL, WEFT_PHASE_WORKING);
    weft_bridge_metrics_arrived(NULL, 0);
    weft_bridge_metrics_writes(NULL, true);
    ck_assert(!weft_bridge_metrics_due(NULL));
    ck_assert_ptr_null(weft_bridge_metrics_consumer(NULL));
    ck_assert_ptr_null(weft_bridge_metrics_lag(NULL));
}
END_TEST

SUITE("bridge_metrics", TEST(figures_become_metrics_of_the_bridge_and_its_direction),
      TEST(latency_is_of_what_arrives_and_never_negative), TEST(one_that_works_or_stands_by_is_ready),
      TEST(each_reason_not_to_be_ready_is_named), TEST(a_moment_without_an_answer_is_not_away),
      TEST(lag_is_the_end_less_what_is_done_with_where_both_are_known), TEST(without_an_endpoint_nothing_is_told))
