"""What each phase does: documents in, document out."""
