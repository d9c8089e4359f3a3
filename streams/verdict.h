/* What a failed call of the transactional producer asks for: the one place where this is decided. */
#ifndef WEFT_STREAMS_VERDICT_H
#define WEFT_STREAMS_VERDICT_H

#include <librdkafka/rdkafka.h>

#include "base/error.h"

enum weft_verdict {
    WEFT_VERDICT_DONE,
    WEFT_VERDICT_RETRY,  /* make the same call again */
    WEFT_VERDICT_ABORT,  /* abort the transaction and go back to the committed offsets */
    WEFT_VERDICT_ADAPT,  /* as ABORT, but the next attempt will be a different one: no reason to give up */
    WEFT_VERDICT_FENCED, /* another instance has taken over: end, without an abort */
    WEFT_VERDICT_FATAL,  /* this producer is of no more use: end */
};

/* Takes ownership of error, which may be NULL (done). what names the call, for *err. */
enum weft_verdict weft_verdict(rd_kafka_error_t *error, const char *what, struct weft_error *err);

const char *weft_verdict_name(enum weft_verdict verdict);

#endif
