"""Alerts by e-mail: what is sent, over what, and what an answer means."""

import email
import email.policy

import msgspec
import pytest

from batuta.adapters.alerts import EmailChannel
from batuta.errors import RequestError, UnavailableError

from .conftest import NOW


@pytest.fixture
def channel(mail, certificate):
    def made(security="starttls", login=None, port=None, context=certificate[1]):
        return EmailChannel(
            "localhost",
            port or mail.port,
            sender="Batuta <batuta@example.com>",
            to=["ops@example.com", "desk@example.com"],
            security=security,
            login=login,
            now=lambda: NOW,
            context=context,
        )

    return made


async def test_a_message_says_what_is_wrong_to_everybody(mail, channel, telling):
    await channel().tell(telling)
    ((sender, to, text),) = mail.taken
    message = email.message_from_string(text, policy=email.policy.default)

    assert sender == "batuta@example.com"
    assert to == ["ops@example.com", "desk@example.com"]
    assert message["Subject"] == telling.title
    assert message["To"] == "ops@example.com, desk@example.com"
    assert message["Date"] == "Thu, 01 Jan 2026 00:00:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().startswith("charge has broken its SLA.")
    assert mail.said[:3] == ["EHLO", "STARTTLS", "EHLO"]


async def test_the_same_alert_has_the_same_message_id(mail, channel, telling):
    await channel().tell(telling)
    await channel().tell(telling)
    ids = [email.message_from_string(text)["Message-ID"] for _, _, text in mail.taken]

    assert ids[0] == ids[1]
    assert ids[0].endswith("@example.com>")


async def test_a_title_of_several_lines_makes_one_header(mail, channel, telling):
    await channel().tell(msgspec.structs.replace(telling, title="a\nBcc: x@example.com"))
    assert mail.taken[0][1] == ["ops@example.com", "desk@example.com"]


async def test_user_and_password_are_given_behind_the_encryption(mail, channel, telling):
    await channel(login=lambda: ("ada", "4711")).tell(telling)

    assert mail.logins == [[b"ada", b"4711"]]
    assert mail.said.index("STARTTLS") < mail.said.index("AUTH")


async def test_a_server_may_speak_tls_from_the_first_byte(mail_over_tls, channel, telling):
    await channel("tls", port=mail_over_tls.port).tell(telling)
    assert len(mail_over_tls.taken) == 1


async def test_without_encryption_only_where_that_is_said(mail, channel, telling):
    await channel("none").tell(telling)
    assert "STARTTLS" not in mail.said


async def test_a_certificate_that_nobody_knows_is_not_trusted(mail, channel, telling):
    with pytest.raises(UnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
        await channel(context=None).tell(telling)
    assert mail.taken == []


async def test_a_server_without_starttls_gets_nothing(mail, channel, telling):
    mail.refuse["EHLO"] = "250 localhost"
    with pytest.raises(RequestError, match="STARTTLS"):
        await channel().tell(telling)


@pytest.mark.parametrize(
    ("verb", "reply", "error"),
    [
        ("MAIL", "451 later", UnavailableError),
        ("MAIL", "550 never", RequestError),
        ("DATA", "552 too large", RequestError),
        ("RCPT", "550 nobody", RequestError),
        ("AUTH", "535 who are you", RequestError),
    ],
)
async def test_an_answer_says_whether_it_is_of_use_to_try_again(
    mail, channel, telling, verb, reply, error
):
    mail.refuse[verb] = reply
    with pytest.raises(error):
        await channel(login=lambda: ("ada", "4711")).tell(telling)


async def test_a_server_that_is_not_there_has_it_told_again(channel, telling):
    with pytest.raises(UnavailableError, match="cannot be reached"):
        await channel(port=1).tell(telling)
