#include "base/clock.h"

#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t weft_clock_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int64_t weft_clock_ms(void)
{
    return weft_clock_ns() / 1000000;
}

int64_t weft_clock_wall_ms(void)
{
    return read_ns(CLOCK_REALTIME) / 1000000;
}

void weft_clock_sleep_ms(int64_t ms)
{
    if (ms <= 0)
        return;
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}
