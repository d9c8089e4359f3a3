#include "streams/replay/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "streams/reader.h"
#include "streams/scan.h"

void weft_replay_plan_clear(struct weft_replay_plan *plan)
{
    weft_replay_ledger_clear(&plan->ledger);
    free(plan->deleted);
    plan->deleted = NULL;
}

uint64_t weft_replay_ledger_left(const struct weft_replay_ledger *ledger)
{
    uint64_t left = 0;
    for (int i = 0; i < ledger->count; i++)
        left += (uint64_t)(ledger->partitions[i].to - ledger->partitions[i].position);
    return left;
}

/* shown: how many characters of the two tell them apart. */
static int agree(const char *what, const char *asked, const char *begun, int shown, struct weft_error *err)
{
    if (!asked[0] || strcmp(asked, begun) == 0)
        return 0;
    return weft_error_set(err, WEFT_ERROR_CONFLICT,
                          "it was begun with the %s %.*s, not %.*s: give the same, or begin another under another name",
                          what, shown, begun, shown, asked);
}

int weft_replay_agree(const struct weft_replay_ledger_terms *asked, const struct weft_replay_ledger_terms *begun,
                      struct weft_error *err)
{
    enum { SHA_SHOWN = 12, ALL = WEFT_BOUND_SIZE };
    if (agree("model", asked->model, begun->model, SHA_SHOWN, err) != 0 ||
        agree("sink", asked->sink, begun->sink, ALL, err) != 0 ||
        agree("dead letters", asked->dead_letters, begun->dead_letters, ALL, err) != 0 ||
        agree("beginning", asked->from, begun->from, ALL, err) != 0 ||
        agree("end", asked->to, begun->to, ALL, err) != 0)
        return -1;
    return 0;
}

/* Asks for a topic without waiting for one that has just been made, and without making it. */
static int look(struct weft_client *client, const char *name, int timeout_ms, struct weft_replay_topic *topic,
                struct weft_error *err)
{
    int result = -1;
    rd_kafka_t *handle = weft_client_handle(client);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *of = rd_kafka_topic_new(handle, name, NULL);
    *topic = (struct weft_replay_topic){0};
    if (!of)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "'%s' is no name for a topic: %s", name,
                              rd_kafka_err2str(rd_kafka_last_error()));
    if (weft_client_metadata(client, false, of, timeout_ms, &metadata, err) != 0)
        goto out;
    rd_kafka_resp_err_t code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR__BAD_MSG;
    if (code && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART && code != RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) {
        weft_client_fail(client, code, name, err);
        goto out;
    }
    topic->partitions = code ? 0 : metadata->topics[0].partition_cnt;
    result = 0;
out:
    if (metadata)
        rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(of);
    return result;
}

/* Ends the scan: one record is enough. */
static int see_record(const rd_kafka_message_t *message, void *arg, struct weft_error *err)
{
    (void)message;
    (void)err;
    *(bool *)arg = true;
    return -1;
}

/* What the topic holds, markers of transactions included; none where a transaction that was aborted has left all of it:
 * a replay that ends in its first one does. */
static int count_records(const struct weft_replay_request *request, const char *name, struct weft_replay_topic *topic,
                         struct weft_error *err)
{
    int result = -1;
    bool seen = false;
    struct weft_scan_range *ranges = NULL;
    struct weft_reader *reader = weft_reader_new(request->settings, name, request->log, err);
    if (!reader)
        return -1;
    ranges = calloc((size_t)weft_reader_partition_count(reader), sizeof *ranges);
    if (!ranges) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto out;
    }
    if (weft_scan_all(reader, ranges, err) != 0)
        goto out;
    for (int32_t p = 0; p < weft_reader_partition_count(reader); p++)
        topic->records += (uint64_t)(ranges[p].end - ranges[p].next);
    struct weft_scan scan = {.reader = reader, .ranges = ranges, .see = see_record, .arg = &seen};
    if (weft_scan_read(&scan, err) != 0 && !seen)
        goto out;
    if (!seen)
        topic->records = 0;
    result = 0;
out:
    free(ranges);
    weft_reader_destroy(reader);
    return result;
}

/* One partition of a replay that is begun anew. */
static int freeze(struct weft_replay_plan *plan, struct weft_reader *reader, int32_t partition,
                  const struct weft_bound *begin, const struct weft_bound *end, struct weft_error *err)
{
    struct weft_bound_partition live = {0};
    struct weft_replay_ledger_partition *next = &plan->ledger.partitions[plan->ledger.count];
    int64_t deleted;
    if (weft_reader_range(reader, partition, &live.first, &live.end, err) != 0)
        return -1;
    if (begin->kind == WEFT_BOUND_TIME && weft_reader_at_time(reader, partition, begin->value, &live.at_from, err) != 0)
        return -1;
    if (end->kind == WEFT_BOUND_TIME && weft_reader_at_time(reader, partition, end->value, &live.at_to, err) != 0)
        return -1;
    if (!weft_bound_range(begin, end, partition, &live, &next->from, &next->to, &deleted))
        return 0;
    next->partition = partition;
    next->position = next->from;
    plan->deleted[plan->ledger.count++] = (uint64_t)deleted;
    return 0;
}

static int begin_anew(const struct weft_replay_request *request, struct weft_replay_plan *plan,
                      struct weft_reader *reader, struct weft_error *err)
{
    struct weft_bound begin, end;
    plan->ledger.terms = request->terms;
    struct weft_replay_ledger_terms *terms = &plan->ledger.terms;
    if (!terms->from[0])
        snprintf(terms->from, sizeof terms->from, "beginning");
    if (!terms->to[0])
        snprintf(terms->to, sizeof terms->to, "end");
    if (weft_bound_parse(terms->from, "from", &begin, err) != 0 || weft_bound_parse(terms->to, "to", &end, err) != 0)
        return -1;
    for (int32_t p = 0; p < plan->source_partitions; p++)
        if (freeze(plan, reader, p, &begin, &end, err) != 0)
            return -1;
    if (plan->ledger.count == 0)
        return weft_error_set(err, WEFT_ERROR_USAGE, "%s has none of the partitions that --from or --to names",
                              request->source);
    return 0;
}

/* Holds what is remembered against what is there now. */
static int go_on(const struct weft_replay_request *request, struct weft_replay_plan *plan, struct weft_reader *reader,
                 struct weft_error *err)
{
    plan->resumed = true;
    if (weft_replay_agree(&request->terms, &plan->ledger.terms, err) != 0)
        return -1;
    for (int i = 0; i < plan->ledger.count; i++) {
        const struct weft_replay_ledger_partition *partition = &plan->ledger.partitions[i];
        int64_t first, end;
        if (weft_reader_range(reader, partition->partition, &first, &end, err) != 0)
            return -1;
        if (end < partition->to)
            return weft_error_set(err, WEFT_ERROR_CONFLICT,
                                  "%s partition %d ends at offset %lld, and it is to be replayed up to %lld: was the "
                                  "topic made anew?",
                                  request->source, (int)partition->partition, (long long)end, (long long)partition->to);
        const int64_t there = first < partition->to ? first : partition->to;
        plan->deleted[i] = there > partition->position ? (uint64_t)(there - partition->position) : 0;
    }
    return 0;
}

int weft_replay_plan_make(const struct weft_replay_request *request, struct weft_replay_plan *plan,
                          struct weft_error *err)
{
    int result = -1;
    const int timeout_ms = (int)weft_settings_integer(request->settings, "startup.timeout");
    const struct weft_client_options options = {.role = WEFT_KAFKA_READER, .group_id = request->group};
    *plan = (struct weft_replay_plan){0};
    struct weft_client *client = NULL;
    struct weft_reader *reader = weft_reader_new(request->settings, request->source, request->log, err);
    if (!reader)
        return -1;
    plan->source_partitions = weft_reader_partition_count(reader);
    plan->deleted = calloc((size_t)plan->source_partitions, sizeof *plan->deleted);
    if (!plan->deleted) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto out;
    }
    client = weft_client_new(request->settings, &options, request->log, err);
    if (!client || weft_replay_ledger_read(client, request->source, plan->source_partitions, &plan->ledger, err) != 0 ||
        (plan->ledger.count > 0 ? go_on : begin_anew)(request, plan, reader, err) != 0 ||
        look(client, request->terms.sink, timeout_ms, &plan->sink, err) != 0 ||
        look(client, request->terms.dead_letters, timeout_ms, &plan->dead_letters, err) != 0)
        goto out;
    if ((plan->sink.partitions && count_records(request, request->terms.sink, &plan->sink, err) != 0) ||
        (plan->dead_letters.partitions &&
         count_records(request, request->terms.dead_letters, &plan->dead_letters, err) != 0))
        goto out;
    result = 0;
out:
    weft_client_destroy(client);
    weft_reader_destroy(reader);
    if (result != 0)
        weft_replay_plan_clear(plan);
    return result;
}

int weft_replay_plan_fresh(const struct weft_replay_plan *plan, struct weft_error *err)
{
    if (!plan->sink.records && !plan->dead_letters.records)
        return 0;
    return weft_error_set(err, WEFT_ERROR_CONFLICT,
                          "%s holds records already, and Kafka does not remember this replay: name another topic, or "
                          "delete it",
                          plan->sink.records ? plan->ledger.terms.sink : plan->ledger.terms.dead_letters);
}
