"""Imported before ssl: this process's OpenSSL offers X25519 as its first group and no
ML-KEM, so that all servers do the same work."""

import os

import proc

_path = proc.temp("openssl.cnf")
with open(_path, "w") as f:
    f.write(
        "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = groups\n[groups]\nGroups = X25519:P-256\n"
        "MinProtocol = TLSv1.2\n"
    )
_before = os.environ.get("OPENSSL_CONF")
os.environ["OPENSSL_CONF"] = _path
import ssl  # noqa: E402, F401

ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
if _before is None:
    del os.environ["OPENSSL_CONF"]
else:
    os.environ["OPENSSL_CONF"] = _before
