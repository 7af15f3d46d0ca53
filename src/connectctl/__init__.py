"""connectctl: keeps a Docebo learning platform and the systems around it in step."""

__version__ = "0.1.0"
