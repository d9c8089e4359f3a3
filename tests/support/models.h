/* ONNX files for tests: recorded ones (tests/data/models), and those made or changed here, as models_load takes them.
 */
#ifndef WEFT_TESTS_SUPPORT_MODELS_H
#define WEFT_TESTS_SUPPORT_MODELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/onnx/onnx.pb-c.h"

struct weft_network;

/* Of the recorded model of that name: its ending is onnx, input or output. */
void models_path(char path[512], const char *name, const char *ending);

/* All bytes of a file, one of none has room for a byte; the caller frees. */
uint8_t *models_read(const char *path, size_t *size);

/* The recorded model of that name, to be changed and freed with onnx__model_proto__free_unpacked. */
Onnx__ModelProto *models_unpack(const char *name);

/* The caller frees. */
uint8_t *models_pack(const Onnx__ModelProto *model, size_t *size);

/* Makes a file of the bytes in memory, which is there until the descriptor that this gives is closed. */
int models_file(char path[64], const uint8_t *bytes, size_t size);

/* Loads the bytes as a file; gives the network, or NULL with err, which names that file. */
struct weft_network *models_load_bytes(const uint8_t *bytes, size_t size, struct weft_error *err);
struct weft_network *models_load(const Onnx__ModelProto *model, struct weft_error *err);

/* One image, unless that is a long computation. */
void models_run(const struct weft_network *network);

/* That loading gave no network, but one line with the reason; what is for the message. */
void models_expect_refused(struct weft_network *network, const struct weft_error *err, const char *what,
                           const char *reason);

/* Loads the model, frees it, and expects that it is refused for the reason. */
void models_refuse(Onnx__ModelProto *model, const char *reason);

#endif
