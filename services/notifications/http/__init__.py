"""Thin routes: for people who are signed in, and for whoever follows the link in a mail."""
