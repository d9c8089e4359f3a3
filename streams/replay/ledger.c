#include "streams/replay/ledger.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "streams/consumer.h"

enum { COMMITTED_TIMEOUT_MS = 30000, VERSION = 1 };

void weft_replay_ledger_clear(struct weft_replay_ledger *ledger)
{
    free(ledger->partitions);
    *ledger = (struct weft_replay_ledger){0};
}

int weft_replay_ledger_write_note(const struct weft_replay_ledger_terms *terms,
                                  const struct weft_replay_ledger_partition *partition, int count,
                                  char out[WEFT_REPLAY_LEDGER_NOTE_SIZE], struct weft_error *err)
{
    json_t *note =
        json_pack("{s:i,s:i,s:I,s:I,s:s,s:s,s:s,s:s,s:s}", "weft.replay", VERSION, "partitions", count, "begin",
                  (json_int_t)partition->from, "end", (json_int_t)partition->to, "sink", terms->sink, "dead.letters",
                  terms->dead_letters, "model", terms->model, "from", terms->from, "to", terms->to);
    size_t size = note ? json_dumpb(note, out, WEFT_REPLAY_LEDGER_NOTE_SIZE, JSON_COMPACT) : 0;
    json_decref(note);
    if (size == 0 || size >= WEFT_REPLAY_LEDGER_NOTE_SIZE)
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "what is to be remembered of the replay does not fit an offset's metadata");
    out[size] = '\0';
    return 0;
}

static bool copy(char *out, size_t size, const char *text)
{
    return (size_t)snprintf(out, size, "%s", text) < size;
}

int weft_replay_ledger_read_note(const char *note, size_t size, struct weft_replay_ledger_terms *terms,
                                 struct weft_replay_ledger_partition *partition, int *count, struct weft_error *err)
{
    int version = 0;
    json_int_t from, to;
    const char *sink, *dead_letters, *model, *begin, *end;
    json_t *json = json_loadb(note ? note : "", size, 0, NULL);
    bool sound = json && json_unpack(json, "{s:i,s:i,s:I,s:I,s:s,s:s,s:s,s:s,s:s}", "weft.replay", &version,
                                     "partitions", count, "begin", &from, "end", &to, "sink", &sink, "dead.letters",
                                     &dead_letters, "model", &model, "from", &begin, "to", &end) == 0;
    sound = sound && version == VERSION && *count > 0 && from >= 0 && to >= from &&
            copy(terms->sink, sizeof terms->sink, sink) &&
            copy(terms->dead_letters, sizeof terms->dead_letters, dead_letters) &&
            copy(terms->model, sizeof terms->model, model) && copy(terms->from, sizeof terms->from, begin) &&
            copy(terms->to, sizeof terms->to, end);
    if (sound) {
        partition->from = from;
        partition->to = to;
    }
    json_decref(json);
    return sound ? 0
                 : weft_error_set(err, WEFT_ERROR_CONFLICT,
                                  version > VERSION ? "it was written by a newer weft" : "it is not a replay's");
}

static int read_partition(struct weft_replay_ledger *ledger, const rd_kafka_topic_partition_t *committed, int *expected,
                          struct weft_error *err)
{
    int count;
    struct weft_replay_ledger_terms terms = {0};
    struct weft_replay_ledger_partition one = {.partition = committed->partition, .position = committed->offset};
    if (weft_replay_ledger_read_note(committed->metadata, committed->metadata_size, &terms, &one, &count, err) != 0)
        return -1;
    if (one.position < one.from || one.position > one.to || (ledger->count > 0 && count != *expected) ||
        (ledger->count > 0 && memcmp(&terms, &ledger->terms, sizeof terms) != 0))
        return weft_error_set(err, WEFT_ERROR_CONFLICT, "it contradicts itself");
    *expected = count;
    ledger->terms = terms;
    ledger->partitions[ledger->count++] = one;
    return 0;
}

int weft_replay_ledger_read(struct weft_client *client, const char *source, int partition_count,
                            struct weft_replay_ledger *ledger, struct weft_error *err)
{
    int result = -1, expected = 0;
    *ledger = (struct weft_replay_ledger){0};
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partition_count);
    rd_kafka_topic_partition_list_add_range(list, source, 0, partition_count - 1);
    ledger->partitions = calloc((size_t)partition_count, sizeof *ledger->partitions);
    if (!ledger->partitions) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto out;
    }
    if (weft_consumer_committed(client, list, COMMITTED_TIMEOUT_MS, err) != 0)
        goto out;
    for (int i = 0; i < list->cnt; i++) {
        if (list->elems[i].offset < 0)
            continue;
        if (read_partition(ledger, &list->elems[i], &expected, err) != 0) {
            weft_error_prefix(err, "what is remembered of partition %d cannot be used", (int)list->elems[i].partition);
            goto out;
        }
    }
    if (ledger->count != expected) {
        weft_error_set(err, WEFT_ERROR_CONFLICT,
                       "Kafka has forgotten %d of the %d partitions that were replayed (offsets.retention.minutes): "
                       "begin anew under another name",
                       expected - ledger->count, expected);
        goto out;
    }
    result = 0;
out:
    rd_kafka_topic_partition_list_destroy(list);
    if (result != 0)
        weft_replay_ledger_clear(ledger);
    return result;
}

rd_kafka_topic_partition_list_t *weft_replay_ledger_offsets(const struct weft_replay_ledger *ledger, const char *source,
                                                            const int64_t *next, bool all, struct weft_error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(ledger->count);
    for (int i = 0; i < ledger->count; i++) {
        const struct weft_replay_ledger_partition *partition = &ledger->partitions[i];
        char note[WEFT_REPLAY_LEDGER_NOTE_SIZE];
        if (next[i] == partition->position && !all)
            continue;
        rd_kafka_topic_partition_t *entry = rd_kafka_topic_partition_list_add(list, source, partition->partition);
        entry->offset = next[i];
        if (weft_replay_ledger_write_note(&ledger->terms, partition, ledger->count, note, err) == 0)
            entry->metadata = strdup(note);
        else
            goto fail;
        if (!entry->metadata) {
            weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
            goto fail;
        }
        entry->metadata_size = strlen(note);
    }
    return list;
fail:
    rd_kafka_topic_partition_list_destroy(list);
    return NULL;
}
