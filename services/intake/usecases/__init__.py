"""The verbs of intake: one file per thing a person or an event makes happen."""
