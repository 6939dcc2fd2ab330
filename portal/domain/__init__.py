"""Plain rules of challenges, submissions, jobs and scores. No input or output, standard library only."""
