"""Notices as JUnit XML, for CI systems that show nothing else."""

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from policyd.review.notices import Notice, is_blocking, ordered

# Source: XML 1.0, section 2.2; what cannot stand in a document at all, not even as a reference.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_notices(notices: Iterable[Notice], name: str = "policyd lint") -> str:
    """One `testsuites` document: a suite for each file, a case for each notice.

    What blocks is a failure, what is suppressed is skipped, with the reason; the rest passes and
    tells its message as output. A tree without notices has one case that passed.
    """
    root = ET.Element("testsuites", name=name)
    by_file: dict[str, list[Notice]] = {}
    for each in ordered(notices):
        by_file.setdefault(each.file, []).append(each)
    for file, listed in by_file.items():
        suite = ET.SubElement(
            root,
            "testsuite",
            name=_written(file),
            tests=str(len(listed)),
            failures=str(sum(map(is_blocking, listed))),
            skipped=str(sum(each.silence is not None for each in listed)),
            errors="0",
        )
        for each in listed:
            _case(suite, each)
    if not by_file:
        suite = ET.SubElement(
            root, "testsuite", name=name, tests="1", failures="0", skipped="0", errors="0"
        )
        ET.SubElement(suite, "testcase", classname=name, name="no findings")
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ET.Element, notice: Notice) -> None:
    file, line = _written(notice.file), str(notice.line)
    name = f"{notice.title} at line {line}"
    case = ET.SubElement(suite, "testcase", classname=file, name=name, file=file, line=line)
    message = _written(notice.message)
    if notice.silence:
        silence = notice.silence
        why = f"{silence.reason} ({silence.owner}, until {silence.until})"
        ET.SubElement(case, "skipped", message=_written(why))
    elif is_blocking(notice):
        failure = ET.SubElement(case, "failure", message=message, type=notice.level.value)
        failure.text = _written(str(notice))
    else:
        ET.SubElement(case, "system-out").text = _written(str(notice))


def _written(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)
