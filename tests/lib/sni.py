"""ktls-tlsd with certificates by server name: what a client is shown."""

import ssl

import peers
import pki
import tap
from peers import Tls, context, tcp_pair

UNRECOGNIZED_NAME = 112


def pair(cert, name="", second=False):
    """The two variables of one certificate."""
    number, colon = "2" if second else "", ":" if name else ""
    return {
        f"CERTFILE{number}{colon}{name}": pki.crt(cert),
        f"KEYFILE{number}{colon}{name}": pki.key(cert),
    }


def ask(options, env, name, version="1.3", peer=None, wrapper=(), prog=("true",)):
    """The certificate that a client is shown (its name in the PKI), or the
    alert that it got; and the server's exit code and messages."""
    a, b = tcp_pair()
    with peers.tlsd(b, ["-m", "user", *options], prog, cert=None, env=env, wrapper=wrapper) as ours, a:
        tls = Tls(a, peer or context(version=version, verify=False), name=name)
        try:
            tls.handshake()
            shown = which(tls.tls.getpeercert(binary_form=True))
        except (ssl.SSLError, OSError):
            tls.drain()
            shown = tls.alerts[-1] if tls.alerts else None
        a.close()
        return shown, ours.wait(), ours.stderr()


def which(der):
    for name in ("ec256", "ec384", "rsa", "ec-chain", "client-ec", "client-rsa"):
        if pki.der(pki.crt(name)) == der:
            return name
    return der


def shows(options, env, name, wanted, what, **more):
    shown, code, errors = ask(options, env, name, **more)
    tap.ok(
        shown == wanted and code == 0,
        f"{what}: {name or 'no name'} is shown {wanted}",
        f"shown {shown}, exit {code}\n{errors}",
    )
    return errors


def refuses(options, env, name, what, alert=UNRECOGNIZED_NAME, code=98, **more):
    shown, exit_code, errors = ask(options, env, name, **more)
    tap.ok(
        shown == alert and exit_code == code,
        f"{what}: {name or 'no name'} gets the alert {alert}, exit {code}",
        f"shown {shown}, exit {exit_code}\n{errors}",
    )
    return errors
