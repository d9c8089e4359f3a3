#include "model/evaluation.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "model/data/dataset_load.h"
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

/* Predictions with a confidence of 1, right or wrong. */
static struct weft_evaluation *evaluate(const int32_t *truth, const int32_t *answers, size_t count, size_t class_count)
{
    struct weft_error err = {0};
    struct weft_prediction predictions[16];
    ck_assert_uint_le(count, 16);
    for (size_t i = 0; i < count; i++)
        predictions[i] = (struct weft_prediction){truth[i], answers[i], 1, truth[i] == answers[i] ? 1 : 0};
    struct weft_evaluation *e = weft_evaluation_of(predictions, count, class_count, &err);
    ck_assert_msg(e != NULL, "%s", err.message);
    return e;
}

START_TEST(figures_follow_from_the_confusion_matrix)
{
    static const int32_t truth[] = {0, 0, 0, 0, 1, 1, 1, 2};
    static const int32_t answers[] = {0, 0, 0, 1, 1, 1, 0, 1};
    static const uint64_t confusion[] = {3, 1, 0, 0, 1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    struct weft_evaluation *e = evaluate(truth, answers, 8, 4);
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

START_TEST(predictions_are_kept_for_each_image)
{
    static const int32_t truth[] = {2, 0}, answers[] = {1, 0};
    struct weft_evaluation *e = evaluate(truth, answers, 2, 3);
    ck_assert_int_eq(e->predictions[0].truth, 2);
    ck_assert_int_eq(e->predictions[0].answer, 1);
    ck_assert_int_eq(e->predictions[1].answer, 0);
    weft_evaluation_destroy(e);
}
END_TEST

START_TEST(the_interval_of_the_accuracy_is_wilsons)
{
    int32_t truth[10] = {0}, answers[10] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1};
    struct weft_evaluation *e = evaluate(truth, answers, 10, 2);
    /* The roots of (0.8 - x)^2 = z^2 x (1 - x) / 10. */
    ck_assert_double_eq_tol(e->accuracy_low, 0.4901625, 1e-6);
    ck_assert_double_eq_tol(e->accuracy_high, 0.9433178, 1e-6);
    weft_evaluation_destroy(e);
}
END_TEST

START_TEST(all_right_is_not_certain_to_stay_so)
{
    int32_t truth[10] = {0}, answers[10] = {0};
    struct weft_evaluation *e = evaluate(truth, answers, 10, 1);
    ck_assert_double_eq(e->accuracy, 1);
    ck_assert_double_lt(e->accuracy_low, 0.8);
    ck_assert_double_eq_tol(e->accuracy_high, 1, 1e-12);
    weft_evaluation_destroy(e);
}
END_TEST

START_TEST(log_loss_is_the_mean_of_minus_the_logarithms)
{
    struct weft_error err = {0};
    const struct weft_prediction predictions[] = {{0, 0, 0.5F, 0.5F}, {1, 0, 0.75F, 0.25F}};
    struct weft_evaluation *e = weft_evaluation_of(predictions, 2, 2, &err);
    ck_assert_double_eq_tol(e->log_loss, (log(2) + log(4)) / 2, 1e-9);
    weft_evaluation_destroy(e);
}
END_TEST

START_TEST(an_impossible_truth_leaves_the_log_loss_finite)
{
    static const int32_t truth[] = {1}, answers[] = {0};
    struct weft_evaluation *e = evaluate(truth, answers, 1, 2);
    ck_assert_double_gt(e->log_loss, 10);
    ck_assert(isfinite(e->log_loss));
    weft_evaluation_destroy(e);
}
END_TEST

START_TEST(calibration_error_weighs_the_gap_of_each_bin)
{
    /* Two bins: confidence 0.9, 3 of 4 right; confidence 0.5, 0 of 1 right. */
    static const struct weft_prediction predictions[] = {
        {0, 0, 0.9F, 0.9F}, {0, 0, 0.9F, 0.9F}, {0, 0, 0.9F, 0.9F}, {1, 0, 0.9F, 0.1F}, {1, 0, 0.5F, 0.5F},
    };
    struct weft_calibration calibration;
    weft_calibration_of(&calibration, predictions, 5);
    ck_assert_uint_eq(calibration.bins[13].count, 4);
    ck_assert_double_eq_tol(calibration.bins[13].accuracy, 0.75, 1e-9);
    ck_assert_double_eq_tol(calibration.bins[13].confidence, 0.9, 1e-6);
    ck_assert_uint_eq(calibration.bins[7].count, 1);
    ck_assert_double_eq_tol(calibration.expected_error, 4.0 / 5 * 0.15 + 1.0 / 5 * 0.5, 1e-6);
}
END_TEST

START_TEST(bins_hold_their_upper_bound_and_the_ends)
{
    static const struct weft_prediction predictions[] = {{0, 0, 1, 1}, {0, 0, 0, 0}, {0, 0, 0.2F, 0}, {0, 0, 0.21F, 0}};
    struct weft_calibration calibration;
    weft_calibration_of(&calibration, predictions, 4);
    ck_assert_uint_eq(calibration.bins[14].count, 1);
    ck_assert_uint_eq(calibration.bins[0].count, 1);
    ck_assert_uint_eq(calibration.bins[2].count + calibration.bins[3].count, 2);
    ck_assert_uint_ge(calibration.bins[3].count, 1);
}
END_TEST

START_TEST(no_predictions_have_no_error)
{
    struct weft_calibration calibration;
    weft_calibration_of(&calibration, NULL, 0);
    ck_assert_double_eq(calibration.expected_error, 0);
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
    static const struct weft_evaluation_options ways[] = {
        {1, 1, false}, {1, 500, false}, {2, 32, false}, {3, 7, false}};
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

/* (class_count) probabilities of the pixels, mirrored or not. */
static void run_one(const struct weft_network *network, const uint8_t *pixels, bool mirrored, float *probabilities)
{
    struct weft_error err = {0};
    uint8_t image[28 * 28];
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = pixels[mirrored ? i / 28 * 28 + 27 - i % 28 : i];
    struct weft_workspace *workspace = weft_workspace_new(network, 1, &err);
    weft_network_run(network, workspace, (const uint8_t *const[]){image}, 1, probabilities);
    weft_workspace_destroy(workspace);
}

START_TEST(flip_averaging_means_the_probabilities_of_image_and_mirror_image)
{
    struct weft_error err = {0};
    struct weft_network *network = load_lenet();
    struct weft_dataset *sample = load_sample();
    sample->count = 40;
    struct weft_evaluation *e = weft_evaluate(
        network, sample, (struct weft_evaluation_options){.threads = 2, .batch = 16, .flip_average = true}, &err);
    ck_assert_msg(e != NULL, "%s", err.message);
    for (size_t i = 0; i < sample->count; i++) {
        float as_it_is[10], mirrored[10];
        run_one(network, weft_dataset_image(sample, i), false, as_it_is);
        run_one(network, weft_dataset_image(sample, i), true, mirrored);
        const struct weft_prediction *p = &e->predictions[i];
        for (size_t c = 0; c < 10; c++)
            ck_assert_float_le((as_it_is[c] + mirrored[c]) / 2, p->confidence + 1e-5F);
        ck_assert_float_eq_tol((as_it_is[p->answer] + mirrored[p->answer]) / 2, p->confidence, 1e-5F);
        ck_assert_float_eq_tol((as_it_is[p->truth] + mirrored[p->truth]) / 2, p->truth_probability, 1e-5F);
    }
    weft_evaluation_destroy(e);
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
    static const struct weft_evaluation_options options = {.threads = 1, .batch = 8};
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
    assert_refused(network, &other, (struct weft_evaluation_options){.batch = 8}, WEFT_ERROR_USAGE, "threads");
    assert_refused(network, &other, (struct weft_evaluation_options){.threads = 1}, WEFT_ERROR_USAGE, "batch");
    weft_network_destroy(network);
}
END_TEST

SUITE("evaluation", TEST(figures_follow_from_the_confusion_matrix), TEST(predictions_are_kept_for_each_image),
      TEST(the_interval_of_the_accuracy_is_wilsons), TEST(all_right_is_not_certain_to_stay_so),
      TEST(log_loss_is_the_mean_of_minus_the_logarithms), TEST(an_impossible_truth_leaves_the_log_loss_finite),
      TEST(calibration_error_weighs_the_gap_of_each_bin), TEST(bins_hold_their_upper_bound_and_the_ends),
      TEST(no_predictions_have_no_error), TEST(lenet_knows_most_of_the_sample),
      TEST(threads_and_batch_do_not_change_the_answers),
      TEST(flip_averaging_means_the_probabilities_of_image_and_mirror_image),
      TEST(a_data_set_that_does_not_fit_the_network_is_refused))
