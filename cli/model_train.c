#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/blas_kernels.h"
#include "cli/commands.h"
#include "model/trainer.h"

enum { LABELS_MAX = 1024 };

struct labels {
    char *text; /* cut into names at its commas */
    const char *names[LABELS_MAX];
    size_t count;
};

static int read_labels(const struct cli *cli, struct labels *labels, struct weft_error *err)
{
    const char *text = cli_option(cli, "labels");
    if (!text)
        return 0;
    labels->text = strdup(text);
    if (!labels->text)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    char *rest = labels->text;
    for (char *name; (name = strsep(&rest, ","));) {
        if (!*name || labels->count == LABELS_MAX)
            return weft_error_set(err, WEFT_ERROR_USAGE, "--labels is '%s': it must be up to %d names, with commas",
                                  text, LABELS_MAX);
        labels->names[labels->count++] = name;
    }
    return 0;
}

/* What the recipe file says, and the options over it. */
static int read_recipe(const struct cli *cli, struct weft_recipe *recipe, struct weft_error *err)
{
    const char *file = cli_option(cli, "recipe"), *option;
    if (file && weft_recipe_read(recipe, file, err) != 0)
        return -1;
    for (size_t i = 0; (option = weft_recipe_option(i)); i++)
        if (cli_option(cli, option) && weft_recipe_set(recipe, weft_recipe_key(i), cli_option(cli, option), err) != 0)
            return weft_error_prefix(err, "--%s", option);
    /* A warm-up suits its number of epochs; a short try needs less. */
    if (cli_option(cli, "epochs") && !cli_option(cli, "warmup") && recipe->warmup > (double)recipe->epochs / 2)
        recipe->warmup = (double)recipe->epochs / 2;
    if (!*recipe->data)
        return weft_error_set(err, WEFT_ERROR_USAGE, "--data is missing: name a folder with training images");
    return 0;
}

/* Files beside the output, unless they are named. The caller frees. */
static char *file_beside(const struct cli *cli, const char *option, const char *ending)
{
    char *path = NULL;
    const char *named = cli_option(cli, option), *output = cli_option(cli, "output");
    if (named)
        return strdup(named);
    size_t length = strlen(output);
    if (length > 5 && strcmp(output + length - 5, ".onnx") == 0)
        length -= 5;
    return asprintf(&path, "%.*s%s", (int)length, output, ending) < 0 ? NULL : path;
}

static void print_epoch(void *context, const struct weft_train_epoch *epoch)
{
    const struct cli *cli = context;
    const int minutes = (int)(epoch->seconds_left / 60);
    if (cli_json(cli))
        weft_json_print(stdout,
                        json_pack("{s:I,s:I,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:b}", "epoch", (json_int_t)epoch->epoch,
                                  "epochs", (json_int_t)epoch->epochs, "learning_rate", epoch->learning_rate, "loss",
                                  epoch->loss, "train_accuracy", epoch->train_accuracy, "validation_loss",
                                  epoch->validation_loss, "validation_accuracy", epoch->validation_accuracy, "seconds",
                                  epoch->seconds, "images_per_second", epoch->images_per_second, "seconds_left",
                                  epoch->seconds_left, "best", (int)epoch->best));
    else
        printf("epoch %3zu/%zu  rate %.4f  loss %.4f  train %.2f %%  validation %.2f %%%s  %.0f images/s  %d:%02d h "
               "left\n",
               epoch->epoch, epoch->epochs, epoch->learning_rate, epoch->loss, 100 * epoch->train_accuracy,
               100 * epoch->validation_accuracy, epoch->best ? " *" : "  ", epoch->images_per_second, minutes / 60,
               minutes % 60);
    fflush(stdout);
}

static void print_result(const struct cli *cli, const struct weft_train_result *result, const char *path)
{
    if (cli_json(cli)) {
        json_t *fields = json_pack("{s:s,s:I,s:I,s:I,s:f,s:f,s:b}", "model", path, "parameters",
                                   (json_int_t)result->parameters, "epochs", (json_int_t)result->epochs, "best_epoch",
                                   (json_int_t)result->best_epoch, "validation_accuracy", result->validation_accuracy,
                                   "seconds", result->seconds, "stopped", (int)result->stopped);
        const bool tested = result->test_accuracy >= 0;
        json_object_set_new(fields, "test_accuracy", tested ? json_real(result->test_accuracy) : json_null());
        json_object_set_new(fields, "test_accuracy_mirrored",
                            tested ? json_real(result->test_accuracy_mirrored) : json_null());
        weft_json_print(stdout, json_pack("{s:o}", "trained", fields));
        return;
    }
    printf("%s: %zu parameters, %zu epochs in %.0f s\n", path, result->parameters, result->epochs, result->seconds);
    printf("  epoch %zu is kept, chosen on validation: %.2f %% of %zu images\n", result->best_epoch,
           100 * result->validation_accuracy, result->validation_images);
    if (result->test_accuracy >= 0)
        printf("  test accuracy: %.2f %% of %zu images\n"
               "  with test-time augmentation (mean of the image and its mirror image): %.2f %%\n",
               100 * result->test_accuracy, result->test_images, 100 * result->test_accuracy_mirrored);
    if (result->stopped)
        printf("  stopped, and not tested: the same command with --resume goes on\n");
}

static int train(struct cli *cli, struct weft_error *err)
{
    int status = -1;
    char *checkpoint = NULL, *history = NULL;
    struct labels labels = {0};
    struct weft_train_result result = {0};
    struct weft_train_options options = weft_train_defaults();
    const char *path = cli_option(cli, "output");
    int64_t threads;
    cli_choose_blas_kernels(cli_log(cli));
    if (read_recipe(cli, &options.recipe, err) != 0 || read_labels(cli, &labels, err) != 0 ||
        cli_integer(cli, "threads", 1, 256, (int64_t)options.threads, &threads, err) != 0)
        goto out;
    if (!path) {
        weft_error_set(err, WEFT_ERROR_USAGE, "-o is missing: name the file for the model");
        goto out;
    }
    checkpoint = file_beside(cli, "checkpoint", ".checkpoint");
    history = file_beside(cli, "history", ".history.csv");
    if (!checkpoint || !history) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto out;
    }
    options.threads = (size_t)threads;
    options.checkpoint = checkpoint;
    options.history = history;
    options.resume = cli_flag(cli, "resume");
    if (labels.count > 0) {
        options.labels = labels.names;
        options.label_count = labels.count;
    }
    cli_catch_signals();
    const struct weft_train_hooks hooks = {.epoch = print_epoch, .stop = cli_stopped, .context = cli};
    if (weft_train(&options, &hooks, path, &result, err) != 0)
        goto out;
    status = CLI_DONE;
    if (result.written)
        print_result(cli, &result, path);
    else
        status =
            weft_error_set(err, WEFT_ERROR_UNAVAILABLE,
                           "stopped before the first epoch was complete: %s is not written; --resume goes on", path);
out:
    free(labels.text);
    free(checkpoint);
    free(history);
    return status;
}

/* The defaults of numbers and choices stand in their help. */
#define HELP_TEXT(help, value) help
#define HELP_TEXTS HELP_TEXT
#define HELP_CHOICE(help, value) help " (" value ")"
#define HELP_COUNT HELP_CHOICE
#define HELP_REAL HELP_CHOICE
#define HELP_INTERVAL HELP_CHOICE
#define HELP_SWITCH HELP_CHOICE
#define OPTION(type, member, key, letter, name, arg, value, low, high, help)                                           \
    {letter, name, arg, HELP_##type(help, value)},

static const struct cli_option options[] = {
    {'r', "recipe", "FILE", "what follows, as YAML; options given beside it are stronger"},
    {'o', "output", "FILE", "where the model is written, as ONNX"},
    {0, "resume", NULL, "go on from the checkpoint, where there is one"},
    {0, "checkpoint", "FILE", "state of the run, written after each epoch (OUTPUT.checkpoint)"},
    {0, "history", "FILE", "CSV with a line an epoch (OUTPUT.history.csv)"},
    {'t', "threads", "N", "threads to train with, by default all processors; the result is the same on any number"},
    {0, "labels", "NAME,...", "names of the classes; known data sets have theirs"},
    WEFT_RECIPE_KEYS(OPTION){0, NULL, NULL, NULL},
};

const struct cli_command cli_model_train = {
    .name = "model train",
    .summary = "train a network and write it as ONNX",
    .arguments = "",
    .description = "Trains a network on labelled images. A share of the training images is held out; the\n"
                   "weights of the epoch that does best on it are written, with labels, normalisation and the\n"
                   "recipe in the file's metadata. The test images are read once, at the end.\n\n"
                   "Ctrl-C ends the training after the step at hand, and saves the state of the run and the model\n"
                   "that is best so far; --resume goes on to the very same result as without the stop.",
    .example = "weft model train --data data/fashion-mnist --epochs 20 -o lenet.onnx\n"
               "weft model train --recipe model/recipes/fast.yaml --data data/fashion-mnist -o fast.onnx --resume",
    .options = options,
    .run = train,
};
