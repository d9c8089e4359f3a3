/* JSON output: one object per line, as every --json of weft prints it. */
#ifndef WEFT_BASE_JSON_H
#define WEFT_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

/* Writes value as one line and flushes; takes the reference of value, which may be NULL (nothing is written). */
void weft_json_print(FILE *out, json_t *value);

/* {"error":{"class":...,"message":...}} as one line. */
void weft_json_print_error(FILE *out, const struct weft_error *err);

/* Whether the text is UTF-8, as JSON's strings must be. */
bool weft_json_can_hold(const char *text);

#endif
