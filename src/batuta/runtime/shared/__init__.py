"""What both control models need."""
