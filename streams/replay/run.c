#include "streams/replay/run.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "streams/batch.h"
#include "streams/reader.h"
#include "streams/replay/scoring.h"
#include "streams/transaction.h"

enum {
    POLL_MS = 200,    /* bounds how fast a stop is seen */
    GATHER_MS = 1000, /* for how long a batch may wait for its requests: bounds what a kill -9 makes good for nothing */
    BATCH_BYTES_MAX = 64 << 20,
    ABORTS_MAX = 5, /* in a row, before it gives up */
    ABORT_BACKOFF_MS = 100,
    REGISTRY_BACKOFF_MS = 500,
    QUIET_MS = 30000,           /* a source that gives nothing for this long is worth a line in the log */
    REFRESH_MS = 3600000,       /* how often positions that do not move are committed again, lest they expire */
    RATE_BURST_NS = 1000000000, /* what a slow transaction takes is made good for, a long pause is not */
};

enum outcome { FAILED, DONE, AGAIN /* go back to what Kafka remembers */ };

struct weft_replay_run {
    struct weft_replay_run_config config;
    pthread_t thread;
    struct weft_client *client; /* for the ledger */
    struct weft_transactor *transactor;
    struct weft_scoring *scoring;
    struct weft_reader *reader;
    struct weft_batch batch;
    struct weft_replay_ledger ledger; /* as committed */
    int64_t *next;                    /* of each partition of the ledger: how far it has been read */
    int *index;                       /* of each partition of the source: its place in the ledger, or -1 */
    int open;                         /* partitions not read to their end */
    int aborts_in_a_row;
    int64_t due_ns;            /* when the rate allows the next request */
    int64_t heard_ms;          /* when the source last gave something */
    int64_t refreshed_ms;      /* when all positions were last committed */
    struct weft_error failure; /* written before ended, read after */

    atomic_bool stop, abort, ended;
    _Atomic(const char *) call;
    atomic_int_fast64_t progress_ms;
    atomic_uint_fast64_t results, dead_letters, commits, aborts, done, left;
};

static void on_step(const char *call, void *arg)
{
    struct weft_replay_run *run = arg;
    atomic_store(&run->call, call);
    atomic_store(&run->progress_ms, weft_clock_ms());
}

static void on_tick(void *arg)
{
    on_step("score", arg);
}

static bool stopped(struct weft_replay_run *run)
{
    return atomic_load(&run->stop);
}

static void nap(struct weft_replay_run *run, const char *why, int64_t ms)
{
    for (int64_t until_ms = weft_clock_ms() + ms; weft_clock_ms() < until_ms && !stopped(run);) {
        on_step(why, run);
        weft_clock_sleep_ms(ms < POLL_MS ? ms : POLL_MS);
    }
}

/* The partition has been read to its end. */
static void finish(struct weft_replay_run *run, int i)
{
    run->next[i] = run->ledger.partitions[i].to;
    run->open--;
    weft_reader_stop(run->reader, run->ledger.partitions[i].partition);
}

static void on_request(struct weft_replay_run *run, int i, const rd_kafka_message_t *message)
{
    const struct weft_replay_ledger_partition *partition = &run->ledger.partitions[i];
    if (message->offset < run->next[i])
        return;
    if (message->offset < partition->to) {
        run->next[i] = message->offset + 1;
        weft_batch_add(&run->batch, weft_reader_take(run->reader));
    } else {
        run->next[i] = partition->to;
    }
    if (run->next[i] == partition->to)
        finish(run, i);
}

/* One event of the source, or none within the time; a request goes into the batch. */
static int poll_once(struct weft_replay_run *run, int timeout_ms, struct weft_error *err)
{
    const rd_kafka_message_t *message;
    on_step("read", run);
    enum weft_reader_event event = weft_reader_next(run->reader, timeout_ms, &message, err);
    if (event == WEFT_READER_FAILED)
        return -1;
    const int64_t now_ms = weft_clock_ms();
    if (event == WEFT_READER_NOTHING) {
        if (now_ms - run->heard_ms >= QUIET_MS) {
            weft_log(run->config.log, WEFT_LOG_WARN, "replay.quiet",
                     "%s has given nothing for %d s, though there should be more: is a broker away?",
                     run->config.source, QUIET_MS / 1000);
            run->heard_ms = now_ms;
        }
        return 0;
    }
    run->heard_ms = now_ms;
    const int i = run->index[message->partition];
    if (run->next[i] == run->ledger.partitions[i].to)
        return 0; /* was on its way when the partition's end was reached */
    if (event == WEFT_READER_MESSAGE)
        on_request(run, i, message);
    else if (message->offset >= run->ledger.partitions[i].to)
        finish(run, i); /* behind the last request there are markers only */
    return 0;
}

/* Milliseconds until the rate allows a request more. */
static int64_t wait_ms(const struct weft_replay_run *run)
{
    return run->config.rate > 0 ? (run->due_ns - weft_clock_ns() + 999999) / 1000000 : 0;
}

static void take_turn(struct weft_replay_run *run)
{
    if (run->config.rate <= 0)
        return;
    const int64_t oldest_ns = weft_clock_ns() - RATE_BURST_NS;
    if (run->due_ns < oldest_ns)
        run->due_ns = oldest_ns;
    run->due_ns += (int64_t)(1e9 / run->config.rate);
}

/* Fills the batch, from all partitions that are open. */
static int gather(struct weft_replay_run *run, struct weft_error *err)
{
    const int64_t until_ms = weft_clock_ms() + GATHER_MS;
    while (run->open > 0 && run->batch.count < run->batch.capacity && run->batch.bytes < BATCH_BYTES_MAX &&
           !stopped(run)) {
        const int64_t left_ms = until_ms - weft_clock_ms(), turn_ms = wait_ms(run);
        if (left_ms <= 0)
            break;
        if (turn_ms > 0) {
            nap(run, "keep the rate", turn_ms < left_ms ? turn_ms : left_ms);
            continue;
        }
        const size_t before = run->batch.count;
        if (poll_once(run, left_ms < POLL_MS ? (int)left_ms : POLL_MS, err) != 0)
            return -1;
        if (run->batch.count > before)
            take_turn(run);
    }
    return 0;
}

/* Waits for the registry for as long as it takes. */
static int score(struct weft_replay_run *run, struct weft_error *err)
{
    while (!stopped(run)) {
        struct weft_error why = {0};
        on_step("score", run);
        if (weft_scoring_score(run->scoring, run->batch.requests, run->batch.count, run->batch.answers, &why) == 0)
            return 0;
        if (why.class != WEFT_ERROR_UNAVAILABLE) {
            *err = why;
            return -1;
        }
        weft_log(run->config.log, WEFT_LOG_WARN, "replay.registry", "waiting with %zu requests: %s", run->batch.count,
                 why.message);
        nap(run, "wait for the registry", REGISTRY_BACKOFF_MS);
    }
    return 0;
}

static void count_batch(struct weft_replay_run *run)
{
    size_t dead = 0;
    uint64_t moved = 0;
    for (size_t i = 0; i < run->batch.count; i++)
        dead += run->batch.answers[i].bytes == NULL;
    for (int i = 0; i < run->ledger.count; i++) {
        moved += (uint64_t)(run->next[i] - run->ledger.partitions[i].position);
        run->ledger.partitions[i].position = run->next[i];
    }
    atomic_fetch_add(&run->results, run->batch.count - dead);
    atomic_fetch_add(&run->dead_letters, dead);
    atomic_fetch_add(&run->commits, 1);
    atomic_fetch_add(&run->done, moved);
    atomic_fetch_sub(&run->left, moved);
}

static bool has_moved(const struct weft_replay_run *run)
{
    for (int i = 0; i < run->ledger.count; i++)
        if (run->next[i] != run->ledger.partitions[i].position)
            return true;
    return false;
}

/* Writes the scored batch, which may be empty, and the positions. */
static enum outcome transact(struct weft_replay_run *run, struct weft_error *err)
{
    struct weft_error why = {0};
    const bool all = weft_clock_ms() - run->refreshed_ms >= REFRESH_MS;
    if (!has_moved(run))
        return DONE;
    rd_kafka_topic_partition_list_t *offsets =
        weft_replay_ledger_offsets(&run->ledger, run->config.source, run->next, all, err);
    if (!offsets)
        return FAILED;
    enum weft_verdict verdict = weft_transactor_run_for(run->transactor, &run->batch, run->config.group, offsets, &why);
    rd_kafka_topic_partition_list_destroy(offsets);
    if (verdict == WEFT_VERDICT_DONE) {
        run->aborts_in_a_row = 0;
        if (all)
            run->refreshed_ms = weft_clock_ms();
        count_batch(run);
        return DONE;
    }
    *err = why;
    if (verdict == WEFT_VERDICT_FENCED) {
        err->class = WEFT_ERROR_FENCED;
        weft_error_prefix(err, "another run of this replay has taken over");
    }
    if (verdict != WEFT_VERDICT_ABORT && verdict != WEFT_VERDICT_ADAPT)
        return FAILED;
    atomic_fetch_add(&run->aborts, 1);
    if (stopped(run))
        return AGAIN;
    weft_log(run->config.log, WEFT_LOG_WARN, "replay.aborted", "%zu requests are taken back: %s", run->batch.count,
             why.message);
    if (why.class == WEFT_ERROR_REFUSED || why.class == WEFT_ERROR_CONFIG)
        return FAILED;
    if (verdict == WEFT_VERDICT_ADAPT) {
        run->aborts_in_a_row = 0;
        return AGAIN;
    }
    if (++run->aborts_in_a_row >= ABORTS_MAX) {
        weft_error_prefix(err, "%d transactions in a row were aborted, the last", run->aborts_in_a_row);
        return FAILED;
    }
    nap(run, "wait after an abort", (int64_t)ABORT_BACKOFF_MS << (run->aborts_in_a_row - 1));
    return AGAIN;
}

/* Begins to read where the ledger says, or where retention has moved the beginning since. */
static int open_source(struct weft_replay_run *run, struct weft_error *err)
{
    on_step("open the source", run);
    weft_reader_destroy(run->reader);
    run->reader = weft_reader_new(run->config.settings, run->config.source, run->config.log, err);
    if (!run->reader)
        return -1;
    run->open = 0;
    run->due_ns = weft_clock_ns();
    run->heard_ms = weft_clock_ms();
    for (int i = 0; i < run->ledger.count; i++) {
        const struct weft_replay_ledger_partition *partition = &run->ledger.partitions[i];
        int64_t first, end, at = partition->position;
        run->next[i] = partition->position;
        if (at == partition->to)
            continue;
        if (weft_reader_range(run->reader, partition->partition, &first, &end, err) != 0)
            return -1;
        if (first > at) {
            at = first < partition->to ? first : partition->to;
            weft_log(run->config.log, WEFT_LOG_WARN, "replay.deleted",
                     "%s partition %d: offsets %" PRId64 " to %" PRId64 " are deleted and cannot be replayed",
                     run->config.source, (int)partition->partition, partition->position, at - 1);
        }
        run->open++;
        if (at == partition->to)
            finish(run, i);
        else if (weft_reader_start(run->reader, partition->partition, at, err) != 0)
            return -1;
    }
    return 0;
}

/* From the ledger's positions to the end. */
static enum outcome pass(struct weft_replay_run *run, struct weft_error *err)
{
    if (open_source(run, err) != 0)
        return FAILED;
    while (!stopped(run) && weft_replay_ledger_left(&run->ledger) > 0) {
        weft_transactor_poll(run->transactor);
        if (gather(run, err) != 0 || score(run, err) != 0)
            return FAILED;
        if (stopped(run))
            break;
        enum outcome outcome = transact(run, err);
        weft_batch_clear(&run->batch);
        if (outcome != DONE)
            return outcome;
    }
    return DONE;
}

/* Takes what is to be replayed from the plan. It is written down with the first results: a replay that ends before has
 * not begun. */
static int begin(struct weft_replay_run *run, struct weft_error *err)
{
    const struct weft_replay_plan *plan = run->config.plan;
    if (weft_replay_plan_fresh(plan, err) != 0)
        return -1;
    run->ledger.terms = plan->ledger.terms;
    run->ledger.count = plan->ledger.count;
    for (int i = 0; i < plan->ledger.count; i++)
        run->ledger.partitions[i] = plan->ledger.partitions[i];
    return 0;
}

/* What Kafka remembers by now; begun anew when that is nothing. */
static int recall(struct weft_replay_run *run, struct weft_error *err)
{
    const struct weft_replay_plan *plan = run->config.plan;
    on_step("committed", run);
    weft_replay_ledger_clear(&run->ledger);
    if (weft_replay_ledger_read(run->client, run->config.source, plan->source_partitions, &run->ledger, err) != 0)
        return -1;
    if (run->ledger.count == 0 ? begin(run, err) != 0
                               : weft_replay_agree(&plan->ledger.terms, &run->ledger.terms, err) != 0)
        return -1;
    for (int p = 0; p < plan->source_partitions; p++)
        run->index[p] = -1;
    for (int i = 0; i < run->ledger.count; i++)
        run->index[run->ledger.partitions[i].partition] = i;
    atomic_store(&run->left, weft_replay_ledger_left(&run->ledger));
    return 0;
}

/* Fences an earlier run of the same name, and settles its last transaction. */
static int claim(struct weft_replay_run *run, struct weft_error *err)
{
    enum weft_verdict verdict = WEFT_VERDICT_RETRY;
    while (!stopped(run)) {
        verdict = weft_transactor_claim(run->transactor, err);
        if (verdict != WEFT_VERDICT_RETRY)
            break;
        weft_log(run->config.log, WEFT_LOG_WARN, "replay.claim", "%s", err->message);
    }
    return verdict == WEFT_VERDICT_DONE || stopped(run) ? 0 : -1;
}

static int work(struct weft_replay_run *run, struct weft_error *err)
{
    if (claim(run, err) != 0)
        return -1;
    enum outcome outcome = AGAIN;
    while (outcome == AGAIN && !stopped(run)) {
        *err = (struct weft_error){0};
        outcome = recall(run, err) == 0 ? pass(run, err) : FAILED;
        weft_batch_clear(&run->batch);
    }
    return outcome == FAILED ? -1 : 0;
}

static void *run_thread(void *arg)
{
    struct weft_replay_run *run = arg;
    struct weft_error err = {0};
    if (work(run, &err) != 0)
        run->failure = err;
    on_step("end", run);
    atomic_store(&run->ended, true);
    return NULL;
}

static int make_clients(struct weft_replay_run *run, struct weft_error *err)
{
    const struct weft_replay_run_config *config = &run->config;
    const struct weft_client_options options = {.role = WEFT_KAFKA_READER, .group_id = config->group};
    const struct weft_transactor_config transactor = {
        .settings = config->settings,
        .log = config->log,
        .transactional_id = config->group,
        .processor = config->group,
        .sink = config->plan->ledger.terms.sink,
        .dead_letters = config->plan->ledger.terms.dead_letters,
        .abort = &run->abort,
        .step = on_step,
        .arg = run,
    };
    run->client = weft_client_new(config->settings, &options, config->log, err);
    if (run->client)
        run->transactor = weft_transactor_new(&transactor, err);
    return run->transactor ? 0 : -1;
}

static void free_run(struct weft_replay_run *run)
{
    weft_batch_destroy(&run->batch); /* before the reader, which waits for its messages */
    weft_reader_destroy(run->reader);
    weft_transactor_destroy(run->transactor);
    weft_client_destroy(run->client);
    weft_scoring_destroy(run->scoring);
    weft_replay_ledger_clear(&run->ledger);
    free(run->next);
    free(run->index);
    free(run);
}

struct weft_replay_run *weft_replay_run_start(const struct weft_replay_run_config *config, struct weft_error *err)
{
    struct weft_replay_run *run = calloc(1, sizeof *run);
    const size_t partitions = (size_t)config->plan->source_partitions;
    if (!run) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    run->config = *config;
    run->config.scorer.tick = on_tick;
    run->config.scorer.arg = run;
    run->next = calloc(partitions, sizeof *run->next);
    run->index = calloc(partitions, sizeof *run->index);
    run->refreshed_ms = -REFRESH_MS; /* the first transaction commits all positions */
    atomic_store(&run->left, weft_replay_ledger_left(&config->plan->ledger));
    on_step("start", run);
    if (!run->next || !run->index ||
        weft_batch_init(&run->batch, (size_t)weft_settings_integer(config->settings, "batch.max")) != 0) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto fail;
    }
    run->scoring = weft_scoring_new(&run->config.scorer, (size_t)config->workers, err);
    if (!run->scoring || make_clients(run, err) != 0)
        goto fail;
    if (pthread_create(&run->thread, NULL, run_thread, run) != 0) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "cannot start a thread");
        goto fail;
    }
    return run;
fail:
    free_run(run);
    return NULL;
}

void weft_replay_run_stop(struct weft_replay_run *run, bool abort)
{
    if (abort)
        atomic_store(&run->abort, true);
    atomic_store(&run->stop, true);
}

void weft_replay_run_status(struct weft_replay_run *run, struct weft_replay_status *status)
{
    *status = (struct weft_replay_status){
        .ended = atomic_load(&run->ended),
        .call = atomic_load(&run->call),
        .silent_ms = weft_clock_ms() - atomic_load(&run->progress_ms),
        .results = atomic_load(&run->results),
        .dead_letters = atomic_load(&run->dead_letters),
        .commits = atomic_load(&run->commits),
        .aborts = atomic_load(&run->aborts),
        .done = atomic_load(&run->done),
        .left = atomic_load(&run->left),
    };
    if (status->ended)
        status->failure = run->failure;
}

void weft_replay_run_destroy(struct weft_replay_run *run)
{
    if (!run)
        return;
    pthread_join(run->thread, NULL);
    free_run(run);
}
