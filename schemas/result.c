#include "schemas/result.h"

#include <stdlib.h>

#include "schemas/decoder.h"
#include "schemas/encoder.h"
#include "schemas/framing.h"

enum {
    ID,
    LABEL,
    CLASS,
    PROBABILITIES,
    EXPECTED,
    MODEL_NAME,
    MODEL_VERSION,
    MODEL_SHA256,
    SOURCE_TOPIC,
    SOURCE_PARTITION,
    SOURCE_OFFSET,
    SOURCE_TIMESTAMP,
    SCORED_AT,
    FIELD_COUNT,
};

static const struct weft_plan_field fields[FIELD_COUNT] = {
    [ID] = {.path = "id", .kind = WEFT_PLAN_STRING},
    [LABEL] = {.path = "label", .kind = WEFT_PLAN_INT},
    [CLASS] = {.path = "class", .kind = WEFT_PLAN_STRING},
    [PROBABILITIES] = {.path = "probabilities", .kind = WEFT_PLAN_FLOATS},
    [EXPECTED] = {.path = "expected", .kind = WEFT_PLAN_INT, .optional = true},
    [MODEL_NAME] = {.path = "model.name", .kind = WEFT_PLAN_STRING},
    [MODEL_VERSION] = {.path = "model.version", .kind = WEFT_PLAN_STRING},
    [MODEL_SHA256] = {.path = "model.sha256", .kind = WEFT_PLAN_STRING},
    [SOURCE_TOPIC] = {.path = "source.topic", .kind = WEFT_PLAN_STRING},
    [SOURCE_PARTITION] = {.path = "source.partition", .kind = WEFT_PLAN_INT},
    [SOURCE_OFFSET] = {.path = "source.offset", .kind = WEFT_PLAN_LONG},
    [SOURCE_TIMESTAMP] = {.path = "source.timestamp", .kind = WEFT_PLAN_LONG},
    [SCORED_AT] = {.path = "scored_at", .kind = WEFT_PLAN_LONG},
};

static void put_text(struct weft_encoder *e, struct weft_text text)
{
    weft_encoder_text(e, text.at, text.size);
}

size_t weft_result_write(const struct weft_result *result, uint32_t schema_id, uint8_t *out, size_t size)
{
    uint8_t frame[WEFT_FRAME_SIZE];
    struct weft_encoder e = {.out = out, .size = size};
    weft_frame_write(frame, schema_id);
    weft_encoder_bytes(&e, frame, sizeof frame);
    put_text(&e, result->id);
    weft_encoder_long(&e, result->label);
    put_text(&e, result->class_name);
    if (result->class_count) {
        weft_encoder_long(&e, (int64_t)result->class_count);
        for (size_t i = 0; i < result->class_count; i++)
            weft_encoder_float(&e, result->probabilities[i]);
    }
    weft_encoder_long(&e, 0); /* no further block of probabilities */
    weft_encoder_optional_int(&e, result->has_expected, result->expected);
    put_text(&e, result->model_name);
    put_text(&e, result->model_version);
    put_text(&e, result->model_sha256);
    put_text(&e, result->source_topic);
    weft_encoder_long(&e, result->source_partition);
    weft_encoder_long(&e, result->source_offset);
    weft_encoder_long(&e, result->source_timestamp_ms);
    weft_encoder_long(&e, result->scored_at_ms);
    return e.used;
}

struct weft_result_reader {
    struct weft_decoder *decoder;
};

struct weft_result_reader *weft_result_reader_new(struct weft_registry *registry, struct weft_error *err)
{
    struct weft_decoder *decoder = weft_decoder_new(registry, weft_result_schema, fields, FIELD_COUNT, err);
    struct weft_result_reader *made = decoder ? malloc(sizeof *made) : NULL;
    if (made)
        made->decoder = decoder;
    else
        weft_decoder_destroy(decoder);
    if (decoder && !made)
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    return made;
}

void weft_result_reader_destroy(struct weft_result_reader *reader)
{
    if (!reader)
        return;
    weft_decoder_destroy(reader->decoder);
    free(reader);
}

static struct weft_text text_of(const struct weft_plan_value *value)
{
    return (struct weft_text){.at = (const char *)value->at, .size = value->size};
}

int weft_result_read_frame(struct weft_result_reader *reader, const struct weft_frame *frame,
                           struct weft_result *result, float *probabilities, struct weft_error *err)
{
    struct weft_plan_value values[FIELD_COUNT];
    if (weft_decoder_read(reader->decoder, frame, values, err) != 0)
        return -1;
    size_t class_count = (size_t)values[PROBABILITIES].number;
    if (probabilities && class_count > WEFT_RESULT_CLASSES_MAX)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "field \"probabilities\" has %zu items, more than %d",
                              class_count, WEFT_RESULT_CLASSES_MAX);
    if (probabilities)
        weft_plan_floats(&values[PROBABILITIES], probabilities, WEFT_RESULT_CLASSES_MAX);
    *result = (struct weft_result){
        .id = text_of(&values[ID]),
        .label = (int32_t)values[LABEL].number,
        .class_name = text_of(&values[CLASS]),
        .probabilities = probabilities,
        .class_count = class_count,
        .has_expected = values[EXPECTED].present,
        .expected = (int32_t)values[EXPECTED].number,
        .model_name = text_of(&values[MODEL_NAME]),
        .model_version = text_of(&values[MODEL_VERSION]),
        .model_sha256 = text_of(&values[MODEL_SHA256]),
        .source_topic = text_of(&values[SOURCE_TOPIC]),
        .source_partition = (int32_t)values[SOURCE_PARTITION].number,
        .source_offset = values[SOURCE_OFFSET].number,
        .source_timestamp_ms = values[SOURCE_TIMESTAMP].number,
        .scored_at_ms = values[SCORED_AT].number,
    };
    return 0;
}

int weft_result_read(struct weft_result_reader *reader, const void *value, size_t size, struct weft_result *result,
                     float *probabilities, struct weft_error *err)
{
    struct weft_frame frame;
    return weft_frame_read(value, size, &frame, err) == 0
               ? weft_result_read_frame(reader, &frame, result, probabilities, err)
               : -1;
}
