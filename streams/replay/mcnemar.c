#include "streams/replay/mcnemar.h"

#include <math.h>

enum { FEW = 25 };

/* Two-sided, of n throws of a fair coin: twice the probability of at most k heads, k <= n / 2. */
static double binomial_p(uint64_t k, uint64_t n)
{
    double term = pow(0.5, (double)n), sum = 0; /* n is small: no underflow */
    for (uint64_t i = 0; i <= k; i++) {
        sum += term;
        term *= (double)(n - i) / (double)(i + 1);
    }
    return fmin(1, 2 * sum);
}

struct weft_mcnemar weft_mcnemar(uint64_t only_first, uint64_t only_second)
{
    const uint64_t n = only_first + only_second;
    const uint64_t less = only_first < only_second ? only_first : only_second;
    if (n < FEW)
        return (struct weft_mcnemar){.exact = true, .p = binomial_p(less, n)};
    /* The correction for continuity is Edwards's (Psychometrika 13, 1948). */
    const double difference = fmax(0, (double)(n - 2 * less) - 1);
    const double statistic = difference * difference / (double)n;
    /* The square of a standard normal variable is distributed as chi-squared with one degree of freedom. */
    return (struct weft_mcnemar){.statistic = statistic, .p = erfc(sqrt(statistic / 2))};
}
