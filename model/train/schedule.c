#include "model/train/schedule.h"

#include <math.h>

double weft_schedule_rate(const struct weft_schedule *schedule, size_t step)
{
    if (step < schedule->warmup_steps)
        return schedule->peak * (double)(step + 1) / (double)schedule->warmup_steps;
    if (step >= schedule->steps)
        return 0;
    double done = (double)(step - schedule->warmup_steps) / (double)(schedule->steps - schedule->warmup_steps);
    return schedule->peak * 0.5 * (1 + cos(acos(-1.0) * done));
}
