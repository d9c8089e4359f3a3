/* What a model file says of itself in its metadata_props, beside the graph. */
#ifndef WEFT_MODEL_ONNX_METADATA_H
#define WEFT_MODEL_ONNX_METADATA_H

#include <stddef.h>

#include "base/error.h"
#include "model/onnx/onnx.pb-c.h"

struct weft_metadata {
    char *name;      /* weft.name, or NULL */
    char *version;   /* weft.version, or "" */
    char *dataset;   /* weft.dataset, or "" */
    double accuracy; /* weft.accuracy, a fraction, or -1 */
    char **labels;   /* weft.labels, or "0", "1", ... */
    size_t label_count;
    float *mean, *deviation; /* weft.input.mean and .std, one for each channel of pixel/255, or 0 and 1 */
    float *self_test;        /* weft.self_test (WEFT_SELF_TEST_IMAGES, classes), or NULL; see model/self_test.h */
};

/* Reads and checks it for a network of so many classes and channels. WEFT_ERROR_CONFIG names the property. */
int weft_metadata_read(struct weft_metadata *metadata, const Onnx__ModelProto *model, size_t classes, size_t channels,
                       struct weft_error *err);

/* Frees what it holds. */
void weft_metadata_clear(struct weft_metadata *metadata);

#endif
