#include "pubsub-bridge/commits.h"

#include <stdlib.h>

#include "base/clock.h"
#include "streams/failpoint.h"

enum { INTERVAL_MS = 1000 };

struct weft_commits {
    struct weft_commits_config config;
    rd_kafka_queue_t *answers; /* of the group's coordinator */
    bool under_way;
    int64_t begun_ms; /* the last */
    uint64_t count;
};

struct weft_commits *weft_commits_new(const struct weft_commits_config *config, struct weft_error *err)
{
    struct weft_commits *commits = calloc(1, sizeof *commits);
    if (!commits) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    commits->config = *config;
    commits->answers = rd_kafka_queue_new(config->consumer);
    return commits;
}

void weft_commits_destroy(struct weft_commits *commits)
{
    if (!commits)
        return;
    rd_kafka_queue_destroy(commits->answers);
    free(commits);
}

static void on_committed(rd_kafka_t *consumer, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
                         void *arg)
{
    struct weft_commits *commits = arg;
    const struct weft_commits_config *config = &commits->config;
    (void)consumer;
    commits->under_way = false;
    for (int i = 0; list && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &list->elems[i];
        if (code || one->err)
            continue;
        commits->count += weft_assignment_committed(config->assignment, one->partition, one->offset);
        if (config->lag)
            weft_lag_done(config->lag, one->partition, one->offset);
    }
    if (code)
        weft_log(config->log, WEFT_LOG_WARN, "bridge.commit", "%s: committing: %s", config->bridge,
                 rd_kafka_err2str(code));
}

bool weft_commits_due(const struct weft_commits *commits)
{
    return weft_clock_ms() - commits->begun_ms >= INTERVAL_MS;
}

void weft_commits_begin(struct weft_commits *commits)
{
    if (commits->under_way)
        return;
    rd_kafka_topic_partition_list_t *list = weft_assignment_commit(commits->config.assignment);
    commits->begun_ms = weft_clock_ms();
    if (list->cnt) {
        WEFT_FAILPOINT("published");
        commits->under_way = true;
        rd_kafka_resp_err_t code =
            rd_kafka_commit_queue(commits->config.consumer, list, commits->answers, on_committed, commits);
        if (code)
            on_committed(commits->config.consumer, code, list, commits);
    }
    rd_kafka_topic_partition_list_destroy(list);
}

bool weft_commits_serve(struct weft_commits *commits, int timeout_ms)
{
    rd_kafka_queue_poll_callback(commits->answers, timeout_ms);
    return commits->under_way;
}

uint64_t weft_commits_count(const struct weft_commits *commits)
{
    return commits->count;
}
