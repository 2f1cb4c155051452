#!/usr/bin/python3
# What is left in memory behind a handshake: nothing of the private key in any
# process, in whatever form BearSSL calculates with it; the application traffic
# secrets in the relay's engine alone; no other secret of the handshake anywhere.
# runs: host; not: sanitizers

import os

import lib
import control
import memory
import pki
import proc
import programs
import service
import tap
from peers import BOTH, Tls, context, tcp_pair
from separation import GID, SANITIZED, UID

if SANITIZED:
    tap.skip_all("AddressSanitizer's memory can not be searched")

KEYS = ("rsa", "ec256")
APART = {"TLS_UID": UID, "TLS_GID": GID} if os.geteuid() == 0 else {}
# those that a relay needs to follow a KeyUpdate
LASTING = ("CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0")


def with_log(made):
    made.keylog_filename = proc.temp("keys")
    return made


FORMS = {cert: memory.forms_of(cert) for cert in (*KEYS, "client-rsa", "client-ec")}


def check_keys(pid, certs, name):
    left = {pid, *proc.descendants(pid)}
    named = {}
    for cert in certs:
        named.update(FORMS[cert])
    found = {one: sorted(memory.found_in(one, named)) for one in left}
    found = {one: labels for one, labels in found.items() if labels}
    tap.ok(not found, f"{name}: no private key in {len(left)} processes", lambda: f"{found}")


def check_log(pid, log, name):
    secrets = memory.logged(log)
    passing = {label: secret for label, secret in secrets.items() if label not in LASTING}
    lasting = {label: secrets[label] for label in LASTING if label in secrets}
    left = {pid, *proc.descendants(pid)}
    found = {one: memory.found_in(one, passing) for one in left}
    tap.ok(not any(found.values()), f"{name}: none of {', '.join(sorted(passing))}", lambda: f"{found}")
    holders = [one for one in left if memory.found_in(one, lasting)]
    tap.ok(len(holders) <= 1, f"{name}: application traffic secrets in at most one process", lambda: f"{holders}")


def the_search():
    """It finds in a process what is there: here, all of it."""
    for cert in KEYS:
        named = FORMS[cert]
        tap.equal(memory.found_in(os.getpid(), named), set(named), f"{cert}: {len(named)} pieces are found")


def converse(tls, ours):
    tls.sock.settimeout(proc.LIMIT)
    tls.handshake()
    tls.write(programs.LINE)
    assert tls.read_exactly(len(programs.LINE)) == programs.LINE, ours.stderr()


def program(which, version, cert, env):
    a, b = tcp_pair()
    options, env = ["-m", "user"], dict(env)
    if which.server:
        env.update(CERTFILE=pki.crt(cert), KEYFILE=pki.key(cert))
        peer = context(version=version)
    else:
        cert = {"rsa": "client-rsa", "ec256": "client-ec"}[cert]
        options += ["-y", "-k", "localhost"]
        env.update(CERTFILE=pki.crt(cert), KEYFILE=pki.key(cert))
        peer = context(server=True, version=version, cert="ec256", client_cert="required")
    name = f"{which.name}{' with TLS_UID' if 'TLS_UID' in env else ''}, TLS {version}, {cert}"
    with_log(peer)
    with which.start(b, options, which.copy(), env=env) as ours, a:
        tls = Tls(a, peer, server=not which.server)
        converse(tls, ours)
        check_keys(ours.pid, [cert], name)
        check_log(ours.pid, peer.keylog_filename, name)


@tap.looks_inside
def chain_programs():
    every = (programs.TLSD, programs.TLSC, programs.UCSPITLSD, programs.UCSPITLSC)
    for which in every:
        for env in {(): {}, tuple(APART): APART}.values():
            for version in BOTH:
                for cert in KEYS:
                    program(which, version, cert, env)


@tap.looks_inside
def workers():
    """ktls-init's workers, which become relays: server and client in one service."""
    for version in BOTH:
        for cert, client in (("rsa", "client-rsa"), ("ec256", "client-ec")):
            with service.Init() as init:
                channel, other = init.channel(), init.channel()
                more = {"clientcert": "require", "ca": pki.ca(), "path": "relay"}
                wanted, port = control.listen(channel, **service.good(cert, tls=version, **more))
                own = {"cert": pki.crt(client), "key": pki.key(client), "path": "relay"}
                near, _ = other.connect(service.url(f"tls://localhost:{port}", **own))
                far, _ = channel.accept(wanted)
                near.sendall(b"hello")
                assert far.recv(5) == b"hello"
                check_keys(init.proc.pid, [cert, client], f"ktls-init, both ways, TLS {version}, {cert}")
                near.close(), far.close()


@tap.looks_inside
def workers_traffic():
    for version in BOTH:
        with service.Init() as init:
            channel = init.channel()
            wanted, port = control.listen(channel, **service.good("rsa", tls=version, path="relay"))
            peer = with_log(context(version=version))
            with service.dial(port) as sock:
                tls = Tls(sock, peer)
                tls.handshake()
                far, _ = channel.accept(wanted)
                tls.write(b"hello")
                assert far.recv(5) == b"hello"
                check_keys(init.proc.pid, ["rsa"], f"ktls-init ACCEPT, TLS {version}")
                check_log(init.proc.pid, peer.keylog_filename, f"ktls-init ACCEPT, TLS {version}")
                far.close()


tap.main(the_search, chain_programs, workers, workers_traffic)
