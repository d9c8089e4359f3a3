#include "streams/message.h"

const void *weft_message_frame_header(const rd_kafka_message_t *message, size_t *size)
{
    rd_kafka_headers_t *headers;
    const void *bytes = NULL;
    *size = 0;
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_header_get_last(headers, WEFT_FRAME_HEADER, &bytes, size);
    return bytes;
}

int weft_message_frame(const rd_kafka_message_t *message, struct weft_frame *frame, struct weft_error *err)
{
    size_t size;
    const void *header = weft_message_frame_header(message, &size);
    return weft_frame_read_header(header, size, message->payload, message->len, frame, err);
}
