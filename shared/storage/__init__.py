"""Engines and roles, the unit of work, row security and the migrations runner."""
