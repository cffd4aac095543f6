"""What a program asks of S3 by boto3, through whatever balancer the environment names, with the bucket in the path or, told
`virtual`, in the host; fails at the first wrong answer."""

import hashlib
import hmac
import io
import os
import sys
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError

MIB = 1024 * 1024
BUCKET = "clients"
STYLE = sys.argv[1] if len(sys.argv) > 1 else "path"
s3 = boto3.client(
    "s3", config=Config(signature_version="s3v4", retries={"max_attempts": 0}, s3={"addressing_style": STYLE})
)
served_by = set()


def note(http_response, **_):
    served_by.add(http_response.headers.get("X-Served-By"))


s3.meta.events.register("after-call.s3", lambda http_response, **rest: note(http_response, **rest))


def body(key):
    return s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def refused(status, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status, error
    else:
        raise AssertionError(f"{call.__name__} was not refused")


def objects():
    s3.put_object(Bucket=BUCKET, Key="a/\u00e9 b+c", Body=b"hello", Metadata={"colour": "green"})
    head = s3.head_object(Bucket=BUCKET, Key="a/\u00e9 b+c")
    assert (head["ContentLength"], head["Metadata"]) == (5, {"colour": "green"}), head
    assert body("a/\u00e9 b+c") == b"hello"
    part = s3.get_object(Bucket=BUCKET, Key="a/\u00e9 b+c", Range="bytes=1-3")
    assert part["Body"].read() == b"ell" and part["ResponseMetadata"]["HTTPStatusCode"] == 206
    s3.copy_object(Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": "a/\u00e9 b+c"})
    assert body("copy") == b"hello"
    refused(404, s3.get_object, Bucket=BUCKET, Key="missing")


def listing():
    keys = [f"many/{number:02}" for number in range(25)]
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="many/", PaginationConfig={"PageSize": 10})
    assert [one["Key"] for page in pages for one in page["Contents"]] == keys
    folders = s3.list_objects_v2(Bucket=BUCKET, Delimiter="/")["CommonPrefixes"]
    assert {"Prefix": "many/"} in folders, folders
    gone = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in keys]})
    assert len(gone["Deleted"]) == 25 and s3.list_objects_v2(Bucket=BUCKET, Prefix="many/")["KeyCount"] == 0


def multipart():
    large = os.urandom(20 * MIB)
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4)
    s3.upload_fileobj(io.BytesIO(large), BUCKET, "large", Config=config)
    got = io.BytesIO()
    s3.download_fileobj(BUCKET, "large", got, Config=config)
    assert got.getvalue() == large
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="joined")["UploadId"]
    here = {"Bucket": BUCKET, "Key": "joined", "UploadId": upload}
    first = s3.upload_part_copy(PartNumber=1, CopySource={"Bucket": BUCKET, "Key": "large"}, **here)["CopyPartResult"]
    last = s3.upload_part(PartNumber=2, Body=b"the end", **here)
    assert [part["PartNumber"] for part in s3.list_parts(**here)["Parts"]] == [1, 2]
    parts = [{"PartNumber": 1, "ETag": first["ETag"]}, {"PartNumber": 2, "ETag": last["ETag"]}]
    s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **here)
    assert body("joined") == large + b"the end"
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="given up")["UploadId"]
    s3.abort_multipart_upload(Bucket=BUCKET, Key="given up", UploadId=upload)
    refused(404, s3.list_parts, Bucket=BUCKET, Key="given up", UploadId=upload)


class ChunkedAuth(S3SigV4Auth):
    def payload(self, request):
        return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


def chunked_signing():
    """A body in chunks, each signed with the signature before it, as the SDKs for Java send it."""
    data = os.urandom(150_000)
    chunks = [data[start : start + 65_536] for start in range(0, len(data), 65_536)] + [b""]
    length = sum(len(f"{len(chunk):x};chunk-signature=") + 64 + 4 + len(chunk) for chunk in chunks)
    headers = {
        "Content-Encoding": "aws-chunked",
        "Content-Length": str(length),
        "X-Amz-Content-SHA256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "X-Amz-Decoded-Content-Length": str(len(data)),
    }
    url = f"{s3.meta.endpoint_url}/{BUCKET}/chunked"
    if STYLE == "virtual":
        url = f"{s3.meta.endpoint_url}/chunked".replace("://", f"://{BUCKET}.")
    request = AWSRequest("PUT", url, headers=headers, data=b"")
    credentials = boto3.Session().get_credentials().get_frozen_credentials()
    auth = ChunkedAuth(credentials, "s3", s3.meta.region_name)
    auth.add_auth(request)
    time = request.context["timestamp"]
    scope = f"{time[:8]}/{s3.meta.region_name}/s3/aws4_request"
    key = f"AWS4{credentials.secret_key}".encode()
    for word in scope.split("/"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    signature = request.headers["Authorization"].rpartition("Signature=")[2]
    sent = b""
    for chunk in chunks:
        digests = [hashlib.sha256(part).hexdigest() for part in (b"", chunk)]
        text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", time, scope, signature, *digests])
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        sent += f"{len(chunk):x};chunk-signature={signature}\r\n".encode() + chunk + b"\r\n"
    assert len(sent) == length
    put = urllib.request.Request(request.url, data=sent, headers=dict(request.headers.items()), method="PUT")
    with urllib.request.urlopen(put) as answer:
        assert answer.status == 200
    assert body("chunked") == data, "the frames around chunks are no part of the object"


def presigned():
    where = {"Bucket": BUCKET, "Key": "presigned"}
    put = urllib.request.Request(s3.generate_presigned_url("put_object", where), data=b"by URL", method="PUT")
    with urllib.request.urlopen(put) as answer:
        assert answer.status == 200
    with urllib.request.urlopen(s3.generate_presigned_url("get_object", where)) as answer:
        assert answer.read() == b"by URL"


def conditional():
    s3.put_object(Bucket=BUCKET, Key="once", Body=b"first", IfNoneMatch="*")
    refused(412, s3.put_object, Bucket=BUCKET, Key="once", Body=b"second", IfNoneMatch="*")
    assert body("once") == b"first"
    tag = s3.head_object(Bucket=BUCKET, Key="once")["ETag"]
    s3.put_object(Bucket=BUCKET, Key="once", Body=b"third", IfMatch=tag)
    refused(412, s3.put_object, Bucket=BUCKET, Key="once", Body=b"fourth", IfMatch=tag)
    assert body("once") == b"third"


def tagging():
    where = {"Bucket": BUCKET, "Key": "copy"}
    tags = [{"Key": "team", "Value": "storage"}]
    s3.put_object_tagging(Tagging={"TagSet": tags}, **where)
    assert s3.get_object_tagging(**where)["TagSet"] == tags
    s3.delete_object_tagging(**where)
    assert s3.get_object_tagging(**where)["TagSet"] == []


def odd_keys():
    """What Ozone stores under another name where the bucket is in the host is refused there."""
    for key in ("a;v=1", "per%41cent", "curly{x}"):
        where = {"Bucket": BUCKET, "Key": key}
        if STYLE == "virtual":
            for call in (s3.put_object, s3.get_object, s3.head_object, s3.delete_object):
                refused(501, call, **where)
        else:
            s3.put_object(Body=key.encode(), **where)
            assert body(key) == key.encode()


s3.create_bucket(Bucket=BUCKET)
for part in (objects, listing, multipart, chunked_signing, presigned, conditional, tagging, odd_keys):
    part()
for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]:
    s3.delete_object(Bucket=BUCKET, Key=one["Key"])
s3.delete_bucket(Bucket=BUCKET)
print(*sorted(name for name in served_by if name))
