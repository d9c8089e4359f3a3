/* Writes a network as an ONNX file: nodes in the order they are given, each adding to the last what follows it.
 *
 * No call before weft_onnx_writer_save reports anything: what failed on the way is told there. Names are copied;
 * tensors are not, and must stay as they are until the file is saved. */
#ifndef WEFT_MODEL_ONNX_ONNX_WRITE_H
#define WEFT_MODEL_ONNX_ONNX_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct weft_onnx_writer;

/* NULL when memory is short. */
struct weft_onnx_writer *weft_onnx_writer_new(const char *graph_name);
void weft_onnx_writer_destroy(struct weft_onnx_writer *writer); /* accepts NULL */

/* Floats (N, channels, height, width) in, (N, classes) out, with N left open. */
void weft_onnx_writer_input(struct weft_onnx_writer *writer, const char *name, size_t channels, size_t height,
                            size_t width);
void weft_onnx_writer_output(struct weft_onnx_writer *writer, const char *name, size_t classes);

/* Memory for a tensor that is made only to be written; lives as long as the writer. NULL when memory is short. */
float *weft_onnx_writer_floats(struct weft_onnx_writer *writer, size_t count);

/* Weights under the name "layer.role", which is returned and lives as long as the writer. */
const char *weft_onnx_writer_tensor(struct weft_onnx_writer *writer, const char *layer, const char *role,
                                    const float *values, const int64_t *dims, size_t rank);

void weft_onnx_writer_node(struct weft_onnx_writer *writer, const char *op_type, const char *name,
                           const char *const inputs[], size_t input_count, const char *output);

/* Attributes of the last node. */
void weft_onnx_writer_int(struct weft_onnx_writer *writer, const char *name, int64_t value);
void weft_onnx_writer_ints(struct weft_onnx_writer *writer, const char *name, const int64_t *values, size_t count);

/* An entry of metadata_props. */
void weft_onnx_writer_metadata(struct weft_onnx_writer *writer, const char *key, const char *value);

/* Borrowed from the writer. */
struct weft_onnx_tensor {
    const char *name; /* "layer.role" */
    const int64_t *dims;
    size_t rank, size;
    const float *values; /* size of them */
};

/* How many tensors were added, and the i-th. */
size_t weft_onnx_writer_tensors(const struct weft_onnx_writer *writer);
struct weft_onnx_tensor weft_onnx_writer_tensor_at(const struct weft_onnx_writer *writer, size_t i);

/* Writes the file whole or not at all. */
int weft_onnx_writer_save(struct weft_onnx_writer *writer, const char *path, struct weft_error *err);

#endif
