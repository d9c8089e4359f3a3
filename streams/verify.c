#include "streams/verify.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/progress.h"
#include "schemas/registry_settings.h"
#include "schemas/result.h"
#include "streams/client.h"
#include "streams/deadletter.h"
#include "streams/reader.h"

enum {
    COMMITTED_TIMEOUT_MS = 30000,
    POLL_MS = 200,
    /* For how long an answer may be on its way: a commit becomes visible in the offsets topic and in the sink by
     * separate markers, and an instance that was killed keeps its partitions of the sink unreadable for
     * transaction.timeout.ms. */
    SETTLE_MS = 20000,
    STALL_MS = 30000, /* no record and no end of a partition for this long: the cluster does not answer */
};

/* What is known of one offset of the source: a bit for the request, counts of answers that stop at three. */
enum { REQUEST = 1, RESULT = 2, RESULT_MAX = 6, DEAD = 8, DEAD_MAX = 24 };

struct verification {
    const struct weft_verify_config *config;
    struct weft_verify_report *report;
    uint8_t **states; /* of each partition, of each offset from its `from` */
    struct weft_registry *registry;
    struct weft_result_reader *results;
    struct weft_progress *progress;
    uint64_t records;
};

static bool stopped(const struct verification *v)
{
    return v->config->stopped && v->config->stopped(v->config->arg);
}

/* The group's committed offsets bound what can be asked for: what lies behind them may be at work. */
static int read_committed_offsets(struct verification *v, struct weft_error *err)
{
    int result = -1;
    const struct weft_client_options options = {.role = WEFT_KAFKA_READER, .group_id = v->config->group};
    struct weft_client *client = weft_client_new(v->config->settings, &options, v->config->log, err);
    if (!client)
        return -1;
    struct weft_verify_report *report = v->report;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(report->partition_count);
    rd_kafka_topic_partition_list_add_range(list, v->config->source, 0, report->partition_count - 1);
    if (weft_client_committed(client, list, COMMITTED_TIMEOUT_MS, err) != 0)
        goto out;
    for (int i = 0; i < list->cnt; i++) {
        struct weft_verify_partition *partition = &report->partitions[list->elems[i].partition];
        if (list->elems[i].offset >= 0) {
            report->committed = true;
            partition->to = list->elems[i].offset;
        } else {
            partition->to = partition->from;
        }
        if (partition->to < partition->from)
            partition->to = partition->from;
    }
    result = 0;
out:
    rd_kafka_topic_partition_list_destroy(list);
    weft_client_destroy(client);
    return result;
}

static int make_states(struct verification *v, struct weft_error *err)
{
    struct weft_verify_report *report = v->report;
    for (int p = 0; p < report->partition_count; p++) {
        size_t size = (size_t)(report->partitions[p].to - report->partitions[p].from);
        v->states[p] = calloc(size ? size : 1, 1);
        if (!v->states[p])
            return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory for %zu offsets of partition %d", size, p);
    }
    return 0;
}

/* The state of an offset, or NULL when it is outside of the range. */
static uint8_t *find_state(struct verification *v, int32_t partition, int64_t offset)
{
    if (partition < 0 || partition >= v->report->partition_count)
        return NULL;
    const struct weft_verify_partition *p = &v->report->partitions[partition];
    return offset >= p->from && offset < p->to ? &v->states[partition][offset - p->from] : NULL;
}

static int see_request(struct verification *v, const rd_kafka_message_t *message, struct weft_error *err)
{
    uint8_t *state = find_state(v, message->partition, message->offset);
    (void)err;
    if (state)
        *state |= REQUEST;
    return 0;
}

static bool is_source(const struct verification *v, const char *topic, size_t size)
{
    return size == strlen(v->config->source) && memcmp(topic, v->config->source, size) == 0;
}

static int see_result(struct verification *v, const rd_kafka_message_t *message, struct weft_error *err)
{
    struct weft_result result;
    if (weft_result_read(v->results, message->payload, message->len, &result, NULL, err) != 0) {
        if (err->class != WEFT_ERROR_CORRUPT)
            return -1;
        v->report->unreadable++;
        return 0;
    }
    uint8_t *state = is_source(v, result.source_topic.at, result.source_topic.size)
                         ? find_state(v, result.source_partition, result.source_offset)
                         : NULL;
    if (state && (*state & RESULT_MAX) != RESULT_MAX)
        *state = (uint8_t)(*state + RESULT);
    return 0;
}

static int see_dead_letter(struct verification *v, const rd_kafka_message_t *message, struct weft_error *err)
{
    const char *topic;
    size_t size;
    int32_t partition;
    int64_t offset;
    (void)err;
    if (!weft_deadletter_source(message, &topic, &size, &partition, &offset)) {
        v->report->unreadable++;
        return 0;
    }
    uint8_t *state = is_source(v, topic, size) ? find_state(v, partition, offset) : NULL;
    if (state && (*state & DEAD_MAX) != DEAD_MAX)
        *state = (uint8_t)(*state + DEAD);
    return 0;
}

static void add_offender(struct weft_verify_report *report, enum weft_verify_fault fault, int32_t partition,
                         int64_t offset)
{
    if (report->offender_count < WEFT_VERIFY_OFFENDERS_MAX)
        report->offenders[report->offender_count++] =
            (struct weft_verify_offender){.fault = fault, .partition = partition, .offset = offset};
}

/* Counts anew from the states. */
static void account(struct verification *v)
{
    struct weft_verify_report *report = v->report;
    report->offender_count = 0;
    report->total = (struct weft_verify_partition){0};
    for (int32_t p = 0; p < report->partition_count; p++) {
        struct weft_verify_partition *partition = &report->partitions[p];
        *partition = (struct weft_verify_partition){.from = partition->from, .to = partition->to};
        for (int64_t offset = partition->from; offset < partition->to; offset++) {
            unsigned bits = v->states[p][offset - partition->from];
            unsigned results = (bits & RESULT_MAX) / RESULT, dead_letters = (bits & DEAD_MAX) / DEAD;
            partition->requests += bits & REQUEST;
            partition->results += results;
            partition->dead_letters += dead_letters;
            if ((bits & REQUEST) && results + dead_letters == 0) {
                partition->missing++;
                add_offender(report, WEFT_VERIFY_MISSING, p, offset);
            } else if (!(bits & REQUEST) && results + dead_letters > 0) {
                partition->unexpected++;
                add_offender(report, WEFT_VERIFY_UNEXPECTED, p, offset);
            } else if (results + dead_letters > 1) {
                partition->duplicated++;
                add_offender(report, WEFT_VERIFY_DUPLICATED, p, offset);
            }
        }
        report->total.requests += partition->requests;
        report->total.results += partition->results;
        report->total.dead_letters += partition->dead_letters;
        report->total.missing += partition->missing;
        report->total.duplicated += partition->duplicated;
        report->total.unexpected += partition->unexpected;
    }
}

typedef int see_fn(struct verification *v, const rd_kafka_message_t *message, struct weft_error *err);

/* Passes the records of the given ranges of the partitions to see; with ranges NULL, all that the topic has now. */
static int read_topic(struct verification *v, struct weft_reader *reader, const struct weft_verify_partition *ranges,
                      see_fn *see, struct weft_error *err)
{
    int count = weft_reader_partition_count(reader), open = 0, result = -1;
    int64_t *ends = calloc((size_t)count, sizeof *ends); /* 0: the partition has been read */
    if (!ends)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    for (int32_t p = 0; p < count; p++) {
        int64_t first, end;
        if (weft_reader_range(reader, p, &first, &end, err) != 0)
            goto out;
        if (ranges)
            first = ranges[p].from, end = ranges[p].to;
        /* Also where nothing is to be read now: what comes later is what settle waits for. */
        if (weft_reader_start(reader, p, first, err) != 0)
            goto out;
        if (first < end) {
            ends[p] = end;
            open++;
        }
    }
    int64_t heard_ms = weft_clock_ms();
    while (open > 0) {
        const rd_kafka_message_t *message;
        enum weft_reader_event event = weft_reader_next(reader, POLL_MS, &message, err);
        if (event == WEFT_READER_FAILED)
            goto out;
        if (stopped(v)) {
            weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "stopped before the end");
            goto out;
        }
        if (event == WEFT_READER_NOTHING) {
            if (weft_clock_ms() - heard_ms < STALL_MS)
                continue;
            weft_error_set(err, WEFT_ERROR_UNAVAILABLE,
                           "no record for %d s, though there should be more: is a "
                           "transaction open, is a broker away?",
                           STALL_MS / 1000);
            goto out;
        }
        heard_ms = weft_clock_ms();
        int64_t next = message->offset;
        if (event == WEFT_READER_MESSAGE) {
            if (see(v, message, err) != 0)
                goto out;
            weft_progress_update(v->progress, ++v->records);
            next++;
        }
        /* Behind the last record there may be markers only: then the end of the partition is told instead. */
        if (ends[message->partition] && next >= ends[message->partition]) {
            ends[message->partition] = 0;
            open--;
        }
    }
    result = 0;
out:
    free(ends);
    return result;
}

static int read_on(struct verification *v, struct weft_reader *reader, int timeout_ms, see_fn *see,
                   struct weft_error *err)
{
    const rd_kafka_message_t *message;
    enum weft_reader_event event;
    while ((event = weft_reader_next(reader, timeout_ms, &message, err)) != WEFT_READER_NOTHING) {
        if (event == WEFT_READER_FAILED || (event == WEFT_READER_MESSAGE && see(v, message, err) != 0))
            return -1;
        if (stopped(v))
            return weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "stopped before the end");
    }
    return 0;
}

/* Reads on what arrives, while answers are missing that may just not be visible yet. */
static int settle(struct verification *v, struct weft_reader *sink, struct weft_reader *dead_letters,
                  struct weft_error *err)
{
    int64_t until_ms = weft_clock_ms() + SETTLE_MS;
    account(v);
    while (v->report->total.missing > 0 && weft_clock_ms() < until_ms) {
        if (stopped(v))
            return weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "stopped before the end");
        if (read_on(v, sink, POLL_MS, see_result, err) != 0 || read_on(v, dead_letters, 0, see_dead_letter, err) != 0)
            return -1;
        account(v);
    }
    return 0;
}

static int find_ranges(struct verification *v, struct weft_reader *source, struct weft_error *err)
{
    struct weft_verify_report *report = v->report;
    report->partition_count = weft_reader_partition_count(source);
    report->partitions = calloc((size_t)report->partition_count, sizeof *report->partitions);
    v->states = calloc((size_t)report->partition_count, sizeof *v->states);
    if (!report->partitions || !v->states)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    report->empty = true;
    for (int32_t p = 0; p < report->partition_count; p++) {
        int64_t end;
        if (weft_reader_range(source, p, &report->partitions[p].from, &end, err) != 0)
            return -1;
        report->empty = report->empty && report->partitions[p].from == end;
    }
    return read_committed_offsets(v, err) != 0 || make_states(v, err) != 0 ? -1 : 0;
}

int weft_verify(const struct weft_verify_config *config, struct weft_verify_report *report, struct weft_error *err)
{
    int result = -1;
    *report = (struct weft_verify_report){0};
    struct verification v = {.config = config, .report = report};
    struct weft_reader *dead_letters = NULL, *sink = NULL;
    struct weft_reader *source = weft_reader_new(config->settings, config->source, config->log, err);
    if (!source || find_ranges(&v, source, err) != 0)
        goto out;
    v.registry = weft_registry_from_settings(config->settings, err);
    if (!v.registry)
        goto out;
    v.results = weft_result_reader_new(v.registry, err);
    sink = v.results ? weft_reader_new(config->settings, config->sink, config->log, err) : NULL;
    dead_letters = sink ? weft_reader_new(config->settings, config->dead_letters, config->log, err) : NULL;
    if (!dead_letters)
        goto out;
    v.progress = weft_progress_new("verifying", "records", 0);
    if (read_topic(&v, source, report->partitions, see_request, err) != 0 ||
        read_topic(&v, sink, NULL, see_result, err) != 0 ||
        read_topic(&v, dead_letters, NULL, see_dead_letter, err) != 0 || settle(&v, sink, dead_letters, err) != 0)
        goto out;
    result = 0;
out:
    weft_progress_destroy(v.progress);
    for (int p = 0; v.states && p < report->partition_count; p++)
        free(v.states[p]);
    free(v.states);
    weft_reader_destroy(source);
    weft_reader_destroy(sink);
    weft_reader_destroy(dead_letters);
    weft_result_reader_destroy(v.results);
    weft_registry_destroy(v.registry);
    return result;
}

void weft_verify_report_clear(struct weft_verify_report *report)
{
    free(report->partitions);
    report->partitions = NULL;
}

bool weft_verify_passed(const struct weft_verify_report *report)
{
    const struct weft_verify_partition *total = &report->total;
    return (report->committed || report->empty) && total->missing == 0 && total->duplicated == 0 &&
           total->unexpected == 0 && report->unreadable == 0;
}
