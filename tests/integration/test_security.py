"""A broker that asks who one is and what one may do: what weft says when it is refused."""
from confluent_kafka.admin import (AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType)

from support import OwnCluster, wait_for
from support.processor import Processor

JAAS = ('org.apache.kafka.common.security.plain.PlainLoginModule required '
        'user_admin="admin-secret" user_weft="weft-secret";')


class Rights(OwnCluster):
    cluster_options = {"listeners": ["SASL_PLAINTEXT"], "settings": {
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config": JAAS,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:admin"}}

    def setUp(self):
        super().setUp()
        self.secured = {"bootstrap.servers": self.cluster.addresses("SASL_PLAINTEXT"),
                        "security.protocol": "SASL_PLAINTEXT", "sasl.mechanisms": "PLAIN", "sasl.username": "weft",
                        "sasl.password": "weft-secret"}
        self.processor = Processor(self)

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

    def settings(self, **extra):
        return self.processor.settings(instance="a", **{"log.level": "error"}) | self.secured | extra

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

    def test_without_the_right_to_write_nothing_is_lost_and_the_topic_is_named(self):
        self.allow_all_but_writing_to(self.processor.sink)
        self.processor.send(10)
        result = self.weft("run", settings=self.settings(**{"log.level": "error"}), status=1)
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
