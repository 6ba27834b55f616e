"""Fuzzing by coverage of everything that reads what strangers wrote."""
