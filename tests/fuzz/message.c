/* A schema, a zero byte, and a message written with it, or not: read as a request and as a result, shown, and held
 * against our own schemas. */
#include <jansson.h>

#include "fuzz/fuzz.h"
#include "schemas/compatibility.h"
#include "schemas/difference.h"
#include "schemas/inspect.h"
#include "schemas/request.h"
#include "schemas/result.h"

/* A registry that knows this one schema, under every id; NULL where JSON cannot hold the text. */
static struct weft_registry *registry_of(const char *schema)
{
    struct weft_registry *registry = NULL;
    json_t *answer = json_pack("{s:s}", "schema", schema);
    char *line = answer ? json_dumps(answer, JSON_COMPACT) : NULL, *script = NULL;
    if (line && asprintf(&script, "200%s", line) > 0)
        registry = weft_registry_new(&(struct weft_registry_config){.url = script}, NULL);
    free(script);
    free(line);
    json_decref(answer);
    return registry;
}

static void read_request(struct weft_registry *registry, const uint8_t *value, size_t size)
{
    struct weft_request request;
    struct weft_frame frame;
    struct weft_error err = {0};
    struct weft_request_reader *reader = weft_request_reader_new(registry, NULL);
    FUZZ_EXPECT(reader != NULL);
    if (weft_request_read(reader, value, size, &request, &err) == 0) {
        fuzz_touch(request.id, request.id_size);
        fuzz_touch(request.image, request.image_size);
    } else {
        fuzz_expect_reason(&err);
    }
    /* The same bytes once more, with the frame in a header: an id's if there is room for no GUID. */
    size_t header = size > WEFT_FRAME_GUID_SIZE ? WEFT_FRAME_GUID_SIZE + 1 : WEFT_FRAME_SIZE;
    if (size >= header && weft_frame_read_header(value, header, value + header, size - header, &frame, NULL) == 0 &&
        weft_request_read_frame(reader, &frame, &request, NULL) == 0)
        fuzz_touch(request.image, request.image_size);
    weft_request_reader_destroy(reader);
}

static void read_result(struct weft_registry *registry, const uint8_t *value, size_t size)
{
    struct weft_result result;
    struct weft_error err = {0};
    float *probabilities = malloc(WEFT_RESULT_CLASSES_MAX * sizeof *probabilities);
    struct weft_result_reader *reader = weft_result_reader_new(registry, NULL);
    FUZZ_EXPECT(probabilities && reader);
    if (weft_result_read(reader, value, size, &result, probabilities, &err) == 0) {
        fuzz_touch(result.id.at, result.id.size);
        fuzz_touch(result.class_name.at, result.class_name.size);
        fuzz_touch(result.source_topic.at, result.source_topic.size);
        FUZZ_EXPECT(result.class_count <= WEFT_RESULT_CLASSES_MAX);
        fuzz_touch(probabilities, result.class_count * sizeof *probabilities);
    } else {
        fuzz_expect_reason(&err);
    }
    weft_result_reader_destroy(reader);
    free(probabilities);
}

static void compare(const struct weft_schema *schema, const char *own_text)
{
    struct weft_incompatibilities reasons = {0};
    struct weft_differences differences = {0};
    struct weft_schema *own = weft_schema_parse(own_text, NULL);
    weft_compatibility_read(own, schema, &reasons, NULL);
    weft_compatibility_read(schema, own, &reasons, NULL);
    weft_difference_find(schema, own, &differences, NULL);
    weft_incompatibilities_clear(&reasons);
    weft_differences_clear(&differences);
    weft_schema_destroy(own);
}

/* What can be shown of a body is all of it exactly if it can be skipped without a rest. */
static void inspect(const struct weft_schema *schema, const uint8_t *body, size_t size)
{
    struct weft_error why = {0};
    struct weft_cursor cursor = weft_cursor_of(body, size);
    json_t *shown = weft_inspect(schema, body, size, &why);
    bool whole = weft_schema_skip(weft_schema_root(schema), &cursor) && weft_cursor_left(&cursor) == 0;
    FUZZ_EXPECT(shown != NULL);
    FUZZ_EXPECT(whole || why.class == WEFT_ERROR_CORRUPT);
    json_decref(shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = fuzz_text(bytes, size);
    size_t length = strlen(text);
    const uint8_t *value = length < size ? bytes + length + 1 : bytes + length;
    size_t value_size = (size_t)(bytes + size - value);
    struct weft_error err = {0};
    struct weft_registry *registry = registry_of(text);
    if (registry) {
        read_request(registry, value, value_size);
        read_result(registry, value, value_size);
    }
    struct weft_schema *schema = weft_schema_parse(text, &err);
    if (schema) {
        size_t frame = value_size < WEFT_FRAME_SIZE ? value_size : WEFT_FRAME_SIZE;
        inspect(schema, value + frame, value_size - frame);
        compare(schema, weft_request_schema);
        compare(schema, weft_result_schema);
    } else {
        fuzz_expect_reason(&err);
    }
    weft_schema_destroy(schema);
    weft_registry_destroy(registry);
    free(text);
    return 0;
}
