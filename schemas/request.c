#include "schemas/request.h"

#include <stdlib.h>

#include "schemas/decoder.h"
#include "schemas/encoder.h"
#include "schemas/framing.h"

enum { ID, IMAGE, LABEL, FIELD_COUNT };

static const struct weft_plan_field fields[FIELD_COUNT] = {
    [ID] = {.path = "id", .kind = WEFT_PLAN_STRING, .size_max = WEFT_REQUEST_ID_MAX},
    [IMAGE] = {.path = "image", .kind = WEFT_PLAN_BYTES},
    [LABEL] = {.path = "label", .kind = WEFT_PLAN_INT, .optional = true},
};

struct weft_request_reader {
    struct weft_decoder *decoder;
};

struct weft_request_reader *weft_request_reader_new(struct weft_registry *registry, struct weft_error *err)
{
    struct weft_decoder *decoder = weft_decoder_new(registry, weft_request_schema, fields, FIELD_COUNT, err);
    struct weft_request_reader *made = decoder ? malloc(sizeof *made) : NULL;
    if (made)
        made->decoder = decoder;
    else
        weft_decoder_destroy(decoder);
    if (decoder && !made)
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    return made;
}

void weft_request_reader_destroy(struct weft_request_reader *reader)
{
    if (!reader)
        return;
    weft_decoder_destroy(reader->decoder);
    free(reader);
}

int weft_request_read_frame(struct weft_request_reader *reader, const struct weft_frame *frame,
                            struct weft_request *request, struct weft_error *err)
{
    struct weft_plan_value values[FIELD_COUNT];
    if (weft_decoder_read(reader->decoder, frame, values, err) != 0)
        return -1;
    *request = (struct weft_request){
        .id = (const char *)values[ID].at,
        .id_size = values[ID].size,
        .image = values[IMAGE].at,
        .image_size = values[IMAGE].size,
        .has_label = values[LABEL].present,
        .label = (int32_t)values[LABEL].number,
    };
    return 0;
}

int weft_request_read(struct weft_request_reader *reader, const void *value, size_t size, struct weft_request *request,
                      struct weft_error *err)
{
    struct weft_frame frame;
    return weft_frame_read(value, size, &frame, err) == 0 ? weft_request_read_frame(reader, &frame, request, err) : -1;
}

int weft_request_schema_check(const char *writer_schema, struct weft_error *err)
{
    struct weft_plan *plan = weft_plan_compile(writer_schema, weft_request_schema, fields, FIELD_COUNT, err);
    weft_plan_destroy(plan);
    return plan ? 0 : -1;
}

size_t weft_request_write(const struct weft_request *request, uint32_t schema_id, uint8_t *out, size_t size)
{
    uint8_t frame[WEFT_FRAME_SIZE];
    struct weft_encoder e = {.out = out, .size = size};
    weft_frame_write(frame, schema_id);
    weft_encoder_bytes(&e, frame, sizeof frame);
    weft_encoder_text(&e, request->id, request->id_size);
    weft_encoder_text(&e, request->image, request->image_size);
    weft_encoder_optional_int(&e, request->has_label, request->label);
    weft_encoder_long(&e, 0); /* attributes: no block of entries */
    return e.used;
}
