"""The report of an evaluation as one HTML page."""

from bharnet_ros.evaluation.report_html.page import render, write_report

__all__ = ["render", "write_report"]
