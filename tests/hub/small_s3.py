"""A bucket in a folder, for a place where nothing else is: the few calls that a hub makes. FOLDER PORT"""

import hashlib
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

FOLDER = Path(sys.argv[1])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, code, body=b"", **headers):
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def path_of(self):
        parts = urlsplit(self.path)
        _, bucket, *key = unquote(parts.path).split("/", 2)
        return FOLDER / bucket, "".join(key), parse_qs(parts.query)

    def do_GET(self):
        bucket, key, query = self.path_of()
        if (FOLDER / "broken").exists() or bucket == FOLDER or not bucket.is_dir():
            self.answer(403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
        elif not key:
            self.answer(200, listing(bucket, query.get("prefix", [""])[0]))
        elif not (bucket / quote(key, "")).is_file():
            self.answer(404, b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>")
        else:
            body = (bucket / quote(key, "")).read_bytes()
            known = self.headers.get("If-None-Match") == etag(body)
            self.answer(304 if known else 200, b"" if known else body, ETag=etag(body))

    def do_PUT(self):
        bucket, key, _ = self.path_of()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        (bucket / quote(key, "")).write_bytes(body)
        self.answer(200, ETag=etag(body))

    def do_POST(self):
        """SNS, CloudWatch: what was asked for is kept, and answered as well as it takes."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with (FOLDER / "posts").open("ab") as posts:
            posts.write(body + b"\n")
        action = parse_qs(body.decode()).get("Action", ["PutMetricData"])[0]
        result = f"<{action}Result><MessageId>1</MessageId></{action}Result>"
        self.answer(200, f"<{action}Response>{result}</{action}Response>".encode())

    def log_message(self, *_):
        """Quiet."""


def etag(body):
    return f'"{hashlib.md5(body).hexdigest()}"'  # noqa: S324 - as S3 does


def listing(bucket, prefix):
    found = [(unquote(path.name), etag(path.read_bytes())) for path in sorted(bucket.iterdir())]
    items = "".join(
        f"<Contents><Key>{escape(key)}</Key><ETag>{escape(tag)}</ETag></Contents>"
        for key, tag in found
        if key.startswith(prefix)
    )
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>".encode()


HTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
