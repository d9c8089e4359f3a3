#include "model/trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/evaluation.h"
#include "model/network.h"
#include "model/train/architecture.h"
#include "model/train/augmentation.h"
#include "model/train/optimizer.h"
#include "model/train/schedule.h"
#include "model/train/split.h"
#include "support/idx.h"
#include "support/suite.h"

enum { SIDE = 12, TRAIN = 300, TEST_IMAGES = 90, CLASSES = 3 };

/* Images whose class is the third of the rows that is bright, under noise: easy, and not without learning. */
static void write_images(const struct idx_folder *folder, const char *images, const char *labels, size_t count,
                         struct weft_random *random)
{
    static uint8_t pixels[TRAIN * SIDE * SIDE], truth[TRAIN];
    for (size_t i = 0; i < count; i++) {
        truth[i] = (uint8_t)(i % CLASSES);
        for (size_t y = 0; y < SIDE; y++)
            for (size_t x = 0; x < SIDE; x++)
                pixels[(i * SIDE + y) * SIDE + x] =
                    (uint8_t)(weft_random_below(random, 120) + (y / (SIDE / CLASSES) == truth[i] ? 80 : 0));
    }
    idx_write_images(folder, images, count, SIDE, SIDE, pixels);
    idx_write_labels(folder, labels, count, truth);
}

static struct idx_folder training_folder(void)
{
    struct weft_random random = weft_random_of(3, 0);
    struct idx_folder folder = idx_folder_new();
    write_images(&folder, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", TRAIN, &random);
    write_images(&folder, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", TEST_IMAGES, &random);
    return folder;
}

static struct weft_train_options quick(const struct idx_folder *folder)
{
    struct weft_train_options options = weft_train_defaults();
    options.data = folder->path;
    options.epochs = 4;
    options.warmup = 1;
    options.batch = 16;
    options.learning_rate = 0.02; /* steps are few and small batches noisy */
    options.shift = 0;
    options.validation = 0.2;
    return options;
}

/* The bytes of a file; NULL when it is not there. The caller frees. */
static char *read_all(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *bytes = malloc(1 << 22);
    *size = fread(bytes, 1, 1 << 22, file);
    fclose(file);
    return bytes;
}

struct history {
    struct weft_train_epoch epochs[16];
    size_t count;
    volatile sig_atomic_t stop;
    size_t stop_after; /* epochs; 0: never */
};

static void remember(void *context, const struct weft_train_epoch *epoch)
{
    struct history *history = context;
    history->epochs[history->count++] = *epoch;
    history->stop = history->count == history->stop_after;
}

static void train_or_fail(const struct weft_train_options *options, const char *path, struct weft_train_result *result)
{
    struct weft_error err = {0};
    ck_assert_msg(weft_train(options, NULL, path, result, &err) == 0, "%s", err.message);
}

START_TEST(training_learns_and_reports_each_epoch)
{
    char path[256];
    struct weft_error err = {0};
    struct history history = {0};
    struct weft_train_result result;
    struct idx_folder folder = training_folder();
    struct weft_train_options options = quick(&folder);
    const struct weft_train_hooks hooks = {.epoch = remember, .context = &history, .stop = &history.stop};
    int rc = weft_train(&options, &hooks, idx_path(&folder, "out.onnx", path), &result, &err);
    ck_assert_msg(rc == 0, "%s", err.message);
    ck_assert_uint_eq(history.count, 4);
    ck_assert_uint_eq(result.train_images, 240);
    ck_assert_uint_eq(result.validation_images, 60);
    ck_assert_uint_eq(result.test_images, TEST_IMAGES);
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

START_TEST(the_same_options_give_the_same_file)
{
    char paths[3][256];
    char *files[3];
    size_t sizes[3];
    struct weft_train_result result;
    struct idx_folder folder = training_folder();
    struct weft_train_options options = quick(&folder);
    options.shift = 1;
    options.threads = 3;
    for (size_t i = 0; i < 3; i++) {
        options.seed = i < 2 ? 5 : 6;
        train_or_fail(&options, idx_path(&folder, i == 0 ? "a.onnx" : i == 1 ? "b.onnx" : "c.onnx", paths[i]), &result);
        files[i] = read_all(paths[i], &sizes[i]);
        ck_assert_ptr_nonnull(files[i]);
    }
    ck_assert_uint_eq(sizes[0], sizes[1]);
    ck_assert_mem_eq(files[0], files[1], sizes[0]);
    ck_assert(sizes[0] != sizes[2] || memcmp(files[0], files[2], sizes[0]) != 0);
    for (size_t i = 0; i < 3; i++)
        free(files[i]);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(the_number_of_threads_changes_only_the_rounding)
{
    char path[256];
    struct weft_error err = {0};
    struct history one = {0}, many = {0};
    struct idx_folder folder = training_folder();
    struct weft_train_options options = quick(&folder);
    options.epochs = 1;
    options.shift = 1;
    options.batch = 17; /* leaves unequal shares */
    idx_path(&folder, "out.onnx", path);
    options.threads = 1;
    ck_assert_int_eq(weft_train(&options, &(struct weft_train_hooks){remember, &one, NULL}, path, NULL, &err), 0);
    options.threads = 4;
    ck_assert_int_eq(weft_train(&options, &(struct weft_train_hooks){remember, &many, NULL}, path, NULL, &err), 0);
    ck_assert_double_eq_tol(one.epochs[0].loss, many.epochs[0].loss, 1e-3);
    ck_assert_double_eq_tol(one.epochs[0].validation_loss, many.epochs[0].validation_loss, 1e-2);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(the_written_model_runs_with_the_accuracy_it_states)
{
    static const char *const names[] = {"top", "middle \"quoted\"", "bottom"};
    char path[256];
    struct weft_error err = {0};
    struct weft_train_result result;
    struct idx_folder folder = training_folder();
    struct weft_train_options options = quick(&folder);
    options.name = "rows";
    options.version = "7";
    options.labels = names;
    options.label_count = CLASSES;
    options.epochs = 1; /* not yet perfect, so that the figures can differ */
    train_or_fail(&options, idx_path(&folder, "rows.onnx", path), &result);

    struct weft_network *network = weft_network_load(path, &err);
    ck_assert_msg(network != NULL, "%s", err.message);
    const struct weft_network_info *info = weft_network_info(network);
    ck_assert_str_eq(info->name, "rows");
    ck_assert_str_eq(info->version, "7");
    ck_assert_str_eq(info->dataset, folder.path);
    ck_assert_double_eq_tol(info->accuracy, result.test_accuracy, 1e-6);
    ck_assert_uint_eq(info->parameter_count, result.parameters);
    ck_assert_uint_eq(info->class_count, CLASSES);
    for (size_t i = 0; i < CLASSES; i++)
        ck_assert_str_eq(info->labels[i], names[i]);

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
    struct idx_folder folder = training_folder();
    struct weft_train_options options = quick(&folder);
    const struct weft_train_hooks hooks = {.epoch = remember, .context = &history, .stop = &history.stop};
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
    volatile sig_atomic_t stop = 1;
    struct weft_train_result result;
    struct idx_folder folder = training_folder();
    struct weft_train_options options = quick(&folder);
    const struct weft_train_hooks hooks = {.stop = &stop};
    FILE *old = fopen(idx_path(&folder, "out.onnx", path), "w");
    fputs("old", old);
    fclose(old);
    ck_assert_int_eq(weft_train(&options, &hooks, path, &result, &err), 0);
    ck_assert(result.stopped && !result.written);
    char *bytes = read_all(path, &size);
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
    struct idx_folder folder = training_folder();
    const struct weft_train_options good = quick(&folder);
    struct weft_train_options bad;
    idx_path(&folder, "out.onnx", path);
    bad = good, bad.epochs = 0;
    assert_refused(&bad, path, WEFT_ERROR_USAGE, "epochs is 0");
    bad = good, bad.learning_rate = NAN;
    assert_refused(&bad, path, WEFT_ERROR_USAGE, "learning rate");
    bad = good, bad.momentum = 1;
    assert_refused(&bad, path, WEFT_ERROR_USAGE, "momentum is 1");
    bad = good, bad.threads = 0;
    assert_refused(&bad, path, WEFT_ERROR_USAGE, "threads is 0");
    bad = good, bad.validation = 1e-5;
    assert_refused(&bad, path, WEFT_ERROR_USAGE, "0 to validate");
    bad = good, bad.architecture = "lenin";
    assert_refused(&bad, path, WEFT_ERROR_USAGE, "known: lenet");
    bad = good, bad.data = NULL;
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
    struct idx_folder folder = training_folder();
    struct weft_train_options options = quick(&folder);
    assert_refused(&options, "/nowhere/out.onnx", WEFT_ERROR_CONFIG, "/nowhere/out.onnx: cannot be written");
    assert_refused(&options, folder.path, WEFT_ERROR_CONFIG, "Is a directory");
    idx_path(&folder, "out.onnx", path);
    idx_write_labels(&folder, "t10k-labels-idx1-ubyte", 4, two);
    assert_refused(&options, path, WEFT_ERROR_CORRUPT, "t10k-labels-idx1-ubyte: has 4 labels");
    idx_write_images(&folder, "t10k-images-idx3-ubyte", 4, 6, 6, pixels);
    assert_refused(&options, path, WEFT_ERROR_CORRUPT, "t10k-images-idx3-ubyte: images of 1x6x6");
    options.data = idx_path(&folder, "t10k-images-idx3-ubyte", data);
    options.validation = 0.5;
    assert_refused(&options, path, WEFT_ERROR_CONFIG, "too small for a window");
    idx_write_labels(&folder, "t10k-labels-idx1-ubyte", 4, same);
    assert_refused(&options, path, WEFT_ERROR_CORRUPT, "same label");
    unlink(data);
    options.data = folder.path;
    assert_refused(&options, path, WEFT_ERROR_CONFIG, "t10k-images-idx3-ubyte");
    static const uint8_t large[2 * SIDE * SIDE] = {0};
    idx_write_images(&folder, "t10k-images-idx3-ubyte", 2, SIDE, SIDE, large);
    idx_write_labels(&folder, "t10k-labels-idx1-ubyte", 2, high);
    assert_refused(&options, path, WEFT_ERROR_CORRUPT, "has label 9");
    ck_assert_int_ne(access(path, F_OK), 0);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_loss_beyond_all_numbers_is_an_error)
{
    char path[256];
    struct idx_folder folder = training_folder();
    struct weft_train_options options = quick(&folder);
    options.learning_rate = 1000;
    options.warmup = 0;
    assert_refused(&options, idx_path(&folder, "out.onnx", path), WEFT_ERROR_CONFIG, "lower learning rate than 1000");
    ck_assert_int_ne(access(path, F_OK), 0);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_split_takes_the_same_share_of_each_class)
{
    enum { COUNT = 1000 };
    static int32_t labels[COUNT];
    static const size_t of[3] = {700, 200, 100};
    struct weft_error err = {0};
    for (size_t i = 0; i < COUNT; i++)
        labels[i] = i < 700 ? 0 : i < 900 ? 1 : 2;
    const struct weft_dataset dataset = {.count = COUNT, .labels = labels, .class_count = 3};
    struct weft_random random = weft_random_of(1, 0), other = weft_random_of(2, 0);
    struct weft_split *split = weft_split_new(&dataset, 0.1, &random, &err);
    struct weft_split *second = weft_split_new(&dataset, 0.1, &other, &err);
    ck_assert(split && second);
    size_t held_out[3] = {0};
    bool seen[COUNT] = {false};
    for (size_t i = 0; i < split->validation_count; i++) {
        held_out[labels[split->validation[i]]]++;
        seen[split->validation[i]] = true;
    }
    for (size_t c = 0; c < 3; c++)
        ck_assert_uint_eq(held_out[c], of[c] / 10);
    for (size_t i = 0; i < split->train_count; i++) {
        ck_assert(!seen[split->train[i]]);
        seen[split->train[i]] = true;
    }
    for (size_t i = 0; i < COUNT; i++)
        ck_assert(seen[i]);
    ck_assert_mem_ne(split->validation, second->validation, split->validation_count * sizeof *split->validation);
    weft_split_destroy(split);
    weft_split_destroy(second);
}
END_TEST

START_TEST(the_learning_rate_rises_and_falls)
{
    const struct weft_schedule schedule = {.peak = 0.4, .warmup_steps = 4, .steps = 104};
    ck_assert_double_eq_tol(weft_schedule_rate(&schedule, 0), 0.1, 1e-12);
    ck_assert_double_eq_tol(weft_schedule_rate(&schedule, 3), 0.4, 1e-12);
    ck_assert_double_eq_tol(weft_schedule_rate(&schedule, 4), 0.4, 1e-12);
    ck_assert_double_eq_tol(weft_schedule_rate(&schedule, 54), 0.2, 1e-12);
    for (size_t step = 4; step < 104; step++)
        ck_assert_double_lt(weft_schedule_rate(&schedule, step + 1), weft_schedule_rate(&schedule, step));
    ck_assert_double_eq_tol(weft_schedule_rate(&schedule, 104), 0, 1e-12);
}
END_TEST

START_TEST(nesterov_steps_follow_the_formula_and_spare_biases_from_decay)
{
    struct weft_parameter parameters[] = {{.offset = 0, .count = 1, .decays = true}, {.offset = 1, .count = 1}};
    const struct weft_model model = {.parameters = parameters, .parameter_count = 2, .weight_count = 2};
    struct weft_error err = {0};
    struct weft_optimizer *optimizer =
        weft_optimizer_new(&model, (struct weft_optimizer_options){.momentum = 0.9, .weight_decay = 0.1}, &err);
    float weights[] = {1, 1};
    double expected[] = {1, 1}, velocity[] = {0, 0};
    for (int step = 0; step < 3; step++) {
        const float gradients[] = {0.5f, 0.5f};
        weft_optimizer_step(optimizer, weights, gradients, 0.2);
        for (size_t i = 0; i < 2; i++) {
            double g = 0.5 + (i == 0 ? 0.1 * expected[i] : 0);
            velocity[i] = 0.9 * velocity[i] + g;
            expected[i] -= 0.2 * (g + 0.9 * velocity[i]);
            ck_assert_double_eq_tol((double)weights[i], expected[i], 1e-6);
        }
    }
    weft_optimizer_destroy(optimizer);
}
END_TEST

START_TEST(augmentation_shifts_and_flips_in_every_way_and_no_other)
{
    enum { H = 3, W = 4, SHIFT = 1, WAYS = 18 };
    uint8_t pixels[H * W];
    for (size_t i = 0; i < H * W; i++)
        pixels[i] = (uint8_t)(10 * (i + 1));
    const struct weft_dataset dataset = {.count = 1, .channels = 1, .height = H, .width = W, .pixels = pixels};
    const struct weft_normalisation normalisation = weft_normalisation_of(&dataset);
    const struct weft_augmentation augmentation = {.shift = SHIFT, .flip = true};
    const struct weft_shape shape = {1, H, W};
    float image[H * W];
    size_t seen[WAYS] = {0};
    struct weft_random random = weft_random_of(9, 0);
    for (int draw = 0; draw < 1000; draw++) {
        weft_augment(augmentation, &random, &normalisation, shape, pixels, image);
        size_t matching = 0;
        for (int way = 0; way < WAYS; way++) {
            const int down = way % 3 - 1, right = way / 3 % 3 - 1, flip = way / 9;
            bool same = true;
            for (int y = 0; y < H; y++)
                for (int x = 0; x < W; x++) {
                    const int fy = y + down, fx = (flip ? W - 1 - x : x) + right;
                    const bool inside = fy >= 0 && fy < H && fx >= 0 && fx < W;
                    const uint8_t p = inside ? pixels[fy * W + fx] : 0;
                    same = same && image[y * W + x] == normalisation.table[0][p];
                }
            if (same) {
                seen[way]++;
                matching++;
            }
        }
        ck_assert_uint_eq(matching, 1);
    }
    for (int way = 0; way < WAYS; way++)
        ck_assert_uint_gt(seen[way], 20);
    weft_augment(augmentation, NULL, &normalisation, shape, pixels, image);
    for (size_t i = 0; i < H * W; i++)
        ck_assert_float_eq(image[i], normalisation.table[0][pixels[i]]);
}
END_TEST

START_TEST(normalisation_has_mean_and_deviation_of_the_pixels)
{
    uint8_t pixels[] = {0, 255, 0, 255, 51, 51, 51, 51};
    const struct weft_dataset dataset = {.count = 1, .channels = 2, .height = 2, .width = 2, .pixels = pixels};
    const struct weft_normalisation n = weft_normalisation_of(&dataset);
    ck_assert_double_eq_tol(n.mean[0], 0.5, 1e-9);
    ck_assert_double_eq_tol(n.std[0], 0.5, 1e-9);
    ck_assert_float_eq_tol(n.table[0][0], -1, 1e-6f);
    ck_assert_float_eq_tol(n.table[0][255], 1, 1e-6f);
    ck_assert_double_eq_tol(n.mean[1], 0.2, 1e-9);
    ck_assert_double_eq_tol(n.std[1], 1, 1e-9);
    ck_assert_float_eq_tol(n.table[1][51], 0, 1e-6f);
}
END_TEST

START_TEST(random_numbers_repeat_by_seed_and_stay_in_their_bounds)
{
    struct weft_random a = weft_random_of(1, 2), b = weft_random_of(1, 2), c = weft_random_of(1, 3);
    size_t of[7] = {0};
    bool differs = false;
    for (int i = 0; i < 7000; i++) {
        size_t x = weft_random_below(&a, 7);
        ck_assert_uint_eq(x, weft_random_below(&b, 7));
        differs = differs || x != weft_random_below(&c, 7);
        of[x]++;
        float between = weft_random_between(&a, -2, 3);
        ck_assert(between >= -2 && between < 3);
        ck_assert_float_eq(between, weft_random_between(&b, -2, 3));
    }
    ck_assert(differs);
    /* Five standard deviations of a binomial count around 1000. */
    for (size_t i = 0; i < 7; i++)
        ck_assert_msg(of[i] > 850 && of[i] < 1150, "%zu came %zu times", i, of[i]);
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

SUITE("trainer", TEST(training_learns_and_reports_each_epoch), TEST(the_same_options_give_the_same_file),
      TEST(the_number_of_threads_changes_only_the_rounding), TEST(the_written_model_runs_with_the_accuracy_it_states),
      TEST(a_stop_keeps_the_best_epoch_so_far), TEST(a_stop_before_the_first_epoch_is_complete_leaves_the_old_file),
      TEST(options_out_of_their_range_are_wrong_use), TEST(faults_of_data_and_path_are_found_before_training),
      TEST(a_loss_beyond_all_numbers_is_an_error), TEST(a_split_takes_the_same_share_of_each_class),
      TEST(the_learning_rate_rises_and_falls), TEST(nesterov_steps_follow_the_formula_and_spare_biases_from_decay),
      TEST(augmentation_shifts_and_flips_in_every_way_and_no_other),
      TEST(normalisation_has_mean_and_deviation_of_the_pixels),
      TEST(random_numbers_repeat_by_seed_and_stay_in_their_bounds), TEST(lenet_has_the_parameters_of_lenet))
