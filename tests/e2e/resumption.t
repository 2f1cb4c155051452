#!/usr/bin/python3
# Session tickets: what is resumed and what is not, with the keys of TICKETKEYFILE.
# Where the kernel protects the records, the first of ours is sent before it has the keys.
# runs: host
# runs: every kernel

import os
import re

import lib
import outside
import pki
import programs
import resumption
import separation
import sni
import tap
from peers import BOTH
from resumption import Keys, Visitor, back_and_back_again, new_key, resumes

USER = ["-m", "user"]


def resumed():
    for version in BOTH:
        for suites in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"):
            if version == "1.2":
                back_and_back_again(version, USER, suites, suites=suites)
        for ciphers in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
            if version == "1.3":
                back_and_back_again(version, [*USER, "-c", ciphers], ciphers)
        back_and_back_again(version, ["-v", "2", "-m", "auto"], "-m auto")
        back_and_back_again(version, USER, "RSA", {"CERTFILE": pki.crt("rsa"), "KEYFILE": pki.key("rsa")})
        back_and_back_again(version, [*USER, "-k", "2"], "-k 2", sni.pair("ec384", "localhost"))
        back_and_back_again(version, USER, "STARTTLS", program=programs.UCSPITLSD)


def told():
    with Keys() as keys:
        visitor, env = Visitor("1.3"), {"TICKETKEYFILE": keys.path}
        for wanted in (False, True):
            visitor.visit([*USER, "-v", "2"], env)
            tap.equal(", resumed," in visitor.errors, wanted, f"-v 2 says {'resumed' if wanted else 'nothing of it'}")


def no_keys():
    for version in BOTH:
        visitor = Visitor(version)
        for _ in range(2):
            resumes(visitor, USER, {}, False, f"TLS {version}, TICKETKEYFILE is not set")


def rotation():
    """A new key in front; the last is as good until it is gone."""
    first, second, third = new_key(), new_key(), new_key()
    for version in BOTH:
        with Keys(first) as keys:
            visitor, env = Visitor(version), {"TICKETKEYFILE": keys.path}
            resumes(visitor, USER, env, False, f"TLS {version}, one key")
            keys.set(second, first)
            resumes(visitor, USER, env, True, f"TLS {version}, a new key in front of it")
            visitor = Visitor(version)
            resumes(visitor, USER, env, False, f"TLS {version}, a ticket of the new key")
            keys.set(third, second)
            resumes(visitor, USER, env, True, f"TLS {version}, rotated once more")
            keys.set(third)
            visitor.session = None
            resumes(visitor, USER, env, False, f"TLS {version}, one key again")
            keys.set(second)
            resumes(visitor, USER, env, False, f"TLS {version}, the ticket's key is gone")


def bound():
    """To the server name, the certificate, and servers that ask for no certificate."""
    for version in BOTH:
        with Keys() as keys:
            env = {"TICKETKEYFILE": keys.path}
            visitor = Visitor(version, verify=False)
            resumes(visitor, USER, env, False, f"TLS {version}, localhost")
            session = visitor.session
            visitor.name = "elsewhere.test"
            resumes(visitor, USER, env, False, f"TLS {version}, another name")
            visitor.name, visitor.session = "localhost", session
            other = {"CERTFILE": pki.crt("ec384"), "KEYFILE": pki.key("ec384"), **env}
            resumes(visitor, USER, other, False, f"TLS {version}, another certificate")
            visitor = Visitor(version, cert="client-ec")
            for option in ("-y", "-Y"):
                for _ in range(2):
                    resumes(visitor, [*USER, option], env, False, f"TLS {version}, {option}")


def suite_changed():
    with Keys() as keys:
        env = {"TICKETKEYFILE": keys.path}
        visitor = Visitor("1.3")
        for suite, wanted in (
            ("TLS_AES_128_GCM_SHA256", False),
            ("TLS_CHACHA20_POLY1305_SHA256", True),
            ("TLS_AES_256_GCM_SHA384", False),
        ):
            resumes(visitor, [*USER, "-c", suite], env, wanted, f"{suite} now")


def apart():
    if os.geteuid() != 0:
        return tap.skip("with TLS_UID", "needs root")
    for version in BOTH:
        back_and_back_again(version, USER, "TLS_UID", separation.ENV)


def unusable():
    for content, what in ((b"", "empty"), (b"x" * 31, "31 bytes"), (b"x" * 33, "33 bytes"), (b"x" * 288, "nine keys")):
        with Keys(content) as keys:
            outcome = programs.meet(programs.TLSD, USER, {"TICKETKEYFILE": keys.path})
            said = f"ktls-tlsd: fatal: {keys.path}: not one to eight keys of 32 bytes"
            tap.equal((outcome.code, outcome.errors), (96, [said]), f"a file of ticket keys: {what}")
    outcome = programs.meet(programs.TLSD, USER, {"TICKETKEYFILE": "/nonexistent/keys"})
    said = "ktls-tlsd: fatal: /nonexistent/keys: No such file or directory"
    tap.equal((outcome.code, outcome.errors), (96, [said]), "a file of ticket keys that is not there")


def said_by_openssl(version, *options):
    """What the line says that begins with New or Reused, visit by visit."""
    with Keys() as keys, outside.tlsd_server(USER, env={"TICKETKEYFILE": keys.path}) as server, Keys() as session:
        for how in (("-sess_out", session.path), ("-sess_in", session.path)):
            argv = outside.s_client(server.port, version, *options, *how)
            output, _, _ = outside.converse(argv, b"hello\n", rb"\nhello")
            yield re.findall(r"^(New|Reused), TLSv", output, re.M)


def of_others():
    for version in BOTH:
        said = list(said_by_openssl(version))
        tap.equal(said, [["New"], ["Reused"]], f"openssl s_client -sess_in, TLS {version}")
    said = list(said_by_openssl("1.3", "-groups", "X448:P-384"))
    tap.equal(said, [["New"], ["Reused"]], "openssl s_client -sess_in, with a HelloRetryRequest each time")
    for version in BOTH:
        with Keys() as keys, outside.tlsd_server(USER, env={"TICKETKEYFILE": keys.path}) as server:
            argv = outside.gnutls_cli(server.port, outside.gnutls_priority(version), "--resume", "--waitresumption")
            output, _, errors = outside.converse(argv, b"hello\n", rb"\nhello")
            tap.ok("*** This is a resumed session" in output, f"gnutls-cli --resume, TLS {version}", output + errors)


def resumed_in_kernel():
    for version in BOTH:
        for mode in ("kernel", "relay"):
            back_and_back_again(version, ["-m", mode], f"-m {mode}")


tap.main(
    host=[resumed, told, no_keys, rotation, bound, suite_changed, apart, unusable, of_others],
    kernel=[resumed_in_kernel],
)
