#!/usr/bin/python3
"""Stands in for `ozone scm`, `om`, `datanode` and `s3g`: the pages that are asked for, and S3 on objects in the OM's volume;
and for `ozone sh --execute`, as far as buckets go.

For tests, a gateway
- takes N seconds for a key that begins with `slow-N`,
- answers 500 to signed requests while there is a file /tmp/broken; health checks go on to be well.
"""

import http.client
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

STORE = Path("/data/store")
BROKEN = Path("/tmp/broken")


class Page(BaseHTTPRequestHandler):
    """Answers each request with what `answer` returns: a status, headers and a body."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        status, headers, content = self.answer(body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

    def answer(self, body):
        return 200, {}, b"here\n"

    def query(self):
        pairs = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        return {name: values[0] for name, values in pairs.items()}

    def log_message(self, *_):
        pass


class Jmx(Page):
    """A page with one bean, where that is what is asked for."""

    bean_name = ""
    bean = {}

    def answer(self, body):
        is_asked = f"name={self.bean_name}" in self.query().get("qry", "")
        return 200, {}, json.dumps({"beans": [self.bean] if is_asked else []}).encode()


class Scm(Jmx):
    bean_name = "StorageContainerManagerInfo"
    bean = {
        "InSafeMode": False,
        "SafeModeRuleStatus": [
            {
                "key": "DataNodeSafeModeRule",
                "value": ["registered datanodes (=1) >= required datanodes (=1)", "true"],
            }
        ],
        "ScmRatisRoles": [["scm", "id", "9894", "LEADER"]],
    }


class Om(Jmx):
    """Also keeps the objects, for the gateways: a folder a bucket, a file an object."""

    bean_name = "OzoneManagerInfo"
    bean = {"RatisRoles": [["om", "om", "9872", "LEADER", "LEADER_AND_READY"]]}
    uploads = {}
    lock = threading.Lock()

    def answer(self, body):
        if self.path.startswith("/jmx"):
            return super().answer(body)
        bucket, _, key = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        with self.lock:
            return self.object(bucket, key, body) if key else self.bucket(bucket)

    def bucket(self, name):
        folder, query = STORE / name, self.query()
        if self.command == "PUT":
            if folder.exists():
                return error(409, "BucketAlreadyOwnedByYou")
            folder.mkdir(parents=True)
            return 200, {}, b""
        if not folder.is_dir():
            return error(404, "NoSuchBucket")
        if self.command == "DELETE":
            if any(folder.iterdir()):
                return error(409, "BucketNotEmpty")
            folder.rmdir()
            return 204, {}, b""
        files = [(unquote(file.name), file.stat().st_size) for file in sorted(folder.iterdir())]
        prefix = query.get("prefix", "")
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{size}</Size></Contents>"
            for key, size in files
            if key.startswith(prefix)
        )
        return xml("ListBucketResult", f"<IsTruncated>false</IsTruncated>{rows}")

    def object(self, bucket, key, body):
        folder, query = STORE / bucket, self.query()
        if not folder.is_dir():
            return error(404, "NoSuchBucket")
        file, upload = folder / quote(key, safe=""), query.get("uploadId")
        if self.command == "POST" and "uploads" in query:
            upload = f"upload-{time.monotonic_ns()}"
            self.uploads[upload] = {}
            return xml(
                "InitiateMultipartUploadResult",
                f"<Bucket>{escape(bucket)}</Bucket><Key>{escape(key)}</Key><UploadId>{upload}</UploadId>",
            )
        if upload is not None and upload not in self.uploads:
            return error(404, "NoSuchUpload")
        if self.command == "PUT" and upload:
            number = int(query["partNumber"])
            self.uploads[upload][number] = body
            return 200, {"ETag": f'"part-{number}"'}, b""
        if self.command == "POST" and upload:
            parts = self.uploads.pop(upload)
            write(file, b"".join(parts[number] for number in sorted(parts)))
            return xml("CompleteMultipartUploadResult", '<ETag>"whole"</ETag>')
        if self.command == "DELETE" and upload:
            del self.uploads[upload]
            return 204, {}, b""
        if self.command == "PUT":
            write(file, body)
            return 200, {"ETag": '"object"'}, b""
        if self.command == "DELETE":
            file.unlink(missing_ok=True)
            return 204, {}, b""
        if not file.exists():
            return error(404, "NoSuchKey")
        content = file.read_bytes()
        return 200, {"ETag": '"object"', "Content-Length": str(len(content))}, content


class Gateway(Page):
    """Hands signed requests on to the OM."""

    here = threading.local()

    def answer(self, body):
        is_signed = "Authorization" in self.headers or "X-Amz-Signature" in self.query()
        if not is_signed:
            return error(403, "AccessDenied")
        if BROKEN.exists():
            return error(500, "InternalError")
        key = self.path.split("?")[0].rsplit("/", 1)[-1]
        if key.startswith("slow-"):
            time.sleep(float(key.removeprefix("slow-").split("-")[0]))
        try:
            return self.ask_om(body)
        except (OSError, http.client.HTTPException):
            return error(503, "ServiceUnavailable")

    def ask_om(self, body):
        om = http.client.HTTPConnection("om", 9874, timeout=20)
        try:
            om.request(self.command, self.path, body)
            answer = om.getresponse()
            content = answer.read()
        finally:
            om.close()
        kept = {name: answer.headers[name] for name in ("ETag", "Content-Length") if name in answer.headers}
        return answer.status, kept, content


def shell(commands):
    """Does commands of Ozone's shell, up to the first that fails. What a folder cannot say of its bucket lies beside it."""
    for command in commands:
        print(command)
        _, verb, *options, path = command.split()
        options = dict(option.removeprefix("--").split("=") for option in options)
        folder = STORE / path.removeprefix("/s3v/")
        about = STORE / f".about-{folder.name}"
        known = json.loads(about.read_text()) if about.exists() else {"layout": "obs", "quota": -1}
        if verb == "create" and folder.exists():
            sys.exit("BUCKET_ALREADY_EXISTS Bucket already exist")
        if verb != "create" and not folder.exists():
            sys.exit(f"BUCKET_NOT_FOUND Bucket not found: {path}")
        folder.mkdir(exist_ok=True)
        if "quota" in options:
            power = ["B", "KB", "MB", "GB", "TB"].index(options["quota"].lstrip("0123456789"))
            known["quota"] = int(options["quota"].rstrip("BKMGT")) * 1024**power
        known["layout"] = options.get("layout", known["layout"])
        about.write_text(json.dumps(known))
        if verb == "info":
            layouts = {"fso": "FILE_SYSTEM_OPTIMIZED", "obs": "OBJECT_STORE", "legacy": "LEGACY"}
            info = {"name": folder.name, "bucketLayout": layouts[known["layout"]], "quotaInBytes": known["quota"]}
            print(json.dumps(info, indent=2))


def write(file, content):
    """Writes a file that is there whole or not at all."""
    new = STORE / f".{file.name[:40]}-{time.monotonic_ns()}"
    new.write_bytes(content)
    new.rename(file)


def xml(root, inner):
    text = f'<{root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{inner}</{root}>'
    return 200, {"Content-Type": "application/xml"}, text.encode()


def error(status, code):
    return status, {"Content-Type": "application/xml"}, f"<Error><Code>{code}</Code></Error>".encode()


def serve(port, page):
    server = ThreadingHTTPServer(("", port), page, bind_and_activate=False)
    server.request_queue_size = 128
    server.server_bind()
    server.server_activate()
    threading.Thread(target=server.serve_forever, daemon=True).start()


ROLES = {
    "scm": {9876: Scm},
    "om": {9874: Om},
    "datanode": {9882: Page},
    "s3g": {9878: Gateway, 19878: Page},
}

if __name__ == "__main__" and sys.argv[1] == "sh":
    shell([argument.removeprefix("--execute=") for argument in sys.argv[2:]])
elif __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    # A JVM writes a thread dump and goes on.
    signal.signal(signal.SIGQUIT, lambda *_: print("Full thread dump", flush=True))
    role = sys.argv[1]
    if role == "om":
        STORE.mkdir(exist_ok=True)
    for port, page in ROLES[role].items():
        serve(port, page)
    print(f"{role} serves", flush=True)
    threading.Event().wait()
