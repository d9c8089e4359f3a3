#include "support/mock_cluster.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "schemas/registry_settings.h"
#include "streams/kafka_settings.h"
#include "streams/processor_settings.h"

enum { TIMEOUT_MS = 10000, PARTITIONS = 4 /* as the mock makes topics */ };

struct mock_cluster {
    rd_kafka_t *handle; /* the mock needs one to live in; also the producer of mock_cluster_fill */
    rd_kafka_mock_cluster_t *mock;
    struct weft_kafka_names *names;
    struct weft_settings *settings;
};

struct mock_cluster *mock_cluster_new(void)
{
    static const struct weft_setting *const tables[] = {weft_processor_settings, weft_registry_settings, NULL};
    char reason[256];
    struct weft_error err = {0};
    struct mock_cluster *mock = calloc(1, sizeof *mock);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", reason, sizeof reason);
    mock->handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    ck_assert_msg(mock->handle != NULL, "%s", reason);
    mock->mock = rd_kafka_handle_mock_cluster(mock->handle);
    mock->names = weft_kafka_names_new(&err);
    mock->settings = weft_settings_new(tables, weft_kafka_names_dialect(mock->names), &err);
    char servers[256];
    snprintf(servers, sizeof servers, "bootstrap.servers=%s", rd_kafka_mock_cluster_bootstraps(mock->mock));
    const char *options[] = {servers, "consumer.fetch.wait.max.ms=10", "transaction.timeout.ms=6000"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        mock_cluster_set(mock, options[i]);
    return mock;
}

void mock_cluster_destroy(struct mock_cluster *mock)
{
    weft_settings_destroy(mock->settings);
    weft_kafka_names_destroy(mock->names);
    rd_kafka_destroy(mock->handle);
    free(mock);
}

void mock_cluster_set(struct mock_cluster *mock, const char *assignment)
{
    struct weft_error err = {0};
    ck_assert_msg(weft_settings_set_option(mock->settings, assignment, &err) == 0, "%s", err.message);
}

const struct weft_settings *mock_cluster_settings(const struct mock_cluster *mock)
{
    return mock->settings;
}

void mock_cluster_fail(struct mock_cluster *mock, enum mock_request request, rd_kafka_resp_err_t code, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rd_kafka_mock_push_request_errors(mock->mock, (int16_t)request, 1, code);
}

void mock_cluster_delay(struct mock_cluster *mock, enum mock_request request, int ms)
{
    rd_kafka_mock_broker_push_request_error_rtts(mock->mock, 1, (int16_t)request, 1, RD_KAFKA_RESP_ERR_NO_ERROR, ms);
}

void mock_cluster_fill(struct mock_cluster *mock, const char *topic, int count)
{
    for (int i = 0; i < count; i++) {
        char value[32];
        int size = snprintf(value, sizeof value, "request %d", i);
        ck_assert_int_eq(rd_kafka_producev(mock->handle, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                                           RD_KAFKA_V_VALUE(value, (size_t)size),
                                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    ck_assert_int_eq(rd_kafka_flush(mock->handle, TIMEOUT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
}

int64_t mock_cluster_count(struct mock_cluster *mock, const char *topic)
{
    int64_t low, high, total = 0;
    for (int32_t partition = 0; partition < PARTITIONS; partition++) {
        ck_assert_int_eq(rd_kafka_query_watermark_offsets(mock->handle, topic, partition, &low, &high, TIMEOUT_MS),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
        total += high - low;
    }
    return total;
}
