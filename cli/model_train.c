#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
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

static int read_size(const struct cli *cli, const char *name, int64_t min, int64_t max, size_t *value,
                     struct weft_error *err)
{
    int64_t number;
    if (cli_integer(cli, name, min, max, (int64_t)*value, &number, err) != 0)
        return -1;
    *value = (size_t)number;
    return 0;
}

static int read_options(const struct cli *cli, struct weft_train_options *options, struct weft_error *err)
{
    int64_t seed;
    options->data = cli_option(cli, "data");
    options->name = cli_option(cli, "name");
    if (cli_option(cli, "arch"))
        options->architecture = cli_option(cli, "arch");
    if (cli_option(cli, "model-version"))
        options->version = cli_option(cli, "model-version");
    if (cli_flag(cli, "no-flip"))
        options->flip = false;
    if (read_size(cli, "epochs", 1, 100000, &options->epochs, err) != 0 ||
        read_size(cli, "batch", 1, 65536, &options->batch, err) != 0 ||
        read_size(cli, "shift", 0, 64, &options->shift, err) != 0 ||
        read_size(cli, "threads", 1, 256, &options->threads, err) != 0 ||
        cli_number(cli, "learning-rate", 1e-9, 1e3, options->learning_rate, &options->learning_rate, err) != 0 ||
        cli_number(cli, "warmup", 0, 1e5, options->warmup, &options->warmup, err) != 0 ||
        cli_number(cli, "momentum", 0, 0.9999, options->momentum, &options->momentum, err) != 0 ||
        cli_number(cli, "weight-decay", 0, 1, options->weight_decay, &options->weight_decay, err) != 0 ||
        cli_number(cli, "label-smoothing", 0, 0.99, options->label_smoothing, &options->label_smoothing, err) != 0 ||
        cli_number(cli, "validation", 1e-6, 0.9, options->validation, &options->validation, err) != 0 ||
        cli_integer(cli, "seed", 0, INT64_MAX, (int64_t)options->seed, &seed, err) != 0)
        return -1;
    options->seed = (uint64_t)seed;
    /* The default suits the default number of epochs; a short try needs less. */
    if (!cli_option(cli, "warmup") && options->warmup > (double)options->epochs / 2)
        options->warmup = (double)options->epochs / 2;
    if (!options->data)
        return weft_error_set(err, WEFT_ERROR_USAGE, "--data is missing: name a folder with training images");
    if (!cli_option(cli, "output"))
        return weft_error_set(err, WEFT_ERROR_USAGE, "-o is missing: name the file for the model");
    return 0;
}

static void print_epoch(void *context, const struct weft_train_epoch *epoch)
{
    const struct cli *cli = context;
    if (cli_json(cli))
        weft_json_print(stdout,
                        json_pack("{s:I,s:I,s:f,s:f,s:f,s:f,s:f,s:f,s:b}", "epoch", (json_int_t)epoch->epoch, "epochs",
                                  (json_int_t)epoch->epochs, "learning_rate", epoch->learning_rate, "loss", epoch->loss,
                                  "train_accuracy", epoch->train_accuracy, "validation_loss", epoch->validation_loss,
                                  "validation_accuracy", epoch->validation_accuracy, "images_per_second",
                                  epoch->images_per_second, "best", epoch->best));
    else
        printf("epoch %3zu/%zu  rate %.4f  loss %.4f  train %.2f %%  validation %.2f %%%s  %.0f images/s\n",
               epoch->epoch, epoch->epochs, epoch->learning_rate, epoch->loss, 100 * epoch->train_accuracy,
               100 * epoch->validation_accuracy, epoch->best ? " *" : "  ", epoch->images_per_second);
    fflush(stdout);
}

static void print_result(const struct cli *cli, const struct weft_train_result *result, const char *path)
{
    if (cli_json(cli)) {
        json_t *fields = json_pack("{s:s,s:I,s:I,s:I,s:f,s:f,s:b}", "model", path, "parameters",
                                   (json_int_t)result->parameters, "epochs", (json_int_t)result->epochs, "best_epoch",
                                   (json_int_t)result->best_epoch, "validation_accuracy", result->validation_accuracy,
                                   "seconds", result->seconds, "stopped", result->stopped);
        json_object_set_new(fields, "test_accuracy",
                            result->test_accuracy >= 0 ? json_real(result->test_accuracy) : json_null());
        weft_json_print(stdout, json_pack("{s:o}", "trained", fields));
        return;
    }
    printf("%s%s: %zu parameters, best of %zu epochs: %zu, validation %.2f %%", result->stopped ? "stopped: " : "",
           path, result->parameters, result->epochs, result->best_epoch, 100 * result->validation_accuracy);
    if (result->test_accuracy >= 0)
        printf(", test %.2f %%", 100 * result->test_accuracy);
    printf(", %.0f s\n", result->seconds);
}

static int train(struct cli *cli, struct weft_error *err)
{
    int status = -1;
    struct labels labels = {0};
    struct weft_train_result result = {0};
    struct weft_train_options options = weft_train_defaults();
    const char *path = cli_option(cli, "output");
    if (read_options(cli, &options, err) != 0 || read_labels(cli, &labels, err) != 0)
        goto out;
    if (labels.count > 0) {
        options.labels = labels.names;
        options.label_count = labels.count;
    }
    cli_catch_signals();
    const struct weft_train_hooks hooks = {.epoch = print_epoch, .context = cli, .stop = cli_signal_flag()};
    if (weft_train(&options, &hooks, path, &result, err) != 0)
        goto out;
    status = CLI_DONE;
    if (result.written) {
        print_result(cli, &result, path);
    } else {
        status = weft_error_set(err, WEFT_ERROR_UNAVAILABLE,
                                "stopped before the first epoch was complete: %s is not written", path);
    }
out:
    free(labels.text);
    return status;
}

static const struct cli_option options[] = {
    {'d', "data", "PATH", "a folder with IDX files train-* and t10k-*, or one images file"},
    {'o', "output", "FILE", "where the model is written, as ONNX"},
    {'a', "arch", "NAME", "the network (lenet)"},
    {'e', "epochs", "N", "passes over the training images (60)"},
    {'b', "batch", "N", "images in a step (128)"},
    {'l', "learning-rate", "RATE", "at its highest (0.05)"},
    {0, "warmup", "EPOCHS", "until the learning rate is at its highest (2)"},
    {0, "momentum", "SHARE", "Nesterov's (0.9)"},
    {0, "weight-decay", "RATE", "pulls weights towards zero (0.0005)"},
    {0, "label-smoothing", "SHARE", "of certainty taken from the truth (0)"},
    {0, "shift", "PIXELS", "how far images are moved at random (1)"},
    {0, "no-flip", NULL, "do not mirror images at random: for digits and letters"},
    {0, "validation", "SHARE", "of the training images held out to choose the best epoch (0.083)"},
    {'s', "seed", "N", "the same seed gives the same model (1)"},
    {'t', "threads", "N", "threads to train with (2)"},
    {0, "name", "NAME", "of the model, as results carry it; without it the network's"},
    {0, "model-version", "TEXT", "of the model, as results carry it (1)"},
    {0, "labels", "NAME,...", "names of the classes; known data sets have theirs"},
    {0, NULL, NULL, NULL},
};

const struct cli_command cli_model_train = {
    .name = "model train",
    .summary = "train a network and write it as ONNX",
    .arguments = "",
    .description = "Trains a network on labelled images. A share of the training images is held out; the\n"
                   "weights of the epoch that does best on it are written, with labels, normalisation and the\n"
                   "recipe in the file's metadata. The test images are read once, at the end.\n\n"
                   "Ctrl-C ends the training after the step at hand and writes what is best so far.",
    .example = "weft model train --data data/fashion-mnist --epochs 20 -o lenet.onnx",
    .options = options,
    .run = train,
};
