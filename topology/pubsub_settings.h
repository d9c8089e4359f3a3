/* Where Pub/Sub is and who weft is to it: settings of weft-bridge, which speaks to it, and of weft, which asks
 * weft-bridge what there is. */
#ifndef WEFT_TOPOLOGY_PUBSUB_SETTINGS_H
#define WEFT_TOPOLOGY_PUBSUB_SETTINGS_H

#include "base/settings.h"

extern const struct weft_setting weft_pubsub_settings[];

#endif
