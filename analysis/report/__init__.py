"""The report: verdicts, tables and pictures from folders of runs, in every format."""
