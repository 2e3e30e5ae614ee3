/*
 * base/log.c - see base/log.h.
 *
 * A line is put together on the stack and leaves in one write(2), so that lines of several processes on one pipe
 * do not mix (a pipe keeps up to 4096 bytes together; a line is cut to that). The lock orders our own threads and
 * guards `progress_shown`; program, threshold and the kind of stderr are set once, before there are threads.
 *
 * Text from outside (file names, a server's message) can't forge a line: a newline is followed by a tab, as in
 * PostgreSQL's log, other control characters become "?".
 */
#include "base/log.h"

#include "base/clock.h"
#include "base/timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096
#define WIPE_LINE      "\r\033[K"

static struct {
    const char *program;
    enum log_level threshold;
    bool terminal;
    bool stamped;
    bool progress_shown;
    pthread_mutex_t lock;
} logger = {.program = "pitr", .threshold = LOG_LEVEL_INFO, .lock = PTHREAD_MUTEX_INITIALIZER};

/* Hints and details share the fate of the line above them. */
static _Thread_local bool last_printed;

static bool appends_to_file(void)
{
    struct stat info;
    int flags = fcntl(STDERR_FILENO, F_GETFL);

    return flags >= 0 && (flags & O_APPEND) != 0 && fstat(STDERR_FILENO, &info) == 0 && S_ISREG(info.st_mode);
}

void log_look_again(void)
{
    int saved_errno = errno;

    logger.terminal = isatty(STDERR_FILENO) == 1;
    logger.stamped = appends_to_file();
    logger.progress_shown = false;
    errno = saved_errno;
}

void log_init(const char *program, enum log_level threshold)
{
    logger.program = program;
    logger.threshold = threshold;
    log_look_again();
}

static bool is_wanted(enum log_level level)
{
    return level <= logger.threshold;
}

bool log_has_terminal(void)
{
    return logger.terminal;
}

/* There is nobody left to tell when stderr fails. */
static void write_stderr(const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t put = write(STDERR_FILENO, bytes, len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return;
        bytes += put;
        len -= (size_t) put;
    }
}

/* Copy text to line[at…max), tamed; returns the new end. */
static size_t put_text(char *line, size_t at, size_t max, const char *text)
{
    for (; *text != '\0' && at + 2 <= max; text++) {
        unsigned char c = (unsigned char) *text;

        line[at++] = (c < ' ' && c != '\t' && c != '\n') || c == 127 ? '?' : *text;
        if (c == '\n')
            line[at++] = '\t';
    }
    if (*text != '\0')
        memcpy(line + at - 3, "...", 3);
    return at;
}

static size_t put_start(char *line, const char *label)
{
    char stamp[TIMESTAMP_TEXT_MAX] = "";
    int len;

    if (logger.stamped)
        timestamp_format(clock_now_us(&clock_system) / 1000000 * 1000000, stamp);
    len = snprintf(line, LINE_MAX_BYTES / 2, "%s%s%s%.64s: %s:  ", logger.progress_shown ? WIPE_LINE : "",
                   stamp, logger.stamped ? " " : "", logger.program, label);
    return len < 0 ? 0 : (size_t) len;
}

static void PRINTF_LIKE(2, 0) put_line(const char *label, const char *fmt, va_list args)
{
    char text[LINE_MAX_BYTES];
    char line[LINE_MAX_BYTES];
    int saved_errno = errno;
    size_t len;

    if (vsnprintf(text, sizeof(text), fmt, args) < 0)
        text[0] = '\0';
    pthread_mutex_lock(&logger.lock);
    len = put_start(line, label);
    len = put_text(line, len, sizeof(line) - 1, text);
    line[len++] = '\n';
    logger.progress_shown = false;
    write_stderr(line, len);
    pthread_mutex_unlock(&logger.lock);
    errno = saved_errno;
}

static void PRINTF_LIKE(3, 0)
    put_level(enum log_level level, const char *label, const char *fmt, va_list args)
{
    last_printed = is_wanted(level);
    if (last_printed)
        put_line(label, fmt, args);
}

static void PRINTF_LIKE(2, 0) put_follower(const char *label, const char *fmt, va_list args)
{
    if (last_printed)
        put_line(label, fmt, args);
}

void log_debug(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    put_level(LOG_LEVEL_DEBUG, "DEBUG", fmt, args);
    va_end(args);
}

void log_info(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    put_level(LOG_LEVEL_INFO, "INFO", fmt, args);
    va_end(args);
}

void log_warning(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    put_level(LOG_LEVEL_WARNING, "WARNING", fmt, args);
    va_end(args);
}

void log_error(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    put_level(LOG_LEVEL_ERROR, "ERROR", fmt, args);
    va_end(args);
}

void log_hint(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    put_follower("HINT", fmt, args);
    va_end(args);
}

void log_detail(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    put_follower("DETAIL", fmt, args);
    va_end(args);
}

static size_t terminal_columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* The length of as much text as columns hold; a UTF-8 character counts as one and is never cut. */
static size_t fitting_length(const char *text, size_t columns)
{
    size_t len = 0;

    for (size_t used = 0; text[len] != '\0'; len++)
        if (((unsigned char) text[len] & 0xc0) != 0x80 && used++ == columns)
            break;
    return len;
}

void log_progress(const char *fmt, ...)
{
    char text[LINE_MAX_BYTES / 4];
    char line[LINE_MAX_BYTES];
    int saved_errno = errno;
    va_list args;
    size_t len = sizeof(WIPE_LINE) - 1;

    if (!logger.terminal || !is_wanted(LOG_LEVEL_INFO))
        return;
    va_start(args, fmt);
    if (vsnprintf(text, sizeof(text), fmt, args) < 0)
        text[0] = '\0';
    va_end(args);
    /* The last column stays free: some terminals wrap as soon as it is written. */
    text[fitting_length(text, terminal_columns() - 1)] = '\0';
    pthread_mutex_lock(&logger.lock);
    memcpy(line, WIPE_LINE, len);
    len = put_text(line, len, sizeof(line), text);
    if (text[0] != '\0' || logger.progress_shown)
        write_stderr(line, len);
    logger.progress_shown = text[0] != '\0';
    pthread_mutex_unlock(&logger.lock);
    errno = saved_errno;
}
