"""The door people come through: the gate, the application each service is made from, the process it runs in."""
