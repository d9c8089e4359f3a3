#include <math.h>
#include <string.h>
#include <unistd.h>

#include "model/network.h"
#include "model/onnx/onnx_write.h"
#include "model/train/architecture.h"
#include "model/train/layers.h"
#include "model/train/tape.h"
#include "support/suite.h"

enum { IMAGES = 3 };

START_TEST(a_window_larger_than_its_image_is_a_fault_of_the_model)
{
    struct weft_error err = {0};
    struct weft_random random = weft_random_of(1, 0);
    struct weft_model *model = weft_model_new((struct weft_shape){1, 3, 3}, 2, &err);
    size_t x =
        weft_convolution_add(model, WEFT_MODEL_IMAGES, (struct weft_convolution){.filters = 2, .window = {5, 1, 0}});
    weft_dense_add(model, weft_flatten_add(model, x), 2);
    ck_assert_int_eq(weft_model_finish(model, &random, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.message, "conv1: its input of 3x3 is too small"));
    weft_model_destroy(model);
}
END_TEST

START_TEST(a_model_must_end_in_one_logit_a_class)
{
    struct weft_error err = {0};
    struct weft_random random = weft_random_of(1, 0);
    struct weft_model *model = weft_model_new((struct weft_shape){4, 1, 1}, 3, &err);
    weft_dense_add(model, WEFT_MODEL_IMAGES, 2);
    ck_assert_int_eq(weft_model_finish(model, &random, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.message, "2 values for 3 classes"));
    weft_model_destroy(model);
}
END_TEST

START_TEST(a_layer_that_nobody_reads_is_a_fault_of_the_model)
{
    struct weft_error err = {0};
    struct weft_random random = weft_random_of(1, 0);
    struct weft_model *model = weft_model_new((struct weft_shape){4, 1, 1}, 3, &err);
    weft_dense_add(model, WEFT_MODEL_IMAGES, 2);
    weft_dense_add(model, WEFT_MODEL_IMAGES, 3);
    ck_assert_int_eq(weft_model_finish(model, &random, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.message, "no layer reads what dense1 makes"));
    weft_model_destroy(model);
}
END_TEST

START_TEST(what_does_not_fit_together_is_a_fault_of_the_model)
{
    struct weft_error err = {0};
    struct weft_random random = weft_random_of(1, 0);
    for (int k = 0; k < 4; k++) {
        struct weft_model *model = weft_model_new((struct weft_shape){4, 3, 3}, 36, &err);
        const struct weft_convolution wider = {.filters = 6, .window = {1, 1, 0}, .groups = k == 0 ? 4 : 1};
        size_t x = weft_convolution_add(model, WEFT_MODEL_IMAGES, wider);
        if (k == 1)
            x = weft_sum_add(model, x, WEFT_MODEL_IMAGES, false);
        else if (k == 2)
            x = weft_batch_norm_residual_add(model, x, WEFT_MODEL_IMAGES, (struct weft_batch_norm){0});
        else if (k == 3)
            x = weft_dropout_add(model, x, 1);
        ck_assert_int_eq(weft_model_finish(model, &random, &err), -1);
        ck_assert_ptr_nonnull(strstr(err.message, k == 0 ? "4 groups" : k == 3 ? "dropout of 1" : "cannot be added"));
        weft_model_destroy(model);
    }
}
END_TEST

START_TEST(a_file_of_each_architecture_gives_what_the_tape_gives)
{
    struct weft_error err = {0};
    for (size_t a = 0; weft_architecture_at(a); a++) {
        const struct weft_architecture *architecture = weft_architecture_at(a);
        struct weft_model *model = weft_model_new((struct weft_shape){1, 28, 28}, 10, &err);
        struct weft_random random = weft_random_of(3, a);
        architecture->build(model);
        ck_assert_msg(weft_model_finish(model, &random, &err) == 0, "%s", err.message);
        for (size_t p = 0; p < model->parameter_count; p++)
            if (model->parameters[p].fan_in == 0) /* what starts alike: norms and biases */
                for (size_t i = 0; i < model->parameters[p].count; i++)
                    model->weights[model->parameters[p].offset + i] += weft_random_between(&random, 0, 0.5f);
        struct weft_tape *tape = weft_tape_new(model, IMAGES, &err);
        for (size_t i = 0; i < IMAGES * 784; i++)
            weft_tape_images(tape)[i] = weft_random_between(&random, -1, 2);
        weft_tape_forward(tape, model->weights, IMAGES, NULL);

        char path[] = "/tmp/weft-layers-XXXXXX.onnx";
        close(mkstemps(path, 5));
        struct weft_onnx_writer *writer = weft_onnx_writer_new(architecture->name);
        weft_model_write(model, model->weights, writer);
        ck_assert_msg(weft_onnx_writer_save(writer, path, &err) == 0, "%s", err.message);
        weft_onnx_writer_destroy(writer);
        struct weft_network *network = weft_network_load(path, &err);
        ck_assert_msg(network != NULL, "%s: %s", architecture->name, err.message);
        ck_assert_uint_eq(weft_network_info(network)->class_count, 10);
        struct weft_workspace *workspace = weft_workspace_new(network, IMAGES, &err);
        float logits[IMAGES * 10];
        weft_network_run_raw(network, workspace, weft_tape_images(tape), IMAGES, logits);
        double largest = 1; /* logits are sums of numbers as large as this, whose rounding they share */
        for (size_t i = 0; i < IMAGES * 10; i++)
            largest = fmax(largest, fabs((double)weft_tape_logits(tape)[i]));
        for (size_t i = 0; i < IMAGES * 10; i++) {
            const double expected = (double)weft_tape_logits(tape)[i];
            if (!(fabs(expected - (double)logits[i]) <= 1e-5 * largest))
                ck_abort_msg("%s, logit %zu: %g and %g", architecture->name, i, expected, (double)logits[i]);
        }
        weft_workspace_destroy(workspace);
        weft_network_destroy(network);
        unlink(path);
        weft_tape_destroy(tape);
        weft_model_destroy(model);
    }
}
END_TEST

START_TEST(lenet_has_the_parameters_of_lenet)
{
    struct weft_error err = {0};
    struct weft_random random = weft_random_of(1, 0);
    struct weft_model *model = weft_model_new((struct weft_shape){1, 28, 28}, 10, &err);
    weft_architecture_find("lenet", &err)->build(model);
    ck_assert_msg(weft_model_finish(model, &random, &err) == 0, "%s", err.message);
    ck_assert_uint_eq(model->weight_count,
                      (25 + 1) * 6 + (6 * 25 + 1) * 16 + (400 + 1) * 120 + (120 + 1) * 84 + (84 + 1) * 10);
    weft_model_destroy(model);
}
END_TEST

SUITE("train_model", TEST(a_window_larger_than_its_image_is_a_fault_of_the_model),
      TEST(a_model_must_end_in_one_logit_a_class), TEST(a_layer_that_nobody_reads_is_a_fault_of_the_model),
      TEST(what_does_not_fit_together_is_a_fault_of_the_model),
      TEST(a_file_of_each_architecture_gives_what_the_tape_gives), TEST(lenet_has_the_parameters_of_lenet))
