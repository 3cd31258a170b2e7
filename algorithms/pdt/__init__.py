"""PDT (Xie et al. 2023): its loss terms, its replay and its update; its networks are in `models`."""
