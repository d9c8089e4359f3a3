#include "model/data/image.h"

#include <gd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/suite.h"

/* A file of the bytes; path is filled in, and the caller unlinks it. */
static void write_file(char path[64], const void *bytes, size_t size)
{
    strcpy(path, "/tmp/weft-image-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

/* 6 x 4 pixels: pixel (x, y) is (10 x, 20 y, 30). */
static gdImagePtr gradient(void)
{
    gdImagePtr image = gdImageCreateTrueColor(6, 4);
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 6; x++)
            gdImageSetPixel(image, x, y, gdTrueColor(10 * x, 20 * y, 30));
    return image;
}

/* Encodes, writes, reads back as channels x height x width. */
static uint8_t *round_trip(void *(*encode)(gdImagePtr, int *), gdImagePtr image, size_t channels, size_t height,
                           size_t width)
{
    char path[64];
    int size;
    struct weft_error err = {0};
    void *bytes = encode(image, &size);
    ck_assert_ptr_nonnull(bytes);
    write_file(path, bytes, (size_t)size);
    uint8_t *pixels = weft_image_read(path, channels, height, width, &err);
    ck_assert_msg(pixels != NULL, "%s", err.message);
    unlink(path);
    gdFree(bytes);
    gdImageDestroy(image);
    return pixels;
}

static void *jpeg(gdImagePtr image, int *size)
{
    return gdImageJpegPtr(image, size, 100);
}

static void *bmp(gdImagePtr image, int *size)
{
    return gdImageBmpPtr(image, size, 0);
}

static void *webp(gdImagePtr image, int *size)
{
    return gdImageWebpPtrEx(image, size, gdWebpLossless);
}

static void check_gradient(void *(*encode)(gdImagePtr, int *), int tolerance)
{
    uint8_t *pixels = round_trip(encode, gradient(), 3, 4, 6);
    for (int i = 0; i < 24; i++) {
        ck_assert_int_le(abs(pixels[i] - 10 * (i % 6)), tolerance);
        ck_assert_int_le(abs(pixels[24 + i] - 20 * (i / 6)), tolerance);
        ck_assert_int_le(abs(pixels[48 + i] - 30), tolerance);
    }
    free(pixels);
}

START_TEST(a_png_comes_back_exactly_as_planes_of_red_green_and_blue)
{
    check_gradient(gdImagePngPtr, 0);
}
END_TEST

START_TEST(bmp_webp_gif_and_jpeg_are_read_too)
{
    check_gradient(bmp, 0);
    check_gradient(webp, 0);
    check_gradient(gdImageGifPtr, 24); /* a palette of rounded colours */
    check_gradient(jpeg, 24);          /* colours at half the resolution */
}
END_TEST

START_TEST(one_channel_is_the_luma)
{
    uint8_t *pixels = round_trip(gdImagePngPtr, gradient(), 1, 4, 6);
    for (int i = 0; i < 24; i++)
        ck_assert_int_eq(pixels[i], (299 * 10 * (i % 6) + 587 * 20 * (i / 6) + 114 * 30 + 500) / 1000);
    free(pixels);
}
END_TEST

START_TEST(grey_stays_as_it_is)
{
    gdImagePtr image = gdImageCreateTrueColor(256, 1);
    for (int x = 0; x < 256; x++)
        gdImageSetPixel(image, x, 0, gdTrueColor(x, x, x));
    uint8_t *pixels = round_trip(gdImagePngPtr, image, 1, 1, 256);
    for (int x = 0; x < 256; x++)
        ck_assert_int_eq(pixels[x], x);
    free(pixels);
}
END_TEST

START_TEST(another_size_is_resampled)
{
    gdImagePtr image = gdImageCreateTrueColor(56, 56);
    gdImageFilledRectangle(image, 0, 0, 27, 55, gdTrueColor(200, 200, 200));
    uint8_t *pixels = round_trip(gdImagePngPtr, image, 1, 28, 28);
    for (int y = 0; y < 28; y++) {
        ck_assert_int_eq(pixels[28 * y + 3], 200);
        ck_assert_int_eq(pixels[28 * y + 24], 0);
    }
    free(pixels);
}
END_TEST

START_TEST(what_is_transparent_is_white)
{
    gdImagePtr image = gdImageCreateTrueColor(2, 1);
    gdImageAlphaBlending(image, 0);
    gdImageSaveAlpha(image, 1);
    gdImageSetPixel(image, 0, 0, gdTrueColorAlpha(0, 0, 0, gdAlphaTransparent));
    gdImageSetPixel(image, 1, 0, gdTrueColorAlpha(0, 0, 0, gdAlphaOpaque));
    uint8_t *pixels = round_trip(gdImagePngPtr, image, 1, 1, 2);
    ck_assert_int_eq(pixels[0], 255);
    ck_assert_int_eq(pixels[1], 0);
    free(pixels);
}
END_TEST

static void expect_refused(const void *bytes, size_t size, const char *reason)
{
    char path[64];
    struct weft_error err = {0};
    write_file(path, bytes, size);
    ck_assert_ptr_null(weft_image_read(path, 1, 28, 28, &err));
    unlink(path);
    ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
    ck_assert_msg(strstr(err.message, path) && strstr(err.message, reason), "%s", err.message);
}

START_TEST(what_is_no_image_is_refused)
{
    expect_refused("", 0, "it is no PNG, JPEG, BMP, GIF or WebP image");
    expect_refused("<html>Not found</html>", 22, "it is no PNG, JPEG, BMP, GIF or WebP image");
    expect_refused("\x89PNG\r\n\x1a\nand then nothing more", 30, "it claims more than 64 million pixels");
    expect_refused("\xff\xd8\xff\xe0 no frame header", 20, "it is damaged or cut short");
}
END_TEST

START_TEST(an_image_cut_short_anywhere_is_refused_or_read_without_a_crash)
{
    void *(*const encoders[])(gdImagePtr, int *) = {gdImagePngPtr, gdImageGifPtr, bmp, webp, jpeg};
    for (size_t i = 0; i < sizeof encoders / sizeof *encoders; i++) {
        gdImagePtr image = gradient();
        int size;
        uint8_t *bytes = encoders[i](image, &size);
        for (int cut = 0; cut < size; cut++) {
            char path[64];
            struct weft_error err = {0};
            write_file(path, bytes, (size_t)cut);
            uint8_t *pixels = weft_image_read(path, 3, 4, 6, &err);
            ck_assert(pixels || err.class == WEFT_ERROR_CORRUPT);
            free(pixels);
            unlink(path);
        }
        gdFree(bytes);
        gdImageDestroy(image);
    }
}
END_TEST

START_TEST(a_gigantic_image_is_refused_before_it_takes_memory)
{
    uint8_t png[33] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02";
    expect_refused(png, sizeof png, "it claims more than 64 million pixels");
    uint8_t jpg[] = {0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0xff, 0xff, 0xff, 0xff, 3, 0, 0, 0};
    expect_refused(jpg, sizeof jpg, "it claims more than 64 million pixels");
    uint8_t gif[] = {'G', 'I', 'F', '8', '9', 'a', 0xff, 0xff, 0xff, 0xff, 0, 0, 0};
    expect_refused(gif, sizeof gif, "it claims more than 64 million pixels");
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
    struct weft_error err = {0};
    ck_assert_ptr_null(weft_image_read("/nowhere/shoe.png", 1, 28, 28, &err));
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    ck_assert_str_eq(err.message, "cannot open image /nowhere/shoe.png: No such file or directory");
}
END_TEST

START_TEST(a_file_gives_its_own_size_where_none_is_wanted)
{
    char path[64];
    int size;
    struct weft_error err = {0};
    struct weft_image_shape shape = {.channels = 3};
    gdImagePtr image = gradient();
    void *bytes = gdImagePngPtr(image, &size);
    write_file(path, bytes, (size_t)size);
    uint8_t *pixels = weft_image_read_sized(path, &shape, &err);
    ck_assert_msg(pixels != NULL, "%s", err.message);
    ck_assert_uint_eq(shape.height, 4);
    ck_assert_uint_eq(shape.width, 6);
    ck_assert_uint_eq(pixels[5], 50);
    free(pixels);
    unlink(path);
    gdFree(bytes);
    gdImageDestroy(image);
}
END_TEST

START_TEST(pixels_are_fitted_to_other_channels_and_sizes)
{
    static const uint8_t colour[3 * 2] = {100, 0, 0, 100, 0, 0}; /* a red pixel and a green one */
    uint8_t grey[2], larger[3 * 4 * 2];
    struct weft_error err = {0};
    ck_assert_int_eq(
        weft_image_fit(colour, (struct weft_image_shape){3, 1, 2}, grey, (struct weft_image_shape){1, 1, 2}, &err), 0);
    ck_assert_uint_eq(grey[0], 30);
    ck_assert_uint_eq(grey[1], 59);
    const uint8_t one = 77;
    ck_assert_int_eq(
        weft_image_fit(&one, (struct weft_image_shape){1, 1, 1}, larger, (struct weft_image_shape){3, 4, 2}, &err), 0);
    for (size_t i = 0; i < sizeof larger; i++)
        ck_assert_uint_eq(larger[i], 77);
}
END_TEST

START_TEST(a_shape_is_read_with_or_without_channels)
{
    static const char *const bad[] = {"",        "28",     "28x",         "28x28x", "2x28x28", "0x28",
                                      "28x8193", "28x28 ", "28x28x28x28", "-1x28",  "x28",     "1x28x28x"};
    struct weft_image_shape shape;
    struct weft_error err = {0};
    ck_assert_int_eq(weft_image_shape_parse("30x20", &shape, &err), 0);
    ck_assert(shape.channels == 0 && shape.height == 30 && shape.width == 20);
    ck_assert_int_eq(weft_image_shape_parse("3x8192x1", &shape, &err), 0);
    ck_assert(shape.channels == 3 && shape.height == 8192 && shape.width == 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err.class = WEFT_ERROR_NONE;
        ck_assert_msg(weft_image_shape_parse(bad[i], &shape, &err) == -1, "%s", bad[i]);
        ck_assert_int_eq(err.class, WEFT_ERROR_USAGE);
    }
}
END_TEST

static void check_drawing(const uint8_t *pixels, size_t channels, size_t height, size_t width, const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    weft_image_draw(out, pixels, channels, height, width);
    fclose(out);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(two_rows_make_a_line_of_half_blocks)
{
    check_drawing((uint8_t[]){0, 255, 128, 12}, 1, 2, 2,
                  "\x1b[38;5;232m\x1b[48;5;244m\u2580\x1b[38;5;255m\x1b[48;5;233m\u2580\x1b[0m\n");
}
END_TEST

START_TEST(an_odd_last_row_and_colours_are_drawn)
{
    check_drawing((uint8_t[]){1, 2, 3}, 3, 1, 1, "\x1b[38;2;1;2;3m\u2580\x1b[0m\n");
}
END_TEST

SUITE("image", TEST(a_png_comes_back_exactly_as_planes_of_red_green_and_blue), TEST(bmp_webp_gif_and_jpeg_are_read_too),
      TEST(one_channel_is_the_luma), TEST(grey_stays_as_it_is), TEST(another_size_is_resampled),
      TEST(what_is_transparent_is_white), TEST(what_is_no_image_is_refused),
      TEST(an_image_cut_short_anywhere_is_refused_or_read_without_a_crash),
      TEST(a_gigantic_image_is_refused_before_it_takes_memory), TEST(a_file_that_is_not_there_is_named),
      TEST(a_file_gives_its_own_size_where_none_is_wanted), TEST(pixels_are_fitted_to_other_channels_and_sizes),
      TEST(a_shape_is_read_with_or_without_channels), TEST(two_rows_make_a_line_of_half_blocks),
      TEST(an_odd_last_row_and_colours_are_drawn))
