#include "streams/lag.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

enum {
    LOOK_MS = 1000,
    ASK_TIMEOUT_MS = 200, /* a question holds up its thread, so the first ones are short */
    ASK_TIMEOUT_MAX_MS = 1600,
    UNKNOWN = -1, /* of an offset */
};

struct partition {
    int32_t number;
    int64_t done; /* the first offset that is not */
    int64_t end;
};

struct weft_lag {
    const char *topic;
    int64_t looked_ms;  /* the telling thread's */
    int ask_timeout_ms; /* the telling thread's */
    pthread_mutex_t lock;
    struct partition *partitions;
    size_t count;
};

struct weft_lag *weft_lag_new(const char *topic)
{
    struct weft_lag *lag = calloc(1, sizeof *lag);
    if (!lag)
        return NULL;
    lag->topic = topic;
    lag->ask_timeout_ms = ASK_TIMEOUT_MS;
    pthread_mutex_init(&lag->lock, NULL);
    return lag;
}

void weft_lag_destroy(struct weft_lag *lag)
{
    if (!lag)
        return;
    pthread_mutex_destroy(&lag->lock);
    free(lag->partitions);
    free(lag);
}

void weft_lag_assigned(struct weft_lag *lag, const rd_kafka_topic_partition_list_t *list)
{
    struct partition *partitions = calloc((size_t)list->cnt + 1, sizeof *partitions);
    pthread_mutex_lock(&lag->lock);
    free(lag->partitions);
    lag->partitions = partitions;
    lag->count = partitions ? (size_t)list->cnt : 0;
    for (size_t i = 0; i < lag->count; i++)
        partitions[i] = (struct partition){.number = list->elems[i].partition, .done = UNKNOWN, .end = UNKNOWN};
    pthread_mutex_unlock(&lag->lock);
}

void weft_lag_revoked(struct weft_lag *lag)
{
    pthread_mutex_lock(&lag->lock);
    lag->count = 0;
    pthread_mutex_unlock(&lag->lock);
}

/* With the lock held. */
static struct partition *find(struct weft_lag *lag, int32_t number)
{
    for (size_t i = 0; i < lag->count; i++)
        if (lag->partitions[i].number == number)
            return &lag->partitions[i];
    return NULL;
}

static void set_done(struct weft_lag *lag, int32_t number, int64_t offset, bool only_unknown)
{
    pthread_mutex_lock(&lag->lock);
    struct partition *partition = find(lag, number);
    if (partition && (!only_unknown || partition->done == UNKNOWN))
        partition->done = offset;
    pthread_mutex_unlock(&lag->lock);
}

void weft_lag_begins(struct weft_lag *lag, int32_t partition, int64_t offset)
{
    set_done(lag, partition, offset, true);
}

void weft_lag_done(struct weft_lag *lag, int32_t partition, int64_t offset)
{
    set_done(lag, partition, offset, false);
}

/* Whether a question had its answer. A cluster that needs longer for one is given twice the time from then on. */
static bool answered(struct weft_lag *lag, rd_kafka_resp_err_t code)
{
    if (code == RD_KAFKA_RESP_ERR__TIMED_OUT && lag->ask_timeout_ms < ASK_TIMEOUT_MAX_MS)
        lag->ask_timeout_ms *= 2;
    return code == RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Of a partition of which nothing has ever been committed, all that is there is to be done. */
static void ask_beginnings(struct weft_lag *lag, rd_kafka_t *consumer, rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = RD_KAFKA_OFFSET_BEGINNING;
    if (list->cnt == 0 || !answered(lag, rd_kafka_offsets_for_times(consumer, list, lag->ask_timeout_ms)))
        return;
    for (int i = 0; i < list->cnt; i++)
        if (!list->elems[i].err && list->elems[i].offset >= 0)
            weft_lag_begins(lag, list->elems[i].partition, list->elems[i].offset);
}

/* Of a partition of which nothing has been read since we got it only the group's coordinator knows where it stands:
 * asked once for all of these, and again a second later where it did not answer. */
static void ask_committed(struct weft_lag *lag, rd_kafka_t *consumer)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    pthread_mutex_lock(&lag->lock);
    for (size_t i = 0; i < lag->count; i++)
        if (lag->partitions[i].done == UNKNOWN)
            rd_kafka_topic_partition_list_add(list, lag->topic, lag->partitions[i].number);
    pthread_mutex_unlock(&lag->lock);
    if (list->cnt > 0 && answered(lag, rd_kafka_committed(consumer, list, lag->ask_timeout_ms))) {
        for (int i = list->cnt - 1; i >= 0; i--) {
            const rd_kafka_topic_partition_t one = list->elems[i];
            if (!one.err && one.offset >= 0)
                weft_lag_begins(lag, one.partition, one.offset);
            if (one.err || one.offset >= 0)
                rd_kafka_topic_partition_list_del_by_idx(list, i);
        }
        ask_beginnings(lag, consumer, list);
    }
    rd_kafka_topic_partition_list_destroy(list);
}

/* What the last answers to fetches said: nobody is asked. */
static void note_fetched_ends(struct weft_lag *lag, rd_kafka_t *consumer)
{
    pthread_mutex_lock(&lag->lock);
    for (size_t i = 0; i < lag->count; i++) {
        int64_t low, high;
        if (rd_kafka_get_watermark_offsets(consumer, lag->topic, lag->partitions[i].number, &low, &high) ==
                RD_KAFKA_RESP_ERR_NO_ERROR &&
            high >= 0)
            lag->partitions[i].end = high;
    }
    pthread_mutex_unlock(&lag->lock);
}

static void ask_ends(struct weft_lag *lag, rd_kafka_t *consumer)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    pthread_mutex_lock(&lag->lock);
    for (size_t i = 0; i < lag->count; i++)
        rd_kafka_topic_partition_list_add(list, lag->topic, lag->partitions[i].number)->offset = RD_KAFKA_OFFSET_END;
    pthread_mutex_unlock(&lag->lock);
    if (list->cnt > 0 && answered(lag, rd_kafka_offsets_for_times(consumer, list, lag->ask_timeout_ms))) {
        pthread_mutex_lock(&lag->lock);
        for (int i = 0; i < list->cnt; i++) {
            struct partition *partition = find(lag, list->elems[i].partition);
            if (partition && !list->elems[i].err && list->elems[i].offset >= 0)
                partition->end = list->elems[i].offset;
        }
        pthread_mutex_unlock(&lag->lock);
    }
    rd_kafka_topic_partition_list_destroy(list);
}

void weft_lag_look(struct weft_lag *lag, rd_kafka_t *consumer, bool paused)
{
    if (weft_clock_ms() - lag->looked_ms < LOOK_MS)
        return;
    ask_committed(lag, consumer);
    if (paused)
        ask_ends(lag, consumer);
    else
        note_fetched_ends(lag, consumer);
    lag->looked_ms = weft_clock_ms();
}

/* UNKNOWN when it is. */
static int64_t lag_of(const struct partition *partition)
{
    if (partition->done == UNKNOWN || partition->end == UNKNOWN)
        return UNKNOWN;
    return partition->end > partition->done ? partition->end - partition->done : 0;
}

int64_t weft_lag_total(struct weft_lag *lag)
{
    int64_t total = 0;
    pthread_mutex_lock(&lag->lock);
    for (size_t i = 0; i < lag->count; i++)
        if (lag_of(&lag->partitions[i]) > 0)
            total += lag_of(&lag->partitions[i]);
    pthread_mutex_unlock(&lag->lock);
    return total;
}

void weft_lag_write(struct weft_lag *lag, struct weft_metric *metric, const struct weft_label labels[2])
{
    pthread_mutex_lock(&lag->lock);
    for (size_t i = 0; i < lag->count; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", (int)lag->partitions[i].number);
        const struct weft_label of_partition[] = {
            labels[0], labels[1], {"topic", lag->topic}, {"partition", number}, {NULL, NULL}};
        if (lag_of(&lag->partitions[i]) != UNKNOWN)
            weft_metric_sample(metric, of_partition, (double)lag_of(&lag->partitions[i]));
    }
    pthread_mutex_unlock(&lag->lock);
}
