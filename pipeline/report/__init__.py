"""What people read: the report, the workbook and its CSV files, made of published tables."""
