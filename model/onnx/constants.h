/* The constants of a graph: those that the file holds, and those computed from them, or from shapes, while it is
 * loaded.
 *
 * Functions that give NULL or -1 have filled err. */
#ifndef WEFT_MODEL_ONNX_CONSTANTS_H
#define WEFT_MODEL_ONNX_CONSTANTS_H

#include "model/onnx/graph.h"

/* Adds a tensor of the file, which is borrowed, to the graph's values. */
int weft_constant_add(struct weft_graph *graph, const char *name, const Onnx__TensorProto *tensor,
                      struct weft_error *err);

/* Its numbers, as many as its shape says. NULL when they are of another type, not there, or floats that are not finite.
 * Integers of 32 bits are widened. */
const float *weft_constant_floats(const struct weft_graph_value *value, struct weft_error *err);
const int64_t *weft_constant_integers(struct weft_graph *graph, const struct weft_graph_value *value,
                                      struct weft_error *err);
/* The same, not looked at: to be moved or computed with, but not to be weights. */
const float *weft_constant_any_floats(const struct weft_graph_value *value, struct weft_error *err);
/* A single number, which may be infinite. */
int weft_constant_number(const struct weft_graph_value *value, float *number, struct weft_error *err);

bool weft_constant_is_float(const struct weft_graph_value *value);
bool weft_constant_is_integer(const struct weft_graph_value *value);

/* Adds a computed constant, which borrows floats or integers; the other one is NULL. */
int weft_constant_make(struct weft_graph *graph, const char *name, size_t rank, const size_t dims[],
                       const float *floats, const int64_t *integers, struct weft_error *err);

#endif
