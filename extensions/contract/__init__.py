"""What the questionnaire and its tables say, read for tests and pipelines."""
