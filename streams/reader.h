/* Reads whole partitions of a topic without a group: nothing on the cluster changes.
 *
 *     struct weft_reader *reader = weft_reader_new(settings, "res_predict", log, &err);
 *     for (int p = 0; p < weft_reader_partition_count(reader); p++)
 *         weft_reader_start(reader, p, RD_KAFKA_OFFSET_BEGINNING, &err);
 *     while ((event = weft_reader_next(reader, 1000, &message, &err)) != WEFT_READER_FAILED) ...
 */
#ifndef WEFT_STREAMS_READER_H
#define WEFT_STREAMS_READER_H

#include <librdkafka/rdkafka.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"

struct weft_reader;

enum weft_reader_event {
    WEFT_READER_FAILED,  /* *err is filled */
    WEFT_READER_NOTHING, /* the time is over */
    WEFT_READER_MESSAGE,
    WEFT_READER_END, /* all of message->partition has been read so far, up to message->offset */
};

/* Connects and looks the topic up, within the setting startup.timeout. Gives committed records only. log is borrowed,
 * may be NULL. */
struct weft_reader *weft_reader_new(const struct weft_settings *settings, const char *topic, struct weft_log *log,
                                    struct weft_error *err);

/* The same, but gives also records that were aborted or are not committed yet. */
struct weft_reader *weft_reader_new_uncommitted(const struct weft_settings *settings, const char *topic,
                                                struct weft_log *log, struct weft_error *err);
void weft_reader_destroy(struct weft_reader *reader); /* accepts NULL */

int weft_reader_partition_count(const struct weft_reader *reader);

/* First offset that is there, and the offset after the last record that this reader may see now. WEFT_ERROR_UNAVAILABLE
 * when the partition's leader does not answer for 10 s, as in weft_reader_at_time. */
int weft_reader_range(struct weft_reader *reader, int32_t partition, int64_t *first, int64_t *end,
                      struct weft_error *err);

/* The offset of the first record that is not older than time_ms (since 1970); the end where there is none. */
int weft_reader_at_time(struct weft_reader *reader, int32_t partition, int64_t time_ms, int64_t *offset,
                        struct weft_error *err);

/* Begins to read a partition at an offset, RD_KAFKA_OFFSET_BEGINNING or _END. A partition is started once; stopping it
 * allows to start it anew elsewhere. */
int weft_reader_start(struct weft_reader *reader, int32_t partition, int64_t offset, struct weft_error *err);
void weft_reader_stop(struct weft_reader *reader, int32_t partition);

/* The next event of any started partition. *message belongs to the reader and is valid until the next call. */
enum weft_reader_event weft_reader_next(struct weft_reader *reader, int timeout_ms, const rd_kafka_message_t **message,
                                        struct weft_error *err);

/* Makes the message that weft_reader_next has just given the caller's, to be destroyed before the reader is. */
rd_kafka_message_t *weft_reader_take(struct weft_reader *reader);

#endif
