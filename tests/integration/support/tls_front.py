"""A server that speaks TLS and passes on to the registry what it lets in, as a proxy in front of a registry does."""
import http.client
import http.server
import os
import socket
import ssl
import threading
import urllib.parse


class TlsFront:
    """Listens at 127.0.0.1. clients: the authority whose certificates a client must have; authorization: the header that
    it must send. The test stops it with stop()."""

    def __init__(self, registry_url, certificate, key, clients=None, authorization=None):
        behind = urllib.parse.urlsplit(registry_url)

        class Handler(http.server.BaseHTTPRequestHandler):
            def setup(self):
                try:
                    self.request.do_handshake()
                except ssl.SSLError:  # the client reads why before the connection goes away
                    with socket.socket(fileno=os.dup(self.request.fileno())) as plain:
                        plain.shutdown(socket.SHUT_WR)
                        while plain.recv(1 << 16):
                            pass
                    raise
                super().setup()

            def answer(self):
                if authorization and self.headers["Authorization"] != authorization:
                    self.send_error(401)
                    return
                there = http.client.HTTPConnection(behind.netloc, timeout=60)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                there.request(self.command, self.path, body, {"Content-Type": "application/json"})
                reply = there.getresponse()
                content = reply.read()
                there.close()
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.headers["Content-Type"])
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.handle_error = lambda *_: None  # of handshakes that are meant to fail
        self.port = self.server.server_address[1]
        self.path = behind.path
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def url(self, host="127.0.0.1"):
        return f"https://{host}:{self.port}{self.path}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
