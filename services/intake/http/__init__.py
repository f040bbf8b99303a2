"""The routes of intake: parse, pass the gate, call a use case, shape the answer."""
