"""Are the labels of a corpus true? Derived again from the data sets' own files, by none of the project's code."""
