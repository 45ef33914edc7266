"""Who changed what, and how each event ended, in a chain that nobody can mend unseen."""
