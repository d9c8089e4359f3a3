/* Random numbers of a run: one seed, and a stream of its own for each purpose, so that nothing drawn for one changes
 * another and none depends on what ran before. */
#ifndef WEFT_MODEL_TRAIN_STREAMS_H
#define WEFT_MODEL_TRAIN_STREAMS_H

#include "model/train/random.h"

enum weft_stream {
    WEFT_STREAM_SPLIT,
    WEFT_STREAM_WEIGHTS,
    WEFT_STREAM_ORDER,   /* of the images, by epoch */
    WEFT_STREAM_IMAGES,  /* their augmentation, by epoch and image */
    WEFT_STREAM_DROPOUT, /* by step and share */
};

/* index is below 2^56. */
static inline struct weft_random weft_stream(uint64_t seed, enum weft_stream stream, uint64_t index)
{
    return weft_random_of(seed, (uint64_t)stream << 56 | index);
}

#endif
