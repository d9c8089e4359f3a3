#include "streams/redrive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "streams/client.h"
#include "streams/partitioner.h"
#include "streams/verdict.h"

enum {
    CALL_TIMEOUT_MS = 5000,
    DEADLINE_MS = 60000,
    /* Of one transaction. Its receipts have a range for each letter at worst. */
    LETTERS_MAX = 1000,
    BYTES_MAX = 8 << 20,
};

/* The letters of one partition in the transaction at hand. */
struct touched {
    int64_t offsets[LETTERS_MAX];
    size_t count;
};

struct redrive {
    const struct weft_redrive_config *config;
    struct weft_redrive_report *report;
    struct weft_client *client;
    rd_kafka_t *handle;
    struct touched **touched; /* of each partition of the dead letters; NULL until there is one */
    int letter_partitions;
    size_t letters, bytes; /* in the transaction at hand; none: there is no transaction */
    bool begun;
    rd_kafka_resp_err_t undelivered;
};

const char *weft_redrive_fate_text(enum weft_redrive_fate fate)
{
    static const char *const texts[WEFT_REDRIVE_FATES] = {
        [WEFT_REDRIVE_SEND] = "to be sent",
        [WEFT_REDRIVE_DONE] = "redriven before",
        [WEFT_REDRIVE_CUT] = "refused: only a part was kept",
        [WEFT_REDRIVE_ATTEMPTS] = "refused: redriven as often as --max-attempts allows",
        [WEFT_REDRIVE_ELSEWHERE] = "refused: came from another topic",
        [WEFT_REDRIVE_NO_SOURCE] = "refused: do not say where they came from",
        [WEFT_REDRIVE_LIMIT] = "left by --limit",
    };
    return texts[fate];
}

enum weft_redrive_fate weft_redrive_judge(const struct weft_letter *letter, const char *source, int32_t attempts_max)
{
    const struct weft_deadletter *says = &letter->says;
    if (letter->redriven)
        return WEFT_REDRIVE_DONE;
    if (!says->has_source)
        return WEFT_REDRIVE_NO_SOURCE;
    if (says->topic.size != strlen(source) || memcmp(says->topic.at, source, says->topic.size) != 0)
        return WEFT_REDRIVE_ELSEWHERE;
    if (says->value_size >= 0)
        return WEFT_REDRIVE_CUT;
    return says->attempt >= attempts_max ? WEFT_REDRIVE_ATTEMPTS : WEFT_REDRIVE_SEND;
}

static void on_delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *arg)
{
    struct redrive *redrive = arg;
    (void)handle;
    if (message->err && !redrive->undelivered)
        redrive->undelivered = message->err;
}

/* Makes a call of the transaction's until it is done; error comes from call, which may be repeated. */
static int settle(struct redrive *redrive, rd_kafka_error_t *(*call)(rd_kafka_t *handle, int timeout_ms),
                  const char *what, struct weft_error *err)
{
    int64_t deadline_ms = weft_clock_ms() + DEADLINE_MS;
    for (;;) {
        struct weft_error why = {0};
        enum weft_verdict verdict = weft_verdict(call(redrive->handle, CALL_TIMEOUT_MS), what, &why);
        rd_kafka_poll(redrive->handle, 0);
        if (verdict == WEFT_VERDICT_DONE)
            return 0;
        bool stopped = !redrive->begun && redrive->config->stopped && redrive->config->stopped(redrive->config->arg);
        if (verdict == WEFT_VERDICT_RETRY && !stopped && weft_clock_ms() < deadline_ms)
            continue;
        if (redrive->undelivered)
            return weft_client_fail(redrive->client, redrive->undelivered, what, err);
        *err = why;
        if (verdict != WEFT_VERDICT_FENCED)
            return -1;
        return weft_error_set(err, WEFT_ERROR_FENCED, "another redrive of %s has taken over",
                              redrive->config->dead_letters);
    }
}

static rd_kafka_error_t *begin(rd_kafka_t *handle, int timeout_ms)
{
    (void)timeout_ms;
    return rd_kafka_begin_transaction(handle);
}

/* Queues a record; headers are taken, also on failure. */
static int produce(struct redrive *redrive, const char *topic, int32_t partition, const rd_kafka_message_t *message,
                   rd_kafka_headers_t *headers, struct weft_error *err)
{
    int64_t deadline_ms = weft_clock_ms() + DEADLINE_MS;
    rd_kafka_resp_err_t code;
    /* A null key or value stays null, an empty one empty: the library tells them apart by the pointer. */
    void *key = message ? message->key : NULL, *value = message ? message->payload : NULL;
    do {
        code = rd_kafka_producev(
            redrive->handle, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, message ? message->key_len : 0),
            RD_KAFKA_V_VALUE(value, message ? message->len : 0), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(redrive->handle, 10);
    } while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && weft_clock_ms() < deadline_ms);
    if (!code)
        return 0;
    rd_kafka_headers_destroy(headers);
    char what[300];
    snprintf(what, sizeof what, "writing to %s", topic);
    return weft_client_fail(redrive->client, code, what, err);
}

static int write_receipts(struct redrive *redrive, struct weft_error *err)
{
    for (int p = 0; p < redrive->letter_partitions; p++) {
        struct touched *touched = redrive->touched[p];
        if (!touched || touched->count == 0)
            continue;
        rd_kafka_headers_t *headers = weft_deadletter_receipt(touched->offsets, touched->count);
        if (!headers)
            return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        if (produce(redrive, redrive->config->dead_letters, p, NULL, headers, err) != 0)
            return -1;
        touched->count = 0;
    }
    return 0;
}

static int commit(struct redrive *redrive, struct weft_error *err)
{
    if (!redrive->begun)
        return 0;
    if (write_receipts(redrive, err) != 0 ||
        settle(redrive, rd_kafka_commit_transaction, "committing the letters sent back", err) != 0)
        return -1;
    redrive->report->sent += redrive->letters;
    redrive->letters = redrive->bytes = 0;
    redrive->begun = false;
    return 0;
}

static int note(struct redrive *redrive, const rd_kafka_message_t *letter, struct weft_error *err)
{
    struct touched **touched = &redrive->touched[letter->partition];
    if (!*touched)
        *touched = calloc(1, sizeof **touched);
    if (!*touched)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    (*touched)->offsets[(*touched)->count++] = letter->offset;
    redrive->letters++;
    redrive->bytes += letter->len + letter->key_len;
    return 0;
}

/* The partition it came from; where the topic has been made anew with fewer, the one that its key has there. */
static int32_t destination(const struct redrive *redrive, const struct weft_letter *letter)
{
    int32_t partition = letter->says.partition;
    if (partition < redrive->report->partition_count)
        return partition;
    return weft_partition(letter->message->key, letter->message->key_len, partition, redrive->report->partition_count);
}

static int send_back(struct redrive *redrive, const struct weft_letter *letter, struct weft_error *err)
{
    if (!redrive->begun) {
        if (settle(redrive, begin, "beginning a transaction", err) != 0)
            return -1;
        redrive->begun = true;
    }
    rd_kafka_headers_t *headers = weft_deadletter_original(letter->headers, letter->says.attempt + 1);
    if (!headers)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    if (produce(redrive, redrive->config->source, destination(redrive, letter), letter->message, headers, err) != 0 ||
        note(redrive, letter->message, err) != 0)
        return -1;
    rd_kafka_poll(redrive->handle, 0);
    return redrive->letters == LETTERS_MAX || redrive->bytes >= BYTES_MAX ? commit(redrive, err) : 0;
}

static int see(const struct weft_letter *letter, void *arg, struct weft_error *err)
{
    struct redrive *redrive = arg;
    const struct weft_redrive_config *config = redrive->config;
    uint64_t *fates = redrive->report->fates;
    enum weft_redrive_fate fate = weft_redrive_judge(letter, config->source, config->attempts_max);
    if (fate == WEFT_REDRIVE_SEND && config->limit && fates[WEFT_REDRIVE_SEND] == config->limit)
        fate = WEFT_REDRIVE_LIMIT;
    fates[fate]++;
    if (fate != WEFT_REDRIVE_SEND)
        return 0;
    redrive->report->partitions[destination(redrive, letter)]++;
    return config->execute ? send_back(redrive, letter, err) : 0;
}

/* Has the topics looked up, and with execute the right to be the only one. */
static int open_redrive(struct redrive *redrive, struct weft_error *err)
{
    const struct weft_redrive_config *config = redrive->config;
    int timeout_ms = (int)weft_settings_integer(config->settings, "startup.timeout");
    char id[512];
    snprintf(id, sizeof id, "weft-redrive-%s", config->dead_letters);
    const struct weft_client_options options = {
        .role = config->execute ? WEFT_KAFKA_SINK : WEFT_KAFKA_READER,
        .transactional_id = config->execute ? id : NULL,
        .delivered = config->execute ? on_delivered : NULL,
        .arg = redrive,
    };
    redrive->client = weft_client_new(config->settings, &options, config->log, err);
    if (!redrive->client)
        return -1;
    redrive->handle = weft_client_handle(redrive->client);
    if (weft_client_partition_count(redrive->client, config->source, timeout_ms, &redrive->report->partition_count,
                                    err) != 0 ||
        weft_client_partition_count(redrive->client, config->dead_letters, timeout_ms, &redrive->letter_partitions,
                                    err) != 0)
        return -1;
    redrive->report->partitions = calloc((size_t)redrive->report->partition_count, sizeof(uint64_t));
    redrive->touched = calloc((size_t)redrive->letter_partitions, sizeof *redrive->touched);
    if (!redrive->report->partitions || !redrive->touched)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    return config->execute ? settle(redrive, rd_kafka_init_transactions, "claiming the transactional id", err) : 0;
}

static void close_redrive(struct redrive *redrive)
{
    if (redrive->begun) {
        /* What fails here the broker does by itself, after transaction.timeout.ms. */
        rd_kafka_error_t *error = rd_kafka_abort_transaction(redrive->handle, CALL_TIMEOUT_MS);
        if (error)
            rd_kafka_error_destroy(error);
    }
    for (int p = 0; redrive->touched && p < redrive->letter_partitions; p++)
        free(redrive->touched[p]);
    free(redrive->touched);
    weft_client_destroy(redrive->client);
}

int weft_redrive(const struct weft_redrive_config *config, struct weft_redrive_report *report, struct weft_error *err)
{
    *report = (struct weft_redrive_report){0};
    int result = -1;
    struct redrive redrive = {.config = config, .report = report};
    const struct weft_letters_config letters_config = {
        .settings = config->settings,
        .log = config->log,
        .topic = config->dead_letters,
        .filter = config->filter,
        .settled = config->execute,
        .stopped = config->stopped,
        .arg = config->arg,
    };
    struct weft_letters *letters = NULL;
    if (open_redrive(&redrive, err) != 0)
        goto out;
    letters = weft_letters_open(&letters_config, err);
    if (letters && weft_letters_each(letters, see, &redrive, err) == 0 && commit(&redrive, err) == 0)
        result = 0;
out:
    weft_letters_close(letters);
    close_redrive(&redrive);
    return result;
}

void weft_redrive_report_clear(struct weft_redrive_report *report)
{
    free(report->partitions);
    report->partitions = NULL;
}
