"""The operator's judgement of what is asked for and of what is made."""
