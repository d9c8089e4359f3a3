#include "model/data/dataset_load.h"

#include "model/data/dataset_place.h"
#include "support/idx.h"
#include "support/suite.h"

/* Writes the text; gzipped where the name ends in .gz. */
static void write_csv(const struct idx_folder *folder, const char *name, const char *text)
{
    char path[256];
    const char *mode = strstr(name, ".gz") ? "wb" : "wbT";
    gzFile file = gzopen(idx_path(folder, name, path), mode);
    ck_assert_ptr_nonnull(file);
    if (*text)
        ck_assert_int_eq(gzwrite(file, text, (unsigned)strlen(text)), (int)strlen(text));
    ck_assert_int_eq(gzclose(file), Z_OK);
}

static struct weft_dataset *load_text(const char *text, struct weft_image_shape wanted, struct weft_error *err)
{
    char path[256];
    struct idx_folder folder = idx_folder_new();
    write_csv(&folder, "some.csv", text);
    struct weft_dataset *dataset = weft_dataset_load_as(idx_path(&folder, "some.csv", path), "train", wanted, err);
    idx_folder_remove(&folder);
    return dataset;
}

static struct weft_dataset *expect(const char *text)
{
    struct weft_error err = {0};
    struct weft_dataset *dataset = load_text(text, (struct weft_image_shape){0}, &err);
    ck_assert_msg(dataset != NULL, "%s", err.message);
    return dataset;
}

static void expect_refused(const char *text, const char *says)
{
    struct weft_error err = {0};
    ck_assert_ptr_null(load_text(text, (struct weft_image_shape){0}, &err));
    ck_assert_msg(err.class == WEFT_ERROR_CORRUPT && strstr(err.message, says) && strstr(err.message, "/some.csv: "),
                  "%s", err.message);
    ck_assert_ptr_null(strchr(err.message, '\n'));
}

static void check_little_set(struct weft_dataset *dataset)
{
    static const uint8_t pixels[] = {0, 1, 2, 255, 10, 11, 12, 13};
    ck_assert_uint_eq(dataset->count, 2);
    ck_assert_uint_eq(dataset->channels, 1);
    ck_assert_uint_eq(dataset->height, 2);
    ck_assert_uint_eq(dataset->width, 2);
    ck_assert_mem_eq(dataset->pixels, pixels, sizeof pixels);
    ck_assert_int_eq(dataset->labels[0], 3);
    ck_assert_int_eq(dataset->labels[1], 0);
    ck_assert_uint_eq(dataset->class_count, 4);
    ck_assert_ptr_null(dataset->class_names);
    weft_dataset_destroy(dataset);
}

START_TEST(a_line_is_a_label_and_its_pixels)
{
    check_little_set(expect("3,0,1,2,255\n0,10,11,12,13\n"));
}
END_TEST

START_TEST(a_line_of_column_names_is_skipped)
{
    check_little_set(expect("label,pixel1,pixel2,pixel3,pixel4\n3,0,1,2,255\n0,10,11,12,13\n"));
    check_little_set(expect("Label,0,1,2,3\n3,0,1,2,255\n0,10,11,12,13\n"));
    check_little_set(expect("\"y\",\"a\",\"b\",\"c\",\"d\"\n3,0,1,2,255\n0,10,11,12,13\n"));
}
END_TEST

START_TEST(quotes_spaces_empty_lines_and_other_line_ends_are_tolerated)
{
    check_little_set(expect("\xef\xbb\xbf\r\n3,0,1,2,255\r\n\r\n0,10,11,12,13"));
    check_little_set(expect("\"3\", \"0\" ,1 , 2,\t255\n  \n0,10,11,12,13\n\n"));
}
END_TEST

START_TEST(a_gzipped_file_is_read_whatever_its_name)
{
    char path[256], from[256];
    struct weft_error err = {0};
    struct idx_folder folder = idx_folder_new();
    write_csv(&folder, "some.csv.gz", "3,0,1,2,255\n0,10,11,12,13\n");
    ck_assert_int_eq(rename(idx_path(&folder, "some.csv.gz", from), idx_path(&folder, "some", path)), 0);
    struct weft_dataset *dataset = weft_dataset_load(path, "train", &err);
    ck_assert_msg(dataset != NULL, "%s", err.message);
    check_little_set(dataset);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(labels_may_be_names_which_are_sorted)
{
    struct weft_dataset *dataset = expect("shoe,1\nBag,2\n\"hat, \"\"big\"\"\",3\nshoe,4\n");
    ck_assert_uint_eq(dataset->class_count, 3);
    ck_assert_str_eq(dataset->class_names[0], "Bag");
    ck_assert_str_eq(dataset->class_names[1], "hat, \"big\"");
    ck_assert_str_eq(dataset->class_names[2], "shoe");
    static const int32_t labels[] = {2, 0, 1, 2};
    ck_assert_mem_eq(dataset->labels, labels, sizeof labels);
    weft_dataset_destroy(dataset);
}
END_TEST

START_TEST(labels_follow_the_names_of_a_model)
{
    static const char *const names[] = {"shoe", "hat", "Bag"};
    struct weft_error err = {0};
    struct weft_dataset *dataset = expect("shoe,1\nBag,2\nshoe,4\n");
    ck_assert_int_eq(weft_dataset_number_classes(dataset, names, 3, &err), 0);
    ck_assert_uint_eq(dataset->class_count, 3);
    ck_assert_str_eq(dataset->class_names[1], "hat");
    static const int32_t labels[] = {0, 2, 0};
    ck_assert_mem_eq(dataset->labels, labels, sizeof labels);
    ck_assert_int_eq(weft_dataset_number_classes(dataset, names, 2, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.message, "'Bag'"));
    weft_dataset_destroy(dataset);

    dataset = expect("2,1\n0,2\n");
    ck_assert_int_eq(weft_dataset_number_classes(dataset, names, 3, &err), 0);
    ck_assert_int_eq(dataset->labels[0], 2);
    weft_dataset_destroy(dataset);
}
END_TEST

START_TEST(a_file_without_labels_has_a_header_that_begins_with_a_pixel)
{
    struct weft_error err = {0};
    struct weft_dataset *dataset = expect("pixel0,pixel1,pixel2,pixel3\n9,8,7,6\n1,2,3,4\n");
    ck_assert_uint_eq(dataset->count, 2);
    ck_assert_uint_eq(dataset->pixels[7], 4);
    ck_assert_ptr_null(dataset->labels);
    ck_assert_int_eq(weft_dataset_require_labels(dataset, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    weft_dataset_destroy(dataset);
}
END_TEST

START_TEST(three_planes_make_a_colour_image)
{
    struct weft_dataset *dataset = expect("0,1,2,3,4,5,6,7,8,9,10,11,12\n");
    ck_assert_uint_eq(dataset->channels, 3);
    ck_assert_uint_eq(dataset->height, 2);
    ck_assert_uint_eq(dataset->pixels[4], 5);
    weft_dataset_destroy(dataset);
}
END_TEST

START_TEST(an_image_that_is_no_square_needs_its_size)
{
    struct weft_error err = {0};
    static const char text[] = "0,1,2,3,4,5,6\n";
    expect_refused(text, "line 1: 6 pixels after the label are no square image");
    struct weft_dataset *dataset = load_text(text, (struct weft_image_shape){0, 2, 3}, &err);
    ck_assert_msg(dataset != NULL, "%s", err.message);
    ck_assert_uint_eq(dataset->channels, 1);
    ck_assert_uint_eq(dataset->height, 2);
    ck_assert_uint_eq(dataset->width, 3);
    weft_dataset_destroy(dataset);
    dataset = load_text(text, (struct weft_image_shape){0, 1, 2}, &err);
    ck_assert_msg(dataset != NULL, "%s", err.message);
    ck_assert_uint_eq(dataset->channels, 3);
    ck_assert_uint_eq(dataset->width, 2);
    weft_dataset_destroy(dataset);
}
END_TEST

START_TEST(more_images_than_were_made_room_for_keep_their_order)
{
    char text[1000 * 8], *at = text;
    for (int i = 0; i < 1000; i++)
        at += sprintf(at, "%d,%d\n", i % 10, i % 251);
    struct weft_dataset *dataset = expect(text);
    ck_assert_uint_eq(dataset->count, 1000);
    for (size_t i = 0; i < 1000; i++) {
        ck_assert_int_eq(dataset->labels[i], (int)i % 10);
        ck_assert_uint_eq(dataset->pixels[i], i % 251);
    }
    weft_dataset_destroy(dataset);
}
END_TEST

START_TEST(a_line_longer_than_the_buffer_is_read)
{
    enum { SIDE = 600 };
    char *text = malloc(2 * (SIDE * SIDE * 4 + 8)), *at = text;
    for (int line = 0; line < 2; line++) {
        at += sprintf(at, "%d", line);
        for (int i = 0; i < SIDE * SIDE; i++)
            at += sprintf(at, ",%d", (i + line) % 256);
        *at++ = '\n';
    }
    *at = '\0';
    struct weft_dataset *dataset = expect(text);
    ck_assert_uint_eq(dataset->count, 2);
    ck_assert_uint_eq(dataset->height, SIDE);
    for (size_t i = 0; i < 2 * SIDE * SIDE; i++)
        ck_assert_uint_eq(dataset->pixels[i], (i % (SIDE * SIDE) + i / (SIDE * SIDE)) % 256);
    weft_dataset_destroy(dataset);
    free(text);
}
END_TEST

START_TEST(faults_are_named_with_their_line)
{
    expect_refused("label,pixel1\n", "has no images");
    expect_refused("\n\n", "has no images");
    expect_refused("<!DOCTYPE html>\n", "line 1: has one cell only");
    expect_refused("3,0,1,2,256\n", "line 1: cell 5 is '256': a pixel");
    expect_refused("label,a\n3,0\n3,x\n", "line 3: cell 2 is 'x'");
    expect_refused("3,0\n3,\n", "line 2: cell 2 is ''");
    expect_refused("3,0\n3,-1\n", "line 2: cell 2 is '-1'");
    expect_refused("3,0\n3,0.5\n", "line 2: cell 2 is '0.5'");
    expect_refused("3,1,1,1,1\n3,1,1,1\n", "line 2: has 3 pixels, but the lines before it have 4");
    expect_refused("3,1,1,1,1\n3,1,1,1,1,1\n", "line 2: has more than the 4 pixels");
    expect_refused("3,1,1,1,1\n3,1,1,1,1,\n", "line 2: has more than the 4 pixels");
    expect_refused("3,1\n-1,1\n", "line 2: the label is '-1'");
    expect_refused("3,1\n1024,1\n", "line 2: the label is '1024'");
    expect_refused("1.5,1\n", "line 1: the label is '1.5'");
    expect_refused("3,1\nshoe,1\n", "line 2: the label is 'shoe'");
    expect_refused("3,1\n\"3,1\n", "line 2: cell 1: its quotes do not end");
    expect_refused("3,1\n3,\"1\"x\n", "line 2: cell 2: its quotes do not end");
    expect_refused("shoe,1\n\xff\xfe,1\n", "line 2: the name of a class");
    expect_refused("shoe,1\n\"\",1\n", "line 2: the name of a class");
}
END_TEST

START_TEST(a_zero_byte_is_refused)
{
    char path[256];
    struct weft_error err = {0};
    struct idx_folder folder = idx_folder_new();
    write_csv(&folder, "some.csv",
              "3,1\n3,1\n3,1\n3,1\n3,1\n3,1\n3,1\n3,1\n3,1\n3,1\n3,1\n3,1\n3,1\n3,1\n3,1\n3,1\n3,1\n");
    FILE *file = fopen(idx_path(&folder, "some.csv", path), "r+b");
    fseek(file, -2, SEEK_END);
    fputc('\0', file);
    fclose(file);
    ck_assert_ptr_null(weft_dataset_load(path, "train", &err));
    ck_assert_ptr_nonnull(strstr(err.message, "line 17: holds a zero byte"));
    /* At the beginning, where the formats are told apart, it is taken for no text. */
    file = fopen(path, "r+b");
    fseek(file, 2, SEEK_SET);
    fputc('\0', file);
    fclose(file);
    ck_assert_ptr_null(weft_dataset_load(path, "train", &err));
    ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.message, "no CSV file"));
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(too_many_names_are_refused)
{
    char *text = malloc(1025 * 16), *at = text;
    for (int i = 0; i <= 1024; i++)
        at += sprintf(at, "class %d,1\n", i);
    expect_refused(text, "line 1025: has the label 'class 1024', but there are 1024 others");
    free(text);
}
END_TEST

START_TEST(a_file_cut_anywhere_is_refused_or_shorter)
{
    static const char whole[] = "label,p1,p2,p3,p4\n3,0,1,2,255\n0,10,11,12,13\n";
    for (size_t size = 1; size < sizeof whole - 1; size++) {
        char text[sizeof whole];
        struct weft_error err = {0};
        snprintf(text, size + 1, "%s", whole);
        struct weft_dataset *dataset = load_text(text, (struct weft_image_shape){0}, &err);
        ck_assert_msg(dataset || err.class == WEFT_ERROR_CORRUPT, "%s", err.message);
        ck_assert(!dataset || dataset->count < 2 || size >= strlen(whole) - 2);
        weft_dataset_destroy(dataset);
    }
}
END_TEST

START_TEST(a_gzip_file_that_ends_early_is_corrupt)
{
    char path[256];
    struct idx_folder folder = idx_folder_new();
    write_csv(&folder, "some.csv.gz", "3,0,1,2,255\n0,10,11,12,13\n");
    FILE *file = fopen(idx_path(&folder, "some.csv.gz", path), "rb");
    fseek(file, 0, SEEK_END);
    const long whole = ftell(file);
    fclose(file);
    for (long size = whole - 1; size > 10; size--) {
        struct weft_error err = {0};
        ck_assert_int_eq(truncate(path, size), 0);
        ck_assert_ptr_null(weft_dataset_load(path, "train", &err));
        ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
        ck_assert_ptr_nonnull(strstr(err.message, "ends too early"));
    }
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_folder_gives_the_csv_file_of_the_part)
{
    struct weft_error err = {0};
    struct idx_folder folder = idx_folder_new();
    write_csv(&folder, "fashion-mnist_train.csv.gz", "3,1\n0,1\n1,1\n");
    write_csv(&folder, "fashion-mnist_test.csv", "3,1\n0,1\n");
    write_csv(&folder, "contest.csv", "3,1\n");
    ck_assert(weft_dataset_has_part(folder.path, "train"));
    ck_assert(weft_dataset_has_part(folder.path, "test"));
    struct weft_dataset *train = weft_dataset_load(folder.path, "train", &err);
    struct weft_dataset *test = weft_dataset_load(folder.path, "test", &err);
    ck_assert_msg(train && test, "%s", err.message);
    ck_assert_uint_eq(train->count, 3);
    ck_assert_uint_eq(test->count, 2);
    ck_assert_ptr_nonnull(strstr(test->name, "/fashion-mnist_test.csv"));
    weft_dataset_destroy(train);
    weft_dataset_destroy(test);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(damaged_text_is_read_or_refused_without_a_crash)
{
    static const char whole[] = "label,p1,p2,p3,p4\n3,0,1,2,255\n\"shoe\",10,\"11\",12,13\n7,1,2,3,4\n";
    static const char bytes[] = ",,\"\"\n\r 0129x-.\xff\t";
    uint32_t random = 1;
    size_t refused = 0;
    for (size_t round = 0; round < 500; round++) {
        char text[sizeof whole];
        struct weft_error err = {0};
        memcpy(text, whole + (round % 2 ? 18 : 0), sizeof whole - (round % 2 ? 18 : 0));
        size_t size = strlen(text);
        for (size_t change = 0; change <= round % 5; change++) {
            random = random * 1664525 + 1013904223;
            text[(random >> 8) % size] = bytes[(random >> 24) % (sizeof bytes - 1)];
        }
        struct weft_dataset *dataset = load_text(text, (struct weft_image_shape){0}, &err);
        ck_assert_msg(dataset || (err.class == WEFT_ERROR_CORRUPT && *err.message), "%s", err.message);
        for (size_t i = 0; dataset && i < dataset->count; i++)
            ck_assert_uint_lt((size_t)dataset->labels[i], dataset->class_count);
        refused += dataset == NULL;
        weft_dataset_destroy(dataset);
    }
    ck_assert_uint_gt(refused, 100);
}
END_TEST

SUITE("dataset_csv", TEST(a_line_is_a_label_and_its_pixels), TEST(a_line_of_column_names_is_skipped),
      TEST(quotes_spaces_empty_lines_and_other_line_ends_are_tolerated), TEST(a_gzipped_file_is_read_whatever_its_name),
      TEST(labels_may_be_names_which_are_sorted), TEST(labels_follow_the_names_of_a_model),
      TEST(a_file_without_labels_has_a_header_that_begins_with_a_pixel), TEST(three_planes_make_a_colour_image),
      TEST(an_image_that_is_no_square_needs_its_size), TEST(more_images_than_were_made_room_for_keep_their_order),
      TEST(a_line_longer_than_the_buffer_is_read), TEST(faults_are_named_with_their_line), TEST(a_zero_byte_is_refused),
      TEST(too_many_names_are_refused), TEST(a_file_cut_anywhere_is_refused_or_shorter),
      TEST(a_gzip_file_that_ends_early_is_corrupt), TEST(a_folder_gives_the_csv_file_of_the_part),
      TEST(damaged_text_is_read_or_refused_without_a_crash))
