"""A Pub/Sub server that does what a test tells it, for what real ones show only now and then.

    pubsub = ScriptedPubSub(self)
    pubsub.deliver([("ack-1", "message-1", b"data")])      one response of a stream
    pubsub.fail_publish = lambda request: grpc.StatusCode.UNAVAILABLE or None
    pubsub.acknowledged, pubsub.published                   what came: ids, messages
    pubsub.authorizations                                   by the name of the service, of all calls
"""
import collections
import queue
from concurrent import futures

import grpc
from google.iam.v1 import iam_policy_pb2
from google.protobuf import empty_pb2
from google.pubsub_v1 import types

from support.pubsub import PROJECT

THREADS = 16  # a stream takes one
LOOK_S = 0.1  # how often a stream without messages looks whether it is still wanted
ACKNOWLEDGE_MAX = 512 << 10  # bytes of a request: https://cloud.google.com/pubsub/quotas#resource_limits


class Listening(grpc.ServerInterceptor):
    """Notes who calls."""

    def __init__(self, authorizations):
        self.authorizations = authorizations

    def intercept_service(self, continuation, handler_call_details):
        service = handler_call_details.method.split("/")[1]
        self.authorizations[service].add(dict(handler_call_details.invocation_metadata).get("authorization"))
        return continuation(handler_call_details)


class ScriptedPubSub:
    def __init__(self, test, certificate=None):
        """certificate: files of one and of its key; the server speaks TLS then."""
        self.responses = queue.Queue()
        self.acknowledged, self.published = [], []
        self.fail_publish = lambda request: None
        self.granted = None  # permissions; None: it does not know about any, as an emulator
        self.authorizations = collections.defaultdict(set)
        server = grpc.server(futures.ThreadPoolExecutor(THREADS), interceptors=[Listening(self.authorizations)],
                             options=[("grpc.max_receive_message_length", -1)])
        server.add_generic_rpc_handlers((self.publisher(), self.subscriber(), self.policy()))
        if certificate:
            chain, key = (path.read_bytes() for path in certificate)
            port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, chain)]))
        else:
            port = server.add_insecure_port("127.0.0.1:0")
        self.address = f"127.0.0.1:{port}"
        self.environment = {} if certificate else {"PUBSUB_EMULATOR_HOST": self.address}
        server.start()
        test.addCleanup(server.stop, None)

    @staticmethod
    def topic(name):
        return f"{PROJECT}/topics/{name}"

    @staticmethod
    def subscription(topic, **_):
        return topic.replace("/topics/", "/subscriptions/")

    def deliver(self, received):
        """received: ids of acknowledgement, ids of messages, data."""
        self.responses.put([{"ack_id": ack_id, "message": {"message_id": name, "data": data}}
                            for ack_id, name, data in received])

    def publisher(self):
        return grpc.method_handlers_generic_handler("google.pubsub.v1.Publisher", {
            "GetTopic": grpc.unary_unary_rpc_method_handler(
                lambda request, _: types.Topic(name=request.topic),
                types.GetTopicRequest.deserialize, types.Topic.serialize),
            "Publish": grpc.unary_unary_rpc_method_handler(
                self.publish, types.PublishRequest.deserialize, types.PublishResponse.serialize)})

    def subscriber(self):
        return grpc.method_handlers_generic_handler("google.pubsub.v1.Subscriber", {
            "GetSubscription": grpc.unary_unary_rpc_method_handler(
                lambda request, _: types.Subscription(
                    name=request.subscription, topic=request.subscription.replace("/subscriptions/", "/topics/")),
                types.GetSubscriptionRequest.deserialize, types.Subscription.serialize),
            "StreamingPull": grpc.stream_stream_rpc_method_handler(
                self.pull, types.StreamingPullRequest.deserialize, types.StreamingPullResponse.serialize),
            "Acknowledge": grpc.unary_unary_rpc_method_handler(  # the bytes, whose number is what matters
                self.acknowledge, None, empty_pb2.Empty.SerializeToString),
            "ModifyAckDeadline": grpc.unary_unary_rpc_method_handler(
                lambda request, _: empty_pb2.Empty(),
                types.ModifyAckDeadlineRequest.deserialize, empty_pb2.Empty.SerializeToString)})

    def policy(self):
        return grpc.method_handlers_generic_handler("google.iam.v1.IAMPolicy", {
            "TestIamPermissions": grpc.unary_unary_rpc_method_handler(
                self.permissions, iam_policy_pb2.TestIamPermissionsRequest.FromString,
                iam_policy_pb2.TestIamPermissionsResponse.SerializeToString)})

    def permissions(self, request, context):
        if self.granted is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "not here")
        return iam_policy_pb2.TestIamPermissionsResponse(permissions=self.granted & set(request.permissions))

    def publish(self, request, context):
        if code := self.fail_publish(request):
            context.abort(code, "as the test says")
        self.published += request.messages
        return types.PublishResponse(message_ids=[m.attributes["kafka.offset"] for m in request.messages])

    def acknowledge(self, request, context):
        if len(request) > ACKNOWLEDGE_MAX:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the request is too large")
        self.acknowledged += types.AcknowledgeRequest.deserialize(request).ack_ids
        return empty_pb2.Empty()

    def pull(self, _, context):
        while context.is_active():
            try:
                yield types.StreamingPullResponse(received_messages=self.responses.get(timeout=LOOK_S))
            except queue.Empty:
                pass
