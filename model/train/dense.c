#include <math.h>
#include <stdint.h>
#include <string.h>

#include "model/onnx/onnx_write.h"
#include "model/train/gemm.h"
#include "model/train/layers.h"

static struct weft_matrix rows(const float *values, size_t row)
{
    return (struct weft_matrix){values, row, CblasNoTrans};
}

static struct weft_matrix transposed(const float *values, size_t row)
{
    return (struct weft_matrix){values, row, CblasTrans};
}

/* y (n, out) = x (n, in) W^T + bias, with W (out, in). */
static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t in = layer->in.channels, out = layer->out.channels;
    for (size_t i = 0; i < pass->n; i++)
        memcpy(pass->y + i * out, pass->weights + layer->bias, out * sizeof *pass->y);
    weft_gemm(pass->n, out, in, rows(pass->x[0], in), transposed(pass->weights + layer->weight, in), 1, pass->y, out);
}

/* dW += dy^T x, db += column sums of dy, dx = dy W. */
static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t in = layer->in.channels, out = layer->out.channels;
    float *bias_gradient = pass->weight_gradients + layer->bias;
    for (size_t i = 0; i < pass->n; i++)
        pass->variant->add(bias_gradient, bias_gradient, pass->dy + i * out, out, -INFINITY, INFINITY);
    weft_gemm(out, in, pass->n, transposed(pass->dy, out), rows(pass->x[0], in), 1,
              pass->weight_gradients + layer->weight, in);
    if (pass->dx[0])
        weft_gemm(pass->n, in, out, rows(pass->dy, out), rows(pass->weights + layer->weight, in),
                  pass->dx_adds[0] ? 1 : 0, pass->dx[0], in);
}

static void write(const struct weft_train_layer *layer, const float *weights, const char *const inputs[],
                  const char *output, struct weft_onnx_writer *writer)
{
    const int64_t out = (int64_t)layer->out.channels, in = (int64_t)layer->in.channels;
    const char *weight =
        weft_onnx_writer_tensor(writer, layer->name, "weight", weights + layer->weight, (const int64_t[]){out, in}, 2);
    const char *bias =
        weft_onnx_writer_tensor(writer, layer->name, "bias", weights + layer->bias, (const int64_t[]){out}, 1);
    weft_onnx_writer_node(writer, "Gemm", layer->name, (const char *[]){inputs[0], weight, bias}, 3, output);
    weft_onnx_writer_int(writer, "transB", 1);
}

static const struct weft_train_layer_type type = {"dense", forward, backward, write};

size_t weft_dense_add(struct weft_model *model, size_t input, size_t outputs)
{
    struct weft_train_layer layer = {
        .type = &type,
        .inputs = {input},
        .input_count = 1,
        .sharing = WEFT_SHARES_NOTHING,
        .in = weft_model_shape(model, input),
        .out = {outputs, 1, 1},
    };
    const size_t in = layer.in.channels;
    if (layer.in.height != 1 || layer.in.width != 1)
        weft_model_fail(model, "a dense layer reads a vector: flatten comes before it");
    layer.multiply_adds = in * outputs;
    layer.weight = weft_model_add_parameter(
        model, (struct weft_parameter){.count = outputs * in, .kind = WEFT_PARAMETER_DECAYS, .fan_in = in});
    layer.bias =
        weft_model_add_parameter(model, (struct weft_parameter){.count = outputs, .kind = WEFT_PARAMETER_PLAIN});
    return weft_model_add(model, layer);
}
