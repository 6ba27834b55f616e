"""Labelled made worlds to try the tool on; no other room imports this one."""
