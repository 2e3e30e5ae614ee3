/*
 * base/timestamp.c - see base/timestamp.h.
 *
 *   moment    date ("T" | "t" | " ") time [" "] [zone]
 *   date      YYYY-MM-DD
 *   time      hh:mm [":" ss ["." 1 to 6 digits]]
 *   zone      "Z" | "UTC" | ("+" | "-") hh [[":"] mm] | name
 *
 * A zone's name is looked up with the C library: TZ is set to the file, and put back, under a lock. Candidates are
 * found the sure way round: every offset in force within a day of the wall-clock time gives a moment, and those that
 * localtime_r shows as that very wall-clock time are the answers. None: the zone skips it; two: it has it twice. (The
 * tm_isdst that mktime(3) takes can't tell two times apart when a zone moves for good, as Moscow did in 2014.)
 *
 * Limits    names begin with a capital: that keeps out "localtime", "posixrules" and the leap-second tree "right/".
 *           A second 60 and an hour 24 are refused. Offsets up to 15:59, as in PostgreSQL.
 */
#include "base/timestamp.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define US_PER_SECOND    1000000
#define SECONDS_MAX      INT64_C(253402300799) /* 9999-12-31 23:59:59 UTC */
#define ZONE_DIRECTORY   "/usr/share/zoneinfo/"
#define ZONE_NAME_MAX    64
#define OFFSET_HOUR_MAX  15
#define SECONDS_PER_HOUR 3600
#define SECONDS_PER_DAY  86400
#define CANDIDATES_MAX   5
#define HINT_WITH_ZONE   "Write it with its zone, for example \"2026-11-20 14:29:00+00\"."
#define HINT_FORM        "The form is \"2026-11-20 14:29:00.123456+00\"; the zone may also be \"Z\" or a name."

static pthread_mutex_t zone_lock = PTHREAD_MUTEX_INITIALIZER;

/* Exactly `digits` digits, within [min, max]; moves *at behind them. */
static bool read_number(const char **at, int digits, int min, int max, int *out)
{
    int value = 0;

    for (int i = 0; i < digits; i++) {
        if (!isdigit((unsigned char) (*at)[i]))
            return false;
        value = value * 10 + ((*at)[i] - '0');
    }
    if (value < min || value > max)
        return false;
    *at += digits;
    *out = value;
    return true;
}

static bool read_char(const char **at, const char *any_of)
{
    if (**at == '\0' || strchr(any_of, **at) == NULL)
        return false;
    (*at)++;
    return true;
}

/* struct tm as the text has it; the day checked against its month. */
static bool read_date(const char **at, struct tm *tm)
{
    static const int days_in[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;
    bool leap;

    if (!read_number(at, 4, 1969, 9999, &year) || !read_char(at, "-") || !read_number(at, 2, 1, 12, &month) ||
        !read_char(at, "-") || !read_number(at, 2, 1, 31, &day))
        return false;
    leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > days_in[month - 1] + (month == 2 && leap))
        return false;
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    tm->tm_mday = day;
    return true;
}

static bool read_fraction(const char **at, int64_t *us)
{
    int64_t unit = US_PER_SECOND;

    *us = 0;
    while (unit > 1 && isdigit((unsigned char) **at)) {
        unit /= 10;
        *us += unit * (**at - '0');
        (*at)++;
    }
    return unit < US_PER_SECOND;
}

static bool read_time(const char **at, struct tm *tm, int64_t *us)
{
    *us = 0;
    tm->tm_sec = 0;
    if (!read_number(at, 2, 0, 23, &tm->tm_hour) || !read_char(at, ":") ||
        !read_number(at, 2, 0, 59, &tm->tm_min))
        return false;
    if (!read_char(at, ":"))
        return true;
    if (!read_number(at, 2, 0, 59, &tm->tm_sec))
        return false;
    return !read_char(at, ".") || read_fraction(at, us);
}

/* "Z", "UTC" or an offset; the whole text. */
static bool read_offset(const char *zone, int64_t *seconds)
{
    int hours, minutes = 0;
    bool west = *zone == '-';

    if (strcasecmp(zone, "Z") == 0 || strcasecmp(zone, "UTC") == 0) {
        *seconds = 0;
        return true;
    }
    if (!read_char(&zone, "+-") || !read_number(&zone, 2, 0, OFFSET_HOUR_MAX, &hours))
        return false;
    if (*zone != '\0') {
        (void) read_char(&zone, ":");
        if (!read_number(&zone, 2, 0, 59, &minutes))
            return false;
    }
    *seconds = (int64_t) (hours * 60 + minutes) * (west ? -60 : 60);
    return *zone == '\0';
}

/* Only a file of the zone database, reached without leaving its directory. path: PATH_MAX bytes. */
static bool find_zone_file(const char *name, char *path)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    char magic[4] = "";
    size_t got;
    struct stat info;
    FILE *file;

    if (!isupper((unsigned char) *name) || strlen(name) > ZONE_NAME_MAX ||
        name[strspn(name, allowed)] != '\0')
        return false;
    (void) snprintf(path, PATH_MAX, "%s%s", ZONE_DIRECTORY, name);
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return false;
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    got = fread(magic, 1, sizeof(magic), file);
    (void) fclose(file);
    return got == sizeof(magic) && memcmp(magic, "TZif", sizeof(magic)) == 0;
}

static bool is_same_wall_time(const struct tm *a, const struct tm *b)
{
    return a->tm_year == b->tm_year && a->tm_mon == b->tm_mon && a->tm_mday == b->tm_mday &&
           a->tm_hour == b->tm_hour && a->tm_min == b->tm_min && a->tm_sec == b->tm_sec;
}

/* How many moments (0, 1, more) are this wall-clock time in the zone that TZ names now; the first in *found. */
static int count_moments(const struct tm *wanted, int64_t as_utc, int64_t *found)
{
    int64_t seen[CANDIDATES_MAX];
    int count = 0;

    for (int i = 0; i < CANDIDATES_MAX; i++) {
        time_t probe = (time_t) (as_utc + (i - CANDIDATES_MAX / 2) * (SECONDS_PER_DAY / 2));
        struct tm local;
        time_t candidate;
        bool known = false;

        if (localtime_r(&probe, &local) == NULL)
            continue;
        candidate = (time_t) (as_utc - local.tm_gmtoff);
        for (int k = 0; k < count; k++)
            known = known || seen[k] == candidate;
        if (!known && localtime_r(&candidate, &local) != NULL && is_same_wall_time(&local, wanted))
            seen[count++] = candidate;
    }
    if (count > 0)
        *found = seen[0];
    return count;
}

/* Runs count_moments with TZ set to the file. false: no memory. */
static bool with_zone_file(const char *path, const struct tm *wanted, int64_t as_utc, int *count,
                           int64_t *found)
{
    const char *present;
    char *saved = NULL;
    char value[PATH_MAX + 1];
    bool set;

    (void) snprintf(value, sizeof(value), ":%.*s", PATH_MAX - 1, path);
    pthread_mutex_lock(&zone_lock);
    present = getenv("TZ");
    if (present != NULL)
        saved = strdup(present);
    set = (present == NULL || saved != NULL) && setenv("TZ", value, 1) == 0;
    if (set) {
        tzset();
        *count = count_moments(wanted, as_utc, found);
        if (saved != NULL)
            (void) setenv("TZ", saved, 1);
        else
            (void) unsetenv("TZ");
        tzset();
    }
    pthread_mutex_unlock(&zone_lock);
    free(saved);
    return set;
}

static enum err_code seconds_in_named_zone(const char *text, const char *zone, const struct tm *wanted,
                                           int64_t as_utc, int64_t *seconds, struct err *e)
{
    char path[PATH_MAX];
    int count = 0;

    if (!find_zone_file(zone, path)) {
        err_set(e, ERR_USAGE, "time zone \"%s\" is not known", zone);
        return err_hint(e, "Give \"UTC\", an offset such as \"+02\", or a name such as \"Europe/Berlin\".");
    }
    if (!with_zone_file(path, wanted, as_utc, &count, seconds))
        return err_nomem(e, "a time zone");
    if (count == 1)
        return ERR_OK;
    err_set(e, ERR_USAGE,
            count == 0 ? "time \"%s\" does not exist in time zone \"%s\""
                       : "time \"%s\" occurs twice in time zone \"%s\"",
            text, zone);
    return err_hint(
        e, "The clocks of that zone change then; give an offset, for example \"+02\", in place of its name.");
}

/* The date and time at the head of text: as they stand there, and as the seconds they would be in UTC. */
struct wall_time {
    struct tm tm;
    int64_t as_utc;
    int64_t fraction_us;
    const char *zone; /* what stands behind them: "" when nothing does */
};

static bool read_wall_time(const char *text, struct wall_time *wall)
{
    struct tm normalised;

    *wall = (struct wall_time){.zone = text};
    if (!read_date(&wall->zone, &wall->tm) || !read_char(&wall->zone, "Tt ") ||
        !read_time(&wall->zone, &wall->tm, &wall->fraction_us) || isdigit((unsigned char) *wall->zone))
        return false;
    (void) read_char(&wall->zone, " ");
    normalised = wall->tm; /* timegm writes to what it is given */
    wall->as_utc = timegm(&normalised);
    return true;
}

static bool is_in_range(int64_t seconds)
{
    return seconds >= 0 && seconds <= SECONDS_MAX;
}

enum err_code timestamp_parse(const char *text, const char *zone, int64_t *us, struct err *e)
{
    struct wall_time wall;
    int64_t offset, seconds;

    if (!read_wall_time(text, &wall)) {
        err_set(e, ERR_USAGE, "invalid time \"%s\"", text);
        return err_hint(e, HINT_FORM);
    }
    if (*wall.zone != '\0')
        zone = wall.zone;
    if (zone == NULL) {
        err_set(e, ERR_USAGE, "time \"%s\" has no time zone", text);
        return err_hint(e, HINT_WITH_ZONE);
    }
    if (read_offset(zone, &offset))
        seconds = wall.as_utc - offset;
    else if (seconds_in_named_zone(text, zone, &wall.tm, wall.as_utc, &seconds, e) != ERR_OK)
        return e->code;
    if (!is_in_range(seconds))
        return err_set(e, ERR_USAGE, "time \"%s\" is out of range", text);
    *us = seconds * US_PER_SECOND + wall.fraction_us;
    return ERR_OK;
}

enum err_code timestamp_parse_stored(const char *text, int64_t *us, struct err *e)
{
    struct wall_time wall;
    int64_t offset;

    if (!read_wall_time(text, &wall) || !read_offset(wall.zone, &offset) ||
        !is_in_range(wall.as_utc - offset))
        return err_set(e, ERR_CORRUPT, "invalid time \"%s\"", text);
    *us = (wall.as_utc - offset) * US_PER_SECOND + wall.fraction_us;
    return ERR_OK;
}

/* Seconds rounded down, also before 1970, and what is left over. */
static time_t split(int64_t us, int64_t *fraction_us)
{
    int64_t seconds = us / US_PER_SECOND;

    *fraction_us = us % US_PER_SECOND;
    if (*fraction_us < 0) {
        *fraction_us += US_PER_SECOND;
        seconds--;
    }
    return (time_t) seconds;
}

void timestamp_format(int64_t us, char *out)
{
    int64_t fraction_us;
    time_t seconds = split(us, &fraction_us);
    char fraction[8] = "";
    char whole[TIMESTAMP_TEXT_MAX - sizeof(fraction) - 4];
    struct tm tm = {0};

    (void) gmtime_r(&seconds, &tm);
    if (strftime(whole, sizeof(whole), "%Y-%m-%d %H:%M:%S", &tm) == 0)
        whole[0] = '\0';
    if (fraction_us != 0)
        (void) snprintf(fraction, sizeof(fraction), ".%06u", (unsigned) fraction_us % US_PER_SECOND);
    (void) snprintf(out, TIMESTAMP_TEXT_MAX, "%s%s+00", whole, fraction);
}

void timestamp_format_compact(int64_t us, char *out)
{
    int64_t fraction_us;
    time_t seconds = split(us, &fraction_us);
    struct tm tm = {0};

    /* Four digits hold no other year; the nearest moment that can be written stands for it. */
    if (seconds < 0)
        seconds = 0;
    if (seconds > SECONDS_MAX)
        seconds = SECONDS_MAX;
    (void) gmtime_r(&seconds, &tm);
    (void) strftime(out, TIMESTAMP_COMPACT_MAX, "%Y%m%dT%H%M%SZ", &tm);
}
