"""The investigators' page: one module a page, Streamlit known only here."""
