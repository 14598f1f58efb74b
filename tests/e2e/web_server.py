"""A web server of a test's own: what it answers is the test's to say, the rest stands here."""

import http.server
import json
import threading


class Answers(http.server.BaseHTTPRequestHandler):
    """To be derived from: do_GET and its like."""

    protocol_version = "HTTP/1.1"

    def body(self):
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def reply(self, body=b"", status=200, **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def reply_json(self, document, status=200, **fields):
        self.reply(json.dumps(document).encode(), status, **fields)

    def reply_request(self, **fields):
        """Tells what was asked for, as JSON."""
        self.reply_json({"path": self.path, "fields": dict(self.headers.items())}, **fields)

    def log_message(self, *_):
        pass


class WebServer(http.server.ThreadingHTTPServer):
    """Answers from its making to the end of its block; `asked` is for its handler to keep."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, handler, port=0):
        super().__init__(("127.0.0.1", port), handler)
        self.asked = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *exception):
        self.shutdown()
        super().__exit__(*exception)
