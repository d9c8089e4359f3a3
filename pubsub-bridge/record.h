/* A Kafka record as plain data; all it points at is borrowed. */
#ifndef WEFT_BRIDGE_RECORD_H
#define WEFT_BRIDGE_RECORD_H

#include <stddef.h>
#include <stdint.h>

struct weft_bytes {
    const uint8_t *data; /* NULL: null, which is not the same as empty */
    size_t size;
};

struct weft_record_header {
    const char *name;
    struct weft_bytes value;
};

struct weft_record {
    const char *topic;
    int32_t partition;    /* -1: none */
    int64_t offset;       /* -1: none */
    int64_t timestamp_ms; /* -1: none */
    struct weft_bytes key, value;
    const struct weft_record_header *headers; /* in their order; names may repeat */
    size_t header_count;
};

#endif
