#include "pubsub-bridge/delivery.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pubsub-bridge/arena.h"
#include "pubsub-bridge/envelope.h"
#include "pubsub-bridge/kafka_record.h"
#include "pubsub-bridge/path.h"
#include "streams/client.h"
#include "streams/deadletter.h"
#include "streams/failpoint.h"
#include "streams/outlet.h"
#include "streams/partitioner.h"

enum {
    CALL_TIMEOUT_MS = 1000, /* short, so that leases are tended between calls */
    RETRY_PAUSE_MS = 10,    /* for calls that want to be repeated and come back at once */
    TOPIC_TIMEOUT_MS = 30000,
};

enum { TOPIC, LEDGER, DEAD_LETTERS, OUTLETS };

struct weft_delivery {
    struct weft_delivery_config config;
    struct weft_client *client;
    rd_kafka_t *producer;
    struct weft_outlet outlets[OUTLETS];
    int32_t partition_count;
    int32_t turn; /* partition of the next message that belongs to none */
    struct weft_arena *arena;
    int64_t deadline_ms;             /* how long a record of a transaction may wait to be written */
    rd_kafka_resp_err_t undelivered; /* first failed delivery of the transaction at hand */
    size_t at_once;                  /* messages that a transaction may have; fewer while one is looked for */
    struct rejection {               /* of a record for what it holds */
        size_t count;                /* in the transaction at hand: all that were in one batch with it, too */
        const Pubsub__Message *last; /* whose record it was */
        rd_kafka_resp_err_t code;
    } rejected;
    struct rejection culprit; /* its message, one of those at hand, goes to the dead letters; count is 0 for none */
    struct weft_delivery_counts counts;
};

/* ---- What the broker rejects */

/* What a topic has against a single record, whoever writes it and however often; NULL for all other faults. */
static const char *objection(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
        return "it is not valid there (with cleanup.policy=compact, a record must have a key)";
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
        return "its timestamp is further from the broker's clock than message.timestamp.after.max.ms or "
               "message.timestamp.before.max.ms allows";
    default: return NULL;
    }
}

static int fail_rejected(const struct weft_delivery *delivery, const struct rejection *rejected, struct weft_error *err)
{
    return weft_error_set(err, WEFT_ERROR_CORRUPT, "the topic %s refuses it: %s",
                          rd_kafka_topic_name(delivery->outlets[TOPIC].topic), objection(rejected->code));
}

/* A broker rejects all records of a batch for one of them, and does not always say which: so fewer messages go in the
 * next transaction, until it is alone. Gives false when none was rejected; else *err says what will be different. */
static bool narrow(struct weft_delivery *delivery, const Pubsub__Message *const *messages, size_t count,
                   struct weft_error *err)
{
    const struct rejection rejected = delivery->rejected;
    if (rejected.count == 0)
        return false;
    fail_rejected(delivery, &rejected, err);
    err->class = WEFT_ERROR_UNAVAILABLE;
    if (rejected.count == 1) {
        delivery->culprit = rejected;
        for (delivery->at_once = 1; delivery->at_once < count && messages[delivery->at_once - 1] != rejected.last;)
            delivery->at_once++;
        weft_error_prefix(err, "message %s", rejected.last->message_id);
        return true;
    }
    delivery->culprit.count = 0;
    delivery->at_once = (count + 1) / 2;
    weft_error_prefix(err, "one of %zu messages (%zu go at once until it is found)", rejected.count, delivery->at_once);
    return true;
}

/* ---- Beginning and end */

static void on_delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *arg)
{
    struct weft_delivery *delivery = arg;
    (void)producer;
    bool purged = message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
    if (!message->err || purged)
        return;
    if (!delivery->undelivered)
        delivery->undelivered = message->err;
    weft_outlets_failed(delivery->outlets, OUTLETS, message);
    if (objection(message->err) && message->_private)
        delivery->rejected = (struct rejection){delivery->rejected.count + 1, message->_private, message->err};
}

struct weft_delivery *weft_delivery_new(const struct weft_delivery_config *config, struct weft_error *err)
{
    const char *const topics[OUTLETS] = {config->topic, config->ledger_topic, config->dead_letters};
    struct weft_delivery *delivery = calloc(1, sizeof *delivery);
    if (!delivery) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    delivery->config = *config;
    delivery->at_once = WEFT_LEDGER_BATCH_MAX;
    delivery->arena = weft_arena_new();
    const struct weft_client_options options = {.role = WEFT_KAFKA_SINK,
                                                .transactional_id = config->transactional_id,
                                                .delivered = on_delivered,
                                                .arg = delivery,
                                                .statistics = config->statistics};
    delivery->client = delivery->arena ? weft_client_new(config->settings, &options, config->log, err) : NULL;
    if (!delivery->client)
        goto fail;
    delivery->producer = weft_client_handle(delivery->client);
    if (weft_client_partition_count(delivery->client, config->topic, TOPIC_TIMEOUT_MS, &delivery->partition_count,
                                    err) != 0)
        goto fail;
    delivery->deadline_ms = weft_client_transaction_deadline_ms(delivery->client);
    for (int i = 0; i < OUTLETS; i++) {
        rd_kafka_topic_t *topic = rd_kafka_topic_new(delivery->producer, topics[i], NULL);
        if (!topic) {
            weft_client_fail(delivery->client, rd_kafka_last_error(), topics[i], err);
            goto fail;
        }
        weft_outlet_init(&delivery->outlets[i], topic);
    }
    return delivery;
fail:
    weft_delivery_destroy(delivery);
    return NULL;
}

void weft_delivery_destroy(struct weft_delivery *delivery)
{
    if (!delivery)
        return;
    for (int i = 0; i < OUTLETS; i++)
        weft_outlet_clear(&delivery->outlets[i]);
    weft_client_destroy(delivery->client);
    weft_arena_destroy(delivery->arena);
    free(delivery);
}

enum weft_verdict weft_delivery_claim(struct weft_delivery *delivery, struct weft_error *err)
{
    enum weft_verdict verdict = weft_verdict(rd_kafka_init_transactions(delivery->producer, CALL_TIMEOUT_MS),
                                             "claiming the transactional id", err);
    rd_kafka_poll(delivery->producer, 0);
    return verdict == WEFT_VERDICT_ABORT ? WEFT_VERDICT_FATAL : verdict;
}

void weft_delivery_serve(struct weft_delivery *delivery)
{
    rd_kafka_poll(delivery->producer, 0);
}

/* ---- Writing */

/* Sends what is queued and waits until it has been delivered. */
static int flush(struct weft_delivery *delivery, int64_t deadline_ms, struct weft_error *err)
{
    for (;;) {
        rd_kafka_resp_err_t code = rd_kafka_flush(delivery->producer, CALL_TIMEOUT_MS);
        if (!code)
            break;
        if (!delivery->config.waiting(delivery->config.arg) || weft_clock_ms() >= deadline_ms)
            return weft_client_fail(delivery->client, code, "writing", err);
    }
    weft_outlets_flushed(delivery->outlets, OUTLETS);
    return delivery->undelivered ? weft_client_fail(delivery->client, delivery->undelivered, "writing", err) : 0;
}

/* Queues one record, that of a message or, where this is NULL, another; headers are taken, also on failure. A full
 * queue is waited for. */
static int produce(struct weft_delivery *delivery, struct weft_outlet *outlet, const Pubsub__Message *message,
                   int32_t partition, const struct weft_record *record, rd_kafka_headers_t *headers,
                   struct weft_error *err)
{
    int64_t until_ms = weft_clock_ms() + delivery->deadline_ms;
    /* 0 stands for now; a record from before 1970, or of its first millisecond, has no other. */
    int64_t timestamp_ms = record->timestamp_ms > 0 ? record->timestamp_ms : 0;
    size_t size = weft_outlet_record_size(record->key.size, record->value.size, headers);
    const bool lacks_key = outlet->needs_key && !record->key.data;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    if (weft_outlet_is_full(outlet, size) && flush(delivery, until_ms, err) != 0) {
        rd_kafka_headers_destroy(headers);
        return -1;
    }
    while (size <= outlet->record_max && !lacks_key) {
        void *key = (void *)(uintptr_t)record->key.data, *value = (void *)(uintptr_t)record->value.data;
        code = rd_kafka_producev(delivery->producer, RD_KAFKA_V_RKT(outlet->topic), RD_KAFKA_V_PARTITION(partition),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, record->key.size),
                                 RD_KAFKA_V_VALUE(value, record->value.size), RD_KAFKA_V_TIMESTAMP(timestamp_ms),
                                 RD_KAFKA_V_OPAQUE((void *)(uintptr_t)message), RD_KAFKA_V_HEADERS(headers),
                                 RD_KAFKA_V_END);
        if (!code) {
            outlet->queued += size;
            return 0;
        }
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || weft_clock_ms() >= until_ms ||
            !delivery->config.waiting(delivery->config.arg))
            break;
        rd_kafka_poll(delivery->producer, 10);
    }
    rd_kafka_headers_destroy(headers);
    const char *topic = rd_kafka_topic_name(outlet->topic);
    if (lacks_key)
        return weft_error_set(err, WEFT_ERROR_CORRUPT,
                              "the topic %s refuses it: with cleanup.policy=compact, a record must have a key", topic);
    if (size > outlet->record_max)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "larger than max.message.bytes of the topic %s", topic);
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "larger than the setting message.max.bytes of this bridge");
    return weft_client_fail(delivery->client, code, topic, err);
}

/* The message as it came, with the reason; as much of its data as Kafka takes, and where its attributes alone are too
 * large, none of them. */
static int produce_dead_letter(struct weft_delivery *delivery, const Pubsub__Message *message,
                               const struct weft_error *why, struct weft_error *err)
{
    int result;
    struct weft_deadletter_part part = {.size = message->data.len};
    do {
        char size[24];
        struct weft_record letter = {.timestamp_ms = -1};
        rd_kafka_headers_t *headers = rd_kafka_headers_new(message->n_attributes + 6);
        for (size_t i = 0; !part.bare && i < message->n_attributes; i++)
            rd_kafka_header_add(headers, message->attributes[i]->name, -1, message->attributes[i]->value, -1);
        rd_kafka_header_add(headers, "weft.error.class", -1, weft_error_class_name(why->class), -1);
        rd_kafka_header_add(headers, "weft.error.message", -1, why->message, -1);
        rd_kafka_header_add(headers, "weft.source.subscription", -1, delivery->config.source, -1);
        rd_kafka_header_add(headers, "weft.source.message.id", -1, message->message_id, -1);
        rd_kafka_header_add(headers, "weft.processor", -1, delivery->config.bridge, -1);
        if (part.bare || part.size < message->data.len) {
            snprintf(size, sizeof size, "%zu", message->data.len);
            rd_kafka_header_add(headers, "weft.value.size", -1, size, -1);
        }
        if (!part.bare && message->ordering_key[0])
            letter.key = (struct weft_bytes){(const uint8_t *)message->ordering_key, strlen(message->ordering_key)};
        letter.value = (struct weft_bytes){message->data.len ? message->data.data : (const uint8_t *)"", part.size};
        result =
            produce(delivery, &delivery->outlets[DEAD_LETTERS], NULL, RD_KAFKA_PARTITION_UA, &letter, headers, err);
    } while (result != 0 && err->class == WEFT_ERROR_CORRUPT && weft_deadletter_cut(&part));
    if (result == 0)
        delivery->counts.dead_letters++;
    return result;
}

static int32_t partition_of(struct weft_delivery *delivery, const struct weft_record *record)
{
    if (record->partition >= 0 && record->partition < delivery->partition_count)
        return record->partition;
    if (!record->key.data)
        delivery->turn = (delivery->turn + 1) % delivery->partition_count;
    return weft_partition(record->key.data, record->key.size, delivery->turn, delivery->partition_count);
}

/* Gives 1 when the record goes in a circle, and is not written. */
static int produce_record(struct weft_delivery *delivery, const Pubsub__Message *message, struct weft_error *err)
{
    const char *path = weft_envelope_attribute(message, WEFT_PATH_NAME);
    if (path && weft_path_holds(path, strlen(path), delivery->config.to)) {
        delivery->counts.loops++;
        return 1;
    }
    if (delivery->culprit.count > 0 && delivery->culprit.last == message)
        return fail_rejected(delivery, &delivery->culprit, err);
    struct weft_record record;
    weft_arena_reset(delivery->arena);
    if (weft_envelope_open(message, delivery->config.from, delivery->arena, &record, err) != 0)
        return -1;
    const struct weft_translation *translation = delivery->config.translation;
    if (translation && weft_translation_to_avro(translation, &record, message->message_id, delivery->arena, err) != 0)
        return -1;
    rd_kafka_headers_t *headers = weft_kafka_headers(&record);
    if (!headers)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    return produce(delivery, &delivery->outlets[TOPIC], message, partition_of(delivery, &record), &record, headers,
                   err);
}

static int produce_all(struct weft_delivery *delivery, const Pubsub__Message *const *messages, size_t count,
                       struct weft_error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct weft_error why = {0};
        if (produce_record(delivery, messages[i], &why) >= 0)
            continue;
        if (why.class != WEFT_ERROR_CORRUPT || delivery->config.stop_on_unmappable) {
            *err = why;
            return weft_error_prefix(err, "message %s", messages[i]->message_id);
        }
        if (produce_dead_letter(delivery, messages[i], &why, err) != 0)
            return -1;
    }
    WEFT_FAILPOINT("produced");
    return 0;
}

static int produce_entry(struct weft_delivery *delivery, const struct weft_ledger_entry *entry, struct weft_error *err)
{
    const struct weft_record record = {
        .timestamp_ms = -1, .key = {entry->key, sizeof entry->key}, .value = {entry->value, entry->size}};
    return produce(delivery, &delivery->outlets[LEDGER], NULL, 0, &record, rd_kafka_headers_new(0), err);
}

/* ---- The transaction */

typedef rd_kafka_error_t *call_fn(rd_kafka_t *producer, int timeout_ms);

/* Makes a call of the transaction again for as long as it asks for that: one that has timed out goes on in the
 * background, and no other is allowed before it has come to its end. RETRY when it is no longer waited for. */
static enum weft_verdict settle(struct weft_delivery *delivery, call_fn *call, const char *what, struct weft_error *err)
{
    for (;;) {
        enum weft_verdict verdict = weft_verdict(call(delivery->producer, CALL_TIMEOUT_MS), what, err);
        if (verdict != WEFT_VERDICT_RETRY || !delivery->config.waiting(delivery->config.arg))
            return verdict;
        weft_clock_sleep_ms(RETRY_PAUSE_MS);
    }
}

static enum weft_verdict abort_all(struct weft_delivery *delivery, struct weft_error *err)
{
    struct weft_error why = {0};
    enum weft_verdict verdict = settle(delivery, rd_kafka_abort_transaction, "aborting", &why);
    delivery->counts.aborts++;
    if (verdict == WEFT_VERDICT_DONE)
        return WEFT_VERDICT_ABORT;
    *err = why;
    return verdict == WEFT_VERDICT_FENCED ? verdict : WEFT_VERDICT_FATAL;
}

static enum weft_verdict transact(struct weft_delivery *delivery, const Pubsub__Message *const *messages, size_t count,
                                  const struct weft_ledger_entry *entry, struct weft_error *err)
{
    struct weft_error why = {0};
    delivery->undelivered = RD_KAFKA_RESP_ERR_NO_ERROR;
    delivery->rejected.count = 0;
    weft_outlets_flushed(delivery->outlets, OUTLETS);
    enum weft_verdict verdict = weft_verdict(rd_kafka_begin_transaction(delivery->producer), "beginning", err);
    if (verdict != WEFT_VERDICT_DONE)
        return verdict == WEFT_VERDICT_FENCED ? verdict : WEFT_VERDICT_FATAL;
    WEFT_FAILPOINT("begun");
    if (produce_all(delivery, messages, count, &why) == 0 && produce_entry(delivery, entry, &why) == 0) {
        WEFT_FAILPOINT("entered");
        verdict = settle(delivery, rd_kafka_commit_transaction, "committing", err);
        WEFT_FAILPOINT("committed");
        if (verdict != WEFT_VERDICT_ABORT)
            return verdict == WEFT_VERDICT_RETRY ? WEFT_VERDICT_FATAL : verdict;
    } else {
        *err = why;
        if (!delivery->undelivered && why.class != WEFT_ERROR_UNAVAILABLE)
            verdict = WEFT_VERDICT_FATAL;
        else
            verdict = WEFT_VERDICT_ABORT;
    }
    if (verdict == WEFT_VERDICT_ABORT && delivery->undelivered)
        weft_client_fail(delivery->client, delivery->undelivered, "writing", err);
    enum weft_verdict aborted = abort_all(delivery, err);
    if (aborted != WEFT_VERDICT_ABORT)
        return aborted;
    /* After the abort, as by then every delivery has been reported. */
    if (verdict != WEFT_VERDICT_ABORT)
        return verdict;
    bool learned = weft_outlets_learn(delivery->outlets, OUTLETS, err);
    return narrow(delivery, messages, count, err) || learned ? WEFT_VERDICT_ADAPT : verdict;
}

enum weft_verdict weft_delivery_run(struct weft_delivery *delivery, const Pubsub__Message *const *messages,
                                    const char *const *identities, size_t *count, struct weft_ledger *ledger,
                                    struct weft_error *err)
{
    size_t at_once = *count < delivery->at_once ? *count : delivery->at_once;
    struct weft_delivery_counts before = delivery->counts;
    struct weft_ledger_entry entry;
    if (!weft_ledger_entry(ledger, identities, at_once, &entry)) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return WEFT_VERDICT_FATAL;
    }
    enum weft_verdict verdict = transact(delivery, messages, at_once, &entry, err);
    if (verdict == WEFT_VERDICT_DONE) {
        weft_ledger_written(ledger, &entry);
        *count = at_once;
        if (delivery->culprit.count == 0 && delivery->at_once < WEFT_LEDGER_BATCH_MAX)
            delivery->at_once *= 2;
        delivery->culprit.count = 0; /* more like it may follow */
        delivery->counts.sent += at_once - (size_t)(delivery->counts.dead_letters - before.dead_letters) -
                                 (size_t)(delivery->counts.loops - before.loops);
    } else {
        uint64_t aborts = delivery->counts.aborts;
        delivery->counts = before; /* nothing of it happened */
        delivery->counts.aborts = aborts;
    }
    free(entry.value);
    return verdict;
}

void weft_delivery_counts(const struct weft_delivery *delivery, struct weft_delivery_counts *counts)
{
    *counts = delivery->counts;
}
