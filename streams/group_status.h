/* How a processor stands as the cluster sees it: its group and members, how far each partition is behind, and the
 * transactions that are open on its topics, with what can be known of them.
 *
 * Joins no group, commits nothing; may run beside the processor, or when there is none. */
#ifndef WEFT_STREAMS_GROUP_STATUS_H
#define WEFT_STREAMS_GROUP_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "streams/processor_settings.h"

struct weft_group_status_config {
    const struct weft_settings *settings; /* borrowed, as all is */
    struct weft_log *log;
    const struct weft_processor_names *names;
};

struct weft_group_member {
    char *id, *client, *host;
    char *instance; /* group.instance.id, or NULL */
    int partitions; /* of the source */
};

struct weft_group_partition {
    int64_t first, committed, end; /* committed: -1 where there is none */
    int64_t lag;
    int member; /* index of whoever reads it; -1: nobody */
};

/* A record that no read_committed reader gets past, as the transaction that wrote it is not decided. */
struct weft_open_transaction {
    const char *topic; /* one of the names */
    int32_t partition;
    int64_t offset;  /* of the first such record */
    int64_t behind;  /* offsets from there to the end */
    int64_t open_ms; /* since the record's timestamp; -1 where that is not known */
    /* The request that the record answers; -1 where it does not say. Who wrote the record no client is told: it was who
     * read the request's partition then, which may have been taken over since. */
    int32_t source;
    int64_t source_offset;
    int reader; /* index of the member that reads that partition now; -1: nobody, or not known */
};

struct weft_group_status {
    char *state, *assignor, *coordinator; /* as the cluster says: "Stable", "Empty", "Dead", ... */
    struct weft_group_member *members;
    size_t member_count;
    struct weft_group_partition *partitions;
    int partition_count;
    int64_t lag;          /* of all partitions */
    size_t unread;        /* partitions that nobody reads */
    int64_t dead_letters; /* records that the dead letters' topic holds, with the markers of transactions */
    struct weft_open_transaction *transactions;
    size_t transaction_count;
};

/* The status is to be cleared also after a failure. */
int weft_group_status_read(const struct weft_group_status_config *config, struct weft_group_status *status,
                           struct weft_error *err);
void weft_group_status_clear(struct weft_group_status *status);

#endif
