"""Routes: parse, pass the gate, call a use case, shape the answer."""
