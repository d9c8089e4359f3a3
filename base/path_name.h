/* The header (Kafka's) or attribute (Pub/Sub's) in which a mirrored message carries the places where it has been. The
 * bridge writes it, see pubsub-bridge/path.h; a processor leaves it off its results, which have been nowhere yet. */
#ifndef WEFT_BASE_PATH_NAME_H
#define WEFT_BASE_PATH_NAME_H

#define WEFT_PATH_NAME "weft.path"

#endif
