#include "streams/verdict.h"

#include "streams/client.h"

enum weft_verdict weft_verdict(rd_kafka_error_t *error, const char *what, struct weft_error *err)
{
    if (!error)
        return WEFT_VERDICT_DONE;
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    enum weft_error_class class = weft_kafka_error_class(code);
    enum weft_verdict verdict = WEFT_VERDICT_FATAL;
    /* Fenced first: TxnOffsetCommit's answer of that name is flagged as abortable only. */
    if (class == WEFT_ERROR_FENCED)
        verdict = WEFT_VERDICT_FENCED;
    else if (rd_kafka_error_is_fatal(error))
        verdict = WEFT_VERDICT_FATAL;
    else if (rd_kafka_error_txn_requires_abort(error))
        verdict = WEFT_VERDICT_ABORT;
    else if (rd_kafka_error_is_retriable(error))
        verdict = WEFT_VERDICT_RETRY;
    weft_error_set(err, class, "%s: %s (%s)%s", what, rd_kafka_error_string(error), rd_kafka_error_name(error),
                   weft_kafka_remedy(code));
    rd_kafka_error_destroy(error);
    return verdict;
}

const char *weft_verdict_name(enum weft_verdict verdict)
{
    switch (verdict) {
    case WEFT_VERDICT_DONE: return "done";
    case WEFT_VERDICT_RETRY: return "retry";
    case WEFT_VERDICT_ABORT: return "abort";
    case WEFT_VERDICT_ADAPT: return "adapt";
    case WEFT_VERDICT_FENCED: return "fenced";
    case WEFT_VERDICT_FATAL: return "fatal";
    }
    return "fatal";
}
