"""Readers: files and folders become chunks of records, each with its exact place.

`files` walks and recognises, `lines` reads NDJSON, `table` CSV, `columns` Parquet,
`chunks` puts the pieces of many files together into work of an even size.
"""
