#include "model/data/dataset_load.h"

#include <gd.h>
#include <sys/stat.h>

#include "model/data/dataset_place.h"
#include "support/idx.h"
#include "support/suite.h"

static void make_folder(const struct idx_folder *folder, const char *name)
{
    char path[256];
    ck_assert_int_eq(mkdir(idx_path(folder, name, path), 0777), 0);
}

static void write_bytes(const struct idx_folder *folder, const char *name, const void *bytes, size_t size)
{
    char path[256];
    FILE *file = fopen(idx_path(folder, name, path), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* A PNG of one colour; the folder it is in must be there. */
static void write_image(const struct idx_folder *folder, const char *name, int width, int height, int colour)
{
    int size;
    gdImagePtr image = gdImageCreateTrueColor(width, height);
    gdImageFilledRectangle(image, 0, 0, width - 1, height - 1, colour);
    void *bytes = gdImagePngPtr(image, &size);
    write_bytes(folder, name, bytes, (size_t)size);
    gdFree(bytes);
    gdImageDestroy(image);
}

enum { GREY_10 = 0x0a0a0a, GREY_20 = 0x141414, GREY_30 = 0x1e1e1e, RED = 0xff0000 };

/* Bag/ and shoe/, with three grey images of 3 x 2. */
static struct idx_folder two_classes(void)
{
    struct idx_folder folder = idx_folder_new();
    make_folder(&folder, "shoe");
    make_folder(&folder, "Bag");
    write_image(&folder, "shoe/b.png", 3, 2, GREY_30);
    write_image(&folder, "shoe/a.PNG", 3, 2, GREY_20);
    write_image(&folder, "Bag/x.png", 3, 2, GREY_10);
    return folder;
}

static struct weft_dataset *expect(const struct idx_folder *folder, const char *part, struct weft_image_shape wanted)
{
    struct weft_error err = {0};
    struct weft_dataset *dataset = weft_dataset_load_as(folder->path, part, wanted, &err);
    ck_assert_msg(dataset != NULL, "%s", err.message);
    return dataset;
}

static void expect_refused(const struct idx_folder *folder, const char *part, enum weft_error_class class,
                           const char *names, const char *says)
{
    struct weft_error err = {0};
    ck_assert_ptr_null(weft_dataset_load(folder->path, part, &err));
    ck_assert_msg(err.class == class && strstr(err.message, names) && strstr(err.message, says), "%s", err.message);
}

static const struct weft_image_shape any = {0};

START_TEST(sub_folders_are_classes_sorted_by_name_and_so_are_their_files)
{
    struct idx_folder folder = two_classes();
    struct weft_dataset *dataset = expect(&folder, "train", any);
    ck_assert_uint_eq(dataset->count, 3);
    ck_assert_uint_eq(dataset->channels, 1);
    ck_assert_uint_eq(dataset->height, 2);
    ck_assert_uint_eq(dataset->width, 3);
    ck_assert_uint_eq(dataset->class_count, 2);
    ck_assert_str_eq(dataset->class_names[0], "Bag");
    ck_assert_str_eq(dataset->class_names[1], "shoe");
    static const int32_t labels[] = {0, 1, 1};
    static const uint8_t pixels[] = {10, 10, 10, 10, 10, 10, 20, 20, 20, 20, 20, 20, 30, 30, 30, 30, 30, 30};
    ck_assert_mem_eq(dataset->labels, labels, sizeof labels);
    ck_assert_mem_eq(dataset->pixels, pixels, sizeof pixels);
    weft_dataset_destroy(dataset);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(one_image_in_colour_makes_all_of_three_channels)
{
    struct idx_folder folder = two_classes();
    write_image(&folder, "shoe/c.png", 3, 2, RED);
    struct weft_dataset *dataset = expect(&folder, "train", any);
    ck_assert_uint_eq(dataset->channels, 3);
    for (size_t i = 0; i < 18; i++) {
        ck_assert_uint_eq(weft_dataset_image(dataset, 0)[i], 10);
        ck_assert_uint_eq(weft_dataset_image(dataset, 3)[i], i < 6 ? 255 : 0);
    }
    weft_dataset_destroy(dataset);
    dataset = expect(&folder, "train", (struct weft_image_shape){.channels = 1});
    ck_assert_uint_eq(dataset->channels, 1);
    ck_assert_uint_eq(weft_dataset_image(dataset, 3)[0], 76);
    weft_dataset_destroy(dataset);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(images_of_several_sizes_need_one_to_be_fitted_to)
{
    struct idx_folder folder = two_classes();
    write_image(&folder, "shoe/c.png", 4, 4, GREY_30);
    expect_refused(&folder, "train", WEFT_ERROR_CONFIG, "/shoe/c.png", "is 4 high and 4 wide");
    struct weft_dataset *dataset = expect(&folder, "train", (struct weft_image_shape){0, 5, 4});
    ck_assert_uint_eq(dataset->count, 4);
    ck_assert_uint_eq(dataset->height, 5);
    ck_assert_uint_eq(dataset->width, 4);
    for (size_t i = 0; i < 20; i++)
        ck_assert_uint_eq(weft_dataset_image(dataset, 3)[i], 30);
    weft_dataset_destroy(dataset);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(hidden_files_and_those_of_other_endings_are_skipped)
{
    struct idx_folder folder = two_classes();
    make_folder(&folder, ".git");
    write_bytes(&folder, "README", "hello", 5);
    write_bytes(&folder, "shoe/Thumbs.db", "hello", 5);
    write_bytes(&folder, "shoe/.x.png", "hello", 5);
    struct weft_dataset *dataset = expect(&folder, "train", any);
    ck_assert_uint_eq(dataset->count, 3);
    ck_assert_uint_eq(dataset->class_count, 2);
    weft_dataset_destroy(dataset);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_file_that_is_no_image_is_named)
{
    struct idx_folder folder = two_classes();
    write_bytes(&folder, "shoe/c.jpeg", "<html>", 6);
    expect_refused(&folder, "train", WEFT_ERROR_CORRUPT, "/shoe/c.jpeg", "it is no PNG, JPEG, BMP, GIF or WebP image");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_class_without_images_is_named)
{
    struct idx_folder folder = two_classes();
    make_folder(&folder, "hat");
    expect_refused(&folder, "train", WEFT_ERROR_CONFIG, "/hat", "has no images");
    write_bytes(&folder, "hat/list.txt", "hello", 5);
    expect_refused(&folder, "train", WEFT_ERROR_CONFIG, "/hat", "has no images");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_folder_within_a_class_is_refused)
{
    struct idx_folder folder = two_classes();
    make_folder(&folder, "shoe/more");
    expect_refused(&folder, "train", WEFT_ERROR_CONFIG, "/shoe/more", "within that of a class");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_class_whose_name_is_not_utf_8_is_refused)
{
    struct idx_folder folder = two_classes();
    make_folder(&folder, "\xff");
    expect_refused(&folder, "train", WEFT_ERROR_CORRUPT, folder.path, "the name of a class");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(class_folders_alone_are_one_set_without_parts)
{
    struct idx_folder folder = two_classes();
    ck_assert(!weft_dataset_has_part(folder.path, "train"));
    ck_assert(!weft_dataset_has_part(folder.path, "test"));
    struct weft_dataset *dataset = expect(&folder, "test", any);
    ck_assert_uint_eq(dataset->count, 3);
    weft_dataset_destroy(dataset);
    idx_folder_remove(&folder);
}
END_TEST

/* train/{a,b,c} and PART/{a,c}. */
static struct idx_folder two_parts(const char *part)
{
    char name[64];
    struct idx_folder folder = idx_folder_new();
    make_folder(&folder, "train");
    make_folder(&folder, part);
    for (const char *class = "abc"; *class; class ++) {
        snprintf(name, sizeof name, "train/%c", *class);
        make_folder(&folder, name);
        snprintf(name, sizeof name, "train/%c/1.png", *class);
        write_image(&folder, name, 2, 2, GREY_10);
        if (*class == 'b')
            continue;
        snprintf(name, sizeof name, "%s/%c", part, *class);
        make_folder(&folder, name);
        snprintf(name, sizeof name, "%s/%c/1.png", part, *class);
        write_image(&folder, name, 2, 2, *class == 'a' ? GREY_20 : GREY_30);
    }
    return folder;
}

START_TEST(parts_share_the_classes_of_the_training_images)
{
    static const char *const parts[] = {"test", "val"};
    for (size_t i = 0; i < 2; i++) {
        struct idx_folder folder = two_parts(parts[i]);
        ck_assert(weft_dataset_has_part(folder.path, "train"));
        ck_assert(weft_dataset_has_part(folder.path, "test"));
        struct weft_dataset *train = expect(&folder, "train", any), *test = expect(&folder, "test", any);
        ck_assert_uint_eq(train->count, 3);
        ck_assert_uint_eq(test->count, 2);
        ck_assert_uint_eq(test->class_count, 3);
        ck_assert_int_eq(test->labels[1], 2);
        ck_assert_uint_eq(weft_dataset_image(test, 1)[0], 30);
        weft_dataset_destroy(train);
        weft_dataset_destroy(test);
        idx_folder_remove(&folder);
    }
}
END_TEST

START_TEST(a_class_that_only_the_other_part_has_is_named)
{
    struct idx_folder folder = two_parts("test");
    make_folder(&folder, "test/d");
    write_image(&folder, "test/d/1.png", 2, 2, GREY_10);
    expect_refused(&folder, "test", WEFT_ERROR_CONFIG, "/test/d", "no training images have this class");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_part_that_is_not_there_is_not_replaced_by_the_other)
{
    struct idx_folder folder = idx_folder_new();
    make_folder(&folder, "train");
    make_folder(&folder, "train/a");
    write_image(&folder, "train/a/1.png", 2, 2, GREY_10);
    expect_refused(&folder, "test", WEFT_ERROR_CONFIG, folder.path, "holds no test images");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(classes_named_train_and_test_are_classes)
{
    struct idx_folder folder = idx_folder_new();
    make_folder(&folder, "train");
    make_folder(&folder, "plane");
    write_image(&folder, "train/1.png", 2, 2, GREY_10);
    write_image(&folder, "plane/1.png", 2, 2, GREY_10);
    struct weft_dataset *dataset = expect(&folder, "train", any);
    ck_assert_uint_eq(dataset->class_count, 2);
    ck_assert_str_eq(dataset->class_names[1], "train");
    weft_dataset_destroy(dataset);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(folders_named_by_numbers_are_labels)
{
    struct idx_folder folder = idx_folder_new();
    static const char *const names[] = {"0", "2", "10"};
    for (size_t i = 0; i < 3; i++) {
        char name[16];
        make_folder(&folder, names[i]);
        snprintf(name, sizeof name, "%s/1.png", names[i]);
        write_image(&folder, name, 1, 1, GREY_10);
    }
    struct weft_dataset *dataset = expect(&folder, "train", any);
    ck_assert_ptr_null(dataset->class_names);
    ck_assert_uint_eq(dataset->class_count, 11);
    static const int32_t labels[] = {0, 10, 2};
    ck_assert_mem_eq(dataset->labels, labels, sizeof labels);
    weft_dataset_destroy(dataset);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_folder_of_loose_images_is_refused)
{
    struct idx_folder folder = idx_folder_new();
    write_image(&folder, "1.png", 2, 2, GREY_10);
    expect_refused(&folder, "train", WEFT_ERROR_CONFIG, folder.path, "holds no train images");
    idx_folder_remove(&folder);
}
END_TEST

SUITE("dataset_folder", TEST(sub_folders_are_classes_sorted_by_name_and_so_are_their_files),
      TEST(one_image_in_colour_makes_all_of_three_channels), TEST(images_of_several_sizes_need_one_to_be_fitted_to),
      TEST(hidden_files_and_those_of_other_endings_are_skipped), TEST(a_file_that_is_no_image_is_named),
      TEST(a_class_without_images_is_named), TEST(a_folder_within_a_class_is_refused),
      TEST(a_class_whose_name_is_not_utf_8_is_refused), TEST(class_folders_alone_are_one_set_without_parts),
      TEST(parts_share_the_classes_of_the_training_images), TEST(a_class_that_only_the_other_part_has_is_named),
      TEST(a_part_that_is_not_there_is_not_replaced_by_the_other), TEST(classes_named_train_and_test_are_classes),
      TEST(folders_named_by_numbers_are_labels), TEST(a_folder_of_loose_images_is_refused))
