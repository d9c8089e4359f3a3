#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/confusion.h"
#include "model/dataset.h"
#include "model/evaluation.h"
#include "model/image.h"
#include "model/network.h"

enum { EVAL_BATCH = 32 };

static int read_part(const struct cli *cli, const char **part, struct weft_error *err)
{
    const char *text = cli_option(cli, "part");
    *part = text ? text : "test";
    if (strcmp(*part, "test") != 0 && strcmp(*part, "train") != 0)
        return weft_error_set(err, WEFT_ERROR_USAGE, "--part is '%s': it must be test or train", text);
    return 0;
}

/* model info */

static int info(struct cli *cli, struct weft_error *err)
{
    struct weft_network *network = weft_network_load(cli_argument(cli, 0), err);
    if (!network)
        return -1;
    const struct weft_network_info *i = weft_network_info(network);
    if (cli_json(cli)) {
        json_t *fields = json_pack(
            "{s:s,s:s,s:s,s:[I,I,I],s:o,s:I,s:I,s:I,s:s}", "name", i->name, "version", i->version, "dataset",
            i->dataset, "input", (json_int_t)i->channels, (json_int_t)i->height, (json_int_t)i->width, "labels",
            cli_labels_json(i->labels, i->class_count), "parameters", (json_int_t)i->parameter_count, "multiply_adds",
            (json_int_t)i->multiply_adds, "workspace_bytes", (json_int_t)i->workspace_bytes, "sha256", i->sha256);
        json_object_set_new(fields, "accuracy", i->accuracy >= 0 ? json_real(i->accuracy) : json_null());
        weft_json_print(stdout, fields);
    } else {
        printf("name           %s\nversion        %s\n", i->name, i->version);
        printf("input          %zu x %zu x %zu, %zu bytes an image\n", i->channels, i->height, i->width, i->image_size);
        printf("classes        %zu:", i->class_count);
        for (size_t c = 0; c < i->class_count; c++)
            printf("%s %s", c ? "," : "", i->labels[c]);
        printf("\nparameters     %zu\nmultiply-adds  %" PRIu64 " an image\n", i->parameter_count, i->multiply_adds);
        printf("workspace      %zu bytes an image of a batch\n", i->workspace_bytes);
        if (i->dataset[0])
            printf("data set       %s\n", i->dataset);
        if (i->accuracy >= 0)
            printf("accuracy       %.2f %%\n", 100 * i->accuracy);
        printf("sha256         %s\n", i->sha256);
    }
    weft_network_destroy(network);
    return CLI_DONE;
}

const struct cli_command cli_model_info = {
    .name = "model info",
    .summary = "show what a model file holds",
    .arguments = "MODEL",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Loads an ONNX file as the processor does and shows its input, its classes, its size, what its\n"
                   "metadata say of its origin, and its checksum, which results carry.",
    .example = "weft model info model/zoo/lenet.onnx",
    .run = info,
};

/* model eval */

static json_t *scores_json(const struct weft_evaluation *evaluation, const char *const *labels)
{
    json_t *classes = json_array();
    for (size_t c = 0; c < evaluation->class_count; c++) {
        const struct weft_class_score *score = &evaluation->classes[c];
        json_array_append_new(classes, json_pack("{s:s,s:I,s:f,s:f,s:f}", "class", labels[c], "support",
                                                 (json_int_t)score->support, "precision", score->precision, "recall",
                                                 score->recall, "f1", score->f1));
    }
    return classes;
}

static void print_evaluation(const struct cli *cli, const struct weft_evaluation *evaluation, const char *const *labels)
{
    if (cli_json(cli)) {
        weft_json_print(stdout,
                        json_pack("{s:I,s:I,s:f,s:f,s:f,s:f,s:o,s:o,s:o}", "count", (json_int_t)evaluation->count,
                                  "correct", (json_int_t)evaluation->correct, "accuracy", evaluation->accuracy,
                                  "macro_f1", evaluation->macro_f1, "seconds", evaluation->seconds, "images_per_second",
                                  evaluation->images_per_second, "classes", scores_json(evaluation, labels), "labels",
                                  cli_labels_json(labels, evaluation->class_count), "confusion",
                                  cli_confusion_json(evaluation->confusion, evaluation->class_count)));
        return;
    }
    printf("%-20s %8s %10s %8s %8s\n", "class", "images", "precision", "recall", "f1");
    for (size_t c = 0; c < evaluation->class_count; c++) {
        const struct weft_class_score *score = &evaluation->classes[c];
        if (score->support > 0)
            printf("%-20s %8zu %10.4f %8.4f %8.4f\n", labels[c], score->support, score->precision, score->recall,
                   score->f1);
    }
    fputc('\n', stdout);
    cli_print_confusion(stdout, evaluation->confusion, evaluation->class_count, labels);
    printf("\naccuracy %.2f %% (%zu of %zu), macro f1 %.4f, %.0f images/s\n", 100 * evaluation->accuracy,
           evaluation->correct, evaluation->count, evaluation->macro_f1, evaluation->images_per_second);
}

static int eval(struct cli *cli, struct weft_error *err)
{
    int status = -1;
    const char *part, *data = cli_option(cli, "data");
    int64_t threads, processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct weft_network *network = NULL;
    struct weft_dataset *dataset = NULL;
    struct weft_evaluation *evaluation = NULL;
    if (!data)
        return weft_error_set(err, WEFT_ERROR_USAGE, "--data is missing: name a folder with labelled images");
    if (processors < 1 || processors > 256)
        processors = 1;
    if (read_part(cli, &part, err) != 0 || cli_integer(cli, "threads", 1, 256, processors, &threads, err) != 0)
        return -1;
    network = weft_network_load(cli_argument(cli, 0), err);
    if (!network)
        goto out;
    dataset = weft_dataset_load(data, part, err);
    if (!dataset)
        goto out;
    const struct weft_evaluation_options how = {.threads = (size_t)threads, .batch = EVAL_BATCH};
    evaluation = weft_evaluate(network, dataset, how, err);
    if (!evaluation)
        goto out;
    print_evaluation(cli, evaluation, weft_network_info(network)->labels);
    status = CLI_DONE;
out:
    weft_evaluation_destroy(evaluation);
    weft_dataset_destroy(dataset);
    weft_network_destroy(network);
    return status;
}

static const struct cli_option eval_options[] = {
    {'d', "data", "PATH", "labelled images: a folder with IDX files, or one such file"},
    {0, "part", "PART", "test (default) or train, of a folder"},
    {'t', "threads", "N", "threads to score with; as many as there are processors without"},
    {0, NULL, NULL, NULL},
};

const struct cli_command cli_model_eval = {
    .name = "model eval",
    .summary = "measure a model on labelled images",
    .arguments = "MODEL",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Scores every image of a data set and shows accuracy, precision, recall and F1 of each class,\n"
                   "the confusion matrix, and how many images were scored in a second.",
    .example = "weft model eval model/zoo/lenet.onnx --data data/fashion-mnist",
    .options = eval_options,
    .run = eval,
};

/* model predict */

/* Indices of the classes, the most probable first, in order; count of them at most. */
static size_t rank_classes(const float *probabilities, size_t class_count, size_t count, size_t *order)
{
    size_t found = 0;
    for (size_t c = 0; c < class_count; c++) {
        size_t at = found < count ? found++ : count;
        for (; at > 0 && probabilities[c] > probabilities[order[at - 1]]; at--)
            if (at < count)
                order[at] = order[at - 1];
        if (at < count)
            order[at] = c;
    }
    return found;
}

struct prediction {
    const struct cli *cli;
    const struct weft_network *network;
    struct weft_workspace *workspace;
    float *probabilities;
    size_t *order;
    size_t top;
};

/* label: the truth, or -1. */
static void predict_one(const struct prediction *p, const char *what, const uint8_t *pixels, int32_t label)
{
    const struct weft_network_info *about = weft_network_info(p->network);
    const uint8_t *const images[] = {pixels};
    weft_network_run(p->network, p->workspace, images, 1, p->probabilities);
    size_t count = rank_classes(p->probabilities, about->class_count, p->top, p->order);
    if (!cli_json(p->cli)) {
        printf("%s\n", what);
        for (size_t i = 0; i < count; i++)
            printf("  %5.1f %%  %s%s\n", 100 * (double)p->probabilities[p->order[i]], about->labels[p->order[i]],
                   (int32_t)p->order[i] == label ? "  <- the truth" : "");
        return;
    }
    json_t *top = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(top, json_pack("{s:I,s:s,s:f}", "label", (json_int_t)p->order[i], "class",
                                             about->labels[p->order[i]], "probability",
                                             (double)p->probabilities[p->order[i]]));
    weft_json_print(stdout, json_pack("{s:s,s:I,s:s,s:o,s:o}", "image", what, "label", (json_int_t)p->order[0], "class",
                                      about->labels[p->order[0]], "top", top, "expected",
                                      label >= 0 ? json_integer(label) : json_null()));
}

static int predict_item(const struct prediction *p, const char *data, struct weft_error *err)
{
    int rc = -1;
    int64_t index;
    const char *part;
    char what[64];
    const struct weft_network_info *about = weft_network_info(p->network);
    if (read_part(p->cli, &part, err) != 0 || cli_integer(p->cli, "index", 0, INT32_MAX, 0, &index, err) != 0)
        return -1;
    struct weft_dataset *dataset = weft_dataset_load(data, part, err);
    if (!dataset)
        return -1;
    if ((size_t)index >= dataset->count) {
        weft_error_set(err, WEFT_ERROR_USAGE, "--index is %" PRId64 ", but %s has %zu images", index, dataset->name,
                       dataset->count);
    } else if (dataset->channels * dataset->height * dataset->width != about->image_size) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s has images of %zu x %zu x %zu, but the model takes %zu x %zu x %zu",
                       dataset->name, dataset->channels, dataset->height, dataset->width, about->channels,
                       about->height, about->width);
    } else {
        snprintf(what, sizeof what, "%s image %" PRId64, part, index);
        predict_one(p, what, weft_dataset_image(dataset, (size_t)index), dataset->labels ? dataset->labels[index] : -1);
        rc = 0;
    }
    weft_dataset_destroy(dataset);
    return rc;
}

static int predict_files(const struct prediction *p, struct weft_error *err)
{
    const struct weft_network_info *about = weft_network_info(p->network);
    const char *path;
    for (int i = 1; (path = cli_argument(p->cli, i)); i++) {
        uint8_t *pixels = weft_image_read(path, about->channels, about->height, about->width, err);
        if (!pixels)
            return -1;
        predict_one(p, path, pixels, -1);
        free(pixels);
    }
    return 0;
}

static int predict(struct cli *cli, struct weft_error *err)
{
    int status = -1;
    int64_t top;
    const char *data = cli_option(cli, "data");
    if (cli_integer(cli, "top", 1, 1000, 3, &top, err) != 0)
        return -1;
    if (!data == (cli_argument_count(cli) == 1))
        return weft_error_set(err, WEFT_ERROR_USAGE, "give image files, or --data PATH and --index I");
    struct weft_network *network = weft_network_load(cli_argument(cli, 0), err);
    if (!network)
        return -1;
    size_t class_count = weft_network_info(network)->class_count;
    struct prediction prediction = {
        .cli = cli,
        .network = network,
        .workspace = weft_workspace_new(network, 1, err),
        .probabilities = calloc(class_count, sizeof(float)),
        .order = calloc((size_t)top, sizeof(size_t)),
        .top = (size_t)top,
    };
    if (!prediction.workspace)
        goto out;
    if (!prediction.probabilities || !prediction.order) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto out;
    }
    status = data ? predict_item(&prediction, data, err) : predict_files(&prediction, err);
out:
    free(prediction.order);
    free(prediction.probabilities);
    weft_workspace_destroy(prediction.workspace);
    weft_network_destroy(network);
    return status;
}

static const struct cli_option predict_options[] = {
    {'k', "top", "K", "how many classes to show, the most probable first (3)"},
    {'d', "data", "PATH", "take the image from a data set instead of from files"},
    {0, "part", "PART", "test (default) or train, of a folder"},
    {'i', "index", "I", "which of its images, counted from 0"},
    {0, NULL, NULL, NULL},
};

const struct cli_command cli_model_predict = {
    .name = "model predict",
    .summary = "classify images",
    .arguments = "MODEL [IMAGE]...",
    .arguments_min = 1,
    .arguments_max = -1,
    .description = "Classifies image files, fitted to the model's input, or an image of a data set, and shows\n"
                   "the most probable classes.",
    .example = "weft model predict model/zoo/lenet.onnx boot.png shirt.jpg\n"
               "weft model predict model/zoo/lenet.onnx --data data/fashion-mnist --index 7 --top 5",
    .options = predict_options,
    .run = predict,
};
