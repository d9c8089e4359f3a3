#include "streams/fetcher.h"

#include <stdint.h>
#include <stdlib.h>

enum { WAKE_TIMEOUT_MS = 1000, EIGHTH = 8 };

static size_t setting(const rd_kafka_conf_t *conf, const char *name)
{
    char text[32];
    size_t size = sizeof text;
    return rd_kafka_conf_get(conf, name, text, &size) == RD_KAFKA_CONF_OK ? strtoul(text, NULL, 10) : 0;
}

void weft_fetcher_init(struct weft_fetcher *fetcher, rd_kafka_t *handle)
{
    const rd_kafka_conf_t *conf = rd_kafka_conf(handle);
    *fetcher = (struct weft_fetcher){
        .handle = handle,
        .bytes_max = setting(conf, "queued.max.messages.kbytes") * 1024 / EIGHTH,
        .records_max = setting(conf, "queued.min.messages") / EIGHTH,
    };
}

bool weft_fetcher_sleeps(struct weft_fetcher *fetcher, size_t records, size_t bytes)
{
    fetcher->bytes += bytes;
    fetcher->records += records;
    return rd_kafka_version() < 0x02020000 &&
           (fetcher->bytes >= fetcher->bytes_max || fetcher->records >= fetcher->records_max);
}

void weft_fetcher_wake(struct weft_fetcher *fetcher, rd_kafka_topic_partition_list_t *partitions)
{
    fetcher->bytes = fetcher->records = 0;
    for (int i = 0; i < partitions->cnt; i++)
        partitions->elems[i].offset = RD_KAFKA_OFFSET_END;
    rd_kafka_offsets_for_times(fetcher->handle, partitions, WAKE_TIMEOUT_MS);
}
