#include "streams/admin.h"

enum { REASON_SIZE = 256, LATE_MS = 1000 };

struct weft_admin weft_admin_begin(struct weft_client *client, rd_kafka_admin_op_t operation, int timeout_ms)
{
    char reason[REASON_SIZE];
    rd_kafka_t *handle = weft_client_handle(client);
    struct weft_admin admin = {.client = client, .timeout_ms = timeout_ms};
    admin.options = rd_kafka_AdminOptions_new(handle, operation);
    admin.queue = rd_kafka_queue_new(handle);
    rd_kafka_AdminOptions_set_request_timeout(admin.options, timeout_ms, reason, sizeof reason);
    /* Until the brokers have done it; only what changes topics has such a time-out. */
    if (operation == RD_KAFKA_ADMIN_OP_CREATETOPICS || operation == RD_KAFKA_ADMIN_OP_CREATEPARTITIONS)
        rd_kafka_AdminOptions_set_operation_timeout(admin.options, timeout_ms, reason, sizeof reason);
    return admin;
}

void weft_admin_end(struct weft_admin *admin)
{
    if (admin->event)
        rd_kafka_event_destroy(admin->event);
    rd_kafka_queue_destroy(admin->queue);
    rd_kafka_AdminOptions_destroy(admin->options);
}

void weft_admin_only_check(struct weft_admin *admin)
{
    char reason[REASON_SIZE];
    rd_kafka_AdminOptions_set_validate_only(admin->options, 1, reason, sizeof reason);
}

int weft_admin_wait(struct weft_admin *admin, const char *what, struct weft_error *err)
{
    /* The library's own time-out comes first; the second beyond it is for what it might forget. */
    rd_kafka_event_t *event = rd_kafka_queue_poll(admin->queue, admin->timeout_ms + LATE_MS);
    rd_kafka_resp_err_t code = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    rd_kafka_poll(weft_client_handle(admin->client), 0);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        admin->event = event;
        return 0;
    }
    weft_client_fail(admin->client, code, what, err);
    if (event)
        rd_kafka_event_destroy(event);
    return -1;
}

int weft_admin_verdict(rd_kafka_resp_err_t code, const char *text, struct weft_error *err)
{
    enum weft_error_class class = weft_kafka_error_class(code);
    switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: return 0;
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICA_ASSIGNMENT:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION: class = WEFT_ERROR_CONFLICT; break;
    default: break;
    }
    return weft_error_set(err, class, "%s%s", text ? text : rd_kafka_err2str(code), weft_kafka_remedy(code));
}
