"""Who may come in: the loopback alone without a login, anyone known with one."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from graph.access import Person, Right, RoleBook
from ingest.errors import UsageError


def is_loopback(address: str | None) -> bool:
    """Whether a server that listens on `address` is reached from this machine only."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False


def refuse_open_door(address: str | None, has_login: bool) -> None:
    """Raise `UsageError` when strangers could reach the page without a login."""
    if not has_login and not is_loopback(address):
        raise UsageError(
            f"the page would listen on {address or 'every address'} without a login: "
            "start it with --server.address 127.0.0.1, or set up [auth] in "
            ".streamlit/secrets.toml (docs/page.md)"
        )


def has_login() -> bool:
    """Whether a login is set up."""
    return bool(st.secrets.load_if_toml_exists() and "auth" in st.secrets)


def come_in(role_file: Path) -> Person | None:
    """The person at the page; None after drawing what they must do first."""
    if not has_login():
        return RoleBook.read(role_file).local
    if not st.user.is_logged_in:
        _ask("Sign in", "Sign in with your company account to see the queue.")
        return None
    claims = st.user.to_dict()
    if has_expired(claims, datetime.now(UTC)):
        _ask(
            "Your login has expired",
            "What you decided is kept. Sign in again to go on where you were.",
        )
        return None
    person = who(claims, RoleBook.read(role_file))
    if not person.may(Right.SEE):
        _no_role(person)
        return None
    return person


def has_expired(claims: Mapping[str, object], now: datetime) -> bool:
    """Whether the identity token's own end (`exp`, seconds UTC) has passed.

    The cookie outlives the token by weeks, so its end says nothing.
    """
    end = claims.get("exp")
    return not isinstance(end, int | float) or end <= now.timestamp()


def who(claims: Mapping[str, object], book: RoleBook) -> Person:
    """The person the claims name, by their stable id (`sub`), with their groups' roles.

    An address is shown only when the provider has verified it.
    """
    groups = claims.get("groups")
    verified = claims.get("email_verified") is True and claims.get("email")
    name = str(verified or claims.get("sub") or "")
    known = [str(group) for group in groups] if isinstance(groups, list) else []
    return book.person(name, known)


def _ask(title: str, body: str) -> None:
    with st.container(width=460):
        st.title(title)
        st.write(body)
        if st.button("Sign in", type="primary", icon=":material/login:"):
            st.login()


def _no_role(person: Person) -> None:
    with st.container(width=460):
        st.title("No role yet")
        st.text(f"{person.name} is signed in, but none of your groups has a role here.")
        st.write("Ask whoever runs Ringfence to add your group to the role file.")
        st.button("Sign out", on_click=st.logout)
