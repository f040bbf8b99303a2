"""Who may do what: actors, the decision, the tokens that prove an identity, and the audit of every answer."""
