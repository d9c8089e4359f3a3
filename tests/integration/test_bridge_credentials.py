"""weft-bridge and who it is: against a server that speaks TLS and notes who calls, as Google's does."""
from google.auth import jwt

from support import SharedCluster, wait_for
from support.bridge import Mirrored
from support.certificates import Authority, service_account
from support.scripted_pubsub import ScriptedPubSub

EMAIL = "weft-bridge@test.iam.gserviceaccount.com"


class Credentials(Mirrored, SharedCluster):
    def make_pubsub(self):
        self.authority = Authority(self.folder)
        return ScriptedPubSub(self, self.authority.issue("pubsub"))

    def setUp(self):
        super().setUp()
        self.account, self.signed_by = service_account(self.folder, EMAIL)
        self.settings = {"pubsub_endpoint": self.pubsub.address, "pubsub_ca_file": self.authority.certificate}

    def assert_signed_in(self, service):
        """Each direction makes tokens of its own, another each second."""
        self.assertTrue(self.pubsub.authorizations[service])
        for authorization in self.pubsub.authorizations[service]:
            scheme, _, token = authorization.partition(" ")
            self.assertEqual(scheme, "Bearer")
            said = jwt.decode(token, certs=self.signed_by.read_text(), verify=True)
            self.assertEqual((said["iss"], said["sub"]), (EMAIL, EMAIL))
            self.assertEqual(said["aud"], f"https://{self.pubsub.address}/")

    def test_a_service_account_signs_each_call_over_tls(self):
        process = self.both().start(**self.settings, pubsub_credentials_file=self.account)
        self.records(100)
        wait_for(lambda: len(self.pubsub.published) == 100, "all of them")
        self.pubsub.deliver([("a", "1", b"0")])
        self.wait_sunk(1)
        self.assertEqual(process.stop(), 0)
        self.assert_signed_in("google.pubsub.v1.Publisher")
        self.assert_signed_in("google.pubsub.v1.Subscriber")

    def test_the_application_default_credentials_are_found(self):
        where = {"GOOGLE_APPLICATION_CREDENTIALS": str(self.account),
                 "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(self.authority.certificate)}
        process = self.outward().start(pubsub_endpoint=self.pubsub.address, environment=where)
        self.records(10)
        wait_for(lambda: len(self.pubsub.published) == 10, "all of them")
        self.assertEqual(process.stop(), 0)
        self.assert_signed_in("google.pubsub.v1.Publisher")

    def test_where_there_are_none_it_says_so(self):
        nowhere = {"HOME": str(self.folder), "GOOGLE_APPLICATION_CREDENTIALS": "",
                   "GCE_METADATA_HOST": "127.0.0.1:1"}  # no machine of Google's
        process = self.outward().start(pubsub_endpoint=self.pubsub.address, environment=nowhere)
        self.assertEqual(process.wait(), 2)
        self.assertIn("no application-default credentials", process.err)

    def test_a_file_that_is_no_key_is_said(self):
        process = self.outward().start(**self.settings, pubsub_credentials_file=self.write("no.json", "{}"))
        self.assertEqual(process.wait(), 2)
        self.assertRegex(process.err, "no.json: no key of a service account")

    def test_a_server_that_another_authority_vouches_for_gets_nothing(self):
        other = Authority(self.folder, "other")
        process = self.outward().start(**{**self.settings, "pubsub_ca_file": other.certificate},
                                       pubsub_credentials_file=self.account)
        self.records(10)
        process.wait_for_line("startup.check.*TLS fails")
        self.assertEqual(self.pubsub.published, [])
        self.assertEqual(dict(self.pubsub.authorizations), {})
        process.stop()
