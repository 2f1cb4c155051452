#!/usr/bin/python3
# PEERPIN, CRLFILE and CRLDIR: whom ktls-tlsc and ktls-tlsd accept with them.

import os
import subprocess

import lib
import peers
import pki
import proc
import refusal
import tap
from peers import Tls, context, tcp_pair, tlsc, tlsd
from revocation import CHECK, PAST, crl, joined, pin

BAD, REVOKED, UNKNOWN, UNKNOWN_CA = 42, 44, 46, 48
NO_CA = {"CAFILE": None}


def as_curl_does(name):
    key = subprocess.run(
        ["openssl", "x509", "-in", pki.crt(name), "-pubkey", "-noout"], capture_output=True, check=True
    ).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, capture_output=True, check=True)
    digest = subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=der.stdout, capture_output=True, check=True)
    return "sha256//" + subprocess.run(["base64"], input=digest.stdout, capture_output=True, check=True).stdout.decode().strip()


def client_accepts(cert, env, name):
    a, b = tcp_pair()
    with tlsc(a, ["-m", "user", "-k", "localhost"], ("true",), env=env) as ours, b:
        Tls(b, context(server=True, cert=cert, weak=True), server=True).handshake()
        tap.equal(ours.wait(), 0, f"ktls-tlsc accepts: {name}", ours.stderr)


def client_refuses(cert, env, name, alert, words):
    refusal.client(context(server=True, cert=cert), f"ktls-tlsc: {name}", (alert,), words=words, env=env)


def server_accepts(cert, env, name):
    a, b = tcp_pair()
    with tlsd(b, ["-m", "user", "-y"], ("true",), env=env) as ours, a:
        tls = Tls(a, context(cert=cert))
        tls.handshake()
        tap.equal(ours.wait(), 0, f"ktls-tlsd accepts: {name}", ours.stderr)


def pins_printed():
    for name in ("ec256", "rsa", "ec-chain"):
        tap.equal(pin(name), as_curl_does(name), f"ktls-check -p {name}")
    for path, word in (("/nowhere", "No such file"), (pki.key("ec256"), "no certificate")):
        done = subprocess.run([CHECK, "-p", path], capture_output=True, text=True)
        tap.ok(
            done.returncode == 96 and word in done.stderr and not done.stdout,
            f"ktls-check -p of no certificate: {word}",
            lambda: f"exit {done.returncode}\n{done.stderr}",
        )


def client_pins():
    good = pin("ec256")
    client_accepts("ec256", {"PEERPIN": good}, "the pin and the CA")
    client_accepts("ec256", {"PEERPIN": pin("rsa") + ";" + good}, "one of two pins and the CA")
    client_accepts("selfsigned", {"PEERPIN": pin("selfsigned"), **NO_CA}, "the pin instead of a CA")
    client_accepts("wrongname", {"PEERPIN": pin("wrongname"), **NO_CA}, "the pin of a certificate for another name")
    client_refuses("ec256", {"PEERPIN": pin("rsa")}, "the CA, but another pin", BAD, "pin")
    client_refuses("ec256", {"PEERPIN": pin("rsa"), **NO_CA}, "another pin and no CA", BAD, "pin")
    client_refuses("selfsigned", {"PEERPIN": pin("selfsigned")}, "the pin, but not the CA", UNKNOWN_CA, "CA")


def server_pins():
    env = {"PEERPIN": pin("client-unknown"), **NO_CA}
    server_accepts("client-unknown", env, "the pin instead of a CA")
    refusal.server(
        context(cert="client-ec"), "ktls-tlsd: another pin", (BAD,), ["-y"], words="pin", env=env
    )


def wrong_pins():
    for value in ("", "x", pin("ec256")[:-1], pin("ec256") + ";", ";".join([pin("ec256")] * 9)):
        mark, program = peers.marker()
        a, b = tcp_pair()
        with tlsc(a, ["-k", "localhost"], program, env={"PEERPIN": value}) as ours, b:
            refusal.check(ours, mark, f"PEERPIN={value[:20]}", 96 if value else 100, "PEERPIN")


# ---- revocation ----

def client_crls():
    good = crl("ca-ec", ["wrongname"])
    client_accepts("ec256", {"CRLFILE": good}, "a CRL that revokes another certificate")
    folder = os.path.dirname(crl("ca-ec", name="a.crl"))
    for name in os.listdir(folder):
        if name != "a.crl":
            os.unlink(os.path.join(folder, name))
    client_accepts("ec256", {"CRLDIR": folder}, "CRLDIR")
    client_refuses("ec256", {"CRLFILE": crl("ca-ec", ["ec256"])}, "revoked", REVOKED, "revoked")
    client_refuses("ec256", {"CRLFILE": crl("ca-rsa")}, "no CRL of the issuer", UNKNOWN, "revocation list")
    client_refuses("ec256", {"CRLFILE": crl("ca-ec", updates=PAST)}, "an old CRL", UNKNOWN, "revocation list")
    delta = crl("ca-ec", extensions="2.5.29.27=critical,DER:02:01:01")
    client_refuses("ec256", {"CRLFILE": delta}, "a delta CRL", UNKNOWN, "delta CRL")


def client_crls_of_chains():
    root, intermediate = crl("ca-ec"), crl("intermediate")
    client_accepts("ec-chain", {"CRLFILE": joined(root, intermediate)}, "a CRL of each issuer")
    client_refuses("ec-chain", {"CRLFILE": intermediate}, "no CRL of the root", UNKNOWN, "revocation list")
    client_refuses("ec-chain", {"CRLFILE": root}, "no CRL of the intermediate", UNKNOWN, "revocation list")
    gone = joined(crl("ca-ec", ["intermediate"]), intermediate)
    client_refuses("ec-chain", {"CRLFILE": gone}, "a CA that is revoked", REVOKED, "revoked")


def server_crls():
    revoked = {"CRLFILE": crl("ca-ec", ["client-ec"])}
    server_accepts("client-san", revoked, "a CRL that revokes another client")
    refusal.server(context(cert="client-ec"), "ktls-tlsd: revoked", (REVOKED,), ["-y"], words="revoked", env=revoked)


tap.main(pins_printed, client_pins, server_pins, wrong_pins, client_crls, client_crls_of_chains, server_crls)
