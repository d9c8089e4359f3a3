/* Networks that were exported from PyTorch and Keras (tests/data/models/exported), against ONNX Runtime's recorded
 * outputs. */
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/kernels/variant.h"
#include "model/network.h"
#include "support/models.h"
#include "support/suite.h"

static void check_outputs(const char *base, const struct weft_variant *variant, size_t batch)
{
    char path[600];
    size_t input_size, output_size;
    struct weft_error err = {0};
    snprintf(path, sizeof path, "%s.onnx", base);
    struct weft_network *network = weft_network_load_for(path, variant, &err);
    ck_assert_msg(network != NULL, "%s", err.message);
    const struct weft_network_info *info = weft_network_info(network);
    struct weft_workspace *workspace = weft_workspace_new(network, batch, NULL);
    snprintf(path, sizeof path, "%s.input", base);
    float *input = (float *)(void *)models_read(path, &input_size);
    snprintf(path, sizeof path, "%s.output", base);
    float *expected = (float *)(void *)models_read(path, &output_size);
    size_t images = input_size / sizeof(float) / info->image_size;
    ck_assert_uint_gt(images, 0);
    ck_assert_uint_eq(input_size, images * info->image_size * sizeof(float));
    ck_assert_uint_eq(output_size, images * info->class_count * sizeof(float));
    float *output = malloc(output_size);
    weft_network_run_raw(network, workspace, input, images, output);
    for (size_t i = 0; i < images * info->class_count; i++)
        ck_assert_msg(fabsf(output[i] - expected[i]) <= 1e-4f, "%s, %s, in batches of %zu: [%zu] is %g, expected %g",
                      base, variant->name, batch, i, (double)output[i], (double)expected[i]);
    free(input);
    free(expected);
    free(output);
    weft_workspace_destroy(workspace);
    weft_network_destroy(network);
}

/* All recorded ones whose name begins so, which are at least so many, with every kernel variant. */
static void check_exported(const char *prefix, size_t at_least)
{
    char pattern[600];
    glob_t found;
    snprintf(pattern, sizeof pattern, WEFT_SOURCE_DIR "/tests/data/models/exported/%s*.onnx", prefix);
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    ck_assert_uint_ge(found.gl_pathc, at_least);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        *strrchr(found.gl_pathv[i], '.') = '\0';
        for (size_t k = 0; weft_variant_at(k); k++)
            for (size_t batch = 1; batch <= 3; batch += 2)
                check_outputs(found.gl_pathv[i], weft_variant_at(k), batch);
    }
    globfree(&found);
}

START_TEST(networks_of_pytorchs_tracing_exporter_equal_onnx_runtime)
{
    check_exported("torch-*-trace", 9);
}
END_TEST

START_TEST(networks_of_pytorchs_present_exporter_equal_onnx_runtime)
{
    check_exported("torch-*-dynamo", 6);
}
END_TEST

START_TEST(weights_in_a_file_beside_the_model_are_read)
{
    check_exported("torch-*-default", 1);
}
END_TEST

START_TEST(networks_of_keras_equal_onnx_runtime)
{
    check_exported("keras-", 6);
}
END_TEST

SUITE("onnx_exported", TEST(networks_of_pytorchs_tracing_exporter_equal_onnx_runtime),
      TEST(networks_of_pytorchs_present_exporter_equal_onnx_runtime), TEST(weights_in_a_file_beside_the_model_are_read),
      TEST(networks_of_keras_equal_onnx_runtime))
