"""The connection to the mail server as a declaration; light, because `connectctl --help` may read it."""

from __future__ import annotations

from connectctl.plugins.specs import ConnectionSpec, SettingSpec

SMTP = ConnectionSpec(
    kind="smtp",
    summary="The mail server that notifications go through",
    settings=(
        SettingSpec(
            "url",
            "address of the server, smtp://user@host:587 or smtps://user@host:465",
            kind="url",
            required=True,
            example="smtp://connectctl@mail.example.org:587",
        ),
        SettingSpec("password", "password of the user in the address", secret=True),
        SettingSpec("sender", "sender of the mails", kind="email", required=True, example="connectctl@example.org"),
    ),
    client="connectctl.notify.smtp:make_client",
    test="connectctl.notify.smtp:whoami",
)
