"""The certificates that tests use: those of tests/lib/pki, made once."""

import base64
import hashlib
import os
import subprocess

import proc

_made = os.environ.get("KTLS_PKI")


def directory():
    global _made
    if not _made:
        _made = os.path.join(proc.TMP, "pki")
        subprocess.run([os.path.join(proc.LIB, "pki"), _made], check=True, stdin=subprocess.DEVNULL)
    return _made


def crt(name):
    return os.path.join(directory(), name + ".crt")


def key(name):
    return os.path.join(directory(), name + ".key")


def ca(name="ca"):
    return os.path.join(directory(), name + (".pem" if name == "ca" else ".crt"))


def der(path):
    """The first certificate of a PEM file."""
    with open(path) as f:
        body = f.read().split("-----BEGIN CERTIFICATE-----")[1].split("-----END")[0]
    return base64.b64decode(body)


def fingerprint(name):
    """SHA-256 of a certificate, in hexadecimal."""
    return hashlib.sha256(der(crt(name))).hexdigest()


def _pem(kind, der_bytes):
    text = base64.encodebytes(der_bytes).decode()
    return f"-----BEGIN {kind}-----\n{text}-----END {kind}-----\n"


def forged(name):
    """A copy of a certificate whose signature does not verify."""
    path = proc.temp(name + "-forged.crt")
    body = bytearray(der(crt(name)))
    body[-3] ^= 1
    with open(path, "w") as f:
        f.write(_pem("CERTIFICATE", bytes(body)))
    return path


def faulty_key(name):
    """An RSA key file with a wrong dp: one half of each signature is wrong."""
    command = ["openssl", "rsa", "-in", key(name), "-outform", "DER", "-traditional"]
    body = bytearray(subprocess.run(command, check=True, capture_output=True).stdout)
    at, integers = 4, []  # behind the head of the SEQUENCE
    while at < len(body):
        size, at = body[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(body[at : at + count], "big"), at + count
        at += size
        integers.append(at - 1)  # the last byte
    body[integers[6]] ^= 2  # version, n, e, d, p, q, dp
    path = proc.temp(name + "-faulty.key")
    with open(path, "w") as f:
        f.write(_pem("RSA PRIVATE KEY", bytes(body)))
    return path


def lying_key(name):
    """An EC key file with the certificate's public key and another scalar:
    its holder makes signatures that do not verify."""
    sec1 = subprocess.run(
        ["openssl", "ec", "-in", key(name), "-outform", "DER"], check=True, capture_output=True
    ).stdout
    body = bytearray(sec1)
    scalar = body.index(b"\x04\x20") + 2
    body[scalar + 31] ^= 1
    path = proc.temp(name + "-lying.key")
    with open(path, "w") as f:
        f.write(_pem("EC PRIVATE KEY", bytes(body)))
    return path
