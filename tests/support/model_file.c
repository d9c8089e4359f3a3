#include "support/model_file.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20 };

static size_t read_file(const char *path, char *bytes)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(bytes, 1, FILE_MAX, file);
    fclose(file);
    ck_assert_uint_lt(size, FILE_MAX);
    return size;
}

static void write_file(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

/* A field of protobuf's that has a length. */
static size_t put_field(char *out, int number, const char *bytes, size_t size)
{
    size_t n = 0;
    out[n++] = (char)(number << 3 | 2);
    for (size_t left = size;; left >>= 7) {
        out[n++] = (char)(left > 127 ? (left & 127) | 128 : left);
        if (left <= 127)
            break;
    }
    memcpy(out + n, bytes, size);
    return n + size;
}

void model_file_copy(const char *from, const char *to, const char *key, const char *value)
{
    char *bytes = malloc(2 * FILE_MAX), *entry = malloc(FILE_MAX);
    ck_assert(bytes && entry);
    size_t size = read_file(from, bytes), n = put_field(entry, 1, key, strlen(key));
    n += put_field(entry + n, 2, value, strlen(value));
    size += put_field(bytes + size, 14, entry, n); /* ModelProto.metadata_props */
    write_file(to, bytes, size);
    free(entry);
    free(bytes);
}

void model_file_edit(const char *from, const char *to, const char *old, const char *new)
{
    char *bytes = malloc(FILE_MAX);
    ck_assert_ptr_nonnull(bytes);
    size_t size = read_file(from, bytes);
    char *at = memmem(bytes, size, old, strlen(old));
    ck_assert_ptr_nonnull(at);
    ck_assert_uint_eq(strlen(old), strlen(new));
    memcpy(at, new, strlen(new));
    write_file(to, bytes, size);
    free(bytes);
}
