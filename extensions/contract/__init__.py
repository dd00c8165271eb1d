"""The questionnaire and its tables, read for tests and pipelines."""
