import httpx
import pytest

from domain.errors import InvalidInput
from domain.mails.envelope import Envelope
from gateways.letters import render
from gateways.mail import Letter, MailRefused, MailUnavailable
from gateways.smtp import SmtpMailer, SmtpServer
from local.mail_catcher.process import MailCatcher
from local.processes import free_port
from tests.mail.facts import a_receipt

SENDER = "Acme Billing <billing@acme.example>"
LETTER = Letter("Grüße: $9.00", "Plain ···4242\n", "<p>Rich ···4242</p>\n")


def a_mailer(url):
    return SmtpMailer(url, sender=SENDER, reply_to="Help <help@acme.example>")


def send(url, to, letter=LETTER, message_id="<one@acme.example>"):
    a_mailer(url).send(letter, to=to, message_id=message_id)


def test_a_mail_arrives_once_with_both_parts_and_its_headers(catcher):
    send(catcher.smtp_url, "ada@customer.example")

    (mail,) = catcher.mails(to="ada@customer.example")
    assert mail["subject"] == LETTER.subject
    assert mail["message_id"] == "<one@acme.example>"
    assert mail["text"].strip() == LETTER.text.strip()
    assert mail["html"].strip() == LETTER.html.strip()
    headers = mail["headers"]
    assert headers["From"] == SENDER
    assert headers["Reply-To"] == "Help <help@acme.example>"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert headers["Date"]
    assert "Bcc" not in headers


def test_a_real_letter_survives_the_journey_unchanged(catcher):
    letter = render(a_receipt())

    send(catcher.smtp_url, "ada@customer.example", letter)

    (mail,) = catcher.mails()
    got = (mail["subject"], mail["text"].strip(), mail["html"].strip())
    assert got == (letter.subject, letter.text.strip(), letter.html.strip())


def test_an_unknown_mailbox_is_final(catcher):
    catcher.fault("*@gone.example", 550)

    with pytest.raises(MailRefused) as refusal:
        send(catcher.smtp_url, "ada@gone.example")

    assert refusal.value.reason == "mail_refused"
    assert "550" in str(refusal.value)
    assert catcher.mails() == []


def test_greylisting_is_retried_and_then_delivered(catcher):
    catcher.fault("ada@*", 451)

    with pytest.raises(MailUnavailable):
        send(catcher.smtp_url, "ada@customer.example")
    send(catcher.smtp_url, "ada@customer.example")

    assert len(catcher.mails()) == 1


def test_content_that_is_refused_is_final(catcher):
    catcher.fault("ada@*", 554, stage="stored")

    with pytest.raises(MailRefused):
        send(catcher.smtp_url, "ada@customer.example")


def test_without_a_server_the_mail_is_to_be_retried():
    with pytest.raises(MailUnavailable):
        send(f"smtp://127.0.0.1:{free_port()}", "ada@customer.example")


def test_a_server_without_starttls_or_login_is_to_be_retried(catcher):
    for url in (f"{catcher.smtp_url}?starttls=1", catcher.smtp_url.replace("//", "//u:secret@")):
        with pytest.raises(MailUnavailable) as failure:
            send(url, "ada@customer.example")
        assert "secret" not in str(failure.value)


def test_a_repeated_mail_has_the_same_message_id(catcher):
    catcher.fault("ada@*", 451, stage="stored")
    envelope = Envelope(to="ada@customer.example", mail=a_receipt(), message_key="s1:auto:17")
    message_id = envelope.message_id(a_mailer(catcher.smtp_url).domain)

    with pytest.raises(MailUnavailable):
        send(catcher.smtp_url, envelope.to, message_id=message_id)
    send(catcher.smtp_url, envelope.to, message_id=message_id)

    assert [mail["message_id"] for mail in catcher.mails()] == [message_id, message_id]
    assert message_id.endswith("@acme.example>")


def test_a_long_message_id_is_sent_unchanged(catcher):
    message_id = f"<0c0d2a52-6b1f-5f6e-9a53-3f1b8a1d7c44@{'billing.' * 12}example>"

    send(catcher.smtp_url, "ada@customer.example", message_id=message_id)

    assert catcher.mails()[0]["message_id"] == message_id


@pytest.mark.parametrize(
    "to",
    [
        "ada@customer.example\r\nBcc: eve@evil.example",
        "ada@customer.example, eve@evil.example",
        "ada",
        "@customer.example",
        "ada@",
        "",
        "ädä@customer.example",
    ],
)
def test_an_address_that_is_not_one_address_is_refused(catcher, to):
    with pytest.raises(MailRefused) as refusal:
        send(catcher.smtp_url, to)

    assert refusal.value.reason == "invalid_mail_header"
    assert catcher.mails() == []


@pytest.mark.parametrize("field", ["subject", "message_id"])
def test_no_header_can_be_smuggled_in(catcher, field):
    smuggled = "<x@acme.example>\r\nBcc: eve@evil.example"
    subject = smuggled if field == "subject" else "Hello"
    message_id = smuggled if field == "message_id" else "<x@acme.example>"

    with pytest.raises(MailRefused):
        send(
            catcher.smtp_url,
            "ada@customer.example",
            Letter(subject, "text", "<p>html</p>"),
            message_id,
        )

    assert catcher.mails() == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", SmtpServer("mail.example", 25)),
        ("smtp://mail.example:1025/", SmtpServer("mail.example", 1025)),
        ("smtps://mail.example", SmtpServer("mail.example", 465, tls=True)),
        ("smtp://mail.example?starttls=0", SmtpServer("mail.example", 25)),
        (
            "smtp://ann%40acme:p%3Aw%2F@mail.example?starttls=1",
            SmtpServer("mail.example", 587, starttls=True, user="ann@acme", password="p:w/"),
        ),
    ],
)
def test_a_server_is_read_from_its_url(url, expected):
    assert SmtpServer.parse(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example:25",
        "http://u:secret@mail.example",
        "smtp://u:secret@",
        "smtp://u:secret@mail.example:port",
        "smtp://u:secret@mail.example:99999",
        "smtp://u:secret@mail.example?starttls=yes",
        "smtp://u:secret@mail.example?tls=1",
        "smtps://u:secret@mail.example?starttls=1",
        "smtp://u:secret@mail.example/inbox",
    ],
)
def test_a_bad_url_is_refused_without_quoting_its_password(url):
    with pytest.raises(InvalidInput) as refusal:
        SmtpServer.parse(url)

    assert refusal.value.reason == "invalid_smtp_url"
    assert "secret" not in str(refusal.value)


def test_a_server_never_shows_its_password():
    assert "secret" not in repr(SmtpServer.parse("smtp://u:secret@mail.example"))


@pytest.mark.parametrize(
    "sender", ["", "Acme", "Acme <>", "a@b.example\nX: y", "a@b.example, c@d.example"]
)
def test_a_sender_that_is_no_address_is_refused(sender):
    with pytest.raises(InvalidInput) as refusal:
        SmtpMailer("smtp://mail.example", sender=sender)

    assert refusal.value.reason == "invalid_mail_sender"


def test_the_catcher_keeps_its_mails_over_a_restart_and_shows_them(tmp_path):
    first = MailCatcher.start(tmp_path)
    send(first.smtp_url, "ada@customer.example", Letter("<b>Hi</b>", "text", "<p>html</p>"))
    first.stop()
    second = MailCatcher.start(tmp_path)
    try:
        (mail,) = second.mails(to="ADA@customer.example")
        inbox = httpx.get(second.url, timeout=None).text
        html = httpx.get(f"{second.url}/mails/{mail['id']}/html", timeout=None)
        missing = httpx.get(f"{second.url}/mails/000099", timeout=None).status_code
        bad_fault = httpx.post(
            f"{second.url}/_fault", json={"to": "*", "code": 200}, timeout=None
        ).status_code
    finally:
        second.stop()

    assert len(list(tmp_path.glob("*.eml"))) == 1
    assert "&lt;b&gt;Hi&lt;/b&gt;" in inbox
    assert html.headers["content-security-policy"].startswith("sandbox")
    assert (missing, bad_fault) == (404, 422)
