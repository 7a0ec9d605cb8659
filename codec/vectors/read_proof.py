#!/usr/bin/env python3
"""Checks a proof of one record, from the text of FORMAT.md alone (section 7).

    read_proof.py ARCHIVE-ID ROOT-PUBLIC-KEY PROOF > record.json

The id is in hex, the key in base64, as the archive's trust file has them; both must
come from somewhere else than the proof. Exits with 1 if nothing is proven. Needs
cryptography and zstandard from PyPI; batches must be uncompressed, gzip or zstd.
"""
import base64, binascii, gzip, hashlib, json, struct, sys

import zstandard
from read_segment import Refused, Segment, sha256, trusted_keys, want
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

FIXED = struct.Struct(">8sHIIIIqq32s")


class Tail(Segment):
    """A segment of which there is the tail, one sealed block, and that block's key."""

    def __init__(self, tail, size, sealed, archive, keys):
        want(len(tail) >= 84 and size >= len(tail), "damaged", "tail")
        self.size, self.sealed = size, sealed
        super().__init__(Whole(tail, size), archive, keys)

    def keys(self, n, key):
        expand = lambda label, length: HKDFExpand(SHA256(), length, b"tidemark/1 " + label).derive(key)
        want(expand(b"commitment", 32) == self.blocks[n]["commitment"], "wrong-key", f"block {n}")
        return expand(b"body", 32), None, None, None

    def unseal(self, position, size, sha, key, aad):
        self.data = Piece(position, self.sealed)
        return super().unseal(position, size, sha, key, aad)


class Whole:
    """Stands for a segment of which only the last bytes are there."""

    def __init__(self, tail, size):
        self.tail, self.size = tail, size

    def __len__(self):
        return self.size

    def __getitem__(self, s):
        start, stop, _ = s.indices(self.size)
        if start == 0:  # the header in front, which is that in the footer
            footer = struct.unpack(">I", self.tail[-12:-8])[0]
            return self.tail[len(self.tail) - 84 - footer:][:stop]
        first = self.size - len(self.tail)
        want(start == max(start, first), "damaged", "tail is too short")
        return self.tail[start - first:stop - first]


class Piece:
    def __init__(self, position, data):
        self.position, self.data = position, data

    def __getitem__(self, s):
        want(s.start == self.position and s.stop - s.start == len(self.data), "damaged", "sealed block")
        return self.data


def prove(file, archive, root):
    want(len(file) >= FIXED.size + 32 and file[:8] == b"TIDEPROF", "damaged", "magic")
    want(struct.unpack_from(">H", file, 8)[0] == 1, "version", "version of proofs")
    want(sha256(file[:-32]) == file[-32:], "damaged", "SHA-256 of the file")
    _, _, a, t, b, n, size, offset, key = FIXED.unpack_from(file)
    want(FIXED.size + a + t + b + 32 == len(file), "damaged", "parts")
    signer, tail, sealed = (file[FIXED.size:][at:at + length] for at, length in ((0, a), (a, t), (a + t, b)))
    try:
        keys = trusted_keys(archive, root, [signer.decode()])
    except (InvalidSignature, ValueError, KeyError, TypeError):
        raise Refused("signature", "signer file") from None
    s = Tail(tail, size, sealed, archive, keys)
    want(struct.unpack(">I", tail[-12:-8])[0] + 84 == t, "damaged", "tail length")
    want(n < len(s.blocks), "damaged", "block number")
    body, block = s.block(n, key), s.blocks[n]
    want(block["base"] <= offset < block["next"], "damaged", "offset")
    record = find(body, offset)
    text = lambda v: None if v is None else {"sha256": hashlib.sha256(v).hexdigest(), "bytes": len(v)}
    return {
        "archive": archive.hex(), "segment": s.name(), "digest": s.digest.hex(), "signer": tail[-84:-76].hex(), "block": n,
        "topic": s.header["topic"], "partition": s.header["partition"], "offset": offset, "ts": record[0],
        "key": text(record[1]), "value": text(record[2]),
    }


def find(body, offset):
    """The record at an offset, of a row of batches: its time, key and value."""
    at = 0
    while at < len(body):
        base, length = struct.unpack_from(">qi", body, at)
        batch = body[at:at + 12 + length]
        crc, attributes, last, first_time, max_time = struct.unpack_from(">IHiqq", batch, 17)
        want(crc == crc32c(batch[21:]), "damaged", "CRC-32C of a batch")
        if base <= offset <= base + last and not attributes & 0x20:
            for delta, time, key, value in records(plain(batch[61:], attributes & 7), struct.unpack_from(">i", batch, 57)[0]):
                if base + delta == offset:
                    return max_time if attributes & 8 else first_time + time, key, value
        at += len(batch)
    raise Refused("damaged", "no record at this offset")


def plain(b, codec):
    want(codec in (0, 1, 4), "version", f"this reader has no codec {codec}")
    return gzip.decompress(b) if codec == 1 else zstandard.ZstdDecompressor().decompressobj().decompress(b) if codec else b


def records(b, count):
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            value |= (b[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if b[at - 1] < 128:
                return value >> 1 ^ -(value & 1)

    def field():
        nonlocal at
        length = number()
        at += max(length, 0)
        return None if length < 0 else b[at - length:at]

    for _ in range(count):
        length = number()
        end = at + length
        at += 1
        time, delta = number(), number()
        yield delta, time, field(), field()
        at = end


def crc32c(b):
    crc = 0xFFFFFFFF
    for byte in b:
        crc = CRC32C[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def crc_table(n):
    for _ in range(8):
        n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
    return n


CRC32C = [crc_table(n) for n in range(256)]

if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        print(json.dumps(prove(open(sys.argv[3], "rb").read(), bytes.fromhex(sys.argv[1]), base64.b64decode(sys.argv[2]))))
    except (Refused, struct.error, IndexError, binascii.Error) as e:
        sys.exit(f"{sys.argv[3]}: not proven: {': '.join(map(str, e.args))}")
