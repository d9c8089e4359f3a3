/* Another program, run to its end, and what it prints. */
#ifndef WEFT_BASE_PROGRAM_H
#define WEFT_BASE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* The path of a program that stands beside the running one or, if it does not, on PATH. False when it is nowhere. */
bool weft_program_find(const char *name, char *path, size_t size);

/* Runs argv[0], a path, with nothing on its standard input and its diagnostics among those of the caller, and calls
 * line for each line that it prints, without its end, until that gives -1 with *err filled. environment is one as
 * environ. Gives the exit status, 128 and the signal's number where a signal ended it, or -1 with *err. */
int weft_program_run(char *const argv[], char *const environment[],
                     int (*line)(const char *text, void *arg, struct weft_error *err), void *arg,
                     struct weft_error *err);

#endif
