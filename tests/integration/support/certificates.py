"""Certificates of an authority of the test's own, as PEM files."""
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
