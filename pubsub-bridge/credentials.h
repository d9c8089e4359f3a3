/* Who the bridge is to Google Cloud: a service account's file, the application-default credentials, or, to an emulator,
 * nobody. */
#ifndef WEFT_BRIDGE_CREDENTIALS_H
#define WEFT_BRIDGE_CREDENTIALS_H

#include <grpc/grpc.h>
#include <stdbool.h>

#include "base/error.h"

struct weft_pubsub_address {
    const char *endpoint;         /* host:port */
    bool plain;                   /* an emulator: neither encrypted nor authenticated */
    const char *credentials_file; /* a service account's JSON; NULL: application-default credentials */
    const char *ca_file;          /* PEM; NULL: gRPC's own roots. For credentials_file only */
};

/* The caller releases them. WEFT_ERROR_CONFIG when there are none, or the file is not what it should be. */
grpc_channel_credentials *weft_credentials_new(const struct weft_pubsub_address *address, struct weft_error *err);

#endif
