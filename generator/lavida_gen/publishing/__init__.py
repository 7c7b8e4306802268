"""Sending a corpus to the Hugging Face Hub: what may be sent, and how it is sent."""
