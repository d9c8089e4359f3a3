/* What Kafka remembers of a replay: for each partition of the source its frozen range, how far it has come, and the
 * terms it was begun with. It is kept as the offsets that the replay's group has committed, with the rest as their
 * metadata; nothing lies on local disk.
 *
 * The offsets are committed in the transactions that write the results, so position and results are never at odds. */
#ifndef WEFT_STREAMS_REPLAY_LEDGER_H
#define WEFT_STREAMS_REPLAY_LEDGER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "streams/bound.h"
#include "streams/client.h"

enum {
    WEFT_REPLAY_LEDGER_TOPIC_SIZE = 250,
    WEFT_REPLAY_LEDGER_NOTE_SIZE = 4096 /* offset.metadata.max.bytes of a broker */
};

/* What must be the same when the replay goes on. */
struct weft_replay_ledger_terms {
    char sink[WEFT_REPLAY_LEDGER_TOPIC_SIZE], dead_letters[WEFT_REPLAY_LEDGER_TOPIC_SIZE];
    char model[65]; /* sha256 of the file */
    char from[WEFT_BOUND_SIZE], to[WEFT_BOUND_SIZE];
};

struct weft_replay_ledger_partition {
    int32_t partition;
    int64_t from, to; /* [from, to) is replayed */
    int64_t position; /* the next offset to be answered */
};

struct weft_replay_ledger {
    struct weft_replay_ledger_terms terms;
    struct weft_replay_ledger_partition *partitions; /* owned; those that the replay is about */
    int count;                                       /* 0: nothing is remembered */
};

void weft_replay_ledger_clear(struct weft_replay_ledger *ledger);

/* The metadata of a partition's offset, as JSON in out; count is how many partitions the ledger has. */
int weft_replay_ledger_write_note(const struct weft_replay_ledger_terms *terms,
                                  const struct weft_replay_ledger_partition *partition, int count,
                                  char out[WEFT_REPLAY_LEDGER_NOTE_SIZE], struct weft_error *err);

/* Reads it; position is not in it. WEFT_ERROR_CONFLICT when it is not a replay's. */
int weft_replay_ledger_read_note(const char *note, size_t size, struct weft_replay_ledger_terms *terms,
                                 struct weft_replay_ledger_partition *partition, int *count, struct weft_error *err);

/* What the client's group remembers of the source, which has partition_count partitions; an empty ledger when it is
 * nothing, with room for all of them. WEFT_ERROR_CONFLICT when it is something else, or only a part is left. */
int weft_replay_ledger_read(struct weft_client *client, const char *source, int partition_count,
                            struct weft_replay_ledger *ledger, struct weft_error *err);

/* The offsets to be committed when the partitions have come as far as next says; only those that have moved, unless
 * all is set. The caller destroys the list. NULL with *err filled when a note is too long. */
rd_kafka_topic_partition_list_t *weft_replay_ledger_offsets(const struct weft_replay_ledger *ledger, const char *source,
                                                            const int64_t *next, bool all, struct weft_error *err);

#endif
