"""The words of the check API's reference that no code has: its frame, duties and problems."""

OPENING = """# The check API

<!-- Written from the code by `./run docs`; change it in policyd/api/reference_texts.py. -->

Ask before data moves: `POST /access/v1/evaluation` with one call, or `POST /access/v1/evaluations`
with up to 200. The format is [OpenID AuthZEN 1.0](https://openid.net/specs/authorization-api-1_0.html).
Send your key as `Authorization: Bearer pd_…` (or as the password of Basic), and the body as
`Content-Type: application/json`.

* **200** is a decision, allow or deny: go by `decision` alone. Its record was durable before the
  answer left; `X-Decision-ID` names it (in a batch, item 0 is `id/0`).
* **Anything else** is no decision: do not proceed. The body is `application/problem+json` with a
  `code` that does not change.
* An answer is bare unless you ask for more in `context.policyd.include`: `reasons`,
  `destination` (the one spelling of the URL it is about), `valid-until`, `receipt` (proof that the
  decision is in the signed log: keep it; not where witnesses must cosign the log first, since no
  answer waits for them). Obligations always come.
* The words are closed: subjects are of the type `integration`, resources `dataset`, actions `read`,
  `write`, `send`, `delete`. What else is named is denied, never guessed
  ([why](adr/0014-the-vocabulary-stays-closed.md), and how to map other names).
* Members that policyd does not know are ignored; what it knows has to have the right type.
* `X-Request-ID`, up to 128 printable ASCII characters, comes back with every answer, whatever the
  endpoint, and is recorded with a check.
* `/openapi.json` describes every endpoint, with all the answers it has.
"""

ENDING = """## Batches

`options.evaluations_semantic` is one of {semantics}; the first is the default.
A batch ends after the item that its semantic stops at, and `evaluations` ends there too; what was
skipped is recorded as `not-evaluated`. An item takes what it lacks of `subject`, `action`,
`resource` and `context` from the top, each as a whole. An item that cannot be read is a deny with
`context.error`; the others are not affected. All items are recorded, or none is answered. Without
`evaluations`, or with none in it, a batch is one check and is answered as one.
"""

EXPLAINED = """## Why

`POST /v1/explain` takes the body of a check and tells how its decision would come about: every
check with the rules it goes by, where they are written, who owns them, and what nearly covered the
call; fields with their labels, duties, limits with what is used, exemptions. It needs a key with
the role `builder` (own integrations), `author`, `auditor` or `admin`. It is no answer: it has
`would` and no `decision`, no limit counts it, and it is recorded as a query. One check of the
second example above:

```json
{check}
```
"""

MATCH = """## Where a URL goes

`GET /v1/destinations/match` says what a URL becomes and which listed destination takes it. It is no
decision: it has no `decision`, and nothing may be sent because of it.

* `endpoint` is what a check has as `context.endpoint`, an absolute URL or a connection, with or
  without `path`. `method` and `subject` (an integration, as `unit/name`) are judged if they are
  said. Any other parameter, and one that is sent twice, is refused.
* In the answer `url` is null if it cannot be read in exactly one way, as with a user name, a `..`
  or an odd spelling of an IP address; `destination` is null if no entry takes it. Either way it is
  200, and `reasons` says what a check would.
* `private_addresses` has the only addresses of no public place that a client may connect to
  there. If the name leads to another such address, do not connect.
* `near` has at most {most} entries, the nearest first; `more_near` counts the rest.
* Who may ask: `author`, `auditor` and `admin` about anybody; `builder` about its own integrations,
  or without `subject`; `pep` about its own alone, and it is told no zone, clearance or owner,
  nothing of who else may go there, and nothing that is near.
* The asking is in the log before the answer leaves. A query is cut off before it gets anywhere,
  and a URL that was refused is recorded as `unreadable`.
"""

OBLIGATIONS = {
    "drop-fields": ('{"fields": […]}', "leave these fields out of every row"),
    "tokenise": ('{"fields": […]}', "replace each value of these fields by a token"),
    "mask": ('{"fields": […]}', "replace each value of these fields so that it cannot be read"),
    "row-limit": ('{"rows": n}', "move at most this many rows"),
    "log-outcome": (
        '{"within": "15m"}',
        "report to `POST /v1/outcomes` in this time what became of the call",
    ),
}
"""By type: its properties, and what the caller does."""

_LATER = "wait as long as `Retry-After` says, and ask again; do not proceed meanwhile"
PROBLEMS = {
    "call-malformed": (400, "the request is not one well-formed call", "correct what it names"),
    "call-too-large": (400, "the call is beyond a bound", "name fewer or shorter parts"),
    "call-too-deep": (400, "the body nests too deeply", "send a flatter one"),
    "request-malformed": (
        400,
        "a look-up or explanation lacks a parameter, has one too many, or has no object for a body",
        "correct what it names",
    ),
    "unauthenticated": (
        401,
        "there is no key, one that is unknown or revoked, or more than one",
        "send a live key; an admin makes one with `policyd keys create`",
    ),
    "forbidden": (403, "the key lacks the role `pep`", "ask with a key that has it"),
    "key-out-of-scope": (
        403,
        "the key may not speak for this integration",
        "have an admin make a key that is bound to it, or to its unit",
    ),
    "public-url-unset": (
        404,
        "there is no AuthZEN metadata",
        "start the server with `--public-url`, or set `POLICYD_PUBLIC_URL`",
    ),
    "method-not-allowed": (405, "a check is sent with POST", "send it with POST"),
    "body-too-large": (413, "the body is too large", "send fewer or shorter calls"),
    "internal-error": (500, "the request could not be handled", "see the server's log"),
    "audit-unavailable": (503, "the record could not be made durable, or not in time", _LATER),
    "clock-behind": (503, "the server's clock is behind its log", _LATER),
}
"""By code: its status, what it means, and what to do. Those of all that the page tells of."""
