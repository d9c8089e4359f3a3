#include <stdint.h>
#include <string.h>

#include "model/onnx_write.h"
#include "model/train/gemm.h"
#include "model/train/layers.h"

/* y (n, out) = x (n, in) W^T + bias, with W (out, in). */
static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t in = layer->in.channels, out = layer->out.channels;
    for (size_t i = 0; i < pass->n; i++)
        memcpy(pass->y + i * out, pass->weights + layer->bias, out * sizeof *pass->y);
    weft_gemm(CblasNoTrans, CblasTrans, pass->n, out, in, pass->x[0], pass->weights + layer->weight, 1, pass->y);
}

/* dW += dy^T x, db += column sums of dy, dx += dy W. */
static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t in = layer->in.channels, out = layer->out.channels;
    float *bias_gradient = pass->weight_gradients + layer->bias;
    for (size_t i = 0; i < pass->n; i++)
        for (size_t o = 0; o < out; o++)
            bias_gradient[o] += pass->dy[i * out + o];
    weft_gemm(CblasTrans, CblasNoTrans, out, in, pass->n, pass->dy, pass->x[0], 1,
              pass->weight_gradients + layer->weight);
    if (pass->dx[0])
        weft_gemm(CblasNoTrans, CblasNoTrans, pass->n, in, out, pass->dy, pass->weights + layer->weight, 1,
                  pass->dx[0]);
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

static const struct weft_train_layer_type dense = {"dense", forward, backward, write};

size_t weft_dense_add(struct weft_model *model, size_t input, size_t outputs)
{
    struct weft_train_layer layer = {.type = &dense, .in = weft_model_shape(model, input), .out = {outputs, 1, 1}};
    if (layer.in.height != 1 || layer.in.width != 1)
        weft_model_fail(model, "a dense layer reads a vector: flatten comes before it");
    layer.weight = weft_model_add_parameter(model, outputs * layer.in.channels, layer.in.channels, true);
    layer.bias = weft_model_add_parameter(model, outputs, 0, false);
    return weft_model_add(model, input, layer);
}
