"""Running a model over test videos: the Scorer interface, LAVIDA's scorer, the writer of scores."""
