"""Requests as the providers' own SDKs send them: `pip install --group sdk`."""
