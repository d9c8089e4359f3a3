/* What is wrong with a topology file: everything that can be found at once, each with its line. */
#ifndef WEFT_TOPOLOGY_FAULTS_H
#define WEFT_TOPOLOGY_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct weft_fault {
    int line; /* 0: of the file as a whole */
    char *text;
};

/* All zero to begin with; for reading only. */
struct weft_faults {
    struct weft_fault *list;
    size_t count;
    bool incomplete; /* memory was short: what is not in the list may be wrong as well */
};

/* Control characters, which a value quoted from the file may have, become '?': a fault is one line. */
void weft_faults_add(struct weft_faults *faults, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void weft_faults_sort(struct weft_faults *faults); /* by line */

/* Fills *err with the first fault, "PATH:LINE: ...", and how many more there are; -1. 0 when there are none. */
int weft_faults_report(const struct weft_faults *faults, const char *path, struct weft_error *err);

void weft_faults_clear(struct weft_faults *faults);

#endif
