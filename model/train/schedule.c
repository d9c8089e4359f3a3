#include "model/train/schedule.h"

#include <math.h>

#include "model/train/recipe.h"

static const double ONE_CYCLE_START = 1.0 / 25;

/* From a at 0 to b at 1, in a half cosine. */
static double anneal(double a, double b, double at)
{
    return b + (a - b) * 0.5 * (1 + cos(acos(-1.0) * at));
}

double weft_schedule_rate(const struct weft_schedule *schedule, size_t step)
{
    const double peak = schedule->peak, final = peak * schedule->final;
    const size_t warmup = schedule->warmup_steps, steps = schedule->steps;
    if (step >= steps)
        return final;
    if (schedule->shape == WEFT_SCHEDULE_COSINE)
        return step < warmup ? peak * (double)(step + 1) / (double)warmup
                             : anneal(peak, final, (double)(step - warmup) / (double)(steps - warmup));
    /* Of the rise and of the fall both ends are steps. */
    const size_t top = warmup > 0 ? warmup - 1 : 0;
    if (step < top)
        return anneal(peak * ONE_CYCLE_START, peak, (double)step / (double)top);
    return step == top ? peak : anneal(peak, final, (double)(step - top) / (double)(steps - 1 - top));
}
