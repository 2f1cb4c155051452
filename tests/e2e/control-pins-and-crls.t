#!/usr/bin/python3
# ktls-init's socket service: PEERPIN, CRLFILE and CRLDIR, and pin= and crl= in URLs.
# runs: host

import os

import lib
import pki
import proc
import tap
from control import Server, listen, works
from owners import SOMEBODY, as_user, is_root
from revocation import crl, joined, pin
from service import Err, Init, good, url

NO_CA = {"CAFILE": None}


def outcome(init, cert="ec256", **parameters):
    """Of a CONNECT to a server with that certificate: True, or why not."""
    with Server(cert) as server:
        try:
            sock, _ = init.channel().connect(url(f"tls://127.0.0.1:{server.port}", **parameters))
            return works(sock)
        except Err as e:
            return e.reason


def is_refused(init, cert, words, name, **parameters):
    reason = str(outcome(init, cert, **parameters))
    tap.ok(words in reason and reason != "True", f"CONNECT refuses: {name}", reason)


def default_pins():
    with Init(env={"PEERPIN": pin("rsa") + ";" + pin("ec256")}) as init:
        tap.equal(outcome(init), True, "PEERPIN and CAFILE: one of two pins")
        is_refused(init, "expired", "TLS handshake: ", "PEERPIN and CAFILE: another key")
    with Init(env={"PEERPIN": pin("selfsigned"), **NO_CA}) as init:
        tap.equal(outcome(init, "selfsigned"), True, "PEERPIN instead of CAFILE")
        is_refused(init, "ec256", "pin", "PEERPIN instead of CAFILE: another key")
        tap.equal(outcome(init, ca=pki.ca()), True, "ca= is instead of PEERPIN too")
    for value in ("", "x"):
        with Init(env={"PEERPIN": value}) as init:
            is_refused(init, "ec256", "", f"PEERPIN={value}")


def pins_in_urls():
    with Init(env=NO_CA) as init:
        tap.equal(outcome(init, "selfsigned", pin=pin("selfsigned")), True, "pin= without ca=")
        tap.equal(outcome(init, pin=pin("ec256"), ca=pki.ca()), True, "pin= and ca=")
        is_refused(init, "ec256", "pin", "another pin=, and ca=", pin=pin("rsa"), ca=pki.ca())
        is_refused(init, "selfsigned", "TLS handshake: ", "pin=, but not by ca=", pin=pin("selfsigned"), ca=pki.ca())
        is_refused(init, "ec256", "x: ", "pin= that is none", pin="x")


def default_crls():
    with Init(env={"CRLFILE": crl("ca-ec", ["wrongname"])}) as init:
        tap.equal(outcome(init), True, "CRLFILE revokes another certificate")
        tap.equal(outcome(init, "selfsigned", pin=pin("selfsigned")), True, "pin= is instead of CRLFILE too")
    with Init(env={"CRLFILE": crl("ca-ec", ["ec256"])}) as init:
        is_refused(init, "ec256", "revoked", "CRLFILE")
    with Init(env={"CRLFILE": "/nonexistent"}) as init:
        is_refused(init, "ec256", "/nonexistent: No such file", "CRLFILE that is not there")
    with Init(env={"CRLFILE": crl("ca-ec"), "PEERPIN": pin("ec256"), **NO_CA}) as init:
        is_refused(init, "ec256", "need trust anchors", "CRLFILE without CAFILE")
    folder = os.path.dirname(crl("ca-ec", ["ec256"], name="a.crl"))
    for name in os.listdir(folder):
        if name != "a.crl":
            os.unlink(os.path.join(folder, name))
    with Init(env={"CRLDIR": folder}) as init:
        is_refused(init, "ec256", "revoked", "CRLDIR")


def crls_in_urls():
    revoked, other = crl("ca-ec", ["ec256"]), crl("ca-ec", ["wrongname"])
    with Init() as init:
        tap.equal(outcome(init, crl=other, ca=pki.ca()), True, "crl= revokes another certificate")
        is_refused(init, "ec256", "revoked", "crl=", crl=revoked, ca=pki.ca())
        is_refused(init, "ec256", "need trust anchors", "crl= and pin= alone", crl=other, pin=pin("ec256"))
        tap.equal(outcome(init, crl=other), True, "crl= beside CAFILE")
        is_refused(init, "ec256", "revoked", "crl= beside CAFILE: revoked", crl=revoked)
        if is_root():
            os.chmod(proc.TMP, 0o711)
            os.chmod(os.path.dirname(other), 0o700)
            wanted = url("tls://127.0.0.1:1", crl=other, ca=pki.ca())
            with Init(["-U", str(SOMEBODY)]) as shared:
                got = as_user(SOMEBODY, lambda: shared.channel().refused("CONNECT", wanted))
            tap.ok("Permission denied" in got, "crl= is read with the client's rights", got)


def crl_keeps_anchors():
    """It names what is revoked, not whom to trust."""
    with Init(env={"CAFILE": pki.crt("selfsigned")}) as init:
        wanted = crl("ca-ec", ["wrongname"])
        is_refused(init, "ec256", "TLS handshake: ", "crl= does not replace CAFILE", crl=wanted)
    with Init(env={"CRLFILE": crl("ca-ec", ["ec256"])}) as init:
        tap.equal(outcome(init, crl=crl("ca-ec", ["wrongname"])), True, "crl= is instead of CRLFILE")


def of_clients(init, cert, **parameters):
    """What an ACCEPT that wants a client's certificate says to one with this."""
    channel, other = init.channel(), init.channel()
    wanted, port = listen(channel, **good(clientcert="require", **parameters))
    other.send("CONNECT " + url(f"tls://127.0.0.1:{port}", verify=0, cert=pki.crt(cert), key=pki.key(cert)))
    try:
        sock, _ = channel.accept(wanted)
        sock.close()
        return True
    except Err as e:
        return e.reason


def servers():
    with Init(env={"PEERPIN": pin("client-unknown"), **NO_CA}) as init:
        tap.equal(of_clients(init, "client-unknown"), True, "ACCEPT: PEERPIN instead of CAFILE")
        tap.ok("pin" in str(of_clients(init, "client-ec")), "ACCEPT: another client's key is refused")
        tap.equal(of_clients(init, "client-ec", pin=pin("client-ec")), True, "ACCEPT: pin=")
    with Init(env={"CRLFILE": crl("ca-ec", ["client-ec"])}) as init:
        tap.equal(of_clients(init, "client-san"), True, "ACCEPT: CRLFILE revokes another client")
        tap.ok("revoked" in str(of_clients(init, "client-ec")), "ACCEPT: CRLFILE revokes the client")


tap.main(default_pins, pins_in_urls, default_crls, crls_in_urls, crl_keeps_anchors, servers)
