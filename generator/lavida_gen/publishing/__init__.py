"""Publishing a corpus on the Hugging Face Hub: licence checks, the upload plan, the upload itself."""
