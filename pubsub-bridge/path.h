/* The path of a mirrored message: the places where it has been, in their order, separated by commas.
 *
 *     kafka:CLUSTER-ID/req_predict,pubsub:projects/p/topics/req
 *
 * It travels with the message, as the attribute or the header WEFT_PATH_NAME. A message that would go to a place where
 * it has been goes in a circle and ends there. */
#ifndef WEFT_BRIDGE_PATH_H
#define WEFT_BRIDGE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/path_name.h"

enum { WEFT_PATH_MAX = 1024 }; /* bytes, as of any attribute */

/* Whether the place is on the path of size bytes (may be NULL with 0). */
bool weft_path_holds(const char *path, size_t size, const char *place);

#endif
