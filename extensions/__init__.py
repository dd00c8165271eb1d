"""Jinja helpers of the questionnaire and the template, and Python tools around them."""
