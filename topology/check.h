/* What the declarations of a topology must be to each other. */
#ifndef WEFT_TOPOLOGY_CHECK_H
#define WEFT_TOPOLOGY_CHECK_H

#include "topology/document.h"
#include "topology/topology.h"

/* Nothing declared twice, no topic that nobody declared, source and sink alike in partitions, and no way by which what
 * a processor writes comes back to it. */
void weft_check_references(const struct weft_document *document, const struct weft_topology *topology,
                           struct weft_faults *faults);

#endif
