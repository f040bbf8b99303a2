"""Nouns and pure rules: the case, its assignment, the caseload that referrals fall into."""
