"""Words: reading subtitles, and finding sensitive terms in what is said or shown."""
