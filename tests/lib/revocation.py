"""Pins and revocation lists of the certificates in tests/lib/pki.py."""

import os
import subprocess

import pki
import proc

CHECK = os.path.join(proc.BIN, "ktls-check")


def pin(name):
    done = subprocess.run([CHECK, "-p", pki.crt(name)], capture_output=True, text=True, check=True)
    return done.stdout.split()[0]


PAST = ("-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20210101000000Z")


def crl(issuer, revoked=(), updates=("-crldays", "30"), name="crl.pem", extensions=""):
    """A CRL that issuer signs."""
    work = proc.temp("crl")
    os.mkdir(work)
    conf = os.path.join(work, "conf")
    with open(conf, "w") as f:
        f.write(
            f"[ca]\ndefault_ca=this\n[this]\ndatabase={work}/index\ncrlnumber={work}/number\n"
            f"default_md=sha256\ncrl_extensions=crl\n[crl]\n{extensions}\n"
        )
    open(os.path.join(work, "index"), "w").close()
    with open(os.path.join(work, "number"), "w") as f:
        f.write("01\n")
    ca = ["openssl", "ca", "-config", conf, "-cert", pki.crt(issuer), "-keyfile", pki.key(issuer)]
    for cert in revoked:
        subprocess.run([*ca, "-revoke", pki.crt(cert)], check=True, capture_output=True)
    path = os.path.join(work, name)
    subprocess.run([*ca, "-gencrl", *updates, "-out", path], check=True, capture_output=True)
    return path


def joined(*paths):
    path = proc.temp("crls.pem")
    with open(path, "w") as f:
        for part in paths:
            with open(part) as g:
                f.write(g.read())
    return path
