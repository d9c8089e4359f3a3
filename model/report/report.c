#include "model/report/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "model/report/figures.h"
#include "model/report/mistakes.h"
#include "model/report/page.h"

enum { PATH_SIZE = 4096 };

static int make_folder(const char *folder, const char *name, char path[PATH_SIZE], struct weft_error *err)
{
    struct stat about;
    if (snprintf(path, PATH_SIZE, "%s%s", folder, name) >= PATH_SIZE - 32)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "report %s: the path is too long", folder);
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && stat(path, &about) == 0 && S_ISDIR(about.st_mode)))
        return 0;
    return weft_error_set(err, errno == EACCES || errno == EROFS ? WEFT_ERROR_REFUSED : WEFT_ERROR_CONFIG,
                          "report: the folder %s cannot be made: %s", path,
                          errno == EEXIST ? "there is a file of this name" : strerror(errno));
}

int weft_report_prepare(const char *folder, struct weft_error *err)
{
    char path[PATH_SIZE];
    if (weft_plot_check(err) != 0 || make_folder(folder, "", path, err) != 0 ||
        make_folder(folder, "/figures", path, err) != 0 || make_folder(folder, "/mistakes", path, err) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/report.html", folder);
    return weft_atomic_file_check(path, err);
}

/* A field of CSV by RFC 4180. */
static void write_field(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void write_predictions(FILE *out, const struct weft_report *report)
{
    const struct weft_evaluation *plain = report->evaluation, *flipped = report->flipped;
    const char *const *labels = report->model->labels;
    fprintf(out, "index,truth,truth_class,answer,answer_class,correct,confidence,truth_probability%s\n",
            flipped ? ",flip_answer,flip_confidence,flip_truth_probability" : "");
    for (size_t i = 0; i < plain->count; i++) {
        const struct weft_prediction *p = &plain->predictions[i];
        fprintf(out, "%zu,%d,", i, p->truth);
        write_field(out, labels[p->truth]);
        fprintf(out, ",%d,", p->answer);
        write_field(out, labels[p->answer]);
        fprintf(out, ",%d,%.6f,%.6f", p->truth == p->answer, (double)p->confidence, (double)p->truth_probability);
        if (flipped) {
            const struct weft_prediction *f = &flipped->predictions[i];
            fprintf(out, ",%d,%.6f,%.6f", f->answer, (double)f->confidence, (double)f->truth_probability);
        }
        fputc('\n', out);
    }
}

static int write_figures(const char *folder, const struct weft_report *report, struct weft_error *err)
{
    char path[PATH_SIZE];
    const struct weft_figures figures = {report->evaluation, report->model->labels, report->curve};
    enum { HISTORY = 3 };
    const struct weft_plot plots[] = {weft_figure_confusion(&figures), weft_figure_classes(&figures),
                                      weft_figure_reliability(&figures), weft_figure_history(&figures)};
    snprintf(path, sizeof path, "%s/figures", folder);
    for (size_t i = 0; i < sizeof plots / sizeof *plots; i++) {
        if (i == HISTORY && !report->curve)
            weft_plot_remove(&plots[i], path); /* of an earlier report */
        else if (weft_plot_draw(&plots[i], path, err) != 0)
            return -1;
    }
    return 0;
}

/* Those of an earlier report that had more of them go away. */
static int write_mistakes(const char *folder, const struct weft_report *report, const size_t *indices, size_t count,
                          struct weft_error *err)
{
    char path[PATH_SIZE];
    const struct weft_dataset *dataset = report->dataset;
    for (size_t i = 0; i < WEFT_REPORT_MISTAKES; i++) {
        size_t size;
        snprintf(path, sizeof path, "%s/" WEFT_PAGE_MISTAKE, folder, i + 1);
        if (i >= count) {
            unlink(path);
            continue;
        }
        uint8_t *png = weft_mistake_png(weft_dataset_image(dataset, indices[i]), dataset->channels, dataset->height,
                                        dataset->width, &size, err);
        int rc = png ? weft_atomic_file_write(path, png, size, err) : -1;
        free(png);
        if (rc != 0)
            return -1;
    }
    return 0;
}

/* Gives the stream's text its place in the folder, whole or not at all. */
static int keep(FILE *out, char *const *text, const size_t *size, const char *folder, const char *name,
                struct weft_error *err)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    bool short_of_memory = ferror(out);
    if (fflush(out) != 0 || short_of_memory)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for %s", path);
    return weft_atomic_file_write(path, *text, *size, err);
}

int weft_report_write(const char *folder, const struct weft_report *report, struct weft_error *err)
{
    size_t mistakes[WEFT_REPORT_MISTAKES], table_size = 0, page_size = 0;
    size_t count = weft_mistakes_find(report->evaluation, mistakes, WEFT_REPORT_MISTAKES);
    char *table_text = NULL, *page_text = NULL;
    FILE *table = open_memstream(&table_text, &table_size), *page = open_memstream(&page_text, &page_size);
    int rc = -1;
    if (!table || !page) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory");
        goto out;
    }
    write_predictions(table, report);
    if (keep(table, &table_text, &table_size, folder, "predictions.csv", err) != 0 ||
        write_figures(folder, report, err) != 0 || write_mistakes(folder, report, mistakes, count, err) != 0 ||
        weft_page_write(page, folder, report, mistakes, count, err) != 0 ||
        keep(page, &page_text, &page_size, folder, "report.html", err) != 0)
        goto out;
    rc = 0;
out:
    if (rc != 0)
        weft_error_prefix(err, "report %s", folder);
    if (table)
        fclose(table);
    if (page)
        fclose(page);
    free(table_text);
    free(page_text);
    return rc;
}
