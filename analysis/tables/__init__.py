"""Tables of a report, as functions of the frames that statistics give."""
