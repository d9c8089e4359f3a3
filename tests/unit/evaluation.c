#include "model/evaluation.h"

#include <string.h>

#include "support/suite.h"

static struct weft_network *load_lenet(void)
{
    struct weft_error err = {0};
    struct weft_network *network = weft_network_load(WEFT_SOURCE_DIR "/model/zoo/lenet.onnx", &err);
    ck_assert_msg(network != NULL, "%s", err.message);
    return network;
}

static struct weft_dataset *load_sample(void)
{
    struct weft_error err = {0};
    struct weft_dataset *sample = weft_dataset_load(WEFT_SOURCE_DIR "/data/sample", "test", &err);
    ck_assert_msg(sample != NULL, "%s", err.message);
    return sample;
}

START_TEST(figures_follow_from_the_confusion_matrix)
{
    static const int32_t truth[] = {0, 0, 0, 0, 1, 1, 1, 2};
    static const int32_t answers[] = {0, 0, 0, 1, 1, 1, 0, 1};
    static const uint64_t confusion[] = {3, 1, 0, 0, 1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    struct weft_error err = {0};
    struct weft_evaluation *e = weft_evaluation_of(truth, answers, 8, 4, &err);
    ck_assert_msg(e != NULL, "%s", err.message);
    ck_assert_uint_eq(e->count, 8);
    ck_assert_uint_eq(e->correct, 5);
    ck_assert_double_eq_tol(e->accuracy, 5.0 / 8, 1e-12);
    ck_assert_mem_eq(e->confusion, confusion, sizeof confusion);
    ck_assert_uint_eq(e->classes[0].support, 4);
    ck_assert_double_eq_tol(e->classes[0].precision, 3.0 / 4, 1e-12);
    ck_assert_double_eq_tol(e->classes[0].recall, 3.0 / 4, 1e-12);
    ck_assert_double_eq_tol(e->classes[0].f1, 3.0 / 4, 1e-12);
    ck_assert_double_eq_tol(e->classes[1].precision, 2.0 / 4, 1e-12);
    ck_assert_double_eq_tol(e->classes[1].recall, 2.0 / 3, 1e-12);
    ck_assert_double_eq_tol(e->classes[1].f1, 4.0 / 7, 1e-12);
    /* Never answered, and never there: no division by zero. */
    for (size_t c = 2; c < 4; c++) {
        ck_assert_double_eq(e->classes[c].precision, 0);
        ck_assert_double_eq(e->classes[c].recall, 0);
        ck_assert_double_eq(e->classes[c].f1, 0);
    }
    ck_assert_uint_eq(e->classes[3].support, 0);
    ck_assert_double_eq_tol(e->macro_f1, (3.0 / 4 + 4.0 / 7 + 0) / 3, 1e-12);
    weft_evaluation_destroy(e);
}
END_TEST

START_TEST(lenet_knows_most_of_the_sample)
{
    struct weft_error err = {0};
    struct weft_network *network = load_lenet();
    struct weft_dataset *sample = load_sample();
    struct weft_evaluation *e =
        weft_evaluate(network, sample, (struct weft_evaluation_options){.threads = 1, .batch = 32}, &err);
    ck_assert_msg(e != NULL, "%s", err.message);
    ck_assert_uint_eq(e->count, 500);
    ck_assert_double_ge(e->accuracy, 0.88);
    ck_assert_double_gt(e->images_per_second, 0);
    uint64_t all = 0;
    for (size_t i = 0; i < e->class_count * e->class_count; i++)
        all += e->confusion[i];
    ck_assert_uint_eq(all, 500);
    weft_evaluation_destroy(e);
    weft_dataset_destroy(sample);
    weft_network_destroy(network);
}
END_TEST

START_TEST(threads_and_batch_do_not_change_the_answers)
{
    static const struct weft_evaluation_options ways[] = {{1, 1}, {1, 500}, {2, 32}, {3, 7}};
    struct weft_error err = {0};
    struct weft_network *network = load_lenet();
    struct weft_dataset *sample = load_sample();
    struct weft_evaluation *first = weft_evaluate(network, sample, ways[0], &err);
    ck_assert_msg(first != NULL, "%s", err.message);
    for (size_t i = 1; i < sizeof ways / sizeof *ways; i++) {
        struct weft_evaluation *other = weft_evaluate(network, sample, ways[i], &err);
        ck_assert_msg(other != NULL, "%s", err.message);
        ck_assert_uint_eq(other->correct, first->correct);
        ck_assert_mem_eq(other->confusion, first->confusion,
                         first->class_count * first->class_count * sizeof *first->confusion);
        weft_evaluation_destroy(other);
    }
    weft_evaluation_destroy(first);
    weft_dataset_destroy(sample);
    weft_network_destroy(network);
}
END_TEST

static void assert_refused(const struct weft_network *network, const struct weft_dataset *dataset,
                           struct weft_evaluation_options options, enum weft_error_class class, const char *says)
{
    struct weft_error err = {0};
    ck_assert_ptr_null(weft_evaluate(network, dataset, options, &err));
    ck_assert_msg(err.class == class, "class %s: %s", weft_error_class_name(err.class), err.message);
    ck_assert_msg(strstr(err.message, says) != NULL, "says not \"%s\": %s", says, err.message);
}

START_TEST(a_data_set_that_does_not_fit_the_network_is_refused)
{
    static const struct weft_evaluation_options options = {1, 8};
    static uint8_t pixels[28 * 28];
    int32_t label = 10;
    struct weft_network *network = load_lenet();
    struct weft_dataset other = {.name = (char[]){"x-images-idx3-ubyte"},
                                 .count = 1,
                                 .channels = 1,
                                 .height = 28,
                                 .width = 28,
                                 .pixels = pixels};
    assert_refused(network, &other, options, WEFT_ERROR_CONFIG, "x-labels-idx1-ubyte");
    other.labels = &label;
    other.class_count = 11;
    assert_refused(network, &other, options, WEFT_ERROR_CONFIG, "has label 10");
    label = 0;
    other.class_count = 1;
    other.width = 27;
    assert_refused(network, &other, options, WEFT_ERROR_CONFIG, "images of 1x28x27");
    other.width = 28;
    assert_refused(network, &other, (struct weft_evaluation_options){0, 8}, WEFT_ERROR_USAGE, "threads");
    assert_refused(network, &other, (struct weft_evaluation_options){1, 0}, WEFT_ERROR_USAGE, "batch");
    weft_network_destroy(network);
}
END_TEST

SUITE("evaluation", TEST(figures_follow_from_the_confusion_matrix), TEST(lenet_knows_most_of_the_sample),
      TEST(threads_and_batch_do_not_change_the_answers), TEST(a_data_set_that_does_not_fit_the_network_is_refused))
