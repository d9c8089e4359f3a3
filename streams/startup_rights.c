#include "streams/startup_rights.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>

#include "base/clock.h"
#include "streams/client.h"

enum { CALL_TIMEOUT_MS = 5000, CLAIM_TIMEOUT_MS = 10000, SENDS_MAX = 4 };

struct probe {
    const struct weft_processor_names *names;
    struct weft_startup_report *report;
    struct weft_client *client;
    rd_kafka_t *handle;
};

static bool is_refused(rd_kafka_resp_err_t code)
{
    return weft_kafka_error_class(code) == WEFT_ERROR_REFUSED;
}

/* Takes the error, which may be NULL. */
static rd_kafka_resp_err_t code_of(rd_kafka_error_t *error)
{
    rd_kafka_resp_err_t code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (error)
        rd_kafka_error_destroy(error);
    return code;
}

/* Adds what a right's trial has come to. */
static void note(struct probe *probe, const char *name, rd_kafka_resp_err_t code, const char *what)
{
    struct weft_error why = {0};
    if (!code) {
        weft_startup_note(probe->report, name, WEFT_CHECK_OK, "%s is allowed", what);
    } else if (is_refused(code)) {
        weft_client_fail(probe->client, code, what, &why);
        weft_startup_fail(probe->report, name, true, &why);
    } else {
        weft_startup_note(probe->report, name, WEFT_CHECK_UNKNOWN, "%s: not found out: %s", what,
                          rd_kafka_err2str(code));
    }
}

static void note_untried(struct probe *probe, const char *name, const char *what, const char *missing)
{
    weft_startup_note(probe->report, name, WEFT_CHECK_UNKNOWN, "%s: not tried without %s", what, missing);
}

/* Repeats a call while it asks for that. */
static rd_kafka_resp_err_t claim(struct probe *probe)
{
    const int64_t deadline_ms = weft_clock_ms() + CLAIM_TIMEOUT_MS;
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_init_transactions(probe->handle, CALL_TIMEOUT_MS);
        const bool again = error && rd_kafka_error_is_retriable(error) && weft_clock_ms() < deadline_ms &&
                           !weft_client_refused(probe->client);
        const rd_kafka_resp_err_t code = code_of(error);
        if (!again)
            return code;
    }
}

/* Adds an offset of the source to the transaction, of no generation: any member may be at work. */
static rd_kafka_resp_err_t send_offset(struct probe *probe)
{
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(offsets, probe->names->source, 0)->offset = 0;
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata_new(probe->names->group);
    const rd_kafka_resp_err_t code =
        code_of(rd_kafka_send_offsets_to_transaction(probe->handle, offsets, group, CALL_TIMEOUT_MS));
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(offsets);
    return code;
}

/* A transaction that has the offset alone, or a record for the topic as well; in any case it is aborted. */
static rd_kafka_resp_err_t try_transaction(struct probe *probe, rd_kafka_topic_t *topic)
{
    rd_kafka_resp_err_t code = code_of(rd_kafka_begin_transaction(probe->handle));
    if (code)
        return code;
    if (topic)
        /* It lingers for longer than all of this takes, and the abort takes it out of the queue. */
        code = rd_kafka_producev(probe->handle, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(0),
                                 RD_KAFKA_V_KEY("check", 5), RD_KAFKA_V_END);
    /* The library announces the record's partition on its own, after a millisecond; the broker answers in order, so the
     * answer to a second request comes after that to the announcement. A refusal that comes amid a call makes it fail
     * for the transaction's state; the next one says why. */
    const int sends = topic ? 2 : 1;
    for (int i = 0; i < SENDS_MAX && (code ? code == RD_KAFKA_RESP_ERR__STATE : i < sends); i++)
        code = send_offset(probe);
    const rd_kafka_resp_err_t aborted = code_of(rd_kafka_abort_transaction(probe->handle, CALL_TIMEOUT_MS));
    return code ? code : aborted;
}

static rd_kafka_resp_err_t try_writing(struct probe *probe, const char *name)
{
    const struct rd_kafka_metadata *metadata;
    struct weft_error err = {0};
    rd_kafka_topic_t *topic = rd_kafka_topic_new(probe->handle, name, NULL);
    rd_kafka_resp_err_t code = topic ? RD_KAFKA_RESP_ERR__TIMED_OUT : rd_kafka_last_error();
    /* A record of a topic that the library does not know yet would wait, unannounced. */
    if (topic && weft_client_metadata(probe->client, false, topic, CALL_TIMEOUT_MS, &metadata, &err) == 0) {
        rd_kafka_metadata_destroy(metadata);
        code = try_transaction(probe, topic);
    }
    if (topic)
        rd_kafka_topic_destroy(topic);
    return code;
}

static void try_all(struct probe *probe)
{
    const struct weft_processor_names *names = probe->names;
    char group[WEFT_NAME_SIZE + 32], source[WEFT_NAME_SIZE + 32], what[WEFT_NAME_SIZE + 32];
    snprintf(group, sizeof group, "reading group %s", names->group);
    snprintf(source, sizeof source, "reading topic %s", names->source);
    const struct {
        const char *name, *topic;
    } written[] = {
        {"right.sink", names->sink},
        {"right.dead_letters", names->dead_letters},
        {"right.shadow", names->shadow},
    };
    rd_kafka_resp_err_t code = claim(probe);
    snprintf(what, sizeof what, "using transactional ids %s-...", names->group);
    note(probe, "right.transactions", code, what);
    const char *missing = "a transaction";
    if (code) {
        note_untried(probe, "right.group", group, missing);
        note_untried(probe, "right.source", source, missing);
    } else {
        code = try_transaction(probe, NULL);
        /* The group is asked for first, then the topic whose offset it is. */
        const bool of_topic = code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
        missing = "the rights to group and source";
        note(probe, "right.group", of_topic ? RD_KAFKA_RESP_ERR_NO_ERROR : code, group);
        if (code && !of_topic)
            note_untried(probe, "right.source", source, "the group");
        else
            note(probe, "right.source", code, source);
    }
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        if (!written[i].topic[0])
            continue;
        snprintf(what, sizeof what, "writing to topic %s", written[i].topic);
        if (code)
            note_untried(probe, written[i].name, what, missing);
        else
            note(probe, written[i].name, try_writing(probe, written[i].topic), what);
    }
}

void weft_startup_check_rights(const struct weft_settings *settings, const struct weft_processor_names *names,
                               const char *instance, struct weft_log *log, struct weft_startup_report *report)
{
    static const char *const overrides[][2] = {
        {"transaction.timeout.ms", "20000"}, {"message.timeout.ms", "20000"}, {"linger.ms", "19000"}, {NULL, NULL}};
    char transactional_id[2 * WEFT_NAME_SIZE + 16];
    struct weft_error why = {0};
    snprintf(transactional_id, sizeof transactional_id, "%s-%s-check", names->group, instance);
    const struct weft_client_options options = {
        .role = WEFT_KAFKA_SINK, .transactional_id = transactional_id, .overrides = overrides};
    struct probe probe = {.names = names, .report = report};
    probe.client = weft_client_new(settings, &options, log, &why);
    if (!probe.client) {
        weft_startup_fail(report, "right.transactions", true, &why);
        return;
    }
    probe.handle = weft_client_handle(probe.client);
    try_all(&probe);
    weft_client_destroy(probe.client);
}
