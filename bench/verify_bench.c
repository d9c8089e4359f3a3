/* What the account of weft verify costs, alone and beside a consumer. Prints a line of JSON.
 *
 *     verify_bench account REQUESTS                 entering requests and answers, no Kafka
 *     verify_bench fill REQUESTS NAME=VALUE...      writes as many requests and results, and the group's offsets
 *     verify_bench consume NAME=VALUE...            reads source and sink as a plain consumer does, and drops it
 *
 * Settings: source, sink, group.id, bootstrap.servers, schema.registry.url. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "schemas/registry_settings.h"
#include "schemas/result.h"
#include "streams/account.h"
#include "streams/client.h"
#include "streams/kafka_settings.h"
#include "streams/processor_settings.h"
#include "streams/scan.h"

enum { PARTITIONS = 12, TIMEOUT_MS = 60000, POLL_MS = 1000, RESULT_SIZE = 512 };

static const struct weft_setting *const tables[] = {weft_processor_settings, weft_registry_settings, NULL};

static void print(uint64_t records, int64_t begin_ns)
{
    struct rusage usage;
    double seconds = (double)(weft_clock_ns() - begin_ns) / 1e9;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    weft_json_print(stdout, json_pack("{s:I,s:f,s:f,s:f,s:f}", "records", (json_int_t)records, "records_per_second",
                                      (double)records / seconds, "ns_per_record", seconds * 1e9 / (double)records,
                                      "cpu_us_per_record", cpu * 1e6 / (double)records, "max_resident_mb",
                                      (double)usage.ru_maxrss / 1024));
}

/* Requests of twelve partitions, then their answers, nearly in order. */
static void enter(struct weft_account *account, int64_t each)
{
    for (int64_t offset = 0; offset < each; offset++)
        for (int32_t p = 0; p < PARTITIONS; p++)
            weft_account_request(account, p, offset);
    for (int64_t offset = 0; offset < each; offset++) {
        /* Each second answer comes before the first, as from several workers. */
        int64_t answered = (offset ^ 1) < each ? offset ^ 1 : offset;
        for (int32_t p = 0; p < PARTITIONS; p++) {
            const struct weft_answer_place place = {WEFT_ANSWER_RESULT, p, offset};
            weft_account_answer(account, p, answered, &place, false);
        }
    }
    weft_account_close(account);
}

static int measure_account(int64_t requests, struct weft_error *err)
{
    int result = -1;
    int64_t each = requests / PARTITIONS, begin_ns = weft_clock_ns();
    const struct weft_account_partition range = {.to = each, .end = each};
    struct weft_account *account = weft_account_new(PARTITIONS, err);
    for (int32_t p = 0; account && p < PARTITIONS; p++)
        if (weft_account_open(account, p, &range, err) != 0)
            goto out;
    if (!account)
        goto out;
    enter(account, each);
    print(2 * (uint64_t)each * PARTITIONS, begin_ns);
    result =
        weft_account_balances(account) ? 0 : weft_error_set(err, WEFT_ERROR_INTERNAL, "the account does not balance");
out:
    weft_account_destroy(account);
    return result;
}

static int produce(struct weft_client *client, const char *topic, int32_t partition, const void *value, size_t size,
                   struct weft_error *err)
{
    for (;;) {
        void *bytes = (void *)(uintptr_t)value;
        rd_kafka_resp_err_t code =
            rd_kafka_producev(weft_client_handle(client), RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE(bytes, size), RD_KAFKA_V_END);
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return code ? weft_client_fail(client, code, "writing", err) : 0;
        rd_kafka_poll(weft_client_handle(client), 10);
    }
}

static struct weft_text text(const char *terminated)
{
    return (struct weft_text){terminated, strlen(terminated)};
}

static int commit_group(const struct weft_settings *settings, const char *group, const char *source, int partitions,
                        int64_t each, struct weft_error *err)
{
    const struct weft_client_options options = {.role = WEFT_KAFKA_READER, .group_id = group};
    struct weft_client *client = weft_client_new(settings, &options, NULL, err);
    if (!client)
        return -1;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int32_t p = 0; p < partitions; p++)
        rd_kafka_topic_partition_list_add(list, source, p)->offset = each;
    rd_kafka_resp_err_t code;
    while ((code = rd_kafka_commit(weft_client_handle(client), list, 0)) ==
           RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS)
        weft_clock_sleep_ms(100);
    int result = code ? weft_client_fail(client, code, "committing", err) : 0;
    rd_kafka_topic_partition_list_destroy(list);
    weft_client_destroy(client);
    return result;
}

static int fill(int64_t requests, const struct weft_settings *settings, const struct weft_processor_names *names,
                struct weft_error *err)
{
    int result = -1, partitions;
    uint32_t schema_id;
    uint8_t value[RESULT_SIZE];
    const float probabilities[10] = {1};
    int64_t begin_ns = weft_clock_ns(), each;
    const struct weft_client_options options = {.role = WEFT_KAFKA_SENDER};
    struct weft_client *client = weft_client_new(settings, &options, NULL, err);
    struct weft_registry *registry = client ? weft_registry_from_settings(settings, err) : NULL;
    if (!registry || weft_registry_register(registry, "verify-bench-value", weft_result_schema, &schema_id, err) != 0 ||
        weft_client_partition_count(client, names->source, TIMEOUT_MS, &partitions, err) != 0)
        goto out;
    each = requests / partitions;
    for (int64_t offset = 0; offset < each; offset++) {
        for (int32_t p = 0; p < partitions; p++) {
            const struct weft_result answer = {
                .id = text("1"),
                .class_name = text("1"),
                .probabilities = probabilities,
                .class_count = 10,
                .model_name = text("m"),
                .model_version = text("1"),
                .model_sha256 = text(""),
                .source_topic = text(names->source),
                .source_partition = p,
                .source_offset = offset,
            };
            size_t size = weft_result_write(&answer, schema_id, value, sizeof value);
            if (produce(client, names->source, p, "small", 5, err) != 0 ||
                produce(client, names->sink, p, value, size, err) != 0)
                goto out;
        }
        rd_kafka_poll(weft_client_handle(client), 0);
    }
    if (rd_kafka_flush(weft_client_handle(client), 10 * TIMEOUT_MS) != 0) {
        weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "not all was delivered");
        goto out;
    }
    if (commit_group(settings, names->group, names->source, partitions, each, err) != 0)
        goto out;
    print(2 * (uint64_t)each * (uint64_t)partitions, begin_ns);
    result = 0;
out:
    weft_registry_destroy(registry);
    weft_client_destroy(client);
    return result;
}

/* The library's own group consumer, with partitions assigned by hand, as it comes. */
static int consume(const struct weft_settings *settings, const struct weft_processor_names *names,
                   struct weft_error *err)
{
    int result = -1, partitions, ended = 0;
    uint64_t records = 0;
    int64_t begin_ns = weft_clock_ns();
    const struct weft_client_options options = {.role = WEFT_KAFKA_READER, .group_id = "verify-bench-consume"};
    struct weft_client *client = weft_client_new(settings, &options, NULL, err);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(2 * PARTITIONS);
    const char *const topics[] = {names->source, names->sink};
    for (size_t i = 0; client && i < 2; i++) {
        if (weft_client_partition_count(client, topics[i], TIMEOUT_MS, &partitions, err) != 0)
            goto out;
        for (int32_t p = 0; p < partitions; p++)
            rd_kafka_topic_partition_list_add(list, topics[i], p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    if (!client)
        goto out;
    rd_kafka_poll_set_consumer(weft_client_handle(client));
    rd_kafka_assign(weft_client_handle(client), list);
    while (ended < list->cnt) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(weft_client_handle(client), POLL_MS);
        if (!message)
            continue;
        ended += message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        records += message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
        rd_kafka_message_destroy(message);
    }
    print(records, begin_ns);
    result = 0;
out:
    rd_kafka_topic_partition_list_destroy(list);
    weft_client_destroy(client);
    return result;
}

static int run(int argc, char **argv, struct weft_error *err)
{
    if (argc == 3 && strcmp(argv[1], "account") == 0)
        return measure_account(strtoll(argv[2], NULL, 10), err);
    bool fills = argc > 2 && strcmp(argv[1], "fill") == 0;
    if (!fills && (argc < 2 || strcmp(argv[1], "consume") != 0))
        return weft_error_set(err, WEFT_ERROR_USAGE,
                              "account REQUESTS | fill REQUESTS NAME=VALUE... | consume NAME=VALUE...");
    int result = -1;
    struct weft_processor_names topics;
    struct weft_settings *settings = NULL;
    struct weft_kafka_names *names = weft_kafka_names_new(err);
    if (names)
        settings = weft_settings_new(tables, weft_kafka_names_dialect(names), err);
    if (!settings)
        goto out;
    for (int i = fills ? 3 : 2; i < argc; i++)
        if (weft_settings_set_option(settings, argv[i], err) != 0)
            goto out;
    if (weft_processor_names(settings, "predict", &topics, err) == 0)
        result = fills ? fill(strtoll(argv[2], NULL, 10), settings, &topics, err) : consume(settings, &topics, err);
out:
    weft_settings_destroy(settings);
    weft_kafka_names_destroy(names);
    return result;
}

int main(int argc, char **argv)
{
    struct weft_error err = {0};
    if (run(argc, argv, &err) == 0)
        return 0;
    fprintf(stderr, "verify_bench: %s\n", err.message);
    return 1;
}
