/*
 * storage/s3_download.h - one object, or a range of it, pushed into a sink: one request when nothing breaks.
 *
 * A transfer that breaks is resumed behind the last byte that arrived, with If-Match on the first answer's ETag:
 * bytes of two objects never mix. The sink sees each byte once.
 */
#pragma once
#include "storage/s3_client.h"
#include "storage/store.h"

/*
 * range and info as in store_get; info's key is left to the caller.
 * ERR_ABSENT only for the server's own NoSuchKey. `to` is borrowed and not finished.
 */
enum err_code s3_download(struct s3_client *c, const char *key, const struct store_range *range,
                          struct sink *to, struct store_object *info, struct err *e);
