"""What is known of mail providers: which spellings reach the same mailbox."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SAME_MAILBOX = {
    "googlemail.com": "gmail.com",
    "protonmail.com": "proton.me",
    "protonmail.ch": "proton.me",
    "pm.me": "proton.me",
    "me.com": "icloud.com",
    "mac.com": "icloud.com",
    "ya.ru": "yandex.ru",
    "yandex.com": "yandex.ru",
}
"""Domains under which one provider delivers to the same mailbox."""

PLUS = _words("""
    gmail.com outlook.com hotmail.com live.com msn.com proton.me icloud.com fastmail.com
    fastmail.fm zoho.com hey.com gmx.com gmx.de gmx.net web.de mailbox.org posteo.de
    posteo.net runbox.com yandex.ru mail.ru tuta.com tutanota.com hotmail.co.uk
    hotmail.fr hotmail.de outlook.fr outlook.de live.co.uk live.fr startmail.com
    disroot.org riseup.net
""")
"""Providers that deliver user+tag to user."""

HYPHEN = _words("yahoo.com ymail.com rocketmail.com yahoo.co.uk")
"""Providers whose tags stand behind a hyphen, which their user names can't hold."""

DOTLESS = _words("gmail.com")
"""Providers that pass over dots in the user name."""

RELAYS = _words("""
    duck.com mozmail.com relay.firefox.com privaterelay.appleid.com simplelogin.com
    simplelogin.co simplelogin.io simplelogin.fr slmail.me slmails.com aleeas.com
    8alias.com 8shield.net dralias.com silomails.com anonaddy.com anonaddy.me
    addymail.com mailer.me passmail.net passinbox.com passfwd.com 33mail.com
    users.noreply.github.com opayq.com
""")
"""Forwarders that give an honest person one address a service: no throw-aways."""

ALSO_FREE = _words("hey.com tutanota.com tuta.com")
"""Free providers that the shipped list lacks."""
