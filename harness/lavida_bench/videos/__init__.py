"""Test videos: their types; frames and masks from files, folders and streams."""
