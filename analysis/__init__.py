"""Why it happens, who could notice, what stops it: a question a file."""
