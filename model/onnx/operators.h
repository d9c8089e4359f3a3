/* What each operator of ONNX means to weft. */
#ifndef WEFT_MODEL_ONNX_OPERATORS_H
#define WEFT_MODEL_ONNX_OPERATORS_H

#include "model/onnx/node_reader.h"

/* Reads one node and adds its outputs to the graph. What can be computed now gives no node: *is_node tells. */
int weft_operator_read(struct weft_graph *graph, const Onnx__NodeProto *proto, int opset, struct weft_graph_node *node,
                       bool *is_node, struct weft_error *err);

/* The readers of all operators, by the file in which they are. Each checks its node and adds what it gives to the
 * graph. -1 with the reader's error filled when it is refused. */

/* operators.c */
int weft_operator_batch_normalization(const struct weft_node_reader *r);
int weft_operator_clip(const struct weft_node_reader *r);
int weft_operator_dropout(const struct weft_node_reader *r);
int weft_operator_gemm(const struct weft_node_reader *r);
int weft_operator_mat_mul(const struct weft_node_reader *r);
int weft_operator_max(const struct weft_node_reader *r);
int weft_operator_min(const struct weft_node_reader *r);
int weft_operator_relu(const struct weft_node_reader *r);
int weft_operator_softmax(const struct weft_node_reader *r);

/* operators_arithmetic.c: also on constants */
int weft_operator_add(const struct weft_node_reader *r);
int weft_operator_div(const struct weft_node_reader *r);
int weft_operator_mul(const struct weft_node_reader *r);
int weft_operator_sub(const struct weft_node_reader *r);

/* operators_constants.c */
int weft_operator_cast(const struct weft_node_reader *r);
int weft_operator_constant(const struct weft_node_reader *r);
int weft_operator_constant_of_shape(const struct weft_node_reader *r);

/* operators_moves.c: also on constants, which is how files compute shapes */
int weft_operator_concat(const struct weft_node_reader *r);
int weft_operator_gather(const struct weft_node_reader *r);
int weft_operator_pad(const struct weft_node_reader *r);
int weft_operator_slice(const struct weft_node_reader *r);
int weft_operator_transpose(const struct weft_node_reader *r);

/* operators_shapes.c: the same */
int weft_operator_flatten(const struct weft_node_reader *r);
int weft_operator_identity(const struct weft_node_reader *r);
int weft_operator_reshape(const struct weft_node_reader *r);
int weft_operator_shape(const struct weft_node_reader *r);
int weft_operator_squeeze(const struct weft_node_reader *r);
int weft_operator_unsqueeze(const struct weft_node_reader *r);

/* operators_windows.c */
int weft_operator_average_pool(const struct weft_node_reader *r);
int weft_operator_conv(const struct weft_node_reader *r);
int weft_operator_global_average_pool(const struct weft_node_reader *r);
int weft_operator_global_max_pool(const struct weft_node_reader *r);
int weft_operator_max_pool(const struct weft_node_reader *r);
int weft_operator_reduce_max(const struct weft_node_reader *r);
int weft_operator_reduce_mean(const struct weft_node_reader *r);

#endif
