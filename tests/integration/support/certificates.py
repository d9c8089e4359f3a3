"""Certificates of an authority of the test's own, as PEM files, and keys of service accounts of Google's kind."""
import json
import subprocess


class Authority:
    def __init__(self, folder, name="authority"):
        self.folder = folder
        self.certificate, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        self.make(name, self.certificate, self.key, "-nodes", "-addext", "basicConstraints=critical,CA:TRUE")

    @staticmethod
    def make(name, certificate, key, *arguments):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days",
                        "2", "-subj", f"/CN={name}", "-out", certificate, "-keyout", key, *arguments],
                       check=True, capture_output=True)

    def issue(self, name, password=None, names=()):
        """The files of a certificate for this name, and for 127.0.0.1 and hosts of these names, and of its key."""
        hosts = ",".join(["IP:127.0.0.1", *(f"DNS:{host}" for host in names)])
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        self.make(name, certificate, key, *(["-passout", f"pass:{password}"] if password else ["-nodes"]),
                  "-CA", self.certificate, "-CAkey", self.key, "-addext", f"subjectAltName={hosts}",
                  "-addext", "basicConstraints=critical,CA:FALSE")
        return certificate, key


def service_account(folder, email, token_uri="https://oauth2.googleapis.com/token"):
    """The file of a service account, and that of the certificate which its signatures are checked with."""
    key, certificate, account = (folder / f"account.{ending}" for ending in ("key", "pem", "json"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=account",
                    "-out", certificate, "-keyout", key], check=True, capture_output=True)
    account.write_text(json.dumps({
        "type": "service_account", "project_id": "test", "private_key_id": "1", "private_key": key.read_text(),
        "client_email": email, "client_id": "1", "token_uri": token_uri}))
    return account, certificate
