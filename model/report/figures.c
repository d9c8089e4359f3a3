#include "model/report/figures.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>

enum { NUMBERS_MAX = 20, LABEL_MAX = 20 };

/* Images of the class that were taken for others, and of others that were taken for it. */
static uint64_t mistakes(const struct weft_evaluation *e, size_t class)
{
    uint64_t sum = 0;
    for (size_t k = 0; k < e->class_count; k++)
        if (k != class)
            sum += e->confusion[class * e->class_count + k] + e->confusion[k * e->class_count + class];
    return sum;
}

/* The classes that are shown, in their order: all that occur, or those with the most mistakes. Gives how many. */
static size_t shown_classes(const struct weft_evaluation *e, size_t classes[WEFT_FIGURE_CLASSES_MAX])
{
    size_t count = 0;
    for (size_t c = 0; c < e->class_count; c++) {
        uint64_t own = mistakes(e, c);
        if (own == 0 && e->classes[c].support == 0)
            continue;
        if (count == WEFT_FIGURE_CLASSES_MAX) {
            size_t least = 0;
            for (size_t i = 1; i < count; i++)
                if (mistakes(e, classes[i]) <= mistakes(e, classes[least]))
                    least = i;
            if (mistakes(e, classes[least]) >= own)
                continue;
            for (size_t i = least; i + 1 < count; i++)
                classes[i] = classes[i + 1];
            count--;
        }
        classes[count++] = c;
    }
    return count;
}

static void write_labels(FILE *script, const char *axis, const struct weft_figures *f, const size_t *classes,
                         size_t count, const char *rotate)
{
    fprintf(script, "set %stics scale 0 %s (", axis, rotate);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : "", script);
        weft_plot_text(script, f->labels[classes[i]], LABEL_MAX);
        fprintf(script, " %zu", i);
    }
    fputs(")\n", script);
}

static void draw_confusion(FILE *script, const struct weft_plot_theme *theme, const void *data)
{
    const struct weft_figures *f = data;
    const struct weft_evaluation *e = f->evaluation;
    size_t classes[WEFT_FIGURE_CLASSES_MAX], count = shown_classes(e, classes);
    fputs("$cells << EOD\n", script);
    for (size_t row = 0; row < count; row++) {
        for (size_t column = 0; column < count; column++) {
            uint64_t n = e->confusion[classes[row] * e->class_count + classes[column]];
            size_t support = e->classes[classes[row]].support;
            double share = support > 0 ? (double)n / (double)support : 0;
            fprintf(script, "%zu %zu %.6f %" PRIu64 " %u\n", column, row, share, n,
                    share > 0.4 ? theme->on_high : theme->on_low);
        }
    }
    fputs("EOD\n", script);
    fprintf(script, "set title 'Confusion matrix%s'\nset xlabel 'answered'\nset ylabel 'truth'\n",
            count < e->class_count && count == WEFT_FIGURE_CLASSES_MAX ? ": the classes with the most mistakes" : "");
    write_labels(script, "x", f, classes, count, "rotate by 45 right");
    write_labels(script, "y", f, classes, count, "");
    fprintf(script, "set xrange [-0.5:%zu-0.5]\nset yrange [%zu-0.5:-0.5]\nset rmargin %zu\n", count, count,
            10 + count / 5);
    fprintf(script, "unset key\nunset grid\nunset border\nset palette defined (%s)\n", theme->palette);
    fputs("set cbrange [0:1]\nset colorbox user origin graph 1.025,0 size 0.018,graph 1 noborder\n", script);
    fprintf(script, "set cbtics ('0 %%%%' 0, '50 %%%%' 0.5, '100 %%%%' 1) scale 0 textcolor rgb '%s'\n", theme->muted);
    fprintf(script, "set style fill solid 1 border rgb '%s'\n", theme->surface);
    fputs("plot $cells using 1:2:($1-0.5):($1+0.5):($2-0.5):($2+0.5):3 with boxxyerror linecolor palette", script);
    if (count <= NUMBERS_MAX)
        fprintf(script,
                ", '' using 1:2:($4 > 0 ? sprintf('%%d', $4) : ''):5 with labels font ',%d' textcolor rgb variable",
                count > 10 ? 11 : 14);
    fputc('\n', script);
}

struct weft_plot weft_figure_confusion(const struct weft_figures *figures)
{
    size_t classes[WEFT_FIGURE_CLASSES_MAX], count = shown_classes(figures->evaluation, classes);
    int width = 660 + (count > 10 ? 25 * ((int)count - 10) : 0);
    return (struct weft_plot){"confusion", width, width * 9 / 10, draw_confusion, figures};
}

/* The shown classes that have images, the best found first. Gives how many. */
static size_t classes_by_recall(const struct weft_evaluation *e, size_t classes[WEFT_FIGURE_CLASSES_MAX])
{
    size_t shown = shown_classes(e, classes), count = 0;
    for (size_t i = 0; i < shown; i++) {
        size_t class = classes[i], at = count;
        if (e->classes[class].support == 0)
            continue;
        for (; at > 0 && e->classes[classes[at - 1]].recall < e->classes[class].recall; at--)
            classes[at] = classes[at - 1];
        classes[at] = class;
        count++;
    }
    return count;
}

static void draw_classes(FILE *script, const struct weft_plot_theme *theme, const void *data)
{
    const struct weft_figures *f = data;
    const struct weft_evaluation *e = f->evaluation;
    size_t classes[WEFT_FIGURE_CLASSES_MAX], count = classes_by_recall(e, classes);
    fputs("$classes << EOD\n", script);
    for (size_t i = 0; i < count; i++) {
        /* The number stands in the bar's end, or behind a bar that is too short for it. */
        double recall = 100 * e->classes[classes[i]].recall;
        bool inside = recall >= 12;
        fprintf(script, "%zu %.4f %.4f %u\n", i, recall, inside ? recall : recall + 8,
                inside ? theme->on_high : theme->on_low);
    }
    fputs("EOD\n", script);
    fprintf(script, "set title 'Accuracy of each class%s' offset 0,0.7\n",
            count < e->class_count && count == WEFT_FIGURE_CLASSES_MAX ? ": those with the most mistakes" : "");
    write_labels(script, "y", f, classes, count, "");
    fprintf(script,
            "set yrange [%zu-0.5:-0.5]\nset xrange [0:100]\nset tmargin 4\nset xtics 0,20,100 format '%%.0f %%%%'\n",
            count);
    fprintf(script, "unset key\nset border 0\nset grid noytics xtics\nset style fill solid 1 noborder\n");
    fprintf(script, "set arrow from %.4f, graph 0 to %.4f, graph 1 nohead back linecolor rgb '%s' dashtype 2\n",
            100 * e->accuracy, 100 * e->accuracy, theme->muted);
    fprintf(script, "set label 'all %.2f %%' at %.4f, graph 1 %s offset 0,0.6 textcolor rgb '%s'\n", 100 * e->accuracy,
            100 * e->accuracy, e->accuracy > 0.9 ? "right" : "left", theme->muted);
    fprintf(script,
            "plot $classes using 2:1:(0):2:($1-0.34):($1+0.34) with boxxyerror linecolor rgb '%s', "
            "'' using 3:1:(sprintf('%%.1f', $2)):4 with labels right offset -0.6,0 textcolor rgb variable\n",
            theme->first);
}

struct weft_plot weft_figure_classes(const struct weft_figures *figures)
{
    size_t classes[WEFT_FIGURE_CLASSES_MAX], count = classes_by_recall(figures->evaluation, classes);
    return (struct weft_plot){"classes", 660, 120 + 32 * (int)count, draw_classes, figures};
}

static void draw_reliability(FILE *script, const struct weft_plot_theme *theme, const void *data)
{
    const struct weft_figures *f = data;
    const struct weft_evaluation *e = f->evaluation;
    const double width = 1.0 / WEFT_CALIBRATION_BINS;
    fputs("$bins << EOD\n", script);
    for (size_t b = 0; b < WEFT_CALIBRATION_BINS; b++) {
        const struct weft_calibration_bin *bin = &e->calibration.bins[b];
        if (bin->count > 0)
            fprintf(script, "%.6f %.6f %.6f %.6f\n", ((double)b + 0.5) * width, bin->accuracy, bin->confidence,
                    100 * (double)bin->count / (double)e->count);
    }
    fputs("EOD\n", script);
    fputs("set multiplot\nset xrange [0:1]\nset lmargin at screen 0.13\nset rmargin at screen 0.96\n"
          "set style fill solid 1 noborder\nset border 3\n",
          script);
    fprintf(script, "w = %.6f\n", 0.46 * width);
    fputs("set tmargin at screen 0.85\nset bmargin at screen 0.36\nset yrange [0:1]\nset xtics 0.2 format ''\n"
          "set ytics 0.2 format '%.1f'\nset ylabel 'share that is right'\n"
          "set key at graph 0.5,1.06 center center horizontal maxrows 1 Left reverse samplen 2 width 1\n",
          script);
    fprintf(script, "set title 'Reliability: expected calibration error %.4f' offset 0,1.7\n",
            e->calibration.expected_error);
    fprintf(script,
            "plot $bins using 1:2:($1-w):($1+w):(0):2 with boxxyerror linecolor rgb '%s' title 'share that is right', "
            "'' using ($1-w):3:(2*w):(0) with vectors nohead linecolor rgb '%s' linewidth 3 title 'mean confidence', "
            "x with lines linecolor rgb '%s' linewidth 1.5 dashtype 2 notitle\n",
            theme->first, theme->second, theme->muted);
    fputs(
        "unset title\nset tmargin at screen 0.3\nset bmargin at screen 0.12\nset yrange [0:100]\nset ytics 0,50 format "
        "'%.0f %%'\nset ytics nomirror\nset xtics 0.2 format '%.1f'\nset xlabel 'confidence of the answer'\nset "
        "ylabel 'answers'\nunset key\n",
        script);
    fprintf(script, "plot $bins using 1:4:($1-w):($1+w):(0):4 with boxxyerror linecolor rgb '%s'\n", theme->muted);
}

struct weft_plot weft_figure_reliability(const struct weft_figures *figures)
{
    return (struct weft_plot){"reliability", 660, 594, draw_reliability, figures};
}

static bool has(const struct weft_curve *curve, double (*value)(const struct weft_curve_point *point))
{
    for (size_t i = 0; i < curve->count; i++)
        if (isfinite(value(&curve->points[i])))
            return true;
    return false;
}

static double loss(const struct weft_curve_point *p)
{
    return p->loss;
}

static double validation_loss(const struct weft_curve_point *p)
{
    return p->validation_loss;
}

static double train_accuracy(const struct weft_curve_point *p)
{
    return 100 * p->train_accuracy;
}

static double validation_accuracy(const struct weft_curve_point *p)
{
    return 100 * p->validation_accuracy;
}

/* Draws one of the two lines of a panel, where there is anything to draw; column 1 is the epoch. */
static const char *line(FILE *script, const char *before, bool present, int column, const char *colour,
                        const char *title)
{
    if (!present)
        return before;
    fprintf(script, "%s$epochs using 1:%d with lines linewidth 2.2 linecolor rgb '%s' title '%s'", before, column,
            colour, title);
    return ", ";
}

static void draw_panel(FILE *script, const struct weft_plot_theme *theme, bool first, bool second, int column)
{
    if (!first && !second)
        return;
    const char *between = line(script, "plot ", first, column, theme->second, "training");
    line(script, between, second, column + 1, theme->first, "validation");
    fputc('\n', script);
}

static void draw_history(FILE *script, const struct weft_plot_theme *theme, const void *data)
{
    const struct weft_curve *curve = ((const struct weft_figures *)data)->curve;
    size_t best = 0;
    bool validated = has(curve, validation_accuracy);
    fputs("$epochs << EOD\n", script);
    for (size_t i = 0; i < curve->count; i++) {
        const struct weft_curve_point *p = &curve->points[i];
        fprintf(script, "%.0f %.9g %.9g %.9g %.9g\n", p->epoch, loss(p), validation_loss(p), train_accuracy(p),
                validation_accuracy(p));
        double highest = validation_accuracy(&curve->points[best]);
        if (isfinite(validation_accuracy(p)) && (!isfinite(highest) || validation_accuracy(p) > highest))
            best = i;
    }
    fputs("EOD\nset datafile missing 'nan'\nset multiplot layout 1,2 margins 0.07,0.98,0.14,0.88 spacing 0.1,0\n"
          "set xlabel 'epoch'\nset border 3\nset key top right\nset title 'Loss'\nset yrange [0:*]\n",
          script);
    draw_panel(script, theme, has(curve, loss), has(curve, validation_loss), 2);
    fputs("set key bottom right\nset title 'Accuracy'\nset yrange [*:100]\nset format y '%.0f %%'\n", script);
    if (validated) {
        const struct weft_curve_point *p = &curve->points[best];
        fprintf(script,
                "set label 1 '%.2f %% in epoch %.0f' at %.9g,%.9g right offset -1,1 textcolor rgb '%s' "
                "point pointtype 7 pointsize 0.8 linecolor rgb '%s' front\n",
                validation_accuracy(p), p->epoch, p->epoch, validation_accuracy(p), theme->first, theme->first);
    }
    draw_panel(script, theme, has(curve, train_accuracy), validated, 4);
}

struct weft_plot weft_figure_history(const struct weft_figures *figures)
{
    return (struct weft_plot){"history", 1080, 460, draw_history, figures};
}
