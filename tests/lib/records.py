"""TLS records and hellos as bytes, for peers that misbehave."""

import os
import struct

CCS, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23

ALERTS = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    22: "record_overflow",
    40: "handshake_failure",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    112: "unrecognized_name",
    116: "certificate_required",
    120: "no_application_protocol",
}

SUITES_1_3 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
# (IANA, OpenSSL, GnuTLS cipher), key type
SUITES_1_2 = [
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256", "AES-128-GCM", "ec"),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384", "AES-256-GCM", "ec"),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "CHACHA20-POLY1305",
        "ec",
    ),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "AES-128-GCM", "rsa"),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384", "AES-256-GCM", "rsa"),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "CHACHA20-POLY1305",
        "rsa",
    ),
]
GNUTLS_1_3 = dict(zip(SUITES_1_3, ["AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305"]))
OPENSSL_NAME = {iana: openssl for iana, openssl, _, _ in SUITES_1_2}


def record(kind, body, version=0x0303):
    return struct.pack(">BHH", kind, version, len(body)) + body


def message(kind, body):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def vector(size, body):
    return len(body).to_bytes(size, "big") + body


def extension(number, body):
    return struct.pack(">H", number) + vector(2, body)


def server_name(name):
    return extension(0, vector(2, b"\0" + vector(2, name.encode())))


def numbers(values):
    return b"".join(struct.pack(">H", v) for v in values)


def extensions(
    versions=(0x0304, 0x0303),
    groups=(29, 23, 24),
    schemes=(0x0403, 0x0503, 0x0804, 0x0401),
    share=(29, b"\x09" + 31 * b"\0"),
    more=b"",
):
    """Those of an ordinary hello; None leaves one out."""
    found = more
    if groups is not None:
        found += extension(10, vector(2, numbers(groups)))
    if schemes is not None:
        found += extension(13, vector(2, numbers(schemes)))
    if versions is not None:
        found += extension(43, vector(1, numbers(versions)))
    if share is not None:
        found += extension(51, vector(2, numbers(share[:1]) + vector(2, share[1])))
    return found


def client_hello(
    legacy=0x0303, suites=(0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F), compression=b"\0", exts=None, session=b""
):
    body = struct.pack(">H", legacy) + os.urandom(32) + vector(1, session) + vector(2, numbers(suites))
    body += vector(1, compression)
    exts = extensions() if exts is None else exts
    return message(1, body + (vector(2, exts) if exts else b""))


def endless_hello():
    """More bytes of a ClientHello than a dripping peer gets rid of."""
    return record(HANDSHAKE, message(1, bytes(16000)))


def server_hello(legacy=0x0303, suite=0x1301, exts=b"", session=b"", random=None, compression=0):
    body = struct.pack(">H", legacy) + (random or os.urandom(32)) + vector(1, session)
    body += struct.pack(">HB", suite, compression)
    return message(2, body + (vector(2, exts) if exts else b""))


def parse(data):
    """[(type, body)] and what is left; ValueError when it is no TLS."""
    found = []
    while len(data) >= 5:
        kind, version, length = struct.unpack(">BHH", data[:5])
        if kind not in (CCS, ALERT, HANDSHAKE, DATA) or version >> 8 != 3 or length > 16384 + 2048:
            raise ValueError(f"not a TLS record: {data[:16]!r}")
        if len(data) < 5 + length:
            break
        found.append((kind, data[5 : 5 + length]))
        data = data[5 + length :]
    return found, data


def plain_alert(data):
    """The alert among the records that were not protected, by number."""
    try:
        found = parse(data)[0]
    except ValueError:
        return None
    return next((body[1] for kind, body in found if kind == ALERT and len(body) == 2), None)


def alert_name(number):
    return "no alert" if number is None else ALERTS.get(number, str(number))
