#include "model/data/inversion.h"

#include <gd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model/builtin.h"
#include "model/data/dataset_load.h"
#include "model/data/image.h"
#include "support/suite.h"

enum { SIDE = 28 };

static const float dark_mean = 0.286F, light_mean = 0.7F, middle_mean = 0.47F, no_mean;

static struct weft_network_info greyscale(const float *mean)
{
    return (struct weft_network_info){
        .channels = 1, .height = SIDE, .width = SIDE, .image_size = SIDE * SIDE, .mean = mean};
}

/* A thing of one brightness in the middle of a ground of another. */
static void draw(uint8_t *pixels, int ground, int thing)
{
    memset(pixels, ground, SIDE * SIDE);
    for (size_t y = 6; y < 22; y++)
        memset(pixels + y * SIDE + 6, thing, 16);
}

static bool inverted(const float *mean, int ground, int thing)
{
    uint8_t pixels[SIDE * SIDE];
    const struct weft_network_info info = greyscale(mean);
    draw(pixels, ground, thing);
    return weft_image_is_inverted(&info, pixels);
}

START_TEST(a_dark_thing_on_light_ground_is_inverted_for_a_network_that_knows_dark_ground)
{
    ck_assert(inverted(&dark_mean, 255, 30));
    ck_assert(inverted(&dark_mean, 200, 90));
    ck_assert(!inverted(&dark_mean, 0, 200));
}
END_TEST

START_TEST(a_light_thing_on_dark_ground_is_inverted_for_a_network_that_knows_light_ground)
{
    ck_assert(inverted(&light_mean, 0, 200));
    ck_assert(!inverted(&light_mean, 255, 30));
}
END_TEST

START_TEST(nothing_is_inverted_where_the_training_images_do_not_tell)
{
    ck_assert(!inverted(&middle_mean, 255, 30));
    ck_assert(!inverted(&middle_mean, 0, 200));
    ck_assert(!inverted(&no_mean, 255, 30));
}
END_TEST

START_TEST(a_network_for_colours_gets_its_images_as_they_are)
{
    static const float means[] = {0.3F, 0.3F, 0.3F};
    static uint8_t white[3 * SIDE * SIDE];
    const struct weft_network_info info = {
        .channels = 3, .height = SIDE, .width = SIDE, .image_size = sizeof white, .mean = means};
    memset(white, 255, sizeof white);
    ck_assert(!weft_image_is_inverted(&info, white));
}
END_TEST

START_TEST(images_of_a_single_row_or_column_have_a_border_too)
{
    const uint8_t white[5] = {255, 255, 255, 255, 255};
    struct weft_network_info info = {.channels = 1, .height = 1, .width = 5, .mean = &dark_mean};
    ck_assert(weft_image_is_inverted(&info, white));
    info.height = 5;
    info.width = 1;
    ck_assert(weft_image_is_inverted(&info, white));
}
END_TEST

START_TEST(all_four_sides_are_the_border)
{
    uint8_t pixels[2][5];
    const struct weft_network_info info = {.channels = 1, .height = 2, .width = 5, .mean = &dark_mean};
    for (size_t light = 0; light < 2; light++) {
        memset(pixels[light], 255, 5);
        memset(pixels[1 - light], 60, 5);
        ck_assert(weft_image_is_inverted(&info, pixels[0])); /* 157.5 in the mean */
    }
}
END_TEST

START_TEST(no_image_of_the_sample_is_taken_for_inverted_and_each_negative_is)
{
    struct weft_error err = {0};
    struct weft_dataset *sample = weft_dataset_load(WEFT_SOURCE_DIR "/data/sample", "test", &err);
    struct weft_network *network = weft_network_load("builtin:lenet", &err);
    ck_assert_msg(sample && network, "%s", err.message);
    for (size_t i = 0; i < sample->count; i++) {
        uint8_t pixels[SIDE * SIDE];
        memcpy(pixels, weft_dataset_image(sample, i), sizeof pixels);
        ck_assert_msg(!weft_image_is_inverted(weft_network_info(network), pixels), "image %zu", i);
        weft_image_invert(pixels, sizeof pixels);
        ck_assert_msg(weft_image_is_inverted(weft_network_info(network), pixels), "negative of image %zu", i);
    }
    weft_network_destroy(network);
    weft_dataset_destroy(sample);
}
END_TEST

START_TEST(a_photograph_in_colour_on_white_ground_is_inverted)
{
    struct weft_error err = {0};
    char path[] = "/tmp/weft-test-XXXXXX";
    const struct weft_network_info info = greyscale(&dark_mean);
    gdImagePtr photo = gdImageCreateTrueColor(300, 240);
    gdImageFilledRectangle(photo, 0, 0, 299, 239, gdTrueColor(246, 244, 240));
    gdImageFilledEllipse(photo, 150, 120, 180, 160, gdTrueColor(180, 40, 60));
    FILE *file = fdopen(mkstemp(path), "wb");
    gdImageJpeg(photo, file, 90);
    fclose(file);
    gdImageDestroy(photo);

    uint8_t *pixels = weft_image_read(path, 1, SIDE, SIDE, &err);
    unlink(path);
    ck_assert_msg(pixels != NULL, "%s", err.message);
    ck_assert(weft_image_is_inverted(&info, pixels));
    weft_image_invert(pixels, SIDE * SIDE);
    ck_assert_uint_lt(pixels[0], 20);
    ck_assert_uint_gt(pixels[14 * SIDE + 14], 150);
    free(pixels);
}
END_TEST

START_TEST(inverting_twice_gives_the_image_again)
{
    uint8_t pixels[] = {0, 1, 127, 128, 254, 255};
    static const uint8_t negative[] = {255, 254, 128, 127, 1, 0}, before[] = {0, 1, 127, 128, 254, 255};
    weft_image_invert(pixels, sizeof pixels);
    ck_assert_mem_eq(pixels, negative, sizeof pixels);
    weft_image_invert(pixels, sizeof pixels);
    ck_assert_mem_eq(pixels, before, sizeof pixels);
}
END_TEST

SUITE("inversion", TEST(a_dark_thing_on_light_ground_is_inverted_for_a_network_that_knows_dark_ground),
      TEST(a_light_thing_on_dark_ground_is_inverted_for_a_network_that_knows_light_ground),
      TEST(nothing_is_inverted_where_the_training_images_do_not_tell),
      TEST(a_network_for_colours_gets_its_images_as_they_are), TEST(images_of_a_single_row_or_column_have_a_border_too),
      TEST(all_four_sides_are_the_border), TEST(no_image_of_the_sample_is_taken_for_inverted_and_each_negative_is),
      TEST(a_photograph_in_colour_on_white_ground_is_inverted), TEST(inverting_twice_gives_the_image_again))
