/* Java-style properties text: what a settings file (-F) is written in.
 *
 * `name=value`, `name: value` or `name value`; # and ! begin comments; a line that ends in a backslash goes on in the
 * next; \t \n \r \f \uXXXX and \<any character> as in Java. */
#ifndef WEFT_BASE_PROPERTIES_H
#define WEFT_BASE_PROPERTIES_H

#include "base/error.h"

/* Called for each property; line is where it begins, from 1. Stops the reading by returning -1 with *err filled. */
typedef int weft_property_fn(const char *name, const char *value, int line, void *arg, struct weft_error *err);

/* Reads a file of at most 1 MiB. WEFT_ERROR_CONFIG names the file, and the line where there is one. */
int weft_properties_read(const char *path, weft_property_fn *each, void *arg, struct weft_error *err);

/* Reads text in place, which is changed. name_of_text stands for the path in errors. */
int weft_properties_parse(char *text, const char *name_of_text, weft_property_fn *each, void *arg,
                          struct weft_error *err);

#endif
