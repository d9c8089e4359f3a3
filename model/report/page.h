/* The page of a report: one HTML file with its figures inside, which needs nothing from outside. */
#ifndef WEFT_MODEL_REPORT_PAGE_H
#define WEFT_MODEL_REPORT_PAGE_H

#include <stdio.h>

#include "model/report/report.h"

/* Where in the folder the picture of a mistake lies, counted from 1. */
#define WEFT_PAGE_MISTAKE "mistakes/%02zu.png"

/* Writes the page; figures and pictures are read from the folder, where they are already. mistakes are indices of
 * predictions. */
int weft_page_write(FILE *out, const char *folder, const struct weft_report *report, const size_t *mistakes,
                    size_t mistake_count, struct weft_error *err);

#endif
