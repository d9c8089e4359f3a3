#include "topology/pubsub_settings.h"

const struct weft_setting weft_pubsub_settings[] = {
    {"pubsub.endpoint", WEFT_SETTING_TEXT, "pubsub.googleapis.com:443", 0, 0, NULL, false,
     "host and port of the service, such as a regional one; PUBSUB_EMULATOR_HOST goes before it"},
    {"pubsub.credentials.file", WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false,
     "key file of a service account; without it the application-default credentials"},
    {"pubsub.ca.file", WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false,
     "certificates of the authorities that the service's is checked by, with pubsub.credentials.file"},
    {0},
};
