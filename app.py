"""The web page: router, login and theme; see `views` for the pages."""
