/* What a run learns from: images for training, validation and test, checked against each other. */
#ifndef WEFT_MODEL_TRAIN_MATERIAL_H
#define WEFT_MODEL_TRAIN_MATERIAL_H

#include "model/data/catalog.h"
#include "model/data/dataset.h"
#include "model/train/normalisation.h"
#include "model/train/split.h"
#include "model/trainer.h"

struct weft_material {
    struct weft_dataset *train, *test; /* test: NULL where there is none */
    struct weft_split *split;          /* of train */
    struct weft_shape shape;
    size_t class_count;
    const char *const *labels; /* names of the classes, of the options or the data; NULL: their numbers */
    struct weft_normalisation normalisation;
    const struct weft_catalog_entry *known; /* NULL where the data set is none of the catalog's */
    char digest[65];                        /* SHA-256 of all images and labels, lower-case hexadecimal */
};

/* random draws the split. The options must outlive the material. */
struct weft_material *weft_material_new(const struct weft_train_options *options, struct weft_random *random,
                                        struct weft_error *err);
void weft_material_destroy(struct weft_material *material); /* accepts NULL */

#endif
