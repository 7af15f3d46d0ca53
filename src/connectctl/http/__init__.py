"""One session per remote: auth, time-outs, retry, rate limit, paging, redaction."""
