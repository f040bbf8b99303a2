"""Delivery: outbox relay, streams, replicas, timers, dead letters. The only code that knows FastStream and aiokafka."""
