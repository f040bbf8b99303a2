"""The sample term: invented campuses, students, flags and referrals, and the player that runs them through."""
