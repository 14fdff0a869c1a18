"""Results of policy tests as JUnit XML, which every CI system shows."""

from xml.etree import ElementTree as ET

from policyd.review.failures import call_words, decided_by, unasked
from policyd.review.policy_tests import Report, Result, Verdict

_UNDECIDED = {Verdict.NOT_PROVED, Verdict.ERROR}


def junit_xml(report: Report) -> str:
    """The report as one `testsuites` document: a suite for each file, a case for each test.

    Times are left out, so that the same tree gives the same document.
    """
    root = ET.Element("testsuites")
    suites: dict[str, list[Result]] = {}
    for result in report.results:
        suites.setdefault(result.test.place.file, []).append(result)
    for file, results in suites.items():
        suite = ET.SubElement(
            root,
            "testsuite",
            name=results[0].test.suite,
            file=file,
            tests=str(len(results)),
            failures=str(sum(each.verdict is Verdict.FAILED for each in results)),
            errors=str(sum(each.verdict in _UNDECIDED for each in results)),
            skipped=str(sum(each.verdict is Verdict.SKIPPED for each in results)),
        )
        for result in results:
            _case(suite, result)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ET.Element, result: Result) -> None:
    place = result.test.place
    about = {"classname": result.test.suite, "name": result.test.entry.it}
    case = ET.SubElement(suite, "testcase", about | {"file": place.file, "line": str(place.line)})
    told = "; ".join(unasked(result))
    if result.verdict in _UNDECIDED:
        ET.SubElement(case, "error", message=told)
    if result.verdict is Verdict.SKIPPED:
        ET.SubElement(case, "skipped", message=told)
    for each in result.failures:
        failure = ET.SubElement(case, "failure", message="; ".join(each.problems))
        what = [call_words(each.call)] if each.call else []
        failure.text = "\n".join([*what, *decided_by(each)])
