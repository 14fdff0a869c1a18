"""What the guardrails grant a unit's integration, read from IT's files alone.

Nothing of policyd decides here. Where a unit could ask for one thing or another (a role or none),
the grant is the best it could get: whatever the unit writes has to stay inside.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from policyd.model.call import Call
from tests.properties.trees import Tree

STRICTER = ("pass", "mask", "tokenise", "drop-fields", "never")
Says = dict[str, Any]
Mark = tuple[int, frozenset[str]]


@dataclass(frozen=True)
class Asker:
    """An integration, with what its unit wrote of it."""

    unit: str
    id: str
    entry: Says

    def names(self, roles: Says) -> tuple[set[str], set[str]]:
        """Names that it has for sure, and all that it could have."""
        surely = {"everyone", self.unit, self.id}
        given = {name for name, role in roles.items() if self.unit in role["units"]}
        while more := {each for name in given for each in roles[name].get("includes", ())} - given:
            given |= more
        return surely, surely | given


class Grant:
    """The guardrails of *tree*, asked about one call at a time."""

    def __init__(self, tree: Tree, asker: Asker, call: Call, now: datetime) -> None:
        places = tree["guardrails/destinations.yaml"]
        self.company, self.access = tree["policyd.yaml"], tree["guardrails/access.yaml"]
        self.asker, self.call = asker, call
        self.surely, self.at_best = asker.names(tree["guardrails/roles.yaml"]["roles"])
        self.template = tree.get(f"guardrails/templates/{asker.entry.get('template')}.yaml")
        is_promoted = asker.id in tree["guardrails/promotions.yaml"]["promotions"]
        may = is_promoted or (self.template or {}).get("self_promotion", False)
        self.stage = asker.entry["stage"] if may else "sandbox"
        self.systems = tree["guardrails/systems.yaml"]["systems"]
        self.system = call.resource.id.partition("/")[0]
        self.places, self.flow = places["destinations"], places["flow"]
        connections = tree["guardrails/systems.yaml"]["connections"]
        host = urlsplit(connections.get(call.endpoint, call.endpoint)).hostname
        self.place = next((name for name, at in self.places.items() if host in at["hosts"]), "")
        rests = {"send": self.place, "read": asker.entry["runs_on"]}.get(call.action, self.system)
        self.zone = self.places[rests]["zone"] if rests else places["unlisted"]
        self.open = set(_open(tree["guardrails/calendar.yaml"], now))
        self.known = self._marks(tree["guardrails/labels.yaml"]["datasets"][call.resource.id])
        rank, categories = self._mark(call.labels)
        self.raised = {
            field: (max(mark[0], rank), mark[1] | categories) for field, mark in self.known.items()
        }

    def duties(self) -> dict[str, str] | None:
        """What each field owes where the call is inside the grant; None where it is not."""
        owed = {field: self._cell(mark) for field, mark in self.raised.items()}
        owed = {field: cell for field, cell in owed.items() if cell != "pass"}
        is_granted = self._is_here() and self._is_covered() and self._may_flow()
        return {field or "": cell for field, cell in owed.items()} if is_granted else None

    def _marks(self, data: Says) -> dict[str | None, Mark]:
        listed = data.get("fields", {})
        fields = self.call.fields or (None,)
        return {field: self._mark(listed.get(field, data["is"])) for field in fields}

    def _mark(self, words: Sequence[str]) -> Mark:
        levels, categories = self.company["labels"], frozenset(self.company["categories"])
        if not set(words) <= {*levels, *categories}:
            return len(levels) - 1, categories
        rank = max((levels.index(word) for word in words if word in levels), default=0)
        return rank, categories.intersection(words)

    def _cell(self, mark: Mark) -> str:
        row = self.flow[self.zone]
        return max((row[category] for category in mark[1]), key=STRICTER.index, default="pass")

    def _may_flow(self) -> bool:
        clearance = self.company["labels"].index(self.flow[self.zone]["clearance"])
        for field, mark in self.raised.items():
            cell, is_excused = self._cell(mark), self._cell(self.known[field]) != "pass"
            if cell == "never" or (mark[0] > clearance and not is_excused):
                return False
            if field is None and cell != "pass":
                return False
        return True

    def _is_here(self) -> bool:
        """The integration runs where IT lets it, and the call goes where IT lets that one."""
        unit, runs_on = self.asker.unit, self.asker.entry["runs_on"]
        shape, at = self.template, self.places.get(self.place)
        return (
            runs_on in self.company["units"][unit]["runs_on"]
            and (not shape or (runs_on in shape["runs_on"] and unit in shape.get("units", [unit])))
            and at is not None
            and not self.at_best.isdisjoint(at.get("who", ["everyone"]))
            and self.call.method in at.get("methods", [self.call.method])
            and (self.place == self.system) is (self.call.action != "send")
        )

    def _is_covered(self) -> bool:
        """Guardrails and template cover the call, and none of them forbids it."""
        asked = [self.access, self.template] if self.template else [self.access]
        return all(
            any(self._speaks(says) for says in each["ceiling"].values())
            and not any(
                self._speaks(says, forbids=True) for says in each.get("forbid", {}).values()
            )
            for each in asked
        )

    def _speaks(self, says: Says, *, forbids: bool = False) -> bool:
        action, data = self.call.action, self.call.resource.id
        meant, spared = (self.surely, self.at_best) if forbids else (self.at_best, self.surely)
        patterns, who = says.get(action, []), says.get("who", "everyone")
        return (
            (patterns == "anything" or any(_fits(pattern, data) for pattern in patterns))
            and (who == "everyone" or not meant.isdisjoint(who))
            and spared.isdisjoint(says.get("except", ()))
            and (action != "send" or self._goes(says))
            and says.get("in_systems_of") in {None, self._kind(self.system)}
            and says.get("stage") in {None, self.stage}
            and self.known.keys() <= set(says.get("only_fields", self.known))
            and ("during" not in says or not self.open.isdisjoint(says["during"]))
            and self.open.isdisjoint(says.get("outside", ()))
            and self._is_such(says, forbids=forbids)
        )

    def _goes(self, says: Says) -> bool:
        return (
            self.place in says.get("to", [self.place])
            and self.zone in says.get("to_zone", [self.zone])
            and says.get("to_systems_of") in {None, self._kind(self.place)}
        )

    def _kind(self, system: str) -> str | None:
        return self.systems[system]["kind"] if system in self.systems else None

    def _is_such(self, says: Says, *, forbids: bool) -> bool:
        levels, enough = self.company["labels"].index, any if forbids else all
        up, down = (self.raised, self.known) if forbids else (self.known, self.raised)
        least = levels(says.get("label_at_least", self.company["labels"][0]))
        most = levels(says.get("label_at_most", self.company["labels"][-1]))
        kinds = says.get("category")
        return (
            enough(rank >= least for rank, _ in up.values())
            and enough(rank <= most for rank, _ in down.values())
            and (not kinds or enough(found & set(kinds) for _, found in up.values()))
        )


def _fits(pattern: str, data: str) -> bool:
    return data.startswith(pattern[:-1]) if pattern.endswith("/*") else data == pattern


def _open(calendar: Says, now: datetime) -> Iterator[str]:
    """Stretches that are open; those of the week are for every day, and run past midnight."""
    clock = now.astimezone(ZoneInfo(calendar["timezone"])).replace(tzinfo=None).isoformat()
    for name, hours in calendar["hours"].items():
        if clock[11:] >= hours["from"] or clock[11:] < hours["until"]:
            yield name
    for name, spans in calendar["freezes"].items():
        if any(span["from"] <= clock < span["until"] for span in spans):
            yield name
