"""Mails to the administrators of an integration: what they say, the outbox they wait in, and SMTP."""
