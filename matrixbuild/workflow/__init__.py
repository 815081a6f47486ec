"""The stories (read, plan, apply): the only place where core and adapters meet."""
