"""The smallest web application: it greets, and ends when it is asked to."""

import http.server
import signal
import sys

GREETING = "Hello from version 1\n"


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(GREETING.encode())


# The first process of a container ends at SIGTERM only if it says so itself; without this docker waits and kills.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.ThreadingHTTPServer(("", 8000), Hello).serve_forever()
