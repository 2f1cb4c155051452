"""Conversations with OpenSSL, GnuTLS and curl, the same for every data path.

mode: the options that select the path; they go to ktls-tlsd and ktls-tlsc.
"""

import re
import subprocess

import outside
import pki
import tap
from outside import GnutlsServ, SServer, converse, curl, gnutls_cli, gnutls_priority, s_client, tlsd_server
from records import GNUTLS_1_3, SUITES_1_2, SUITES_1_3

CERTIFICATES = {"ec256": "ec", "ec384": "ec", "rsa": "rsa", "ec-chain": "ec"}
LINE = b"hello, other side\n"


def combinations(cert):
    """(version, IANA name, OpenSSL name, GnuTLS cipher) that go with a certificate."""
    for iana in SUITES_1_3:
        yield "1.3", iana, iana, GNUTLS_1_3[iana]
    for iana, openssl, cipher, key_type in SUITES_1_2:
        if key_type == CERTIFICATES[cert]:
            yield "1.2", iana, openssl, cipher


def server_and_openssl(mode):
    for cert in CERTIFICATES:
        with tlsd_server(mode, cert=cert) as server:
            for version, _, name, _ in combinations(cert):
                _s_client_echo(server, cert, version, name)


def _s_client_echo(server, cert, version, name):
    choice = ["-ciphersuites", name] if version == "1.3" else ["-cipher", name]
    output, code, errors = converse(s_client(server.port, version, *choice), LINE, LINE.strip())
    good = LINE.decode() in output and f"Cipher is {name}" in output and "Verification: OK" in output
    good = good and (version == "1.3" or "Extended master secret: yes" in output)
    tap.ok(
        good and code == 0,
        f"openssl s_client to ktls-tlsd, {cert}, TLS {version}, {name}",
        lambda: f"exit {code}\n{output}\n{errors}\n{server.proc.stderr()}",
    )


def server_and_gnutls(mode):
    for cert in CERTIFICATES:
        with tlsd_server(mode, cert=cert) as server:
            for version, iana, _, cipher in combinations(cert):
                _gnutls_echo(server, cert, version, iana, cipher)


def _gnutls_echo(server, cert, version, iana, cipher):
    argv = gnutls_cli(server.port, gnutls_priority(version, cipher))
    output, code, errors = converse(argv, LINE, rb"Simple Client Mode:\s+" + LINE.strip())
    good = re.search(rf"Description: \(TLS{version}\S*\)-.*-\({cipher}\)", output)
    tap.ok(
        good and "certificate is trusted" in output,
        f"gnutls-cli to ktls-tlsd, {cert}, TLS {version}, {iana}",
        lambda: f"exit {code}\n{output}\n{errors}\n{server.proc.stderr()}",
    )


def server_and_curl(mode):
    for cert in CERTIFICATES:
        with tlsd_server(mode, (outside.HTTPD,), cert) as server:
            for version in ("1.2", "1.3"):
                output, code, errors = curl(server.port, version)
                tap.ok(
                    code == 0 and output.startswith(f"hello over TLSv{version} "),
                    f"curl to ktls-tlsd, {cert}, TLS {version}",
                    lambda: f"exit {code}\n{output}\n{errors}\n{server.proc.stderr()}",
                )


def server_groups(mode):
    # an RSA certificate, so that the groups say nothing about certificates (RFC 8422, 5.1)
    with tlsd_server(mode, cert="rsa") as server:
        for groups in ("X25519", "P-256", "P-384", "P-521", "X448:P-384", "X448:P-256", "X448:X25519"):
            for version in ("1.2", "1.3"):
                argv = s_client(server.port, version, "-groups", groups)
                output, code, errors = converse(argv, LINE, LINE.strip())
                retry = " after HelloRetryRequest" if ":" in groups and version == "1.3" else ""
                chosen = {"X25519": "X25519", "P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1"}[
                    groups.split(":")[-1]
                ]
                tap.ok(
                    code == 0 and re.search(rf"(Server|Peer) Temp Key: .*{chosen}", output),
                    f"openssl s_client -groups {groups}, TLS {version}{retry}",
                    lambda: f"exit {code}\n{output}\n{errors}\n{server.proc.stderr()}",
                )
        output, code, errors = converse(s_client(server.port, "1.3", "-groups", "X448"), LINE, LINE.strip())
        tap.ok(
            code != 0 and "alert handshake failure" in errors + output,
            "openssl s_client -groups X448, TLS 1.3: refused, no common group",
            lambda: f"exit {code}\n{output}\n{errors}\n{server.proc.stderr()}",
        )


HYBRID = ("X25519MLKEM768", "SecP256r1MLKEM768")


def without_hybrid():
    """OpenSSL has these groups since 3.5."""
    listed = subprocess.run(["openssl", "list", "-kem-algorithms"], capture_output=True, text=True).stdout
    if "X25519MLKEM768" in listed:
        return False
    tap.skip("hybrid groups", "this OpenSSL is older than 3.5")
    return True


def server_hybrid_groups(mode):
    if without_hybrid():
        return
    with tlsd_server(mode) as server:
        for groups in (*HYBRID, "X448:X25519MLKEM768"):
            output, code, errors = converse(s_client(server.port, "1.3", "-groups", groups), LINE, LINE.strip())
            tap.ok(
                code == 0 and f"Negotiated TLS1.3 group: {groups.split(':')[-1]}" in output,
                f"openssl s_client -groups {groups}",
                lambda: f"exit {code}\n{output}\n{errors}\n{server.proc.stderr()}",
            )


def client_hybrid_groups(mode):
    if without_hybrid():
        return
    for group in HYBRID:
        with SServer("rsa", "-rev", "-groups", group) as server:
            name = f"ktls-tlsc to openssl s_server -groups {group}"
            _client(server, mode, ["-t", "1.3"], reply=REVERSED, name=name)


def server_alpn(mode):
    with tlsd_server([*mode, "-a", "h2,http/1.1"]) as server:
        for offered, chosen in (("http/1.1", "http/1.1"), ("http/1.1,h2", "h2"), ("spdy/3,h2", "h2")):
            for version in ("1.2", "1.3"):
                output, code, errors = converse(
                    s_client(server.port, version, "-alpn", offered), LINE, LINE.strip()
                )
                tap.ok(
                    code == 0 and f"ALPN protocol: {chosen}\n" in output,
                    f"ALPN: {offered} offered, {chosen} chosen, TLS {version}",
                    lambda: f"exit {code}\n{output}\n{errors}\n{server.proc.stderr()}",
                )
        output, code, errors = converse(s_client(server.port, "1.3"), LINE, LINE.strip())
        tap.ok(
            code == 0 and "No ALPN negotiated" in output,
            "ALPN: none offered, none negotiated",
            output + errors,
        )


SHOW_PEER = ("sh", "-c", 'read -r line; echo "peer=$SSL_PEER_CERT_SUBJECT $SSL_PEER_CERT_HASH"')


def server_and_client_certificates(mode):
    for option in ("-Y", "-y"):
        with tlsd_server([*mode, option], SHOW_PEER) as server:
            for version in ("1.2", "1.3"):
                for cert in ("client-ec", "client-rsa"):
                    _s_client_certificate(server, option, version, cert)
                    _gnutls_certificate(server, option, version, cert)


def _peer_line(cert):
    import hashlib

    digest = hashlib.sha256(pki.der(pki.crt(cert))).hexdigest()
    return rf"peer=\S.*{cert.replace('-', ' ')}.* SHA256:{digest}\b"


def _s_client_certificate(server, option, version, cert):
    argv = s_client(server.port, version, "-cert", pki.crt(cert), "-key", pki.key(cert))
    output, code, errors = converse(argv, LINE, rb"peer=.*\n")
    tap.ok(
        re.search(_peer_line(cert), output, re.I),
        f"openssl s_client shows {cert} to ktls-tlsd {option}, TLS {version}",
        lambda: f"exit {code}\n{output}\n{errors}\n{server.proc.stderr()}",
    )


def _gnutls_certificate(server, option, version, cert):
    argv = gnutls_cli(
        server.port, gnutls_priority(version), "--x509certfile", pki.crt(cert), "--x509keyfile", pki.key(cert)
    )
    output, code, errors = converse(argv, LINE, rb"peer=.*\n")
    tap.ok(
        re.search(_peer_line(cert), output, re.I),
        f"gnutls-cli shows {cert} to ktls-tlsd {option}, TLS {version}",
        lambda: f"exit {code}\n{output}\n{errors}\n{server.proc.stderr()}",
    )


# prog of a client: one line out, one line back
ASK = (
    "sh",
    "-c",
    'echo "hello, other side" >&7; IFS= read -r line <&6; echo "$SSL_PROTOCOL $SSL_CIPHER: $line"',
)


def _client(server, mode, options, name, reply, env=None):
    argv = ["ktls-tlsc", *mode, "-k", "localhost", *options, *ASK]
    output, code, errors = outside.tcpclient(server.port, argv, env)
    return tap.ok(
        code == 0 and output.strip().endswith(reply),
        name,
        lambda: f"exit {code}\n{output}\n{errors}\n{server.proc.stderr()}",
    )


REVERSED = LINE.decode().strip()[::-1]


def client_and_openssl(mode):
    for cert in CERTIFICATES:
        with SServer(cert, "-rev") as server:
            for version, iana, openssl, _ in combinations(cert):
                for name in dict.fromkeys((iana, openssl)):
                    _client(
                        server,
                        mode,
                        ["-t", version, "-c", name],
                        reply=REVERSED,
                        name=f"ktls-tlsc -c {name} to openssl s_server, {cert}, TLS {version}",
                    )


def client_and_gnutls(mode):
    for cert in CERTIFICATES:
        with GnutlsServ(cert, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2") as server:
            for version, iana, _, _ in combinations(cert):
                _client(
                    server,
                    mode,
                    ["-t", version, "-c", iana],
                    reply=LINE.decode().strip(),
                    name=f"ktls-tlsc -c {iana} to gnutls-serv, {cert}, TLS {version}",
                )


def client_and_ours(mode):
    for cert in CERTIFICATES:
        with tlsd_server(mode, cert=cert) as server:
            for version, iana, _, _ in combinations(cert):
                _client(
                    server,
                    mode,
                    ["-t", version, "-c", iana],
                    reply=LINE.decode().strip(),
                    name=f"ktls-tlsc -c {iana} to ktls-tlsd, {cert}, TLS {version}",
                )


def client_groups(mode):
    for group in ("X25519", "P-256", "P-384"):
        with SServer("rsa", "-rev", "-groups", group) as server:
            for version in ("1.2", "1.3"):
                _client(
                    server,
                    mode,
                    ["-t", version],
                    reply=REVERSED,
                    name=f"ktls-tlsc to openssl s_server -groups {group}, TLS {version}",
                )


def client_alpn(mode):
    with tlsd_server([*mode, "-a", "imap,h2"]) as ours, SServer("ec256", "-rev", "-alpn", "h2") as openssl:
        for version in ("1.2", "1.3"):
            options = ["-t", version, "-a", "http/1.1,h2"]
            _client(ours, mode, options, f"ktls-tlsc -a to ktls-tlsd, TLS {version}", LINE.decode().strip())
            _client(openssl, mode, options, f"ktls-tlsc -a to openssl s_server, TLS {version}", REVERSED)


def client_with_certificate(mode):
    checked = ("-Verify", "2", "-verify_return_error", "-CAfile", pki.ca())
    with SServer("ec256", "-rev", *checked) as openssl, tlsd_server([*mode, "-y"]) as ours, GnutlsServ(
        "ec256", "NORMAL", "--require-client-cert", "--verify-client-cert", "--x509cafile", pki.ca()
    ) as gnutls:
        for version in ("1.2", "1.3"):
            for cert in ("client-ec", "client-rsa"):
                env = {"CERTFILE": pki.crt(cert), "KEYFILE": pki.key(cert)}
                for server, name, reply in (
                    (openssl, "openssl s_server", REVERSED),
                    (gnutls, "gnutls-serv", LINE.decode().strip()),
                    (ours, "ktls-tlsd", LINE.decode().strip()),
                ):
                    _client(
                        server,
                        mode,
                        ["-y", "-t", version],
                        env=env,
                        reply=reply,
                        name=f"ktls-tlsc -y shows {cert} to {name}, TLS {version}",
                    )


SERVER = (
    server_and_openssl,
    server_and_gnutls,
    server_and_curl,
    server_groups,
    server_hybrid_groups,
    server_alpn,
    server_and_client_certificates,
)
CLIENT = (
    client_and_openssl,
    client_and_gnutls,
    client_and_ours,
    client_groups,
    client_hybrid_groups,
    client_alpn,
    client_with_certificate,
)


def all_with(mode):
    """The conversations as functions without arguments, for tap.main."""
    return tap.bound(SERVER + CLIENT, mode)
