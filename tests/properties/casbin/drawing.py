"""Cases by chance: every kind of model pycasbin knows, with names made to collide.

The chance comes from outside: Hypothesis's for the tests, which then shrinks what fails, and a
seeded one for the soak, where number and seed alone bring a case back.
"""

from collections.abc import Sequence
from random import Random  # noqa: TID251 - chance is handed in; this names its type
from typing import Any

from tests.properties.casbin.case import EFFECTS, Case, Question, Section, Thing

NAMES = ("u0", "u1", "u2", "r0", "r1", "r2", "c0", "c3")
CHAIN = 12  # links, more than casbin follows
STAMPS = ("_", "0001-01-01 00:00:00", "9999-12-30 00:00:00")

# Values of rules, the odd ones last, so that some cases can do without.
VALUES: dict[str, tuple[str, ...]] = {
    "sub": (*NAMES, "*", "c9", "c10", "root", "/a", ":x"),
    "dom": ("d0", "d1", "*", "d*"),
    "obj": (
        *("/a", "/a/*", "/a/b/*", "/*", "*", "/a/b", "/a*", "/a/*/z*", "/a/q/*", "x*", "x", "grp"),
        *("/:x/b", "/{y}/b", "/{y}/{y}", "/**/b", "u0", "/a/b(", "(/a)/{y}", "[ab]x", "{a,b}x"),
    ),
    "act": ("read", "write", "*", "(read)|(write)", "rea.", "re(ad"),
    "ip": ("10.0.0.0/8", "10.1.2.3", "fd00::/8", "bad"),
    "rule": (
        *("True", "r.sub == 'u0'", "r.act == p.act", "r.sub != r.obj && p.act != '*'", "1.0"),
        *("r.env.level > 2", "r.env.level > 1 && r.env.owner == r.sub", "r.env.level", "1"),
        *(
            "nope",
            "nope()",
            "r.obj +",
            "r.sub.startswith('u')",
            "!(r.act == 'read')",
            "2 ** 2 == 4",
        ),
        *('"(" != "") or (")" == "x"', '"(" == "") or (")" == "x"', "r.env.__class__ == 1"),
        "[x for x in ['u1'] if x == r.sub] == ['u1']",
    ),
    "eft": ("allow", "allow", "allow", "deny", "deny", "Deny", ""),
    "priority": ("1", "2", "10", "10", "-1", "x"),
}
TAME = {"sub": 12, "obj": 13, "act": 3, "rule": 5, "eft": 5, "priority": 4, "ip": 3}

ASKED: dict[str, tuple[Any, ...]] = {
    "sub": (*NAMES, "root", "ghost", "*", "", "/a", "/q"),
    "dom": ("d0", "d1", "d2", "*", ""),
    "obj": (
        *("/a", "/a/", "/a/b", "/a/b/c", "/a/q/z", "/b", "/b/b", "x", "ax", "*", "/a/*", "", "grp"),
        *("u0", "/a/b\n", "/c/d/b", "/:x/b"),
    ),
    "act": ("read", "write", "delete", "*", "reading"),
    "ip": ("10.1.2.3", "11.0.0.1", "fd00::1", "bad"),
    "env": (
        *(Thing(level=3, owner="u0"), {"level": 2, "owner": "u1"}, Thing(level=0.0, owner="")),
        *("text", None, {"level": {"level": 9}}),
    ),
}
ODD: tuple[Any, ...] = (7, None, True, ("a",), ["a"], {"a": 1}, 1.5, Thing(name="u0"), print, eval)

# Parts of matchers by the column they speak about. `ROLES` is a question about roles.
PARTS: dict[str, tuple[str, ...]] = {
    "sub": (
        *("r.sub == p.sub", "p.sub == r.sub", "ROLES", "ROLES", "ROLES", "(ROLES || p.sub == '*')"),
        *(
            '(r.sub == p.sub || p.sub == "*")',
            "(ROLES || g(r.sub, p.sub, 'd1'))",
            "g(p.sub, r.sub)",
        ),
        *(
            "p.sub in ('u0', 'r0', r.sub)",
            "r.sub in p.sub",
            "(g('u0', p.sub) || ROLES)",
            "!(ROLES)",
        ),
    ),
    "dom": (
        *("r.dom == p.dom", "r.dom == p.dom", "(r.dom == p.dom || p.dom == '*')"),
        *("keyMatch(r.dom, p.dom)", "p.dom in [r.dom, '*']"),
    ),
    "obj": (
        *("r.obj == p.obj", "keyMatch(r.obj, p.obj)", "keyMatch(r.obj, p.obj)", "g2(r.obj, p.obj)"),
        *("(keyMatch(r.obj, p.obj) || g2(r.obj, p.obj))", "(r.obj == p.obj || g2(p.obj, r.obj))"),
        *("(g2(r.obj, p.obj) || r.act == p.obj || p.obj == 'x')", "keyMatch2(r.obj, p.obj)"),
        *("keyMatch3(r.obj, p.obj)", "keyMatch4(r.obj, p.obj)", "keyMatch5(r.obj, p.obj)"),
        *("regexMatch(r.obj, p.obj)", "globMatch(r.obj, p.obj)", "keyGet(r.obj, p.obj) != ''"),
        *(
            "keyGet2(r.obj, p.obj, 'x') == 'a'",
            "startsWith(r.obj, p.obj)",
            "keyMatch('/a/b', p.obj)",
        ),
    ),
    "act": (
        *("r.act == p.act", "(r.act == p.act || p.act == '*')", "r.act in ['read', 'write']"),
        *("(r.act == p.act) == True", "regexMatch(r.act, p.act)", "p.act in ('read', '*')"),
    ),
}
EXTRAS = (
    *(
        "r.sub != 'u1'",
        "!(r.obj == '/a/b' && r.act == 'write')",
        "(r.sub == p.sub || r.obj == p.obj)",
    ),
    *("p.sub != p.obj", "keyMatch(r.obj, '/a/*')", "p.act == 'read'", "'a' == 'a'", "r.act in []"),
    *(
        "r.env.level > 2",
        "r.env.owner == r.sub",
        "eval(p.rule)",
        "eval(p.rule)",
        "ipMatch(r.ip, p.ip)",
    ),
    *(
        "r.act in p.act",
        "r.sub",
        "1.0",
        "1",
        "unknown(r.sub)",
        "keyMatch(r.obj)",
        "r.env['level'] > 1",
    ),
    *(
        "(r.act if r.sub == 'u0' else 'read') == p.act",
        "r.sub.startswith('u')",
        "r.sub < p.sub < 'z'",
    ),
    *("r.obj[0] == '/'", "r.obj[:2] == '/a'", "r.sub + p.act == 'u0read'", "-r.env.level < 0"),
    *("r.env.level.level == 9", "[r.sub, r.obj] == [p.sub, p.obj]", "{r.sub} == {p.sub}", "nope"),
    *(
        "{'a': r.sub}['a'] == p.sub",
        "f'{r.sub}' == p.sub",
        "keyMatch(*[r.obj, p.obj])",
        "eval(r.sub)",
    ),
    *(
        "r.sub is p.sub",
        "~r.env.level",
        "r.env.format",
        "(r.sub, p.sub) != (*'ab',)",
        "r.env.level @ 1",
    ),
)
TAME_EXTRAS = 10


def draw_case(chance: Random) -> Case:
    """A case of any kind."""
    return _Drawing(chance).case()


class _Drawing:
    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.has_domains = self.happens(0.5)
        self.has_roles = self.happens(0.85)
        self.is_tame = self.happens(0.6)
        kinds = ("links",) * 6 + ("timed", "patterns", "patterns")
        self.kind = self.one(kinds) if self.has_roles else "none"
        self.effect = self.one(tuple(EFFECTS))

    def one(self, choices: Sequence[Any]) -> Any:
        return choices[self.chance.randrange(len(choices))]

    def happens(self, share: float) -> bool:
        return self.chance.randrange(1000) < share * 1000

    def some(self, choices: Sequence[Any], most: int) -> list[Any]:
        return [self.one(choices) for _ in range(self.chance.randrange(most + 1))]

    def case(self) -> Case:
        sections = [self.section("")]
        if self.happens(0.1):
            sections.append(self.section("2"))
        links = self.links() if self.has_roles else []
        lines = [line for each in sections for line in self.rules(each)] + links
        if self.happens(0.05):
            lines.insert(self.chance.randrange(len(lines) + 1), self.one(self.bad_lines(lines)))
        return Case(
            tuple(sections),
            self.definitions(),
            self.effect,
            tuple(lines),
            tuple(self.setup([line for line in links if line[0] == "g"])),
            tuple(self.question(self.one(sections)) for _ in range(12)),
        )

    def section(self, suffix: str) -> Section:
        columns = ["sub", *(["dom"] if self.has_domains else []), "obj", "act"]
        extras = self.some(EXTRAS[: TAME_EXTRAS if self.is_tame else None], 2)
        parts = [self.part(each) for each in columns if self.happens(0.93)] + extras
        if self.kind == "patterns" and self.happens(0.3):
            parts = ["g2(r.obj, p.obj)"]
        self.chance.shuffle(parts)
        matcher = " && ".join(parts or ["r.sub == p.sub"])
        if len(parts) > 2 and self.happens(0.15):
            matcher = f"({' && '.join(parts[:2])}) && {' && '.join(parts[2:])}"
        if self.happens(0.15):
            matcher += self.one(
                (" || r.sub == 'root'", f" || ({self.roles()})", " || r.obj == p.obj")
            )
        more = [each for each in ("ip", "rule", "env") if f".{each}" in matcher]
        rule = columns + [each for each in more if each != "env"]
        rule += ["eft"] * self.happens(0.85)
        rule = ["priority"] * (self.effect == "priority" and self.happens(0.5)) + rule
        asks = columns + [each for each in ("env", "ip") if each in more or "rule" in more]
        for letter in "rp":
            matcher = matcher.replace(f"{letter}.", f"{letter}{suffix}.")
        return Section(suffix, tuple(asks), tuple(rule), matcher)

    def part(self, column: str) -> str:
        if self.kind == "patterns" and column == "obj" and self.happens(0.4):
            return "g2(r.obj, p.obj)"
        part: str = self.one(PARTS[column])
        return part.replace("ROLES", self.roles() if self.has_roles else "r.sub == p.sub")

    def roles(self) -> str:
        if not self.has_roles:
            return "r.sub == 'root'"
        usual = "g(r.sub, p.sub, r.dom)" if self.has_domains else "g(r.sub, p.sub)"
        column = "dom" if self.has_domains else "obj"
        odd = ("g(r.sub, p.sub, 'd0')", "g(r.sub, p.sub)", f"g(r.sub, p.sub, p.{column})")
        return self.one((*[usual] * 10, *odd))  # type: ignore[no-any-return]

    def definitions(self) -> dict[str, str]:
        if not self.has_roles:
            return {}
        conditions = ", (_, _)" if self.kind == "timed" else ""
        return {"g": f"_, _{', _' if self.has_domains else ''}{conditions}", "g2": "_, _"}

    def rules(self, section: Section) -> list[tuple[str, ...]]:
        values = dict(VALUES)
        if self.kind == "patterns":
            values["obj"] = ("grp", "grp", "grp", "x", *values["obj"])
        if self.is_tame:
            values |= {name: values[name][:count] for name, count in TAME.items()}
        return [
            (f"p{section.suffix}", *[self.value(values[name], section) for name in section.rule])
            for _ in range(self.one((0, 1, 3, 6, 12)))
        ]

    def value(self, choices: Sequence[str], section: Section) -> str:
        value: str = self.one(choices)
        for letter in "rp":
            value = value.replace(f"{letter}.", f"{letter}{section.suffix}.")
        return value

    def links(self) -> list[tuple[str, ...]]:
        names = (*NAMES, "/a", "/:x", "u*") if self.kind == "patterns" else NAMES
        pairs = [(self.one(names), self.one(names)) for _ in range(self.one((0, 2, 5, 9)))]
        if self.happens(0.2):
            pairs += [(f"c{i}", f"c{i + 1}") for i in range(CHAIN)]
            pairs += [(f"c{CHAIN}", "c0")] * self.happens(0.5)
        made = []
        for pair in pairs:
            domain = [self.one(("d0", "d0", "d1", "*"))] if self.has_domains else []
            stamps = [self.one(STAMPS), self.one(STAMPS)] if self.kind == "timed" else []
            made.append(("g", *pair, *domain, *stamps))
        groups = (("/a/b", "grp"), ("/a/:x", "grp"), ("grp", "/a"), ("/:x/b", "x"), ("u0", "x"))
        usual = [("/a/:x", "grp")] * (self.kind == "patterns" and self.happens(0.5))
        return made + [("g2", *pair) for pair in usual + self.some(groups, 3)]

    def bad_lines(self, lines: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
        short = [("p", "u0"), ("g", "u0"), ("g2", "x", "grp", "d0"), ("p9", "u0", "x", "read")]
        return [*short, *[(*line, "more") for line in lines[:1]]]

    def setup(self, links: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
        made: list[tuple[str, ...]] = [
            ("add_function", name, name) for name in ("keyGet", "keyGet2", "startsWith")
        ]
        if self.happens(0.05):
            made.append(("add_function", "keyMatch", "key_match2"))
        if self.kind == "patterns":
            matches = (
                "key_match2",
                "key_match",
                "key_match2",
                "key_match3",
                "key_match4",
                "glob_match",
            )
            made += [("add_named_matching_func", "g2", self.one(matches))] * self.happens(0.7)
            made += [("add_named_matching_func", "g", self.one(matches))] * self.happens(0.5)
            if self.has_domains:
                made.append(("add_named_domain_matching_func", "g", self.one(matches)))
        if self.kind == "timed":
            made += self.conditions(links)
        return made

    def conditions(self, links: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
        width = 4 if self.has_domains else 3
        method = f"add_named_{'domain_' if self.has_domains else ''}link_condition_func"
        # Whether one that fails is met may depend on the order of a set, unless none has two roles.
        starts = [link[1] for link in links]
        can_fail = len(set(starts)) == len(starts)
        kinds = ("time_match", "time_match", "never", *(["fails"] if can_fail else []))
        return [
            (method, "g", *link[1:width], self.one(kinds)) for link in links if self.happens(0.9)
        ]

    def question(self, section: Section) -> Question:
        values = [self.one(ASKED[each]) for each in section.request]
        if self.kind == "patterns" and self.happens(0.5):
            values[section.request.index("obj")] = self.one(("/a/*", "/a/b/c", "/a/q/z", "/a/q"))
        if self.happens(0.06):
            values[self.chance.randrange(len(values))] = self.one(ODD)
        if self.happens(0.01):
            values.pop()
        return Question(section.suffix, tuple(values))
