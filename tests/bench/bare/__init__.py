"""The references: the same commits, rows, records and hops with aiokafka and asyncpg alone, none of our code."""
