"""HTTP servers that a test needs beside the real registry."""
import http.server
import threading
import urllib.error
import urllib.request


def serve(test, handler, **attributes):
    """Starts a server, with these attributes, until the test's end; gives its URL."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    for name, value in attributes.items():
        setattr(server, name, value)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    test.addCleanup(thread.join)
    test.addCleanup(server.server_close)
    test.addCleanup(server.shutdown)
    return f"http://127.0.0.1:{server.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body, kind="application/vnd.schemaregistry.v1+json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class WebSite(Handler):
    def do_GET(self):  # pylint: disable=invalid-name
        self.answer(200, b"<html><body>Welcome!</body></html>", "text/html")

    do_POST = do_GET


class RegistryProxy(Handler):
    """Passes everything on to server.registry, but takes no schema under the subject server.failing, and has nothing of
    what lies under the path server.away; server.asked, where there is such a list, gets the path of each request."""

    def do_GET(self):  # pylint: disable=invalid-name
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        getattr(self.server, "asked", []).append(self.path)
        failing = getattr(self.server, "failing", None)
        away = getattr(self.server, "away", None)
        if self.command == "POST" and self.path.endswith(f"/subjects/{failing}/versions") or \
                away and self.path.startswith(away):
            self.answer(503, b'{"error_code": 50003, "message": "no leader"}')
            return
        request = urllib.request.Request(self.server.registry + self.path, body or None,
                                         {"Content-Type": "application/json"}, method=self.command)
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                self.answer(reply.status, reply.read())
        except urllib.error.HTTPError as refusal:
            self.answer(refusal.code, refusal.read())

    do_POST = do_PUT = do_GET
