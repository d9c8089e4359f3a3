#include "model/onnx/computed.h"

#include "model/onnx/constants.h"

int weft_numbers_read(const struct weft_node_reader *r, const struct weft_graph_value *value,
                      struct weft_numbers *numbers)
{
    *numbers = (struct weft_numbers){0};
    if (weft_constant_is_float(value))
        numbers->floats = weft_constant_any_floats(value, r->err);
    else
        numbers->integers = weft_constant_integers(r->graph, value, r->err);
    return numbers->floats || numbers->integers ? 0 : -1;
}

int weft_computed_begin(const struct weft_node_reader *r, size_t rank, const size_t dims[],
                        const struct weft_numbers *like, struct weft_computed *made)
{
    *made = (struct weft_computed){.rank = rank, .size = 1};
    for (size_t i = 0; i < rank; i++) {
        made->dims[i] = dims[i];
        if (!weft_graph_product(made->size, dims[i], WEFT_GRAPH_MADE_MAX, &made->size))
            return WEFT_NODE_REFUSE(r, "it is too large");
    }
    *r->is_node = false;
    if (like->floats)
        made->floats = weft_graph_keep(r->graph, made->size, sizeof *made->floats, r->err);
    else
        made->integers = weft_graph_keep(r->graph, made->size, sizeof *made->integers, r->err);
    return made->floats || made->integers ? 0 : -1;
}

void weft_computed_copy(struct weft_computed *to, size_t k, const struct weft_numbers *from, size_t i)
{
    if (to->floats)
        to->floats[k] = from->floats[i];
    else
        to->integers[k] = from->integers[i];
}

int weft_computed_end(const struct weft_node_reader *r, const struct weft_computed *made)
{
    return weft_constant_make(r->graph, r->proto->output[0], made->rank, made->dims, made->floats, made->integers,
                              r->err);
}
