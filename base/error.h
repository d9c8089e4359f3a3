/* What went wrong, for a person (message) and for the program (class).
 *
 * The caller owns the struct and passes it down; whoever finds the fault fills it and returns -1 (or NULL), and those
 * above may put their context before the message. Never carries a secret. */
#ifndef WEFT_BASE_ERROR_H
#define WEFT_BASE_ERROR_H

#include <stdarg.h>

enum weft_error_class {
    WEFT_ERROR_NONE = 0,
    WEFT_ERROR_USAGE,       /* the command line is wrong */
    WEFT_ERROR_CONFIG,      /* a setting, a topology or a model file that cannot be used as it is */
    WEFT_ERROR_UNAVAILABLE, /* somebody does not answer: try again */
    WEFT_ERROR_CORRUPT,     /* bytes from outside that are not what they should be */
    WEFT_ERROR_REFUSED,     /* not permitted: credentials, rights */
    WEFT_ERROR_CONFLICT,    /* exists already, or is incompatible with what exists */
    WEFT_ERROR_FENCED,      /* another instance has taken over: stop, do not retry */
    WEFT_ERROR_INTERNAL,    /* memory, the operating system, a defect of weft's own */
};

enum { WEFT_ERROR_MESSAGE_MAX = 1024 };

struct weft_error {
    enum weft_error_class class;
    char message[WEFT_ERROR_MESSAGE_MAX]; /* one line, no newline at its end */
};

/* Fills *err, cutting what does not fit. err may be NULL. Always returns -1, so that `return weft_error_set(...)` reads
 * well. */
int weft_error_set(struct weft_error *err, enum weft_error_class class, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the message; class and fault stay. Always returns -1. */
int weft_error_prefix(struct weft_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The class as one lower-case word, as in the JSON form of an error. */
const char *weft_error_class_name(enum weft_error_class class);

#endif
