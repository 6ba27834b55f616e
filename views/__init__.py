"""The web page, one module a page; `shell` holds router, login and the gates."""
