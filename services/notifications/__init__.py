"""Who must know now: pages that escalate until somebody takes them, their messages, and notices that demand nothing."""
