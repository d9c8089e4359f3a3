/* Graphs as text: statements "y = Type input... attribute=value", separated by "; ". An input in brackets is a
 * constant: [1,-1] of integers, [0.5] of floats, without brackets but # (#2, #0.5) a scalar. A value with a comma is a
 * list, one that is no number a text. The input x is (N, 2, 4, 6) of floats; the last statement gives the output. */
#ifndef WEFT_TESTS_SUPPORT_GRAPH_TEXT_H
#define WEFT_TESTS_SUPPORT_GRAPH_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "model/onnx/onnx.pb-c.h"

/* The caller frees it with onnx__model_proto__free_unpacked. */
Onnx__ModelProto *graph_text_model(const char *text, int opset);

/* One statement, whose text is changed; constants that are new go to the graph's initializers, of which a graph from
 * graph_text_model has room for 64. */
Onnx__NodeProto *graph_text_node(Onnx__GraphProto *graph, char *statement);
Onnx__TensorProto *graph_text_constant(const char *text);

/* A dimension of 0 is open. */
Onnx__ValueInfoProto *graph_text_value(const char *name, size_t rank, const int64_t dims[]);

/* So many more statements: "yK = " and the rest, in which %zu stands for K - 1. The last one gives the output. */
void graph_text_repeat(Onnx__ModelProto *model, const char *rest, size_t times);

#endif
