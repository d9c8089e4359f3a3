#include "model/train/split.h"

#include <math.h>
#include <stdlib.h>

struct weft_split *weft_split_new(const struct weft_dataset *dataset, double share, struct weft_random *random,
                                  struct weft_error *err)
{
    struct weft_split *split = calloc(1, sizeof *split);
    size_t *wanted = calloc(dataset->class_count, sizeof *wanted);
    size_t *order = calloc(dataset->count, sizeof *order);
    if (!split || !wanted || !order)
        goto fail;
    split->train = calloc(dataset->count, sizeof *split->train);
    split->validation = calloc(dataset->count, sizeof *split->validation);
    if (!split->train || !split->validation)
        goto fail;

    for (size_t i = 0; i < dataset->count; i++) {
        order[i] = i;
        wanted[dataset->labels[i]]++;
    }
    for (size_t c = 0; c < dataset->class_count; c++)
        wanted[c] = (size_t)lround(share * (double)wanted[c]);
    weft_random_shuffle(random, order, dataset->count);
    for (size_t i = 0; i < dataset->count; i++) {
        size_t *left = &wanted[dataset->labels[order[i]]];
        if (*left > 0) {
            --*left;
            split->validation[split->validation_count++] = order[i];
        } else {
            split->train[split->train_count++] = order[i];
        }
    }
    free(wanted);
    free(order);
    return split;

fail:
    free(wanted);
    free(order);
    weft_split_destroy(split);
    weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory to split %zu images", dataset->count);
    return NULL;
}

void weft_split_destroy(struct weft_split *split)
{
    if (!split)
        return;
    free(split->train);
    free(split->validation);
    free(split);
}
