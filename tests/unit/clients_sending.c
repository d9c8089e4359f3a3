#include "clients/image_source.h"
#include "clients/pace.h"

#include <gd.h>
#include <string.h>

#include "support/idx.h"
#include "support/suite.h"

static const struct weft_image_shape any = {0};
static const uint8_t pixels[] = {10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33};

/* Three images of 2 x 2 pixels. */
static struct weft_image_source *three_images(const struct idx_folder *folder, const char *name)
{
    struct weft_error err = {0};
    char path[256];
    idx_write_images(folder, name, 3, 2, 2, pixels);
    struct weft_image_source *source = weft_image_source_dataset(idx_path(folder, name, path), "test", any, &err);
    ck_assert_msg(source != NULL, "%s", err.message);
    return source;
}

static void check_id(const struct weft_image_source *source, uint64_t index, const char *id)
{
    char buffer[WEFT_IMAGE_ID_SIZE];
    struct weft_request request;
    weft_image_source_request(source, index, buffer, &request);
    ck_assert_uint_eq(request.id_size, strlen(id));
    ck_assert_int_eq(memcmp(request.id, id, request.id_size), 0);
}

START_TEST(an_id_is_the_name_of_the_file_and_the_number_of_the_image)
{
    struct idx_folder folder = idx_folder_new();
    struct weft_image_source *source = three_images(&folder, "t10k-images-idx3-ubyte.gz");
    ck_assert_uint_eq(weft_image_source_count(source), 3);
    check_id(source, 0, "t10k-00000");
    check_id(source, 2, "t10k-00002");
    weft_image_source_destroy(source);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(further_rounds_give_the_same_images_new_ids)
{
    struct idx_folder folder = idx_folder_new();
    struct weft_image_source *source = three_images(&folder, "odd.name.idx");
    char id[WEFT_IMAGE_ID_SIZE];
    struct weft_request request;
    check_id(source, 1, "odd-00001");
    check_id(source, 4, "odd-00001.1");
    check_id(source, UINT64_MAX, "odd-00000.6148914691236517205");
    weft_image_source_request(source, 7, id, &request);
    ck_assert_uint_eq(request.image_size, 4);
    ck_assert_int_eq(memcmp(request.image, pixels + 4, 4), 0);
    ck_assert(!request.has_label);
    weft_image_source_destroy(source);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(labels_go_with_their_images)
{
    struct idx_folder folder = idx_folder_new();
    idx_write_labels(&folder, "x-labels-idx1-ubyte", 3, (const uint8_t[]){7, 0, 5});
    struct weft_image_source *source = three_images(&folder, "x-images-idx3-ubyte");
    char id[WEFT_IMAGE_ID_SIZE];
    struct weft_request request;
    weft_image_source_request(source, 5, id, &request);
    ck_assert(request.has_label);
    ck_assert_int_eq(request.label, 5);
    weft_image_source_destroy(source);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(ids_fit_their_room_and_are_text_whatever_the_file_is_called)
{
    struct idx_folder folder = idx_folder_new();
    char name[201] = "\xff\n";
    memset(name + 2, 'x', sizeof name - 3);
    struct weft_image_source *source = three_images(&folder, name);
    char id[WEFT_IMAGE_ID_SIZE];
    struct weft_request request;
    weft_image_source_request(source, UINT64_MAX, id, &request);
    ck_assert_uint_lt(request.id_size, WEFT_IMAGE_ID_SIZE);
    ck_assert_int_eq(strncmp(id, "??xx", 4), 0);
    ck_assert_ptr_nonnull(strstr(id, "xx-00000.6148914691236517205"));
    weft_image_source_destroy(source);
    idx_folder_remove(&folder);
}
END_TEST

static void write_png(const struct idx_folder *folder, const char *name, int grey)
{
    char path[256];
    FILE *file = fopen(idx_path(folder, name, path), "wb");
    ck_assert_ptr_nonnull(file);
    gdImagePtr image = gdImageCreateTrueColor(4, 4);
    gdImageFilledRectangle(image, 0, 0, 3, 3, gdTrueColor(grey, grey, grey));
    gdImagePng(image, file);
    gdImageDestroy(image);
    fclose(file);
}

START_TEST(files_of_one_name_in_two_folders_have_different_ids)
{
    struct idx_folder a = idx_folder_new(), b = idx_folder_new();
    char path_a[256], path_b[256], id[WEFT_IMAGE_ID_SIZE];
    struct weft_error err = {0};
    struct weft_request request;
    write_png(&a, "boot.png", 40);
    write_png(&b, "boot.png", 90);
    const char *const paths[] = {idx_path(&a, "boot.png", path_a), idx_path(&b, "boot.png", path_b)};
    struct weft_image_source *source = weft_image_source_files(paths, 2, 1, 3, 5, &err);
    ck_assert_msg(source != NULL, "%s", err.message);
    check_id(source, 0, "boot-00000");
    check_id(source, 3, "boot-00001.1");
    weft_image_source_request(source, 3, id, &request);
    ck_assert_uint_eq(request.image_size, 15);
    for (size_t i = 0; i < request.image_size; i++)
        ck_assert_uint_eq(request.image[i], 90);
    weft_image_source_destroy(source);
    idx_folder_remove(&a);
    idx_folder_remove(&b);
}
END_TEST

START_TEST(a_file_that_is_no_image_is_named)
{
    struct idx_folder folder = idx_folder_new();
    char good[256], bad[256];
    struct weft_error err = {0};
    write_png(&folder, "good.png", 1);
    idx_write_labels(&folder, "bad.png", 0, NULL);
    const char *const paths[] = {idx_path(&folder, "good.png", good), idx_path(&folder, "bad.png", bad)};
    ck_assert_ptr_null(weft_image_source_files(paths, 2, 1, 2, 2, &err));
    ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.message, "bad.png"));
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_data_set_without_images_is_refused)
{
    struct idx_folder folder = idx_folder_new();
    char path[256];
    struct weft_error err = {0};
    idx_write_images(&folder, "none-images-idx3-ubyte", 0, 2, 2, pixels);
    ck_assert_ptr_null(weft_image_source_dataset(idx_path(&folder, "none-images-idx3-ubyte", path), "test", any, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "none-images"));
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_pace_holds_over_the_whole_however_late_a_single_item_is)
{
    const struct weft_pace pace = {.per_second = 100, .started_ns = 5};
    ck_assert_int_eq(weft_pace_wait_ms(&pace, 0, 5), 0);
    ck_assert_int_eq(weft_pace_wait_ms(&pace, 10, 5), 100);
    ck_assert_int_eq(weft_pace_wait_ms(&pace, 10, 5 + 60 * 1000000), 40);
    ck_assert_int_eq(weft_pace_wait_ms(&pace, 10, 5 + 990 * 1000000), 0);
    ck_assert_int_eq(weft_pace_wait_ms(&pace, 100, 5 + 990 * 1000000), 10);
}
END_TEST

START_TEST(no_rate_is_no_wait_and_a_slow_one_no_overflow)
{
    const struct weft_pace none = {.per_second = 0}, slow = {.per_second = 0.001};
    ck_assert_int_eq(weft_pace_wait_ms(&none, UINT64_MAX, 0), 0);
    ck_assert_int_gt(weft_pace_wait_ms(&slow, UINT64_MAX, 0), 1000);
}
END_TEST

SUITE("clients_sending", TEST(an_id_is_the_name_of_the_file_and_the_number_of_the_image),
      TEST(further_rounds_give_the_same_images_new_ids), TEST(labels_go_with_their_images),
      TEST(ids_fit_their_room_and_are_text_whatever_the_file_is_called),
      TEST(files_of_one_name_in_two_folders_have_different_ids), TEST(a_file_that_is_no_image_is_named),
      TEST(a_data_set_without_images_is_refused), TEST(a_pace_holds_over_the_whole_however_late_a_single_item_is),
      TEST(no_rate_is_no_wait_and_a_slow_one_no_overflow))
