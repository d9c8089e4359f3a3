/* Whole networks, against ONNX Runtime's recorded outputs (tests/data/models). */
#include "model/network.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/kernels/variant.h"
#include "support/models.h"
#include "support/suite.h"

enum { IMAGES = 3 };

static struct weft_network *load_for(const char *name, const struct weft_variant *variant)
{
    char path[512];
    struct weft_error err = {0};
    models_path(path, name, "onnx");
    struct weft_network *network = weft_network_load_for(path, variant, &err);
    ck_assert_msg(network != NULL, "%s", err.message);
    return network;
}

static struct weft_network *load(const char *name)
{
    return load_for(name, weft_variant_best());
}

static struct weft_workspace *workspace_for(const struct weft_network *network, size_t batch)
{
    struct weft_workspace *workspace = weft_workspace_new(network, batch, NULL);
    ck_assert_ptr_nonnull(workspace);
    return workspace;
}

/* Runs the recorded input in batches of so many images. */
static void check_recorded(const char *name, const struct weft_variant *variant, size_t batch)
{
    char path[512];
    size_t input_size, output_size;
    struct weft_network *network = load_for(name, variant);
    const struct weft_network_info *info = weft_network_info(network);
    struct weft_workspace *workspace = workspace_for(network, batch);
    models_path(path, name, "input");
    float *input = (float *)(void *)models_read(path, &input_size);
    models_path(path, name, "output");
    float *expected = (float *)(void *)models_read(path, &output_size);
    ck_assert_uint_eq(input_size, IMAGES * info->image_size * sizeof(float));
    ck_assert_uint_eq(output_size, IMAGES * info->class_count * sizeof(float));
    float *output = malloc(output_size);
    for (size_t from = 0, n; from < IMAGES; from += n) {
        n = IMAGES - from < batch ? IMAGES - from : batch;
        weft_network_run_raw(network, workspace, input + from * info->image_size, n, output + from * info->class_count);
    }
    for (size_t i = 0; i < IMAGES * info->class_count; i++)
        ck_assert_msg(fabsf(output[i] - expected[i]) <= 1e-4f, "%s by %s in batches of %zu: [%zu] is %g, expected %g",
                      name, variant->name, batch, i, (double)output[i], (double)expected[i]);
    free(input);
    free(expected);
    free(output);
    weft_workspace_destroy(workspace);
    weft_network_destroy(network);
}

static void check_recorded_in_batches(const char *name)
{
    const struct weft_variant *variant;
    for (size_t v = 0; (variant = weft_variant_at(v)); v++)
        for (size_t batch = 1; batch <= IMAGES; batch++)
            check_recorded(name, variant, batch);
}

START_TEST(lenet_equals_onnx_runtime)
{
    check_recorded_in_batches("lenet");
}
END_TEST

START_TEST(a_residual_network_with_batch_norms_equals_onnx_runtime)
{
    check_recorded_in_batches("residual");
}
END_TEST

START_TEST(a_network_with_many_channels_equals_onnx_runtime)
{
    check_recorded_in_batches("wide");
}
END_TEST

START_TEST(a_mixture_of_all_other_operators_equals_onnx_runtime)
{
    check_recorded_in_batches("mixed");
}
END_TEST

START_TEST(a_network_with_channels_last_equals_onnx_runtime)
{
    check_recorded_in_batches("keras");
}
END_TEST

START_TEST(a_perceptron_exported_for_one_image_equals_onnx_runtime)
{
    check_recorded_in_batches("perceptron");
}
END_TEST

START_TEST(the_trivial_network_equals_onnx_runtime)
{
    check_recorded_in_batches("trivial");
}
END_TEST

/* Bytes in, probabilities out, against the same network run on floats normalised here. */
static void check_bytes(const char *name, size_t n, const float *mean, const float *deviation, bool channels_last,
                        bool logits)
{
    struct weft_network *network = load(name);
    const struct weft_network_info *info = weft_network_info(network);
    struct weft_workspace *workspace = workspace_for(network, n);
    size_t plane = info->height * info->width, size = info->image_size, classes = info->class_count;
    uint8_t *bytes = malloc(n * size);
    const uint8_t **images = malloc(n * sizeof *images);
    float *floats = malloc(n * size * sizeof *floats), *raw = malloc(n * classes * sizeof *raw);
    float *probabilities = malloc(n * classes * sizeof *probabilities);
    for (size_t i = 0; i < n * size; i++) {
        size_t image = i / size, c = i % size / plane, pixel = i % plane;
        bytes[i] = (uint8_t)(i * 37 + i / 251);
        size_t to = channels_last ? image * size + pixel * info->channels + c : i;
        floats[to] = ((float)bytes[i] / 255 - mean[c]) / deviation[c];
    }
    for (size_t i = 0; i < n; i++)
        images[i] = bytes + i * size;
    weft_network_run(network, workspace, images, n, probabilities);
    weft_network_run_raw(network, workspace, floats, n, raw);
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t k = 0; k < classes; k++)
            sum += logits ? exp(raw[i * classes + k]) : raw[i * classes + k];
        for (size_t k = 0; k < classes; k++) {
            double x = raw[i * classes + k], expected = logits ? exp(x) / sum : x;
            ck_assert_msg(fabs(probabilities[i * classes + k] - expected) <= 1e-5, "%s, image %zu, class %zu", name, i,
                          k);
        }
    }
    free(bytes);
    free(images);
    free(floats);
    free(raw);
    free(probabilities);
    weft_workspace_destroy(workspace);
    weft_network_destroy(network);
}

START_TEST(bytes_are_normalised_and_logits_become_probabilities)
{
    check_bytes("lenet", 5, (float[]){0.286f}, (float[]){0.353f}, false, true);
}
END_TEST

START_TEST(each_channel_has_its_own_normalisation)
{
    check_bytes("residual", 3, (float[]){0.4f, 0.5f, 0.6f}, (float[]){0.2f, 0.25f, 0.3f}, false, false);
}
END_TEST

START_TEST(bytes_by_channel_reach_a_network_with_channels_last)
{
    check_bytes("keras", 2, (float[]){0, 0, 0}, (float[]){1, 1, 1}, true, false);
}
END_TEST

START_TEST(a_batch_larger_than_a_tile_goes_through_in_pieces)
{
    check_bytes("lenet", 101, (float[]){0.286f}, (float[]){0.353f}, false, true);
}
END_TEST

START_TEST(the_file_says_what_it_is)
{
    struct weft_network *network = load("lenet");
    const struct weft_network_info *info = weft_network_info(network);
    ck_assert_str_eq(info->name, "lenet-test");
    ck_assert_str_eq(info->version, "3");
    ck_assert_str_eq(info->dataset, "none");
    ck_assert_double_eq_tol(info->accuracy, 0.125, 1e-9);
    ck_assert_uint_eq(info->channels, 1);
    ck_assert_uint_eq(info->height, 28);
    ck_assert_uint_eq(info->width, 28);
    ck_assert_uint_eq(info->class_count, 10);
    ck_assert_str_eq(info->labels[0], "T-shirt/top");
    ck_assert_str_eq(info->labels[9], "Ankle boot");
    ck_assert_uint_eq(info->parameter_count, 156 + 2416 + 12030 + 310);
    ck_assert_uint_eq(info->multiply_adds, 117600 + 240000 + 12000 + 300);
    ck_assert_uint_eq(strlen(info->sha256), 64);
    weft_network_destroy(network);
}
END_TEST

START_TEST(a_file_without_metadata_gets_its_own_name_and_numbered_labels)
{
    struct weft_network *network = load("keras");
    const struct weft_network_info *info = weft_network_info(network);
    ck_assert_str_eq(info->name, "keras");
    ck_assert_str_eq(info->version, "");
    ck_assert_str_eq(info->labels[3], "3");
    ck_assert(info->accuracy < 0);
    ck_assert_uint_eq(info->channels, 3);
    ck_assert_uint_eq(info->height, 12);
    ck_assert_uint_eq(info->width, 10);
    weft_network_destroy(network);
}
END_TEST

START_TEST(the_digest_is_that_of_the_file)
{
    char path[512], command[600], sum[65] = "";
    struct weft_network *network = load("trivial");
    models_path(path, "trivial", "onnx");
    snprintf(command, sizeof command, "sha256sum '%s'", path);
    FILE *out = popen(command, "r");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(fscanf(out, "%64s", sum), 1);
    pclose(out);
    ck_assert_str_eq(weft_network_info(network)->sha256, sum);
    weft_network_destroy(network);
}
END_TEST

SUITE("network", TEST(lenet_equals_onnx_runtime), TEST(a_residual_network_with_batch_norms_equals_onnx_runtime),
      TEST(a_network_with_many_channels_equals_onnx_runtime),
      TEST(a_mixture_of_all_other_operators_equals_onnx_runtime),
      TEST(a_network_with_channels_last_equals_onnx_runtime),
      TEST(a_perceptron_exported_for_one_image_equals_onnx_runtime), TEST(the_trivial_network_equals_onnx_runtime),
      TEST(bytes_are_normalised_and_logits_become_probabilities), TEST(each_channel_has_its_own_normalisation),
      TEST(bytes_by_channel_reach_a_network_with_channels_last),
      TEST(a_batch_larger_than_a_tile_goes_through_in_pieces), TEST(the_file_says_what_it_is),
      TEST(a_file_without_metadata_gets_its_own_name_and_numbered_labels), TEST(the_digest_is_that_of_the_file))
