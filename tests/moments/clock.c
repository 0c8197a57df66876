/* Tells a process and all that it starts a time of day that is CLOCK_AHEAD_SECONDS ahead. Durations stay true.
 *
 * Debian's libfaketime 0.9.10 cannot: told to leave durations alone, it breaks clock_nanosleep, and so Python's sleep.
 * Told to move them as well, it hangs whoever waits with sem_clockwait, as Python's locks do.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

enum { A_DATE = 1000000000 }; /* a moment on another clock is a time since the machine started: far less */

static time_t ahead;
static int (*true_clock)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    const char *seconds = getenv("CLOCK_AHEAD_SECONDS");
    ahead = seconds ? atoll(seconds) : 0;
    true_clock = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (!true_clock) begin();
    int failed = true_clock(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *kept) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME_COARSE, &exact);
    if (kept) *kept = exact.tv_sec;
    return exact.tv_sec;
}

/* Who waits until a moment of the moved clock waits in the kernel, which goes by the true one. */
static struct timespec truly(const struct timespec *until) {
    return (struct timespec){until->tv_sec - ahead, until->tv_nsec};
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until) {
    if (until->tv_sec < A_DATE) return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, until);
    struct timespec moment = truly(until);
    return pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, &moment);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
    struct timespec moment = truly(until);
    return sem_clockwait(semaphore, CLOCK_REALTIME, &moment);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
    struct timespec moment = truly(until);
    return pthread_mutex_clocklock(mutex, CLOCK_REALTIME, &moment);
}
