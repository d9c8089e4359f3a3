#include "model/trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/data/dataset_load.h"
#include "model/evaluation.h"
#include "model/network.h"
#include "model/self_test.h"
#include "model/train/loss.h"
#include "support/rows.h"
#include "support/suite.h"

struct history {
    struct weft_train_epoch epochs[16];
    size_t count;
    size_t stop_after; /* epochs; 0: never */
};

static void remember(void *context, const struct weft_train_epoch *epoch)
{
    struct history *history = context;
    history->epochs[history->count++] = *epoch;
}

static bool stop_after(void *context)
{
    const struct history *history = context;
    return history->stop_after > 0 && history->count == history->stop_after;
}

static bool stop_at_once(void *context)
{
    (void)context;
    return true;
}

START_TEST(training_learns_and_reports_each_epoch)
{
    char path[256];
    struct weft_error err = {0};
    struct history history = {0};
    struct weft_train_result result;
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = rows_options(&folder);
    const struct weft_train_hooks hooks = {.epoch = remember, .stop = stop_after, .context = &history};
    int rc = weft_train(&options, &hooks, idx_path(&folder, "out.onnx", path), &result, &err);
    ck_assert_msg(rc == 0, "%s", err.message);
    ck_assert_uint_eq(history.count, 4);
    ck_assert_uint_eq(result.train_images, 240);
    ck_assert_uint_eq(result.validation_images, 60);
    ck_assert_uint_eq(result.test_images, ROWS_TEST);
    ck_assert_double_lt(history.epochs[3].loss, history.epochs[0].loss / 2);
    ck_assert_double_ge(result.test_accuracy, 0.9);
    ck_assert(result.written && !result.stopped);
    double best = 0;
    for (size_t i = 0; i < history.count; i++) {
        ck_assert_uint_eq(history.epochs[i].epoch, i + 1);
        if (history.epochs[i].best)
            ck_assert_double_ge(history.epochs[i].validation_accuracy, best);
        best = fmax(best, history.epochs[i].validation_accuracy);
    }
    ck_assert_double_eq(result.validation_accuracy, best);
    ck_assert_double_eq(history.epochs[result.best_epoch - 1].validation_accuracy, best);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(the_same_recipe_gives_the_same_file_on_any_number_of_threads)
{
    char paths[3][256];
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = rows_options(&folder);
    options.recipe.epochs = 2;
    options.recipe.shift = 1;
    options.recipe.erase_probability = 0.5;
    options.recipe.mix_probability = 0.5;
    options.recipe.average = 0.9;
    options.recipe.batch = 19; /* leaves unequal shares */
    for (size_t i = 0; i < 3; i++) {
        options.threads = 1 + 2 * i;
        rows_train(&options, idx_path(&folder, i == 0 ? "a.onnx" : i == 1 ? "b.onnx" : "c.onnx", paths[i]), NULL);
    }
    rows_assert_same_file(paths[0], paths[1]);
    rows_assert_same_file(paths[0], paths[2]);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(another_seed_gives_another_file)
{
    char paths[2][256];
    char *files[2];
    size_t sizes[2];
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = rows_options(&folder);
    options.recipe.epochs = 1;
    for (size_t i = 0; i < 2; i++) {
        options.recipe.seed = 5 + i;
        rows_train(&options, idx_path(&folder, i == 0 ? "a.onnx" : "b.onnx", paths[i]), NULL);
        files[i] = rows_read(paths[i], &sizes[i]);
    }
    const size_t middle = sizes[0] / 2; /* among the weights, well before the recipe */
    ck_assert(memcmp(files[0] + middle, files[1] + middle, 1000) != 0);
    free(files[0]);
    free(files[1]);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(networks_with_batch_normalisation_learn_with_every_kind_of_step)
{
    static const char *const settings[][3][2] = {
        {{"optimizer.name", "adamw"}, {"schedule.learning_rate", "0.003"}, {"schedule.name", "one-cycle"}},
        {{"average", "0.9"}, {"augmentation.erase.probability", "0.3"}, {"label_smoothing", "0.1"}},
        {{"augmentation.shift", "1"}, {"schedule.final", "0.1"}, {"augmentation.flip", "false"}},
        {{"augmentation.mix.probability", "0.5"}, {"augmentation.mix.share", "0.1,0.4"}, {"average", "0.9"}},
    };
    char path[256];
    struct weft_error err = {0};
    struct weft_train_result result;
    struct idx_folder folder = rows_folder();
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        struct weft_train_options options = rows_options(&folder);
        strcpy(options.recipe.architecture, "fast");
        options.recipe.epochs = 2;
        for (size_t k = 0; k < 3; k++)
            ck_assert_int_eq(weft_recipe_set(&options.recipe, settings[i][k][0], settings[i][k][1], &err), 0);
        rows_train(&options, idx_path(&folder, "out.onnx", path), &result);
        ck_assert_msg(result.test_accuracy >= 0.9, "%zu: %g", i, result.test_accuracy);
    }
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_student_learns_from_a_teacher_alone)
{
    char teacher[256], path[256];
    struct weft_train_result result;
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = rows_options(&folder);
    rows_train(&options, idx_path(&folder, "teacher.onnx", teacher), &result);
    ck_assert_double_ge(result.test_accuracy, 0.9);
    snprintf(options.recipe.teachers, sizeof options.recipe.teachers, "%s", teacher);
    options.recipe.teacher_weight = 1; /* the labels say nothing */
    options.recipe.temperature = 2;
    options.recipe.seed = 9;
    rows_train(&options, idx_path(&folder, "student.onnx", path), &result);
    ck_assert_double_ge(result.test_accuracy, 0.9);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_teacher_of_other_images_is_refused)
{
    char path[256];
    struct weft_error err = {0};
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = rows_options(&folder);
    strcpy(options.recipe.teachers, WEFT_SOURCE_DIR "/model/zoo/lenet.onnx");
    ck_assert_int_eq(weft_train(&options, NULL, idx_path(&folder, "out.onnx", path), NULL, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    ck_assert_msg(strstr(err.message, "1x28x28 into 10 classes; the data have 1x12x12 and 3") != NULL, "%s",
                  err.message);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(the_mirrored_accuracy_is_that_of_the_mean_answer)
{
    char path[256];
    struct weft_error err = {0};
    struct weft_train_result result;
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = rows_options(&folder);
    options.recipe.epochs = 1; /* not yet perfect, so that the figures can differ */
    rows_train(&options, idx_path(&folder, "out.onnx", path), &result);

    struct weft_network *network = weft_network_load(path, &err);
    struct weft_dataset *test = weft_dataset_load(folder.path, "test", &err);
    ck_assert(network && test);
    struct weft_workspace *workspace = weft_workspace_new(network, 2, &err);
    size_t right = 0;
    for (size_t i = 0; i < test->count; i++) {
        uint8_t mirrored[ROWS_SIDE * ROWS_SIDE];
        float both[2][ROWS_CLASSES], mean[ROWS_CLASSES];
        const uint8_t *image = weft_dataset_image(test, i), *const pair[] = {image, mirrored};
        for (size_t p = 0; p < sizeof mirrored; p++)
            mirrored[p] = image[p / ROWS_SIDE * ROWS_SIDE + ROWS_SIDE - 1 - p % ROWS_SIDE];
        weft_network_run(network, workspace, pair, 2, both[0]);
        for (size_t c = 0; c < ROWS_CLASSES; c++)
            mean[c] = both[0][c] + both[1][c];
        right += weft_first_largest(mean, ROWS_CLASSES) == (size_t)test->labels[i];
    }
    ck_assert_double_eq_tol(result.test_accuracy_mirrored, (double)right / (double)test->count, 1e-9);
    weft_workspace_destroy(workspace);
    weft_dataset_destroy(test);
    weft_network_destroy(network);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(the_written_model_runs_with_the_accuracy_it_states)
{
    static const char *const names[] = {"top", "middle \"quoted\"", "bottom"};
    char path[256];
    struct weft_error err = {0};
    struct weft_train_result result;
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = rows_options(&folder);
    strcpy(options.recipe.name, "rows");
    strcpy(options.recipe.version, "7");
    options.labels = names;
    options.label_count = ROWS_CLASSES;
    options.recipe.epochs = 1; /* not yet perfect, so that the figures can differ */
    rows_train(&options, idx_path(&folder, "rows.onnx", path), &result);

    struct weft_network *network = weft_network_load(path, &err);
    ck_assert_msg(network != NULL, "%s", err.message);
    const struct weft_network_info *info = weft_network_info(network);
    ck_assert_str_eq(info->name, "rows");
    ck_assert_str_eq(info->version, "7");
    ck_assert_str_eq(info->dataset, folder.path);
    ck_assert_double_eq_tol(info->accuracy, result.test_accuracy, 1e-6);
    ck_assert_uint_eq(info->parameter_count, result.parameters);
    ck_assert_uint_eq(info->class_count, ROWS_CLASSES);
    for (size_t i = 0; i < ROWS_CLASSES; i++)
        ck_assert_str_eq(info->labels[i], names[i]);
    ck_assert_ptr_nonnull(info->self_test);
    ck_assert_msg(weft_self_test(network, &err) == 0, "%s", err.message);

    struct weft_dataset *test = weft_dataset_load(folder.path, "test", &err);
    ck_assert_msg(test != NULL, "%s", err.message);
    struct weft_evaluation *evaluation =
        weft_evaluate(network, test, (struct weft_evaluation_options){.threads = 2, .batch = 16}, &err);
    ck_assert_msg(evaluation != NULL, "%s", err.message);
    ck_assert_double_eq_tol(evaluation->accuracy, result.test_accuracy, 1e-9);
    weft_evaluation_destroy(evaluation);
    weft_dataset_destroy(test);
    weft_network_destroy(network);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_stop_keeps_the_best_epoch_so_far)
{
    char path[256];
    struct weft_error err = {0};
    struct history history = {.stop_after = 2};
    struct weft_train_result result;
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = rows_options(&folder);
    const struct weft_train_hooks hooks = {.epoch = remember, .stop = stop_after, .context = &history};
    int rc = weft_train(&options, &hooks, idx_path(&folder, "out.onnx", path), &result, &err);
    ck_assert_msg(rc == 0, "%s", err.message);
    ck_assert(result.stopped && result.written);
    ck_assert_uint_eq(result.epochs, 2);
    ck_assert_int_eq(access(path, R_OK), 0);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_stop_before_the_first_epoch_is_complete_leaves_the_old_file)
{
    char path[256];
    size_t size = 0;
    struct weft_error err = {0};
    struct weft_train_result result;
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = rows_options(&folder);
    const struct weft_train_hooks hooks = {.stop = stop_at_once};
    FILE *old = fopen(idx_path(&folder, "out.onnx", path), "w");
    fputs("old", old);
    fclose(old);
    ck_assert_int_eq(weft_train(&options, &hooks, path, &result, &err), 0);
    ck_assert(result.stopped && !result.written);
    char *bytes = rows_read(path, &size);
    ck_assert_uint_eq(size, 3);
    ck_assert_mem_eq(bytes, "old", 3);
    free(bytes);
    strcat(path, ".part");
    ck_assert_int_ne(access(path, F_OK), 0);
    idx_folder_remove(&folder);
}
END_TEST

static void assert_refused(const struct weft_train_options *options, const char *path, enum weft_error_class class,
                           const char *says)
{
    struct weft_error err = {0};
    ck_assert_int_eq(weft_train(options, NULL, path, NULL, &err), -1);
    ck_assert_msg(err.class == class, "class %s: %s", weft_error_class_name(err.class), err.message);
    ck_assert_msg(strstr(err.message, says) != NULL, "says not \"%s\": %s", says, err.message);
}

START_TEST(options_out_of_their_range_are_wrong_use)
{
    char path[256];
    struct idx_folder folder = rows_folder();
    const struct weft_train_options good = rows_options(&folder);
    struct weft_train_options bad;
    idx_path(&folder, "out.onnx", path);
    bad = good, bad.recipe.epochs = 0;
    assert_refused(&bad, path, WEFT_ERROR_USAGE, "epochs is 0");
    bad = good, bad.recipe.learning_rate = NAN;
    assert_refused(&bad, path, WEFT_ERROR_USAGE, "schedule.learning_rate is nan");
    bad = good, bad.recipe.momentum = 1;
    assert_refused(&bad, path, WEFT_ERROR_USAGE, "optimizer.momentum is 1");
    bad = good, bad.threads = 0;
    assert_refused(&bad, path, WEFT_ERROR_USAGE, "threads is 0");
    bad = good, bad.recipe.warmup = 5;
    assert_refused(&bad, path, WEFT_ERROR_USAGE, "there are only 4 epochs");
    bad = good, bad.recipe.erase_area = (struct weft_interval){0.4, 0.2};
    assert_refused(&bad, path, WEFT_ERROR_USAGE, "the lower comes first");
    bad = good, bad.recipe.validation = 1e-5;
    assert_refused(&bad, path, WEFT_ERROR_USAGE, "0 to validate");
    bad = good, strcpy(bad.recipe.architecture, "lenin");
    assert_refused(&bad, path, WEFT_ERROR_USAGE, "lenet");
    bad = good, bad.recipe.data[0] = '\0';
    assert_refused(&bad, path, WEFT_ERROR_USAGE, "no data");
    bad = good, bad.labels = (const char *[]){"one"}, bad.label_count = 1;
    assert_refused(&bad, path, WEFT_ERROR_USAGE, "1 labels are given");
    ck_assert_int_ne(access(path, F_OK), 0);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(faults_of_data_and_path_are_found_before_training)
{
    static const uint8_t pixels[4 * 6 * 6] = {0}, same[4] = {1, 1, 1, 1}, two[4] = {0, 1, 0, 1}, high[2] = {0, 9};
    char path[256], data[256];
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = rows_options(&folder);
    assert_refused(&options, "/nowhere/out.onnx", WEFT_ERROR_CONFIG, "/nowhere/out.onnx: cannot be written");
    assert_refused(&options, folder.path, WEFT_ERROR_CONFIG, "Is a directory");
    idx_path(&folder, "out.onnx", path);
    idx_write_labels(&folder, "t10k-labels-idx1-ubyte", 4, two);
    assert_refused(&options, path, WEFT_ERROR_CORRUPT, "t10k-labels-idx1-ubyte: has 4 labels");
    idx_write_images(&folder, "t10k-images-idx3-ubyte", 4, 6, 6, pixels);
    assert_refused(&options, path, WEFT_ERROR_CORRUPT, "t10k-images-idx3-ubyte: images of 1x6x6");
    strcpy(options.recipe.data, idx_path(&folder, "t10k-images-idx3-ubyte", data));
    options.recipe.validation = 0.5;
    assert_refused(&options, path, WEFT_ERROR_CONFIG, "too small for a window");
    idx_write_labels(&folder, "t10k-labels-idx1-ubyte", 4, same);
    assert_refused(&options, path, WEFT_ERROR_CORRUPT, "same label");
    strcpy(options.recipe.data, folder.path);
    static const uint8_t large[2 * ROWS_SIDE * ROWS_SIDE] = {0};
    idx_write_images(&folder, "t10k-images-idx3-ubyte", 2, ROWS_SIDE, ROWS_SIDE, large);
    idx_write_labels(&folder, "t10k-labels-idx1-ubyte", 2, high);
    assert_refused(&options, path, WEFT_ERROR_CORRUPT, "has label 9");
    ck_assert_int_ne(access(path, F_OK), 0);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(without_test_images_nothing_is_tested)
{
    char path[256];
    struct weft_error err = {0};
    struct weft_train_result result;
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = rows_options(&folder);
    options.recipe.epochs = 1;
    unlink(idx_path(&folder, "t10k-images-idx3-ubyte", path));
    unlink(idx_path(&folder, "t10k-labels-idx1-ubyte", path));
    rows_train(&options, idx_path(&folder, "out.onnx", path), &result);
    ck_assert(result.written && result.test_accuracy < 0 && result.test_accuracy_mirrored < 0);
    struct weft_network *network = weft_network_load(path, &err);
    ck_assert_msg(network != NULL, "%s", err.message);
    ck_assert_double_lt(weft_network_info(network)->accuracy, 0);
    weft_network_destroy(network);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(images_are_fitted_and_classes_named_as_the_data_have_them)
{
    static const char *const names[] = {"light", "grey", "dark"};
    char path[256];
    struct weft_error err = {0};
    struct idx_folder folder = idx_folder_new();
    FILE *csv = fopen(idx_path(&folder, "train.csv", path), "w");
    for (size_t i = 0; i < 60; i++) {
        fputs(names[i % 3], csv);
        for (size_t p = 0; p < 36; p++)
            fprintf(csv, ",%zu", 240 - 100 * (i % 3) + (i * 7 + p) % 10);
        putc('\n', csv);
    }
    fclose(csv);
    struct weft_train_options options = rows_options(&folder);
    options.recipe.epochs = 1;
    strcpy(options.recipe.size, "12x16");
    snprintf(options.recipe.data, sizeof options.recipe.data, "%s", path);
    rows_train(&options, idx_path(&folder, "out.onnx", path), NULL);
    struct weft_network *network = weft_network_load(path, &err);
    ck_assert_msg(network != NULL, "%s", err.message);
    const struct weft_network_info *info = weft_network_info(network);
    ck_assert_uint_eq(info->class_count, 3);
    ck_assert(info->height == 12 && info->width == 16);
    for (size_t i = 0; i < 3; i++) {
        size_t found = 0;
        for (size_t k = 0; k < 3; k++)
            found += strcmp(info->labels[i], names[k]) == 0;
        ck_assert_msg(found == 1, "%s", info->labels[i]);
    }
    weft_network_destroy(network);
    strcpy(options.recipe.size, "large");
    assert_refused(&options, path, WEFT_ERROR_USAGE, "large");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_loss_beyond_all_numbers_is_an_error)
{
    char path[256];
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = rows_options(&folder);
    options.recipe.learning_rate = 1000;
    options.recipe.warmup = 0;
    assert_refused(&options, idx_path(&folder, "out.onnx", path), WEFT_ERROR_CONFIG, "lower learning rate than 1000");
    ck_assert_int_ne(access(path, F_OK), 0);
    idx_folder_remove(&folder);
}
END_TEST

SUITE("trainer", TEST(training_learns_and_reports_each_epoch),
      TEST(the_same_recipe_gives_the_same_file_on_any_number_of_threads), TEST(another_seed_gives_another_file),
      TEST(networks_with_batch_normalisation_learn_with_every_kind_of_step),
      TEST(a_student_learns_from_a_teacher_alone), TEST(a_teacher_of_other_images_is_refused),
      TEST(the_mirrored_accuracy_is_that_of_the_mean_answer), TEST(the_written_model_runs_with_the_accuracy_it_states),
      TEST(a_stop_keeps_the_best_epoch_so_far), TEST(a_stop_before_the_first_epoch_is_complete_leaves_the_old_file),
      TEST(options_out_of_their_range_are_wrong_use), TEST(faults_of_data_and_path_are_found_before_training),
      TEST(without_test_images_nothing_is_tested), TEST(images_are_fitted_and_classes_named_as_the_data_have_them),
      TEST(a_loss_beyond_all_numbers_is_an_error))
