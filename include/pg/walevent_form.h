/*
 * pg/walevent_form.h - which WAL records tell an event, and how much of their data it takes.
 *
 * The resource manager and the high bits of info say what a record is; for databases they changed with 15.
 * PURE. Source: PostgreSQL src/include/access/{rmgr.h,xact.h}, src/include/catalog/{pg_control.h,storage_xlog.h},
 * src/include/commands/{dbcommands_xlog.h,tablespace.h}, src/include/storage/standbydefs.h.
 */
#pragma once
#include "pg/walevent.h"

struct walevent_form {
    uint8_t rmid, info;
    uint8_t since, until; /* major versions */
    enum walevent_type type;
    uint8_t bytes; /* of the main data that are read; 0 = that the record is there is all it tells */
    bool is_prepared;
    bool is_shutdown;
};

/* Of CREATE DATABASE the form that names the database copied. */
#define WALEVENT_FILE_COPY_BYTES 16

/* NULL when the record tells nothing. */
const struct walevent_form *walevent_form_of(unsigned major, const struct walrecord *record);
