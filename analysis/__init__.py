"""From run folders to numbers, tables, pictures and pages; knows nothing of how runs are made."""
