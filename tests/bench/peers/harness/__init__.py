"""What starts the peers' processes, watches over them and keeps their figures."""
