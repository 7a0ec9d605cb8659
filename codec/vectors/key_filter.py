"""The filter over the record keys and fields of a block: FORMAT.md, section 1.4."""
import hashlib, struct

M64 = (1 << 64) - 1


def split(f):
    """The ids of the fields that a filter covers, and the filter itself; None if it is no filter."""
    if f[:1] != b"\2":
        return [], f
    n = f[1] if len(f) > 1 else 0
    ids = [f[2 + 8 * i:10 + 8 * i] for i in range(n)]
    sane = 0 < n <= 16 and len(f) >= 2 + 8 * n and all(a < b for a, b in zip(ids, ids[1:]))
    return ids, f[2 + 8 * n:] if sane else None


def field_id(paths):
    return hashlib.sha256(b"tidemark/1 field rule\n" + b"".join(p.encode() + b"\n" for p in sorted(set(paths)))).digest()[:8]


def valid(f):
    if f == b"\0":
        return True
    if f is None or len(f) < 17:
        return False
    kind, _, length, count = struct.unpack_from(">BQII", f)
    return kind == 1 and 0 < length <= 1 << 18 and length & (length - 1) == 0 < count and len(f) == 17 + (count + 2) * length


def maybe(f, siphash_key, record_key):
    """Whether a valid filter says maybe to a record key that is not null."""
    if f == b"\0":
        return False
    _, seed, length, count = struct.unpack_from(">BQII", f)
    prints = f[17:]
    h = mix(siphash(siphash_key, record_key) + seed & M64)
    i = (h * count * length) >> 64
    j, k = i + length ^ (h >> 18) & (length - 1), i + 2 * length ^ h & (length - 1)
    return (h ^ h >> 32) & 255 == prints[i] ^ prints[j] ^ prints[k]


def mix(x):
    x = (x ^ x >> 33) * 0xFF51AFD7ED558CCD & M64
    x = (x ^ x >> 33) * 0xC4CEB9FE1A85EC53 & M64
    return x ^ x >> 33


def siphash(key, text):
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    rotl = lambda x, n: (x << n | x >> (64 - n)) & M64

    def rounds(n):
        for _ in range(n):
            for a, b, r, s in ((0, 1, 13, 32), (2, 3, 16, 0), (0, 3, 21, 0), (2, 1, 17, 32)):
                v[a] = v[a] + v[b] & M64
                v[b] = rotl(v[b], r) ^ v[a]
                v[a] = rotl(v[a], s)
    padded = text + bytes(-(len(text) + 1) % 8) + bytes([len(text) & 255])
    for (m,) in struct.iter_unpack("<Q", padded):
        v[3] ^= m
        rounds(2)
        v[0] ^= m
    v[2] ^= 255
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]
