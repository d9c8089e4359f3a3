/* IDX files for tests, in a folder of the test's own that goes away with idx_folder_remove. */
#ifndef WEFT_TESTS_SUPPORT_IDX_H
#define WEFT_TESTS_SUPPORT_IDX_H

#include <check.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

struct idx_folder {
    char path[64];
};

static inline struct idx_folder idx_folder_new(void)
{
    struct idx_folder folder = {"/tmp/weft-test-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(folder.path));
    return folder;
}

static inline int idx_remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

static inline void idx_folder_remove(const struct idx_folder *folder)
{
    nftw(folder->path, idx_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* path of a file in the folder; out has at least 256 bytes. */
static inline const char *idx_path(const struct idx_folder *folder, const char *name, char *out)
{
    snprintf(out, 256, "%s/%s", folder->path, name);
    return out;
}

/* Writes magic, rank sizes and size bytes of data; gzipped where the name ends in .gz. */
static inline void idx_write(const struct idx_folder *folder, const char *name, uint32_t magic, const uint32_t *sizes,
                             size_t rank, const void *data, size_t size)
{
    char path[256];
    size_t length = strlen(name);
    const char *mode = length > 3 && strcmp(name + length - 3, ".gz") == 0 ? "wb" : "wbT";
    gzFile file = gzopen(idx_path(folder, name, path), mode);
    ck_assert_ptr_nonnull(file);
    for (size_t i = 0; i <= rank; i++) {
        uint32_t v = i == 0 ? magic : sizes[i - 1];
        uint8_t bytes[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
        ck_assert_int_eq(gzwrite(file, bytes, 4), 4);
    }
    if (size > 0)
        ck_assert_int_eq(gzwrite(file, data, (unsigned)size), (int)size);
    ck_assert_int_eq(gzclose(file), Z_OK);
}

static inline void idx_write_images(const struct idx_folder *folder, const char *name, size_t count, size_t height,
                                    size_t width, const uint8_t *pixels)
{
    const uint32_t sizes[] = {(uint32_t)count, (uint32_t)height, (uint32_t)width};
    idx_write(folder, name, 0x803, sizes, 3, pixels, count * height * width);
}

static inline void idx_write_labels(const struct idx_folder *folder, const char *name, size_t count,
                                    const uint8_t *labels)
{
    const uint32_t sizes[] = {(uint32_t)count};
    idx_write(folder, name, 0x801, sizes, 1, labels, count);
}

#endif
