/* Figures drawn by gnuplot, which runs as a child process: each as SVG for light and for dark ground, and as PNG. */
#ifndef WEFT_MODEL_REPORT_PLOT_H
#define WEFT_MODEL_REPORT_PLOT_H

#include <stdio.h>

#include "base/error.h"

/* Colours that people with any colour vision tell apart (Okabe and Ito, 2008), as gnuplot writes them. */
struct weft_plot_theme {
    const char *ink, *muted, *grid;    /* text, what is beside the point, lines behind the data */
    const char *first, *second;        /* the two series */
    const char *surface;               /* what the figure stands on */
    const char *palette_low, *palette; /* colour of 0, and gnuplot's palette from 0 to 1 */
    unsigned on_low, on_high;          /* text on the lower and on the upper half of the palette */
};

struct weft_plot {
    const char *name;  /* of the files, without ending: letters, digits and dashes */
    int width, height; /* pixels of the SVG; the PNG has twice as many each way */
    /* Writes gnuplot commands. Text from outside goes through weft_plot_text. */
    void (*draw)(FILE *script, const struct weft_plot_theme *theme, const void *data);
    const void *data;
};

/* WEFT_ERROR_CONFIG says what to install where there is no gnuplot. */
int weft_plot_check(struct weft_error *err);

/* Draws NAME.svg, NAME-dark.svg and NAME.png into the folder: all of them, or on failure none. */
int weft_plot_draw(const struct weft_plot *plot, const char *folder, struct weft_error *err);

/* Removes them, where they are. */
void weft_plot_remove(const struct weft_plot *plot, const char *folder);

/* Writes text as a string of gnuplot's, quotes included, cut after max characters; nothing in it is a command. */
void weft_plot_text(FILE *script, const char *text, size_t max);

#endif
