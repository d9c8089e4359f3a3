/* A constant that a node computes from others while the graph is read, of floats or of integers as these are.
 *
 *     if (weft_numbers_read(r, x, &from) != 0 || weft_computed_begin(r, rank, dims, &from, &made) != 0)
 *         return -1;
 *     ... fill made.floats or made.integers ...
 *     return weft_computed_end(r, &made);
 */
#ifndef WEFT_MODEL_ONNX_COMPUTED_H
#define WEFT_MODEL_ONNX_COMPUTED_H

#include "model/onnx/node_reader.h"

/* Numbers of a constant; the other pointer is NULL. */
struct weft_numbers {
    const float *floats;
    const int64_t *integers;
};

int weft_numbers_read(const struct weft_node_reader *r, const struct weft_graph_value *value,
                      struct weft_numbers *numbers);

/* size numbers to be filled, of one of both types. */
struct weft_computed {
    size_t rank, dims[WEFT_GRAPH_RANK_MAX], size;
    float *floats;
    int64_t *integers;
};

/* Zeros of the type that like has. The node is none of the graph any more. */
int weft_computed_begin(const struct weft_node_reader *r, size_t rank, const size_t dims[],
                        const struct weft_numbers *like, struct weft_computed *made);
void weft_computed_copy(struct weft_computed *to, size_t k, const struct weft_numbers *from, size_t i);
/* Adds it to the graph as the node's output. */
int weft_computed_end(const struct weft_node_reader *r, const struct weft_computed *made);

#endif
