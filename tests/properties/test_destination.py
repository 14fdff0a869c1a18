"""What must hold for every URL, however it is spelt."""

from hypothesis import given
from hypothesis import strategies as st

from policyd.engine.destination import UrlRefused, canonical
from tests.properties.asking import noise
from tests.properties.sampling import more

PIECES = [
    *("https://", "HTTPS://", "sftp://", "crm.example", "CRM.Example.", "10.0.0.1", "[::1]"),
    *("[::ffff:10.0.0.1]", "bücher.example", "ｅｘ.example", "。", ".", "..", "/", "//", "/../"),
    *("%2e", "%2F", "%41", "%7e", "%C3%A4", "ä", "\ud800", ":443", ":8443", ":", "@"),
    *("?q=1", "#f", "\\", ";"),
]
urls = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    st.builds("https://{}/{}".format, noise, noise),
    st.builds("https://crm.example/{}".format, noise),
    noise,
)


@more(5)
@given(urls)
def test_canonical_is_idempotent(url: str) -> None:
    """The canonical form of a canonical URL is itself; anything else is refused, never a fault."""
    try:
        once = canonical(url)
    except UrlRefused:
        return
    assert canonical(str(once)) == once


@more(5)
@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_spellings_of_case_do_not_matter_for_hosts(tail: str) -> None:
    """Upper case in scheme and host changes nothing."""
    host, slash, path = tail.partition("/")
    try:
        expected = canonical(f"https://{host}{slash}{path}")
    except UrlRefused:
        return
    assert expected == canonical(f"HTTPS://{host.upper()}{slash}{path}")
