class Tampered(Exception):
    """The repository can't be read as it was."""


class View:
    """A restic repository in a versioned bucket, as it was before anybody could tamper with it.

    A server may add to its repository, so whoever has taken it over may write over what is there; what was there stays
    as an earlier version. Restic never writes an object twice, and all but `config` are named by their sha256: so of
    each object the first version counts that was written since it was last deleted (only the role that prunes can
    delete). Later ones are somebody else's. `at` leaves out what came later than that.

    It is served on the loopback address, read-only, by restic's REST protocol: nothing is copied that isn't needed.
    """

    KINDS = ("data", "index", "keys", "locks", "snapshots")
    CHECKED = ("index", "keys", "snapshots")  # small; restic reads them all, and stops at one that isn't what it says
    V2 = "application/vnd.x.restic.rest.v2"

    def __init__(self, s3: Any, bucket: str, prefix: str, at: datetime.datetime | None = None) -> None:
        """`s3`: a boto3 client; `prefix`: ends with a slash."""
        self.s3, self.bucket, self.prefix = s3, bucket, prefix
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.overwritten: list[str] = []
        self.refused: list[str] = []
        self.since: datetime.datetime | None = None
        """When the first of them was written."""
        self._choose(at)
        self._check()

    def _choose(self, at: datetime.datetime | None) -> None:
        versions: dict[str, list[tuple[bool, dict[str, Any]]]] = {}
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=self.prefix):
            for deleted, found in ((False, "Versions"), (True, "DeleteMarkers")):
                for version in page.get(found, ()):
                    if at is None or version["LastModified"] <= at:
                        versions.setdefault(version["Key"], []).append((deleted, version))
        for key, found in versions.items():
            # The newest first. Times are whole seconds: of two in one, S3 says which is the latest; else the deletion.
            found.sort(key=lambda each: (each[1]["LastModified"], each[1]["IsLatest"], each[0]), reverse=True)
            since = [version for deleted, version in itertools.takewhile(lambda each: not each[0], found)]
            if not since:
                continue
            parts = key[len(self.prefix) :].split("/")
            kind, name = parts[0], parts[-1]
            if parts != ["config"] and (kind not in self.KINDS or len(parts) < 2):
                continue
            self.objects[kind, "" if kind == "config" else name] = since[-1]
            if len(since) > 1:
                self.overwritten.append(key)
                self._tampered(since[-2])

    def _tampered(self, version: dict[str, Any]) -> None:
        self.since = min(self.since or version["LastModified"], version["LastModified"])

    def _check(self) -> None:
        for kind, name in [each for each in self.objects if each[0] in self.CHECKED]:
            if hashlib.sha256(self.read(kind, name)).hexdigest() != name:
                self.refused.append(f"{kind}/{name}")
                self._tampered(self.objects[kind, name])
                del self.objects[kind, name]

    def read(self, kind: str, name: str, extent: str | None = None) -> bytes:
        """The content of an object, or of a part of it (an HTTP range)."""
        version = self.objects[kind, name]
        wanted = {"Bucket": self.bucket, "Key": version["Key"], "VersionId": version["VersionId"]}
        return self.s3.get_object(**wanted, **({"Range": extent} if extent else {}))["Body"].read()

    @contextlib.contextmanager
    def served(self) -> Iterator[str]:
        """Serve the repository; yields its name for restic (`restic --no-lock -r …`)."""
        view = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 300

            def do_HEAD(self) -> None:
                self.do_GET()

            def do_GET(self) -> None:
                kind, _, name = self.path.partition("?")[0].strip("/").partition("/")
                if kind in view.KINDS and not name:
                    names = [(n, found["Size"]) for (k, n), found in view.objects.items() if k == kind]
                    listed = json.dumps([{"name": name, "size": size} for name, size in sorted(names)])
                    self._say(200, listed.encode(), view.V2)
                elif (kind, name) not in view.objects:
                    self._say(404)
                elif self.command == "HEAD":
                    self._say(200, size=view.objects[kind, name]["Size"])
                else:
                    extent = self.headers.get("Range")
                    self._say(206 if extent else 200, view.read(kind, name, extent))

            def _say(self, code: int, content: bytes = b"", kind: str = "", size: int | None = None) -> None:
                self.send_response(code)
                self.send_header("Content-Type", kind or "application/octet-stream")
                self.send_header("Content-Length", str(len(content) if size is None else size))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Say nothing: restic tells what goes wrong."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"rest:http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            server.server_close()
