/* A PredictResult: encoding for the processor, decoding for those who read results.
 *
 * Encoding is by hand from the fixed schema (libavro is the oracle in the tests). Reading works with results written
 * with any compatible schema, through the same decode plans as requests. */
#ifndef WEFT_SCHEMAS_RESULT_H
#define WEFT_SCHEMAS_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "schemas/framing.h"
#include "schemas/registry.h"

enum { WEFT_RESULT_CLASSES_MAX = 1024 };

/* A piece of text that is not terminated. */
struct weft_text {
    const char *at;
    size_t size;
};

struct weft_result {
    struct weft_text id;
    int32_t label;
    struct weft_text class_name;
    const float *probabilities; /* class_count of them; NULL after reading, see weft_result_read */
    size_t class_count;
    bool has_expected;
    int32_t expected;
    struct weft_text model_name, model_version, model_sha256;
    struct weft_text source_topic;
    int32_t source_partition;
    int64_t source_offset, source_timestamp_ms;
    int64_t scored_at_ms;
};

/* Our own schema, as registered (the text of schemas/predict_result.avsc, compact). */
extern const char weft_result_schema[];

/* Encodes a framed result. Gives the number of bytes needed, which may be more than size: then what is in out is of no
 * use. */
size_t weft_result_write(const struct weft_result *result, uint32_t schema_id, uint8_t *out, size_t size);

struct weft_result_reader;

/* registry is borrowed and must outlive the reader. */
struct weft_result_reader *weft_result_reader_new(struct weft_registry *registry, struct weft_error *err);
void weft_result_reader_destroy(struct weft_result_reader *reader); /* accepts NULL */

/* Decodes a framed result. Texts point into the message. probabilities, when not NULL, has room for
 * WEFT_RESULT_CLASSES_MAX floats, receives the message's, and result->probabilities points there; a result with more is
 * an error then. Errors as weft_request_read. */
int weft_result_read(struct weft_result_reader *reader, const void *value, size_t size, struct weft_result *result,
                     float *probabilities, struct weft_error *err);

/* The same for a message whose frame is read already (from a header, see schemas/framing.h). */
int weft_result_read_frame(struct weft_result_reader *reader, const struct weft_frame *frame,
                           struct weft_result *result, float *probabilities, struct weft_error *err);

#endif
