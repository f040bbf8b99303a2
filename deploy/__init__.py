"""How Caselight is run: on one machine, in containers, on many machines, and its command line."""
