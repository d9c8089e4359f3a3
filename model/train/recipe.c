#include "model/train/recipe.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/onnx_write.h"

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

static json_t *labels_of(const struct weft_recipe *recipe)
{
    json_t *labels = json_array();
    for (size_t i = 0; i < recipe->model->class_count; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        if (json_array_append_new(labels, json_string(recipe->labels ? recipe->labels[i] : number)) != 0) {
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

/* Everything that repeats the run, under the names of struct weft_train_options, and what it reached on validation. */
static json_t *training_of(const struct weft_recipe *recipe)
{
    const struct weft_train_options *o = recipe->options;
    const struct weft_train_result *r = recipe->result;
    return json_pack("{ss sI sI sf sf sf sf sf sI sb sf sI sI sI sf}", "architecture", o->architecture, "epochs",
                     (json_int_t)o->epochs, "batch", (json_int_t)o->batch, "learning_rate", o->learning_rate, "warmup",
                     o->warmup, "momentum", o->momentum, "weight_decay", o->weight_decay, "label_smoothing",
                     o->label_smoothing, "shift", (json_int_t)o->shift, "flip", (int)o->flip, "validation",
                     o->validation, "seed", (json_int_t)o->seed, "threads", (json_int_t)o->threads, "best_epoch",
                     (json_int_t)r->best_epoch, "validation_accuracy", r->validation_accuracy);
}

int weft_recipe_save(const struct weft_recipe *recipe, const char *path, struct weft_error *err)
{
    const struct weft_train_options *o = recipe->options;
    const char *name = o->name ? o->name : o->architecture;
    const size_t channels = recipe->model->input.channels;
    int rc = -1;
    struct weft_onnx_writer *writer = weft_onnx_writer_new(name);
    if (!writer)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory to write the model", path);
    weft_model_write(recipe->model, recipe->model->weights, writer);
    weft_onnx_writer_metadata(writer, "weft.name", name);
    weft_onnx_writer_metadata(writer, "weft.version", o->version ? o->version : "");
    weft_onnx_writer_metadata(writer, "weft.dataset", recipe->dataset);
    if (add_json(writer, "weft.labels", labels_of(recipe), err) != 0 ||
        add_json(writer, "weft.input.mean", reals_of(recipe->normalisation->mean, channels), err) != 0 ||
        add_json(writer, "weft.input.std", reals_of(recipe->normalisation->std, channels), err) != 0 ||
        add_json(writer, "weft.training", training_of(recipe), err) != 0)
        goto out;
    if (recipe->result->test_accuracy >= 0) {
        char accuracy[32];
        snprintf(accuracy, sizeof accuracy, "%.6g", recipe->result->test_accuracy);
        weft_onnx_writer_metadata(writer, "weft.accuracy", accuracy);
    }
    rc = weft_onnx_writer_save(writer, path, err);
out:
    weft_onnx_writer_destroy(writer);
    return rc;
}
