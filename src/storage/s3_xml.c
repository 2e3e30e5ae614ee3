/*
 * storage/s3_xml.c - see storage/s3_xml.h.
 *
 * One reader over expat: it keeps the names of the open elements and the text of the innermost, and hands each
 * ended element to a `leaf` function with its parent's name. A list page has two sorted sequences, Contents and
 * CommonPrefixes; sorting their union merges them, and equal neighbours show a server that repeats itself.
 */
#include "storage/s3_xml.h"

#include "base/buf.h"
#include "base/timestamp.h"

#include <errno.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX      8
#define NAME_MAX_BYTES 48
#define TEXT_MAX_BYTES 16384
#define PAGE_KEYS_MAX  10000

struct reader {
    XML_Parser parser;
    void (*begin)(struct reader *r, const char *name);
    void (*leaf)(struct reader *r, const char *parent, const char *name, const char *text);
    void *arg;
    unsigned depth;
    char open[DEPTH_MAX][NAME_MAX_BYTES];
    char root[NAME_MAX_BYTES];
    struct buf text;
    struct err failure; /* ERR_OK until something was refused */
};

static void refuse(struct reader *r, enum err_code code, const char *why)
{
    if (r->failure.code == ERR_OK)
        err_set(&r->failure, code, "%s", why);
    (void) XML_StopParser(r->parser, XML_FALSE);
}

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *r = arg;

    (void) attributes;
    if (r->depth >= DEPTH_MAX) {
        refuse(r, ERR_CORRUPT, "XML is nested too deeply");
        return;
    }
    (void) snprintf(r->open[r->depth], NAME_MAX_BYTES, "%s", name);
    if (r->depth == 0)
        memcpy(r->root, r->open[0], NAME_MAX_BYTES);
    r->depth++;
    buf_reset(&r->text);
    if (r->begin != NULL)
        r->begin(r, r->open[r->depth - 1]);
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
    struct reader *r = arg;

    (void) name;
    if (r->depth == 0)
        return;
    r->depth--;
    if (r->leaf != NULL && r->depth > 0)
        r->leaf(r, r->open[r->depth - 1], r->open[r->depth], buf_cstr(&r->text));
    buf_reset(&r->text);
}

static void XMLCALL on_text(void *arg, const XML_Char *text, int len)
{
    struct reader *r = arg;
    struct err e = ERR_NONE;

    if (buf_append(&r->text, text, (size_t) len, &e) != ERR_OK)
        refuse(r, e.code, "XML holds an over-long text");
}

static void XMLCALL on_doctype(void *arg, const XML_Char *name, const XML_Char *sysid, const XML_Char *pubid,
                               int internal)
{
    (void) name;
    (void) sysid;
    (void) pubid;
    (void) internal;
    refuse(arg, ERR_CORRUPT, "XML declares a document type");
}

/* Parse a whole document. The caller has set begin, leaf and arg. */
static enum err_code reader_run(struct reader *r, const void *bytes, size_t len, struct err *e)
{
    enum XML_Status status;

    if (len > INT32_MAX / 2)
        return err_set(e, ERR_CORRUPT, "XML answer is too long");
    r->parser = XML_ParserCreate(NULL);
    if (r->parser == NULL)
        return err_nomem(e, "an XML parser");
    buf_init(&r->text, TEXT_MAX_BYTES);
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    status = XML_Parse(r->parser, bytes, (int) len, 1);
    if (status != XML_STATUS_OK && r->failure.code == ERR_OK)
        err_set(&r->failure, ERR_CORRUPT, "not a whole XML document: %s",
                XML_ErrorString(XML_GetErrorCode(r->parser)));
    XML_ParserFree(r->parser);
    buf_clear(&r->text);
    if (r->failure.code != ERR_OK)
        *e = r->failure;
    return r->failure.code;
}

bool s3_xml_plausible(const char *content_type, const void *bytes, size_t len)
{
    const char *text = bytes;
    size_t at = 0;

    if (strcasestr(content_type, "html") != NULL || strcasestr(content_type, "json") != NULL)
        return false;
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        at = 3;
    while (at < len && strchr(" \t\r\n", text[at]) != NULL && text[at] != '\0')
        at++;
    if (at >= len || text[at] != '<')
        return false;
    return !(len - at >= 5 && strncasecmp(text + at, "<html", 5) == 0) &&
           !(len - at >= 9 && strncasecmp(text + at, "<!doctype", 9) == 0);
}

bool s3_xml_has_root(const void *bytes, size_t len, const char *root)
{
    struct reader r = {.root = ""};
    struct err ignored = ERR_NONE;

    return reader_run(&r, bytes, len, &ignored) == ERR_OK && strcmp(r.root, root) == 0;
}

/* Copy what a server wrote into a message: no control characters, cut to fit. */
static void printable_copy(char *out, size_t size, const char *text)
{
    size_t len = 0;

    for (; text[len] != '\0' && len + 1 < size; len++)
        out[len] = (unsigned char) text[len] < 0x20 || text[len] == 0x7f ? ' ' : text[len];
    out[len] = '\0';
}

static void error_leaf(struct reader *r, const char *parent, const char *name, const char *text)
{
    struct s3_error *out = r->arg;
    char *end;
    unsigned long long size;

    if (r->depth != 1 || strcmp(parent, "Error") != 0)
        return;
    if (strcmp(name, "Code") == 0)
        printable_copy(out->code, sizeof(out->code), text);
    else if (strcmp(name, "Message") == 0)
        printable_copy(out->message, sizeof(out->message), text);
    else if (strcmp(name, "RequestId") == 0)
        printable_copy(out->request_id, sizeof(out->request_id), text);
    else if (strcmp(name, "Region") == 0)
        printable_copy(out->region, sizeof(out->region), text);
    else if (strcmp(name, "ActualObjectSize") == 0) {
        size = strtoull(text, &end, 10);
        out->object_size = *text >= '0' && *text <= '9' && *end == '\0' ? size : UINT64_MAX;
    }
}

void s3_error_read(const void *bytes, size_t len, struct s3_error *out)
{
    struct s3_error none = {.object_size = UINT64_MAX}, read = none;
    struct reader r = {.leaf = error_leaf, .arg = &read};
    struct err ignored = ERR_NONE;

    *out = reader_run(&r, bytes, len, &ignored) == ERR_OK && read.code[0] != '\0' ? read : none;
}

/* What a page's reader gathers besides the page. */
struct page_reading {
    struct s3_page page;
    size_t cap;
    bool url_encoded;
};

static void page_entry_begin(struct reader *r, const char *name)
{
    struct page_reading *p = r->arg;
    bool prefix = strcmp(name, "CommonPrefixes") == 0;

    if (r->depth != 2 || (!prefix && strcmp(name, "Contents") != 0))
        return;
    if (p->page.count == p->cap) {
        size_t cap = p->cap == 0 ? 64 : p->cap * 2;
        struct s3_entry *grown =
            cap <= 2 * PAGE_KEYS_MAX ? realloc(p->page.entries, cap * sizeof(*grown)) : NULL;

        if (grown == NULL) {
            refuse(r, cap <= 2 * PAGE_KEYS_MAX ? ERR_IO : ERR_CORRUPT, "listing page has too many keys");
            return;
        }
        p->page.entries = grown;
        p->cap = cap;
    }
    p->page.entries[p->page.count++] = (struct s3_entry){.is_prefix = prefix};
}

static void text_keep(struct reader *r, char **out, const char *text)
{
    if (*out != NULL) {
        refuse(r, ERR_CORRUPT, "listing page names a value twice");
        return;
    }
    *out = strdup(text);
    if (*out == NULL)
        refuse(r, ERR_IO, "out of memory for a listing page");
}

static void page_entry_leaf(struct reader *r, struct s3_entry *entry, const char *name, const char *text)
{
    char *end;
    struct err ignored = ERR_NONE;

    if (strcmp(name, entry->is_prefix ? "Prefix" : "Key") == 0) {
        text_keep(r, &entry->key, text);
    } else if (strcmp(name, "Size") == 0) {
        errno = 0;
        entry->size = strtoull(text, &end, 10);
        if (*text < '0' || *text > '9' || *end != '\0' || errno != 0)
            refuse(r, ERR_CORRUPT, "listing page has a size that is no number");
    } else if (strcmp(name, "LastModified") == 0) {
        if (timestamp_parse_stored(text, &entry->modified_us, &ignored) != ERR_OK)
            entry->modified_us = 0;
    }
}

static void page_leaf(struct reader *r, const char *parent, const char *name, const char *text)
{
    struct page_reading *p = r->arg;

    if (r->depth == 2 && p->page.count > 0 &&
        strcmp(parent, p->page.entries[p->page.count - 1].is_prefix ? "CommonPrefixes" : "Contents") == 0)
        page_entry_leaf(r, &p->page.entries[p->page.count - 1], name, text);
    else if (r->depth == 1 && strcmp(name, "IsTruncated") == 0)
        p->page.truncated = strcmp(text, "true") == 0;
    else if (r->depth == 1 && strcmp(name, "NextContinuationToken") == 0)
        text_keep(r, &p->page.next_token, text);
    else if (r->depth == 1 && strcmp(name, "EncodingType") == 0)
        p->url_encoded = strcmp(text, "url") == 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return -1;
}

/* Undo encoding-type=url in place: %XX, and "+" for a space. False when it is not such a text. */
static bool url_decode(char *text)
{
    char *out = text;

    for (; *text != '\0'; text++) {
        int high, low;

        if (*text != '%') {
            *out++ = *text == '+' ? ' ' : *text;
            continue;
        }
        high = hex_digit(text[1]);
        low = high < 0 ? -1 : hex_digit(text[2]);
        if (low < 0 || high * 16 + low == 0)
            return false;
        *out++ = (char) (high * 16 + low);
        text += 2;
    }
    *out = '\0';
    return true;
}

static int entry_compare(const void *a, const void *b)
{
    return strcmp(((const struct s3_entry *) a)->key, ((const struct s3_entry *) b)->key);
}

static enum err_code page_settle(struct page_reading *p, struct err *e)
{
    struct s3_page *page = &p->page;

    for (size_t i = 0; i < page->count; i++) {
        char *key = page->entries[i].key;

        if (key == NULL || *key == '\0' || (p->url_encoded && !url_decode(key)))
            return err_set(e, ERR_CORRUPT, "listing page has an entry without a readable key");
    }
    if (page->count > 1)
        qsort(page->entries, page->count, sizeof(page->entries[0]), entry_compare);
    for (size_t i = 1; i < page->count; i++)
        if (strcmp(page->entries[i - 1].key, page->entries[i].key) == 0)
            return err_set(e, ERR_CORRUPT, "listing page names key \"%.200s\" twice", page->entries[i].key);
    if (page->truncated && (page->next_token == NULL || *page->next_token == '\0'))
        return err_set(e, ERR_CORRUPT, "listing page says there is more, but has no continuation token");
    return ERR_OK;
}

enum err_code s3_page_read(const void *bytes, size_t len, struct s3_page *out, struct err *e)
{
    struct page_reading p = {.cap = 0};
    struct reader r = {.begin = page_entry_begin, .leaf = page_leaf, .arg = &p};

    if (reader_run(&r, bytes, len, e) == ERR_OK && strcmp(r.root, "ListBucketResult") != 0)
        err_set(&r.failure, ERR_CORRUPT, "answer is no listing page but \"%s\"", r.root);
    if (r.failure.code == ERR_OK)
        r.failure.code = page_settle(&p, &r.failure);
    if (r.failure.code != ERR_OK) {
        s3_page_clear(&p.page);
        *e = r.failure;
        return e->code;
    }
    *out = p.page;
    return ERR_OK;
}

void s3_page_clear(struct s3_page *page)
{
    for (size_t i = 0; i < page->count; i++)
        free(page->entries[i].key);
    free(page->entries);
    free(page->next_token);
    *page = S3_PAGE_NONE;
}

static void upload_id_leaf(struct reader *r, const char *parent, const char *name, const char *text)
{
    char **id = r->arg;

    if (r->depth == 1 && strcmp(parent, "InitiateMultipartUploadResult") == 0 &&
        strcmp(name, "UploadId") == 0)
        text_keep(r, id, text);
}

enum err_code s3_upload_id_read(const void *bytes, size_t len, char **out, struct err *e)
{
    char *id = NULL;
    struct reader r = {.leaf = upload_id_leaf, .arg = &id};

    if (reader_run(&r, bytes, len, e) == ERR_OK && id != NULL && *id != '\0') {
        *out = id;
        return ERR_OK;
    }
    free(id);
    if (r.failure.code == ERR_OK)
        return err_set(e, ERR_CORRUPT, "answer to the start of a multipart upload has no upload id");
    return e->code;
}
