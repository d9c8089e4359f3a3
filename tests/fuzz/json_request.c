/* Any bytes as the JSON of a request, and of a schema with every kind of type: a message, or refused with a word. A
 * message is read as its schema says, becomes JSON, and from that the same message again. */
#include "pubsub-bridge/json_request.h"
#include "fuzz/fuzz.h"
#include "pubsub-bridge/json_value.h"
#include "schemas/framing.h"
#include "schemas/request.h"

static const char every_kind[] =
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
    "{\"name\":\"n\",\"type\":\"null\",\"default\":null},{\"name\":\"t\",\"type\":\"boolean\",\"default\":true},"
    "{\"name\":\"i\",\"type\":\"int\",\"default\":-1},{\"name\":\"l\",\"type\":\"long\",\"default\":1},"
    "{\"name\":\"f\",\"type\":\"float\",\"default\":0.5},{\"name\":\"d\",\"type\":\"double\",\"default\":0.1},"
    "{\"name\":\"s\",\"type\":\"string\",\"default\":\"s\"},{\"name\":\"b\",\"type\":\"bytes\",\"default\":\"\\u00ff\"}"
    ","
    "{\"name\":\"x\",\"type\":{\"type\":\"fixed\",\"name\":\"X\",\"size\":2},\"default\":\"ab\"},"
    "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]},\"default\":\"B\"},"
    "{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":[\"null\",\"R\"]},\"default\":[]},"
    "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":[\"long\",\"double\",\"string\",\"boolean\"]},"
    "\"default\":{}}]}";

static void expect_same_again(const struct weft_schema *schema, struct weft_bytes message, struct weft_arena *arena)
{
    struct weft_frame frame;
    struct weft_bytes again;
    size_t length;
    struct weft_error err = {0};
    FUZZ_EXPECT(weft_frame_read(message.data, message.size, &frame, &err) == 0 && frame.schema_id == 1);
    struct weft_cursor c = weft_cursor_of(frame.body, frame.body_size);
    FUZZ_EXPECT(weft_schema_skip(weft_schema_root(schema), &c) && weft_cursor_left(&c) == 0);
    char *json = weft_json_value(schema, frame.body, frame.body_size, &length, &err);
    FUZZ_EXPECT(json != NULL);
    FUZZ_EXPECT(strlen(json) == length && !strchr(json, '\n'));
    const struct weft_bytes text = {(const uint8_t *)json, length};
    FUZZ_EXPECT(weft_json_request(schema, 1, text, "other", arena, &again, &err) == 0);
    FUZZ_EXPECT(again.size == message.size && memcmp(again.data, message.data, again.size) == 0);
    free(json);
}

static void translate(const char *schema_text, const uint8_t *bytes, size_t size)
{
    struct weft_bytes message;
    struct weft_error err = {0};
    struct weft_arena *arena = weft_arena_new();
    struct weft_schema *schema = weft_schema_parse(schema_text, &err);
    FUZZ_EXPECT(arena && schema);
    if (weft_json_request(schema, 1, (struct weft_bytes){bytes, size}, "message", arena, &message, &err) == 0)
        expect_same_again(schema, message, arena);
    else
        fuzz_expect_reason(&err);
    weft_schema_destroy(schema);
    weft_arena_destroy(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    translate(weft_request_schema, bytes, size);
    translate(every_kind, bytes, size);
    return 0;
}
