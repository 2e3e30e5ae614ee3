/*
 * ops/log_undo.c - see ops/log_undo.h.
 */
#include "ops/log_undo.h"

/* CREATE and DROP of one database: it moved, or the transaction that made it failed. */
static bool undoes_create(const struct log_undo *u, const struct walevent *v)
{
    return u->created.database == v->database &&
           (u->created.source == v->database || u->created.xid == v->xid);
}

void log_undo_meet(struct log_undo *u, const struct walevent *v)
{
    switch (v->type) {
    case WALEVENT_CHECKPOINT:
        u->redo[2] = u->redo[1];
        u->redo[1] = u->redo[0];
        u->redo[0] = v->redo;
        return;
    case WALEVENT_IN_PLACE:
        if (v->relation.database == 0)
            u->updates[u->update_count++ % LOG_UNDO_UPDATES] = v->start;
        return;
    case WALEVENT_CREATE_DATABASE:
        u->created.database = v->database;
        u->created.source = v->source_database;
        u->created.xid = v->xid;
        return;
    case WALEVENT_DROP_DATABASE:
        u->is_remnant = undoes_create(u, v);
        if (u->is_remnant)
            u->created.database = 0;
        return;
    default:
        return;
    }
}

bool log_undo_is_remnant(const struct log_undo *u, const struct walevent *v)
{
    return v->type == WALEVENT_DROP_DATABASE && u->is_remnant;
}

/* The update that marked the database invalid; 0 = none is remembered. */
static lsn marked_at(const struct log_undo *u)
{
    uint64_t kept = u->update_count < LOG_UNDO_UPDATES ? u->update_count : LOG_UNDO_UPDATES;

    for (uint64_t i = 0; i < kept; i++) {
        lsn at = u->updates[(u->update_count - 1 - i) % LOG_UNDO_UPDATES];

        if (at < u->redo[0])
            return at >= u->redo[2] ? at : 0;
    }
    return 0;
}

bool log_undo_is_settled(const struct log_undo *u, lsn start)
{
    return marked_at(u) != 0 || (u->redo[2] != 0 && u->redo[2] >= start);
}

bool log_undo_at(const struct log_undo *u, const struct walevent *v, enum waldrops_kind did, lsn *at)
{
    lsn marked;

    switch (v->type) {
    case WALEVENT_COMMIT:
        *at = v->start;
        return did != WALDROPS_NONE && did != WALDROPS_REWRITE;
    case WALEVENT_DROP_TABLESPACE:
        *at = v->start;
        return true;
    case WALEVENT_DROP_DATABASE:
        marked = marked_at(u);
        *at = marked != 0 ? marked : v->start;
        return !log_undo_is_remnant(u, v);
    default:
        return false;
    }
}
