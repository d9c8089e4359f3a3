/* Which failed calls are repeated, and when: Google's table of codes, and back-off with jitter.
 *
 * https://cloud.google.com/pubsub/docs/reference/error-codes and the retry settings of Google's own clients. */
#ifndef WEFT_BRIDGE_RETRY_H
#define WEFT_BRIDGE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum weft_pubsub_call { WEFT_CALL_PUBLISH, WEFT_CALL_PULL, WEFT_CALL_ACKNOWLEDGE, WEFT_CALL_ADMIN };

/* Whether a call that ended with this grpc_status_code may be repeated. attempt counts from 1: of codes that may be a
 * passing fault or a defect only some repetitions are worth it. */
bool weft_retry_wanted(enum weft_pubsub_call call, int code, int attempt);

/* How long to wait before the attempt after this one: 100 ms at first, doubled each time, 60 s at most; of that a
 * random part. random is any number of 32 random bits. */
int64_t weft_retry_wait_ms(int attempt, uint32_t random);

/* Fills *err for a call that failed for good: what was called and on what, the server's words, what to do. Returns
 * -1. */
int weft_retry_fail(int code, const char *message, const char *what, struct weft_error *err);

#endif
