"""The shipped test kit: fake remotes, a fake clock, conformance checks. Product code never imports it."""
