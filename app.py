"""The web page: `streamlit run app.py -- --workspace DIR`; the pages are in `views`."""

import sys

from views.shell import open_page

open_page(sys.argv[1:])
