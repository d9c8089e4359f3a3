/* librdkafka's mock cluster, for the classes of errors that a real broker does not give on demand.
 *
 * It proves nothing about exactly-once: it discards transactional offsets and shows aborted records. */
#ifndef WEFT_TESTS_SUPPORT_MOCK_CLUSTER_H
#define WEFT_TESTS_SUPPORT_MOCK_CLUSTER_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/settings.h"

/* Kafka's numbers of the requests that a test lets fail. */
enum mock_request {
    MOCK_PRODUCE = 0,
    MOCK_LIST_OFFSETS = 2,
    MOCK_OFFSET_COMMIT = 8,
    MOCK_OFFSET_FETCH = 9,
    MOCK_INIT_PRODUCER_ID = 22,
    MOCK_ADD_OFFSETS = 25,
    MOCK_END_TXN = 26,
    MOCK_TXN_OFFSET_COMMIT = 28
};

struct mock_cluster;

/* One broker, and settings that point to it. Fails the test when it cannot. */
struct mock_cluster *mock_cluster_new(void);
void mock_cluster_destroy(struct mock_cluster *mock);

/* NAME=VALUE, for clients that are made after it. */
void mock_cluster_set(struct mock_cluster *mock, const char *assignment);
const struct weft_settings *mock_cluster_settings(const struct mock_cluster *mock);

/* The next count requests of this kind are answered with the code. */
void mock_cluster_fail(struct mock_cluster *mock, enum mock_request request, rd_kafka_resp_err_t code, size_t count);

/* The next request of this kind is answered only after so long. */
void mock_cluster_delay(struct mock_cluster *mock, enum mock_request request, int ms);

/* Writes count records without key, value "request N", into partition 0 of the topic. */
void mock_cluster_fill(struct mock_cluster *mock, const char *topic, int count);

/* How many records partition 0 of the topic has, aborted ones included. */
int64_t mock_cluster_count(struct mock_cluster *mock, const char *topic);

#endif
