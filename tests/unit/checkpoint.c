#include "model/train/checkpoint.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/rows.h"
#include "support/suite.h"

/* Everything that a checkpoint must keep is in use: moments, average, shuffling, augmentation, running statistics. */
static struct weft_train_options all_in_use(const struct idx_folder *folder, char *checkpoint, char *history)
{
    struct weft_train_options options = rows_options(folder);
    strcpy(options.recipe.architecture, "fast");
    options.recipe.shift = 1;
    options.recipe.erase_probability = 0.5;
    options.recipe.average = 0.95;
    options.recipe.batch = 32;
    options.recipe.epochs = 3;
    options.checkpoint = idx_path(folder, "state", checkpoint);
    options.history = idx_path(folder, "history.csv", history);
    return options;
}

/* Stops when it has been asked so many times: once before each step, and once after each epoch. */
static bool count_down(void *context)
{
    size_t *left = context;
    return (*left)-- == 0;
}

/* Trains in pieces of at most so many questions, and gives how many pieces it took. */
static size_t train_in_pieces(struct weft_train_options *options, const char *path, size_t questions,
                              struct weft_train_result *result)
{
    size_t pieces = 0;
    options->resume = true;
    do {
        struct weft_error err = {0};
        size_t left = questions;
        const struct weft_train_hooks hooks = {.stop = count_down, .context = &left};
        ck_assert_msg(weft_train(options, &hooks, path, result, &err) == 0, "%s", err.message);
        ck_assert_msg(!result->stopped || result->test_accuracy < 0, "the test set was read before the end");
        ck_assert_uint_lt(++pieces, 100);
    } while (result->stopped);
    return pieces;
}

/* Lines of a history without the times at their ends. */
static void read_history(const char *path, char *out, size_t size)
{
    size_t length = 0, read;
    char *text = rows_read(path, &read);
    ck_assert_ptr_nonnull(text);
    text[read] = '\0';
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        for (int fields = 0; fields < 2; fields++)
            *strrchr(line, ',') = '\0';
        length += (size_t)snprintf(out + length, size - length, "%s\n", line);
    }
    free(text);
}

START_TEST(a_run_in_pieces_gives_the_same_files_as_a_whole_one)
{
    static const size_t questions[] = {2, 9};
    char whole[256], pieces[256], state[256], csv[256], expected[2048], found[2048];
    struct weft_train_result one, many;
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = all_in_use(&folder, state, csv);
    rows_train(&options, idx_path(&folder, "whole.onnx", whole), &one);
    read_history(csv, expected, sizeof expected);
    for (size_t i = 0; i < 2; i++) {
        const size_t count = train_in_pieces(&options, idx_path(&folder, "pieces.onnx", pieces), questions[i], &many);
        ck_assert_uint_ge(count, 3);
        rows_assert_same_file(whole, pieces);
        read_history(csv, found, sizeof found);
        ck_assert_str_eq(expected, found);
        ck_assert_double_eq(one.test_accuracy, many.test_accuracy);
        ck_assert_uint_eq(one.best_epoch, many.best_epoch);
    }
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_run_with_adamw_in_pieces_gives_the_same_file_too)
{
    char whole[256], pieces[256], state[256], csv[256];
    struct weft_train_result result;
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = all_in_use(&folder, state, csv);
    options.recipe.optimizer = WEFT_OPTIMIZER_ADAMW;
    options.recipe.learning_rate = 0.003;
    options.recipe.average = 0;
    rows_train(&options, idx_path(&folder, "whole.onnx", whole), &result);
    train_in_pieces(&options, idx_path(&folder, "pieces.onnx", pieces), 4, &result);
    rows_assert_same_file(whole, pieces);
    idx_folder_remove(&folder);
}
END_TEST

static void tell_and_wait(void *context, const struct weft_train_epoch *epoch)
{
    const int *pipe_end = context;
    if (epoch->epoch == 2) {
        if (write(*pipe_end, "", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
}

START_TEST(a_killed_run_goes_on_from_its_last_epoch)
{
    char whole[256], killed[256], state[256], csv[256], byte;
    int ends[2];
    struct weft_train_result result;
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = all_in_use(&folder, state, csv);
    idx_path(&folder, "killed.onnx", killed);
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const struct weft_train_hooks hooks = {.epoch = tell_and_wait, .context = &ends[1]};
        weft_train(&options, &hooks, killed, NULL, NULL);
        _exit(2);
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ends[0]);
    options.resume = true;
    rows_train(&options, killed, &result);
    ck_assert_uint_eq(result.resumed, 2);
    rows_train(&options, idx_path(&folder, "whole.onnx", whole), &result);
    ck_assert_uint_eq(result.resumed, 0);
    rows_assert_same_file(whole, killed);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_checkpoint_is_there_after_a_stop_and_gone_after_the_end)
{
    char path[256], state[256], csv[256];
    size_t left = 2;
    struct weft_error err = {0};
    struct weft_train_result result;
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = all_in_use(&folder, state, csv);
    const struct weft_train_hooks hooks = {.stop = count_down, .context = &left};
    ck_assert_int_eq(weft_train(&options, &hooks, idx_path(&folder, "out.onnx", path), &result, &err), 0);
    ck_assert(result.stopped && !result.written);
    ck_assert_int_eq(access(state, F_OK), 0);
    options.resume = true;
    rows_train(&options, path, &result);
    ck_assert_int_ne(access(state, F_OK), 0);
    idx_folder_remove(&folder);
}
END_TEST

/* Stops a run in its first epoch and says what comes of the next one with these options. */
static void assert_not_resumed(const struct idx_folder *folder, const struct weft_train_options *options,
                               enum weft_error_class class, const char *says)
{
    char path[256];
    struct weft_error err = {0};
    ck_assert_int_eq(weft_train(options, NULL, idx_path(folder, "out.onnx", path), NULL, &err), -1);
    ck_assert_msg(strstr(err.message, says) != NULL, "says not \"%s\": %s", says, err.message);
    ck_assert_int_eq(err.class, class);
    ck_assert_msg(strstr(err.message, options->checkpoint) != NULL, "%s", err.message);
    ck_assert_int_ne(access(path, F_OK), 0);
}

static void stop_early(const struct idx_folder *folder, const struct weft_train_options *options)
{
    char path[256];
    size_t left = 2;
    struct weft_error err = {0};
    const struct weft_train_hooks hooks = {.stop = count_down, .context = &left};
    ck_assert_int_eq(weft_train(options, &hooks, idx_path(folder, "out.onnx", path), NULL, &err), 0);
}

START_TEST(a_checkpoint_is_not_overwritten_by_a_new_run)
{
    char state[256], csv[256];
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = all_in_use(&folder, state, csv);
    stop_early(&folder, &options);
    assert_not_resumed(&folder, &options, WEFT_ERROR_CONFLICT, "resume it, or remove the file");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(another_recipe_or_other_images_are_not_resumed)
{
    char state[256], csv[256];
    struct weft_random random = weft_random_of(4, 0);
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = all_in_use(&folder, state, csv), other;
    stop_early(&folder, &options);
    options.resume = true;
    other = options, other.recipe.epochs = 5;
    assert_not_resumed(&folder, &other, WEFT_ERROR_CONFLICT, "epochs was '3' and is now '5'");
    other = options, strcpy(other.recipe.architecture, "lenet");
    assert_not_resumed(&folder, &other, WEFT_ERROR_CONFLICT, "architecture was 'fast' and is now 'lenet'");
    rows_write(&folder, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", ROWS_TEST, &random);
    assert_not_resumed(&folder, &options, WEFT_ERROR_CONFLICT, "on other images");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_checkpoint_that_is_not_whole_is_refused)
{
    char state[256], csv[256];
    size_t size = 0;
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = all_in_use(&folder, state, csv);
    stop_early(&folder, &options);
    options.resume = true;
    char *bytes = rows_read(state, &size);
    const struct {
        size_t size, changed;
        const char *says;
    } cases[] = {{0, 0, "cut off"},
                 {23, 23, "cut off"},
                 {24, 24, "cut off"},
                 {size / 2, size, "cut off"},
                 {size - 1, size, "cut off"},
                 {size, 0, "no checkpoint"},
                 {size, 8, "another version"},
                 {size, 40, "damaged"},
                 {size, size / 2, "damaged"},
                 {size, size - 1, "damaged"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FILE *file = fopen(state, "wb");
        for (size_t k = 0; k < cases[i].size; k++)
            putc(bytes[k] ^ (k == cases[i].changed), file);
        fclose(file);
        assert_not_resumed(&folder, &options, WEFT_ERROR_CORRUPT, cases[i].says);
    }
    free(bytes);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_checkpoint_of_another_network_is_refused)
{
    char path[256];
    float two[2] = {1, 2}, three[3] = {7, 7, 7};
    struct weft_error err = {0};
    struct weft_recipe recipe = weft_recipe_defaults();
    struct weft_train_state state = {.epoch = 1, .best_epoch = 1}, found = {0};
    struct weft_train_epoch epochs[60] = {{.epoch = 1}};
    struct idx_folder folder = idx_folder_new();
    struct weft_checkpoint checkpoint = {
        .recipe = &recipe, .data = "", .teacher = "", .state = &state, .epochs = epochs, .arrays = {{two, 2}}};
    ck_assert_int_eq(weft_checkpoint_save(&checkpoint, idx_path(&folder, "state", path), &err), 0);
    checkpoint.state = &found;
    checkpoint.arrays[0].values = three;
    checkpoint.arrays[0].count = 3;
    ck_assert_int_eq(weft_checkpoint_load(&checkpoint, path, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
    ck_assert(found.epoch == 0 && three[0] == 7);
    checkpoint.arrays[0].count = 2;
    ck_assert_msg(weft_checkpoint_load(&checkpoint, path, &err) == 0, "%s", err.message);
    ck_assert(found.epoch == 1 && three[1] == 2);
    checkpoint.teacher = "another";
    ck_assert_int_eq(weft_checkpoint_load(&checkpoint, path, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFLICT);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(the_history_is_a_table_of_all_epochs)
{
    char path[256], state[256], csv[256];
    unsigned epoch, lines = 0;
    double rate, loss, train, validation_loss, validation, seconds, images;
    struct weft_train_result result;
    struct idx_folder folder = rows_folder();
    struct weft_train_options options = all_in_use(&folder, state, csv);
    rows_train(&options, idx_path(&folder, "out.onnx", path), &result);
    FILE *file = fopen(csv, "r");
    char line[256];
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    ck_assert_str_eq(line, "epoch,learning_rate,loss,train_accuracy,validation_loss,validation_accuracy,seconds,"
                           "images_per_second\n");
    while (fgets(line, sizeof line, file)) {
        ck_assert_int_eq(sscanf(line, "%u,%lf,%lf,%lf,%lf,%lf,%lf,%lf\n", &epoch, &rate, &loss, &train,
                                &validation_loss, &validation, &seconds, &images),
                         8);
        ck_assert_uint_eq(epoch, ++lines);
        ck_assert(rate >= 0 && rate <= 0.02 && loss > 0 && train <= 1 && validation <= 1 && images > 0);
        if (epoch == result.best_epoch)
            ck_assert_double_eq_tol(validation, result.validation_accuracy, 1e-6);
    }
    fclose(file);
    ck_assert_uint_eq(lines, 3);
    idx_folder_remove(&folder);
}
END_TEST

SUITE("checkpoint", TEST(a_run_in_pieces_gives_the_same_files_as_a_whole_one),
      TEST(a_run_with_adamw_in_pieces_gives_the_same_file_too), TEST(a_killed_run_goes_on_from_its_last_epoch),
      TEST(a_checkpoint_is_there_after_a_stop_and_gone_after_the_end),
      TEST(a_checkpoint_is_not_overwritten_by_a_new_run), TEST(another_recipe_or_other_images_are_not_resumed),
      TEST(a_checkpoint_that_is_not_whole_is_refused), TEST(a_checkpoint_of_another_network_is_refused),
      TEST(the_history_is_a_table_of_all_epochs))
