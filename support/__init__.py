"""What the steps stand on: settings, files, command line, random streams, processes."""
