#include "pubsub-bridge/credentials.h"

#include <grpc/grpc_security.h>
#if defined __has_include
#if __has_include(<grpc/credentials.h>)
#include <grpc/credentials.h>
#endif
#endif
#include <stdlib.h>

#include "base/text_file.h"

/* A service account signs its own tokens: no other server is asked. */
static grpc_channel_credentials *service_account(const struct weft_pubsub_address *address, struct weft_error *err)
{
    size_t size;
    char *key = NULL, *roots = NULL;
    grpc_channel_credentials *both = NULL;
    key = weft_text_file_read(address->credentials_file, &size, err);
    roots = address->ca_file && key ? weft_text_file_read(address->ca_file, &size, err) : NULL;
    if (!key || (address->ca_file && !roots))
        goto out;
    grpc_call_credentials *account =
        grpc_service_account_jwt_access_credentials_create(key, gpr_time_from_seconds(3600, GPR_TIMESPAN), NULL);
    if (!account) {
        weft_error_set(err, WEFT_ERROR_CONFIG,
                       "%s: no key of a service account: make one with `gcloud iam service-accounts keys create`",
                       address->credentials_file);
        goto out;
    }
    grpc_channel_credentials *tls = grpc_ssl_credentials_create(roots, NULL, NULL, NULL);
    both = tls ? grpc_composite_channel_credentials_create(tls, account, NULL) : NULL;
    if (!both)
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s: no certificates of authorities",
                       address->ca_file ? address->ca_file : "gRPC's roots");
    if (tls)
        grpc_channel_credentials_release(tls);
    grpc_call_credentials_release(account);
out:
    free(key);
    free(roots);
    return both;
}

grpc_channel_credentials *weft_credentials_new(const struct weft_pubsub_address *address, struct weft_error *err)
{
    if (address->plain)
        return grpc_insecure_credentials_create();
    if (address->credentials_file)
        return service_account(address, err);
#ifdef WEFT_GRPC_DEFAULT_CREDENTIALS_2 /* found out when configuring */
    grpc_channel_credentials *credentials = grpc_google_default_credentials_create(NULL, NULL);
#else
    grpc_channel_credentials *credentials = grpc_google_default_credentials_create(NULL);
#endif
    if (!credentials)
        weft_error_set(err, WEFT_ERROR_CONFIG,
                       "no application-default credentials: run `gcloud auth application-default login`, set "
                       "GOOGLE_APPLICATION_CREDENTIALS or the setting pubsub.credentials.file, or PUBSUB_EMULATOR_HOST "
                       "for an emulator");
    return credentials;
}
