"""The shipped tiny preset: its tokenizer, its weights, and how both are made."""
