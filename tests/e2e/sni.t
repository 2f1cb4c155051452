#!/usr/bin/python3
# Certificates by server name: CERTFILE:name and KEYFILE:name, wildcards, levels
# 0 to 2, two keys for one name; no file is read that the hello does not need.

import re

import lib
import outside
import pki
import proc
import sni
import tap
from outside import OPENSSL_VERSION, SServer, tcpclient, tlsd_server
from peers import BOTH, context
from sni import pair, refuses, shows

HOSTS = {
    **pair("ec384", "one.test"),
    **pair("rsa", "*.wild.test"),
    **pair("ec-chain", "Deep.Wild.TEST"),
    **pair("client-ec", "*.test"),
    **pair("ec-chain", "absolute.example."),
    **pair("client-ec", "127.0.0.1"),
}
DEFAULT = pair("ec256")


def levels():
    for version in BOTH:
        what = f"TLS {version}, level"
        for name in ("one.test", "elsewhere.test", None):
            shows([], {**DEFAULT, **HOSTS}, name, "ec256", f"{what} 0", version=version)
        for options in (["-k", "1"], ["--sni-level", "1"], ["--sni"], ["-k", "2", "-k", "1"]):
            shown = f"TLS {version}, {' '.join(options)}"
            shows(options, {**DEFAULT, **HOSTS}, "one.test", "ec384", shown, version=version)
            shows(options, {**DEFAULT, **HOSTS}, "elsewhere.test", "ec256", shown, version=version)
            shows(options, {**DEFAULT, **HOSTS}, None, "ec256", shown, version=version)
        for options in (["-k", "2"], ["--mandatory-sni"]):
            shown = f"TLS {version}, {' '.join(options)}"
            shows(options, {**DEFAULT, **HOSTS}, "one.test", "ec384", shown, version=version)
            shows(options, HOSTS, "one.test", "ec384", f"{shown} and no default", version=version)
            for name in ("elsewhere.test", None):
                refuses(options, {**DEFAULT, **HOSTS}, name, shown, version=version)


def names():
    for name, wanted in (
        ("ONE.Test", "ec384"),
        ("a.wild.test", "rsa"),
        ("A.WILD.test", "rsa"),
        ("deep.wild.test", "ec-chain"),
        ("a.b.wild.test", "ec256"),
        ("wild.test", "ec256"),
        ("one.test.test", "ec256"),
        ("test", "ec256"),
        ("absolute.example", "ec-chain"),
        ("two.test", "ec256"),
        ("x" * 63 + ".wild.test", "rsa"),
        (".".join(["x" * 61] * 4), "ec256"),
    ):
        shows(["-k", "1"], {**DEFAULT, **HOSTS}, name, wanted, "matching")


def s_client_says(port, *arguments):
    argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", pki.ca(), *arguments]
    output, _, errors = outside.converse(argv, b"hello\n", rb"hello\n|no peer certificate|alert")
    return output + errors


def names_that_are_none():
    """Clients also send addresses and other names that no certificate can have."""
    for name in ("127.0.0.1", "::1", "a b.test", "a..test", "one.test/", "42"):
        for level, answer in ((0, "0 (ok)"), (1, "0 (ok)"), (2, "unrecognized name")):
            with tlsd_server(["-k", str(level)], env={**DEFAULT, **HOSTS}) as server:
                said = s_client_says(server.port, "-servername", name)
                tap.ok(answer in said, f"server name {name!r}, level {level}: {answer}", said)
    for name in ("one.test.", "ONE.TEST."):
        with tlsd_server(["-k", "2"], env={**DEFAULT, **HOSTS}) as server:
            said = s_client_says(server.port, "-servername", name)
            tap.ok("0 (ok)" in said, f"server name {name!r} is one.test", said)


def names_in_variables():
    code, errors = sni.ask(["-k", "1"], {**DEFAULT, **pair("rsa", "b\u00fccher.test")}, "one.test")[1:]
    tap.ok(code == 96 and "A-label" in errors, "a name in a variable that is not ASCII: exit 96", errors)


def many_names():
    hosts = {k: v for n in range(1000) for k, v in pair("client-ec", f"h{n}.test").items()}
    hosts.update(pair("rsa", "h500.test"))
    shows(["-k", "2"], hosts, "h500.test", "rsa", "1000 names")
    refuses(["-k", "2"], hosts, "h1000.test", "1000 names")


def two_keys():
    both = {**pair("ec256"), **pair("rsa", second=True)}
    for version, suites, wanted in (
        ("1.3", None, "ec256"),
        ("1.2", None, "ec256"),
        ("1.2", "ECDHE-RSA-AES128-GCM-SHA256", "rsa"),
        ("1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", "ec256"),
    ):
        for options, env, name in (
            ([], both, "localhost"),
            (["-k", "1"], both, "localhost"),
            (["-k", "2"], {**pair("ec256", "a.test"), **pair("rsa", "a.test", True)}, "a.test"),
        ):
            peer = context(version=version, suites=suites, verify=False)
            what = f"two keys, {' '.join(options) or 'level 0'}, TLS {version}, {suites or 'all suites'}"
            shows(options, env, name, wanted, what, peer=peer)
    turned = {**pair("rsa"), **pair("ec256", second=True)}
    shows([], turned, "localhost", "rsa", "two keys, the first is preferred")
    only_second = pair("rsa", "a.test", second=True)
    shows(["-k", "2"], only_second, "a.test", "rsa", "CERTFILE2:name alone")
    same = {**pair("ec256"), **pair("ec384", second=True)}
    peer = context(version="1.2", suites="ECDHE-RSA-AES128-GCM-SHA256", verify=False)
    errors = refuses([], same, "localhost", "two keys of one type", 80, 96, peer=peer)
    tap.ok("same type" in errors, "two keys of one type: the message says so", errors)


def client_with_two_keys():
    """-y with two certificates: what the server can verify decides, chain included."""
    both = {**pair("client-rsa"), **pair("client-ec", second=True)}
    for version, sigalgs, wanted in (
        ("1.3", "RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA256", "client rsa"),
        ("1.3", "RSA-PSS+SHA256:ECDSA+SHA256", "client ec"),
        ("1.3", "RSA-PSS+SHA256", "client rsa"),
        ("1.2", "RSA+SHA256:ECDSA+SHA256", "client rsa"),
        ("1.2", "ECDSA+SHA256", "client ec"),
    ):
        options = ["-Verify", "1", "-CAfile", pki.ca(), "-client_sigalgs", sigalgs]
        with SServer("ec256", OPENSSL_VERSION[version], *options) as server:
            argv = ["ktls-tlsc", "-m", "user", "-y", "-k", "localhost", "true"]
            _, code, errors = tcpclient(server.port, argv, both)
            shown = server.proc.read(until=rb"subject=.*\n")
            tap.ok(
                code == 0 and wanted.encode() in shown,
                f"ktls-tlsc -y with two keys, TLS {version}, {sigalgs}: {wanted}",
                f"exit {code}\n{errors}\n{shown.decode()}",
            )


def configuration():
    """Exit 96 before anything is read."""
    cert, key = pki.crt("ec384"), pki.key("ec384")
    for what, level, env, words in (
        ("no KEYFILE:name", "1", {**DEFAULT, "CERTFILE:a.test": cert}, "KEYFILE:a.test"),
        ("no CERTFILE:name", "1", {**DEFAULT, "KEYFILE:a.test": key}, "CERTFILE:a.test"),
        ("another name", "2", {"CERTFILE:a.test": cert, "KEYFILE:b.test": key}, ":a.test"),
        ("crossed numbers", "2", {"CERTFILE:a.test": cert, "KEYFILE2:a.test": key}, "KEYFILE:a.test"),
        ("no KEYFILE2:name", "2", {**HOSTS, "CERTFILE2:a.test": cert}, "KEYFILE2:a.test"),
        ("no KEYFILE2", "0", {**DEFAULT, "CERTFILE2": cert}, "KEYFILE2"),
        ("no CERTFILE2", "0", {**DEFAULT, "KEYFILE2": key}, "CERTFILE2"),
        ("level 2 without names", "2", DEFAULT, "CERTFILE:name"),
    ):
        shown, code, errors = sni.ask(["-k", level], env, "a.test")
        tap.ok(
            code == 96 and shown is None and words in errors and len(errors.splitlines()) == 1,
            f"{what}: exit 96, and {words} is named",
            f"shown {shown}, exit {code}\n{errors}",
        )
    twice = {**DEFAULT, **pair("ec384", "a.test"), **pair("rsa", "A.test")}
    shown, code, errors = sni.ask(["-k", "1"], twice, "a.test")
    good = errors in (f"ktls-tlsd: fatal: CERTFILE:{name} is set twice\n" for name in ("a.test", "A.test"))
    tap.ok((shown, code) == (80, 96) and good, "a name twice, when it is asked for: internal_error", errors)
    shown, code, errors = sni.ask(["-k", "0"], {**DEFAULT, "CERTFILE:a.test": cert}, "a.test")
    tap.equal((shown, code), ("ec256", 0), "level 0 does not look at them", errors)
    for level in ("-1", "x", ""):
        _, code, errors = sni.ask(["-k", level], {**DEFAULT, **HOSTS}, "a.test")
        tap.equal(code, 100, f"-k {level!r}: exit 100", errors)
    for missing in ("CERTFILE", "KEYFILE"):
        env = {k: v for k, v in {**DEFAULT, **HOSTS}.items() if k != missing}
        _, code, errors = sni.ask(["-k", "1"], env, "one.test")
        tap.equal(code, 100, f"level 1 without {missing}: exit 100", errors)


def bad_files():
    """A file that is only looked at when the hello asks for it."""
    for variable, path in (("CERTFILE:a.test", "/nonexistent/file"), ("KEYFILE:a.test", pki.key("mismatch"))):
        env = {**DEFAULT, **pair("ec384", "a.test"), variable: path}
        shows(["-k", "1"], env, "b.test", "ec256", f"{variable}={path}")
        errors = refuses(["-k", "1"], env, "a.test", f"{variable}={path}", 80, 96)
        tap.ok(path in errors, f"{variable}={path}: the file is named", errors)


def opened(options, env, name):
    """The names in the PKI of the certificates and keys whose files were opened."""
    log = proc.temp("strace")
    wrapper = ("strace", "-f", "-e", "trace=open,openat", "-o", log)
    shown, code, errors = sni.ask(options, env, name, wrapper=wrapper)
    tap.equal(code, 0, f"{name} under strace", errors)
    with open(log) as f:
        return shown, sorted(re.findall(re.escape(pki.directory()) + r'/([^"]*)"', f.read()))


@tap.looks_inside
def reads_no_more_than_needed():
    hosts = {**DEFAULT, **pair("ec384", "a.test"), **pair("rsa", "b.test"), **pair("ec-chain", "c.test")}
    for name, cert in (("a.test", "ec384"), ("b.test", "rsa"), ("c.test", "ec-chain"), ("d.test", "ec256")):
        tap.equal(
            opened(["-k", "1"], hosts, name),
            (cert, [f"{cert}.crt", f"{cert}.key"]),
            f"of four pairs only that of {name} is opened",
        )
    both = {**pair("ec256"), **pair("rsa", second=True)}
    tap.equal(
        opened([], both, "localhost"), ("ec256", ["ec256.crt", "ec256.key"]), "of two keys only the first"
    )


def variables_are_removed():
    env = {**DEFAULT, **HOSTS, **pair("rsa", second=True), **pair("rsa", "a.test", True)}
    # names like ours that are none
    kept = {"CERTFILES": "x", "KEYFILE3:x": "y", "XCERTFILE:x": "z", "CERTFILE22": "w"}
    for option, wanted in (("-z", kept), ("-Z", {**env, **kept})):
        path = proc.temp("environment")
        show = ("sh", "-c", f"tr '\\0' '\\n' </proc/$$/environ >{path}")
        _, _, errors = sni.ask(["-k", "1", option], {**env, **kept}, "one.test", prog=show)
        with open(path) as f:
            seen = dict(line.split("=", 1) for line in f.read().splitlines())
        found = {k: v for k, v in seen.items() if "CERTFILE" in k or "KEYFILE" in k}
        tap.equal(found, wanted, f"{option}: certificates' variables in prog's environment", errors)


tap.main(
    levels,
    names,
    names_that_are_none,
    names_in_variables,
    many_names,
    two_keys,
    client_with_two_keys,
    configuration,
    bad_files,
    reads_no_more_than_needed,
    variables_are_removed,
)
