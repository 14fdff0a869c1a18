"""Results of policy tests as JUnit XML, which every CI system shows."""

from xml.etree import ElementTree as ET

from policyd.review.policy_tests import Report, Result, Verdict


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
            errors=str(sum(each.verdict is Verdict.NOT_PROVED for each in results)),
        )
        for result in results:
            _case(suite, result)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ET.Element, result: Result) -> None:
    place = result.test.place
    about = {"classname": result.test.suite, "name": result.test.entry.it}
    case = ET.SubElement(suite, "testcase", about | {"file": place.file, "line": str(place.line)})
    if result.verdict is Verdict.NOT_PROVED:
        ET.SubElement(case, "error", message=f"not proved: {'; '.join(result.gaps)}")
    for each in result.failures:
        call = each.call
        what = f"{call.subject.id} {call.action} {call.resource.id} at {call.endpoint}"
        failure = ET.SubElement(case, "failure", message="; ".join(each.problems))
        failure.text = what
