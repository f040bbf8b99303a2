"""What a person, an event or a timer makes happen to pages. Plural; the number of statements does not grow with it."""
