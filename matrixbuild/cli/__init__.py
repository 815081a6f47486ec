"""Words in, words out, exit code: one small file a verb."""
