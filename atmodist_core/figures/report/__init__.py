"""One page and one PDF that show and read an evaluation: :func:`atmodist_core.figures.report.build.report_of` and the two renderers."""
