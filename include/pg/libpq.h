/*
 * pg/libpq.h - libpq, opened when the first connection is made (base/library.h).
 *
 * Its functions are called as libpq.exec(…), libpq.clear(result); replproto.h gives out the connections and results
 * they work on, so whoever holds one may call them.
 */
#pragma once
#include "base/err.h"
#include <libpq-fe.h>

/* Without the "PQ" in front. */
#define LIBPQ_FUNCTIONS(F) \
    F(clear)               \
    F(conndefaults)        \
    F(connectdbParams)     \
    F(conninfoFree)        \
    F(conninfoParse)       \
    F(errorMessage)        \
    F(exec)                \
    F(finish)              \
    F(freemem)             \
    F(getCopyData)         \
    F(getResult)           \
    F(getisnull)           \
    F(getlength)           \
    F(getvalue)            \
    F(nfields)             \
    F(ntuples)             \
    F(pingParams)          \
    F(resStatus)           \
    F(resultErrorField)    \
    F(resultStatus)        \
    F(sendQuery)           \
    F(serverVersion)       \
    F(setNoticeReceiver)   \
    F(setSingleRowMode)    \
    F(status)

struct libpq {
#define LIBPQ_MEMBER(name) __typeof__(PQ##name) *name;
    LIBPQ_FUNCTIONS(LIBPQ_MEMBER)
#undef LIBPQ_MEMBER
};

/* Filled by libpq_load. */
extern struct libpq libpq;

/* Fails with ERR_IO. */
enum err_code libpq_load(struct err *e);
