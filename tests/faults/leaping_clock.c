/* Preloaded into a program, a wall clock that leaps: half an hour ahead in one second, half an hour behind in the next.
 * The monotonic clock stays as it is, and so does gettimeofday: the Kafka client adds to it when it waits, and the
 * kernel that it waits on has the true time. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LEAP_S = 1800 };

int clock_gettime(clockid_t id, struct timespec *t)
{
    struct timespec steady;
    long result = syscall(SYS_clock_gettime, id, t);
    if (result == 0 && id == CLOCK_REALTIME) {
        syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &steady);
        t->tv_sec += steady.tv_sec % 2 ? LEAP_S : -LEAP_S;
    }
    return (int)result;
}
