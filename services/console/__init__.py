"""The staff's window: sign-in, sessions and pages. What it shows, whoever owns it has decided and audited."""
