"""The tiny preset as shipped: its tokenizer, its weights, how both are made."""
