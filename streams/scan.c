#include "streams/scan.h"

#include "base/clock.h"

enum {
    PARTITIONS_AT_ONCE = 4,
    POLL_MS = 200,
    STALL_MS = 30000, /* no record and no end of a partition for this long: the cluster does not answer */
};

struct weft_settings *weft_scan_settings(const struct weft_settings *settings, struct weft_error *err)
{
    /* All hold for each partition being read. A record costs the client some 400 bytes beside its own, so that a
     * megabyte of small ones would become forty. The last: where the partitions being read have come to their ends, the
     * broker would keep the client's only request for half a second, and those started next would wait for it. */
    static const char *const bounds[][2] = {{"queued.max.messages.kbytes", "4096"},
                                            {"queued.min.messages", "50000"},
                                            {"fetch.message.max.bytes", "131072"},
                                            {"fetch.wait.max.ms", "10"}};
    struct weft_settings *copy = weft_settings_copy(settings, err);
    for (size_t i = 0; copy && i < sizeof bounds / sizeof *bounds; i++) {
        if (weft_settings_set(copy, WEFT_RANK_TOPOLOGY, "scan", bounds[i][0], bounds[i][1], err) != 0) {
            weft_settings_destroy(copy);
            return NULL;
        }
    }
    return copy;
}

int weft_scan_all(struct weft_reader *reader, struct weft_scan_range *ranges, struct weft_error *err)
{
    for (int32_t p = 0; p < weft_reader_partition_count(reader); p++)
        if (weft_reader_range(reader, p, &ranges[p].next, &ranges[p].end, err) != 0)
            return -1;
    return 0;
}

static int find_time(struct weft_reader *reader, int32_t partition, const struct weft_bound *bound, int64_t *offset,
                     struct weft_error *err)
{
    *offset = 0;
    return bound->kind == WEFT_BOUND_TIME ? weft_reader_at_time(reader, partition, bound->value, offset, err) : 0;
}

int weft_scan_between(struct weft_reader *reader, int32_t partition, int64_t first, int64_t end,
                      const struct weft_bound *from, const struct weft_bound *to, struct weft_scan_range *range,
                      struct weft_error *err)
{
    static const struct weft_bound beginning = {.kind = WEFT_BOUND_BEGINNING};
    struct weft_bound_partition live = {.first = first, .end = end};
    int64_t deleted;
    if (!from)
        from = &beginning;
    if (find_time(reader, partition, from, &live.at_from, err) != 0 ||
        find_time(reader, partition, to, &live.at_to, err) != 0)
        return -1;
    if (!weft_bound_range(from, to, partition, &live, &range->next, &range->end, &deleted))
        range->next = range->end = end;
    return 0;
}

static int check_stop(const struct weft_scan *scan, struct weft_error *err)
{
    if (scan->stopped && scan->stopped(scan->stop_arg))
        return weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "stopped before the end");
    return 0;
}

static bool is_done(const struct weft_scan *scan, int32_t partition)
{
    return scan->ranges[partition].next >= scan->ranges[partition].end;
}

/* Starts further partitions, from *unstarted on, while there may be more. */
static int start_some(const struct weft_scan *scan, int32_t *unstarted, int *open, struct weft_error *err)
{
    for (; *unstarted < weft_reader_partition_count(scan->reader) && *open < PARTITIONS_AT_ONCE; ++*unstarted) {
        if (is_done(scan, *unstarted))
            continue;
        if (weft_reader_start(scan->reader, *unstarted, scan->ranges[*unstarted].next, err) != 0)
            return -1;
        ++*open;
    }
    return 0;
}

/* Takes a record, or the news that a partition has no more now. */
static int take(struct weft_scan *scan, enum weft_reader_event event, const rd_kafka_message_t *message,
                struct weft_error *err)
{
    struct weft_scan_range *range = &scan->ranges[message->partition];
    /* What was fetched before the partition was stopped may still come. */
    if (message->offset < range->next || (!scan->following && is_done(scan, message->partition)))
        return 0;
    range->next = message->offset;
    if (event == WEFT_READER_END || (!scan->following && message->offset >= range->end))
        return 0;
    if (scan->see(message, scan->arg, err) != 0)
        return -1;
    range->next++;
    if (scan->records)
        weft_progress_update(scan->progress, ++*scan->records);
    return 0;
}

int weft_scan_read(struct weft_scan *scan, struct weft_error *err)
{
    int result = -1, open = 0;
    int32_t unstarted = 0, count = weft_reader_partition_count(scan->reader);
    int64_t heard_ms = weft_clock_ms();
    if (start_some(scan, &unstarted, &open, err) != 0)
        goto out;
    while (open > 0) {
        const rd_kafka_message_t *message;
        enum weft_reader_event event = weft_reader_next(scan->reader, POLL_MS, &message, err);
        if (event == WEFT_READER_FAILED || check_stop(scan, err) != 0)
            goto out;
        if (event == WEFT_READER_NOTHING) {
            if (weft_clock_ms() - heard_ms < STALL_MS)
                continue;
            weft_error_set(err, WEFT_ERROR_UNAVAILABLE,
                           "no record for %d s, though there should be more: is a transaction open, is a broker away?",
                           STALL_MS / 1000);
            goto out;
        }
        heard_ms = weft_clock_ms();
        int32_t partition = message->partition; /* stopping it takes the message along */
        bool was_done = is_done(scan, partition);
        if (take(scan, event, message, err) != 0)
            goto out;
        if (was_done || !is_done(scan, partition))
            continue;
        weft_reader_stop(scan->reader, partition);
        open--;
        if (start_some(scan, &unstarted, &open, err) != 0)
            goto out;
    }
    result = 0;
out:
    for (int32_t p = 0; p < count; p++)
        weft_reader_stop(scan->reader, p);
    return result;
}

int weft_scan_follow(struct weft_scan *scan, int timeout_ms, struct weft_error *err)
{
    for (int32_t p = 0; !scan->following && p < weft_reader_partition_count(scan->reader); p++)
        if (weft_reader_start(scan->reader, p, scan->ranges[p].next, err) != 0)
            return -1;
    scan->following = true;
    const rd_kafka_message_t *message;
    enum weft_reader_event event;
    while ((event = weft_reader_next(scan->reader, timeout_ms, &message, err)) != WEFT_READER_NOTHING)
        if (event == WEFT_READER_FAILED || check_stop(scan, err) != 0 || take(scan, event, message, err) != 0)
            return -1;
    return 0;
}
