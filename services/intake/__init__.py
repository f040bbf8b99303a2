"""What comes in: the roster, flags and referrals; screening, matching, triage. The only holder of identity."""
