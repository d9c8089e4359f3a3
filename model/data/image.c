#include "model/data/image.h"

#include <errno.h>
#include <gd.h>
#include <gd_errors.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_BYTES_MAX = 64 << 20,
    PIXELS_MAX = 64 << 20, /* of the file's image, before it is fitted; libgd takes 4 bytes for each */
};

static size_t be16(const uint8_t *p)
{
    return (size_t)p[0] << 8 | p[1];
}

static size_t be32(const uint8_t *p)
{
    return be16(p) << 16 | be16(p + 2);
}

static size_t le16(const uint8_t *p)
{
    return (size_t)p[1] << 8 | p[0];
}

/* Width times height as a JPEG's frame header has them; 0 where there is none. */
static size_t jpeg_pixels(const uint8_t *bytes, size_t size)
{
    for (size_t at = 2; at + 9 <= size && bytes[at] == 0xff;) {
        uint8_t marker = bytes[at + 1];
        /* SOF0 to SOF15, without the tables DHT, JPG and DAC among them. */
        if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc)
            return be16(bytes + at + 5) * be16(bytes + at + 7);
        at += marker == 0xff ? 1 : 2 + be16(bytes + at + 2);
    }
    return 0;
}

/* Decodes after a look at the size that the file claims, which costs memory before a single pixel is read. */
static gdImagePtr decode(uint8_t *bytes, size_t size, const char **reason)
{
    *reason = "it is damaged or cut short";
    int length = (int)size;
    size_t pixels = 0;
    if (size >= 24 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0) {
        if (be32(bytes + 16) <= PIXELS_MAX && be32(bytes + 20) <= PIXELS_MAX)
            pixels = be32(bytes + 16) * be32(bytes + 20);
        else
            pixels = SIZE_MAX;
        if (pixels <= PIXELS_MAX)
            return gdImageCreateFromPngPtr(length, bytes);
    } else if (size >= 4 && memcmp(bytes, "\xff\xd8\xff", 3) == 0) {
        pixels = jpeg_pixels(bytes, size);
        if (pixels > 0 && pixels <= PIXELS_MAX)
            return gdImageCreateFromJpegPtr(length, bytes);
    } else if (size >= 10 && memcmp(bytes, "GIF8", 4) == 0) {
        pixels = le16(bytes + 6) * le16(bytes + 8);
        if (pixels <= PIXELS_MAX)
            return gdImageCreateFromGifPtr(length, bytes);
    } else if (size >= 16 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0) {
        return gdImageCreateFromWebpPtr(length, bytes); /* 16383 x 16383 at most by its format */
    } else if (size >= 26 && memcmp(bytes, "BM", 2) == 0) {
        size_t width = le16(bytes + 18) | le16(bytes + 20) << 16, height = le16(bytes + 22) | le16(bytes + 24) << 16;
        if (height > INT32_MAX) /* rows from the top are written as a negative height */
            height = (size_t)UINT32_MAX + 1 - height;
        pixels = width <= PIXELS_MAX && height <= PIXELS_MAX ? width * height : SIZE_MAX;
        if (pixels <= PIXELS_MAX)
            return gdImageCreateFromBmpPtr(length, bytes);
    } else {
        *reason = "it is no PNG, JPEG, BMP, GIF or WebP image";
    }
    if (pixels > PIXELS_MAX)
        *reason = "it claims more than 64 million pixels";
    return NULL;
}

/* libgd would print its complaints on stderr; ours says it in one line. */
static void keep_silent(int priority, const char *format, va_list args)
{
    (void)priority;
    (void)format;
    (void)args;
}

static uint8_t *file_bytes(const char *path, size_t *size, struct weft_error *err)
{
    uint8_t *bytes = NULL;
    FILE *file = fopen(path, "rb");
    if (!file) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "cannot open image %s: %s", path, strerror(errno));
        return NULL;
    }
    long end = -1;
    if (fseek(file, 0, SEEK_END) == 0)
        end = ftell(file);
    if (end < 0 || end > FILE_BYTES_MAX || fseek(file, 0, SEEK_SET) != 0) {
        weft_error_set(err, WEFT_ERROR_CORRUPT, "image %s: not a file of at most 64 MiB", path);
        goto out;
    }
    bytes = malloc((size_t)end + 1);
    if (!bytes) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for image %s", path);
        goto out;
    }
    *size = fread(bytes, 1, (size_t)end, file);
    if (ferror(file)) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "cannot read image %s: %s", path, strerror(errno));
        free(bytes);
        bytes = NULL;
    }
out:
    fclose(file);
    return bytes;
}

/* The image on white (where it is transparent), at the size asked for. */
static gdImagePtr fit(gdImagePtr image, int width, int height)
{
    gdImagePtr fitted = gdImageCreateTrueColor(width, height);
    if (!fitted)
        return NULL;
    gdImageFilledRectangle(fitted, 0, 0, width - 1, height - 1, gdTrueColor(255, 255, 255));
    gdImageAlphaBlending(fitted, gdEffectAlphaBlend);
    if (gdImageSX(image) == width && gdImageSY(image) == height)
        gdImageCopy(fitted, image, 0, 0, 0, 0, width, height);
    else
        gdImageCopyResampled(fitted, image, 0, 0, 0, 0, width, height, gdImageSX(image), gdImageSY(image));
    return fitted;
}

/* Takes the pixels of the image, which is of true colours, as channels planes. */
static void take_planes(gdImagePtr image, size_t channels, uint8_t *pixels)
{
    size_t width = (size_t)gdImageSX(image), plane = width * (size_t)gdImageSY(image);
    for (size_t i = 0; i < plane; i++) {
        int colour = gdImageTrueColorPixel(image, i % width, i / width);
        int red = gdTrueColorGetRed(colour), green = gdTrueColorGetGreen(colour), blue = gdTrueColorGetBlue(colour);
        if (channels == 1) {
            pixels[i] = (uint8_t)((299 * red + 587 * green + 114 * blue + 500) / 1000);
        } else {
            pixels[i] = (uint8_t)red;
            pixels[plane + i] = (uint8_t)green;
            pixels[2 * plane + i] = (uint8_t)blue;
        }
    }
}

uint8_t *weft_image_decode(uint8_t *bytes, size_t size, const char *name, struct weft_image_shape *shape,
                           struct weft_error *err)
{
    bool own_size = shape->height == 0 && shape->width == 0;
    if ((shape->channels != 1 && shape->channels != 3) ||
        (!own_size && (shape->height == 0 || shape->width == 0 || shape->height > PIXELS_MAX / shape->width))) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "image %s: cannot be fitted to %zu channels of %zu x %zu", name,
                       shape->channels, shape->height, shape->width);
        return NULL;
    }
    uint8_t *pixels = NULL;
    gdImagePtr image = NULL, fitted = NULL;
    gdSetErrorMethod(keep_silent);
    const char *reason;
    image = decode(bytes, size, &reason);
    if (!image) {
        weft_error_set(err, WEFT_ERROR_CORRUPT, "image %s: %s", name, reason);
        goto out;
    }
    if (own_size) {
        shape->height = (size_t)gdImageSY(image);
        shape->width = (size_t)gdImageSX(image);
    }
    fitted = fit(image, (int)shape->width, (int)shape->height);
    pixels = malloc(weft_image_shape_size(*shape));
    if (!fitted || !pixels) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for image %s", name);
        free(pixels);
        pixels = NULL;
        goto out;
    }
    take_planes(fitted, shape->channels, pixels);
out:
    if (fitted)
        gdImageDestroy(fitted);
    if (image)
        gdImageDestroy(image);
    return pixels;
}

uint8_t *weft_image_read_sized(const char *path, struct weft_image_shape *shape, struct weft_error *err)
{
    size_t size = 0;
    uint8_t *bytes = file_bytes(path, &size, err);
    uint8_t *pixels = bytes ? weft_image_decode(bytes, size, path, shape, err) : NULL;
    free(bytes);
    return pixels;
}

uint8_t *weft_image_read(const char *path, size_t channels, size_t height, size_t width, struct weft_error *err)
{
    struct weft_image_shape shape = {channels, height, width};
    if (height == 0 || width == 0) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "image %s: cannot be fitted to %zu x %zu", path, height, width);
        return NULL;
    }
    return weft_image_read_sized(path, &shape, err);
}

int weft_image_fit(const uint8_t *pixels, struct weft_image_shape from, uint8_t *fitted, struct weft_image_shape to,
                   struct weft_error *err)
{
    size_t plane = from.height * from.width;
    gdImagePtr resized = NULL;
    gdImagePtr image = gdImageCreateTrueColor((int)from.width, (int)from.height);
    for (size_t i = 0; image && i < plane; i++) {
        int red = pixels[i];
        int green = from.channels == 3 ? pixels[plane + i] : red,
            blue = from.channels == 3 ? pixels[2 * plane + i] : red;
        gdImageTrueColorPixel(image, i % from.width, i / from.width) = gdTrueColor(red, green, blue);
    }
    if (image)
        resized = fit(image, (int)to.width, (int)to.height);
    if (resized)
        take_planes(resized, to.channels, fitted);
    bool done = resized != NULL;
    if (resized)
        gdImageDestroy(resized);
    if (image)
        gdImageDestroy(image);
    return done ? 0
                : weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory to fit an image to %zux%zu", to.height, to.width);
}

bool weft_image_is_file(const uint8_t *bytes, size_t size)
{
    if (size < WEFT_IMAGE_FILE_HEAD)
        return false;
    return memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0 || memcmp(bytes, "\xff\xd8\xff", 3) == 0 ||
           memcmp(bytes, "GIF8", 4) == 0 || (memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0) ||
           /* Two letters alone could be pixels: the bytes that BMP reserves are zero. */
           (memcmp(bytes, "BM", 2) == 0 && be32(bytes + 6) == 0);
}

int weft_image_shape_parse(const char *text, struct weft_image_shape *shape, struct weft_error *err)
{
    size_t n[3];
    char rest;
    int count = sscanf(text, "%5zux%5zux%5zu%c", &n[0], &n[1], &n[2], &rest);
    if (count == 2 && sscanf(text, "%*5[0-9]x%*5[0-9]%c", &rest) != 1)
        *shape = (struct weft_image_shape){0, n[0], n[1]};
    else if (count == 3 && (n[0] == 1 || n[0] == 3))
        *shape = (struct weft_image_shape){n[0], n[1], n[2]};
    else
        *shape = (struct weft_image_shape){0};
    if (shape->height - 1 < WEFT_IMAGE_SIDE_MAX && shape->width - 1 < WEFT_IMAGE_SIDE_MAX)
        return 0;
    return weft_error_set(err, WEFT_ERROR_USAGE,
                          "'%s' is no size of an image: it must be height x width, as in 28x28, or channels (1 or 3) x "
                          "height x width, as in 3x32x32; sides are at most %d",
                          text, WEFT_IMAGE_SIDE_MAX);
}

/* One half of a character: code is 38 for the upper half's colour, 48 for the lower one's. */
static void draw_colour(FILE *out, int code, const uint8_t *pixel, size_t channels, size_t plane)
{
    if (channels == 3)
        fprintf(out, "\x1b[%d;2;%d;%d;%dm", code, pixel[0], pixel[plane], pixel[2 * plane]);
    else
        fprintf(out, "\x1b[%d;5;%dm", code, 232 + *pixel * 24 / 256);
}

void weft_image_draw(FILE *out, const uint8_t *pixels, size_t channels, size_t height, size_t width)
{
    for (size_t y = 0; y < height; y += 2) {
        for (size_t x = 0; x < width; x++) {
            const uint8_t *pixel = pixels + y * width + x;
            draw_colour(out, 38, pixel, channels, height * width);
            if (y + 1 < height)
                draw_colour(out, 48, pixel + width, channels, height * width);
            fputs("\u2580", out);
        }
        fputs("\x1b[0m\n", out);
    }
}
