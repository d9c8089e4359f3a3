#include "base/text_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *weft_text_file_read(const char *path, size_t *size, struct weft_error *err)
{
    char *text = NULL;
    FILE *file = fopen(path, "rb");
    if (!file) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s", path, strerror(errno));
        return NULL;
    }
    text = malloc(WEFT_TEXT_FILE_MAX + 1);
    if (!text) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto fail;
    }
    /* The room for the zero doubles as the byte too many. */
    *size = fread(text, 1, WEFT_TEXT_FILE_MAX + 1, file);
    if (ferror(file)) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s", path, strerror(errno));
        goto fail;
    }
    if (*size > WEFT_TEXT_FILE_MAX) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s is larger than 1 MiB: is it the right file?", path);
        goto fail;
    }
    text[*size] = '\0';
    fclose(file);
    return text;
fail:
    free(text);
    fclose(file);
    return NULL;
}
