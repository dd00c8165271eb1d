"""What the questionnaire and the template need beyond plain Jinja."""
