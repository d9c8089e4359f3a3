/* The bridge's own settings. */
#ifndef WEFT_BRIDGE_SETTINGS_H
#define WEFT_BRIDGE_SETTINGS_H

#include "base/settings.h"
#include "pubsub-bridge/credentials.h"

extern const struct weft_setting weft_bridge_settings[];

/* Where Pub/Sub is and who we are to it. emulator is the value of PUBSUB_EMULATOR_HOST, or NULL; the address points
 * into the settings and emulator. */
struct weft_pubsub_address weft_bridge_address(const struct weft_settings *settings, const char *emulator);

#endif
