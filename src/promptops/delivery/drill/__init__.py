"""The drill: a rollback that really happens, in an environment made for it."""
