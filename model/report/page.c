#include "model/report/page.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text_file.h"

enum { PAIR_CLASSES_MAX = 14 /* with more of them the confusion matrix needs the page's width */ };

/* Colours as in the figures (plot.c). The policy lets the page load nothing at all. */
static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
    "'unsafe-inline'\">\n";

static const char style[] =
    "<style>\n"
    ":root{--page:#f6f7f9;--card:#fff;--ink:#1f2937;--muted:#5b6472;--line:#e2e6ec;--link:#005a8f;--bad:#b34700;"
    "--good:#005a8f}\n"
    "@media(prefers-color-scheme:dark){:root{--page:#0d1117;--card:#161b22;--ink:#e5e7eb;--muted:#9ca3af;"
    "--line:#2b333d;--link:#79c0ff;--bad:#f0a35e;--good:#79c0ff}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,'Segoe "
    "UI',Roboto,'DejaVu Sans',sans-serif}\n"
    "main{max-width:1120px;margin:0 auto;padding:32px 20px 56px}\n"
    "h1{font-size:1.9rem;line-height:1.2;margin:0 0 4px;overflow-wrap:anywhere}\n"
    "h2{font-size:1.2rem;margin:40px 0 12px}\n"
    "p{margin:0 0 12px}a{color:var(--link)}.muted{color:var(--muted)}\n"
    ".cards{display:grid;grid-template-columns:repeat(2,1fr);gap:12px;margin:24px 0 0}\n"
    "@media(min-width:760px){.cards{grid-template-columns:repeat(3,1fr)}}\n"
    ".card,figure,.wide{background:var(--card);border:1px solid var(--line);border-radius:10px}\n"
    ".card{padding:14px 16px}.card b{display:block;font-size:1.65rem;line-height:1.25;font-weight:650;"
    "font-variant-numeric:tabular-nums}\n"
    ".card span{display:block;color:var(--muted);font-size:.85rem;line-height:1.35}\n"
    ".pair{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(440px,100%),1fr));gap:0 16px}\n"
    "figure{margin:0 0 16px;padding:12px}figure img{display:block;width:100%;height:auto}\n"
    ".broad{overflow-x:auto}.broad img{min-width:720px}\n"
    "figcaption{color:var(--muted);font-size:.85rem;padding:8px 4px 0}\n"
    ".wide{overflow-x:auto;margin-bottom:16px}table{border-collapse:collapse;width:100%;"
    "font-variant-numeric:tabular-nums}\n"
    "th,td{padding:5px 14px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}\n"
    "th{color:var(--muted);font-weight:600;font-size:.85rem}tr:last-child td,tr:last-child th{border-bottom:0}\n"
    "td:first-child{white-space:normal;overflow-wrap:anywhere;min-width:8em}\n"
    "th:first-child,td:first-child,.facts td{text-align:left}.facts td{white-space:normal;overflow-wrap:anywhere}\n"
    ".facts th{width:1%}\n"
    ".mistakes{display:grid;grid-template-columns:repeat(auto-fill,minmax(118px,1fr));gap:12px}\n"
    ".mistakes figure{margin:0;padding:10px;text-align:center}\n"
    ".mistakes img{width:112px;max-width:100%;margin:0 auto;image-rendering:pixelated;border-radius:4px}\n"
    ".mistakes figcaption{padding-top:8px;line-height:1.35;overflow-wrap:anywhere}\n"
    ".truth{color:var(--good);font-weight:600}.answer{color:var(--bad);font-weight:600}\n"
    "</style>\n";

static void write_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        switch (c) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        default: fputc(c < 0x20 || c == 0x7f ? ' ' : c, out);
        }
    }
}

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

static void write_card(FILE *out, const char *value, const char *what, const char *more)
{
    fprintf(out, "<div class=\"card\"><b>%s</b>%s<span>%s</span></div>\n", value, what, more);
}

static void write_accuracy(FILE *out, const struct weft_evaluation *e, const char *what)
{
    char value[32], more[128];
    snprintf(value, sizeof value, "%.2f %%", 100 * e->accuracy);
    snprintf(more, sizeof more, "%zu of %zu images; 95 %% interval %.2f to %.2f %%", e->correct, e->count,
             100 * e->accuracy_low, 100 * e->accuracy_high);
    write_card(out, value, what, more);
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
    write_card(out, value, "macro F1", "mean of the classes' F1");
    snprintf(value, sizeof value, "%.4f", e->log_loss);
    write_card(out, value, "log loss", "mean of −ln of the truth's probability");
    snprintf(value, sizeof value, "%.4f", e->calibration.expected_error);
    snprintf(more, sizeof more, "expected, over %d bins of confidence", WEFT_CALIBRATION_BINS);
    write_card(out, value, "calibration error", more);
    snprintf(value, sizeof value, "%.0f/s", e->images_per_second);
    snprintf(more, sizeof more, "on %zu thread%s of the machine it ran on", report->threads,
             report->threads == 1 ? "" : "s");
    write_card(out, value, "images scored", more);
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
        write_text(out, report->model->labels[c]);
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
        write_text(out, report->model->labels[p->truth]);
        fputs("</span><br><span class=\"answer\">", out);
        write_text(out, report->model->labels[p->answer]);
        fprintf(out, "</span><br>%.1f %%<br>image %zu</figcaption></figure>\n", 100 * (double)p->confidence,
                mistakes[i]);
    }
    fputs("</div>\n", out);
    return 0;
}

static void write_fact(FILE *out, const char *name, const char *value)
{
    fprintf(out, "<tr><th>%s</th><td>", name);
    write_text(out, value);
    fputs("</td></tr>\n", out);
}

static void write_facts(FILE *out, const struct weft_report *report, const char *date)
{
    const struct weft_network_info *model = report->model;
    char text[128];
    fputs("<h2>What was measured</h2>\n<div class=\"wide\"><table class=\"facts\">\n", out);
    write_fact(out, "Model", model->name);
    if (model->version[0])
        write_fact(out, "Version", model->version);
    write_fact(out, "File", report->model_path);
    write_fact(out, "SHA-256", model->sha256);
    snprintf(text, sizeof text, "%zu, %" PRIu64 " multiply-adds an image", model->parameter_count,
             model->multiply_adds);
    write_fact(out, "Parameters", text);
    snprintf(text, sizeof text, "%zu × %zu × %zu (channels, height, width)", model->channels, model->height,
             model->width);
    write_fact(out, "Input", text);
    if (model->dataset[0])
        write_fact(out, "Trained on", model->dataset);
    snprintf(text, sizeof text, "%zu images of %zu classes", report->evaluation->count, model->class_count);
    write_fact(out, "Data set", report->dataset->name);
    write_fact(out, "Images", text);
    write_fact(out, "Test-time augmentation",
               report->flipped
                   ? "none, but for the figure named “with flip averaging”: there the probabilities of each "
                     "image and of its mirror image are averaged"
                   : "none");
    snprintf(text, sizeof text, "once, on %s, by weft " WEFT_VERSION, date);
    write_fact(out, "Measured", text);
    fputs("</table></div>\n", out);
}

int weft_page_write(FILE *out, const char *folder, const struct weft_report *report, const size_t *mistakes,
                    size_t mistake_count, struct weft_error *err)
{
    static const char pair[] = " class=\"pair\"";
    char date[64];
    const time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &utc);

    fputs(head, out);
    fputs("<title>", out);
    write_text(out, report->model->name);
    fputs(": evaluation</title>\n", out);
    fputs(style, out);
    fputs("</head>\n<body>\n<main>\n<h1>", out);
    write_text(out, report->model->name);
    if (report->model->version[0]) {
        fputs(" <span class=\"muted\">", out);
        write_text(out, report->model->version);
        fputs("</span>", out);
    }
    fputs("</h1>\n<p class=\"muted\">Evaluated on ", out);
    write_text(out, report->dataset->name);
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
          "<a href=\"figures/\">figures</a> as SVG and PNG, and the <a href=\"mistakes/\">pictures</a>.</p>\n"
          "</main>\n</body>\n</html>\n",
          out);
    return 0;
}
