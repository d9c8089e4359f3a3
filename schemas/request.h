/* A PredictRequest as the scorer sees it, and the reader that decodes it from any writer's schema.
 *
 * The reader asks the registry for the schema of an id once, compiles it into a decode plan (schemas/plan.h) and keeps
 * it. Threads may share a reader. */
#ifndef WEFT_SCHEMAS_REQUEST_H
#define WEFT_SCHEMAS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "schemas/framing.h"
#include "schemas/registry.h"

/* The longest id that is read, in bytes: it is copied into the result, which must fit a message, too. */
enum { WEFT_REQUEST_ID_MAX = 4096 };

struct weft_request {
    const char *id; /* UTF-8, not terminated; points into the message, as image does */
    size_t id_size;
    const uint8_t *image;
    size_t image_size;
    bool has_label;
    int32_t label;
};

struct weft_request_reader;

/* registry is borrowed and must outlive the reader. */
struct weft_request_reader *weft_request_reader_new(struct weft_registry *registry, struct weft_error *err);
void weft_request_reader_destroy(struct weft_request_reader *reader); /* accepts NULL */

/* Decodes a framed message (value may be NULL). Errors: WEFT_ERROR_CORRUPT for what will never decode (a dead letter);
 * WEFT_ERROR_UNAVAILABLE when the registry would have to be asked and does not answer (try again);
 * WEFT_ERROR_REFUSED when it refuses us; WEFT_ERROR_CONFIG when what answers is no registry. */
int weft_request_read(struct weft_request_reader *reader, const void *value, size_t size, struct weft_request *request,
                      struct weft_error *err);

/* The same for a message whose frame is read already (from a header, see schemas/framing.h). */
int weft_request_read_frame(struct weft_request_reader *reader, const struct weft_frame *frame,
                            struct weft_request *request, struct weft_error *err);

/* Whether requests written with this schema can be read at all; WEFT_ERROR_CORRUPT names the field that is in the way.
 */
int weft_request_schema_check(const char *writer_schema, struct weft_error *err);

/* Our own schema, as registered (the text of schemas/predict_request.avsc, compact). */
extern const char weft_request_schema[];

/* Encodes a framed request. attributes are not written (an empty map). Gives the number of bytes needed, which may be
 * more than size: then what is in out is of no use. */
size_t weft_request_write(const struct weft_request *request, uint32_t schema_id, uint8_t *out, size_t size);

#endif
