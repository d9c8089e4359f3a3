#include "model/train/export.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/layer.h"
#include "model/onnx/onnx_write.h"
#include "model/self_test.h"
#include "model/train/tape.h"

/* Enough digits for what people type, few enough that 0.05 stays 0.05. */
enum { REAL_DIGITS = 9 };

/* Takes the reference of value, which may be NULL. */
static int add_json(struct weft_onnx_writer *writer, const char *key, json_t *value, struct weft_error *err)
{
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS)) : NULL;
    json_decref(value);
    if (!text)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for %s, or a name in it is not UTF-8", key);
    weft_onnx_writer_metadata(writer, key, text);
    free(text);
    return 0;
}

static json_t *labels_of(const char *const *names, size_t count)
{
    json_t *labels = json_array();
    for (size_t i = 0; i < count; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        if (json_array_append_new(labels, json_string(names ? names[i] : number)) != 0) {
            json_decref(labels);
            return NULL;
        }
    }
    return labels;
}

static json_t *reals_of(const double *values, size_t count)
{
    json_t *reals = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(reals, json_real(values[i]));
    return reals;
}

/* What came of the recipe; no times, so that the same run gives the same file. */
static json_t *training_of(const struct weft_train_result *r)
{
    json_t *training = json_pack("{sI sI sI sI sf}", "train_images", (json_int_t)r->train_images, "validation_images",
                                 (json_int_t)r->validation_images, "epochs", (json_int_t)r->epochs, "best_epoch",
                                 (json_int_t)r->best_epoch, "validation_accuracy", r->validation_accuracy);
    if (training && r->test_accuracy >= 0) {
        json_object_set_new(training, "test_images", json_integer((json_int_t)r->test_images));
        json_object_set_new(training, "test_accuracy", json_real(r->test_accuracy));
        json_object_set_new(training, "test_accuracy_mirrored", json_real(r->test_accuracy_mirrored));
    }
    return training;
}

/* Where a known data set lies says nothing; its name stands in weft.dataset. */
static int add_recipe(struct weft_onnx_writer *writer, struct weft_recipe recipe, bool known, struct weft_error *err)
{
    if (known)
        recipe.data[0] = '\0';
    char *text = weft_recipe_text(&recipe);
    if (!text)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for the recipe");
    weft_onnx_writer_metadata(writer, "weft.recipe", text);
    free(text);
    return 0;
}

/* What the trainer's arithmetic makes of the self-test's images. */
static int add_self_test(struct weft_onnx_writer *writer, const struct weft_material *material,
                         const struct weft_model *model, const float *weights, struct weft_error *err)
{
    const struct weft_shape shape = material->shape;
    const size_t size = shape.channels * shape.height * shape.width, count = WEFT_SELF_TEST_IMAGES * model->class_count;
    int rc = -1;
    struct weft_tape *tape = weft_tape_new(model, WEFT_SELF_TEST_IMAGES, err);
    uint8_t *pixels = malloc(size);
    float *probabilities = malloc(count * sizeof *probabilities);
    json_t *values = json_array();
    if (!tape || !pixels || !probabilities || !values) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for the self-test");
        json_decref(values);
        goto out;
    }
    for (size_t i = 0; i < WEFT_SELF_TEST_IMAGES; i++) {
        weft_self_test_image(i, shape.channels, shape.height, shape.width, pixels);
        weft_normalise(&material->normalisation, shape, pixels, weft_tape_images(tape) + i * size);
    }
    weft_tape_forward(tape, weights, WEFT_SELF_TEST_IMAGES, NULL);
    weft_softmax(probabilities, weft_tape_logits(tape), WEFT_SELF_TEST_IMAGES, model->class_count, false);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(values, json_real((double)probabilities[i])); /* fails for what is no number */
    if (json_array_size(values) < count) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "the trained network gives no probabilities for the self-test");
        json_decref(values);
        goto out;
    }
    rc = add_json(writer, "weft.self_test", values, err);
out:
    free(probabilities);
    free(pixels);
    weft_tape_destroy(tape);
    return rc;
}

int weft_export(const struct weft_train_options *options, const struct weft_train_result *result,
                const struct weft_material *material, const struct weft_model *model, const float *weights,
                const char *path, struct weft_error *err)
{
    const struct weft_recipe *recipe = &options->recipe;
    const struct weft_catalog_entry *known = material->known;
    const char *name = *recipe->name ? recipe->name : recipe->architecture;
    const size_t channels = material->shape.channels;
    int rc = -1;
    struct weft_onnx_writer *writer = weft_onnx_writer_new(name);
    if (!writer)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory to write the model", path);
    weft_model_write(model, weights, writer);
    weft_onnx_writer_metadata(writer, "weft.name", name);
    weft_onnx_writer_metadata(writer, "weft.version", recipe->version);
    weft_onnx_writer_metadata(writer, "weft.dataset", known ? known->name : recipe->data);
    if (add_json(writer, "weft.labels", labels_of(material->labels, model->class_count), err) != 0 ||
        add_json(writer, "weft.input.mean", reals_of(material->normalisation.mean, channels), err) != 0 ||
        add_json(writer, "weft.input.std", reals_of(material->normalisation.std, channels), err) != 0 ||
        add_json(writer, "weft.training", training_of(result), err) != 0 ||
        add_recipe(writer, *recipe, known, err) != 0 || add_self_test(writer, material, model, weights, err) != 0)
        goto out;
    if (result->test_accuracy >= 0) {
        char accuracy[32];
        snprintf(accuracy, sizeof accuracy, "%.6g", result->test_accuracy);
        weft_onnx_writer_metadata(writer, "weft.accuracy", accuracy);
    }
    rc = weft_onnx_writer_save(writer, path, err);
out:
    weft_onnx_writer_destroy(writer);
    return rc;
}
