"""What the visitors of `bench traffic` ask: it reads a request whole, thinks for 20 ms, at /slow for 3 s, and tells its version.

It is ended without a chance to finish: what it had not answered by then would be lost.
"""

import http.server
import time

VERSION = "version 1\n"


class Visited(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(3 if self.path == "/slow" else 0.02)
        self.send_response(200)
        self.send_header("Content-Length", str(len(VERSION)))
        self.end_headers()
        self.wfile.write(VERSION.encode())

    do_GET = do_POST

    def log_message(self, *words):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


Server(("", 8000), Visited).serve_forever()
