"""The services. None of them imports another: they know each other only by the events in `shared.events`."""
