#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"

/* A signal handler reaches nothing but globals: the one exception to having none. */
static volatile sig_atomic_t caught_signal, caught_count;
static sig_atomic_t given_count;                           /* how many of them cli_signal has given */
static volatile sig_atomic_t reload_asked, leave_within_s; /* 0: as long as it takes */

static void on_signal(int number)
{
    if (caught_count == 0 && leave_within_s)
        alarm((unsigned)leave_within_s);
    caught_signal = number;
    caught_count++;
}

static void on_reload(int number)
{
    (void)number;
    reload_asked = 1;
}

/* Some call does not come back: a look-up of a host's name, a file on a server that is away. */
static void on_overdue(int number)
{
    static const char text[] = "not stopped in time: leaving without waiting any longer\n";
    (void)number;
    const ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    _exit(CLI_RESTART);
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

void cli_catch_signals(void)
{
    /* A handler, not a blocked signal with sigwait: libraries start threads before main (OpenBLAS does), and one that
     * does not block the signal would end the process. */
    handle(SIGINT, on_signal);
    handle(SIGTERM, on_signal);
}

void cli_catch_reload(void)
{
    handle(SIGHUP, on_reload);
}

bool cli_reload_asked(void)
{
    const bool asked = reload_asked;
    reload_asked = 0;
    return asked;
}

void cli_leave_within(unsigned seconds)
{
    handle(SIGALRM, on_overdue);
    leave_within_s = (sig_atomic_t)seconds;
}

int cli_signal(int timeout_ms)
{
    enum { SLICE_MS = 100 };
    /* Another thread may have run the handler, so the sleep must not rely on being interrupted. */
    for (; given_count == caught_count && timeout_ms > 0; timeout_ms -= SLICE_MS)
        weft_clock_sleep_ms(timeout_ms < SLICE_MS ? timeout_ms : SLICE_MS);
    if (given_count == caught_count)
        return 0;
    given_count++;
    return caught_signal;
}

bool cli_stopped(void *arg)
{
    (void)arg;
    return caught_signal != 0;
}
