"""The service that ships what was ordered."""
