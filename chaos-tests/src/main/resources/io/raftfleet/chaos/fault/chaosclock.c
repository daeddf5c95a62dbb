/*
 * A wall clock of its own for one process, preloaded with LD_PRELOAD: what the process asks for the time of day gets the host's time and
 * an offset. The offset is a number of nanoseconds, eight bytes in the machine's byte order, in the file that CHAOSCLOCK names; it is
 * mapped, so that a change shows at once. Monotonic clocks are left alone, as a real jump leaves them.
 *
 * What waits for a moment of the wall clock inside the kernel waits by the host's clock.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static const volatile int64_t *offset;
static int (*host_clock)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
  host_clock = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  const char *path = getenv("CHAOSCLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file >= 0) {
    void *map = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
    offset = map == MAP_FAILED ? NULL : map;
    close(file);
  }
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int result = host_clock ? host_clock(clock, now) : (int)syscall(SYS_clock_gettime, clock, now);
  if (result == 0 && offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    int64_t nanos = now->tv_sec * SECOND + now->tv_nsec + *offset;
    now->tv_sec = nanos / SECOND;
    now->tv_nsec = nanos % SECOND;
  }
  return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec exact;
  int result = clock_gettime(CLOCK_REALTIME, &exact);
  if (result == 0) {
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
  }
  return result;
}

time_t time(time_t *seconds) {
  struct timespec exact;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) {
    return (time_t)-1;
  }
  if (seconds) {
    *seconds = exact.tv_sec;
  }
  return exact.tv_sec;
}
