/* Headers, one in a line ("name: value", or "name" for a null): as a dead letter's and as a receipt's. */
#include "streams/deadletter.h"
#include "fuzz/fuzz.h"
#include "streams/redrive.h"

enum { OFFSETS_MAX = 64 };

static rd_kafka_headers_t *headers_of(const uint8_t *bytes, size_t size)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    const uint8_t *end = bytes + size;
    for (const uint8_t *line = bytes, *next; line < end; line = next + 1) {
        next = memchr(line, '\n', (size_t)(end - line));
        next = next ? next : end;
        const uint8_t *value = memmem(line, (size_t)(next - line), ": ", 2);
        const char *name = (const char *)line;
        if (value)
            rd_kafka_header_add(headers, name, value - line, value + 2, next - value - 2);
        else
            rd_kafka_header_add(headers, name, next - line, NULL, 0);
    }
    return headers;
}

struct offsets {
    int64_t list[OFFSETS_MAX];
    size_t count;
};

/* The first of the offsets that are in order: what a receipt is written for. */
static void collect(int64_t first, int64_t last, void *arg)
{
    struct offsets *offsets = arg;
    FUZZ_EXPECT(first >= 0 && last >= first);
    for (uint64_t at = (uint64_t)first; at <= (uint64_t)last && offsets->count < OFFSETS_MAX; at++) {
        if (offsets->count > 0 && (int64_t)at <= offsets->list[offsets->count - 1])
            return;
        offsets->list[offsets->count++] = (int64_t)at;
    }
}

static void read_receipt(const rd_kafka_headers_t *headers)
{
    struct offsets read = {0}, again = {0};
    struct weft_error err = {0};
    if (weft_deadletter_read_receipt(headers, collect, &read, &err) != 0) {
        fuzz_expect_reason(&err);
        return;
    }
    rd_kafka_headers_t *receipt = weft_deadletter_receipt(read.list, read.count);
    FUZZ_EXPECT(weft_deadletter_read_receipt(receipt, collect, &again, NULL) == 0);
    FUZZ_EXPECT(again.count == read.count && memcmp(again.list, read.list, read.count * sizeof *read.list) == 0);
    rd_kafka_headers_destroy(receipt);
}

static void read_letter(const rd_kafka_headers_t *headers)
{
    struct weft_letter letter = {.headers = headers};
    struct weft_deadletter says;
    weft_deadletter_read(headers, &letter.says);
    fuzz_touch(letter.says.reason.at, letter.says.reason.size);
    FUZZ_EXPECT(weft_redrive_judge(&letter, "requests", 3) < WEFT_REDRIVE_FATES);
    /* What is sent back counts the attempt and says nothing more of having been a dead letter. */
    rd_kafka_headers_t *original = weft_deadletter_original(headers, 4);
    FUZZ_EXPECT(original != NULL);
    weft_deadletter_read(original, &says);
    FUZZ_EXPECT(says.attempt == 4 && !says.has_source && says.reason.size == 0);
    rd_kafka_headers_destroy(original);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    rd_kafka_headers_t *headers = headers_of(bytes, size);
    read_letter(headers);
    read_receipt(headers);
    rd_kafka_headers_destroy(headers);
    return 0;
}
