#include "streams/verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "schemas/registry_settings.h"
#include "schemas/result.h"
#include "streams/client.h"
#include "streams/consumer.h"
#include "streams/deadletter.h"
#include "streams/live_config.h"
#include "streams/message.h"
#include "streams/reader.h"
#include "streams/scan.h"

enum {
    COMMITTED_TIMEOUT_MS = 30000,
    SETTINGS_TIMEOUT_MS = 10000,
    POLL_MS = 200,
    /* For how long an answer may be on its way: a commit becomes visible in the offsets topic and in the sink by
     * separate markers, and an instance that was killed keeps its partitions of the sink unreadable for
     * transaction.timeout.ms. */
    SETTLE_MS = 20000,
};

/* A topic of answers while it is read. */
struct answers {
    struct verification *verification;
    enum weft_answer_kind kind;
    struct weft_reader *reader;
    struct weft_scan_range *ranges;
    struct weft_scan scan;
};

struct verification {
    const struct weft_verify_config *config;
    struct weft_settings *settings; /* the config's, for readers that keep little in memory */
    struct weft_verify_report *report;
    struct weft_account *account; /* the report's */
    struct weft_reader *source;
    struct weft_registry *registry;
    struct weft_result_reader *results;
    struct answers sink, dead_letters;
    struct weft_progress *progress;
    uint64_t records;
    bool keyless; /* the source has a request without a key */
};

/* The group's committed offsets, RD_KAFKA_OFFSET_INVALID where there are none; the caller destroys the list. */
static rd_kafka_topic_partition_list_t *read_committed_offsets(struct verification *v, int32_t partitions,
                                                               struct weft_error *err)
{
    const struct weft_client_options options = {.role = WEFT_KAFKA_READER, .group_id = v->config->group};
    struct weft_client *client = weft_client_new(v->settings, &options, v->config->log, err);
    if (!client)
        return NULL;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    rd_kafka_topic_partition_list_add_range(list, v->config->source, 0, partitions - 1);
    if (weft_consumer_committed(client, list, COMMITTED_TIMEOUT_MS, err) != 0) {
        rd_kafka_topic_partition_list_destroy(list);
        list = NULL;
    }
    weft_client_destroy(client);
    return list;
}

/* What is to be accounted for in a partition; shown has start and end. */
static int find_range(struct verification *v, int32_t partition, int64_t committed,
                      struct weft_account_partition *shown, struct weft_error *err)
{
    const struct weft_verify_config *config = v->config;
    const struct weft_bound group = {.kind = WEFT_BOUND_OFFSET, .value = committed >= 0 ? committed : shown->start};
    struct weft_scan_range range;
    if (committed > shown->end && !config->to)
        return weft_error_set(err, WEFT_ERROR_CONFLICT,
                              "the group %s has committed offset %" PRId64 " of %s partition %d, which ends at %" PRId64
                              ": was the topic made anew since?",
                              config->group, committed, config->source, (int)partition, shown->end);
    if (weft_scan_between(v->source, partition, shown->start, shown->end, config->from,
                          config->to ? config->to : &group, &range, err) != 0)
        return -1;
    /* Requests that the group has not come to and never will. */
    if (committed >= 0 && committed < shown->start)
        shown->counts.unread = (uint64_t)(shown->start - committed);
    shown->from = range.next;
    shown->to = range.end;
    return 0;
}

static int open_account(struct verification *v, struct weft_error *err)
{
    int result = -1;
    int32_t partitions = weft_reader_partition_count(v->source);
    v->account = v->report->account = weft_account_new(partitions, err);
    rd_kafka_topic_partition_list_t *committed = v->account ? read_committed_offsets(v, partitions, err) : NULL;
    if (!committed)
        return -1;
    v->report->empty = true;
    for (int i = 0; i < committed->cnt; i++) {
        int32_t p = committed->elems[i].partition;
        struct weft_account_partition range = {0};
        if (weft_reader_range(v->source, p, &range.start, &range.end, err) != 0 ||
            find_range(v, p, committed->elems[i].offset, &range, err) != 0 ||
            weft_account_open(v->account, p, &range, err) != 0)
            goto out;
        v->report->empty = v->report->empty && range.start == range.end;
        v->report->committed = v->report->committed || committed->elems[i].offset >= 0;
    }
    result = 0;
out:
    rd_kafka_topic_partition_list_destroy(committed);
    return result;
}

static int see_request(const rd_kafka_message_t *message, void *arg, struct weft_error *err)
{
    struct verification *v = arg;
    (void)err;
    v->keyless = v->keyless || !message->key;
    weft_account_request(v->account, message->partition, message->offset);
    return 0;
}

static int see_uncommitted(const rd_kafka_message_t *message, void *arg, struct weft_error *err)
{
    struct verification *v = arg;
    (void)err;
    weft_account_aborted(v->account, message->partition, message->offset);
    return 0;
}

static bool is_source(const struct verification *v, const char *topic, size_t size)
{
    return size == strlen(v->config->source) && memcmp(topic, v->config->source, size) == 0;
}

static void enter(struct answers *answers, const rd_kafka_message_t *message, const char *topic, size_t topic_size,
                  int32_t partition, int64_t offset)
{
    struct verification *v = answers->verification;
    const struct weft_answer_place place = {answers->kind, message->partition, message->offset};
    bool late = message->offset >= answers->ranges[message->partition].end;
    if (is_source(v, topic, topic_size))
        weft_account_answer(v->account, partition, offset, &place, late);
}

static int see_result(const rd_kafka_message_t *message, void *arg, struct weft_error *err)
{
    struct answers *answers = arg;
    struct verification *v = answers->verification;
    struct weft_frame frame;
    struct weft_result result;
    if (weft_message_frame(message, &frame, err) != 0 ||
        weft_result_read_frame(v->results, &frame, &result, NULL, err) != 0) {
        if (err->class != WEFT_ERROR_CORRUPT)
            return -1;
        v->report->unreadable++;
        return 0;
    }
    enter(answers, message, result.source_topic.at, result.source_topic.size, result.source_partition,
          result.source_offset);
    return 0;
}

static int see_dead_letter(const rd_kafka_message_t *message, void *arg, struct weft_error *err)
{
    struct answers *answers = arg;
    const char *topic;
    size_t size;
    int32_t partition;
    int64_t offset;
    (void)err;
    if (weft_deadletter_is_receipt(message))
        return 0;
    if (weft_deadletter_source(message, &topic, &size, &partition, &offset))
        enter(answers, message, topic, size, partition, offset);
    else
        answers->verification->report->unreadable++;
    return 0;
}

static int open_answers(struct verification *v, struct answers *answers, enum weft_answer_kind kind, const char *topic,
                        struct weft_error *err)
{
    answers->verification = v;
    answers->kind = kind;
    answers->reader = weft_reader_new(v->settings, topic, v->config->log, err);
    if (!answers->reader)
        return -1;
    answers->ranges = calloc((size_t)weft_reader_partition_count(answers->reader), sizeof *answers->ranges);
    if (!answers->ranges)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    answers->scan = (struct weft_scan){
        .reader = answers->reader,
        .ranges = answers->ranges,
        .see = kind == WEFT_ANSWER_RESULT ? see_result : see_dead_letter,
        .stopped = v->config->stopped,
        .stop_arg = v->config->arg,
        .arg = answers,
        .progress = v->progress,
        .records = &v->records,
    };
    return weft_scan_all(answers->reader, answers->ranges, err);
}

static void close_answers(struct answers *answers)
{
    weft_reader_destroy(answers->reader);
    free(answers->ranges);
}

/* Passes the records of the source in the ranges to see. */
static int scan_source(struct verification *v, struct weft_reader *reader, struct weft_scan_range *ranges,
                       int (*see)(const rd_kafka_message_t *message, void *arg, struct weft_error *err),
                       struct weft_error *err)
{
    struct weft_scan scan = {
        .reader = reader,
        .ranges = ranges,
        .see = see,
        .stopped = v->config->stopped,
        .stop_arg = v->config->arg,
        .arg = v,
        .progress = v->progress,
        .records = &v->records,
    };
    return weft_scan_read(&scan, err);
}

/* Whether the source is compacted, and gaps in it are no wonder. Where its settings may not be read, it is held to be
 * unless the log says otherwise: brokers take no record without a key for a compacted topic. */
static void find_compaction(struct verification *v)
{
    struct weft_error err = {0};
    struct weft_live_config config = {0};
    const struct weft_client_options options = {.role = WEFT_KAFKA_ADMIN};
    struct weft_client *client = weft_client_new(v->settings, &options, v->config->log, &err);
    const bool asked =
        client && weft_live_config_read(client, v->config->source, SETTINGS_TIMEOUT_MS, &config, &err) == 0;
    const struct weft_live_setting *policy = weft_live_config_find(&config, "cleanup.policy");
    v->report->presumed = !asked && !v->keyless;
    if (v->report->presumed || (policy && policy->value && strstr(policy->value, "compact")))
        weft_account_compacted(v->account);
    weft_live_config_clear(&config);
    weft_client_destroy(client);
}

/* Reads the requests, and of partitions with gaps between them what stands there. */
static int read_requests(struct verification *v, struct weft_error *err)
{
    int result = -1;
    bool gaps = false;
    int32_t partitions = weft_account_partitions(v->account);
    struct weft_reader *uncommitted = NULL;
    struct weft_scan_range *ranges = calloc((size_t)partitions, sizeof *ranges);
    if (!ranges)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    for (int32_t p = 0; p < partitions; p++) {
        const struct weft_account_partition *range = weft_account_partition(v->account, p);
        ranges[p] = (struct weft_scan_range){range->from, range->to};
    }
    if (scan_source(v, v->source, ranges, see_request, err) != 0)
        goto out;
    for (int32_t p = 0; p < partitions; p++) {
        int64_t first, last, start, end;
        if (weft_reader_range(v->source, p, &start, &end, err) != 0)
            goto out;
        weft_account_expire(v->account, p, start);
        ranges[p] = (struct weft_scan_range){0};
        if (weft_account_gaps(v->account, p, &first, &last)) {
            ranges[p] = (struct weft_scan_range){first, last + 1};
            gaps = true;
        }
    }
    if (gaps) {
        uncommitted = weft_reader_new_uncommitted(v->settings, v->config->source, v->config->log, err);
        if (!uncommitted || scan_source(v, uncommitted, ranges, see_uncommitted, err) != 0)
            goto out;
        find_compaction(v);
    }
    result = 0;
out:
    weft_reader_destroy(uncommitted);
    free(ranges);
    return result;
}

/* Asked for after the ends of the answers' topics: what is answered up to these was there before. */
static int extend_account(struct verification *v, struct weft_error *err)
{
    for (int32_t p = 0; p < weft_account_partitions(v->account); p++) {
        int64_t start, end;
        if (weft_reader_range(v->source, p, &start, &end, err) != 0)
            return -1;
        weft_account_extend(v->account, p, end);
    }
    return 0;
}

/* Reads on what arrives, while answers are missing that may just not be visible yet. */
static int settle(struct verification *v, struct weft_error *err)
{
    int64_t until_ms = weft_clock_ms() + SETTLE_MS;
    while (weft_account_missing(v->account) > 0 && weft_clock_ms() < until_ms)
        if (weft_scan_follow(&v->sink.scan, POLL_MS, err) != 0 || weft_scan_follow(&v->dead_letters.scan, 0, err) != 0)
            return -1;
    return 0;
}

static int verify(struct verification *v, struct weft_error *err)
{
    const struct weft_verify_config *config = v->config;
    v->settings = weft_scan_settings(config->settings, err);
    if (!v->settings)
        return -1;
    v->source = weft_reader_new(v->settings, config->source, config->log, err);
    if (!v->source)
        return -1;
    v->registry = weft_registry_from_settings(config->settings, err);
    if (!v->registry)
        return -1;
    v->results = weft_result_reader_new(v->registry, err);
    if (!v->results)
        return -1;
    v->progress = weft_progress_new("verifying", "records", 0);
    /* The range first, as it is to end where the group stood at the beginning. */
    if (open_account(v, err) != 0 || open_answers(v, &v->sink, WEFT_ANSWER_RESULT, config->sink, err) != 0 ||
        open_answers(v, &v->dead_letters, WEFT_ANSWER_DEAD_LETTER, config->dead_letters, err) != 0 ||
        extend_account(v, err) != 0)
        return -1;
    if (read_requests(v, err) != 0 || weft_scan_read(&v->sink.scan, err) != 0 ||
        weft_scan_read(&v->dead_letters.scan, err) != 0 || settle(v, err) != 0)
        return -1;
    weft_account_close(v->account);
    return 0;
}

int weft_verify(const struct weft_verify_config *config, struct weft_verify_report *report, struct weft_error *err)
{
    *report = (struct weft_verify_report){0};
    struct verification v = {.config = config, .report = report};
    int result = verify(&v, err);
    weft_progress_destroy(v.progress);
    close_answers(&v.sink);
    close_answers(&v.dead_letters);
    weft_reader_destroy(v.source);
    weft_result_reader_destroy(v.results);
    weft_registry_destroy(v.registry);
    weft_settings_destroy(v.settings);
    return result;
}

void weft_verify_report_clear(struct weft_verify_report *report)
{
    weft_account_destroy(report->account);
    report->account = NULL;
}

bool weft_verify_passed(const struct weft_verify_report *report)
{
    return (report->committed || report->empty) && weft_account_balances(report->account) && report->unreadable == 0;
}
