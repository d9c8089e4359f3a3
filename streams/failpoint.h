/* Places at which a test lets the process die or stop; nothing at all in the program, only in the one that tests/faults
 * builds with WEFT_FAILPOINTS.
 *
 * There FAILPOINT=NAME:N:kill in the environment sends SIGKILL when the place NAME is passed for the Nth time, by
 * whichever thread; FAILPOINT=NAME:N:stop sends SIGSTOP. */
#ifndef WEFT_STREAMS_FAILPOINT_H
#define WEFT_STREAMS_FAILPOINT_H

#ifdef WEFT_FAILPOINTS
void weft_failpoint(const char *name);
#define WEFT_FAILPOINT(name) weft_failpoint(name)
#else
#define WEFT_FAILPOINT(name) ((void)0)
#endif

#endif
