"""
flaky.py - stands in front of an S3 server on loopback and spoils some of its requests, by chance from a seed.

  python3 flaky.py PORT SERVERPORT SEED PERCENT

Plain HTTP on both sides; everything else is passed on as it is, so signatures stay good. What is spoiled is, each as
likely as the others: not passed on, and answered with 503 SlowDown, or with an end of the connection; passed on, and
the answer left out, or cut in the middle. So a PUT that failed may have stored its object. One line on stdout for each
request: method, path, and "passed" or what became of it.
"""
import http.client
import http.server
import random
import sys
import threading

SLOW_DOWN = b'<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>by chance</Message></Error>'
HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding")

port, server_port, seed, percent = (int(word) for word in sys.argv[1:5])
chance = random.Random(seed)
one_at_a_time = threading.Lock()


def fate():
    with one_at_a_time:
        return chance.choice(("busy", "closed", "lost", "cut")) if chance.random() * 100 < percent else "passed"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_request(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        what = fate()
        print(self.command, self.path, what, flush=True)
        if what == "busy":
            self.answer(503, [("Content-Type", "application/xml")], SLOW_DOWN)
        elif what == "closed":
            self.close_connection = True
        else:
            self.pass_on(body, what)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_request

    def pass_on(self, body, what):
        server = http.client.HTTPConnection("127.0.0.1", server_port, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in (*HOP_BY_HOP, "expect")}
        server.request(self.command, self.path, body=body, headers=headers)
        reply = server.getresponse()
        text = reply.read()
        server.close()
        if what == "lost":
            self.close_connection = True
        else:
            self.answer(reply.status, reply.getheaders(), text, len(text) // 2 if what == "cut" else len(text))

    def answer(self, status, headers, text, sent=None):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in (*HOP_BY_HOP, "content-length"):
                self.send_header(name, value)
        if self.command == "HEAD":
            self.send_header("Content-Length", dict(headers).get("Content-Length", "0"))
        else:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.close_connection = self.close_connection or (sent is not None and sent < len(text))
        if self.command != "HEAD":
            self.wfile.write(text[:sent])


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # a client that went away


Server(("127.0.0.1", port), Handler).serve_forever()
