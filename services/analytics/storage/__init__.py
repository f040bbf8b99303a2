"""History, matters, figures and caseloads as rows."""
