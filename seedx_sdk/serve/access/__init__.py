"""Who may use a server, and how much of it: keys, quotas, and fair shares."""
