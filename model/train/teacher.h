/* Other networks whose answers are learnt too: any ONNX files that weft runs, each with its own normalisation. Of
 * several, the answer is the mean of their probabilities: it errs less than each of them. */
#ifndef WEFT_MODEL_TRAIN_TEACHER_H
#define WEFT_MODEL_TRAIN_TEACHER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/train/layer.h"

struct weft_teacher;

/* paths has commas between them. WEFT_ERROR_CONFIG unless each network takes images of this shape and knows so many
 * classes. */
struct weft_teacher *weft_teacher_new(const char *paths, struct weft_shape shape, size_t class_count,
                                      struct weft_error *err);
void weft_teacher_destroy(struct weft_teacher *teacher); /* accepts NULL; after all workspaces */

/* Checksums of the files, commas between them. */
const char *weft_teacher_digest(const struct weft_teacher *teacher);

/* What answering writes to, for up to max_batch images at a time; one for each thread. */
struct weft_teacher_workspace *weft_teacher_workspace_new(const struct weft_teacher *teacher, size_t max_batch,
                                                          struct weft_error *err);
void weft_teacher_workspace_destroy(struct weft_teacher_workspace *workspace); /* accepts NULL */

/* images[i] has (C, H, W), 0..255; gives probabilities (n, classes), which lie in the workspace until the next call. */
const float *weft_teacher_answer(struct weft_teacher_workspace *workspace, const uint8_t *const images[], size_t n);

#endif
