/* What the fuzz targets share: the entry that libFuzzer, or corpus.c, calls, and bytes as a file. */
#ifndef WEFT_TESTS_FUZZ_FUZZ_H
#define WEFT_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Ends the run where something that must hold does not: libFuzzer then keeps the bytes. */
static inline void fuzz_expect(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

#define FUZZ_EXPECT(condition) fuzz_expect(condition, #condition)

/* What was refused says so. */
static inline void fuzz_expect_reason(const struct weft_error *err)
{
    FUZZ_EXPECT(err->class != WEFT_ERROR_NONE && err->message[0] && !strchr(err->message, '\n'));
}

/* A file of these bytes, for those who want a path, of FUZZ_PATH_SIZE bytes; the caller closes the descriptor. */
enum { FUZZ_PATH_SIZE = 32 };

static inline int fuzz_file(const uint8_t *bytes, size_t size, char path[FUZZ_PATH_SIZE])
{
    int fd = memfd_create("fuzz", 0);
    FUZZ_EXPECT(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    snprintf(path, FUZZ_PATH_SIZE, "/proc/self/fd/%d", fd);
    return fd;
}

/* The bytes with a zero after them; the caller frees. */
static inline char *fuzz_text(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size + 1);
    FUZZ_EXPECT(text != NULL);
    memcpy(text, bytes, size);
    text[size] = '\0';
    return text;
}

/* Reads every byte, so that a sanitizer sees whether they are there. */
static inline void fuzz_touch(const void *bytes, size_t size)
{
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)bytes)[i]);
}

#endif
