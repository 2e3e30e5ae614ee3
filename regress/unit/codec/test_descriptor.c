#include "codec/descriptor.h"

#include "codec/crc32c.h"
#include "codec/le.h"
#include "sealing.h"

#define GOOD_HEAD "{\"kind\":\"wal\",\"name\":\"n\","
#define GOOD_TAIL "\"codec\":\"none\",\"level\":0,\"frame\":1048576,\"cipher\":\"crc32c\",\"origin\":\"o\"}"
#define HEX8      "0011223344556677"
#define HEX32     HEX8 HEX8 HEX8 HEX8
#define KEY       "{\"to\":\"" HEX8 "\",\"ephemeral\":\"" HEX32 "\",\"wrapped\":\"" HEX32 HEX8 HEX8 "\"}"
#define ENCRYPTED(keys)                                                                                \
    GOOD_HEAD "\"codec\":\"lz4\",\"level\":0,\"frame\":0,\"cipher\":\"aes-256-gcm\",\"origin\":\"o\"," \
              "\"keys\":" keys "}"

/* A descriptor around any JSON text, its checksum right. */
static void wrap_json(const char *json, size_t len, struct buf *out)
{
    uint8_t head[DESCRIPTOR_HEAD] = {0x89, 'P', 'I', 'T', 'R', 13, 10, 26, 1}, sum[4];
    struct err e = ERR_NONE;

    le32_put(head + 12, (uint32_t) len);
    le32_put(sum, crc32c(crc32c(0, head, sizeof(head)), json, len));
    OK(buf_append(out, head, sizeof(head), &e));
    OK(buf_append(out, json, len, &e));
    OK(buf_append(out, sum, sizeof(sum), &e));
}

static enum err_code parse_json(const char *json, struct descriptor *d, struct err *e)
{
    CLEANUP(buf_clear) struct buf bytes = BUF_INIT(1 << 20);
    uint8_t id[SHA256_BYTES];

    wrap_json(json, strlen(json), &bytes);
    return descriptor_parse(bytes.data, bytes.len, d, id, e);
}

START_TEST(what_is_written_is_read_back_with_its_facts)
{
    CLEANUP(buf_clear) struct buf bytes = BUF_INIT(1 << 20);
    CLEANUP(descriptor_clear) struct descriptor d = descriptor_for(CODEC_ZSTD, 4096, "abc", 3);
    CLEANUP(descriptor_clear) struct descriptor got = {0};
    uint8_t id[SHA256_BYTES], got_id[SHA256_BYTES], digest[SHA256_BYTES];
    struct err e = ERR_NONE;
    size_t total;

    d.level = -3;
    d.key_count = 2;
    memset(d.keys, 0xab, 2 * sizeof(d.keys[0]));
    d.facts = json_pack("{s:{s:i,s:I}}", "wal", "timeline", 1, "end", (json_int_t) 0x7fffffffffffffff);
    OK(descriptor_format(&d, &bytes, id, &e));
    OK(descriptor_length(bytes.data, &total, &e));
    ck_assert_uint_eq(total, bytes.len);
    OK(sha256(bytes.data, bytes.len, digest, &e));
    ck_assert_mem_eq(id, digest, SHA256_BYTES);
    OK(descriptor_parse(bytes.data, bytes.len, &got, got_id, &e));
    ck_assert_mem_eq(id, got_id, SHA256_BYTES);
    ck_assert_str_eq(got.kind, d.kind);
    ck_assert_str_eq(got.name, d.name);
    ck_assert_str_eq(got.origin, d.origin);
    ck_assert(got.sized && got.size == 3 && got.codec == CODEC_ZSTD && got.level == -3 &&
              got.frame_bytes == 4096);
    ck_assert_mem_eq(got.sha256, d.sha256, SHA256_BYTES);
    ck_assert_uint_eq(got.key_count, 2);
    ck_assert_mem_eq(got.keys, d.keys, 2 * sizeof(d.keys[0]));
    ck_assert(json_equal(got.facts, d.facts));
}
END_TEST

START_TEST(an_object_of_unknown_size_has_neither_size_nor_digest)
{
    CLEANUP(buf_clear) struct buf bytes = BUF_INIT(1 << 20);
    struct descriptor d = descriptor_for(CODEC_NONE, 0, "", 0);
    struct descriptor got;
    uint8_t id[SHA256_BYTES];
    struct err e = ERR_NONE;

    d.sized = false;
    OK(descriptor_format(&d, &bytes, id, &e));
    ck_assert_ptr_null(strstr(buf_cstr(&bytes) + DESCRIPTOR_HEAD, "size"));
    ck_assert_ptr_null(strstr(buf_cstr(&bytes) + DESCRIPTOR_HEAD, "sha256"));
    OK(descriptor_parse(bytes.data, bytes.len, &got, id, &e));
    ck_assert(!got.sized);
    ck_assert_ptr_null(got.facts);
}
END_TEST

START_TEST(equal_descriptors_are_equal_bytes_in_a_fixed_order)
{
    CLEANUP(buf_clear) struct buf bytes = BUF_INIT(1 << 20);
    struct descriptor d = {.kind = "pack", .name = "pack-1", .codec = CODEC_LZ4, .origin = "o"};
    uint8_t id[SHA256_BYTES];
    struct err e = ERR_NONE;

    OK(descriptor_format(&d, &bytes, id, &e));
    bytes.len -= 4;
    ck_assert_str_eq(buf_cstr(&bytes) + DESCRIPTOR_HEAD,
                     "{\"kind\":\"pack\",\"name\":\"pack-1\",\"codec\":\"lz4\",\"level\":0,\"frame\":0,"
                     "\"cipher\":\"crc32c\",\"origin\":\"o\"}");
}
END_TEST

START_TEST(good_texts_are_read)
{
    static const char *const table[] = {
        GOOD_HEAD GOOD_TAIL,
        " { \"name\" : \"\\u00e9\" , \"kind\" : \"wal\" , " GOOD_TAIL " ",
        GOOD_HEAD "\"size\":0,\"sha256\":\"" HEX32 "\"," GOOD_TAIL,
        GOOD_HEAD "\"size\":9223372036854775807,\"sha256\":\"" HEX32 "\"," GOOD_TAIL,
        GOOD_HEAD "\"future\":[1,2,{\"x\":null}]," GOOD_TAIL,
        ENCRYPTED("[" KEY "]"),
        ENCRYPTED("[" KEY "," KEY "]"),
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        CLEANUP(descriptor_clear) struct descriptor d = {0};
        struct err e = ERR_NONE;

        OK(parse_json(table[i], &d, &e));
        ck_assert_int_eq(d.facts != NULL, strstr(table[i], "future") != NULL);
    }
}
END_TEST

START_TEST(bad_texts_are_refused)
{
    static const struct {
        const char *json, *why;
    } table[] = {
        {"[]", "not an object"},
        {"nonsense", "not JSON"},
        {GOOD_HEAD GOOD_TAIL "x", "bytes behind the object"},
        {GOOD_HEAD "\"name\":\"m\"," GOOD_TAIL, "a member twice"},
        {GOOD_HEAD "\"f\":{\"a\":1,\"a\":2}," GOOD_TAIL, "a member twice inside a fact"},
        {"{\"name\":\"n\"," GOOD_TAIL, "no kind"},
        {"{\"kind\":\"wal\"," GOOD_TAIL, "no name"},
        {"{\"kind\":7,\"name\":\"n\"," GOOD_TAIL, "kind of another type"},
        {"{\"kind\":\"\",\"name\":\"n\"," GOOD_TAIL, "empty kind"},
        {"{\"kind\":\"../wal\",\"name\":\"n\"," GOOD_TAIL, "kind with other characters"},
        {"{\"kind\":\"abcdefghijabcdefghijabcdefghijab\",\"name\":\"n\"," GOOD_TAIL, "kind of 32 bytes"},
        {"{\"kind\":\"wal\",\"name\":\"\"," GOOD_TAIL, "empty name"},
        {"{\"kind\":\"wal\",\"name\":\"a\\u001b[0m\"," GOOD_TAIL, "control characters in the name"},
        {"{\"kind\":\"wal\",\"name\":\"a\\u0000b\"," GOOD_TAIL, "NUL in the name"},
        {"{\"kind\":\"wal\",\"name\":\"\xff\"," GOOD_TAIL, "not UTF-8"},
        {GOOD_HEAD "\"size\":1," GOOD_TAIL, "size without sha256"},
        {GOOD_HEAD "\"sha256\":\"" HEX32 "\"," GOOD_TAIL, "sha256 without size"},
        {GOOD_HEAD "\"size\":-1,\"sha256\":\"" HEX32 "\"," GOOD_TAIL, "negative size"},
        {GOOD_HEAD "\"size\":1.0,\"sha256\":\"" HEX32 "\"," GOOD_TAIL, "size with a fraction"},
        {GOOD_HEAD "\"size\":\"1\",\"sha256\":\"" HEX32 "\"," GOOD_TAIL, "size as text"},
        {GOOD_HEAD "\"size\":9223372036854775808,\"sha256\":\"" HEX32 "\"," GOOD_TAIL, "size too large"},
        {GOOD_HEAD "\"size\":null,\"sha256\":null," GOOD_TAIL, "size null"},
        {GOOD_HEAD "\"size\":1,\"sha256\":\"" HEX8 "\"," GOOD_TAIL, "digest too short"},
        {GOOD_HEAD "\"size\":1,\"sha256\":\"" HEX32 "0\"," GOOD_TAIL, "digest too long"},
        {GOOD_HEAD "\"size\":1,\"sha256\":\"" HEX8 HEX8 HEX8 "00112233445566xx\"," GOOD_TAIL,
         "digest not hex"},
        {GOOD_HEAD "\"codec\":\"rar\",\"level\":0,\"frame\":0,\"cipher\":\"crc32c\",\"origin\":\"o\"}",
         "codec"},
        {GOOD_HEAD
         "\"codec\":\"lz4\",\"level\":2147483648,\"frame\":0,\"cipher\":\"crc32c\",\"origin\":\"o\"}",
         "level"},
        {GOOD_HEAD "\"codec\":\"lz4\",\"level\":0,\"frame\":67108865,\"cipher\":\"crc32c\",\"origin\":\"o\"}",
         "frame"},
        {GOOD_HEAD "\"codec\":\"lz4\",\"level\":0,\"frame\":-1,\"cipher\":\"crc32c\",\"origin\":\"o\"}",
         "frame"},
        {GOOD_HEAD "\"codec\":\"lz4\",\"level\":0,\"frame\":0,\"cipher\":\"rot13\",\"origin\":\"o\"}",
         "cipher"},
        {GOOD_HEAD "\"codec\":\"lz4\",\"level\":0,\"frame\":0,\"cipher\":\"crc32c\"}", "no origin"},
        {GOOD_HEAD "\"codec\":\"lz4\",\"level\":0,\"frame\":0,\"cipher\":\"aes-256-gcm\",\"origin\":\"o\"}",
         "no keys"},
        {GOOD_HEAD "\"keys\":[" KEY "]," GOOD_TAIL, "keys of an object that is not encrypted"},
        {ENCRYPTED("[]"), "an empty list of keys"},
        {ENCRYPTED("{}"), "keys not a list"},
        {ENCRYPTED("[7]"), "a key that is no object"},
        {ENCRYPTED("[{\"to\":\"" HEX8 "\",\"ephemeral\":\"" HEX32 "\"}]"), "a key without its wrapped key"},
        {ENCRYPTED("[" KEY "," KEY "," KEY "," KEY "," KEY "," KEY "," KEY "," KEY "," KEY "," KEY "," KEY
                   "," KEY "," KEY "," KEY "," KEY "," KEY "," KEY "]"),
         "seventeen keys"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct descriptor d;
        struct err e = ERR_NONE;

        ck_assert_msg(parse_json(table[i].json, &d, &e) == ERR_CORRUPT, "accepted: %s", table[i].why);
    }
}
END_TEST

START_TEST(a_newer_format_is_told_apart_from_damage)
{
    CLEANUP(buf_clear) struct buf bytes = BUF_INIT(1 << 20);
    struct err e = ERR_NONE;
    size_t total;

    wrap_json("{}", 2, &bytes);
    bytes.data[8] = 2;
    ck_assert_int_eq(descriptor_length(bytes.data, &total, &e), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(e.text, "format version 2, this program reads version 1"));
    bytes.data[0] = 'x';
    ck_assert_int_eq(descriptor_length(bytes.data, &total, &e), ERR_CORRUPT);
    ck_assert_str_eq(e.text, "not a sealed object of pitr");
}
END_TEST

START_TEST(impossible_lengths_are_refused)
{
    uint8_t head[DESCRIPTOR_HEAD] = {0x89, 'P', 'I', 'T', 'R', 13, 10, 26, 1};
    struct err e = ERR_NONE;
    size_t total = 0;

    ck_assert_int_eq(descriptor_length(head, &total, &e), ERR_CORRUPT); /* of nothing */
    le32_put(head + 12, DESCRIPTOR_JSON_MAX);
    OK(descriptor_length(head, &total, &e));
    ck_assert_uint_eq(total, DESCRIPTOR_HEAD + DESCRIPTOR_JSON_MAX + 4);
    le32_put(head + 12, DESCRIPTOR_JSON_MAX + 1);
    ck_assert_int_eq(descriptor_length(head, &total, &e), ERR_CORRUPT);
    le32_put(head + 12, UINT32_MAX);
    ck_assert_int_eq(descriptor_length(head, &total, &e), ERR_CORRUPT);
}
END_TEST

START_TEST(what_a_reader_would_refuse_is_not_written)
{
    CLEANUP(json_decrefp) json_t *clash = json_pack("{s:i}", "name", 1);
    CLEANUP(json_decrefp) json_t *huge = json_object();
    struct descriptor good = descriptor_for(CODEC_NONE, 0, "", 0);
    struct descriptor table[8];
    uint8_t id[SHA256_BYTES];
    char *long_text = calloc(1, DESCRIPTOR_JSON_MAX + 1);

    memset(long_text, 'x', DESCRIPTOR_JSON_MAX);
    json_object_set_new(huge, "fact", json_string(long_text));
    free(long_text);
    for (size_t i = 0; i < COUNT(table); i++)
        table[i] = good;
    table[0].kind[0] = '\0';
    table[1].kind[0] = 'W';
    table[2].name[0] = '\0';
    table[3].name[0] = '\n';
    table[4].name[0] = '\xff';
    table[5].facts = clash;
    table[6].facts = huge;
    table[7].frame_bytes = FRAME_PLAIN_MAX + 1;
    for (size_t i = 0; i < COUNT(table); i++) {
        CLEANUP(buf_clear) struct buf out = BUF_INIT(1 << 20);
        struct err e = ERR_NONE;

        ck_assert_msg(descriptor_format(&table[i], &out, id, &e) == ERR_USAGE, "written: %zu", i);
        ck_assert_uint_eq(out.len, 0);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_is_written_is_read_back_with_its_facts,
                                  an_object_of_unknown_size_has_neither_size_nor_digest,
                                  equal_descriptors_are_equal_bytes_in_a_fixed_order,
                                  good_texts_are_read,
                                  bad_texts_are_refused,
                                  a_newer_format_is_told_apart_from_damage,
                                  impossible_lengths_are_refused,
                                  what_a_reader_would_refuse_is_not_written};

    return check_main(suite_of("codec/descriptor", tests, COUNT(tests)));
}
