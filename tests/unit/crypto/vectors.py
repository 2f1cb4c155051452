#!/usr/bin/env python3
# ISC license.
"""Makes vectors.h: known answers computed by python3-cryptography (OpenSSL) and by hashlib,
never by the code they test. Run it again only to add to them: every run makes new keys.

    ./vectors.py > vectors.h
"""
import hashlib
import hmac
import secrets

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
MESSAGE = b"what is signed"


def octets(number, size=None):
    return number.to_bytes(size or (number.bit_length() + 7) // 8, "big")


def literal(data):
    text = data.hex()
    if not text:
        return ' ""'
    return "".join(f'\n    "{text[i:i + 96]}"' for i in range(0, len(text), 96))


def text(label):
    return "\n    ".join(f'"{label[i:i + 96]}"' for i in range(0, len(label) or 1, 96))


def row(*fields):
    print("  { " + ",\n    ".join(fields) + " },")


def quoted(data):
    return literal(data).strip()


def is_prime(n):
    if any(n % small == 0 for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)):
        return False
    odd = n - 1
    shift = (odd & -odd).bit_length() - 1
    for _ in range(20):
        x = pow(2 + secrets.randbelow(n - 3), odd >> shift, n)
        if x != 1 and not any(pow(x, 1 << i, n) == n - 1 for i in range(shift)):
            return False
    return True


def prime(bits, e):
    while True:
        p = secrets.randbits(bits) | 1 | 1 << bits - 1
        if p % e != 1 and is_prime(p):
            return p


def rsa_key(bits, e):
    """A key whose modulus has exactly so many bits: OpenSSL rounds odd sizes down."""
    while True:
        p, q = prime((bits + 1) // 2, e), prime(bits - (bits + 1) // 2, e)
        if (p * q).bit_length() == bits:
            break
    d = pow(e, -1, (p - 1) * (q - 1))
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p),
                                 rsa.RSAPublicNumbers(e, p * q)).private_key()


def rsa_keys():
    print("struct rsa_vector {\n    unsigned int bits;\n    char const *n, *e, *p, *q, *dp, *dq, *iq;\n"
          "    char const *pss[3], *pkcs1[3], *pss_other_salt[2];\n};\n"
          "/* Signatures of MESSAGE by hash; the last two have salts of 20 and 0 bytes. */\n"
          "static struct rsa_vector const rsa_vectors[] = {")
    for bits in (2048, 2049, 2050, 2051, 2055, 3072, 4096):
        key = rsa_key(bits, 65537 if bits != 2051 else 3)
        n = key.private_numbers()
        numbers = [n.public_numbers.n, n.public_numbers.e, n.p, n.q, n.dmp1, n.dmq1, n.iqmp]

        def pss(name, salt):
            h = HASHES[name]
            return key.sign(MESSAGE, padding.PSS(padding.MGF1(h), salt), h)
        print(f"  {{ {bits},")
        for number in numbers:
            print("    " + quoted(octets(number)) + ",")
        for group in ([pss(name, h.digest_size) for name, h in HASHES.items()],
                      [key.sign(MESSAGE, padding.PKCS1v15(), h) for h in HASHES.values()],
                      [pss("sha256", 20), pss("sha256", 0)]):
            print("    { " + ",\n      ".join(quoted(s) for s in group) + " },")
        print("  },")
    print("};\n")


def ec_keys():
    print("struct ec_vector {\n    uint16_t group;\n"
          "    char const *scalar, *point, *peer, *secret, *signature;\n"
          "};\n/* secret: ECDH with peer; signature: of MESSAGE with the hash of the curve's size. */\n"
          "static struct ec_vector const ec_vectors[] = {")
    for group, curve, size, name in ((23, ec.SECP256R1(), 32, "sha256"), (24, ec.SECP384R1(), 48, "sha384")):
        for _ in range(3):
            key, peer = ec.generate_private_key(curve), ec.generate_private_key(curve).public_key()
            point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            row(str(group), quoted(octets(key.private_numbers().private_value, size)), quoted(point),
                quoted(peer.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)),
                quoted(key.exchange(ec.ECDH(), peer)), quoted(key.sign(MESSAGE, ec.ECDSA(HASHES[name]))))
    print("};\n")


def p_hash(name, secret, seed, size):
    out, a = b"", seed
    while len(out) < size:
        a = hmac.new(secret, a, name).digest()
        out += hmac.new(secret, a + seed, name).digest()
    return out[:size]


def prf():
    print("struct prf_vector {\n    enum crypto_hash hash;\n"
          "    char const *secret, *label, *seed, *out;\n};\n"
          "static struct prf_vector const prf_vectors[] = {")
    for name in ("sha256", "sha384"):
        for secret, label, seed, size in ((bytes(range(48)), "master secret", bytes(range(100, 164)), 48),
                                          (b"\x0b" * 32, "extended master secret", b"\xaa" * 48, 48),
                                          (b"k" * 200, "key expansion", bytes(64), 104), (b"", "x", b"", 1)):
            row("CRYPTO_" + name.upper(), quoted(secret), text(label), quoted(seed),
                quoted(p_hash(name, secret, label.encode() + seed, size)))
    print("};\n")


def expand_label(name, secret, label, context, size):
    label = b"tls13 " + label.encode()
    info = size.to_bytes(2, "big") + bytes([len(label)]) + label + bytes([len(context)]) + context
    out, block, i = b"", b"", 1
    while len(out) < size:
        block = hmac.new(secret, block + info + bytes([i]), name).digest()
        out, i = out + block, i + 1
    return out[:size]


def labels():
    print("struct label_vector {\n    enum crypto_hash hash;\n"
          "    char const *secret, *label, *context, *out;\n};\n"
          "static struct label_vector const label_vectors[] = {")
    for name, n in (("sha256", 32), ("sha384", 48), ("sha512", 64)):
        for label, context, size in (("key", b"", 16), ("iv", b"", 12), ("c hs traffic", bytes(range(n)), n),
                                     ("x" * 249, b"c" * 255, 255), ("", b"", 3 * n),
                                     ("finished", b"", n + 1)):
            secret = hashlib.new(name, label.encode()).digest()
            row("CRYPTO_" + name.upper(), quoted(secret), text(label), quoted(context),
                quoted(expand_label(name, secret, label, context, size)))
    print("};\n")


def seal(version, cipher, key, iv, seq, kind, data):
    aead = ChaCha20Poly1305(key) if cipher == 54 else AESGCM(key)
    number = seq.to_bytes(8, "big")
    explicit = number if version == 0x0303 and cipher != 54 else b""
    if explicit:
        nonce = iv[:4] + explicit
    else:
        nonce = bytes(a ^ b for a, b in zip(iv, bytes(4) + number))
    if version == 0x0304:
        header = b"\x17\x03\x03" + (len(data) + 17).to_bytes(2, "big")
        return header + aead.encrypt(nonce, data + bytes([kind]), header)
    head = bytes([kind]) + b"\x03\x03"
    sealed = explicit + aead.encrypt(nonce, data, number + head + len(data).to_bytes(2, "big"))
    return head + len(sealed).to_bytes(2, "big") + sealed


def records():
    print("struct record_vector {\n    uint16_t version, cipher;\n"
          "    char const *key, *iv;\n    uint64_t seq;\n"
          "    unsigned char type;\n    char const *fragment, *record;\n};\n"
          "static struct record_vector const record_vectors[] = {")
    for version in (0x0303, 0x0304):
        for cipher, size in ((51, 16), (52, 32), (54, 32)):
            for seq, kind, data in ((0, 22, bytes(range(16))), (1, 23, b""),
                                    (0x0102030405060708, 21, b"\1\0"),
                                    (2**64 - 2, 23, bytes(range(200)) * 2), (258, 23, b"a" * 63)):
                key = hashlib.sha512(b"key%d%d" % (cipher, version)).digest()[:size]
                iv = hashlib.sha512(b"iv%d%d" % (cipher, version)).digest()[:12]
                if version == 0x0303 and cipher != 54:
                    iv = iv[:4]
                row(f"0x{version:04x}", str(cipher), quoted(key), quoted(iv), f"{seq}u" + "ll", str(kind),
                    quoted(data), quoted(seal(version, cipher, key, iv, seq, kind, data)))
    print("};\n")


print("/* ISC license. */\n\n/* Made by vectors.py. */\n")
print(f'#define MESSAGE "{MESSAGE.decode()}"\n')
rsa_keys()
ec_keys()
prf()
labels()
records()
