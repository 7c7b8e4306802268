"""The oldest and the newest allowed versions: installing them, running tests with them, comparing what they build."""
