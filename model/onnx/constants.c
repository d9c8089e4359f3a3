#include "model/onnx/constants.h"

#include <math.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "raw_data is little-endian and used as it is");

int weft_constant_add(struct weft_graph *graph, const char *name, const Onnx__TensorProto *tensor,
                      struct weft_error *err)
{
    struct weft_graph_value value = {.name = name, .tensor = tensor, .rank = tensor->n_dims};
    if (value.rank > WEFT_GRAPH_RANK_MAX)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "tensor '%.100s' has %zu dimensions", name ? name : "",
                              value.rank);
    for (size_t i = 0; i < value.rank; i++)
        value.dims[i] = (size_t)tensor->dims[i]; /* a negative one is gigantic, and refused as such */
    return weft_graph_add(graph, value, WEFT_GRAPH_WEIGHTS_MAX, err) < 0 ? -1 : 0;
}

/* Where the tensor's numbers lie, of each size in raw_data and of count otherwise; NULL when they are not as many. */
static const void *numbers(const struct weft_graph_value *value, size_t each, const void *typed, size_t count)
{
    const Onnx__TensorProto *tensor = value->tensor;
    if (tensor->has_raw_data)
        return tensor->raw_data.len == value->size * each ? tensor->raw_data.data : NULL;
    return count == value->size ? typed : NULL;
}

const float *weft_constant_any_floats(const struct weft_graph_value *value, struct weft_error *err)
{
    const Onnx__TensorProto *tensor = value->tensor;
    if (tensor->data_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "tensor '%.100s' is not of 32-bit floats; export the model with them",
                       value->name);
        return NULL;
    }
    const float *floats = numbers(value, sizeof *floats, tensor->float_data, tensor->n_float_data);
    if (!floats)
        weft_error_set(err, WEFT_ERROR_CONFIG, "tensor '%.100s' does not hold the %zu numbers of its shape",
                       value->name, value->size);
    return floats;
}

const float *weft_constant_floats(const struct weft_graph_value *value, struct weft_error *err)
{
    const float *floats = weft_constant_any_floats(value, err);
    for (size_t i = 0; floats && i < value->size; i++) {
        if (!isfinite(floats[i])) {
            weft_error_set(err, WEFT_ERROR_CONFIG, "tensor '%.100s' holds a number that is not finite", value->name);
            return NULL;
        }
    }
    return floats;
}

int weft_constant_number(const struct weft_graph_value *value, float *number, struct weft_error *err)
{
    const float *floats = weft_constant_any_floats(value, err);
    if (!floats)
        return -1;
    if (value->size != 1 || isnan(*floats))
        return weft_error_set(err, WEFT_ERROR_CONFIG, "tensor '%.100s' is not a single number", value->name);
    *number = *floats;
    return 0;
}

const int64_t *weft_constant_integers(struct weft_graph *graph, const struct weft_graph_value *value,
                                      struct weft_error *err)
{
    static const int64_t none[1];
    const Onnx__TensorProto *tensor = value->tensor;
    const int32_t *narrow = NULL;
    const int64_t *wide = NULL;
    if (weft_constant_is_integer(value) && value->size == 0)
        return none;
    if (tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64)
        wide = numbers(value, sizeof *wide, tensor->int64_data, tensor->n_int64_data);
    if (tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT32)
        narrow = numbers(value, sizeof *narrow, tensor->int32_data, tensor->n_int32_data);
    if (!wide && !narrow)
        weft_error_set(err, WEFT_ERROR_CONFIG, "tensor '%.100s' does not hold %zu integers of 32 or 64 bits",
                       value->name, value->size);
    if (!narrow)
        return wide;
    int64_t *widened = weft_graph_keep(graph, value->size, sizeof *widened, err);
    for (size_t i = 0; widened && i < value->size; i++)
        widened[i] = narrow[i];
    return widened;
}

bool weft_constant_is_float(const struct weft_graph_value *value)
{
    return value->tensor && value->tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
}

bool weft_constant_is_integer(const struct weft_graph_value *value)
{
    return value->tensor && (value->tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64 ||
                             value->tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT32);
}

int weft_constant_make(struct weft_graph *graph, const char *name, size_t rank, const size_t dims[],
                       const float *floats, const int64_t *integers, struct weft_error *err)
{
    Onnx__TensorProto *tensor = weft_graph_keep(graph, 1, sizeof *tensor, err);
    if (!tensor)
        return -1;
    onnx__tensor_proto__init(tensor);
    struct weft_graph_value value = {.name = name, .tensor = tensor, .rank = rank};
    size_t size = 1;
    for (size_t i = 0; i < rank; i++) {
        value.dims[i] = dims[i];
        size *= dims[i];
    }
    tensor->has_data_type = 1;
    tensor->data_type = floats ? ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT : ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    /* Nothing writes to a constant; the generated struct has no const. */
    tensor->float_data = (float *)(uintptr_t)floats;
    tensor->int64_data = (int64_t *)(uintptr_t)integers;
    tensor->n_float_data = floats ? size : 0;
    tensor->n_int64_data = floats ? 0 : size;
    return weft_graph_add(graph, value, WEFT_GRAPH_WEIGHTS_MAX, err) < 0 ? -1 : 0;
}
