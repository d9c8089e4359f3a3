/* The report of an evaluation, as a folder:
 *
 *     report.html          all of it in one page that needs no other file
 *     figures/NAME.png     confusion, classes, reliability and, with a history, history; also NAME.svg, NAME-dark.svg
 *     mistakes/NN.png      the mistakes that the model was most sure of
 *     predictions.csv      truth, answer and probabilities of every image
 *
 *     if (weft_report_prepare("report", &err) == 0) { ...evaluate... weft_report_write("report", &report, &err); }
 */
#ifndef WEFT_MODEL_REPORT_REPORT_H
#define WEFT_MODEL_REPORT_REPORT_H

#include "model/evaluation.h"
#include "model/report/curve.h"

enum { WEFT_REPORT_MISTAKES = 24 };

/* What it is made of; all of it borrowed. */
struct weft_report {
    const struct weft_network_info *model;
    const char *model_path;
    const struct weft_dataset *dataset;
    const struct weft_evaluation *evaluation; /* without test-time augmentation: the figures are about this one */
    const struct weft_evaluation *flipped;    /* with flip averaging; NULL: not measured */
    const struct weft_curve *curve;           /* of the training; NULL: not known */
    size_t threads;
};

/* Makes the folder, where it is not there, and finds out whether a report can be written into it: to be called before
 * long work. */
int weft_report_prepare(const char *folder, struct weft_error *err);

/* Writes all files, over those of an earlier report; the page last, so that a new page is a whole report. */
int weft_report_write(const char *folder, const struct weft_report *report, struct weft_error *err);

#endif
