#include "support/models.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/network.h"

void models_path(char path[512], const char *name, const char *ending)
{
    snprintf(path, 512, WEFT_SOURCE_DIR "/tests/data/models/%s.%s", name, ending);
}

uint8_t *models_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s is missing", path);
    struct stat status;
    ck_assert_int_eq(fstat(fileno(file), &status), 0);
    uint8_t *bytes = malloc((size_t)status.st_size + 1);
    *size = fread(bytes, 1, (size_t)status.st_size, file);
    fclose(file);
    return bytes;
}

Onnx__ModelProto *models_unpack(const char *name)
{
    char path[512];
    size_t size;
    models_path(path, name, "onnx");
    uint8_t *bytes = models_read(path, &size);
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, size, bytes);
    ck_assert_ptr_nonnull(model);
    free(bytes);
    return model;
}

uint8_t *models_pack(const Onnx__ModelProto *model, size_t *size)
{
    *size = onnx__model_proto__get_packed_size(model);
    uint8_t *bytes = malloc(*size);
    ck_assert_uint_eq(onnx__model_proto__pack(model, bytes), *size);
    return bytes;
}

int models_file(char path[64], const uint8_t *bytes, size_t size)
{
    int fd = memfd_create("model", 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

struct weft_network *models_load_bytes(const uint8_t *bytes, size_t size, struct weft_error *err)
{
    char path[64];
    int fd = models_file(path, bytes, size);
    *err = (struct weft_error){0};
    struct weft_network *network = weft_network_load(path, err);
    if (!network)
        ck_assert_msg(strstr(err->message, path) != NULL, "does not name its file: %s", err->message);
    close(fd);
    return network;
}

struct weft_network *models_load(const Onnx__ModelProto *model, struct weft_error *err)
{
    size_t size;
    uint8_t *bytes = models_pack(model, &size);
    struct weft_network *network = models_load_bytes(bytes, size, err);
    free(bytes);
    return network;
}

void models_run(const struct weft_network *network)
{
    const struct weft_network_info *info = weft_network_info(network);
    if (info->multiply_adds > 10000000 || info->workspace_bytes > 64 << 20)
        return;
    struct weft_workspace *workspace = weft_workspace_new(network, 1, NULL);
    uint8_t *image = calloc(1, info->image_size);
    float *probabilities = malloc(info->class_count * sizeof *probabilities);
    weft_network_run(network, workspace, (const uint8_t *[]){image}, 1, probabilities);
    free(image);
    free(probabilities);
    weft_workspace_destroy(workspace);
}

void models_expect_refused(struct weft_network *network, const struct weft_error *err, const char *what,
                           const char *reason)
{
    ck_assert_msg(network == NULL, "'%s' was taken; expected: %s", what, reason);
    ck_assert_int_eq(err->class, WEFT_ERROR_CONFIG);
    ck_assert_msg(strstr(err->message, reason) != NULL, "'%s': '%s' does not say '%s'", what, err->message, reason);
    ck_assert_msg(strchr(err->message, '\n') == NULL, "more than a line: %s", err->message);
}

void models_refuse(Onnx__ModelProto *model, const char *reason)
{
    struct weft_error err;
    models_expect_refused(models_load(model, &err), &err, "changed model", reason);
    onnx__model_proto__free_unpacked(model, NULL);
}
