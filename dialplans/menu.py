#!/usr/bin/env python3
"""A telephone menu as a web application: `python3 dialplans/menu.py`, then dial 305."""
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

MENU = """<Gather numDigits="1" action="/choice"><Say>Press 1 for the time of day, 2 for Alice.</Say></Gather>
<Say>Goodbye.</Say>"""
CHOICES = {"1": lambda: f"<Say>It is {time.strftime('%H:%M')}.</Say><Redirect>/</Redirect>",
           "2": lambda: "<Say>One moment please.</Say><Dial><Client>alice</Client></Dial>"}


class Menu(BaseHTTPRequestHandler):
    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        verbs = CHOICES.get(form.get("Digits", [""])[0], lambda: MENU)()
        answer = f"<Response>{verbs}</Response>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


ThreadingHTTPServer(("127.0.0.1", 5000), Menu).serve_forever()
