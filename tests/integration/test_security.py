"""A broker that asks who one is and what one may do: what weft says when it is refused, and what it tells nobody."""
import json
from pathlib import Path

from confluent_kafka.admin import (AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType,
                                   ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion)

from support import wait_for
from support.certificates import Authority
from support.secured import SecuredCluster


class Rights(SecuredCluster):
    def allow(self, kind, name, *operations, pattern=ResourcePatternType.LITERAL):
        bindings = [AclBinding(kind, name, pattern, "User:weft", "*", operation, AclPermissionType.ALLOW)
                    for operation in operations]
        for future in self.kafka.admin.create_acls(bindings).values():
            future.result()

    def allow_all_but_writing_to(self, *refused):
        p = self.processor
        self.allow(ResourceType.TOPIC, p.source, AclOperation.READ, AclOperation.DESCRIBE)
        for topic in (p.sink, p.dead_letters):
            wanted = [AclOperation.DESCRIBE] + ([] if topic in refused else [AclOperation.WRITE])
            self.allow(ResourceType.TOPIC, topic, *wanted)
        self.allow(ResourceType.GROUP, p.group, AclOperation.READ)
        self.allow(ResourceType.TRANSACTIONAL_ID, p.group, AclOperation.WRITE, AclOperation.DESCRIBE,
                   pattern=ResourcePatternType.PREFIXED)

    def test_a_wrong_password_is_said_at_once_and_not_repeated(self):
        result = self.weft("run", settings=self.settings(**{"sasl.password": "guess-1234"}), status=1)
        self.assertRegex(result.err, r"\Aweft: .*refused by .*authentication.*sasl\.password.*\n\Z")
        self.assertNotIn("guess-1234", result.err)

    def test_the_rights_that_are_needed_are_enough(self):
        self.allow_all_but_writing_to()
        instance = self.start_weft("run", settings=self.settings())
        self.processor.send(100)
        wait_for(lambda: self.processor.answered() == 100, "all answers")
        self.assertEqual(instance.stop(), 0)
        self.processor.assert_exactly_once()

    def test_verify_presumes_compaction_where_it_may_not_ask_and_every_request_has_a_key(self):
        p = self.processor
        for topic in (p.source, p.sink, p.dead_letters):
            self.allow(ResourceType.TOPIC, topic, AclOperation.READ, AclOperation.DESCRIBE)
        self.allow(ResourceType.GROUP, p.group, AclOperation.READ)
        instance = p.start()
        producer = self.kafka.producer(**{"transactional.id": "sender"})
        producer.init_transactions(60)
        for i in range(2):
            producer.begin_transaction()
            producer.produce(p.source, p.request(i), key=b"k", partition=0)
            producer.commit_transaction(60)
        wait_for(lambda: len(self.kafka.read(p.sink)) == 2, "both answers")
        # An answer to where a marker stands, as there might have been a request.
        result = self.registry.decode(self.kafka.read(p.sink)[0].value())
        schema_id, _ = self.registry.latest(f"{p.sink}-value")
        result["source"]["offset"] = 1
        self.kafka.produce(p.sink, [self.registry.encode(schema_id, result)])
        presumed = self.weft("verify", settings=self.settings(), status=0).out
        self.assertIn("1 answers are to requests that compaction has taken since, if the topic is compacted: its "
                      "settings could not be read", presumed)
        self.kafka.produce(p.source, [{"value": p.request(2), "partition": 0}])
        wait_for(lambda: len(self.kafka.read(p.sink)) == 4, "the third answer")
        self.assertEqual(instance.stop(), 0)
        self.assertIn("unexpected: partition 0 offset 1", self.weft("verify", settings=self.settings(), status=1).out)

    def test_without_the_right_to_write_nothing_is_lost_and_the_topic_is_named(self):
        self.allow_all_but_writing_to(self.processor.sink)
        self.processor.send(10)
        result = self.weft("run", settings=self.settings(), status=1)
        self.assertRegex(result.err, rf"(?m)^weft: .*{self.processor.sink}.*(?i:authorization failed).*right")
        self.assertEqual(self.processor.answered(), 0)
        self.assertEqual(self.kafka.read(self.processor.sink), [])

    def test_without_the_right_to_read_the_group_the_end_says_so(self):
        self.allow(ResourceType.TOPIC, self.processor.source, AclOperation.READ, AclOperation.DESCRIBE)
        for topic in (self.processor.sink, self.processor.dead_letters):
            self.allow(ResourceType.TOPIC, topic, AclOperation.WRITE, AclOperation.DESCRIBE)
        self.allow(ResourceType.TRANSACTIONAL_ID, self.processor.group, AclOperation.WRITE, AclOperation.DESCRIBE,
                   pattern=ResourcePatternType.PREFIXED)
        result = self.weft("run", settings=self.settings(), status=1)
        self.assertRegex(result.err, r"(?mi)^weft: .*group authorization failed.*right")

    def test_without_the_right_to_transactions_the_end_says_so(self):
        self.allow(ResourceType.TOPIC, self.processor.source, AclOperation.READ, AclOperation.DESCRIBE)
        for topic in (self.processor.sink, self.processor.dead_letters):
            self.allow(ResourceType.TOPIC, topic, AclOperation.WRITE, AclOperation.DESCRIBE)
        result = self.weft("run", settings=self.settings(), status=1)
        self.assertRegex(result.err, r"(?mi)^weft: .*transactional id authorization failed.*right")


class Tls(SecuredCluster):
    """SASL_SSL asks for a password, SSL for a certificate."""

    listener = "SASL_SSL"
    listeners = ("SASL_SSL", "SSL")

    def cluster_options(self):
        self.authority = Authority(self.folder)
        certificate, key = self.authority.issue("broker")
        options = super().cluster_options()
        options["settings"] |= {
            "ssl.keystore.type": "PEM", "ssl.truststore.type": "PEM",
            "ssl.keystore.location": str(self.write("broker-store.pem", key.read_text() + certificate.read_text())),
            "ssl.truststore.location": str(self.authority.certificate),
            "listener.name.ssl.ssl.client.auth": "required"}
        return options

    def setUp(self):
        super().setUp()
        self.secured["ssl.ca.location"] = self.authority.certificate
        certificate, key = self.authority.issue("weft-client", password="key-secret")
        self.by_certificate = {
            "bootstrap.servers": self.cluster.addresses("SSL"), "security.protocol": "SSL",
            "ssl.ca.location": self.authority.certificate, "ssl.certificate.location": certificate,
            "ssl.key.location": key, "ssl.key.password": f"@{self.write('key-password', 'key-secret')}"}

    def assert_answers(self, settings):
        answered = self.processor.answered()
        instance = self.start_weft("run", settings=settings)
        self.processor.send(100, start=answered)
        wait_for(lambda: self.processor.answered() == answered + 100, "all answers")
        self.assertEqual(instance.stop(), 0)

    def test_a_password_or_a_certificate_and_the_printed_rights_are_enough(self):
        self.give(self.printed_rights("User:weft"))
        self.assert_answers(self.settings())
        self.give(self.printed_rights("User:CN=weft-client"))
        self.assert_answers(self.processor.settings(instance="a") | self.by_certificate)
        self.processor.assert_exactly_once()

    def refused(self, says, settings, status=1):
        result = self.weft("run", settings={"log.level": "error"} | self.processor.settings(instance="a") | settings,
                           status=status)
        self.assertRegex(result.err, rf"\Aweft: .*{says}.*\n\Z")
        self.assertNotIn("guess-1234", result.err)

    def test_who_cannot_be_trusted_is_said_with_what_to_check(self):
        other = Authority(self.folder, "other")
        stranger, stranger_key = other.issue("stranger")
        check = ".*check security.protocol, ssl.ca.location, ssl.certificate.location and the names"
        elsewhere = {"bootstrap.servers": self.secured["bootstrap.servers"].replace("127.0.0.1", "localhost")}
        for name, says, settings, status in [
                ("a broker of another authority", "verify failed" + check,
                 self.secured | {"ssl.ca.location": other.certificate}, 1),
                ("a broker under another name", "verify failed" + check, self.secured | elsewhere, 1),
                ("a client of another authority", "refused by" + check, self.by_certificate | {
                    "ssl.certificate.location": stranger, "ssl.key.location": stranger_key, "ssl.key.password": ""}, 1),
                ("a wrong password of the key", "ssl.key", self.by_certificate | {"ssl.key.password": "guess-1234"}, 2)]:
            with self.subTest(name):
                self.refused(says, settings, status)


class Scram(SecuredCluster):
    mechanism = "SCRAM-SHA-512"

    def cluster_options(self):
        options = super().cluster_options()
        options["settings"]["listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config"] = \
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        return options

    def setUp(self):
        super().setUp()
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        user = UserScramCredentialUpsertion(self.user, info, self.password.encode())
        self.kafka.admin.alter_user_scram_credentials([user])[self.user].result()
        self.give(self.printed_rights(f"User:{self.user}"))
        version = self.weft("version", "--json").out
        self.scram_works = tuple(map(int, json.loads(version)["librdkafka"].split("."))) >= (2, 6, 1)

    def test_a_right_password_is_taken_or_the_library_is_said_to_be_too_old(self):
        if not self.scram_works:
            result = self.weft("run", settings=self.settings(), status=1)
            self.assertRegex(result.err, r"\Aweft: .*refused by .*authentication.*older than 2\.6\.1.*\n\Z")
            return
        instance = self.start_weft("run", settings=self.settings())
        self.processor.send(100)
        wait_for(lambda: self.processor.answered() == 100, "all answers")
        self.assertEqual(instance.stop(), 0)
        self.processor.assert_exactly_once()

    def test_a_wrong_password_is_said_and_not_repeated(self):
        result = self.weft("run", settings=self.settings(**{"sasl.password": "guess-1234"}), status=1)
        self.assertRegex(result.err, r"\Aweft: .*refused by .*authentication.*sasl\.password.*\n\Z")
        self.assertNotIn("guess-1234", result.err)
        self.assertEqual("2.6.1" in result.err, not self.scram_works)


class Secrets(SecuredCluster):
    def assert_kept(self, *shown):
        """None of these shows the password for Kafka or that for the registry."""
        for text in shown:
            self.assertNotIn(self.password, text)
            self.assertNotIn("registry-secret", text)

    def test_a_secret_from_a_file_or_the_environment_shows_nowhere(self):
        self.give(self.printed_rights(f"User:{self.user}"))
        password, user_info = self.write("password", self.password + "\n"), self.write("user", "me:registry-secret\n")
        settings = self.settings(**{"log.level": "debug", "debug": "all", "ssl.key.password": f"@{password}"})
        del settings["sasl.password"]
        answered = 0
        for name, files, environment in [
                ("file", {"sasl.password": f"@{password}", "basic.auth.user.info": f"@{user_info}"}, {}),
                ("environment", {}, {"WEFT_SASL_PASSWORD": self.password,
                                     "WEFT_BASIC_AUTH_USER_INFO": "me:registry-secret"})]:
            with self.subTest(name):
                instance = self.start_weft("run", settings=settings | files, environment=environment)
                self.kafka.produce(self.processor.source, [self.processor.request(answered), b"no request"])
                answered += 2
                wait_for(lambda wanted=answered: self.processor.answered() == wanted, "the answers")
                command_line = Path(f"/proc/{instance.pid}/cmdline").read_text()
                self.assertEqual(instance.stop(), 0)
                self.assertIn("sasl.username=weft", command_line)
                self.assertIn("kafka.log", instance.err)
                self.assert_kept(command_line, instance.out, instance.err)
                shown = self.weft("config show", settings=settings | files, environment=environment)
                self.assertRegex(shown.out, r"sasl.password +\(hidden\)")
                self.assertRegex(shown.out, r"basic.auth.user.info +\(hidden\)")
                self.assert_kept(shown.out, shown.err)
                failed = self.weft("run", settings=settings | files | {"sasl.username": "nobody"},
                                   environment=environment, status=1)
                self.assertIn("sasl.password", failed.err)
                self.assert_kept(failed.out, failed.err)
        self.processor.assert_exactly_once(dead=2)
