/* McNemar's test: whether two models that answered the same requests are right equally often (McNemar, "Note on the
 * sampling error of the difference between correlated proportions or percentages", Psychometrika 12, 1947). */
#ifndef WEFT_STREAMS_REPLAY_MCNEMAR_H
#define WEFT_STREAMS_REPLAY_MCNEMAR_H

#include <stdbool.h>
#include <stdint.h>

struct weft_mcnemar {
    bool exact;       /* by the binomial distribution, as there are few */
    double statistic; /* chi-squared with one degree of freedom; 0 when exact */
    double p;         /* the probability of a difference as large as this one by chance alone */
};

/* Of the requests that exactly one of the two answered rightly, how many each did. */
struct weft_mcnemar weft_mcnemar(uint64_t only_first, uint64_t only_second);

#endif
