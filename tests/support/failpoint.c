#include "streams/failpoint.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* For the records queued before it to be on their way: what is killed before it has sent anything proves little. */
enum { PAUSE_MS = 50 };

void weft_failpoint(const char *name)
{
    static atomic_long passed; /* of the place that was chosen; there is one in a process */
    const char *chosen = getenv("FAILPOINT");
    size_t length = strlen(name);
    if (!chosen || strncmp(chosen, name, length) != 0 || chosen[length] != ':')
        return;
    char *action;
    if (strtol(chosen + length + 1, &action, 10) != atomic_fetch_add(&passed, 1) + 1)
        return;
    weft_clock_sleep_ms(PAUSE_MS);
    raise(strcmp(action, ":stop") == 0 ? SIGSTOP : SIGKILL);
}
