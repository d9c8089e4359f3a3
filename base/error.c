#include "base/error.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* A message is one line, whatever stands in the text from outside that it quotes: control characters become '?'. */
static void take(struct weft_error *err, const char *message)
{
    char *to = err->message;
    for (; *message; message++)
        *to++ = iscntrl((unsigned char)*message) ? '?' : *message;
    *to = '\0';
}

int weft_error_set(struct weft_error *err, enum weft_error_class class, const char *format, ...)
{
    if (!err)
        return -1;
    /* The arguments may point into the old message, so the new one is made beside it. */
    char message[WEFT_ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    take(err, message);
    err->class = class;
    return -1;
}

int weft_error_prefix(struct weft_error *err, const char *format, ...)
{
    if (!err)
        return -1;
    char message[WEFT_ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (length >= 0 && (size_t)length < sizeof message)
        snprintf(message + length, sizeof message - (size_t)length, ": %s", err->message);
    take(err, message);
    return -1;
}

const char *weft_error_class_name(enum weft_error_class class)
{
    switch (class) {
    case WEFT_ERROR_NONE: return "none";
    case WEFT_ERROR_USAGE: return "usage";
    case WEFT_ERROR_CONFIG: return "config";
    case WEFT_ERROR_UNAVAILABLE: return "unavailable";
    case WEFT_ERROR_CORRUPT: return "corrupt";
    case WEFT_ERROR_REFUSED: return "refused";
    case WEFT_ERROR_CONFLICT: return "conflict";
    case WEFT_ERROR_FENCED: return "fenced";
    case WEFT_ERROR_INTERNAL: return "internal";
    }
    return "internal";
}
