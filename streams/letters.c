#include "streams/letters.h"

#include <stdlib.h>
#include <string.h>

#include "streams/reader.h"
#include "streams/scan.h"

/* The part of a partition that is looked at. */
struct stretch {
    int64_t from, to;  /* letters */
    int64_t end;       /* receipts may stand behind the letters, up to here */
    uint8_t *redriven; /* a bit for each offset from `from` to `end` */
};

struct weft_letters {
    struct weft_letters_config config;
    struct weft_settings *settings;
    struct weft_reader *reader;
    int32_t partitions;
    struct stretch *stretches;
    struct weft_progress *progress;
    uint64_t records;
    weft_letters_fn *see;
    void *arg;
};

static bool is_text(struct weft_text text, const char *wanted)
{
    return text.size == strlen(wanted) && memcmp(text.at, wanted, text.size) == 0;
}

bool weft_letters_match(const struct weft_letters_filter *filter, const struct weft_deadletter *says)
{
    return (!filter->error_class || is_text(says->error_class, filter->error_class)) &&
           (!filter->processor || is_text(says->processor, filter->processor));
}

static bool is_at(const struct weft_letters_filter *filter, int32_t partition, int64_t offset)
{
    for (size_t i = 0; i < filter->at_count; i++)
        if (filter->at[i].partition == partition && filter->at[i].offset == offset)
            return true;
    return !filter->at;
}

static void mark(int64_t first, int64_t last, void *arg)
{
    struct stretch *stretch = arg;
    if (first < stretch->from)
        first = stretch->from;
    for (; first <= last && first < stretch->end; first++)
        stretch->redriven[(first - stretch->from) / 8] |= (uint8_t)(1U << (first - stretch->from) % 8);
}

static bool is_marked(const struct stretch *stretch, int64_t offset)
{
    return stretch->redriven[(offset - stretch->from) / 8] >> (offset - stretch->from) % 8 & 1;
}

static int see_receipt(const rd_kafka_message_t *message, void *arg, struct weft_error *err)
{
    struct weft_letters *letters = arg;
    rd_kafka_headers_t *headers;
    if (!weft_deadletter_is_receipt(message) || rd_kafka_message_headers(message, &headers) != 0)
        return 0;
    if (weft_deadletter_read_receipt(headers, mark, &letters->stretches[message->partition], err) == 0)
        return 0;
    return weft_error_prefix(err, "%s partition %d offset %lld", letters->config.topic, (int)message->partition,
                             (long long)message->offset);
}

static int see_letter(const rd_kafka_message_t *message, void *arg, struct weft_error *err)
{
    struct weft_letters *letters = arg;
    const struct weft_letters_filter *filter = letters->config.filter;
    rd_kafka_headers_t *headers = NULL;
    if (weft_deadletter_is_receipt(message) || !is_at(filter, message->partition, message->offset))
        return 0;
    struct weft_letter letter = {.message = message};
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        letter.headers = headers;
    weft_deadletter_read(letter.headers, &letter.says);
    if (!weft_letters_match(filter, &letter.says))
        return 0;
    letter.redriven = is_marked(&letters->stretches[message->partition], message->offset);
    return letters->see(&letter, letters->arg, err);
}

static int scan(struct weft_letters *letters, bool receipts, struct weft_error *err)
{
    struct weft_scan_range *ranges = calloc((size_t)letters->partitions, sizeof *ranges);
    if (!ranges)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    for (int32_t p = 0; p < letters->partitions; p++) {
        const struct stretch *stretch = &letters->stretches[p];
        ranges[p] = (struct weft_scan_range){stretch->from, receipts ? stretch->end : stretch->to};
    }
    struct weft_scan scan = {
        .reader = letters->reader,
        .ranges = ranges,
        .see = receipts ? see_receipt : see_letter,
        .stopped = letters->config.stopped,
        .stop_arg = letters->config.arg,
        .arg = letters,
        .progress = letters->progress,
        .records = &letters->records,
    };
    int result = weft_scan_read(&scan, err);
    free(ranges);
    return result;
}

/* What is to be looked at for single letters: from the first of them, to the last. */
static void narrow(struct weft_scan_range *range, const struct weft_letters_filter *filter, int32_t partition)
{
    int64_t first = INT64_MAX, last = -1;
    for (size_t i = 0; i < filter->at_count; i++) {
        if (filter->at[i].partition != partition)
            continue;
        first = filter->at[i].offset < first ? filter->at[i].offset : first;
        last = filter->at[i].offset > last ? filter->at[i].offset : last;
    }
    if (first > range->next)
        range->next = first;
    if (last < range->end)
        range->end = last + 1;
}

static int find_stretch(struct weft_letters *letters, struct weft_reader *whole, int32_t partition,
                        struct weft_error *err)
{
    static const struct weft_bound to_end = {.kind = WEFT_BOUND_END};
    struct stretch *stretch = &letters->stretches[partition];
    const struct weft_letters_filter *filter = letters->config.filter;
    int64_t first;
    struct weft_scan_range range;
    if (weft_reader_range(whole, partition, &first, &stretch->end, err) != 0 ||
        weft_scan_between(letters->reader, partition, first, stretch->end, filter->from,
                          filter->to ? filter->to : &to_end, &range, err) != 0)
        return -1;
    if (filter->at)
        narrow(&range, filter, partition);
    if (range.next >= range.end)
        range.next = range.end = stretch->end;
    stretch->from = range.next;
    stretch->to = range.end;
    stretch->redriven = calloc((size_t)(stretch->end - stretch->from) / 8 + 1, 1);
    return stretch->redriven ? 0 : weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
}

struct weft_letters *weft_letters_open(const struct weft_letters_config *config, struct weft_error *err)
{
    struct weft_reader *uncommitted = NULL;
    struct weft_letters *letters = calloc(1, sizeof *letters);
    if (!letters) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    letters->config = *config;
    letters->settings = weft_scan_settings(config->settings, err);
    if (!letters->settings)
        goto fail;
    letters->reader = weft_reader_new(letters->settings, config->topic, config->log, err);
    if (!letters->reader)
        goto fail;
    /* A receipt may stand behind a dead letter whose transaction is still open, where a committed reader does not come
     * to yet. */
    if (config->settled) {
        uncommitted = weft_reader_new_uncommitted(letters->settings, config->topic, config->log, err);
        if (!uncommitted)
            goto fail;
    }
    letters->partitions = weft_reader_partition_count(letters->reader);
    letters->stretches = calloc((size_t)letters->partitions, sizeof *letters->stretches);
    if (!letters->stretches) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto fail;
    }
    for (int32_t p = 0; p < letters->partitions; p++)
        if (find_stretch(letters, uncommitted ? uncommitted : letters->reader, p, err) != 0)
            goto fail;
    letters->progress = weft_progress_new("reading", "records", 0);
    if (scan(letters, true, err) != 0)
        goto fail;
    weft_reader_destroy(uncommitted);
    return letters;
fail:
    weft_reader_destroy(uncommitted);
    weft_letters_close(letters);
    return NULL;
}

void weft_letters_close(struct weft_letters *letters)
{
    if (!letters)
        return;
    for (int32_t p = 0; letters->stretches && p < letters->partitions; p++)
        free(letters->stretches[p].redriven);
    free(letters->stretches);
    weft_progress_destroy(letters->progress);
    weft_reader_destroy(letters->reader);
    weft_settings_destroy(letters->settings);
    free(letters);
}

int weft_letters_each(struct weft_letters *letters, weft_letters_fn *see, void *arg, struct weft_error *err)
{
    letters->see = see;
    letters->arg = arg;
    return scan(letters, false, err);
}
