"""
forge.py - give a stored object another descriptor, as somebody could who may write to the store: of the right form, with
the right checksum, and with a lie in it. What is sealed behind it stays as it was.

  python3 forge.py OBJECT MEMBER=JSON …      a member of "wal": max_commit=0; MEMBER= takes it away
  python3 forge.py OBJECT --of OTHER         the whole descriptor of another object
"""
import json
import struct
import sys

HEAD = 16


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def split(path):
    data = open(path, "rb").read()
    (length,) = struct.unpack_from("<I", data, 12)
    return data[:HEAD], data[HEAD : HEAD + length], data[HEAD + length + 4 :]


def main(path, *edits):
    head, text, frames = split(path)
    if edits[0] == "--of":
        text = split(edits[1])[1]
    else:
        described = json.loads(text)
        for member, value in (edit.split("=", 1) for edit in edits):
            described["wal"].pop(member, None)
            if value:
                described["wal"][member] = json.loads(value)
        text = json.dumps(described, separators=(",", ":")).encode()
    head = head[:12] + struct.pack("<I", len(text))
    with open(path, "wb") as out:
        out.write(head + text + struct.pack("<I", crc32c(head + text)) + frames)


main(*sys.argv[1:])
