"""What is in the memory of processes: whether a private key or a TLS secret is."""

import re
import subprocess

import pki


def _integers(der):
    """The INTEGERs and OCTET STRINGs of a key file, at any depth."""
    found, at = [], 0
    while at < len(der):
        tag, size, at = der[at], der[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(der[at : at + count], "big"), at + count
        body, at = der[at : at + size], at + size
        if tag & 0x20:
            found += _integers(body)
        elif tag in (2, 4):
            found.append(body.lstrip(b"\0"))
    return found


def _traditional(name):
    """The key as SEC 1 or PKCS 1 has it."""
    kind = "rsa" if "rsa" in name else "ec"
    more = ["-traditional"] if kind == "rsa" else []
    command = ["openssl", kind, "-in", pki.key(name), "-outform", "DER", *more]
    return kind, subprocess.run(command, check=True, capture_output=True).stdout


def secrets_of(name):
    """Bytes that nobody could have who does not hold this private key: its
    secret numbers, most and least significant byte first, and its file's text."""
    kind, der = _traditional(name)
    numbers = [n for n in _integers(der) if len(n) >= 16]
    # an RSA key begins with its public modulus
    numbers = numbers[:1] if kind == "ec" else numbers[1:]
    with open(pki.key(name), "rb") as f:
        lines = [line.strip() for line in f if b"-----" not in line]
    longest = max(lines[1:], key=len)
    return numbers + [n[::-1] for n in numbers] + [longest]


# how BearSSL's big integers lie in memory: bits in a word, bytes of a word
LIMBS = ((15, 2), (31, 4), (62, 8))
PIECE = 24  # bytes: more than any two numbers have in common by chance
RSA_NUMBERS = ("d", "p", "q", "dp", "dq", "iq")


def _limbs(number, bits, size):
    words = []
    while number:
        words.append((number & ((1 << bits) - 1)).to_bytes(size, "little"))
        number >>= bits
    return b"".join(words)


def _pieces(data):
    return [data[at : at + PIECE] for at in range(0, len(data) - PIECE + 1, PIECE)]


def forms_of(name):
    """{what it is: bytes}: the secret numbers of a private key in pieces, most and
    least significant byte first and as the limbs that BearSSL calculates with."""
    kind, der = _traditional(name)
    numbers = [n for n in _integers(der) if len(n) >= 16]
    named = {"scalar": numbers[0]} if kind == "ec" else dict(zip(RSA_NUMBERS, numbers[1:]))
    found = {}
    for label, number in named.items():
        forms = {"bytes": number, "bytes, least significant first": number[::-1]}
        for bits, size in LIMBS:
            forms[f"limbs of {bits} bits"] = _limbs(int.from_bytes(number, "big"), bits, size)
        for form, data in forms.items():
            for at, piece in enumerate(_pieces(data)):
                found[f"{name}: {label} in {form}, piece {at}"] = piece
    return found


def logged(path):
    """{label: secret} of a file of SSLKEYLOGFILE's format."""
    with open(path) as f:
        words = [line.split() for line in f if not line.startswith("#")]
    return {label: bytes.fromhex(secret) for label, _, secret in words}


def found_in(pid, named):
    """Which of these byte strings are somewhere in the memory of a process."""
    found = set()
    try:
        for data in _contents(pid):
            found.update(label for label, secret in named.items() if secret in data)
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def _mappings(pid):
    with open(f"/proc/{pid}/maps") as f:
        for line in f:
            begin, end, rights = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
            if rights[0] == "r" and "[v" not in line:  # the kernel's own pages
                yield int(begin, 16), int(end, 16)


def _contents(pid):
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for begin, end in _mappings(pid):
            data = b""
            while begin + len(data) < end:
                memory.seek(begin + len(data))
                try:
                    more = memory.read(end - begin - len(data))
                except OSError:
                    break  # not a page that can be read, of a file that is shorter
                data += more
            yield data


def holds(pid, secrets):
    """How many of these are somewhere in the memory of a process; None when it is gone."""
    seen, size = set(), 0
    try:
        for data in _contents(pid):
            size += len(data)
            seen.update(i for i, secret in enumerate(secrets) if secret in data)
    except (FileNotFoundError, ProcessLookupError):
        return None
    assert size > 16384, f"the memory of process {pid} could not be read"
    return len(seen)
