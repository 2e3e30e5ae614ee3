/*
 * pg/walevent_form.c - see pg/walevent_form.h.
 */
#include "pg/walevent_form.h"

#define XACT_OP_MASK 0x70

#define RM_XLOG    WALRECORD_RM_XLOG
#define RM_XACT    WALRECORD_RM_XACT
#define RM_SMGR    WALRECORD_RM_SMGR
#define RM_DBASE   WALRECORD_RM_DBASE
#define RM_TBLSPC  WALRECORD_RM_TBLSPC
#define RM_STANDBY WALRECORD_RM_STANDBY
#define RM_HEAP    WALRECORD_RM_HEAP

#define HEAP_OP_MASK 0x70
#define HEAP_INPLACE 0x70

static const struct walevent_form forms[] = {
    {RM_XLOG, 0x00, 13, 99, WALEVENT_CHECKPOINT, 28, false, true},
    {RM_XLOG, 0x10, 13, 99, WALEVENT_CHECKPOINT, 28, false, false},
    {RM_XLOG, 0x40, 13, 99, WALEVENT_SWITCH, 0, false, false},
    {RM_XLOG, 0x50, 13, 99, WALEVENT_BACKUP_END, 0, false, false},
    {RM_XLOG, 0x70, 13, 99, WALEVENT_RESTORE_POINT, 8 + WALEVENT_NAME_MAX, false, false},
    {RM_XLOG, 0x90, 13, 99, WALEVENT_END_OF_RECOVERY, 8, false, false},
    {RM_XACT, 0x00, 13, 99, WALEVENT_COMMIT, 8, false, false},
    {RM_XACT, 0x10, 13, 99, WALEVENT_PREPARE, 0, false, false},
    {RM_XACT, 0x20, 13, 99, WALEVENT_ABORT, 8, false, false},
    {RM_XACT, 0x30, 13, 99, WALEVENT_COMMIT, 8, true, false},
    {RM_XACT, 0x40, 13, 99, WALEVENT_ABORT, 8, true, false},
    {RM_SMGR, 0x10, 13, 99, WALEVENT_RELATION_CREATE, 16, false, false},
    {RM_DBASE, 0x00, 13, 99, WALEVENT_CREATE_DATABASE, WALEVENT_FILE_COPY_BYTES, false, false},
    {RM_DBASE, 0x10, 13, 14, WALEVENT_DROP_DATABASE, 4, false, false},
    {RM_DBASE, 0x10, 15, 99, WALEVENT_CREATE_DATABASE, 8, false, false}, /* by WAL, not by copied files */
    {RM_DBASE, 0x20, 15, 99, WALEVENT_DROP_DATABASE, 4, false, false},
    {RM_TBLSPC, 0x10, 13, 99, WALEVENT_DROP_TABLESPACE, 4, false, false},
};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

static const struct walevent_form in_place = {RM_HEAP, HEAP_INPLACE, 13,   99, WALEVENT_IN_PLACE,
                                              0,       false,        false};

static const struct walevent_form running = {RM_STANDBY, 0x10, 13, 99, WALEVENT_RUNNING, 16, false, false};

/* Most records are of tables and indexes, and tell nothing. */
static const struct walevent_form *form_of_others(const struct walrecord *record)
{
    if (record->rmid == RM_HEAP)
        return (record->info & HEAP_OP_MASK) == HEAP_INPLACE ? &in_place : NULL;
    return record->rmid == RM_STANDBY && (record->info & WALRECORD_INFO_MASK) == running.info ? &running
                                                                                              : NULL;
}

const struct walevent_form *walevent_form_of(unsigned major, const struct walrecord *record)
{
    uint8_t info = record->info & (record->rmid == RM_XACT ? XACT_OP_MASK : WALRECORD_INFO_MASK);

    if (record->rmid > RM_TBLSPC)
        return form_of_others(record);
    for (size_t i = 0; i < FORMS; i++)
        if (forms[i].rmid == record->rmid && forms[i].info == info && major >= forms[i].since &&
            major <= forms[i].until)
            return &forms[i];
    return NULL;
}
