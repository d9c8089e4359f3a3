#include "model/train/material.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/data/dataset_load.h"
#include "model/data/dataset_place.h"
static int check_shapes(const struct weft_material *material, struct weft_error *err)
{
    const struct weft_dataset *a = material->train, *b = material->test;
    if (b && (a->channels != b->channels || a->height != b->height || a->width != b->width))
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: images of %zux%zux%zu, but those of %s are %zux%zux%zu",
                              b->name, b->channels, b->height, b->width, a->name, a->channels, a->height, a->width);
    if (a->channels > WEFT_CHANNELS_MAX)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: has %zu channels; at most %d can be trained on", a->name,
                              a->channels, WEFT_CHANNELS_MAX);
    return 0;
}

static int number_classes(struct weft_material *material, const struct weft_train_options *options,
                          struct weft_error *err)
{
    struct weft_dataset *train = material->train, *test = material->test;
    if (weft_dataset_require_labels(train, err) != 0 || (test && weft_dataset_require_labels(test, err) != 0))
        return -1;
    material->known = weft_catalog_find(train);
    if (options->labels && weft_dataset_number_classes(train, options->labels, options->label_count, err) != 0)
        return -1;
    material->class_count = train->class_count;
    if (options->labels && options->label_count < train->class_count)
        return weft_error_set(err, WEFT_ERROR_USAGE, "%zu labels are given, but %s has %zu classes",
                              options->label_count, train->name, train->class_count);
    if (options->labels) {
        material->labels = options->labels;
        material->class_count = options->label_count;
    } else if (train->class_names) {
        material->labels = (const char *const *)train->class_names;
    } else if (material->known) {
        material->labels = material->known->labels;
    }
    if (test && material->labels &&
        weft_dataset_number_classes(test, material->labels, material->class_count, err) != 0)
        return -1;
    return 0;
}

static int check_labels(const struct weft_material *material, struct weft_error *err)
{
    const struct weft_dataset *train = material->train, *test = material->test;
    size_t same = 1;
    while (same < train->count && train->labels[same] == train->labels[0])
        same++;
    if (same >= train->count)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: all images have the same label", train->name);
    if (test && test->class_count > material->class_count)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: has label %zu, which no training image has", test->name,
                              test->class_count - 1);
    return 0;
}

static int load(struct weft_material *material, const struct weft_recipe *recipe, struct weft_error *err)
{
    struct weft_image_shape wanted = {0};
    if (!*recipe->data)
        return weft_error_set(err, WEFT_ERROR_USAGE, "no data to train on is given");
    if (*recipe->size && weft_image_shape_parse(recipe->size, &wanted, err) != 0)
        return weft_error_prefix(err, "size");
    material->train = weft_dataset_load_as(recipe->data, "train", wanted, err);
    if (!material->train)
        return -1;
    if (weft_dataset_has_part(recipe->data, "test")) {
        if (wanted.channels == 0) /* a part of a set in colour may be all grey */
            wanted.channels = material->train->channels;
        material->test = weft_dataset_load_as(recipe->data, "test", wanted, err);
        if (!material->test)
            return -1;
    }
    return 0;
}

static int split(struct weft_material *material, double validation, struct weft_random *random, struct weft_error *err)
{
    material->split = weft_split_new(material->train, validation, random, err);
    if (!material->split)
        return -1;
    const size_t train = material->split->train_count, held_out = material->split->validation_count;
    if (train == 0 || held_out == 0)
        return weft_error_set(err, WEFT_ERROR_USAGE,
                              "%s: a validation share of %g leaves %zu images to train on and %zu to validate with",
                              material->train->name, validation, train, held_out);
    return 0;
}

static bool digest_dataset(EVP_MD_CTX *context, const struct weft_dataset *dataset)
{
    const uint64_t sizes[] = {dataset->count, dataset->channels, dataset->height, dataset->width};
    return EVP_DigestUpdate(context, sizes, sizeof sizes) &&
           EVP_DigestUpdate(context, dataset->labels, dataset->count * sizeof *dataset->labels) &&
           EVP_DigestUpdate(context, dataset->pixels,
                            dataset->count * dataset->channels * dataset->height * dataset->width);
}

static int make_digest(struct weft_material *material, struct weft_error *err)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) && digest_dataset(context, material->train) &&
              (!material->test || digest_dataset(context, material->test)) && EVP_DigestFinal_ex(context, hash, &size);
    EVP_MD_CTX_free(context);
    if (!ok)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no checksum could be made", material->train->name);
    for (unsigned i = 0; i < size && 2 * i + 2 < sizeof material->digest; i++)
        snprintf(material->digest + 2 * i, 3, "%02x", hash[i]);
    return 0;
}

struct weft_material *weft_material_new(const struct weft_train_options *options, struct weft_random *random,
                                        struct weft_error *err)
{
    struct weft_material *material = calloc(1, sizeof *material);
    if (!material) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory to train");
        return NULL;
    }
    if (load(material, &options->recipe, err) != 0 || check_shapes(material, err) != 0 ||
        number_classes(material, options, err) != 0 || check_labels(material, err) != 0 ||
        split(material, options->recipe.validation, random, err) != 0 || make_digest(material, err) != 0) {
        weft_material_destroy(material);
        return NULL;
    }
    const struct weft_dataset *train = material->train;
    material->shape = (struct weft_shape){train->channels, train->height, train->width};
    material->normalisation = weft_normalisation_of(train);
    return material;
}

void weft_material_destroy(struct weft_material *material)
{
    if (!material)
        return;
    weft_split_destroy(material->split);
    weft_dataset_destroy(material->train);
    weft_dataset_destroy(material->test);
    free(material);
}
