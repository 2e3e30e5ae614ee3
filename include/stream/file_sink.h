/*
 * stream/file_sink.h - the end of a chain in a file descriptor.
 */
#pragma once
#include "stream/sink.h"

/* Writes to fd, which stays the caller's. name: for messages, borrowed for the sink's life. finish does not fsync. */
enum err_code file_sink_new(int fd, const char *name, struct sink **out, struct err *e);

/* Push the whole of an open file, from its present position to its end, into `to` in pieces of up to 1 MiB. */
enum err_code file_push(int fd, const char *name, struct sink *to, struct err *e);
