#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/confusion.h"
#include "cli/dataset.h"
#include "model/builtin.h"
#include "model/evaluation.h"
#include "model/report/report.h"

enum { BATCH = 32 };

/* What is measured of one model on one data set. */
struct measured {
    struct weft_evaluation *plain, *flipped; /* flipped: with flip averaging, or NULL */
    size_t threads;
};

static json_t *classes_json(const struct weft_evaluation *e, const char *const *labels)
{
    json_t *classes = json_array();
    for (size_t c = 0; c < e->class_count; c++) {
        const struct weft_class_score *score = &e->classes[c];
        json_array_append_new(classes, json_pack("{s:s,s:I,s:f,s:f,s:f}", "class", labels[c], "support",
                                                 (json_int_t)score->support, "precision", score->precision, "recall",
                                                 score->recall, "f1", score->f1));
    }
    return classes;
}

static json_t *calibration_json(const struct weft_calibration *calibration)
{
    json_t *bins = json_array();
    for (size_t b = 0; b < WEFT_CALIBRATION_BINS; b++) {
        const struct weft_calibration_bin *bin = &calibration->bins[b];
        json_array_append_new(bins, json_pack("{s:f,s:I,s:f,s:f}", "up_to", (double)(b + 1) / WEFT_CALIBRATION_BINS,
                                              "count", (json_int_t)bin->count, "confidence", bin->confidence,
                                              "accuracy", bin->accuracy));
    }
    return json_pack("{s:f,s:o}", "expected_error", calibration->expected_error, "bins", bins);
}

static json_t *evaluation_json(const struct weft_evaluation *e, const char *const *labels)
{
    return json_pack("{s:I,s:I,s:f,s:[f,f],s:f,s:f,s:o,s:f,s:f,s:o,s:o}", "count", (json_int_t)e->count, "correct",
                     (json_int_t)e->correct, "accuracy", e->accuracy, "accuracy_interval", e->accuracy_low,
                     e->accuracy_high, "macro_f1", e->macro_f1, "log_loss", e->log_loss, "calibration",
                     calibration_json(&e->calibration), "seconds", e->seconds, "images_per_second",
                     e->images_per_second, "classes", classes_json(e, labels), "confusion",
                     cli_confusion_json(e->confusion, e->class_count));
}

static void print_json(const struct measured *m, const struct weft_network_info *model, const char *dataset,
                       const char *page)
{
    json_t *fields = evaluation_json(m->plain, model->labels);
    json_object_set_new(
        fields, "model",
        json_pack("{s:s,s:s,s:s}", "name", model->name, "version", model->version, "sha256", model->sha256));
    json_object_set_new(fields, "dataset", json_string(dataset));
    json_object_set_new(fields, "threads", json_integer((json_int_t)m->threads));
    json_object_set_new(fields, "labels", cli_labels_json(model->labels, model->class_count));
    json_object_set_new(fields, "with_flip_averaging",
                        m->flipped ? evaluation_json(m->flipped, model->labels) : json_null());
    json_object_set_new(fields, "report", page ? json_string(page) : json_null());
    weft_json_print(stdout, fields);
}

static void print_accuracy(const char *how, const struct weft_evaluation *e)
{
    printf("accuracy           %.2f %%%s (%zu of %zu; 95 %% interval %.2f to %.2f %%)\n", 100 * e->accuracy, how,
           e->correct, e->count, 100 * e->accuracy_low, 100 * e->accuracy_high);
}

static void print_text(const struct measured *m, const struct weft_network_info *model, const char *page)
{
    const struct weft_evaluation *e = m->plain;
    printf("%-20s %8s %10s %8s %8s\n", "class", "images", "precision", "recall", "f1");
    for (size_t c = 0; c < e->class_count; c++) {
        const struct weft_class_score *score = &e->classes[c];
        if (score->support > 0)
            printf("%-20s %8zu %10.4f %8.4f %8.4f\n", model->labels[c], score->support, score->precision, score->recall,
                   score->f1);
    }
    fputc('\n', stdout);
    cli_print_confusion(stdout, e->confusion, e->class_count, model->labels);
    fputc('\n', stdout);
    print_accuracy("", e);
    if (m->flipped)
        print_accuracy(" with flip averaging", m->flipped);
    printf("macro f1           %.4f\n", e->macro_f1);
    printf("log loss           %.4f\n", e->log_loss);
    printf("calibration error  %.4f (expected, over %d bins)\n", e->calibration.expected_error, WEFT_CALIBRATION_BINS);
    printf("throughput         %.0f images/s on %zu thread%s\n", e->images_per_second, m->threads,
           m->threads == 1 ? "" : "s");
    if (page)
        printf("report             %s\n", page);
}

/* The curve of the training: what --history names, or NAME.history.csv beside NAME.onnx where there is one. */
static int read_curve(const struct cli *cli, const char *model, struct weft_curve **curve, struct weft_error *err)
{
    const char *path = cli_option(cli, "history"), *dot = strrchr(model, '.');
    char *beside = NULL;
    int rc = -1;
    *curve = NULL;
    if (!path && !weft_builtin_is(model)) {
        int length = dot && strcmp(dot, ".onnx") == 0 ? (int)(dot - model) : (int)strlen(model);
        if (asprintf(&beside, "%.*s.history.csv", length, model) < 0) {
            beside = NULL;
            weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
            goto out;
        }
        if (access(beside, F_OK) == 0)
            path = beside;
    }
    if (path)
        *curve = weft_curve_read(path, err);
    rc = path && !*curve ? -1 : 0;
out:
    free(beside);
    return rc;
}

/* Fills m, which the caller clears. */
static int measure(const struct cli *cli, const struct weft_network *network, const struct weft_dataset *dataset,
                   struct measured *m, struct weft_error *err)
{
    struct weft_evaluation_options how = {.threads = m->threads, .batch = BATCH};
    m->plain = weft_evaluate(network, dataset, how, err);
    if (!m->plain || !cli_flag(cli, "flip-average"))
        return m->plain ? 0 : -1;
    how.flip_average = true;
    m->flipped = weft_evaluate(network, dataset, how, err);
    return m->flipped ? 0 : -1;
}

static int eval(struct cli *cli, struct weft_error *err)
{
    int status = -1;
    const char *model = cli_argument(cli, 0), *folder = cli_option(cli, "report");
    char *page = NULL;
    int64_t threads, processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct weft_network *network = NULL;
    struct weft_dataset *dataset = NULL;
    struct weft_curve *curve = NULL;
    struct measured m = {0};
    if (processors < 1 || processors > 256)
        processors = 1;
    if (cli_integer(cli, "threads", 1, 256, processors, &threads, err) != 0)
        return -1;
    if (!folder && cli_option(cli, "history"))
        return weft_error_set(err, WEFT_ERROR_USAGE, "--history is drawn into a report: give --report DIR too");
    m.threads = (size_t)threads;
    network = weft_network_load(model, err);
    if (!network)
        goto out;
    dataset = cli_dataset(cli, weft_network_info(network), err);
    if (!dataset || (folder && (read_curve(cli, model, &curve, err) != 0 || weft_report_prepare(folder, err) != 0)))
        goto out;
    if (measure(cli, network, dataset, &m, err) != 0)
        goto out;
    const struct weft_report report = {.model = weft_network_info(network),
                                       .model_path = model,
                                       .dataset = dataset,
                                       .evaluation = m.plain,
                                       .flipped = m.flipped,
                                       .curve = curve,
                                       .threads = m.threads};
    if (folder && weft_report_write(folder, &report, err) != 0)
        goto out;
    if (folder && asprintf(&page, "%s/report.html", folder) < 0) {
        page = NULL;
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto out;
    }
    if (cli_json(cli))
        print_json(&m, report.model, dataset->name, page);
    else
        print_text(&m, report.model, page);
    status = CLI_DONE;
out:
    free(page);
    weft_evaluation_destroy(m.plain);
    weft_evaluation_destroy(m.flipped);
    weft_curve_destroy(curve);
    weft_dataset_destroy(dataset);
    weft_network_destroy(network);
    return status;
}

static const struct cli_option options[] = {
    {'d', "data", "PATH", "labelled images: see docs/models.md for what can be read"},
    CLI_OPTION_PART,
    {0, "flip-average", NULL, "also measure with the probabilities of each image and its mirror image averaged"},
    {'r', "report", "DIR", "write a report into this folder: page, figures, predictions"},
    {0, "history", "FILE", "history.csv of the training, for the report; NAME.history.csv beside NAME.onnx without"},
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
                   "the confusion matrix, how far probabilities can be believed (expected calibration error), and\n"
                   "how many images were scored in a second. All of it is without test-time augmentation;\n"
                   "--flip-average adds the figures with it, named so.\n\n"
                   "--report writes a folder with report.html, which needs no other file, figures (by gnuplot),\n"
                   "pictures of the most confident mistakes, and every prediction as CSV.",
    .example = "weft model eval builtin:fast --data data/fashion-mnist\n"
               "weft model eval my.onnx --data data/fashion-mnist --flip-average --report report",
    .options = options,
    .run = eval,
};
