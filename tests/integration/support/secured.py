"""A broker that asks who one is and what one may do."""
import json
import shlex

from cluster import tool
from support.case import OwnCluster
from support.processor import Processor


class SecuredCluster(OwnCluster):
    """PLAINTEXT is open to all, for the test's own clients; on `listener` a client is let in as `user`, and may do there
    what it has been given rights to. self.secured are the settings that such a client needs."""

    user, password = "weft", "weft-secret"
    listener, mechanism = "SASL_PLAINTEXT", "PLAIN"
    listeners = (listener,)

    def cluster_options(self):
        jaas = ("org.apache.kafka.common.security.plain.PlainLoginModule required "
                f'user_admin="admin-secret" user_{self.user}="{self.password}";')
        return {"listeners": self.listeners, "settings": {
            "sasl.enabled.mechanisms": self.mechanism,
            f"listener.name.{self.listener.lower()}.plain.sasl.jaas.config": jaas,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS;User:admin"}}

    def setUp(self):
        super().setUp()
        self.secured = {"bootstrap.servers": self.cluster.addresses(self.listener),
                        "security.protocol": self.listener, "sasl.mechanisms": self.mechanism,
                        "sasl.username": self.user, "sasl.password": self.password}
        self.processor = Processor(self)

    def settings(self, **extra):
        return self.processor.settings(instance="a", **{"log.level": "error"}) | self.secured | extra

    def printed_rights(self, principal):
        """What `weft topology plan --acls` prints for the processor: commands for Kafka's own tool, cut into words."""
        self.write("rights.yaml", json.dumps({"topology": "test", "processors": [
            {"name": "predict", "source": self.processor.source, "sink": self.processor.sink,
             "dead_letters": self.processor.dead_letters}]}))
        shown = self.weft("topology plan", "rights.yaml", "--acls", "--principal", principal,
                          settings={"group.id": self.processor.group}).out
        return [shlex.split(line) for line in shown.splitlines() if not line.startswith("#")]

    def give(self, commands):
        for command in commands:
            self.assertEqual(command[0], "kafka-acls.sh")
            given = tool("org.apache.kafka.tools.AclCommand", *command[1:], capture_output=True, text=True)
            self.assertEqual(given.returncode, 0, given.stdout + given.stderr)
