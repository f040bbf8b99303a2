"""Verbs: one module for each thing that an event or a person makes happen to cases."""
