#include "model/data/dataset_load.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "model/data/catalog.h"
#include "model/data/dataset_place.h"
#include "support/idx.h"
#include "support/suite.h"

static const uint8_t pixels[3 * 2 * 2] = {0, 1, 2, 3, 10, 11, 12, 13, 255, 254, 253, 252};
static const uint8_t labels[3] = {2, 0, 1};

static void assert_refused(const struct idx_folder *folder, const char *name, const char *part,
                           enum weft_error_class class, const char *names, const char *says)
{
    char path[256];
    struct weft_error err = {0};
    ck_assert_ptr_null(weft_dataset_load(idx_path(folder, name, path), part, &err));
    ck_assert_msg(err.class == class, "class %s: %s", weft_error_class_name(err.class), err.message);
    ck_assert_msg(strstr(err.message, names) != NULL, "names no %s: %s", names, err.message);
    ck_assert_msg(strstr(err.message, says) != NULL, "says not \"%s\": %s", says, err.message);
    ck_assert_ptr_null(strchr(err.message, '\n'));
}

/* Cuts a file to size bytes. */
static void cut(const struct idx_folder *folder, const char *name, off_t size)
{
    char path[256];
    ck_assert_int_eq(truncate(idx_path(folder, name, path), size), 0);
}

static off_t size_of(const struct idx_folder *folder, const char *name)
{
    char path[256];
    struct stat about;
    ck_assert_int_eq(stat(idx_path(folder, name, path), &about), 0);
    return about.st_size;
}

static void assert_is_the_little_set(const struct weft_dataset *dataset, const struct weft_error *err)
{
    ck_assert_msg(dataset != NULL, "%s", err->message);
    ck_assert_uint_eq(dataset->count, 3);
    ck_assert_uint_eq(dataset->channels, 1);
    ck_assert_uint_eq(dataset->height, 2);
    ck_assert_uint_eq(dataset->width, 2);
    ck_assert_uint_eq(dataset->class_count, 3);
    ck_assert_mem_eq(dataset->pixels, pixels, sizeof pixels);
    ck_assert_mem_eq(weft_dataset_image(dataset, 2), pixels + 8, 4);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(dataset->labels[i], labels[i]);
}

START_TEST(an_images_file_finds_its_labels_beside_it_gzipped_or_not)
{
    const char *const images_names[] = {"a-images-idx3-ubyte", "b-images-idx3-ubyte.gz", "c-images-idx3-ubyte",
                                        "d-images.idx3-ubyte.gz"};
    const char *const labels_names[] = {"a-labels-idx1-ubyte", "b-labels-idx1-ubyte.gz", "c-labels-idx1-ubyte.gz",
                                        "d-labels.idx1-ubyte"};
    struct idx_folder folder = idx_folder_new();
    for (size_t i = 0; i < 4; i++) {
        char path[256];
        struct weft_error err = {0};
        idx_write_images(&folder, images_names[i], 3, 2, 2, pixels);
        idx_write_labels(&folder, labels_names[i], 3, labels);
        struct weft_dataset *dataset = weft_dataset_load(idx_path(&folder, images_names[i], path), "test", &err);
        assert_is_the_little_set(dataset, &err);
        ck_assert_str_eq(dataset->name, path);
        weft_dataset_destroy(dataset);
    }
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_folder_gives_the_part_that_is_asked_for)
{
    static const uint8_t other[2 * 3] = {9, 9, 9, 9, 9, 9};
    struct weft_error err = {0};
    struct idx_folder folder = idx_folder_new();
    idx_write_images(&folder, "train-images-idx3-ubyte.gz", 3, 2, 2, pixels);
    idx_write_labels(&folder, "train-labels-idx1-ubyte.gz", 3, labels);
    idx_write_images(&folder, "t10k-images-idx3-ubyte", 2, 1, 3, other);
    struct weft_dataset *train = weft_dataset_load(folder.path, "train", &err);
    assert_is_the_little_set(train, &err);
    struct weft_dataset *test = weft_dataset_load(folder.path, "test", &err);
    ck_assert_msg(test != NULL, "%s", err.message);
    ck_assert_uint_eq(test->count, 2);
    ck_assert_uint_eq(test->width, 3);
    weft_dataset_destroy(train);
    weft_dataset_destroy(test);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(the_sample_has_fifty_images_of_each_class)
{
    struct weft_error err = {0};
    struct weft_dataset *sample = weft_dataset_load(WEFT_SOURCE_DIR "/data/sample", "test", &err);
    ck_assert_msg(sample != NULL, "%s", err.message);
    ck_assert_uint_eq(sample->count, 500);
    ck_assert_uint_eq(sample->height, 28);
    ck_assert_uint_eq(sample->width, 28);
    ck_assert_uint_eq(sample->class_count, 10);
    size_t of[10] = {0};
    for (size_t i = 0; i < sample->count; i++)
        of[sample->labels[i]]++;
    for (size_t c = 0; c < 10; c++)
        ck_assert_uint_eq(of[c], 50);
    /* The full test set begins 9 2 1 1 6 1 4 6 5 7, and none of these is left out. */
    static const int32_t first[] = {9, 2, 1, 1, 6, 1, 4, 6, 5, 7};
    ck_assert_mem_eq(sample->labels, first, sizeof first);
    ck_assert_ptr_null(weft_catalog_find(sample));
    weft_dataset_destroy(sample);
}
END_TEST

START_TEST(images_without_labels_load_and_the_missing_file_is_named_when_wanted)
{
    char path[256];
    struct weft_error err = {0};
    struct idx_folder folder = idx_folder_new();
    idx_write_images(&folder, "x-images-idx3-ubyte.gz", 3, 2, 2, pixels);
    struct weft_dataset *dataset = weft_dataset_load(idx_path(&folder, "x-images-idx3-ubyte.gz", path), "test", &err);
    ck_assert_msg(dataset != NULL, "%s", err.message);
    ck_assert_ptr_null(dataset->labels);
    ck_assert_uint_eq(dataset->class_count, 0);
    ck_assert_int_eq(weft_dataset_require_labels(dataset, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.message, "x-labels-idx1-ubyte.gz: no such file"));
    weft_dataset_destroy(dataset);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_path_that_is_not_there_is_named)
{
    struct idx_folder folder = idx_folder_new();
    assert_refused(&folder, "nothing", "test", WEFT_ERROR_CONFIG, "/nothing", "No such file");
    assert_refused(&folder, "", "test", WEFT_ERROR_CONFIG, folder.path, "t10k-images-idx3-ubyte");
    assert_refused(&folder, "", "train", WEFT_ERROR_CONFIG, folder.path, "train-images-idx3-ubyte");
    assert_refused(&folder, "", "rest", WEFT_ERROR_CONFIG, folder.path, "\"rest\"");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_file_that_ends_early_is_corrupt_wherever_it_ends)
{
    struct idx_folder folder = idx_folder_new();
    for (off_t size = 0; size < 16 + 12; size++) {
        idx_write_images(&folder, "images", 3, 2, 2, pixels);
        cut(&folder, "images", size);
        assert_refused(&folder, "images", "test", WEFT_ERROR_CORRUPT, "/images", "ends too early");
    }
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_gzip_file_that_ends_early_is_corrupt)
{
    struct idx_folder folder = idx_folder_new();
    idx_write_images(&folder, "images.gz", 3, 2, 2, pixels);
    const off_t whole = size_of(&folder, "images.gz");
    for (off_t size = 11; size < whole; size++) {
        idx_write_images(&folder, "images.gz", 3, 2, 2, pixels);
        cut(&folder, "images.gz", size);
        assert_refused(&folder, "images.gz", "test", WEFT_ERROR_CORRUPT, "/images.gz", "");
    }
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_gzip_file_whose_checksum_is_wrong_is_corrupt)
{
    char path[256];
    struct idx_folder folder = idx_folder_new();
    idx_write_images(&folder, "images.gz", 3, 2, 2, pixels);
    int fd = open(idx_path(&folder, "images.gz", path), O_RDWR);
    uint8_t byte;
    const off_t at = size_of(&folder, "images.gz") - 6; /* in the CRC-32 */
    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
    assert_refused(&folder, "images.gz", "test", WEFT_ERROR_CORRUPT, "/images.gz", "data check");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(bytes_after_the_last_image_are_corrupt)
{
    const uint32_t sizes[] = {2, 2, 2};
    struct idx_folder folder = idx_folder_new();
    idx_write(&folder, "images", 0x803, sizes, 3, pixels, 9);
    assert_refused(&folder, "images", "test", WEFT_ERROR_CORRUPT, "/images", "more than the 8 bytes");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_wrong_magic_number_is_corrupt)
{
    const uint32_t sizes[] = {3, 2, 2};
    struct idx_folder folder = idx_folder_new();
    idx_write(&folder, "images", 0x0d03, sizes, 3, pixels, sizeof pixels);
    assert_refused(&folder, "images", "test", WEFT_ERROR_CORRUPT, "/images", "0x00000d03 instead of 0x00000803");
    idx_write_images(&folder, "images", 3, 2, 2, pixels);
    idx_write_images(&folder, "labels", 3, 2, 2, pixels);
    assert_refused(&folder, "images", "test", WEFT_ERROR_CORRUPT, "/labels", "0x00000803 instead of 0x00000801");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(as_many_labels_as_images_are_needed)
{
    struct idx_folder folder = idx_folder_new();
    idx_write_images(&folder, "images", 3, 2, 2, pixels);
    idx_write_labels(&folder, "labels", 2, labels);
    assert_refused(&folder, "images", "test", WEFT_ERROR_CORRUPT, "/labels", "has 2 labels");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(absurd_sizes_are_corrupt_and_cost_no_memory)
{
    static const uint32_t absurd[][3] = {{0, 28, 28},        {1, 0, 28},          {1, 28, 0},
                                         {1, 100000, 1},     {1, 1, UINT32_MAX},  {UINT32_MAX, 8192, 8192},
                                         {UINT32_MAX, 2, 2}, {200000, 8192, 8192}};
    static const char *const says[] = {"no images", "no images", "no images", "too large",
                                       "too large", "too large", "too large", "too large"};
    const uint32_t lying[] = {UINT32_MAX, 1, 1};
    struct idx_folder folder = idx_folder_new();
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        idx_write(&folder, "images", 0x803, absurd[i], 3, pixels, sizeof pixels);
        assert_refused(&folder, "images", "test", WEFT_ERROR_CORRUPT, "/images", says[i]);
    }
    idx_write(&folder, "images", 0x803, lying, 3, pixels, sizeof pixels);
    assert_refused(&folder, "images", "test", WEFT_ERROR_CORRUPT, "/images", "ends too early");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(images_are_fitted_to_the_shape_that_is_wanted)
{
    static const uint8_t plain[2 * 4 * 4] = {[16] = 200, 200, 200, 200, 200, 200, 200, 200,
                                             200,        200, 200, 200, 200, 200, 200, 200};
    char path[256];
    struct weft_error err = {0};
    struct idx_folder folder = idx_folder_new();
    idx_write_images(&folder, "images", 2, 4, 4, plain);
    idx_write_labels(&folder, "labels", 2, labels);
    struct weft_dataset *dataset =
        weft_dataset_load_as(idx_path(&folder, "images", path), "test", (struct weft_image_shape){3, 2, 3}, &err);
    ck_assert_msg(dataset != NULL, "%s", err.message);
    ck_assert_uint_eq(dataset->channels, 3);
    ck_assert_uint_eq(dataset->height, 2);
    ck_assert_uint_eq(dataset->width, 3);
    for (size_t i = 0; i < 18; i++) {
        ck_assert_uint_eq(weft_dataset_image(dataset, 0)[i], 0);
        ck_assert_uint_eq(weft_dataset_image(dataset, 1)[i], 200);
    }
    ck_assert_int_eq(dataset->labels[0], 2);
    weft_dataset_destroy(dataset);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_shape_that_cannot_be_is_refused)
{
    static const struct weft_image_shape shapes[] = {{2, 0, 0}, {0, 28, 0}, {0, 0, 28}, {1, 8193, 1}, {1, 1, 8193}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct weft_error err = {0};
        ck_assert_ptr_null(weft_dataset_load_as(WEFT_SOURCE_DIR "/data/sample", "test", shapes[i], &err));
        ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    }
}
END_TEST

START_TEST(a_part_is_there_where_its_images_are)
{
    char path[256];
    struct idx_folder folder = idx_folder_new();
    idx_write_images(&folder, "train-images.idx3-ubyte", 3, 2, 2, pixels);
    ck_assert(weft_dataset_has_part(folder.path, "train"));
    ck_assert(!weft_dataset_has_part(folder.path, "test"));
    ck_assert(!weft_dataset_has_part(folder.path, "rest"));
    ck_assert(!weft_dataset_has_part(idx_path(&folder, "train-images.idx3-ubyte", path), "train"));
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(damaged_idx_files_are_read_or_refused_without_a_crash)
{
    uint32_t random = 1;
    char path[256];
    struct idx_folder folder = idx_folder_new();
    size_t refused = 0;
    for (size_t round = 0; round < 400; round++) {
        struct weft_error err = {0};
        const char *name = round % 2 ? "images.gz" : "images";
        idx_write_images(&folder, name, 3, 2, 2, pixels);
        idx_write_labels(&folder, "labels", 3, labels);
        int fd = open(idx_path(&folder, name, path), O_RDWR);
        for (size_t change = 0; change <= round % 4; change++) {
            random = random * 1664525 + 1013904223;
            uint8_t byte = (uint8_t)(random >> 24);
            ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)(random >> 8) % size_of(&folder, name)), 1);
        }
        close(fd);
        struct weft_dataset *dataset = weft_dataset_load(path, "test", &err);
        ck_assert_msg(dataset || strstr(err.message, folder.path), "%s", err.message);
        refused += dataset == NULL;
        weft_dataset_destroy(dataset);
        unlink(path);
    }
    ck_assert_uint_gt(refused, 100);
    idx_folder_remove(&folder);
}
END_TEST

SUITE("dataset", TEST(an_images_file_finds_its_labels_beside_it_gzipped_or_not),
      TEST(a_folder_gives_the_part_that_is_asked_for), TEST(the_sample_has_fifty_images_of_each_class),
      TEST(images_without_labels_load_and_the_missing_file_is_named_when_wanted),
      TEST(a_path_that_is_not_there_is_named), TEST(a_file_that_ends_early_is_corrupt_wherever_it_ends),
      TEST(a_gzip_file_that_ends_early_is_corrupt), TEST(a_gzip_file_whose_checksum_is_wrong_is_corrupt),
      TEST(bytes_after_the_last_image_are_corrupt), TEST(a_wrong_magic_number_is_corrupt),
      TEST(as_many_labels_as_images_are_needed), TEST(absurd_sizes_are_corrupt_and_cost_no_memory),
      TEST(images_are_fitted_to_the_shape_that_is_wanted), TEST(a_shape_that_cannot_be_is_refused),
      TEST(a_part_is_there_where_its_images_are), TEST(damaged_idx_files_are_read_or_refused_without_a_crash))
