/* From the text of a topology file's values to typed ones: what a single declaration must be by itself. */
#ifndef WEFT_TOPOLOGY_DECLARATION_H
#define WEFT_TOPOLOGY_DECLARATION_H

#include "topology/document.h"
#include "topology/topology.h"

/* Fills the topology, whose path is set, and says what is wrong; a topology with faults is good for looking for more
 * only. */
void weft_declaration_read(const struct weft_document *document, struct weft_topology *topology,
                           struct weft_faults *faults);

#endif
