/*
 * storage/s3_list.c - see storage/s3_list.h.
 *
 * A key is asked for by a listing, not by HEAD: a HEAD's 404 has no body, so it can't be told from a proxy's. Of
 * all keys that begin with a given one, that one itself comes first.
 */
#include "storage/s3_list.h"

#include <stdio.h>
#include <string.h>

enum err_code s3_list_page(struct s3_client *c, const struct s3_list_query *query, struct s3_page *out,
                           struct err *e)
{
    CLEANUP(s3_reply_clear) struct s3_reply reply;
    struct s3_pair pairs[8] = {{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", query->prefix}};
    size_t count = 3;
    char max_keys[16];

    (void) snprintf(max_keys, sizeof(max_keys), "%u", query->max_keys);
    if (query->delimited)
        pairs[count++] = (struct s3_pair){"delimiter", "/"};
    if (query->start_after != NULL && query->token == NULL)
        pairs[count++] = (struct s3_pair){"start-after", query->start_after};
    if (query->token != NULL)
        pairs[count++] = (struct s3_pair){"continuation-token", query->token};
    if (query->max_keys > 0)
        pairs[count] = (struct s3_pair){"max-keys", max_keys};
    s3_reply_init(&reply);
    if (s3_client_call(c, S3_OP_LIST, &(struct s3_request){.method = "GET", .query = pairs}, &reply, e) !=
        ERR_OK)
        return e->code;
    if (s3_page_read(reply.body.data, reply.body.len, out, e) != ERR_OK)
        return err_while(e, "listing bucket \"s3://%s\"", s3_client_bucket(c));
    return ERR_OK;
}

enum err_code s3_list_has(struct s3_client *c, const char *key, bool *exists, uint64_t *size, struct err *e)
{
    CLEANUP(s3_page_clear) struct s3_page page = S3_PAGE_NONE;

    if (s3_list_page(c, &(struct s3_list_query){.prefix = key, .max_keys = 1}, &page, e) != ERR_OK)
        return e->code;
    *exists = page.count > 0 && strcmp(page.entries[0].key, key) == 0;
    if (*exists && size != NULL)
        *size = page.entries[0].size;
    return ERR_OK;
}
