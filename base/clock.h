/* Time: monotonic for durations and deadlines, wall for what is written into records. */
#ifndef WEFT_BASE_CLOCK_H
#define WEFT_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds since some fixed moment; never goes back. */
int64_t weft_clock_ns(void);

/* weft_clock_ns in milliseconds. */
int64_t weft_clock_ms(void);

/* Milliseconds since 1970, as Kafka's and Avro's timestamp-millis count them. May jump. */
int64_t weft_clock_wall_ms(void);

/* Sleeps; a signal may end it early. */
void weft_clock_sleep_ms(int64_t ms);

#endif
