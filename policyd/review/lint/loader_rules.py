"""What other tools lint and this format does not have to: refused at load, or told elsewhere."""

LOADED = (
    ("a misspelt effect, which casbin would ignore", "`unknown-key`: the section is the effect"),
    ("text after a star, which casbin would ignore", "`bad-value`, `bad-path`"),
    ("a matcher that cannot be analysed", "`model-changed`: the model is fixed"),
    ("a chain of roles that is too long, or a circle", "`role-too-deep`, `role-cycle`"),
    ("a role, owner, zone or place that nobody declares", "`undeclared-…`, `unknown-name`"),
    ("a role named like a unit or an integration", "`name-taken`"),
    ("a pattern or a range of levels that covers nothing", "`covers-nothing`"),
    (
        "an exemption without an end, or beyond the days that one may last",
        "`missing-key`, `exemption-too-long`",
    ),
    ("an exemption, rule or place without a reason, ticket or owner", "`missing-key`"),
    ("a field with more than its dataset has", "`field-above-dataset`"),
    ("a wildcard over a public suffix such as `co.uk` or `github.io`", "`wildcard-too-wide`"),
    ("a star within a name, a port or a user in a host, a final dot", "`bad-host`"),
    ("plain http, or another scheme without encryption", "`bad-value`, `bad-url`"),
    ("a path with `..`, `//` or `%2f`", "`bad-path`, `bad-url`"),
    ("a character that nobody can see, or that turns the text around", "`unprintable`"),
)
"""What, and the codes of its findings."""
NOT_HERE = (
    ("a duty that a change drops", "`policyd review`: a region of kind `duty`"),
    ("a label that a change lowers", "`policyd review`: who and what gains by it, as regions"),
    (
        "a rule that no call has matched",
        "the audit log: a window of it proves nothing about what happens once a year",
    ),
    (
        "a path without a label",
        "nowhere: what the catalogue does not have counts as the worst, and is refused",
    ),
)
"""What, and where it is told."""
