#include "model/onnx/onnx_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/builtin.h"

/* Opens a file that is one, and nothing that makes its reader wait. The caller closes it; -1 with an error. */
static int open_file(const char *path, size_t *size, struct weft_error *err)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) != 0) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "cannot open it: %s", strerror(errno));
        goto fail;
    }
    if (!S_ISREG(status.st_mode)) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "it is not a file");
        goto fail;
    }
    *size = (size_t)status.st_size;
    return fd;
fail:
    if (fd >= 0)
        close(fd);
    return -1;
}

/* size bytes of the file from offset on. The caller frees them; NULL with an error. */
static uint8_t *read_at(int fd, size_t offset, size_t size, struct weft_error *err)
{
    uint8_t *bytes = malloc(size + 1);
    if (!bytes) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for its %zu bytes", size);
        return NULL;
    }
    for (size_t done = 0; done < size;) {
        ssize_t count = pread(fd, bytes + done, size - done, (off_t)(offset + done));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            weft_error_set(err, WEFT_ERROR_CONFIG, "cannot read it: %s", count < 0 ? strerror(errno) : "it shrank");
            free(bytes);
            return NULL;
        }
        done += (size_t)count;
    }
    return bytes;
}

static uint8_t *read_bytes(const char *path, size_t *size, struct weft_error *err)
{
    uint8_t *bytes = NULL;
    int fd = open_file(path, size, err);
    if (fd < 0)
        return NULL;
    if (*size > WEFT_ONNX_FILE_MAX)
        weft_error_set(err, WEFT_ERROR_CONFIG, "it is larger than %d MiB", WEFT_ONNX_FILE_MAX >> 20);
    else
        bytes = read_at(fd, 0, *size, err);
    close(fd);
    return bytes;
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

/* While a model is read: what it keeps in other files beside it, as exporters do with weights. */
struct reader {
    const char *path; /* NULL where there is nothing beside it */
    EVP_MD_CTX *digest;
    size_t left; /* bytes that may come from other files */
};

/* A number of tensor->external_data, or otherwise. */
static int external_number(const char *text, size_t otherwise, size_t *number)
{
    char *end;
    *number = otherwise;
    if (!text)
        return 0;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    *number = (size_t)value;
    return *text >= '0' && *text <= '9' && !*end && errno == 0 && value <= SIZE_MAX / 2 ? 0 : -1;
}

static const char *external_property(const Onnx__TensorProto *tensor, const char *key)
{
    for (size_t i = 0; i < tensor->n_external_data; i++) {
        const Onnx__StringStringEntryProto *entry = tensor->external_data[i];
        if (entry->key && entry->value && strcmp(entry->key, key) == 0)
            return entry->value;
    }
    return NULL;
}

/* Reads what lies in the file at path, which is in the model's folder, and makes it the tensor's raw_data. */
static int read_external(struct reader *reader, Onnx__TensorProto *tensor, const char *path, struct weft_error *err)
{
    size_t size, offset, length;
    int fd = open_file(path, &size, err), result = -1;
    if (fd < 0)
        return -1;
    if (external_number(external_property(tensor, "offset"), 0, &offset) != 0 || offset > size ||
        external_number(external_property(tensor, "length"), size - offset, &length) != 0 || length > size - offset) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "it has only %zu bytes", size);
        goto out;
    }
    if (length > reader->left) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "more than %d MiB are asked of it", WEFT_ONNX_FILE_MAX >> 20);
        goto out;
    }
    uint8_t *bytes = read_at(fd, offset, length, err);
    if (!bytes)
        goto out;
    if (tensor->has_raw_data)
        free(tensor->raw_data.data);
    tensor->raw_data = (ProtobufCBinaryData){.len = length, .data = bytes};
    tensor->has_raw_data = 1;
    tensor->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__DEFAULT;
    reader->left -= length;
    if (!EVP_DigestUpdate(reader->digest, bytes, length))
        weft_error_set(err, WEFT_ERROR_INTERNAL, "cannot compute its SHA-256");
    else
        result = 0;
out:
    close(fd);
    return result;
}

static int read_tensor(struct reader *reader, Onnx__TensorProto *tensor, struct weft_error *err)
{
    char path[PATH_MAX];
    if (!tensor->has_data_location || tensor->data_location != ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        return 0;
    const char *location = external_property(tensor, "location"), *name = tensor->name ? tensor->name : "";
    const char *slash = reader->path ? strrchr(reader->path, '/') : NULL;
    if (!reader->path || !location || !*location || strchr(location, '/') || strcmp(location, "..") == 0)
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "tensor '%.100s' lies in another file, '%.100s', that is not beside the model", name,
                              location ? location : "");
    int folder = slash ? (int)(slash + 1 - reader->path) : 0;
    if (snprintf(path, sizeof path, "%.*s%s", folder, reader->path, location) >= (int)sizeof path)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "tensor '%.100s' lies in a file with too long a path", name);
    if (read_external(reader, tensor, path, err) != 0)
        return weft_error_prefix(err, "tensor '%.100s' lies in %.200s", name, path);
    return 0;
}

static int read_tensors(struct reader *reader, const Onnx__GraphProto *graph, struct weft_error *err)
{
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (read_tensor(reader, graph->initializer[i], err) != 0)
            return -1;
    for (size_t i = 0; i < graph->n_node; i++)
        for (size_t k = 0; k < graph->node[i]->n_attribute; k++)
            if (graph->node[i]->attribute[k]->t && read_tensor(reader, graph->node[i]->attribute[k]->t, err) != 0)
                return -1;
    return 0;
}

/* Unpacks the bytes, which may be freed afterwards. */
static int read_model(struct weft_onnx_file *file, struct reader *reader, const uint8_t *bytes, size_t size,
                      struct weft_error *err)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    file->model = unpack(bytes, size);
    if (!file->model || !file->model->graph)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "it is not an ONNX model, or it is damaged");
    int64_t opset = opset_version(file->model);
    if (opset < WEFT_ONNX_OPSET_MIN || opset > WEFT_ONNX_OPSET_MAX)
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "its operator set is version %lld; export it with one of %d to %d", (long long)opset,
                              WEFT_ONNX_OPSET_MIN, WEFT_ONNX_OPSET_MAX);
    file->opset = (int)opset;
    if (!reader->digest || !EVP_DigestInit_ex(reader->digest, EVP_sha256(), NULL) ||
        !EVP_DigestUpdate(reader->digest, bytes, size))
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "cannot compute its SHA-256");
    if (read_tensors(reader, file->model->graph, err) != 0)
        return -1;
    if (!EVP_DigestFinal_ex(reader->digest, sum, &length) || length != 32)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "cannot compute its SHA-256");
    for (unsigned i = 0; i < length; i++)
        snprintf(file->sha256 + 2 * i, 3, "%02x", sum[i]);
    return 0;
}

struct weft_onnx_file *weft_onnx_file_open(const char *path, struct weft_error *err)
{
    size_t size = 0;
    uint8_t *bytes = NULL;
    const struct weft_builtin *builtin = NULL;
    struct weft_onnx_file *file = calloc(1, sizeof *file);
    struct reader reader = {.digest = EVP_MD_CTX_new(), .left = WEFT_ONNX_FILE_MAX};
    if (!file) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory");
        goto fail;
    }
    if (weft_builtin_is(path))
        builtin = weft_builtin_find(path, err);
    else
        bytes = read_bytes(path, &size, err);
    if (!builtin && !bytes)
        goto fail;
    reader.path = builtin ? NULL : path;
    if (read_model(file, &reader, builtin ? builtin->bytes : bytes, builtin ? builtin->size : size, err) != 0)
        goto fail;
    EVP_MD_CTX_free(reader.digest);
    free(bytes);
    return file;
fail:
    EVP_MD_CTX_free(reader.digest);
    weft_error_prefix(err, "model %s", path);
    weft_onnx_file_clean(err);
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

void weft_onnx_file_clean(struct weft_error *err)
{
    for (char *p = err ? err->message : NULL; p && *p; p++)
        if (iscntrl((unsigned char)*p))
            *p = '?';
}
