/*
 * storage/faulty.h - a store that fails on request, in front of another one, for tests of the rooms above.
 *
 *     faulty_store_new(inner, &store, &e);
 *     faulty_fail(store, &(struct faulty_plan){.at = FAULTY_FINISH, .nth = 2, .kind = ERR_UNREACHABLE});
 *
 * lets the first put succeed and the second fail, once. One plan is in force at a time.
 */
#pragma once
#include "storage/store.h"

enum faulty_point {
    FAULTY_NEVER,
    FAULTY_PUT_OPEN,
    FAULTY_WRITE,
    FAULTY_FINISH,      /* before the object exists                                             */
    FAULTY_FINISH_LATE, /* the object was made, the answer was lost: a retry meets ERR_CONFLICT */
    FAULTY_GET,         /* after `byte` bytes of the answer were pushed                         */
    FAULTY_LIST,        /* after `byte` entries were visited                                    */
    FAULTY_REMOVE
};

struct faulty_plan {
    enum faulty_point at;
    uint64_t nth;       /* which call of that kind from now on fails; 0 and 1 mean the next one */
    uint64_t byte;      /* for FAULTY_GET and FAULTY_LIST                                       */
    bool forever;       /* and every one after it                                               */
    enum err_code kind; /* what it fails with                                                   */
};

/* Owns inner from the call on. The caller may go on looking into inner while the faulty store lives. */
enum err_code faulty_store_new(struct store *inner, struct store **out, struct err *e);

/* Put a plan in force, replacing the last; NULL or FAULTY_NEVER: fail no more. */
void faulty_fail(struct store *s, const struct faulty_plan *plan);

/* Calls that were made to fail so far, over all plans. */
uint64_t faulty_failures(struct store *s);
