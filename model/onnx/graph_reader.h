/* From the messages of an ONNX file to a graph. */
#ifndef WEFT_MODEL_ONNX_GRAPH_READER_H
#define WEFT_MODEL_ONNX_GRAPH_READER_H

#include "model/onnx/graph.h"
#include "model/onnx/onnx_file.h"

/* Borrows names and numbers from file, which must outlive the graph. WEFT_ERROR_CONFIG names node and reason. */
struct weft_graph *weft_graph_read(const struct weft_onnx_file *file, struct weft_error *err);

#endif
