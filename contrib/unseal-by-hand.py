#!/usr/bin/env python3
"""unseal-by-hand.py - read an unencrypted sealed object of pitr without pitr.

  python3 contrib/unseal-by-hand.py OBJECT            the plain bytes to standard output, once all is verified
  python3 contrib/unseal-by-hand.py --show OBJECT     what the object says of itself, and where its frames lie
  python3 contrib/unseal-by-hand.py --frame K OBJECT  the plain bytes of frame K only (a chunk of a pack)
  python3 contrib/unseal-by-hand.py --backup DIR INTO the files of a backup into a new directory; DIR is a copy of its
                                                      backup/<ID>, beside those of the backups it refers to

Python 3's standard library, and the programs lz4 and zstd for objects compressed so. The bytes are described in
docs/FORMAT.md; this file follows that page and not the program, so that an archive can be read when there is no
program any more. Everything that can be checked without a key is checked. Encrypted objects are refused: their
steps are in docs/FORMAT.md as well.
"""
import hashlib
import json
import os
import struct
import subprocess
import sys
import urllib.parse

MAGIC = b"\x89PITR\r\n\x1a"
FOOTER = b"PITRTAIL"
RAW, TABLE = 1, 2  # flags of a frame


def crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


CRC = crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def refuse(why):
    sys.exit("unseal-by-hand: " + why)


def read_descriptor(data):
    """The JSON at the front, the object's id, and where the frames begin."""
    if len(data) < 20 or data[:8] != MAGIC:
        refuse("not a sealed object")
    version, zero, length = struct.unpack_from("<HHI", data, 8)
    if version != 1 or zero != 0:
        refuse("format version %d" % version)
    end = 16 + length
    if len(data) < end + 4 or crc32c(data[:end]) != struct.unpack_from("<I", data, end)[0]:
        refuse("the descriptor is damaged")
    return json.loads(data[16:end]), hashlib.sha256(data[:end + 4]).digest(), end + 4


def unpack(codec, payload):
    program = {"lz4": ["lz4", "-dc"], "zstd": ["zstd", "-dcq"]}[codec]
    return subprocess.run(program, input=payload, stdout=subprocess.PIPE, check=True).stdout


def read_frame(data, at, number, object_id, codec):
    """One frame: its flags, its plain bytes, and where the next one begins."""
    head = data[at:at + 12]
    if len(head) < 12:
        refuse("the object is cut in frame %d" % number)
    payload_len, plain_len, flags = struct.unpack_from("<IIB", head)
    payload = data[at + 12:at + 12 + payload_len]
    tag = data[at + 12 + payload_len:at + 16 + payload_len]
    if len(tag) < 4:
        refuse("the object is cut in frame %d" % number)
    if crc32c(object_id + struct.pack("<Q", number) + head + payload) != struct.unpack("<I", tag)[0]:
        refuse("the checksum of frame %d does not match" % number)
    plain = payload if flags & RAW else unpack(codec, payload)
    if len(plain) != plain_len:
        refuse("frame %d has %d bytes instead of %d" % (number, len(plain), plain_len))
    return flags, plain, at + 16 + payload_len


def read_table(data, object_id, codec):
    """From the end of the object: the whole lengths of its data frames."""
    footer = data[-16:]
    if footer[:8] != FOOTER or crc32c(footer[:12]) != struct.unpack_from("<I", footer, 12)[0]:
        refuse("the object is cut: it does not end in its footer")
    start = len(data) - 16 - struct.unpack_from("<I", footer, 8)[0]
    if start < 0:
        refuse("the footer does not fit the object")
    count = struct.unpack_from("<I", data, start + 4)[0] // 4  # the table's own number is the count of data frames
    flags, plain, end = read_frame(data, start, count, object_id, codec)
    if not flags & TABLE or end != len(data) - 16:
        refuse("there is no table before the footer")
    return start, struct.unpack("<%dI" % count, plain)


def unseal(data, show=False, only=None):
    """The plain bytes of an object, or of one frame of it; with show nothing but a look."""
    descriptor, object_id, first = read_descriptor(data)
    if show:
        print(json.dumps(descriptor, indent=2))
        print("id %s, frames begin at %d" % (object_id.hex(), first))
    if descriptor["cipher"] != "crc32c":
        if show:
            return b""
        refuse("the object is encrypted (%s)" % descriptor["cipher"])
    codec = descriptor["codec"]
    table_at, lengths = read_table(data, object_id, codec)
    if first + sum(lengths) != table_at:
        refuse("the table does not match the frames")
    if only is not None and only >= len(lengths):
        refuse("the object has %d frames" % len(lengths))

    at = first
    parts = []
    for number, length in enumerate(lengths):
        if show:
            print("frame %d: %d bytes at %d" % (number, length, at))
        elif only is None or only == number:
            flags, plain, end = read_frame(data, at, number, object_id, codec)
            if flags & TABLE or end != at + length:
                refuse("frame %d is not the one the table tells of" % number)
            parts.append(plain)
        at += length
    plain = b"".join(parts)
    if not show and only is None and "sha256" in descriptor:
        if len(plain) != descriptor["size"] or hashlib.sha256(plain).hexdigest() != descriptor["sha256"]:
            refuse("size or SHA-256 differ from the descriptor's")
    return plain


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


class Packs:
    """Chunks out of packs; the pack used last stays in memory."""

    def __init__(self, directory):
        self.directory = os.path.abspath(directory)
        self.sources = {}
        self.path = None

    def chunk(self, length, sha256, source, pack, frame, offset, stored):
        path = os.path.join(os.path.dirname(self.directory), self.sources[source], "pack-%06d" % int(pack))
        if path != self.path:
            self.data = read_file(path)
            self.descriptor, self.object_id, _ = read_descriptor(self.data)
            self.path = path
            if self.descriptor["cipher"] != "crc32c":
                refuse("the pack is encrypted")
        plain = read_frame(self.data, int(offset), int(frame), self.object_id, self.descriptor["codec"])[1]
        if len(plain) != int(length) or hashlib.sha256(plain).hexdigest() != sha256:
            refuse("frame %s of \"%s\" is not the chunk of the index" % (frame, path))
        return plain


def unpack_backup(directory, into):
    """Follow the index, line by line. Links are not made, only told: where they should point is yours to say."""
    summary = json.loads(read_file(os.path.join(directory, "backup.json")))
    index = unseal(read_file(os.path.join(directory, "index")))
    if hashlib.sha256(index).hexdigest() != summary["index_sha256"]:
        refuse("the index is not the one of backup.json")
    packs = Packs(directory)
    os.mkdir(into, 0o700)
    place = lambda path: os.path.join(os.fsencode(into), urllib.parse.unquote_to_bytes(path))
    for line in index.decode("ascii").splitlines()[1:]:
        kind, *fields = line.split("\t")
        if kind == "S":
            packs.sources[fields[0]] = fields[1]
        elif kind == "D":
            os.makedirs(place(fields[1]), exist_ok=True)
            os.chmod(place(fields[1]), int(fields[0], 8))
        elif kind in ("T", "L"):
            print("tablespace" if kind == "T" else "link", *fields)
        elif kind == "F":
            os.makedirs(os.path.dirname(place(fields[3])), exist_ok=True)
            name, size, content = fields[3], int(fields[1]), []
            mode = int(fields[0], 8)
        elif kind == "C":
            content.append(packs.chunk(*fields))
        elif kind == "Z":
            content.append(bytes(int(fields[0])))
        elif kind == "X":
            plain = b"".join(content)
            if len(plain) != size or "%08x" % crc32c(plain) != fields[0]:
                refuse("file \"%s\" is not whole" % name)
            with open(place(name), "wb", opener=lambda path, flags: os.open(path, flags | os.O_EXCL, mode)) as file:
                file.write(plain)
        elif kind == "E":
            print("%s files, %s bytes, from LSN %s to %s" % (fields[0], fields[2], summary["start_lsn"],
                                                             summary["stop_lsn"]))
            return
    refuse("the index is cut")


def main(words):
    if len(words) == 3 and words[0] == "--backup":
        unpack_backup(words[1], words[2])
    elif len(words) == 2 and words[0] == "--show":
        unseal(read_file(words[1]), show=True)
    elif len(words) == 3 and words[0] == "--frame":
        sys.stdout.buffer.write(unseal(read_file(words[2]), only=int(words[1])))
    elif len(words) == 1 and not words[0].startswith("-"):
        sys.stdout.buffer.write(unseal(read_file(words[0])))
    else:
        sys.exit(__doc__)


main(sys.argv[1:])
