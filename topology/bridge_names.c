#include "topology/bridge_names.h"

#include <stdio.h>

void weft_bridge_names(const struct weft_topology_bridge *declared, struct weft_bridge_names *names)
{
    snprintf(names->group, sizeof names->group, "weft-bridge-%s", declared->name);
    if (declared->dead_letters)
        snprintf(names->dead_letters, sizeof names->dead_letters, "%s", declared->dead_letters);
    else
        snprintf(names->dead_letters, sizeof names->dead_letters, "weft-bridge-%.238s.dead", declared->name);
}
