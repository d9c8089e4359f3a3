#!/usr/bin/env python3
"""Google's Kafka Connect connector for Pub/Sub, run by a standalone worker of Kafka Connect, as it is meant to be.

It speaks TLS only, and to learn of its subscription it asks pubsub.googleapis.com whatever its endpoint is: it finds
that name at the endpoint, too, by a proxy that leads everything there.
"""
import socket
import subprocess
import sys
import threading

import jars
from cluster import HOST, free_port, java
from pathlib import Path
from process import Process

JARS = jars.Pinned("connector", Path(__file__).resolve().parent, "jars",
                   "Kafka Connect and Google's connector (90 MB, once)")
GOOGLE = "pubsub.googleapis.com"
PASSWORD = "changeit"
HEAP = ["-Xms256M", "-Xmx2G"]  # as Kafka's connect-standalone.sh
GARBAGE_COLLECTOR = ["-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
                     "-XX:+ExplicitGCInvokesConcurrent"]  # as kafka-run-class.sh
BYTES = "org.apache.kafka.connect.converters.ByteArrayConverter"
STRING = "org.apache.kafka.connect.storage.StringConverter"


class Connector:
    """outward: from the topic in Kafka to Pub/Sub; else inward. service: what it finds there; see bridge.py."""

    def __init__(self, folder, service, outward, topic, between):
        self.folder, self.authority = folder, service.authority
        project, _, name = between.removeprefix("projects/").split("/")
        connector = {"name": "bench", "cps.project": project, "cps.endpoint": service.address,
                     "gcp.credentials.file.path": service.account, "key.converter": BYTES, "value.converter": BYTES}
        if outward:
            connector |= {"connector.class": "com.google.pubsub.kafka.sink.CloudPubSubSinkConnector", "tasks.max": 2,
                          "topics": topic, "cps.topic": name}
        else:
            # Without headers a message with attributes becomes a structure, which is no bytes.
            connector |= {"connector.class": "com.google.pubsub.kafka.source.CloudPubSubSourceConnector",
                          "tasks.max": 1, "kafka.topic": topic, "cps.subscription": name, "key.converter": STRING,
                          "cps.streamingPull.enabled": "true", "kafka.record.headers": "true"}
        self.connector = self.write("connector.properties", connector)
        self.worker = self.write("worker.properties", {
            "bootstrap.servers": service.kafka, "offset.storage.file.filename": folder / "offsets",
            "listeners": f"http://{HOST}:{free_port()}", "key.converter": BYTES, "value.converter": BYTES})
        self.proxy = Tunnels(service.address)
        self.process = Process(folder, "connector")

    def write(self, name, properties):
        path = self.folder / name
        path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
        return path

    def start(self):
        trust = self.folder / "trust.p12"
        subprocess.run([Path(java()).with_name("keytool"), "-importcert", "-noprompt", "-keystore", trust, "-storepass",
                        PASSWORD, "-file", self.authority], check=True, capture_output=True)
        proxy_host, proxy_port = self.proxy.address
        self.process.start([java(), *HEAP, *GARBAGE_COLLECTOR, f"-Djavax.net.ssl.trustStore={trust}",
                            f"-Djavax.net.ssl.trustStorePassword={PASSWORD}", f"-Dhttps.proxyHost={proxy_host}",
                            f"-Dhttps.proxyPort={proxy_port}", f"-Dhttp.nonProxyHosts={HOST}|localhost",
                            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                            "-cp", str(jars.fetch(JARS) / "jars" / "*"),
                            "org.apache.kafka.connect.cli.ConnectStandalone", self.worker, self.connector], tied=True)

    def stop(self):
        self.process.stop()
        self.proxy.close()


class Tunnels:
    """An HTTP proxy: whatever a client wants to be connected with, it gets the service."""

    def __init__(self, to):
        self.to = to.rsplit(":", 1)
        self.listening = socket.create_server((HOST, 0))
        self.address = self.listening.getsockname()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        request = b""
        while b"\r\n\r\n" not in request:
            if not (more := client.recv(4096)):
                return
            request += more
        server = socket.create_connection(self.to)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=self.pass_on, args=(server, client), daemon=True).start()
        self.pass_on(client, server)

    @staticmethod
    def pass_on(source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # either end has gone
            pass

    def close(self):
        self.listening.close()


if __name__ == "__main__":
    if sys.argv[1:] != ["record"]:
        sys.exit(__doc__)
    jars.record(JARS)
