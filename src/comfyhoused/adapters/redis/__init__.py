"""Redis or Valkey: the connection, its scripts, and what the server must promise."""
