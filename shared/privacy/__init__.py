"""Text that people wrote: encrypted where it is kept, under keys that can be destroyed."""
