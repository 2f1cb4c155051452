/* ISC license. */

#include <limits.h>
#include <time.h>

#include "process/process.h"

int64_t process_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int process_ms_until(int64_t deadline)
{
    int64_t const left = deadline - process_now_ms();
    if (left <= 0) return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}
