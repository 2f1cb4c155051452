#!/usr/bin/python3
# ktls-tlsserver and ktls-tlsclient for real, around ucspi-tcp: with each other,
# with openssl and curl, behind a proxy, without privileges.
# runs: host
# runs: newest kernel, -m kernel; not: sanitizers

import json
import os
import shlex
import socket
import subprocess

import lib
import front
import namespaces
import peers
import pki
import proc
import prog
import proxies
import tap
from peers import Tls, context
from proc import Proc

NETWORK = {"PROTO": "TCP", "TCPREMOTEIP": "127.0.0.1", "TCPLOCALIP": "127.0.0.1"}
NAMES = ("TCPREMOTEHOST", "TCPREMOTEINFO")
SHOW = ("sh", "-c", 'echo "$TCPREMOTEIP $SSL_PROTOCOL $(id -u) $(id -g) $(id -G)"')


def connect(port, first=b"", **more):
    s = socket.create_connection(("127.0.0.1", port), proc.LIMIT)
    tls = Tls(s, context(**more))
    tls.outgoing.write(first)
    tls.handshake()
    return tls


def line(tls):
    data = b""
    while not data.endswith(b"\n"):
        data += tls.read()
    return data.decode().strip()


def inspected(options, env=None):
    """What prog is given under a ktls-tlsserver with these options."""
    report = proc.temp("report")
    with front.server(options, (prog.INSPECT,), env={"INSPECT": report, **(env or {})}) as (ours, port):
        tls = connect(port)
        echoed = prog.echo(tls)
        with open(report) as f:
            return json.load(f), echoed, ours.stderr()


def server():
    seen, echoed, said = inspected(["-m", proc.MODE])
    name = "ktls-tlsserver"
    tap.equal((echoed, said), (prog.LINE, ""), f"{name}: echo")
    prog.check_descriptors(seen, [0, 1, 2], name)
    prog.check_removed(seen, (), name)
    got = {variable: seen["environment"].get(variable) for variable in NETWORK}
    tap.equal(got, NETWORK, f"{name}: what tcpserver says of the connection")
    tap.equal([v for v in NAMES if v in seen["environment"]], [], f"{name}: no name was looked up")
    seen, _, _ = inspected(["-m", proc.MODE, "-Z", "-l", "here.test", "-H"])
    prog.check_removed(seen, ("CAFILE", "CERTFILE", "KEYFILE"), f"{name} -Z")
    tap.equal(seen["environment"].get("TCPLOCALHOST"), "here.test", f"{name} -l")


def run(*argv, **more):
    return subprocess.run(argv, capture_output=True, timeout=proc.LIMIT, **more)


def openssl_and_curl():
    with front.server(["-m", proc.MODE], (os.path.join(proc.LIB, "httpd"),)) as (ours, port):
        url = f"https://localhost:{port}/"
        got = run("curl", "-s", "--cacert", pki.ca(), "--resolve", f"localhost:{port}:127.0.0.1", url)
        tap.ok(not got.returncode and got.stdout, f"curl: {len(got.stdout)} bytes", str(got) + ours.stderr())
        words = f"openssl s_client -quiet -connect 127.0.0.1:{port} -servername localhost -verify_return_error"
        got = run(*words.split(), "-CAfile", pki.ca(), input=b"GET / HTTP/1.0\r\n\r\n")
        tap.ok(b"200" in got.stdout[:20], "openssl s_client", str(got) + ours.stderr())


def client(options, port, host="127.0.0.1", script="cat <&6", env=None):
    argv = [front.TLSCLIENT, "--tcpclient=own", "-H", *options, host, str(port), "sh", "-c", script]
    with Proc(argv, proc.environment(CAFILE=pki.ca(), **(env or {})), {1: "pipe"}) as ours:
        return ours.read().decode().strip(), ours.wait(), ours.stderr()


def clients():
    with front.server(["-m", proc.MODE], SHOW) as (_, port):
        for options, works in (
            ([], True),  # the certificate has the address
            (["-k", "localhost"], True),
            (["-k", "elsewhere.test"], False),
            (["--no-servername"], True),
            (["-k", "elsewhere.test", "--no-verify-cert"], True),
        ):
            out, code, said = client(["-m", proc.MODE, *options], port)
            wanted = (0, True) if works else (98, False)
            tap.equal((code, out.startswith("127.0.0.1 TLSv1.3")), wanted, f"ktls-tlsclient {options}", said)
    other = {"CERTFILE": pki.crt("wrongname"), "KEYFILE": pki.key("wrongname")}
    with front.server(["-m", proc.MODE], SHOW, env=other) as (_, port):
        _, code, said = client(["-m", proc.MODE], port)
        tap.equal(code, 98, "ktls-tlsclient to an address that the certificate does not have", said)
    _, code, said = client(["-m", proc.MODE], peers.free_port())
    tap.ok(code == 111 and "refused" in said, f"ktls-tlsclient to nobody: {code}, {said.strip()}")


def client_certificate():
    show = ("sh", "-c", 'echo "$SSL_PEER_CERT_SUBJECT"')
    certificate = {"CERTFILE": pki.crt("client-ec"), "KEYFILE": pki.key("client-ec")}
    with front.server(["-m", proc.MODE, "-y"], show) as (_, port):
        out, code, said = client(["-m", proc.MODE, "-y", "-k", "localhost"], port, env=certificate)
        tap.ok(code == 0 and "client ec" in out, f"both with -y: {out}", said)
        out, code, said = client(["-m", proc.MODE, "-k", "localhost"], port)
        tap.ok(not out, "server alone with -y: no prog there", out)


def client_descriptors():
    report = proc.temp("report")
    with front.server(["-m", proc.MODE], ("sh", "-c", "echo hello; read back")) as (_, port):
        script, env = f"exec {shlex.quote(prog.INSPECT)} 6 7", {"INSPECT": report}
        _, code, said = client(["-m", proc.MODE, "-k", "localhost"], port, script=script, env=env)
        with open(report) as f:
            seen = json.load(f)
    tap.equal((code, said), (0, ""), "ktls-tlsclient: exit code")
    prog.check_descriptors(seen, [0, 1, 2, 6, 7], "ktls-tlsclient")
    prog.check_removed(seen, (), "ktls-tlsclient")


def names():
    """Where to listen by name, of /etc/hosts as well: tcpserver alone would ask the DNS."""
    for text in ("127.0.0.1 here.example\n", "::1 here.example\n127.0.0.1 here.example\n"):
        wrapper = namespaces.with_hosts(text)
        if not wrapper:
            return
        with front.server(["-m", proc.MODE], SHOW, ip="here.example", wrapper=wrapper) as (ours, port):
            got = line(connect(port))
            tap.ok(got.startswith("127.0.0.1 TLSv1.3"), f"{text!r}: a listener by name: {got}", ours.stderr)


def behind_a_proxy():
    header = proxies.binary("192.0.2.7", "198.51.100.2", 12345, 443)
    with front.server(["-m", proc.MODE, "-L"], SHOW) as (ours, port):
        got = line(connect(port, header))
        tap.ok(got.startswith("192.0.2.7 TLSv1.3"), f"-L: the client's address: {got}", ours.stderr)
        with socket.create_connection(("127.0.0.1", port), proc.LIMIT) as s:
            s.sendall(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(600))
            try:
                end = s.recv(1)
            except ConnectionResetError:
                end = b""
            tap.equal(end, b"", "-L: a client without header is sent nothing")
        proc.await_true(lambda: "invalid PROXY header" in ours.stderr(), "the message")
        tap.ok(line(connect(port, header)), "-L: and the next one is served")


def access_rules():
    rules, cdb = b'127.0.0.1:allow,KEYFILE="%s",CERTFILE="%s"\n:deny\n', proc.temp("rules.cdb")
    rules %= pki.key("rsa").encode(), pki.crt("rsa").encode()
    subprocess.run(["tcprules", cdb, cdb + ".new"], input=rules, check=True)
    with front.server(["-m", proc.MODE, "-H", "--tcprules", cdb], SHOW) as (_, port):
        tls = connect(port)
        tap.equal(
            tls.tls.getpeercert(True), pki.der(pki.crt("rsa")), "--tcprules: the rules choose the certificate"
        )
    subprocess.run(["tcprules", cdb, cdb + ".new"], input=b":deny\n", check=True)
    with front.server(["-m", proc.MODE, "-H", "--tcprules", cdb], SHOW) as (_, port):
        with socket.create_connection(("127.0.0.1", port), proc.LIMIT) as s:
            tap.equal(s.recv(1), b"", "--tcprules: and keep others out")


def privileges():
    """The key is root's alone; prog is not root."""
    if os.geteuid():
        return tap.skip("uid, gid and groups of prog", "not root")
    key = proc.temp("root.key")
    with open(key, "wb") as f, open(pki.key("ec256"), "rb") as original:
        f.write(original.read())
    os.chmod(key, 0o600)
    os.chmod(proc.TMP, 0o711)
    numbers = {"UID": "1001", "GID": "1002", "GIDLIST": "1002,1003"}
    for options, wanted in (
        ([], f"0 0 {' '.join(map(str, os.getgroups())) or '0'}"),
        (["-u", "1001", "-g", "1002", "-G", "1002,1003"], "1001 1002 1002 1003"),
        (["-U"], "1001 1002 1002 1003"),
        (["-U", "-u", "1005"], "1005 1002 1002 1003"),
    ):
        with front.server(["-m", proc.MODE, *options], SHOW, env={"KEYFILE": key, **numbers}) as (ours, port):
            got = line(connect(port)).split(" ", 2)[2]
            shown = " ".join(options) or "no option"
            tap.equal(got, wanted, f"uid, gid and groups of prog with {shown}", ours.stderr)


def messages():
    """Verbosity reaches every step."""
    for option, tcp, tls in (("-q", False, False), ("-Q", False, False), ("-v", True, True)):
        with front.server(["-m", proc.MODE, option], SHOW) as (ours, port):
            line(connect(port))
            said = ours.stderr()
            tap.equal(
                ("tcpserver: " in said, "TLSv1.3" in said), (tcp, tls), f"{option}: messages of both", said
            )


tap.main(
    server,
    openssl_and_curl,
    clients,
    client_certificate,
    client_descriptors,
    names,
    behind_a_proxy,
    access_rules,
    privileges,
    messages,
)
