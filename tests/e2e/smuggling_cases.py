"""A corpus of requests that parsers have disagreed about, and what a strict one makes of each.

A case is a name, raw bytes, and the targets of the requests that the bytes are (RFC 9112): the
node answers each, and its upstream sees exactly those. No targets: the node refuses the first one
and closes. Every case ends with `FOLLOW`, a request that must be seen as itself or not at all,
and hides a request for /smuggled where a laxer parser would find one.
"""

FOLLOW = b"GET /follow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
HIDDEN = b"GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n"


def post(*lines, body=b"", version=b"1.1"):
    head = b"\r\n".join([b"POST /first HTTP/" + version, b"host: x", *lines])
    return head + b"\r\n\r\n" + body


def chunked(*chunks, fields=b""):
    return post(b"transfer-encoding: chunked", body=b"".join(chunks) + fields)


def framing_conflicts():
    """Two answers to the question where the body ends."""
    terms = [
        b"chunked",
        b"Chunked",
        b"CHUNKED",
        b"chunked ",
        b"\tchunked",
        b" chunked",
        b"xchunked",
        b"chunkedx",
        b"chunked, identity",
        b"identity, chunked",
        b"gzip, chunked",
        b"chunked, chunked",
        b"chunked;q=1",
        b'"chunked"',
        b"chu nked",
        b"chunked,",
        b",chunked",
        b"identity",
        b"",
        b"chunked\x0b",
        b"chunked\x00",
        b"chunked\xa0",
        b"\xffchunked",
        b"x: chunked",
    ]
    for term in terms:
        body = b"0\r\n\r\n" + HIDDEN
        length = b"content-length: %d" % len(body)
        field = b"transfer-encoding: " + term
        yield f"te {term!r} before a length", post(field, length, body=body), []
        yield f"te {term!r} after a length", post(length, field, body=body), []
    for term in terms[6:]:
        yield f"te {term!r} alone", post(b"transfer-encoding: " + term, body=b"0\r\n\r\n"), []
    twice = post(b"transfer-encoding: chunked", b"transfer-encoding: identity", body=b"0\r\n\r\n")
    yield "two transfer codings", twice, []
    yield (
        "a coding in HTTP/1.0",
        post(b"transfer-encoding: chunked", body=b"0\r\n\r\n", version=b"1.0"),
        [],
    )


def lengths():
    for text in [
        b"+5",
        b"-5",
        b"5 5",
        b"5,5",
        b"5, 6",
        b"0x5",
        b"5.0",
        b"5e0",
        b"",
        b"five",
        b"5\x00",
        b"18446744073709551621",
        b"99999999999999999999999999",
        b"5;",
        b"'5'",
        b"\xd9\xa5",
        b"1_0",
        b"5\x0b",
        b"--5",
        b"5 ,",
        b"9223372036854775808",
        b"18446744073709551615",
    ]:
        yield f"length {text!r}", post(b"content-length: " + text, body=b"hello"), []
    hidden = b"content-length: %d" % len(HIDDEN)
    yield "two lengths that agree", post(hidden, hidden, body=HIDDEN), []
    yield "two lengths that do not", post(hidden, b"content-length: 0", body=HIDDEN), []
    yield (
        "a length with white space around",
        post(b"content-length: \t 5 ", body=b"hello"),
        ["/first"],
    )
    yield "a request in a body is a body", post(hidden, body=HIDDEN), ["/first"]


def field_lines():
    body = b"content-length: 5"
    for name in [
        b"content-length : 5",
        b"content-length\t: 5",
        b" content-length: 5",
        b"\tcontent-length: 5",
        b"content-length\x00: 5",
        b"\x0bcontent-length: 5",
        b"content length: 5",
        b": 5",
        b"content-length",
        b"content-length\xa0: 5",
        b"content-length(: 5",
        b"\xffx: 5",
        b"transfer-encoding : chunked",
        b"transfer-encoding\r: chunked",
        b"x: a\r\n folded: b",
        b"x: a\r\n\tfolded",
        b"x: a\x00b",
        b"x: a\rb",
        b"x: a\nb",
        b"x: a\r\r\nb: c",
    ]:
        yield f"field line {name!r}", post(name, body=b"hello"), []
    for nominated in [b"content-length", b"transfer-encoding", b"host", b"Content-Length"]:
        lines = (body, b"connection: " + nominated)
        yield f"connection names {nominated!r}", post(*lines, body=b"hello"), []
    yield (
        "a name with an underscore is another name",
        post(body, b"content_length: 0", body=b"hello"),
        ["/first"],
    )


def line_endings():
    yield "bare LF after the request line", b"GET /first HTTP/1.1\nhost: x\r\n\r\n", []
    yield "bare LF after a field", b"GET /first HTTP/1.1\r\nhost: x\n\r\n", []
    yield "bare LF as the empty line", b"GET /first HTTP/1.1\r\nhost: x\r\n\n", []
    yield "bare LF everywhere", b"GET /first HTTP/1.1\nhost: x\n\n", []
    yield "bare CR after the request line", b"GET /first HTTP/1.1\rhost: x\r\n\r\n", []
    yield "CR CR LF", b"GET /first HTTP/1.1\r\r\nhost: x\r\n\r\n", []
    yield "LF CR", b"GET /first HTTP/1.1\n\rhost: x\r\n\r\n", []
    yield "a form feed for a line end", b"GET /first HTTP/1.1\x0chost: x\r\n\r\n", []


def request_lines():
    for line in [
        b"GET  /first HTTP/1.1",
        b"GET /first  HTTP/1.1",
        b"GET\t/first\tHTTP/1.1",
        b"GET /first HTTP/1.1 ",
        b"GET /first",
        b"GET /first HTTP/1.10",
        b"GET /first HTTP/1",
        b"GET /first HTTP/11",
        b"GET /first HTTP/2.0",
        b"GET /first http/1.1",
        b"GET /first HTTP/1.1\x00",
        b"GET /fi\x00rst HTTP/1.1",
        b"GET /fi rst HTTP/1.1",
        b"GET first HTTP/1.1",
        b" GET /first HTTP/1.1",
        b"G(ET /first HTTP/1.1",
        b"GET\x00 /first HTTP/1.1",
        b"GET /first HTTP/-1.1",
        b"GET /first HTTQ/1.1",
        b"GET /fi\xffrst HTTP/1.1",
        b"GET /fi\x7frst HTTP/1.1",
        b"GET http:///first HTTP/1.1",
        b"GET /first#part HTTP/1.1",
        b"\xef\xbb\xbfGET /first HTTP/1.1",
        b"CONNECT /first HTTP/1.1",
        b"GET * HTTP/1.1",
    ]:
        yield f"request line {line!r}", line + b"\r\nhost: x\r\n\r\n", []


def hosts():
    for lines in [
        [],
        [b"host: x", b"host: x"],
        [b"host: x", b"host: y"],
        [b"host: x y"],
        [b"host: x/path"],
        [b"host: user@x"],
        [b"host: x, y"],
        [b"host: x:port"],
        [b"host: x:99999"],
        [b"host: x\x00y"],
        [b"host: x\\y"],
        [b"host: [::1"],
        [b"host : x"],
    ]:
        head = b"\r\n".join([b"GET /first HTTP/1.1", *lines])
        yield f"hosts {lines!r}", head + b"\r\n\r\n", []
    yield (
        "the authority of an absolute target counts",
        b"GET http://x/first HTTP/1.1\r\nhost: y\r\n\r\n",
        ["/first"],
    )


def chunks():
    good = (b"5\r\nhello\r\n", b"0\r\n\r\n")
    yield "chunks", chunked(*good), ["/first"]
    yield "a chunk extension", chunked(b"5;a=b\r\nhello\r\n", b"0;c\r\n\r\n"), ["/first"]
    yield (
        "a request in a chunk",
        chunked(b"%x\r\n%s\r\n" % (len(HIDDEN), HIDDEN), b"0\r\n\r\n"),
        ["/first"],
    )
    for size in [
        b"0x5",
        b"+5",
        b"-5",
        b" 5",
        b"5 5",
        b"",
        b"g",
        b"5,",
        b"5\x00",
        b"5_",
        b"1" + b"0" * 16,
        b"ffffffffffffffff",
        b"8000000000000000",
        b"5\n",
        b"5\r",
        b"5\t",
        b"5;a\nb",
        b"5;a\x00b",
        b"0" * 5000 + b"5",
    ]:
        yield f"chunk size {size[:20]!r}", chunked(size + b"\r\nhello\r\n", b"0\r\n\r\n"), []
    yield "a chunk longer than it says", chunked(b"5\r\nhello!\r\n", b"0\r\n\r\n"), []
    yield "a chunk shorter than it says", chunked(b"6\r\nhello\r\n", b"0\r\n\r\n" + b"x"), []
    yield "a chunk that ends with LF", chunked(b"5\r\nhello\n", b"0\r\n\r\n"), []
    yield "a chunk size that ends with LF", chunked(b"5\nhello\r\n", b"0\r\n\r\n"), []
    yield "a last chunk that ends with LF", chunked(b"5\r\nhello\r\n", b"0\n\n"), []
    for field in [
        b"content-length: 5",
        b"transfer-encoding: chunked",
        b"host: y",
        b"bad name: 1",
        b"a: b\x00",
        b" folded: 1",
        b"no colon",
        b"a: b\nc: d",
    ]:
        text = chunked(b"5\r\nhello\r\n", b"0\r\n" + field + b"\r\n\r\n")
        yield f"trailer {field!r}", text, []


def upgrades():
    settings = b"http2-settings: AAMAAABkAAQCAAAAAAIAAAAA"
    line = b"connection: upgrade, http2-settings"
    head = b"GET /first HTTP/1.1\r\nhost: x\r\n"
    yield (
        "h2c is not switched to",
        head + line + b"\r\nupgrade: h2c\r\n" + settings + b"\r\n\r\n",
        ["/first"],
    )
    yield (
        "nor with a protocol beside",
        head + line + b"\r\nupgrade: websocket, h2c\r\n" + settings + b"\r\n\r\n",
        ["/first"],
    )


def corpus():
    groups = [
        framing_conflicts,
        lengths,
        field_lines,
        line_endings,
        request_lines,
        hosts,
        chunks,
        upgrades,
    ]
    return [case for group in groups for case in group()]
