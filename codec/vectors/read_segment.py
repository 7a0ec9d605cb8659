#!/usr/bin/env python3
"""Reads a tidemark segment, from the text of FORMAT.md alone.

    read_segment.py ARCHIVE-ID ROOT-PUBLIC-KEY SIGNER-FILE SECRET SEGMENT > 00000000000000000000.log
    read_segment.py --vectors DIRECTORY

The first writes the blocks as a Kafka log (id and secret in hex, key in base64), the second judges
every test vector. Needs cryptography and zstandard from PyPI. S2 blocks are refused.
"""
import base64, hashlib, json, os, struct, sys

import key_filter, zstandard
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

HEADER = struct.Struct(">8sHI4B16s16siiiq16sH16sqqH")
FOOTER = struct.Struct(">q32sIIQQQ")
ENTRY = struct.Struct(">QIIqqIQqqBB32s32sQI32s")
FIELDS = "position stored plain base next batches records max min compression flags sha commitment fpos flen fsha".split()
TRAILER = struct.Struct(">8s64sI8s")
sha256 = lambda b: hashlib.sha256(b).digest()


class Refused(Exception):
    """Its first argument is an outcome of FORMAT.md, section 1.7."""


def want(condition, outcome, why):
    if not condition:
        raise Refused(outcome, why)


def trusted_keys(archive, root, signer_files):
    """Section 3: the archive keys that the root introduced, by signer id."""
    keys = {}
    for text in signer_files:
        line, seal = text.encode().split(b"\n")[:2]
        intro, seal = json.loads(line), json.loads(seal)
        Ed25519PublicKey.from_public_bytes(root).verify(base64.b64decode(seal["signature"]), b"tidemark signer/1\n" + line)
        if intro["archive"] == archive.hex() and intro["role"] == "archive":
            key = base64.b64decode(intro["public_key"])
            keys[sha256(key)[:8]] = Ed25519PublicKey.from_public_bytes(key)
    return keys


def parse_header(b):
    """Section 1.1: the header's fields, and its bytes."""
    want(len(b) >= HEADER.size and b[:8] == b"TIDEMARK", "damaged", "header magic")
    want(struct.unpack_from(">H", b, 8)[0] == 1, "version", "format version")
    want(b[14:18] == b"\1\1\1\1", "version", "algorithm")
    *f, name_size = HEADER.unpack_from(b)
    size = f[2]
    want(size == HEADER.size + name_size and 1 <= name_size <= 249 and size <= len(b), "damaged", "header length")
    fields = "archive topic_id branch parent partition base page slot writer created retain".split()
    h = dict(zip(fields, f[7:18]), topic=b[HEADER.size:size].decode("ascii", "replace"))
    sane = h["branch"] >= -1 and h["parent"] >= -1 and h["partition"] >= 0 and h["base"] >= 0 and h["created"] > 0 and h["retain"] >= 0
    want(sane and all(c.isalnum() and c.isascii() or c in "._-" for c in h["topic"]) and h["topic"] not in (".", ".."), "damaged", "header")
    return h, b[:size]


class Segment:
    def __init__(self, data, archive, keys):
        """Section 1.7, steps 1 to 5 but for the name."""
        want(len(data) >= TRAILER.size, "damaged", "too short")
        signer, signature, footer_size, magic = TRAILER.unpack(data[-TRAILER.size:])
        at = len(data) - TRAILER.size - footer_size
        want(magic == b"MARKTIDE" and at >= 0, "damaged", "trailer")
        footer = data[at:at + footer_size]
        self.header, raw = parse_header(footer)
        self.data, self.digest, self.header_digest = data, sha256(footer), sha256(raw)
        try:
            keys[signer].verify(signature, b"tidemark segment/1\n" + self.digest)
        except (KeyError, InvalidSignature):
            raise Refused("signature", signer.hex()) from None
        want(self.header["archive"] == archive, "signature", "another archive")
        want(len(footer) >= len(raw) + FOOTER.size, "damaged", "footer")
        self.next, self.prev, _, count, *sums = FOOTER.unpack_from(footer, len(raw))
        entries = footer[len(raw) + FOOTER.size:]
        want(count <= 65536 and len(entries) == count * ENTRY.size, "damaged", "footer length")
        self.blocks = [dict(zip(FIELDS, e)) for e in ENTRY.iter_unpack(entries)]
        self.check_layout(len(raw), at, sums)
        want(data[:len(raw)] == raw, "damaged", "header in front")

    def check_layout(self, position, footer_at, sums):
        offset = self.header["base"]
        want(self.next > offset, "damaged", "offsets")
        for b in self.blocks:
            want(b["position"] == position and b["base"] == offset < b["next"], "damaged", "block place")
            want(b["batches"] > 0 and 0 < b["plain"] <= 1 << 30 and b["compression"] <= 2 and b["flags"] <= 3, "damaged", "block entry")
            want(b["stored"] > 28 and (b["stored"] == b["plain"] + 28) == (b["compression"] == 0), "damaged", "stored length")
            want(b["min"] <= b["max"] and (b["records"] or b["max"] == -(1 << 63)), "damaged", "timestamps")
            position, offset = position + b["stored"], b["next"]
        want(not self.blocks or offset == self.next, "damaged", "last block")
        for b in self.blocks:
            want(b["fpos"] == position if b["flen"] else b["fpos"] == 0 and b["fsha"] == bytes(32), "damaged", "filter place")
            position += b["flen"]
        want(position == footer_at, "damaged", "slack before the footer")
        want(sums == [sum(b[k] for b in self.blocks) for k in ("batches", "records", "plain")], "damaged", "sums")

    def name(self):
        """Section 2."""
        h = self.header
        lineage = base64.urlsafe_b64encode(h["topic_id"]).decode().rstrip("=") + (f".e{h['branch']}" if h["branch"] >= 0 else "")
        return f"topics/{h['topic']}/{lineage}/{h['partition']}/{h['base']:020d}-{self.next:020d}-{self.digest[:8].hex()}.seg"

    def keys(self, n, secret):
        """Section 1.2: body key, filter key, record-key key, and what makes field keys, after the commitment."""
        block_key = HKDF(SHA256(), 32, self.header_digest, b"tidemark/1 block" + struct.pack(">I", n)).derive(secret)
        expand = lambda label, size: HKDFExpand(SHA256(), size, b"tidemark/1 " + label).derive(block_key)
        want(expand(b"commitment", 32) == self.blocks[n]["commitment"], "wrong-key", f"block {n}")
        return expand(b"body", 32), expand(b"filter", 32), expand(b"record keys", 16), lambda field: expand(b"field" + field, 16)

    def unseal(self, position, size, sha, key, aad):
        sealed = self.data[position:position + size]
        want(sha256(sealed) == sha, "damaged", "SHA-256")
        try:
            return AESGCM(key).decrypt(sealed[:12], sealed[12:], aad)
        except InvalidTag:
            raise Refused("damaged", "does not open in this place") from None

    def block(self, n, secret):
        """Section 1.3."""
        b = self.blocks[n]
        aad = self.header_digest + struct.pack(">IqqBI", n, b["base"], b["next"], b["compression"], b["plain"])
        body = self.unseal(b["position"], b["stored"], b["sha"], self.keys(n, secret)[0], aad)
        want(b["compression"] != 2, "version", "this reader has no S2")
        try:
            body = zstandard.ZstdDecompressor().decompressobj().decompress(body) if b["compression"] else body
        except zstandard.ZstdError as e:
            raise Refused("damaged", e) from None
        want(len(body) == b["plain"], "damaged", "plain length")
        self.check_body(b, body, n == 0)
        return body

    @staticmethod
    def check_body(b, body, first):
        at, offset, batches, records = 0, b["base"], 0, 0
        while at < len(body):
            want(len(body) - at >= 61, "damaged", "batch header")
            base, length = struct.unpack_from(">qi", body, at)
            end = base + struct.unpack_from(">i", body, at + 23)[0] + 1
            want(49 <= length <= len(body) - at - 12, "damaged", "batch length")
            want((base >= offset or first and batches == 0) and offset < end <= b["next"], "damaged", "batch offsets")
            records += struct.unpack_from(">i", body, at + 57)[0]
            at, offset, batches = at + 12 + length, end, batches + 1
        want((batches, records) == (b["batches"], b["records"]), "damaged", "counts")

    def filter(self, n, secret):
        """Section 1.4: functions that say whether a record key, and a value of a covered field, may be in the block."""
        b = self.blocks[n]
        if not b["flen"]:
            return lambda key: True, lambda field, value: False
        _, key, record_keys, field_key = self.keys(n, secret)
        f = self.unseal(b["fpos"], b["flen"], b["fsha"], key, self.header_digest + b"filter" + struct.pack(">I", n))
        covered, f = key_filter.split(f)
        want(key_filter.valid(f), "damaged", "filter")
        maybe_value = lambda field, value: field in covered and key_filter.maybe(f, field_key(field), value)
        return lambda key: key_filter.maybe(f, record_keys, key), maybe_value


def judge(directory):
    read = lambda name: open(os.path.join(directory, name), "rb").read()
    m = json.loads(read("vectors.json"))
    archive = bytes.fromhex(m["archive"])
    keys = trusted_keys(archive, base64.b64decode(m["root_public_key"]), m["signers"])
    got = [(v["file"], v["outcome"], outcome(read(v["file"]), v, archive, keys)) for v in m["vectors"]]
    wrong = [g for g in got if g[1] != g[2]]
    print(f"{len(got)} vectors, {len(wrong)} judged wrongly", *wrong, sep="\n")
    return 1 if wrong else 0


def outcome(data, v, archive, keys):
    secret = bytes.fromhex(v["secret"])
    try:
        s = Segment(data, archive, keys)
        want(s.name() == v["name"], "name", s.name())
        log = b"".join(s.block(n, secret) for n in range(len(s.blocks)))
        filters = [s.filter(n, secret) for n in range(len(s.blocks))]
    except Refused as e:
        return e.args[0]
    right = sha256(log).hex() == v["log_sha256"] and len(s.blocks) == v.get("blocks", 0)
    key = lambda k: any(maybe(k.encode()) for maybe, _ in filters)
    value = lambda f, text: any(maybe(key_filter.field_id(f["paths"]), text.encode()) for _, maybe in filters)
    right &= all(map(key, v.get("present", []))) and not any(map(key, v.get("absent", [])))
    for f in v.get("fields", []):
        right &= all(value(f, text) for text in f["present"]) and not any(value(f, text) for text in f["absent"])
    return "ok" if right else "other content"


def main(archive, root, signer_file, secret, segment):
    keys = trusted_keys(bytes.fromhex(archive), base64.b64decode(root), [open(signer_file).read()])
    try:
        s = Segment(open(segment, "rb").read(), bytes.fromhex(archive), keys)
        for n in range(len(s.blocks)):
            sys.stdout.buffer.write(s.block(n, bytes.fromhex(secret)))
    except Refused as e:
        sys.exit(f"{segment}: {e.args[0]}: {e.args[1]}")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 6):
        sys.exit(__doc__)
    sys.exit(judge(sys.argv[2]) if sys.argv[1] == "--vectors" else main(*sys.argv[1:]))
