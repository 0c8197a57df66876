"""Replies as people's calendar programs write them: headers, nesting, encodings and habits of each. Names and addresses are made up."""

import base64
import quopri
from uuid import UUID

DISCUSSION = UUID("12b6ba26-9c10-5891-8200-e6e0b261d95e")
DELIVERY = UUID("0a1b2c3d-0000-5000-8000-000000000001")
NURSE = "nurse@kestrel.example"
MAILBOX = "safe-return@kestrel.example"
STARTS, LATER = "20261124T130000Z", "20261125T093000Z"
SUBJECTS = {"ACCEPTED": "Accepted", "TENTATIVE": "Tentative", "DECLINED": "Declined"}


def lines(*each: str, end: str = "\r\n") -> str:
    return end.join(each) + end


def coded(text: str, charset: str = "utf-8") -> str:
    return base64.encodebytes(text.encode(charset)).decode().replace("\n", "\r\n")


def head(*headers: str, subject: str, sender: str = NURSE, name: str = "Ngozi Nurse") -> str:
    return lines(
        *headers,
        f"From: {name} <{sender}>",
        f"To: Safe Return <{MAILBOX}>",
        f"Subject: {subject}",
        "Date: Tue, 24 Nov 2026 12:10:00 +0000",
        "MIME-Version: 1.0",
    )


def outlook_calendar(
    partstat: str, *extra: str, method: str = "REPLY", sequence: int = 0, attendee: str = NURSE
) -> str:
    """Exchange: its own time zone beside a UTC start, tabs for folds, X-MICROSOFT lines."""
    return lines(
        "BEGIN:VCALENDAR",
        f"METHOD:{method}",
        "PRODID:Microsoft Exchange Server 2010",
        "VERSION:2.0",
        "BEGIN:VTIMEZONE",
        "TZID:GMT Standard Time",
        "BEGIN:STANDARD",
        "DTSTART:16010101T020000",
        "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0000",
        "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10",
        "END:STANDARD",
        "BEGIN:DAYLIGHT",
        "DTSTART:16010101T010000",
        "TZOFFSETFROM:+0000",
        "TZOFFSETTO:+0100",
        "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3",
        "END:DAYLIGHT",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        f"ATTENDEE;PARTSTAT={partstat};CN=Ngozi Nurse:MAILTO:",
        f"\t{attendee}",
        *extra,
        f"UID:{DISCUSSION}@kestrel.example",
        f"SUMMARY;LANGUAGE=en-GB:{SUBJECTS.get(partstat, 'New Time Proposed')}: Strategy discussion (4K7PX)",
        *([] if any("DTSTART" in each for each in extra) else [f"DTSTART:{STARTS}", "DTEND:20261124T134500Z"]),
        "CLASS:CONFIDENTIAL",
        "PRIORITY:5",
        "DTSTAMP:20261124T121000Z",
        "TRANSP:OPAQUE",
        "STATUS:CONFIRMED",
        f"SEQUENCE:{sequence}",
        "LOCATION;LANGUAGE=en-GB:",
        "X-MICROSOFT-CDO-APPT-SEQUENCE:0",
        "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
        "X-MICROSOFT-DISALLOW-COUNTER:FALSE",
        "END:VEVENT",
        "END:VCALENDAR",
    )


def outlook(partstat: str, *extra: str, method: str = "REPLY", said: str = "", **about: object) -> bytes:
    """Outlook on Exchange: words and calendar as alternatives, the calendar in base64."""
    return (
        head(
            "Thread-Topic: Strategy discussion (4K7PX)",
            "Message-ID: <LO2P123MB0001@LO2P123MB0001.GBRP123.PROD.OUTLOOK.COM>",
            f"In-Reply-To: <{DELIVERY}@kestrel.example>",
            "X-MS-Has-Attach:",
            "X-MS-TNEF-Correlator:",
            subject=f"{SUBJECTS.get(partstat, 'New Time Proposed')}: Strategy discussion (4K7PX)",
        )
        + lines('Content-Type: multipart/alternative; boundary="_000_LO2P_"', "")
        + lines(
            "--_000_LO2P_",
            'Content-Type: text/plain; charset="iso-8859-1"',
            "Content-Transfer-Encoding: quoted-printable",
            "",
            said,
        )
        + lines(
            "--_000_LO2P_",
            f'Content-Type: text/calendar; charset="utf-8"; method={method}',
            "Content-Transfer-Encoding: base64",
            "",
        )
        + coded(outlook_calendar(partstat, *extra, method=method, **about))  # type: ignore[arg-type]
        + lines("--_000_LO2P_--")
    ).encode()


def winmail(partstat: str = "ACCEPTED") -> bytes:
    """Outlook in rich text: the answer is in a TNEF file that nobody else reads."""
    return (
        head(f"In-Reply-To: <{DELIVERY}@kestrel.example>", subject=f"{SUBJECTS[partstat]}: Strategy discussion (4K7PX)")
        + lines('Content-Type: multipart/mixed; boundary="_tnef_"', "")
        + lines("--_tnef_", 'Content-Type: text/plain; charset="us-ascii"', "", "")
        + lines(
            "--_tnef_",
            'Content-Type: application/ms-tnef; name="winmail.dat"',
            "Content-Transfer-Encoding: base64",
            'Content-Disposition: attachment; filename="winmail.dat"',
            "",
        )
        + coded("x\x9f>\x22not read here", "latin-1")
        + lines("--_tnef_--")
    ).encode()


def gmail_calendar(
    partstat: str, method: str = "REPLY", starts: str = STARTS, params: str = "", end: str = "\r\n"
) -> str:
    return lines(
        "BEGIN:VCALENDAR",
        "PRODID:-//Google Inc//Google Calendar 70.9054//EN",
        "VERSION:2.0",
        "CALSCALE:GREGORIAN",
        f"METHOD:{method}",
        "BEGIN:VEVENT",
        f"DTSTART:{starts}",
        "DTEND:20261125T101500Z",
        "DTSTAMP:20261124T121000Z",
        f"ORGANIZER:mailto:{MAILBOX}",
        f"UID:{DISCUSSION}@kestrel.example",
        "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=" + partstat + ";CN=Ngozi",
        f"  Nurse;X-NUM-GUESTS=0{params}:mailto:{NURSE}",
        "CLASS:CONFIDENTIAL",
        "CREATED:20261124T120000Z",
        "LAST-MODIFIED:20261124T121000Z",
        "SEQUENCE:0",
        "STATUS:CONFIRMED",
        "SUMMARY:Strategy discussion (4K7PX)",
        "TRANSP:OPAQUE",
        "END:VEVENT",
        "END:VCALENDAR",
        end=end,
    )


def gmail(partstat: str, **about: str) -> bytes:
    """Google: the calendar twice, as an alternative and as invite.ics; sent by its calendar, for the person."""
    method = about.get("method", "REPLY")
    calendar = gmail_calendar(partstat, **about)
    return (
        head(
            "Reply-To: Ngozi Nurse <nurse@kestrel.example>",
            "Sender: Google Calendar <calendar-notification@google.example>",
            "Auto-Submitted: auto-generated",
            "Message-ID: <calendar-0001@google.example>",
            subject=f"{SUBJECTS.get(partstat, 'Proposed new time')}: Strategy discussion (4K7PX) @ Tue 24 Nov 2026 1pm",
        )
        + lines('Content-Type: multipart/mixed; boundary="0000mixed"', "")
        + lines("--0000mixed", 'Content-Type: multipart/alternative; boundary="0000alt"', "")
        + lines(
            "--0000alt",
            'Content-Type: text/plain; charset="UTF-8"; format=flowed; delsp=yes',
            "Content-Transfer-Encoding: base64",
            "",
        )
        + coded("Ngozi Nurse has replied to this invitation.")
        + lines(
            "--0000alt",
            f'Content-Type: text/calendar; charset="UTF-8"; method={method}',
            "Content-Transfer-Encoding: 7bit",
            "",
        )
        + calendar
        + lines("--0000alt--")
        + lines(
            "--0000mixed",
            'Content-Type: application/ics; name="invite.ics"',
            'Content-Disposition: attachment; filename="invite.ics"',
            "Content-Transfer-Encoding: base64",
            "",
        )
        + coded(calendar)
        + lines("--0000mixed--")
    ).encode()


def apple_calendar(partstat: str, *extra: str) -> str:
    return lines(
        "BEGIN:VCALENDAR",
        "CALSCALE:GREGORIAN",
        "VERSION:2.0",
        "METHOD:REPLY",
        "PRODID:-//Apple Inc.//macOS 15.1//EN",
        "BEGIN:VEVENT",
        "CREATED:20261124T120000Z",
        f"UID:{DISCUSSION}@kestrel.example",
        "DTEND:20261124T134500Z",
        f'ATTENDEE;CN="Ngozi Nurse";CUTYPE=INDIVIDUAL;EMAIL="{NURSE}";PARTSTAT={partstat};ROLE=REQ-PARTICIPANT:mailto:{NURSE}',
        *extra,
        "SUMMARY:Strategy discussion (4K7PX)",
        "LAST-MODIFIED:20261124T121000Z",
        "DTSTAMP:20261124T121000Z",
        f"DTSTART:{STARTS}",
        f'ORGANIZER;CN="Safe Return":mailto:{MAILBOX}',
        "SEQUENCE:0",
        "END:VEVENT",
        "END:VCALENDAR",
    )


def apple(partstat: str, *extra: str, ios: bool = False) -> bytes:
    """Apple's Calendar: the method quoted in capitals, quoted-printable, on a phone as an attachment alone."""
    calendar = quopri.encodestring(apple_calendar(partstat, *extra).encode()).decode()
    mailer = "X-Mailer: iPhone Mail (22B83)" if ios else "X-Mailer: Apple Mail (2.3826.200.121)"
    disposition = ["Content-Disposition: attachment; filename=iCal-20261124-121000.ics"] if ios else []
    return (
        head(mailer, subject=f"{SUBJECTS.get(partstat, partstat)}: Strategy discussion (4K7PX)")
        + lines("Content-Type: multipart/alternative;", ' boundary="Apple-Mail=_B1"', "")
        + lines("--Apple-Mail=_B1", "Content-Type: text/plain;", "\tcharset=us-ascii", "", "Ngozi Nurse has accepted.")
        + lines(
            "--Apple-Mail=_B1",
            *disposition,
            "Content-Type: text/calendar;" + (' method="REPLY";' if not ios else ""),
            "\tcharset=utf-8",
            "Content-Transfer-Encoding: quoted-printable",
            "",
        )
        + calendar
        + lines("", "--Apple-Mail=_B1--")
    ).encode()


def thunderbird(
    partstat: str,
    *,
    method: str = "REPLY",
    starts: str = STARTS,
    charset: str = "UTF-8",
    extra: str = "X-MOZ-RECEIVED-SEQUENCE:0",
) -> bytes:
    """Thunderbird: the calendar as an alternative, and once more in base64 as an attachment."""
    calendar = lines(
        "BEGIN:VCALENDAR",
        "PRODID:-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN",
        "VERSION:2.0",
        f"METHOD:{method}",
        "BEGIN:VEVENT",
        "CREATED:20261124T120000Z",
        "LAST-MODIFIED:20261124T121000Z",
        "DTSTAMP:20261124T121000Z",
        f"UID:{DISCUSSION}@kestrel.example",
        "SUMMARY:Strategy discussion (4K7PX)",
        f"ORGANIZER:mailto:{MAILBOX}",
        f"ATTENDEE;RSVP=TRUE;CN=Ngozi Nurse;PARTSTAT={partstat};CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT:mai",
        f" lto:{NURSE}",
        extra,
        f"DTSTART:{starts}",
        "DTEND:20261125T101500Z",
        "CLASS:CONFIDENTIAL",
        "SEQUENCE:0",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return (
        head(
            "User-Agent: Mozilla Thunderbird",
            "Message-ID: <7f1c@kestrel.example>",
            subject=f"Event Invitation Reply ({SUBJECTS.get(partstat, partstat)}): Strategy discussion (4K7PX)",
        )
        + lines("Content-type: multipart/mixed;", ' boundary="Boundary_(ID_x)"', "")
        + lines("--Boundary_(ID_x)", "Content-type: multipart/alternative;", ' boundary="Boundary_(ID_y)"', "")
        + lines(
            "--Boundary_(ID_y)",
            "Content-type: text/plain; charset=UTF-8",
            "Content-transfer-encoding: 8BIT",
            "",
            "Ngozi Nurse has replied.",
        )
        + lines(
            "--Boundary_(ID_y)",
            f"Content-type: text/calendar; method={method}; charset={charset}",
            "Content-transfer-encoding: BASE64",
            "",
        )
        + coded(calendar)
        + lines("--Boundary_(ID_y)--")
        + lines(
            "--Boundary_(ID_x)",
            "Content-type: application/ics; name=invite.ics",
            "Content-transfer-encoding: BASE64",
            "",
        )
        + coded(calendar)
        + lines("--Boundary_(ID_x)--")
    ).encode()


def bare(
    calendar: str,
    kind: str = "text/calendar; method=REPLY; charset=utf-8",
    *headers: str,
    sender: str = NURSE,
    encoding: str = "8bit",
) -> bytes:
    """The calendar is the whole mail, as smaller programs and gateways send it."""
    return (
        head(*headers, subject="Re: Strategy discussion (4K7PX)", sender=sender)
        + lines(f"Content-Type: {kind}", f"Content-Transfer-Encoding: {encoding}", "")
        + calendar
    ).encode("utf-8")


def words(text: str, *headers: str, subject: str = "Re: Strategy discussion (4K7PX)", sender: str = NURSE) -> bytes:
    return (
        head(*headers, subject=subject, sender=sender) + lines("Content-Type: text/plain; charset=utf-8", "", text)
    ).encode()


def out_of_office(said: str, *headers: str, subject: str = "Automatic reply: Strategy discussion (4K7PX)") -> bytes:
    """Exchange: in answer to the mail, marked twice over, from nobody's envelope."""
    marked = (
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        f"In-Reply-To: <{DELIVERY}@kestrel.example>",
    )
    return words(said, *marked, *headers, subject=subject)


def report(kind: str, about: str, *, sender: str = "MAILER-DAEMON@relay.kestrel.example") -> bytes:
    """RFC 3462: words, what the machine says, and the headers of the mail that it is about."""
    return (
        head(subject="Undelivered Mail Returned to Sender", sender=sender, name="Mail Delivery System")
        + lines(f'Content-Type: multipart/report; report-type={kind}; boundary="r"', "")
        + lines("--r", "Content-Type: text/plain", "", "This is the mail system.")
        + lines("--r", f"Content-Type: message/{kind}", "", about)
        + lines(
            "--r", "Content-Type: text/rfc822-headers", "", f"Message-ID: <{DELIVERY}@kestrel.example>", f"To: {NURSE}"
        )
        + lines("--r--")
    ).encode()


def status(action: str, code: str) -> str:
    return lines(
        "Reporting-MTA: dns; relay.kestrel.example",
        "",
        f"Final-Recipient: rfc822; {NURSE}",
        f"Action: {action}",
        f"Status: {code}",
    )
