/*
 * codec/unseal.h - a stage that opens a sealed stream: verified plain bytes come out, frame by frame.
 *
 * Every frame is authenticated before a byte of it goes on. finish refuses a stream without its table and footer,
 * with bytes behind them, with frames that do not match the table, or, when the descriptor knows them, with another
 * size or SHA-256. A consumer must not commit before finish has answered ERR_OK.
 */
#pragma once
#include "codec/descriptor.h"
#include "codec/frame.h"
#include "stream/sink.h"

/* Called once, when the descriptor has been read and before any plain byte; a failure ends the stream. */
typedef enum err_code unseal_expect(const struct descriptor *d, void *arg, struct err *e);

/*
 * expect may be NULL. with: borrowed, outlives the sink; NULL or empty reads unencrypted objects only (else
 * ERR_DENIED).
 */
enum err_code unseal_sink_new(const struct identities *with, unseal_expect *expect, void *arg, struct sink *next,
                              struct sink **out, struct err *e);

/* For readers that place frames themselves: the seal of an object from its descriptor's whole bytes. */
enum err_code unseal_begin(const uint8_t *bytes, size_t len, const struct identities *with, struct descriptor *d,
                           struct frame_seal *s, struct err *e);
