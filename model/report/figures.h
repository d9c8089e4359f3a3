/* The figures of an evaluation: what is drawn in each. */
#ifndef WEFT_MODEL_REPORT_FIGURES_H
#define WEFT_MODEL_REPORT_FIGURES_H

#include "model/evaluation.h"
#include "model/report/curve.h"
#include "model/report/plot.h"

enum { WEFT_FIGURE_CLASSES_MAX = 40 }; /* of more classes, those with the most mistakes are shown */

struct weft_figures {
    const struct weft_evaluation *evaluation;
    const char *const *labels;      /* a name for each class */
    const struct weft_curve *curve; /* NULL: there is no history */
};

/* Each gives a plot whose data is *figures, which must stay as long. */
struct weft_plot weft_figure_confusion(const struct weft_figures *figures);
struct weft_plot weft_figure_classes(const struct weft_figures *figures);
struct weft_plot weft_figure_reliability(const struct weft_figures *figures);
struct weft_plot weft_figure_history(const struct weft_figures *figures); /* with a curve only */

#endif
