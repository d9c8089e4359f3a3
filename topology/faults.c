#include "topology/faults.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void weft_faults_add(struct weft_faults *faults, int line, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    struct weft_fault *list = length < 0 ? NULL : realloc(faults->list, (faults->count + 1) * sizeof *list);
    if (!list) {
        if (length >= 0)
            free(text);
        faults->incomplete = true;
        return;
    }
    for (char *p = text; *p; p++)
        if (iscntrl((unsigned char)*p))
            *p = '?';
    faults->list = list;
    faults->list[faults->count++] = (struct weft_fault){line, text};
}

void weft_faults_sort(struct weft_faults *faults)
{
    /* Insertion keeps those of one line in the order in which they were found. */
    for (size_t i = 1; i < faults->count; i++) {
        struct weft_fault fault = faults->list[i];
        size_t at = i;
        for (; at > 0 && faults->list[at - 1].line > fault.line; at--)
            faults->list[at] = faults->list[at - 1];
        faults->list[at] = fault;
    }
}

int weft_faults_report(const struct weft_faults *faults, const char *path, struct weft_error *err)
{
    char line[16] = "", more[32] = "";
    if (faults->incomplete)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    if (!faults->count)
        return 0;
    if (faults->list[0].line)
        snprintf(line, sizeof line, ":%d", faults->list[0].line);
    if (faults->count > 1)
        snprintf(more, sizeof more, " (and %zu more)", faults->count - 1);
    return weft_error_set(err, WEFT_ERROR_CONFIG, "%s%s: %s%s", path, line, faults->list[0].text, more);
}

void weft_faults_clear(struct weft_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        free(faults->list[i].text);
    free(faults->list);
    *faults = (struct weft_faults){0};
}
