/*
 * delay_line.h - one direction of a connection of slow_proxy: bytes go in, and come out later.
 *
 * Bytes are stamped when they are read, with the moment the line has carried those before them and half a round trip
 * later, and are written at that moment, not before. The end of a stream travels like a byte. A way holds at most
 * WAY_WINDOW bytes; with a rate, what waits for the line waits in the kernel, as in front of a router whose queue is
 * LINE_QUEUE_NS long, and ways take turns of a WAY_CHUNK. Moments are nanoseconds of CLOCK_MONOTONIC.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WAY_CHUNK     ((size_t) 128 << 10)
#define WAY_WINDOW    ((size_t) 4 << 20)
#define WAY_MARKS     1024U
#define LINE_QUEUE_NS INT64_C(5000000)
#define NEVER         INT64_MAX

/* One direction of the network, which all connections share. */
struct line {
    int64_t delay_ns;   /* half a round trip */
    double ns_per_byte; /* 0: as fast as it can */
    int64_t free_at;    /* when the last byte it was given has left */
};

struct end {
    int fd;        /* non-blocking */
    bool readable; /* as far as is known: true when an event says so, false when recv or send does */
    bool writable;
};

struct mark {
    int64_t due;
    uint64_t end; /* bytes of the stream before this one may go at `due` */
};

struct way {
    struct end *from;
    struct end *to;
    struct line *line;
    int64_t opens_at; /* nothing counts as sent before this */
    char *ring;       /* the byte n of the stream lies at n % WAY_WINDOW */
    uint64_t taken;   /* bytes read; both begin anew at 0 when none is under way */
    uint64_t given;   /* bytes written */
    struct mark marks[WAY_MARKS];
    unsigned first_mark;
    unsigned mark_count;
    int64_t end_due;
    bool ended;  /* the sender has ended its stream, */
    bool failed; /* by an error, */
    bool over;   /* and the receiver knows; or it takes no more */
};

int64_t now_ns(void);

/* Begin a way of two open sockets. A ring that *w has from its last use is used again; there is no freeing it. */
void way_open(struct way *w, struct end *from, struct end *to, struct line *line, int64_t opens_at);

/* Read one chunk, if there is one and the line takes it; then write all that is due and can be written. */
void way_move(struct way *w);

/* When there is something to do again that no event will tell of; 0: at once. */
int64_t way_again_at(const struct way *w);
