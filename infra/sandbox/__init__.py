"""Plays the outside world over its real protocols: a phone network, police desks and mailboxes.

One process, `python -m infra.sandbox --config .local/sandbox.json`, on the loopback address only. Nothing of Safe
Return's is imported here and nothing here is imported by a service: with real credentials the same services talk to the
real ones.

What it plays
- **Twilio** (`phone_network`, `twilio_api`): `POST|GET /2010-04-01/Accounts/{sid}/Messages.json`, `GET|POST|DELETE` of
  one message, in the shapes of Twilio's own OpenAPI document and with its error codes; signed status callbacks; calls
  that read a text out (`calls`, `calls_api`): `POST|GET .../Accounts/{sid}/Calls.json` and `GET` of one call; inbound
  texts as signed webhooks, then to the fallback URL. Each request is repeated within 15 s as its URL's fragment asks
  (`#rc=5&rp=all&rt=5000`). The sandbox's kindness, unlike Twilio: a text still unanswered after that is offered again
  every 2 s (`patient`), as if the person kept trying.
- **GOV.UK Notify** (`notify`, `notify_api`): `POST /v2/notifications/sms`, `GET` of all or one, receipts and received
  texts as callbacks with the bearer token, in the shapes of its documentation. It repeats a callback within seconds;
  Notify waits five minutes.
- **Police desks** (`desks`): `POST /desks/{force}/notices` verifies with the published Standard Webhooks library, and a
  person there acknowledges by a signed request of the force's own, repeated until it is taken.
  Behind `tls_port` the same desks have the certificate of another machine: nothing should be sent there.
- **Control rooms without an API** (`officers`): a mailbox with an officer, who opens the page behind a mail and says
  who has the notice.
- **Mailboxes** (`mailboxes`, `correspondents`, `postmaster`): an SMTP server that takes any mail on `smtp_port`. Those
  who answer by themselves press the button that a mail asks for, and accept invitations by a mail to Safe Return's own
  mailbox (`own_mailboxes`). A mailbox may be unknown, full, greylisting, bounce later, or say that its reader is away.
- **People** (`people`): duty staff whose phones answer by themselves send back the `OK <code>` that a text asks for.

For scripts
- `GET /phones`, `PUT /phones/{number}` `{"answers": false}`
- `POST /texts` `{"from", "body"}` (`to` another number of ours), `GET /texts?number=&since=`
- `GET /calls?number=`: what a voice read out, and who answered
- `GET /notices?force=&since=`, `POST /desks/{force}/replies` `{"notice", "type", ...}`
- `GET /mailboxes`, `PUT /mailboxes/{address}` `{"answers": false}`
- `POST /mailboxes/{address}/acknowledge` `{"reference"}`: the officer there opens the newest notice and acknowledges it
- `GET /mails?since=`, `GET /invitations`
- `GET /behaviours`; `PUT` of a switch, see below
- `GET /health/ready`, and the page for a person at `/`.

How to make it slow, failing or silent: `PUT` the whole switch. What it does not name goes back to its default, so `{}`
heals it.
- `/behaviours/desks/{force}`: `mode` `slow` (answers after `delay_seconds`), `failing` (answers `status`), `silent`
  (takes the connection and never answers), `hang` (keeps the notice, begins to answer and never ends); `acknowledges`
  false: no officer answers.
- `/behaviours/phone-network`: `mode` `slow`, `failing`, `silent`, `lost-answer` (sends the text and never answers),
  `throttled` (429 with `retry_after_seconds`); `delivery` `undelivered` (with `error_code`) or `none`; `calls`
  `machine`, `busy`, `no-answer` or `failed`; `repeats` true: each text in comes twice; `patient` false: as Twilio.
- `/behaviours/notify`: `mode` as above, `full` (the daily limit), `refusing` (a service in trial mode); `delivery`
  `permanent-failure`, `temporary-failure`, `technical-failure` or `none`.
- `/behaviours/mail-server`: `mode` `slow`, `failing` (451), `refusing` (550), `silent`.
- `/behaviours/mailboxes/{address}`: `mode` `unknown` (550), `full` (552), `greylisting` (451 the first `times`),
  `bounces` or `away` (takes the mail; the note comes after `delay_seconds`).
The first four have `probability` too: how often the trouble strikes, from 0 to 1. `behaviours` has every default.

Lists are oldest first; each entry has a number `n` that only grows, and `since=<n>` gives what came after it. The
newest 50,000 texts, notices and mails are kept, in memory: the outside world does not outlive its process.
"""
