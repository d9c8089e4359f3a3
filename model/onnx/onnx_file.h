/* An ONNX file read and unpacked: the messages as the file has them, nothing of their meaning checked yet. */
#ifndef WEFT_MODEL_ONNX_ONNX_FILE_H
#define WEFT_MODEL_ONNX_ONNX_FILE_H

#include <stddef.h>

#include "base/error.h"
#include "model/onnx/onnx.pb-c.h"

enum {
    WEFT_ONNX_FILE_MAX = 512 << 20,    /* bytes, and as many again in files beside it that hold its weights */
    WEFT_ONNX_UNPACK_SLACK = 64 << 20, /* unpacking takes at most twice the file's size and these bytes */
    WEFT_ONNX_OPSET_MIN = 11,
    WEFT_ONNX_OPSET_MAX = 21,
};

struct weft_onnx_file {
    Onnx__ModelProto *model; /* has a graph */
    int opset;
    char sha256[65]; /* of the file, and of the weights in others as it names them; lower-case hexadecimal */
};

/* path is a file, or builtin:NAME (model/builtin.h). WEFT_ERROR_CONFIG with path and reason when it is not there, not
 * ONNX, or of a version that weft does not read. */
struct weft_onnx_file *weft_onnx_file_open(const char *path, struct weft_error *err);
void weft_onnx_file_close(struct weft_onnx_file *file); /* accepts NULL */

/* Makes a message harmless that quotes names from a file: they might steer a terminal. Accepts NULL. */
void weft_onnx_file_clean(struct weft_error *err);

#endif
