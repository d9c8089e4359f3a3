#include "model/onnx/metadata.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/self_test.h"

static const char *property(const Onnx__ModelProto *model, const char *key)
{
    for (size_t i = 0; i < model->n_metadata_props; i++) {
        const Onnx__StringStringEntryProto *entry = model->metadata_props[i];
        if (entry->key && strcmp(entry->key, key) == 0)
            return entry->value ? entry->value : "";
    }
    return NULL;
}

/* The property as JSON; numbers separated by commas do without brackets. NULL where it is not there or not JSON. */
static json_t *json_property(const Onnx__ModelProto *model, const char *key)
{
    const char *text = property(model, key);
    char *bracketed = NULL;
    json_t *value = NULL;
    if (!text)
        return NULL;
    if (text[strspn(text, " \t\r\n")] == '[')
        return json_loads(text, 0, NULL);
    if (asprintf(&bracketed, "[%s]", text) < 0)
        return NULL;
    value = json_loads(bracketed, 0, NULL);
    free(bracketed);
    return value;
}

static int read_text(char **text, const Onnx__ModelProto *model, const char *key, const char *otherwise,
                     struct weft_error *err)
{
    const char *value = property(model, key);
    if (!value && !otherwise)
        return 0;
    *text = strdup(value ? value : otherwise);
    return *text ? 0 : weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory");
}

static int read_accuracy(double *accuracy, const Onnx__ModelProto *model, struct weft_error *err)
{
    *accuracy = -1;
    if (!property(model, "weft.accuracy"))
        return 0;
    json_t *value = json_property(model, "weft.accuracy");
    if (json_array_size(value) == 1 && json_is_number(json_array_get(value, 0)))
        *accuracy = json_number_value(json_array_get(value, 0));
    json_decref(value);
    return *accuracy >= 0 && *accuracy <= 1
               ? 0
               : weft_error_set(err, WEFT_ERROR_CONFIG, "metadata weft.accuracy is not a fraction within 0..1");
}

static int read_labels(struct weft_metadata *metadata, const Onnx__ModelProto *model, struct weft_error *err)
{
    size_t count = metadata->label_count;
    json_t *labels = json_property(model, "weft.labels");
    int result = -1;
    if (property(model, "weft.labels") && !labels) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "metadata weft.labels is not a JSON array");
        goto out;
    }
    if (labels && json_array_size(labels) != count) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "metadata weft.labels has %zu names, the network has %zu classes",
                       json_array_size(labels), count);
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        const char *label = json_string_value(json_array_get(labels, i));
        if (labels && (!label || !*label)) {
            weft_error_set(err, WEFT_ERROR_CONFIG, "metadata weft.labels: name %zu is not a text", i);
            goto out;
        }
        if (label)
            metadata->labels[i] = strdup(label);
        else if (asprintf(&metadata->labels[i], "%zu", i) < 0)
            metadata->labels[i] = NULL;
        if (!metadata->labels[i]) {
            weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory");
            goto out;
        }
    }
    result = 0;
out:
    json_decref(labels);
    return result;
}

static int read_numbers(float *numbers, size_t count, float otherwise, const Onnx__ModelProto *model, const char *key,
                        struct weft_error *err)
{
    json_t *values = json_property(model, key);
    bool good = values && json_array_size(values) == count;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(values, i);
        numbers[i] = value ? (float)json_number_value(value) : otherwise;
        good = good && json_is_number(value) && isfinite(numbers[i]);
    }
    json_decref(values);
    if (property(model, key) && !good)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "metadata %s is not %zu numbers", key, count);
    return 0;
}

static int read_self_test(struct weft_metadata *metadata, const Onnx__ModelProto *model, struct weft_error *err)
{
    const size_t count = WEFT_SELF_TEST_IMAGES * metadata->label_count;
    if (!property(model, "weft.self_test"))
        return 0;
    metadata->self_test = calloc(count, sizeof *metadata->self_test);
    if (!metadata->self_test)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory");
    return read_numbers(metadata->self_test, count, 0, model, "weft.self_test", err);
}

int weft_metadata_read(struct weft_metadata *metadata, const Onnx__ModelProto *model, size_t classes, size_t channels,
                       struct weft_error *err)
{
    *metadata = (struct weft_metadata){
        .labels = calloc(classes, sizeof *metadata->labels),
        .label_count = classes,
        .mean = calloc(channels, sizeof *metadata->mean),
        .deviation = calloc(channels, sizeof *metadata->deviation),
    };
    if (!metadata->labels || !metadata->mean || !metadata->deviation) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory");
        goto fail;
    }
    if (read_text(&metadata->name, model, "weft.name", NULL, err) != 0 ||
        read_text(&metadata->version, model, "weft.version", "", err) != 0 ||
        read_text(&metadata->dataset, model, "weft.dataset", "", err) != 0 ||
        read_accuracy(&metadata->accuracy, model, err) != 0 || read_labels(metadata, model, err) != 0 ||
        read_numbers(metadata->mean, channels, 0, model, "weft.input.mean", err) != 0 ||
        read_numbers(metadata->deviation, channels, 1, model, "weft.input.std", err) != 0 ||
        read_self_test(metadata, model, err) != 0)
        goto fail;
    for (size_t c = 0; c < channels; c++) {
        if (!(metadata->deviation[c] > 0) || !isfinite(1 / metadata->deviation[c])) {
            weft_error_set(err, WEFT_ERROR_CONFIG, "metadata weft.input.std is not positive");
            goto fail;
        }
    }
    return 0;
fail:
    weft_metadata_clear(metadata);
    return -1;
}

void weft_metadata_clear(struct weft_metadata *metadata)
{
    for (size_t i = 0; metadata->labels && i < metadata->label_count; i++)
        free(metadata->labels[i]);
    free(metadata->labels);
    free(metadata->mean);
    free(metadata->deviation);
    free(metadata->self_test);
    free(metadata->name);
    free(metadata->version);
    free(metadata->dataset);
    *metadata = (struct weft_metadata){0};
}
