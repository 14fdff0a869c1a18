"""Checks that must be refused: what is sent, and the status, code and words that come back."""

import base64
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.api.calls import ALLOWED
from tests.servers import encode

GOOD = encode(ALLOWED)
MALFORMED, TOO_LARGE, TOO_DEEP = "call-malformed", "call-too-large", "call-too-deep"


@dataclass(frozen=True, slots=True)
class Bad:
    """One request that is refused.

    Attributes:
        name: What is wrong with it.
        body: What is sent.
        said: Words of the message: the place, or the way out.
        headers: Headers beyond or instead of the usual ones; an empty one is left out. `{key}`
            stands for a good key.
    """

    name: str
    body: bytes
    said: str
    status: int = 400
    code: str = MALFORMED
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def changed(**parts: object) -> bytes:
    """The good check with other parts; one that is `...` is left out."""
    return encode({name: part for name, part in (ALLOWED | parts).items() if part is not ...})


def within(part: str, **members: object) -> bytes:
    """The good check with other members in one of its parts."""
    merged = ALLOWED[part] | members
    return changed(**{part: {name: value for name, value in merged.items() if value is not ...}})


def put(text: bytes) -> bytes:
    """The good check with these bytes as the value of an unknown member."""
    return GOOD[:-1] + b', "extra": ' + text + b"}"


def named(name: bytes) -> bytes:
    """The good check with this JSON text as the name of the action."""
    return GOOD.replace(b'"send"', name)


NOT_ONE_OBJECT = [
    Bad("empty", b"", "the body is empty"),
    Bad("blank", b" \r\n\t ", "the body is empty"),
    Bad("cut off", GOOD[:-1], "not JSON"),
    Bad("half of it", GOOD[: len(GOOD) // 2], "not JSON"),
    Bad("twice", GOOD + GOOD, "not JSON"),
    Bad("a comma too many", GOOD[:-1] + b",}", "not JSON"),
    Bad("a comment", GOOD + b"// please", "not JSON"),
    Bad("single quotes", GOOD.replace(b'"', b"'"), "not JSON"),
    Bad("a form", b"subject=sales&action=send", "not JSON"),
    Bad("an array", b"[" + GOOD + b"]", "expected `object`, got `array`"),
    Bad("a string", b'"allow"', "expected `object`, got `str`"),
    Bad("a number", b"7", "expected `object`, got `int`"),
    Bad("null", b"null", "expected `object`, got `null`"),
    Bad("no members", b"{}", "`subject`"),
    Bad("YAML", b"subject: {type: integration}", "not JSON"),
    Bad("compressed", gzip.compress(GOOD), "not UTF-8", headers={"Content-Encoding": "gzip"}),
]

TOO_MUCH = [
    Bad("2 MiB of blanks", b" " * (2 << 20), "1048576 bytes", 413, "body-too-large"),
    Bad("2 MiB", put(b'"' + b"x" * (2 << 20) + b'"'), "1048576", 413, "body-too-large"),
    Bad("1,000 levels", put(b"[" * 1000 + b"]" * 1000), "32 levels", code=TOO_DEEP),
    Bad("1,000 objects", put(b'{"a":' * 1000 + b"1" + b"}" * 1000), "32 levels", code=TOO_DEEP),
    Bad("levels without end", b"[" * 1_000_000, "32 levels", code=TOO_DEEP),
    Bad("33 levels", put(b"[" * 32 + b"]" * 32), "32 levels", code=TOO_DEEP),
    Bad("a long id", within("subject", id="sales/" + "x" * 5000), "4096", code=TOO_LARGE),
    Bad(
        "many fields",
        within("resource", properties={"fields": ["x"] * 2000}),
        "4096",
        400,
        TOO_LARGE,
    ),
]

MANY_MEMBERS = b'{"m1": 1, %s"m1": 1}' % b"".join(b'"n%d": 1, ' % n for n in range(60_000))

TWICE = [
    Bad("subject twice", GOOD[:-1] + b', "subject": {}}', "`subject` is written twice"),
    Bad("name twice", named(b'"send", "name": "read"'), "`name` is written twice"),
    Bad("twice by escape", named(b'"send", "n\\u0061me": "read"'), "`name` is written twice"),
    Bad("unknown twice", put(b'1, "extra": 2'), "`extra` is written twice"),
    Bad("half a pair twice", put(rb'{"\ud800": 1, "\ud800": 2}'), "`?` is written twice"),
    Bad("one of many twice", put(MANY_MEMBERS), "`m1` is written twice"),
    Bad("twice inside unknown", put(b'{"a": 1, "a": 1}'), "`a` is written twice"),
]

NO_COUNTS: tuple[object, ...] = (-1, 1.5, 2**53, "12", True, [], {})
NUMBERS = [
    Bad("NaN", put(b"NaN"), "`NaN` is not a JSON number"),
    Bad("Infinity", put(b"Infinity"), "`Infinity` is not a JSON number"),
    Bad("-Infinity", put(b"[-Infinity]"), "`-Infinity` is not a JSON number"),
    Bad("NaN rows", within("action", properties={"rows": float("nan")}), "`NaN`"),
    Bad("a number too long", put(b"9" * 5000), "not JSON"),
    Bad("hexadecimal", put(b"0x10"), "not JSON"),
    *(
        Bad(
            f"rows {rows!r}",
            within("action", properties={"rows": rows}),
            "`action.properties.rows`",
        )
        for rows in NO_COUNTS
    ),
    Bad(
        "rows beyond a double", named(b'"send", "properties": {"bytes": 1e999}'), "properties.bytes"
    ),
]

MISSING = [
    *(
        Bad(f"no {part}", changed(**{part: ...}), f"`{part}`")
        for part in ("subject", "action", "resource")
    ),
    Bad("no subject type", within("subject", type=...), "`type`"),
    Bad("no subject id", within("subject", id=...), "`id`"),
    Bad("no action name", within("action", name=...), "`name`"),
    Bad("no resource type", within("resource", type=...), "`type`"),
    Bad("no resource id", within("resource", id=...), "`id`"),
]

NO_OBJECTS: tuple[object, ...] = ("alice", None, [], 7, True)
WRONG_TYPES = [
    *(
        Bad(f"{part} is {value!r}", changed(**{part: value}), f"`{part}`")
        for part in ("subject", "action", "resource")
        for value in NO_OBJECTS
    ),
    Bad("subject id is a number", within("subject", id=7), "`subject.id`"),
    Bad("subject id is empty", within("subject", id=""), "`subject.id`"),
    Bad("action name is a number", within("action", name=123), "`action.name`"),
    Bad("action name is null", within("action", name=None), "`action.name`"),
    Bad("action name is a list", within("action", name=["send"]), "`action.name`"),
    Bad("resource id is an object", within("resource", id={}), "`resource.id`"),
    Bad("context is a list", changed(context=[]), "`context`"),
    Bad("context is text", changed(context="x"), "`context`"),
    Bad("endpoint is a list", within("context", endpoint=["crm/api"]), "`context.endpoint`"),
    Bad("method is a number", within("context", method=1), "`context.method`"),
    Bad("fields is text", within("resource", properties={"fields": "*"}), "properties.fields`"),
    Bad("a field is null", within("resource", properties={"fields": [None]}), "fields[0]`"),
    Bad("properties is a list", within("resource", properties=[]), "`resource.properties`"),
    Bad("on behalf of text", within("context", on_behalf_of=["me"]), "on_behalf_of[0]`"),
    Bad("supports text", within("context", supported_obligations="mask"), "supported_obligations`"),
    Bad("include is text", within("context", policyd={"include": "reasons"}), "policyd.include`"),
]

CHARACTERS = [
    Bad("no UTF-8", named(b'"s\xffnd"'), "not UTF-8: byte"),
    Bad("overlong UTF-8", named(b'"\xc0\xaf"'), "not UTF-8: byte"),
    Bad("a surrogate in UTF-8", named(b'"\xed\xa0\x80"'), "not UTF-8: byte"),
    Bad("UTF-8 cut off", GOOD + b"\xe2\x82", "not UTF-8: byte"),
    Bad("UTF-16", GOOD.decode().encode("utf-16"), "not UTF-8: byte"),
    Bad("a byte order mark", b"\xef\xbb\xbf" + GOOD, "not JSON"),
    Bad("half a surrogate pair", named(rb'"\ud800"'), "half of a surrogate pair"),
    Bad("half a pair in an unknown member", put(rb'["\uDFff"]'), "half of a surrogate pair"),
    Bad("half a pair in a name", put(rb'{"\ud83d": 1}'), "half of a surrogate pair"),
    Bad("surrogates swapped", named(rb'"\udc00\ud800"'), "half of a surrogate pair"),
    Bad("a bare line break", named(b'"se\nnd"'), "not JSON"),
    Bad("a bare NUL", named(b'"send\0"'), "not JSON"),
    Bad("an escape that is none", named(rb'"\x41"'), "not JSON"),
    *(
        Bad(
            f"control character {ord(each):04x}", within("subject", id=f"sales/a{each}b"), "control"
        )
        for each in "\0\n\r\t\x1b\x7f\x85\u2028\u2029\ufeff"
    ),
    Bad(
        "a control character in a field",
        within("resource", properties={"fields": ["a\0"]}),
        "control",
    ),
    Bad("a control character in a path", within("context", path="a\r\nHost: b"), "control"),
]

NEARLY_JSON = ["application/jsonp", "application/json-patch+json", "application/json+x"]
CONTENT_TYPES = [
    Bad(
        f"content type {sent!r}",
        GOOD,
        "`Content-Type: application/json`",
        headers={"Content-Type": sent},
    )
    for sent in ["", ";", "json", "text/json", "text/plain", "application/xml", *NEARLY_JSON]
]

BODIES = [
    *NOT_ONE_OBJECT,
    *TOO_MUCH,
    *TWICE,
    *NUMBERS,
    *MISSING,
    *WRONG_TYPES,
    *CHARACTERS,
    *CONTENT_TYPES,
]
"""Refused although the key is good."""


def basic(user: str, password: str) -> str:
    """An Authorization header of Basic."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _unknown(name: str, authorization: str, said: str = "unknown or revoked") -> Bad:
    headers = {"Authorization": authorization}
    return Bad(name, GOOD, said, 401, "unauthenticated", headers)


STRANGERS = [
    _unknown("no key", "", "no key was sent"),
    _unknown("only a scheme", "Bearer"),
    _unknown("an empty key", "Bearer  "),
    _unknown("a made-up key", "Bearer pd_aaaaaaaa_" + "x" * 43),
    _unknown("another scheme", "Token {key}"),
    _unknown("no scheme", "{key}"),
    _unknown("a key cut short", "Bearer {key:.50}"),
    _unknown("a key with more", "Bearer {key}x"),
    _unknown("a key in quotes", 'Bearer "{key}"'),
    _unknown("two keys", "Bearer {key} {key}"),
    _unknown("two schemes", "Bearer Bearer {key}"),
    _unknown("10,000 characters", "Bearer " + "x" * 10_000),
    _unknown("a key and 10,000 more", "Bearer {key}" + "x" * 10_000),
    _unknown("not ASCII", "Bearer pd_aaaaaaaa_schl\xfcssel"),
    _unknown("Basic without password", basic("pd_aaaaaaaa_" + "x" * 43, "")),
    _unknown("Basic, wrong password", basic("anyone", "guess")),
    _unknown("Basic, not base64", "Basic pd_aaaaaaaa_!"),
    _unknown("Basic, not ASCII", "Basic p\xe4ssw\xf6rd"),
    _unknown("Basic, not UTF-8", "Basic " + base64.b64encode(b"a:\xff").decode()),
    _unknown("Basic, no colon", "Basic " + base64.b64encode(b"a").decode()),
    _unknown("Basic, empty", "Basic "),
]
"""Refused because nobody knows who asks, though the check itself is a good one."""
