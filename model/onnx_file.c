#include "model/onnx_file.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static uint8_t *read_bytes(const char *path, size_t *size, struct weft_error *err)
{
    uint8_t *bytes = NULL;
    struct stat status;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &status) != 0) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "cannot open it: %s", strerror(errno));
        goto out;
    }
    if (!S_ISREG(status.st_mode)) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "it is not a file");
        goto out;
    }
    if (status.st_size > WEFT_ONNX_FILE_MAX) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "it is larger than %d MiB", WEFT_ONNX_FILE_MAX >> 20);
        goto out;
    }
    bytes = malloc((size_t)status.st_size + 1);
    if (!bytes) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for its %lld bytes", (long long)status.st_size);
        goto out;
    }
    *size = fread(bytes, 1, (size_t)status.st_size, file);
    if (ferror(file) || *size != (size_t)status.st_size) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "cannot read it: %s", ferror(file) ? strerror(errno) : "it shrank");
        free(bytes);
        bytes = NULL;
    }
out:
    if (file)
        fclose(file);
    return bytes;
}

static int digest(const uint8_t *bytes, size_t size, char text[65])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (!EVP_Digest(bytes, size, sum, &length, EVP_sha256(), NULL) || length != 32)
        return -1;
    for (unsigned i = 0; i < length; i++)
        snprintf(text + 2 * i, 3, "%02x", sum[i]);
    return 0;
}

/* protobuf-c's structures can take a hundred times the bytes that ask for them; this allocator stops that. */
static void *bounded_alloc(void *data, size_t size)
{
    size_t *left = data;
    if (size > *left)
        return NULL;
    *left -= size;
    return malloc(size);
}

static void bounded_free(void *data, void *pointer)
{
    (void)data;
    free(pointer);
}

static Onnx__ModelProto *unpack(const uint8_t *bytes, size_t size)
{
    size_t left = 2 * size + WEFT_ONNX_UNPACK_SLACK;
    ProtobufCAllocator bounded = {.alloc = bounded_alloc, .free = bounded_free, .allocator_data = &left};
    return onnx__model_proto__unpack(&bounded, size, bytes);
}

/* The version of ONNX's own operators; 0 where the file names none. */
static int64_t opset_version(const Onnx__ModelProto *model)
{
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *opset = model->opset_import[i];
        if (!opset->domain || !*opset->domain || strcmp(opset->domain, "ai.onnx") == 0)
            return opset->version;
    }
    return 0;
}

struct weft_onnx_file *weft_onnx_file_open(const char *path, struct weft_error *err)
{
    size_t size = 0;
    struct weft_onnx_file *file = calloc(1, sizeof *file);
    uint8_t *bytes = file ? read_bytes(path, &size, err) : NULL;
    int64_t opset;
    if (!file) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory");
        goto fail;
    }
    if (!bytes)
        goto fail;
    if (digest(bytes, size, file->sha256) != 0) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "cannot compute its SHA-256");
        goto fail;
    }
    file->model = unpack(bytes, size);
    if (!file->model || !file->model->graph) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "it is not an ONNX model, or it is damaged");
        goto fail;
    }
    opset = opset_version(file->model);
    if (opset < WEFT_ONNX_OPSET_MIN || opset > WEFT_ONNX_OPSET_MAX) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "its operator set is version %lld; export it with one of %d to %d",
                       (long long)opset, WEFT_ONNX_OPSET_MIN, WEFT_ONNX_OPSET_MAX);
        goto fail;
    }
    file->opset = (int)opset;
    free(bytes);
    return file;
fail:
    weft_error_prefix(err, "model %s", path);
    free(bytes);
    weft_onnx_file_close(file);
    return NULL;
}

void weft_onnx_file_close(struct weft_onnx_file *file)
{
    if (!file)
        return;
    if (file->model)
        onnx__model_proto__free_unpacked(file->model, NULL);
    free(file);
}
