"""A registry behind TLS: who is let in, and what weft says when it is not, or does not trust what it meets."""
import base64
import json

from support import SharedCluster
from support.certificates import Authority
from support.tls_front import TlsFront


class RegistryTls(SharedCluster):
    """weft_front() asks the registry through the server that front() has started."""

    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder)
        self.write("point.avsc", json.dumps({"type": "fixed", "name": "Point", "size": 2}))
        self.subject = self.topic_name("points") + "-value"

    def front(self, **options):
        front = TlsFront(self.registry_url, *self.authority.issue("server"), **options)
        self.addCleanup(front.stop)
        return front

    def ask(self, front, status=0, host="127.0.0.1", **settings):
        """Registers a schema there; gives what weft says."""
        named = {name.replace("_", "."): value for name, value in settings.items()}
        return self.weft("schema register", self.subject, "point.avsc", status=status, settings={
            "schema.registry.url": front.url(host), "schema.registry.ssl.ca.location": self.authority.certificate,
            "schema.registry.max.retries": 0, **named})

    def assert_registered(self):
        self.assertEqual(self.registry.call(f"/subjects/{self.subject}/versions"), [1])

    def refused(self, front, status=2, **settings):
        """The one line that weft says where it gets no answer."""
        failed = self.ask(front, status, **settings)
        self.assertNotIn(self.subject, self.registry.call("/subjects"))
        self.assertEqual(failed.err.count("\n"), 1, failed.err)
        return failed.err

    def test_a_server_of_the_authority_is_trusted(self):
        self.ask(self.front())
        self.assert_registered()

    def test_a_client_shows_its_certificate(self):
        certificate, key = self.authority.issue("client")
        self.ask(self.front(clients=self.authority.certificate), schema_registry_ssl_certificate_location=certificate,
                 schema_registry_ssl_key_location=key)
        self.assert_registered()

    def test_the_key_of_the_certificate_may_have_a_password(self):
        certificate, key = self.authority.issue("client", password="s3cret")
        self.write("password", "s3cret\n")
        self.ask(self.front(clients=self.authority.certificate), schema_registry_ssl_certificate_location=certificate,
                 schema_registry_ssl_key_location=key,
                 schema_registry_ssl_key_password=f"@{self.folder / 'password'}")
        self.assert_registered()

    def test_user_and_password_go_over_tls(self):
        token = base64.b64encode(b"user:s3cret").decode()
        self.write("user", "user:s3cret\n")
        self.ask(self.front(authorization=f"Basic {token}"), basic_auth_user_info=f"@{self.folder / 'user'}")
        self.assert_registered()

    def test_a_bearer_token_goes_over_tls(self):
        self.write("token", "t0ken\n")
        self.ask(self.front(authorization="Bearer t0ken"), bearer_auth_token=f"@{self.folder / 'token'}")
        self.assert_registered()

    def test_a_wrong_password_is_refused(self):
        error = self.refused(self.front(authorization="Basic x"), status=1, basic_auth_user_info="user:wr0ng")
        self.assertRegex(error, r"refuses the credentials \(status 401\)")
        self.assertNotIn("wr0ng", error)

    def test_a_server_of_another_authority_is_not_trusted(self):
        other = Authority(self.folder, "other")
        error = self.refused(self.front(), schema_registry_ssl_ca_location=other.certificate)
        self.assertRegex(error, r"https://127\.0\.0\.1:\d+\S*: its certificate is not trusted: .*check "
                                r"schema\.registry\.ssl\.ca\.location")

    def test_a_certificate_for_another_host_is_not_trusted(self):
        error = self.refused(self.front(), host="localhost")
        self.assertRegex(error, r"https://localhost:\d+\S*: its certificate is for another host: .*check "
                                r"schema\.registry\.url")

    def test_a_client_without_a_certificate_is_turned_away(self):
        error = self.refused(self.front(clients=self.authority.certificate))
        self.assertRegex(error, r"the server wants a certificate of ours: .*set schema\.registry\.ssl\.certificate")

    def test_a_certificate_that_the_server_does_not_know_is_turned_away(self):
        certificate, key = Authority(self.folder, "other").issue("stranger")
        error = self.refused(self.front(clients=self.authority.certificate),
                             schema_registry_ssl_certificate_location=certificate, schema_registry_ssl_key_location=key)
        self.assertRegex(error, r"the server does not take our certificate: .*check "
                                r"schema\.registry\.ssl\.certificate")

    def test_a_wrong_password_of_the_key_is_said_to_be_that(self):
        certificate, key = self.authority.issue("client", password="s3cret")
        error = self.refused(self.front(clients=self.authority.certificate),
                             schema_registry_ssl_certificate_location=certificate, schema_registry_ssl_key_location=key,
                             schema_registry_ssl_key_password="wr0ng")
        self.assertIn("our certificate or key cannot be used", error)
        self.assertNotIn("wr0ng", error)

    def test_http_where_tls_is_wanted_gets_no_answer(self):
        front = self.front()
        error = self.refused(front, status=1, schema_registry_url=front.url().replace("https:", "http:"))
        self.assertRegex(error, r"http://127\.0\.0\.1:\d+\S*: Empty reply from server")
