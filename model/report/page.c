#include "model/report/page.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/html.h"
#include "base/text_file.h"

enum { PAIR_CLASSES_MAX = 14 /* with more of them the confusion matrix needs the page's width */ };

/* A file of the folder as a data URI. */
static int embed(FILE *out, const char *folder, const char *name, const char *type, struct weft_error *err)
{
    char path[4096];
    size_t size;
    int rc = -1;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    char *bytes = weft_text_file_read(path, &size, err);
    unsigned char *text = bytes ? malloc((size + 2) / 3 * 4 + 1) : NULL;
    if (text) {
        EVP_EncodeBlock(text, (const unsigned char *)bytes, (int)size);
        fprintf(out, "data:%s;base64,%s", type, (const char *)text);
        rc = 0;
    } else if (bytes) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for %s", path);
    }
    free(text);
    free(bytes);
    return rc;
}

static int write_figure(FILE *out, const char *folder, const char *name, const char *alternative, const char *caption,
                        bool broad, struct weft_error *err)
{
    char file[64];
    fprintf(out, "<figure%s>", broad ? " class=\"broad\"" : "");
    fputs("<picture><source media=\"(prefers-color-scheme: dark)\" srcset=\"", out);
    snprintf(file, sizeof file, "figures/%s-dark.svg", name);
    if (embed(out, folder, file, "image/svg+xml", err) != 0)
        return -1;
    fputs("\"><img src=\"", out);
    snprintf(file, sizeof file, "figures/%s.svg", name);
    if (embed(out, folder, file, "image/svg+xml", err) != 0)
        return -1;
    fprintf(out,
            "\" alt=\"%s\"></picture><figcaption>%s <a href=\"figures/%s.png\">PNG</a> · "
            "<a href=\"figures/%s.svg\">SVG</a></figcaption></figure>\n",
            alternative, caption, name, name);
    return 0;
}

static void write_accuracy(FILE *out, const struct weft_evaluation *e, const char *what)
{
    char value[32], more[128];
    snprintf(value, sizeof value, "%.2f %%", 100 * e->accuracy);
    snprintf(more, sizeof more, "%zu of %zu images; 95 %% interval %.2f to %.2f %%", e->correct, e->count,
             100 * e->accuracy_low, 100 * e->accuracy_high);
    weft_html_card(out, value, what, more);
}

static void write_cards(FILE *out, const struct weft_report *report)
{
    const struct weft_evaluation *e = report->evaluation;
    char value[32], more[128];
    fputs("<div class=\"cards\">\n", out);
    write_accuracy(out, e, report->flipped ? "accuracy, without flip averaging" : "accuracy");
    if (report->flipped)
        write_accuracy(out, report->flipped, "accuracy, with flip averaging");
    snprintf(value, sizeof value, "%.4f", e->macro_f1);
    weft_html_card(out, value, "macro F1", "mean of the classes' F1");
    snprintf(value, sizeof value, "%.4f", e->log_loss);
    weft_html_card(out, value, "log loss", "mean of −ln of the truth's probability");
    snprintf(value, sizeof value, "%.4f", e->calibration.expected_error);
    snprintf(more, sizeof more, "expected, over %d bins of confidence", WEFT_CALIBRATION_BINS);
    weft_html_card(out, value, "calibration error", more);
    snprintf(value, sizeof value, "%.0f/s", e->images_per_second);
    snprintf(more, sizeof more, "on %zu thread%s of the machine it ran on", report->threads,
             report->threads == 1 ? "" : "s");
    weft_html_card(out, value, "images scored", more);
    fputs("</div>\n", out);
}

static void write_classes(FILE *out, const struct weft_report *report)
{
    const struct weft_evaluation *e = report->evaluation;
    fputs("<div "
          "class=\"wide\"><table><tr><th>class</th><th>images</th><th>precision</th><th>recall</th><th>F1</th></tr>\n",
          out);
    for (size_t c = 0; c < e->class_count; c++) {
        const struct weft_class_score *score = &e->classes[c];
        if (score->support == 0)
            continue;
        fputs("<tr><td>", out);
        weft_html_text(out, report->model->labels[c]);
        fprintf(out, "</td><td>%zu</td><td>%.4f</td><td>%.4f</td><td>%.4f</td></tr>\n", score->support,
                score->precision, score->recall, score->f1);
    }
    fputs("</table></div>\n", out);
}

static int write_mistakes(FILE *out, const char *folder, const struct weft_report *report, const size_t *mistakes,
                          size_t count, struct weft_error *err)
{
    char file[64];
    fprintf(out, "<h2>Most confident mistakes</h2>\n");
    if (count == 0) {
        fputs("<p>There are none: every answer is right.</p>\n", out);
        return 0;
    }
    fprintf(out,
            "<p class=\"muted\">The %zu wrong answers that the model was surest of, of %zu: <span class=\"truth\">what "
            "the image is labelled</span>, <span class=\"answer\">what was answered</span>, with its "
            "probability.</p>\n<div class=\"mistakes\">\n",
            count, report->evaluation->count - report->evaluation->correct);
    for (size_t i = 0; i < count; i++) {
        const struct weft_prediction *p = &report->evaluation->predictions[mistakes[i]];
        fputs("<figure><img alt=\"\" src=\"", out);
        snprintf(file, sizeof file, WEFT_PAGE_MISTAKE, i + 1);
        if (embed(out, folder, file, "image/png", err) != 0)
            return -1;
        fputs("\"><figcaption><span class=\"truth\">", out);
        weft_html_text(out, report->model->labels[p->truth]);
        fputs("</span><br><span class=\"answer\">", out);
        weft_html_text(out, report->model->labels[p->answer]);
        fprintf(out, "</span><br>%.1f %%<br>image %zu</figcaption></figure>\n", 100 * (double)p->confidence,
                mistakes[i]);
    }
    fputs("</div>\n", out);
    return 0;
}

static void write_facts(FILE *out, const struct weft_report *report, const char *date)
{
    const struct weft_network_info *model = report->model;
    char text[128];
    fputs("<h2>What was measured</h2>\n<div class=\"wide\"><table class=\"facts\">\n", out);
    weft_html_fact(out, "Model", model->name);
    if (model->version[0])
        weft_html_fact(out, "Version", model->version);
    weft_html_fact(out, "File", report->model_path);
    weft_html_fact(out, "SHA-256", model->sha256);
    snprintf(text, sizeof text, "%zu, %" PRIu64 " multiply-adds an image", model->parameter_count,
             model->multiply_adds);
    weft_html_fact(out, "Parameters", text);
    snprintf(text, sizeof text, "%zu × %zu × %zu (channels, height, width)", model->channels, model->height,
             model->width);
    weft_html_fact(out, "Input", text);
    if (model->dataset[0])
        weft_html_fact(out, "Trained on", model->dataset);
    snprintf(text, sizeof text, "%zu images of %zu classes", report->evaluation->count, model->class_count);
    weft_html_fact(out, "Data set", report->dataset->name);
    weft_html_fact(out, "Images", text);
    weft_html_fact(out, "Test-time augmentation",
                   report->flipped
                       ? "none, but for the figure named “with flip averaging”: there the probabilities of each "
                         "image and of its mirror image are averaged"
                       : "none");
    snprintf(text, sizeof text, "once, on %s, by weft " WEFT_VERSION, date);
    weft_html_fact(out, "Measured", text);
    fputs("</table></div>\n", out);
}

int weft_page_write(FILE *out, const char *folder, const struct weft_report *report, const size_t *mistakes,
                    size_t mistake_count, struct weft_error *err)
{
    static const char pair[] = " class=\"pair\"";
    char date[64], title[256];
    const time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &utc);

    snprintf(title, sizeof title, "%s: evaluation", report->model->name);
    weft_html_begin(out, title);
    fputs("<h1>", out);
    weft_html_text(out, report->model->name);
    if (report->model->version[0]) {
        fputs(" <span class=\"muted\">", out);
        weft_html_text(out, report->model->version);
        fputs("</span>", out);
    }
    fputs("</h1>\n<p class=\"muted\">Evaluated on ", out);
    weft_html_text(out, report->dataset->name);
    fprintf(out, ", %s</p>\n", date);
    write_cards(out, report);

    const bool many = report->model->class_count > PAIR_CLASSES_MAX;
    fprintf(out, "<h2>Answers</h2>\n<div%s><div>", many ? "" : pair);
    if (write_figure(out, folder, "confusion", "Confusion matrix",
                     "Each row is a class, each number how many of its images were given the column's answer; the "
                     "colour is the share of the row.",
                     many, err) != 0)
        return -1;
    fprintf(out, "</div>%s<div>", many ? "</div><div class=\"pair\">" : "");
    if (write_figure(out, folder, "reliability", "Reliability diagram",
                     "Of the answers given with a certain confidence the share that is right, and how many of all "
                     "answers they are.",
                     false, err) != 0)
        return -1;
    fprintf(out, "</div></div>\n<h2>Classes</h2>\n<div%s><div>", pair);
    if (write_figure(out, folder, "classes", "Accuracy of each class",
                     "Of the images of a class, the share that was found (recall).", false, err) != 0)
        return -1;
    fputs("</div><div>", out);
    write_classes(out, report);
    fputs("</div></div>\n", out);
    if (report->curve) {
        fputs("<h2>Training</h2>\n", out);
        if (write_figure(out, folder, "history", "Training history",
                         "Loss and accuracy over the epochs; in training they are of augmented images, where the "
                         "recipe has any.",
                         true, err) != 0)
            return -1;
    }
    if (write_mistakes(out, folder, report, mistakes, mistake_count, err) != 0)
        return -1;
    write_facts(out, report, date);
    fputs("<p>Beside this page: <a href=\"predictions.csv\">predictions.csv</a> with the answer to every image, the "
          "<a href=\"figures/\">figures</a> as SVG and PNG, and the <a href=\"mistakes/\">pictures</a>.</p>\n",
          out);
    weft_html_end(out);
    return 0;
}
