#include "model/train/start.h"

#include <stdio.h>
#include <string.h>

#include "model/onnx/onnx_write.h"
#include "model/train/architecture.h"
#include "support/rows.h"
#include "support/suite.h"

/* Of images of 1x28x28, with the weights that the seed gives. The caller destroys. */
static struct weft_model *new_model(const char *architecture, size_t classes, uint64_t seed)
{
    struct weft_error err = {0};
    struct weft_random random = weft_random_of(seed, 0);
    struct weft_model *model = weft_model_new((struct weft_shape){1, 28, 28}, classes, &err);
    weft_architecture_find(architecture, &err)->build(model);
    ck_assert_msg(weft_model_finish(model, &random, &err) == 0, "%s", err.message);
    return model;
}

/* Weights that all differ, running statistics included. */
static void number_weights(struct weft_model *model)
{
    for (size_t i = 0; i < model->weight_count; i++)
        model->weights[i] = 1 + (float)i;
}

static void write_model(const struct weft_model *model, const char *path)
{
    struct weft_error err = {0};
    struct weft_onnx_writer *writer = weft_onnx_writer_new("model");
    weft_model_write(model, model->weights, writer);
    ck_assert_msg(weft_onnx_writer_save(writer, path, &err) == 0, "%s", err.message);
    weft_onnx_writer_destroy(writer);
}

START_TEST(each_architecture_gets_back_the_weights_that_were_written)
{
    char path[256];
    struct weft_error err = {0};
    struct idx_folder folder = idx_folder_new();
    idx_path(&folder, "first.onnx", path);
    for (size_t a = 0; weft_architecture_at(a); a++) {
        struct weft_model *first = new_model(weft_architecture_at(a)->name, 10, 1);
        struct weft_model *second = new_model(weft_architecture_at(a)->name, 10, 2);
        number_weights(first);
        write_model(first, path);
        ck_assert_msg(weft_start_load(second, path, &err) == 0, "%s", err.message);
        ck_assert_mem_eq(second->weights, first->weights, first->weight_count * sizeof *first->weights);
        weft_model_destroy(first);
        weft_model_destroy(second);
    }
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(with_other_classes_the_last_layer_stays_as_it_is)
{
    char path[256];
    struct weft_error err = {0};
    struct idx_folder folder = idx_folder_new();
    struct weft_model *first = new_model("fast", 10, 1);
    struct weft_model *second = new_model("fast", 7, 2), *untouched = new_model("fast", 7, 2);
    number_weights(first);
    write_model(first, idx_path(&folder, "first.onnx", path));
    ck_assert_msg(weft_start_load(second, path, &err) == 0, "%s", err.message);
    const size_t last = second->layers[second->layer_count - 1].weight, rest = second->weight_count - last;
    ck_assert_mem_eq(second->weights, first->weights, last * sizeof *first->weights);
    ck_assert_mem_eq(second->weights + last, untouched->weights + last, rest * sizeof *first->weights);
    weft_model_destroy(first);
    weft_model_destroy(second);
    weft_model_destroy(untouched);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_start_of_another_network_is_refused)
{
    static const struct {
        const char *architecture, *start, *says;
    } cases[] = {
        {"fast", "builtin:lenet", "the start builtin:lenet: its conv1.weight is of another shape"},
        {"accurate", "builtin:fast", "the start builtin:fast: its conv1.weight is of another shape"},
        {"resnet32", "builtin:accurate", "the start builtin:accurate: its conv"},
        {"lenet", WEFT_SOURCE_DIR "/tests/data/models/no-such.onnx", "no-such.onnx: cannot open it"},
        {"lenet", "builtin:none", "the start builtin:none"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct weft_error err = {0};
        struct weft_model *model = new_model(cases[i].architecture, 10, 1);
        ck_assert_int_eq(weft_start_load(model, cases[i].start, &err), -1);
        ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
        ck_assert_msg(strstr(err.message, cases[i].says) != NULL, "%s", err.message);
        weft_model_destroy(model);
    }
}
END_TEST

START_TEST(training_goes_on_from_its_start)
{
    char first[256], path[256];
    struct weft_train_result result, again;
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = rows_options(&folder);
    rows_train(&options, idx_path(&folder, "first.onnx", first), &result);
    ck_assert_double_ge(result.test_accuracy, 0.9);
    snprintf(options.recipe.start, sizeof options.recipe.start, "%s", first);
    options.recipe.epochs = 1;
    options.recipe.learning_rate = 1e-9; /* all that is known comes from the start */
    rows_train(&options, idx_path(&folder, "second.onnx", path), &again);
    ck_assert_double_eq(again.test_accuracy, result.test_accuracy);
    idx_folder_remove(&folder);
}
END_TEST

SUITE("start", TEST(each_architecture_gets_back_the_weights_that_were_written),
      TEST(with_other_classes_the_last_layer_stays_as_it_is), TEST(a_start_of_another_network_is_refused),
      TEST(training_goes_on_from_its_start))
